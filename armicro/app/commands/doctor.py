"""`armicro doctor`: what was found on this machine, what is missing, what for, and how to get it."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from rich.table import Table

from armicro.app import console
from armicro.app.data_files import data_folder
from armicro.app.machine import is_importable, machine_facts, version_of
from armicro.app.profiles import load_optics, load_stain_profile, profile_names
from armicro.contracts.errors import EngineError
from armicro.devices.found import serial_ports
from armicro.inference.manifest import eight_bits, for_onnxruntime, load_network, read_manifest
from armicro.inference.plans import cache_folder
from armicro.scoring.guidelines import guideline_names, load_guideline

_INSTRUMENT = "pip install 'armicro[instrument]'"
_GENTL = "GENICAM_GENTL64_PATH"
_WAIT_S = 10


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the answer.

    Parameters
    ----------
    name : str
        What was looked for.
    found : str or None
        What was found; None where it is missing.
    purpose : str
        What it is for, and how to get it where it is missing.
    """

    name: str
    found: str | None
    purpose: str


def _safely(name: str, look: Callable[[], list[Finding]]) -> list[Finding]:
    """Look for something; a look that fails is itself a finding, since this command must always answer."""
    try:
        return look()
    except Exception as error:  # noqa: BLE001 - a broken driver or package is what people run this for
        return [Finding(name, None, f"looking for it failed ({type(error).__name__}: {error})")]


def _package(distribution: str, module: str, purpose: str, get: str) -> Finding:
    version = version_of(distribution)
    if version is None or not is_importable(module):
        return Finding(distribution, None, f"{purpose}: {get}")
    return Finding(distribution, version, purpose)


def _networks() -> list[Finding]:
    """Check each network's file against the manifest, as scoring does."""
    folder = data_folder("engines")
    manifest = read_manifest(folder)
    if manifest is None:
        return [Finding("network", None, f"none in {folder}: nuclei are found by the classical detector")]
    found = []
    for entry in manifest.model:
        use = f"--detector {entry.name}" + ("; the default" if entry.name == manifest.default else "")
        try:
            network = load_network(folder, entry.name)
            found.append(Finding("network", network.entry.identity, use))
            if entry.onnxruntime is not None:
                of_ort = for_onnxruntime(network).entry.identity
                found.append(Finding("for ONNX Runtime", of_ort, "the same network, quicker there"))
            if entry.int8 is not None:
                in_8_bits = "--engine onnxruntime-int8 or openvino-int8"
                found.append(Finding("in 8 bits", eight_bits(network).entry.identity, in_8_bits))
        except EngineError as error:
            found.append(Finding("network", None, str(error)))
    return found


def _engines() -> list[Finding]:
    return [
        Finding("classical detector", "built in", "--detector classical; needs none of the engines below"),
        *_networks(),
        _package("onnxruntime", "onnxruntime", "networks on the CPU", "pip install onnxruntime"),
        _package("openvino", "openvino", "networks on Intel and AMD CPUs, faster", "pip install openvino"),
        _package(
            "tensorrt", "tensorrt", "networks on an NVIDIA GPU", "pip install tensorrt (fetches from NVIDIA)"
        ),
        _package("tensorrt-rtx", "tensorrt_rtx", "networks on an NVIDIA RTX GPU", "pip install tensorrt-rtx"),
        _package("pycuda", "pycuda", "GPU memory", "pip install pycuda (needs the CUDA toolkit)"),
        _package(
            "cuda-bindings", "cuda.bindings", "GPU memory, instead of pycuda", "pip install cuda-bindings"
        ),
        Finding("plans", str(cache_folder()), "networks compiled for this machine's GPU are kept there"),
    ]


def _gpu() -> list[Finding]:
    tool = shutil.which("nvidia-smi")
    if tool is None:
        return [Finding("NVIDIA GPU", None, "only for networks on a GPU: no nvidia-smi, so no driver")]
    query = [tool, "--query-gpu=name,driver_version,memory.total", "--format=csv,noheader"]
    done = subprocess.run(  # noqa: S603 - the driver's own tool with fixed arguments
        query, capture_output=True, text=True, timeout=_WAIT_S, check=False
    )
    lines = [line.strip() for line in done.stdout.splitlines() if line.strip()]
    if done.returncode != 0 or not lines:
        return [Finding("NVIDIA GPU", None, "nvidia-smi answers with an error: check the driver")]
    return [Finding("NVIDIA GPU", line, "networks on a GPU") for line in lines]


def _producers() -> list[Finding]:
    """Find GenTL producers: on the vendors' path, and the demonstration one inside the genicam package."""
    folders = [Path(p) for p in os.environ.get(_GENTL, "").split(os.pathsep) if p]
    spec = importlib.util.find_spec("genicam") if is_importable("genicam") else None
    found = [cti for folder in folders if folder.is_dir() for cti in sorted(folder.glob("*.cti"))]
    for place in (spec.submodule_search_locations or []) if spec is not None else []:
        found += sorted(Path(place).rglob("*.cti"))
    if not found:
        return [
            Finding(
                "GenTL producer",
                None,
                f"the camera vendor's driver: install it; it sets {_GENTL}",
            )
        ]
    return [Finding("GenTL producer", str(cti), "speaks to cameras") for cti in found]


def _cameras() -> list[Finding]:
    return [
        _package("harvesters", "harvesters", "drives GenICam cameras", _INSTRUMENT),
        _package("genicam", "genicam", "drives GenICam cameras", _INSTRUMENT),
        *_producers(),
    ]


def _serial() -> list[Finding]:
    library = _package("pyserial", "serial", "pedal on a serial port", _INSTRUMENT)
    if library.found is None:
        return [library]
    ports = [
        Finding("serial port", f"{p.address} ({p.words})", "a pedal may be there") for p in serial_ports()
    ]
    return [
        library,
        *(ports or [Finding("serial port", None, "none; the keyboard can stand in for the pedal")]),
    ]


def _display() -> list[Finding]:
    window = _package("PyQt6", "PyQt6", "windows for operator and eyepiece", _INSTRUMENT)
    if sys.platform in ("win32", "darwin"):
        return [window, Finding("display", "the system's own", "windows")]
    names = [f"{n}={os.environ[n]}" for n in ("WAYLAND_DISPLAY", "DISPLAY") if os.environ.get(n)]
    purpose = "windows; scoring recordings needs none"
    return [window, Finding("display", ", ".join(names) or None, purpose)]


def _data() -> list[Finding]:
    found = [Finding("calibration folder", str(data_folder("calibration")), "stain and optics profiles")]
    for name in profile_names("stain"):
        profile = load_stain_profile(name)
        found.append(Finding("stain profile", f"{profile.name} {profile.version}", "--stain-profile"))
    for name in profile_names("optics"):
        optics = load_optics(name)
        found.append(Finding("optics profile", f"{name}: {optics.um_per_px:g} µm/px", "--optics"))
    rules = [f"{name} {load_guideline(name).version}" for name in guideline_names()]
    return [*found, *(Finding("rule set", rule, "--guideline") for rule in rules)]


def _folders() -> list[Finding]:
    here = Path.cwd()
    free = f"{shutil.disk_usage(here).free / 1e9:.1f} GB free"
    if os.access(here, os.W_OK):
        return [Finding("current folder", f"{here}, writable, {free}", "outputs without a path go here")]
    return [Finding("current folder", None, f"{here} cannot be written to: name other folders for outputs")]


_SECTIONS: tuple[tuple[str, Callable[[], list[Finding]]], ...] = (
    ("engines", _engines),
    ("GPU", _gpu),
    ("cameras", _cameras),
    ("pedal", _serial),
    ("display", _display),
    ("profiles and rules", _data),
    ("folders", _folders),
)


def examine() -> list[tuple[str, list[Finding]]]:
    """Look at everything; never raises.

    Returns
    -------
    list of (str, list of Finding)
        Findings by section.
    """
    return [(title, _safely(title, look)) for title, look in _SECTIONS]


def doctor() -> None:
    """Tell what was found on this machine, what is missing, what for, and how to get it.

    Nothing that is missing is needed to score recorded cases, unless it says so.
    """
    out = console.results()
    for key, value in machine_facts().items():
        out.print(f"{key}: {console.shown(value)}", soft_wrap=True)
    for title, findings in examine():
        out.print()
        table = Table(
            title=title, title_justify="left", title_style="bold", box=None, pad_edge=False, show_header=False
        )
        table.add_column(no_wrap=True)
        for _ in range(2):
            table.add_column(overflow="fold")
        for finding in findings:
            state = finding.found if finding.found is not None else "missing"
            table.add_row(console.shown(finding.name), console.shown(state), console.shown(finding.purpose))
        out.print(table)

"""Compile a network for a GPU that need not be in this machine.

    python -m tools.build_engine engines/nuclei-a.onnx --compute-capability 8.9

Compute capabilities: 7.5 for an RTX 2080, 8.6 for an RTX 30 card, 8.9 for an RTX 40 card, 12.0 for an RTX 50
card. Naming one needs tensorrt-rtx (pip install tensorrt-rtx); the full tensorrt builds for the GPU that is
there. The ONNX file has to stand beside the manifest that names it. The plan is put where the program looks
for it, or into the folder named by --out; it holds only for this version of TensorRT and this system.
"""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path

from armicro.contracts.errors import ArmicroError, EngineError, InputError
from armicro.inference.cuda_memory import Device, open_memory
from armicro.inference.manifest import Network, load_network, read_manifest
from armicro.inference.plans import (
    Flavour,
    build_plan,
    cache_folder,
    load_tensorrt,
    plan_path,
    read_plan,
    write_plan,
)


def parse_capability(text: str) -> tuple[int, int]:
    """Read "8.9" as (8, 9).

    Raises
    ------
    InputError
        If it is not two numbers with a point between.
    """
    found = re.fullmatch(r"(\d{1,2})\.(\d)", text.strip())
    if found is None:
        raise InputError(f"--compute-capability: expected a number such as 8.9, got {text!r}")
    return int(found[1]), int(found[2])


def network_of(path: Path) -> Network:
    """Load the network that an ONNX file is, by the manifest beside it.

    Raises
    ------
    EngineError
        If there is no manifest, it does not name the file, or the file is not the one of the manifest.
    """
    manifest = read_manifest(path.parent)
    names = [] if manifest is None else [entry.name for entry in manifest.model if entry.file == path.name]
    if not names:
        raise EngineError(
            f"{path}: no manifest beside it names it; export it with python -m tools.train.export"
        )
    return load_network(path.parent, names[0])


def target_of(flavour: Flavour, capability: str | None) -> Device:
    """Return the GPU that is built for: one of the capability named, else the one in this machine.

    Raises
    ------
    EngineError
        If no capability is named and no GPU answers, or the one named is not the one in this machine though
        this TensorRT can build for no other.
    """
    if capability is not None and flavour.names_targets:
        return Device("", parse_capability(capability))
    device = open_memory().device
    if capability is not None and device.capability != parse_capability(capability):
        raise EngineError(
            f"{flavour.name} {flavour.version} builds for the GPU in this machine, {device.name} of compute "
            f"capability {device.sm}, and not for {capability}: use --with tensorrt_rtx"
        )
    return device


def build(onnx: Path, capability: str | None, flavour_name: str | None, out: Path | None) -> Path:
    """Build a plan and write it; see the module.

    Returns
    -------
    Path
        The plan.
    """
    network = network_of(onnx)
    flavour = load_tensorrt(flavour_name)
    device = target_of(flavour, capability)
    path = plan_path(out if out is not None else cache_folder(), network, flavour, device)
    plan = build_plan(network, flavour, device.capability if flavour.names_targets else None)
    write_plan(path, plan)
    if read_plan(path) != plan:
        raise EngineError(f"{path} was not written whole")
    return path


def main(arguments: list[str] | None = None) -> int:
    """Command line; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.build_engine", description="Compile a network for an NVIDIA GPU."
    )
    parser.add_argument("onnx", type=Path, help="ONNX file, beside its manifest.toml")
    parser.add_argument(
        "--compute-capability", metavar="X.Y", help="of the GPU; left out, the one in this machine"
    )
    parser.add_argument("--with", dest="flavour", choices=("tensorrt", "tensorrt_rtx"), help="which TensorRT")
    parser.add_argument("--out", type=Path, help="folder that takes the plan; left out, the user's cache")
    args = parser.parse_args(arguments)
    flavour = args.flavour
    if flavour is None and args.compute_capability is not None:
        flavour = "tensorrt_rtx"  # the one that builds for a GPU that is named
    try:
        path = build(args.onnx, args.compute_capability, flavour, args.out)
    except ArmicroError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(f"{path}: {path.stat().st_size / 1e6:.1f} MB")
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Plans: a network compiled for one kind of GPU by one version of TensorRT, and the cache they are kept in.

A plan fits nothing but the ONNX file, the TensorRT version and the GPU it was built for, so these three are
its key. Plans are made where they are used and never shipped.
"""

from __future__ import annotations

import hashlib
import importlib
import os
import platform
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import platformdirs

from armicro.contracts.errors import EngineError
from armicro.inference.cuda_memory import Device
from armicro.inference.manifest import Network

MAX_SIDE_PX = 4096
"""Largest side of an input that a plan takes: a tile with its margins, enlarged by resampling."""
_USUAL_SIDE_PX = 1504
_MAGIC = b"armicro plan 1\n"
_FLAVOURS = ("tensorrt", "tensorrt_rtx")


@dataclass(frozen=True, slots=True)
class Flavour:
    """A TensorRT that could be loaded: the full one or the one for RTX cards; their interface is the same.

    Parameters
    ----------
    name : str
        "tensorrt" or "tensorrt_rtx".
    version : str
        Its version.
    trt : module
        The module.
    """

    name: str
    version: str
    trt: Any

    @property
    def names_targets(self) -> bool:
        """Whether it builds for a GPU that is named, and not only for the one that is there."""
        return hasattr(self.trt, "ComputeCapability")


def load_tensorrt(name: str | None = None) -> Flavour:
    """Load TensorRT.

    Parameters
    ----------
    name : str or None
        "tensorrt" or "tensorrt_rtx"; None takes the first that loads, the full one first.

    Raises
    ------
    EngineError
        If none can be loaded.
    """
    problems = []
    for module in _FLAVOURS if name is None else (name,):
        try:
            trt = importlib.import_module(module)
            return Flavour(module, str(trt.__version__), trt)
        except (ImportError, OSError, RuntimeError, AttributeError) as error:
            problems.append(f"{module}: {error}")
    raise EngineError(f"TensorRT cannot be loaded ({'; '.join(problems)}): pip install tensorrt-rtx")


def collector(trt: Any) -> Any:  # noqa: ANN401 - TensorRT has no types
    """Return a logger that keeps TensorRT's errors in its `errors`, for the message that the user gets."""

    class Collector(trt.ILogger):  # type: ignore[misc]
        def __init__(self) -> None:
            trt.ILogger.__init__(self)
            self.errors: list[str] = []

        def log(self, severity: Any, text: str) -> None:  # noqa: ANN401
            if severity in (trt.ILogger.Severity.ERROR, trt.ILogger.Severity.INTERNAL_ERROR):
                self.errors.append(" ".join(text.split())[:300])

    return Collector()


def capability_name(capability: tuple[int, int]) -> str:
    """Return TensorRT's name of a compute capability: (8, 9) is `SM89`."""
    return f"SM{capability[0]}{capability[1]}"


def build_plan(network: Network, flavour: Flavour, capability: tuple[int, int] | None) -> bytes:
    """Compile a network.

    Parameters
    ----------
    network : Network
        Checked by `load_network`.
    flavour : Flavour
        With what.
    capability : (int, int) or None
        Compute capability that is built for, which needs no GPU; None builds for the GPU that is there.

    Returns
    -------
    bytes
        The plan.

    Raises
    ------
    EngineError
        If the network cannot be parsed or built, or the capability is none that can be named.
    """
    logger = collector(flavour.trt)
    try:
        plan = _built(network, flavour, capability, logger)
    except EngineError:
        raise
    except Exception as error:  # TensorRT's errors have no common base
        raise EngineError(f"TensorRT cannot build network {network.entry.name} ({error})") from error
    if plan is None:
        said = logger.errors[-1:] or ["it does not say why"]
        raise EngineError(f"TensorRT cannot build network {network.entry.name} ({said[0]})")
    return bytes(plan)


def _built(network: Network, flavour: Flavour, capability: tuple[int, int] | None, logger: Any) -> Any:  # noqa: ANN401
    """Return TensorRT's serialised network, None where it fails."""
    trt = flavour.trt
    builder = trt.Builder(logger)
    flag = getattr(trt.NetworkDefinitionCreationFlag, "STRONGLY_TYPED", None)
    definition = builder.create_network(0 if flag is None else 1 << int(flag))
    parser = trt.OnnxParser(definition, logger)
    if not parser.parse(network.onnx):
        said = [str(parser.get_error(i).desc()) for i in range(parser.num_errors)]
        raise EngineError(f"TensorRT cannot read network {network.entry.name} ({'; '.join(said)})")
    config = builder.create_builder_config()
    _set_target(config, flavour, capability)
    # 19 bits would be a little faster; the same answer as on the processor is worth more.
    if hasattr(trt.BuilderFlag, "TF32"):
        config.clear_flag(trt.BuilderFlag.TF32)
    config.add_optimization_profile(_profile(builder, network))
    return builder.build_serialized_network(definition, config)


def _set_target(config: Any, flavour: Flavour, capability: tuple[int, int] | None) -> None:  # noqa: ANN401
    if capability is None:
        return
    if not flavour.names_targets:
        raise EngineError(
            f"{flavour.name} {flavour.version} builds for the GPU that is there only: use tensorrt-rtx to "
            "build for another"
        )
    known = flavour.trt.ComputeCapability
    target = getattr(known, capability_name(capability), None)
    if target is None:
        names = ", ".join(sorted(n for n in dir(known) if n.startswith("SM")))
        raise EngineError(
            f"{flavour.name} {flavour.version} cannot build for compute capability "
            f"{capability[0]}.{capability[1]}; it knows {names}"
        )
    config.num_compute_capabilities = 1
    config.set_compute_capability(target, 0)


def _profile(builder: Any, network: Network) -> Any:  # noqa: ANN401
    """Return the range of shapes: height and width free."""
    profile = builder.create_optimization_profile()
    shapes = [(1, n, n, 3) for n in (2 * network.entry.multiple, _USUAL_SIDE_PX, MAX_SIDE_PX)]
    profile.set_shape("rgb", *shapes)
    return profile


def cache_folder() -> Path:
    """Return the folder of the user's plans; it need not exist."""
    return platformdirs.user_cache_path("armicro", appauthor=False) / "plans"


def plan_path(folder: Path, network: Network, flavour: Flavour, gpu: Device) -> Path:
    """Return where the plan for a key lies.

    Parameters
    ----------
    folder : Path
        The cache.
    network : Network
        Its hash is part of the key.
    flavour : Flavour
        Name and version are part of the key.
    gpu : Device
        The compute capability is part of the key; so is the name, where a plan is built for one model only.
    """
    card = "" if flavour.names_targets else gpu.name
    system = f"{sys.platform} {platform.machine()}"
    parts = (network.entry.sha256, flavour.name, flavour.version, gpu.sm, card, system, str(MAX_SIDE_PX))
    key = hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]
    return folder / f"{network.entry.name}-sm{gpu.sm.replace('.', '')}-{key}.plan"


def read_plan(path: Path) -> bytes | None:
    """Read a plan from the cache; None where there is none, or it is damaged or cut short."""
    try:
        content = path.read_bytes()
    except OSError:
        return None
    head = len(_MAGIC) + 32
    plan = content[head:]
    if content[:head] != _MAGIC + hashlib.sha256(plan).digest():
        return None
    return plan


def write_plan(path: Path, plan: bytes) -> None:
    """Put a plan into the cache, whole or not at all.

    Raises
    ------
    EngineError
        If the folder cannot be written to.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, suffix=".part")
        with os.fdopen(handle, "wb") as file:
            file.write(_MAGIC + hashlib.sha256(plan).digest() + plan)
        Path(name).replace(path)
    except OSError as error:
        raise EngineError(f"{path} cannot be written ({error.strerror})") from error

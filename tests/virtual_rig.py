"""The virtual GenICam camera for tests: built once per process, and told what to show and where to fail."""

from __future__ import annotations

import importlib.util
import tempfile
from functools import cache
from pathlib import Path

import pytest

from armicro.contracts.arrays import U8
from armicro.contracts.errors import OutputError
from tools.virtual_camera.build import build_producer
from tools.virtual_camera.frames import write_frames

_folders: list[tempfile.TemporaryDirectory[str]] = []


@cache
def _built() -> Path | str:
    _folders.append(tempfile.TemporaryDirectory())
    try:
        return build_producer(Path(_folders[-1].name))
    except OutputError as error:
        return str(error)


def require_harvesters() -> None:
    """Skip where GenICam cameras cannot be driven at all."""
    if importlib.util.find_spec("harvesters") is None or importlib.util.find_spec("genicam") is None:
        pytest.skip("GenICam cameras need harvesters and genicam: pip install 'armicro[instrument]'")


def virtual_producer() -> Path:
    """Return the virtual camera's producer; skips where it cannot be built."""
    require_harvesters()
    built = _built()
    if isinstance(built, str):
        if "no C compiler" not in built:
            raise RuntimeError(built)
        pytest.skip(built)
    return built


def bundled_producer() -> Path:
    """Return the producer inside the genicam wheel, by somebody else than us; skips where it is not there."""
    require_harvesters()
    import genicam

    path = Path(genicam.__file__).parent / "viky.cti"
    if not path.is_file():
        pytest.skip("this version of the genicam package brings no GenTL producer along")
    return path


def show(patch: pytest.MonkeyPatch, folder: Path, pictures: list[U8], rate_hz: float = 30.0) -> Path:
    """Have virtual cameras show these from now on; returns the path of their control block."""
    frames, control = folder / "virtual.frames", folder / "virtual.control"
    write_frames(frames, pictures)
    patch.setenv("ARMICRO_VIRTUAL_FRAMES", str(frames))
    patch.setenv("ARMICRO_VIRTUAL_CONTROL", str(control))
    patch.setenv("ARMICRO_VIRTUAL_RATE", str(rate_hz))
    return control

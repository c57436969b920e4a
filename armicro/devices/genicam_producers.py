"""Finds GenTL producers (the drivers of GenICam cameras, `.cti` files) and opens a camera through them."""

# ruff: noqa: ANN401 - harvesters has no types

from __future__ import annotations

import ctypes
import logging
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from armicro.contracts.errors import DeviceError

PATH_VARIABLE = "GENICAM_GENTL64_PATH"
_BUFFERS = 6
"""Three, the library's own choice, lose exposures where this program is busy for two of them."""


def find_producers(given: Sequence[Path], environment: Mapping[str, str] = os.environ) -> tuple[Path, ...]:
    """Return the producers to ask: those given, else those that makers' installers have registered.

    The library does not look at `GENICAM_GENTL64_PATH` by itself, so it is done here.

    Raises
    ------
    DeviceError
        If there is none, or one given is missing (the library would only find no camera).
    """
    for path in given:
        if not path.is_file():
            raise DeviceError(f"there is no GenTL producer {path}: give the .cti file of the camera's maker")
    if given:
        return tuple(path.resolve() for path in given)
    folders = [Path(f) for f in environment.get(PATH_VARIABLE, "").split(os.pathsep) if f]
    found = sorted({p.resolve() for folder in folders if folder.is_dir() for p in folder.glob("*.cti")})
    if not found:
        raise DeviceError(
            f"no GenTL producer is known: install the software of the camera's maker (it sets "
            f"{PATH_VARIABLE}), or give its .cti file with --cti"
        )
    return tuple(found)


def load_library() -> Any:
    """Import harvesters; raises `DeviceError` where it is not installed."""
    try:
        from harvesters import core
    except ImportError as error:
        raise DeviceError(
            "GenICam cameras need the package harvesters: install it with pip install 'armicro[instrument]'"
        ) from error
    return core


def connect(producers: Sequence[Path], serial: str | None) -> tuple[Any, Any]:
    """Open a camera.

    Must not be called on the main thread: there, the library replaces the handler of Ctrl+C by one that
    destroys the camera and does not end the program.

    Parameters
    ----------
    producers : sequence of Path
        Asked in this order.
    serial : str or None
        Of the camera; None takes the first that is free.

    Returns
    -------
    tuple
        The harvester and the image acquirer; to be let go with `disconnect`.

    Raises
    ------
    DeviceError
        If it is not there, or taken.
    """
    harvester = _harvester(producers)
    try:
        infos = harvester.device_info_list
        return harvester, _create(load_library(), harvester, _choose(infos, producers, serial))
    except BaseException:
        disconnect(harvester, None)
        raise


def list_cameras(producers: Sequence[Path]) -> tuple[tuple[str, str], ...]:
    """Return serial number and name of each camera that these producers see; not on the main thread.

    Raises
    ------
    DeviceError
        If there is none, or a producer cannot be loaded.
    """
    harvester = _harvester(producers)
    try:
        infos = harvester.device_info_list
        _choose(infos, producers, None)
        return tuple(
            (
                _text(info, "serial_number") or _text(info, "id_"),
                f"{_text(info, 'vendor')} {_text(info, 'model')}".strip(),
            )
            for info in infos
        )
    finally:
        disconnect(harvester, None)


def _harvester(producers: Sequence[Path]) -> Any:
    """Make a harvester that has looked for the cameras of these producers."""
    core = load_library()
    logger = logging.getLogger("armicro.devices.harvesters")
    # What it has to say is told as DeviceError or counted; its log would be a line per damaged picture.
    logger.addHandler(logging.NullHandler())
    logger.propagate = False
    harvester = core.Harvester(config=core.ParameterSet({core.ParameterKey.LOGGER: logger}))
    try:
        for path in producers:
            harvester.add_file(str(path), check_existence=True)
        harvester.update()
    except BaseException:
        disconnect(harvester, None)
        raise
    return harvester


def disconnect(harvester: Any, acquirer: Any) -> None:
    """Let go of a camera, also one that is gone."""
    from genicam import genapi, gentl

    if acquirer is not None:
        # A camera that is gone fails at its first "stop"; asked again, the library goes on from there and
        # gives back the buffers and the device. Leaving its context, unlike `destroy`, also drops the
        # reference by which it would be kept for ever.
        for step in (lambda: acquirer.__exit__(None, None, None), acquirer.destroy):
            with suppress(gentl.GenericException, genapi.GenericException):
                step()
    with suppress(gentl.GenericException, genapi.GenericException):
        harvester.reset()


def _choose(infos: Sequence[Any], producers: Sequence[Path], serial: str | None) -> Any:
    if not infos:
        broken = [why for path in producers if (why := _why_broken(path)) is not None]
        if broken:
            raise DeviceError(f"a GenTL producer cannot be loaded: {'; '.join(broken)}. Install it again")
        names = ", ".join(p.name for p in producers)
        raise DeviceError(
            f"no GenICam camera is connected (asked {names}): check its cable and power, and close other "
            f"programs that use it"
        )
    if serial is None:
        return next((info for info in infos if _text(info, "access_status") != "4"), infos[0])
    for info in infos:
        if serial in (_text(info, "serial_number"), _text(info, "id_")):
            return info
    found = ", ".join(f"{_text(i, 'vendor')} {_text(i, 'model')} {_text(i, 'serial_number')}" for i in infos)
    raise DeviceError(f"there is no camera with the serial number {serial}; found: {found}")


def _create(core: Any, harvester: Any, info: Any) -> Any:
    from genicam import gentl

    keys = core.ParameterKey
    config = core.ParameterSet(
        {keys.NUM_BUFFERS_FOR_FETCH_CALL: _BUFFERS, keys.ENABLE_AUTO_CHUNK_DATA_UPDATE: False}
    )
    name = f"{_text(info, 'vendor')} {_text(info, 'model')} {_text(info, 'serial_number')}"
    try:
        acquirer = harvester.create(info, config=config)
    except (gentl.AccessDeniedException, gentl.ResourceInUseException, gentl.BusyException) as error:
        raise DeviceError(
            f"another program holds the camera {name}: close that program, or, if there is none, allow this "
            f"user to use it (the maker's software does)"
        ) from error
    except gentl.GenericException as error:
        raise DeviceError(
            f"the camera {name} cannot be opened ({_short(error)}): unplug it and plug it in again"
        ) from error
    # A call that waits in the driver keeps every other thread of Python from running
    # (genicam/harvesters#508): ask without waiting, and wait elsewhere.
    acquirer.timeout_period_on_update_event_data_call = 0
    return acquirer


def _why_broken(path: Path) -> str | None:
    # The library says nothing of a producer that does not load. Tried only now, as it stays loaded.
    try:
        ctypes.CDLL(str(path))
    except OSError as error:
        return f"{path.name} ({error})"
    return None


def _text(info: Any, name: str) -> str:
    from genicam import gentl

    try:
        value = getattr(info, name)
    except gentl.GenericException:
        return ""
    return "" if value is None else str(int(value) if name == "access_status" else value)


def _short(error: Exception) -> str:
    return str(error).removeprefix("GenTL exception: ").partition(" (Message")[0]

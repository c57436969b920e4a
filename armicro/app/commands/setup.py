"""`armicro setup`: a short guided set-up of camera, objective, pedal and display."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Annotated

import typer

from armicro.app import console
from armicro.app.case_run import CaseOptions
from armicro.app.console import shown
from armicro.app.instrument import InstrumentOptions, make_camera
from armicro.app.instrument_file import SCHEMA, InstrumentFile, write_instrument
from armicro.app.pedals import make_pedal
from armicro.contracts.devices import LinkEvent, LinkState, PedalPress
from armicro.contracts.errors import DeviceError

_LOOK_S = 2.0
_PRESS_S = 20.0


def try_camera(options: InstrumentOptions) -> str:
    """Open a camera, look at it for a moment, and say what it is.

    Raises
    ------
    ArmicroError
        If it cannot be opened or gives no picture; in words.
    """
    camera = make_camera(options)
    info = camera.open()
    try:
        frames, begin = 0, time.monotonic()
        while time.monotonic() - begin < _LOOK_S:
            frames += camera.grab(_LOOK_S) is not None
        if not frames:
            raise DeviceError(f"{info.name} gives no picture: check exposure, trigger and cable")
    finally:
        camera.close()
    height, width = info.shape_px
    what = ", simulated" if info.simulated else ""
    return f"{info.name}: {width} x {height}, {frames / _LOOK_S:.0f} pictures per second{what}"


def try_pedal(address: str, profile: str | None, wait_s: float = _PRESS_S) -> str:
    """Wait for a press of a pedal, and say what was heard.

    Raises
    ------
    ArmicroError
        If the line is not there, or nothing is heard.
    """
    pedal = make_pedal(address, profile)
    if pedal is None:
        return "no pedal"
    heard, pressed, lost = threading.Event(), [], []

    def on_press(press: PedalPress) -> None:
        pressed.append(press)
        heard.set()

    def on_link(event: LinkEvent) -> None:
        if event.state is LinkState.LOST:
            lost.append(event.words)
            heard.set()

    pedal.start(on_press, on_link)
    try:
        heard.wait(wait_s)
    finally:
        pedal.close()
    if pressed:
        return f"{pedal.identity}: heard"
    raise DeviceError(lost[0] if lost else f"{pedal.identity}: no press was heard within {wait_s:g} s")


def setup(
    camera: Annotated[
        str | None,
        typer.Option("--camera", metavar="NAME", help="sim, webcam:N, genicam[:SERIAL], replay:FILE."),
    ] = None,
    cti: Annotated[
        list[Path] | None, typer.Option("--cti", metavar="FILE", help="GenTL producer; may be repeated.")
    ] = None,
    um_per_px: Annotated[
        float | None, typer.Option("--um-per-px", metavar="X", help="Scale with the usual objective.")
    ] = None,
    pedal: Annotated[
        str | None, typer.Option("--pedal", metavar="ADDRESS", help="As for `armicro run`; none for none.")
    ] = None,
    pedal_profile: Annotated[str | None, typer.Option("--pedal-profile", metavar="FILE")] = None,
    eyepiece: Annotated[
        str | None, typer.Option("--eyepiece", metavar="DISPLAY", help="Display of the beam splitter.")
    ] = None,
    eyepiece_calibration: Annotated[
        Path | None, typer.Option("--eyepiece-calibration", metavar="FILE")
    ] = None,
    flat_field: Annotated[Path | None, typer.Option("--flat-field", metavar="FILE")] = None,
    test: Annotated[
        bool, typer.Option("--test/--no-test", help="Open the camera and wait for a press of the pedal.")
    ] = True,
    yes: Annotated[bool, typer.Option("--yes", help="Ask nothing: take what is given.")] = False,
) -> None:
    """Ask for camera, scale, pedal and display, try them, and keep them for `armicro run`."""
    out = console.results()
    if not yes:
        camera = camera or typer.prompt("Camera (sim, webcam:0, genicam:SERIAL)", default="sim")
        if camera.startswith("genicam") and not cti:
            given = typer.prompt("GenTL producer file (.cti); empty for GENICAM_GENTL64_PATH", default="")
            cti = [Path(given)] if given else None
        if um_per_px is None and not camera.startswith(("sim", "replay")):
            um_per_px = typer.prompt("µm per pixel with the usual objective", type=float)
        pedal = pedal or typer.prompt(
            "Pedal (keyboard, a serial address, contact:ADDRESS, none)", default="keyboard"
        )
        if eyepiece is None:
            eyepiece = (
                typer.prompt("Display of the eyepiece (its number from 1; empty for none)", default="")
                or None
            )
    camera, pedal = camera or "sim", None if pedal in (None, "none") else pedal
    if test:
        options = InstrumentOptions(camera, CaseOptions(), um_per_px=um_per_px, cti=tuple(cti or ()))
        out.print(shown(try_camera(options)), soft_wrap=True)
        if pedal not in (None, "keyboard"):
            console.note("press the pedal now")
            out.print(shown(try_pedal(pedal, pedal_profile)), soft_wrap=True)
    values = {
        "schema": SCHEMA,
        "camera": camera,
        "cti": tuple(str(p.resolve()) for p in cti or ()),
        "um_per_px": um_per_px,
        "pedal": pedal,
        "pedal_profile": pedal_profile,
        "eyepiece": eyepiece,
        "eyepiece_calibration": None if eyepiece_calibration is None else str(eyepiece_calibration.resolve()),
        "flat_field": None if flat_field is None else str(flat_field.resolve()),
    }
    file = InstrumentFile.model_validate(values)
    path = write_instrument(file)
    out.print(f"Kept in {shown(path)}. `armicro run` uses it; its options count more.", soft_wrap=True)

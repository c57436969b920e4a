"""`armicro setup`: a short guided set-up of camera, objective, pedal and display."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Annotated

import typer

from armicro.app import console
from armicro.app.case_run import CaseOptions
from armicro.app.console import shown
from armicro.app.instrument import InstrumentOptions, make_camera
from armicro.app.pedals import make_pedal
from armicro.app.setting_up import keep, keep_also
from armicro.contracts.devices import LinkEvent, LinkState, PedalPress
from armicro.contracts.errors import DeviceError
from armicro.devices.found import find_cameras, serial_ports
from armicro.session.instrument_choice import InstrumentChoice
from armicro.session.pedal_trial import PedalTrial

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
    heard, trial, lost = threading.Event(), PedalTrial(), []

    def on_press(press: PedalPress) -> None:
        trial.heard(press)
        if trial.works:
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
    if trial.works:
        return f"{pedal.identity}: heard"
    raise DeviceError(lost[0] if lost else f"{pedal.identity}: no press was heard within {wait_s:g} s")


def _list(found: Sequence[tuple[str, str]], notes: Sequence[str] = ()) -> None:
    out = console.results()
    for address, words in found:
        out.print(f"  {shown(address)}: {shown(words)}", soft_wrap=True)
    for note in notes:
        out.print(f"  {shown(note)}", soft_wrap=True)


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
    objective: Annotated[
        str | None, typer.Option("--objective", metavar="NAME", help="What that objective is called: 40x.")
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
        if camera is None:
            # In a thread of its own: a GenICam library asked on the main one would take Ctrl-C away.
            with ThreadPoolExecutor(1) as pool:
                found = pool.submit(find_cameras, tuple(cti or ())).result()
            _list([(c.address, c.words) for c in found.cameras], found.notes)
        camera = camera or typer.prompt("Camera (sim, webcam:0, genicam:SERIAL)", default="sim")
        if camera.startswith("genicam") and not cti:
            given = typer.prompt("GenTL producer file (.cti); empty for GENICAM_GENTL64_PATH", default="")
            cti = [Path(given)] if given else None
        if um_per_px is None and not camera.startswith(("sim", "replay")):
            um_per_px = typer.prompt("µm per pixel with the usual objective", type=float)
            objective = objective or typer.prompt("What it is called, such as 40x", default="") or None
        if pedal is None:
            _list([(p.address, p.words) for p in serial_ports()])
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
    files = tuple(str(p.resolve()) for p in cti or ())
    choice = InstrumentChoice(camera, files, um_per_px, objective, pedal, pedal_profile, eyepiece)
    also = {"eyepiece_calibration": eyepiece_calibration, "flat_field": flat_field}
    keep(choice)
    path = keep_also({name: str(file.resolve()) for name, file in also.items() if file is not None})
    out.print(f"Kept in {shown(path)}. `armicro run` uses it; its options count more.", soft_wrap=True)

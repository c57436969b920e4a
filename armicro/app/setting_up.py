"""The set-up of an instrument: what is there, how it is tried, and how it is kept. For command and window."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path

from armicro.app.calibration_files import ScaleFile
from armicro.app.calibration_store import calibration_folder, newest, order, stored
from armicro.app.case_run import CaseOptions
from armicro.app.instrument import InstrumentOptions, make_camera
from armicro.app.instrument_file import SCHEMA, InstrumentFile, read_instrument, write_instrument
from armicro.app.pedals import make_pedal
from armicro.app.profiles import load_optics, profile_names
from armicro.contracts.arrays import U8
from armicro.contracts.devices import CameraEvent, CameraEventKind, Exposure, LinkEvent, PedalPress
from armicro.contracts.errors import CalibrationError, InputError
from armicro.devices.capture import CaptureLoop
from armicro.session.instrument_choice import KEYBOARD, InstrumentChoice
from armicro.session.measured import KnownObjective

_ANY_SCALE = 0.25
"""What a camera is told where only its picture is looked at."""


def options_of(choice: InstrumentChoice) -> InstrumentOptions:
    """Return what a camera is made with to be looked at: any scale where none is chosen yet."""
    scale = choice.um_per_px
    if scale is None and not choice.tells_scale:
        scale = _ANY_SCALE
    cti = tuple(Path(p) for p in choice.cti)
    return InstrumentOptions(choice.camera, CaseOptions(), um_per_px=scale, cti=cti)


class CameraPreview:
    """A camera that is looked at before it is chosen; see `armicro.ui.setup_desk.Preview`.

    Parameters
    ----------
    choice : InstrumentChoice
        Whose camera.

    Raises
    ------
    ArmicroError
        If there is no such camera.
    """

    def __init__(self, choice: InstrumentChoice) -> None:
        self._lock = threading.Lock()
        self._rgb: U8 | None = None
        self._words = "Waiting for the first picture…"
        self._failed = False
        self._name = choice.camera
        self._times: list[float] = []
        self._loop = CaptureLoop(make_camera(options_of(choice)))
        self._loop.start(self._on_exposure, self._on_event)

    def newest(self) -> tuple[U8 | None, str, bool]:
        """Return the newest picture, what is known of the camera in words, and whether it gives none."""
        with self._lock:
            return self._rgb, self._words, self._failed

    def close(self) -> None:
        """Let go of the camera; may take seconds, may be called twice."""
        self._loop.close()

    def _on_exposure(self, exposure: Exposure) -> None:
        now = time.monotonic()
        height, width = exposure.rgb.shape[:2]
        with self._lock:
            self._times = [t for t in self._times if now - t < 1] + [now]
            self._rgb, self._failed = exposure.rgb, False
            self._words = f"{self._name}: {width} × {height}, {len(self._times)} pictures per second"

    def _on_event(self, event: CameraEvent) -> None:
        with self._lock:
            if event.info is not None:
                self._name = event.info.name + (", simulated" if event.info.simulated else "")
            if event.kind not in (CameraEventKind.OPENED, CameraEventKind.RECOVERED):
                self._rgb, self._words, self._failed = None, event.words, True


def listen_to(
    choice: InstrumentChoice, on_press: Callable[[PedalPress], None], on_link: Callable[[LinkEvent], None]
) -> Callable[[], None]:
    """Listen to the pedal of a choice, to try it; returns how to end that.

    The keyboard is the window's own, and nothing is listened to here.

    Raises
    ------
    ArmicroError
        If there is no such pedal.
    """
    if choice.pedal in (None, KEYBOARD):
        return lambda: None
    pedal = make_pedal(choice.pedal, choice.pedal_profile)
    if pedal is None:
        raise InputError(f"there is no pedal {choice.pedal!r}")
    pedal.start(on_press, on_link)
    return pedal.close


def known_objectives(folder: Path | None = None) -> tuple[KnownObjective, ...]:
    """Return the objectives that were measured here, the newest measurement of each, then shipped ones."""
    folder = folder or calibration_folder()
    today = datetime.now().astimezone().date()
    measured: dict[str, ScaleFile] = {}
    scales = [s.calibration for s in stored(folder) if isinstance(s.calibration, ScaleFile)]
    for one in sorted(scales, key=order):
        measured[one.objective] = one
    known = [
        KnownObjective(
            one.objective,
            one.um_per_px,
            f"measured {one.date}, {one.residual}; "
            + (f"counts until {one.expires}" if one.valid_on(today) else f"expired on {one.expires}"),
            measured=True,
        )
        for one in measured.values()
    ]
    for name in profile_names("optics"):
        optics = load_optics(name)
        words = f"shipped profile {name}: not measured on this instrument"
        known.append(KnownObjective(optics.objective, optics.um_per_px, words, measured=False))
    return tuple(known)


def scale_state(choice: InstrumentChoice, folder: Path | None = None) -> str:
    """Say in words whether the scale of a choice was measured, and whether it counts."""
    if choice.um_per_px is None:
        return "The camera tells its scale by itself." if choice.tells_scale else "No scale yet."
    if choice.objective:
        try:
            kept = newest(folder or calibration_folder(), ScaleFile, choice.objective)
        except CalibrationError:
            kept = None
        if kept is not None and abs(kept.um_per_px / choice.um_per_px - 1) < 1e-4:
            return f"Measured on {kept.date}: {kept.residual}; counts until {kept.expires}."
    return "Not measured on this instrument: measure it with a stage micrometer (menu Instrument, Calibrate)."


def chosen(file: InstrumentFile | None) -> InstrumentChoice:
    """Return what a person chose, of a file."""
    if file is None:
        return InstrumentChoice()
    return InstrumentChoice(
        camera=file.camera,
        cti=file.cti,
        um_per_px=file.um_per_px,
        objective=file.objective,
        pedal=file.pedal,
        pedal_profile=file.pedal_profile,
        eyepiece=file.eyepiece,
    )


def keep(choice: InstrumentChoice, path: Path | None = None) -> Path:
    """Keep a choice for `armicro run`; what it does not know (nosepiece, flat field) stays as it was.

    Raises
    ------
    ArmicroError
        If it cannot be written, or does not fit together.
    """
    before = read_instrument(path)
    values: dict[str, object] = {
        "schema": SCHEMA,
        "camera": choice.camera,
        "cti": choice.cti,
        "um_per_px": choice.um_per_px,
        "objective": choice.objective,
        "pedal": choice.pedal,
        "pedal_profile": choice.pedal_profile,
        "eyepiece": choice.eyepiece,
    }
    kept = {} if before is None else before.model_dump(by_alias=True)
    return write_instrument(InstrumentFile.model_validate(kept | values), path)


def keep_also(changes: Mapping[str, object], path: Path | None = None) -> Path:
    """Change single settings of the file that is there, or of one that begins with the simulated slide."""
    before = read_instrument(path)
    kept = {"schema": SCHEMA, "camera": "sim"} if before is None else before.model_dump(by_alias=True)
    return write_instrument(InstrumentFile.model_validate(kept | dict(changes)), path)

"""The operator window as `armicro run` opens it: whether there can be one, and what is done for it."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from pathlib import Path

import platformdirs

from armicro.app.calibration_desk import calibration_desk
from armicro.app.calibration_files import EyepieceFile
from armicro.app.calibration_store import read
from armicro.app.case_run import CaseOptions
from armicro.app.desks import setup_desk
from armicro.app.pedals import KEYBOARD
from armicro.app.profiles import profile_names
from armicro.app.save_profile import save_stain_profile, save_with_vector
from armicro.app.settings_lock import set_lock
from armicro.contracts.devices import LinkEvent, LinkState
from armicro.contracts.errors import CalibrationError, DeviceError
from armicro.contracts.eyepiece import EyepieceCalibration
from armicro.contracts.stain import Vector3
from armicro.devices.key_pedal import KeyPedal
from armicro.scoring.guidelines import guideline_names, load_guideline
from armicro.session.commands import SetStainProfile
from armicro.session.press_switch import PressSwitch
from armicro.session.session import Session
from armicro.session.view import SessionSnapshot
from armicro.store.casebook import CaseBook

SIMULATED = "sim"
NO_CAMERA = (
    "No camera was named, so this is the simulated slide: arrow keys move it. "
    "For a real one use the menu Instrument, Set up, or start `armicro run --camera NAME`."
)
_SPACE = "space bar"
_TRY = "from PyQt6.QtWidgets import QApplication; QApplication([])"
_TRY_S = 30
_LIBRARIES = "libegl1 libgl1 libxkbcommon0 libdbus-1-3 libfontconfig1 libxcb-cursor0"


def for_window(camera: str | None, pedal: str | None) -> tuple[str, str | None, tuple[str, ...]]:
    """Return camera, pedal and notices for a run with a window.

    Without a camera it is the simulated slide. The keyboard is the window's own: it listens to no terminal.
    """
    notices = () if camera is not None else (NO_CAMERA,)
    return camera or SIMULATED, None if pedal == KEYBOARD else pedal, notices


def require_window() -> None:
    """Make sure that a window can be opened.

    Qt ends the whole program where it finds no display, so another process is the first to try.

    Raises
    ------
    DeviceError
        In words, with what to install or do.
    """
    headless = "or run without a window: --headless"
    try:
        import PyQt6.QtWidgets  # noqa: F401 - whether it loads is the question
    except ModuleNotFoundError as error:
        raise DeviceError(f"the window needs PyQt6: pip install 'armicro[instrument]', {headless}") from error
    except ImportError as error:
        raise DeviceError(
            f"PyQt6 cannot be loaded ({error}): on Debian or Ubuntu apt install {_LIBRARIES}, {headless}"
        ) from error
    try:
        tried = subprocess.run(  # noqa: S603 - our own interpreter, a constant program
            [sys.executable, "-c", _TRY], capture_output=True, text=True, timeout=_TRY_S, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise DeviceError(f"the display does not answer within {_TRY_S} s: try again, {headless}") from error
    if tried.returncode != 0:
        raise DeviceError(f"no window can be opened: {_why(tried.stderr)}, {headless}")


def _why(stderr: str) -> str:
    """Turn Qt's complaint into what to do."""
    # First, because Qt names a library that it could need whenever it finds no display.
    if not os.environ.get("DISPLAY") and not os.environ.get("WAYLAND_DISPLAY"):
        return "there is no display; start it from a desktop session"
    if "xcb-cursor" in stderr or ".so" in stderr:
        return f"a library of the display may be missing; on Debian or Ubuntu apt install {_LIBRARIES}"
    lines = [line for line in stderr.splitlines() if line.strip()]
    return (lines[0] if lines else "Qt gives no reason") + "; check the display"


class Keeping:
    """Knows whether a case would be lost: it is in memory only, and its report was not written since.

    Parameters
    ----------
    session : Session
        Whose case.
    kept : bool
        Whether cases are kept on disk as they grow.
    written_at_end : bool
        Whether outputs were asked for that are written when the program ends.
    """

    def __init__(self, session: Session, *, kept: bool, written_at_end: bool) -> None:
        self._session, self._kept, self._written_at_end = session, kept, written_at_end
        self._written: object = None

    @staticmethod
    def _state(snapshot: SessionSnapshot) -> object:
        fields = tuple((f.number, f.removed, f.edits, id(f.result)) for f in snapshot.fields)
        return snapshot.case_id, snapshot.guideline, snapshot.profile, fields

    def note_written(self, snapshot: SessionSnapshot) -> None:
        """Note that this was written."""
        self._written = self._state(snapshot)

    def would_lose(self, ends: bool) -> str:
        """Return in words what would be lost by another case, or with `ends` by the end; "" for nothing."""
        snapshot = self._session.snapshot()
        n = len(snapshot.fields)
        if self._kept or not n or (ends and self._written_at_end) or self._state(snapshot) == self._written:
            return ""
        fields = "1 captured field" if n == 1 else f"{n} captured fields"
        return f"Case {snapshot.case_id} with {fields} is in memory only: without a report it is lost."


def kept_names(cases: Path) -> tuple[str, ...]:
    """Return the names of the kept cases that have fields, the latest first."""
    with closing(CaseBook(cases)) as book:
        return tuple(row.name for row in book.cases() if row.fields)


@dataclass(frozen=True, slots=True)
class EyepieceChoice:
    """The eyepiece's display.

    Parameters
    ----------
    display : str or None
        Its name or number; None takes the first that is not the operator's.
    calibration : EyepieceCalibration or None
        How the camera's picture lies on it.
    at_once : bool
        Whether the window is shown from the beginning.
    """

    display: str | None = None
    calibration: EyepieceCalibration | None = None
    at_once: bool = False


def eyepiece_choice(display: str | None, calibration: Path | None) -> EyepieceChoice:
    """Make a choice of what the command line says.

    Raises
    ------
    CalibrationError
        If the file is no alignment of an eyepiece, or has expired.
    """
    if calibration is None:
        return EyepieceChoice(display, None, display is not None)
    file = read(calibration)
    if not isinstance(file, EyepieceFile):
        raise CalibrationError(f"{calibration}: it is a calibration of kind {file.kind}, not of an eyepiece")
    today = datetime.now().astimezone().date()
    if not file.valid_on(today):
        raise CalibrationError(
            f"{calibration}: valid {file.date} to {file.expires}; align again: armicro calibrate eyepiece"
        )
    return EyepieceChoice(display, file.calibration(), at_once=True)


def lock_as(session: Session, options: CaseOptions, name: str) -> None:
    """Keep the profile in force as a file, go on with it, and lock all settings as they are.

    Parameters
    ----------
    session : Session
        Whose settings.
    options : CaseOptions
        Reading, detector and engine.
    name : str
        Of the lock.

    Raises
    ------
    ArmicroError
        If settings are locked already, or nothing can be written.
    """
    snapshot = session.snapshot()
    now = datetime.now().astimezone()
    folder = platformdirs.user_data_path("armicro", appauthor=False) / "profiles"
    path = folder / f"{snapshot.profile.name}-locked-{now:%Y%m%d-%H%M%S}.toml"
    written = save_stain_profile(snapshot.profile, path, now.date())
    made = replace(options, guideline=snapshot.guideline, stain_profile=str(written))
    words = set_lock(name, made, lambda _: None, identity=snapshot.vitals.engine).words
    session.do(SetStainProfile(str(written)))
    session.lock_settings(words)


def display_link(session: Session) -> Callable[[str], None]:
    """Return what tells a session that the eyepiece's display has gone, in words, or "" that it is back."""

    def tell(words: str) -> None:
        state = LinkState.LOST if words else LinkState.CONNECTED
        told = words or "The eyepiece display is back."
        session.on_display_link(LinkEvent(state, told, time.monotonic_ns(), "eyepiece"))

    return tell


def show_window(
    session: Session,
    keeping: Keeping,
    notices: Sequence[str],
    report: Callable[[Path], None],
    ending: Callable[[], bool],
    eyepiece: EyepieceChoice = EyepieceChoice(),
    cases: Path | None = None,
    options: CaseOptions | None = None,
    presses: PressSwitch | None = None,
    camera: str | None = None,
) -> None:
    """Open the window and stay until it is closed.

    Parameters
    ----------
    session : Session
        Shown and steered.
    keeping : Keeping
        Knows what would be lost.
    notices : sequence of str
        What the user has to have seen.
    report : callable
        Writes the present case's report to a file.
    ending : callable
        Asked some ten times a second whether the program has to end.
    eyepiece : EyepieceChoice
        The eyepiece's display.
    cases : Path or None
        Folder of the kept cases.
    options : CaseOptions or None
        What the settings are locked with, beside profile and rules; None offers no lock.
    presses : PressSwitch or None
        To whom the presses of all pedals go; made here where there is none.
    camera : str or None
        The camera that runs, as `--camera` names it; None offers no set-up.
    """
    from armicro.ui.eyepiece_hook import EyepieceHook
    from armicro.ui.hooks import Hooks
    from armicro.ui.start import run_window

    def write(path: Path) -> None:
        snapshot = session.snapshot()
        report(path)
        keeping.note_written(snapshot)

    def save(path: Path) -> None:
        written = save_stain_profile(session.snapshot().profile, path, datetime.now().astimezone().date())
        session.do(SetStainProfile(str(written)))

    def apply_vector(stain: str, vector: Vector3) -> None:
        """Go on with a profile of the same thresholds and one other vector, kept as a file of its own."""
        folder = platformdirs.user_data_path("armicro", appauthor=False) / "profiles"
        written = save_with_vector(session.snapshot().profile, stain, vector, folder)
        session.do(SetStainProfile(str(written)))

    switch = presses or PressSwitch(session.on_press)
    key = KeyPedal(switch, _SPACE)
    eyepiece_hook = EyepieceHook(session, eyepiece.calibration, eyepiece.display, display_link(session))
    hooks = Hooks(
        guidelines={name: load_guideline(name).title for name in guideline_names()},
        profiles=lambda: profile_names("stain"),
        save_profile=save,
        apply_stain_vector=apply_vector,
        lock_profile=None if options is None else partial(lock_as, session, options),
        pedal=key,
        cases=None if cases is None else lambda: kept_names(cases),
        report=write,
        would_lose=keeping.would_lose,
        eyepiece_window=eyepiece_hook,
        eyepiece_display=eyepiece_hook.display,
        setup=None if camera is None else partial(setup_desk, session, camera),
        calibration=calibration_desk(session, switch, key, eyepiece_hook),
        eyepiece_at_once=eyepiece.at_once,
    )
    try:
        run_window(session, hooks, ending, notices)
    finally:
        eyepiece_hook.close()

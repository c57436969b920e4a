"""What the window's guided set-up and calibrations can call on, filled with what the program has."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from armicro.app import setting_up
from armicro.app.instrument_file import instrument_path, read_instrument
from armicro.contracts.arrays import U8
from armicro.devices.found import find_cameras, serial_ports
from armicro.session.instrument_choice import InstrumentChoice
from armicro.session.session import Session

if TYPE_CHECKING:
    from armicro.ui.setup_desk import Preview, SetupDesk


class RunningCamera:
    """The camera that a session has already, as a preview: it cannot be opened twice.

    Parameters
    ----------
    session : Session
        Whose camera.
    """

    def __init__(self, session: Session) -> None:
        self._session = session

    def newest(self) -> tuple[U8 | None, str, bool]:
        """Return the newest picture, what is known of the camera in words, and whether it gives none."""
        live, snapshot = self._session.live(), self._session.snapshot()
        if live is None:
            faults = [f.words for f in snapshot.faults if f.blanks]
            return None, faults[0] if faults else "Waiting for a picture…", bool(faults)
        name = "camera" if snapshot.camera is None else snapshot.camera.name
        height, width = live.frame.shape
        words = f"{name}: {width} × {height}, {snapshot.vitals.fps:.0f} pictures per second, in use"
        return live.frame.rgb, words, False

    def close(self) -> None:
        """Leave it to the session."""


def setup_desk(session: Session | None = None, running: str | None = None) -> SetupDesk:
    """Return what the guided set-up calls on.

    Parameters
    ----------
    session : Session or None
        The instrument that is running.
    running : str or None
        Its camera, as `--camera` names it.
    """
    from armicro.ui.setup_desk import SetupDesk

    def preview(choice: InstrumentChoice) -> Preview:
        if session is not None and choice.camera == running:
            return RunningCamera(session)
        return setting_up.CameraPreview(choice)

    kept = read_instrument()
    present = setting_up.chosen(kept)
    if kept is None and running is not None:
        present = InstrumentChoice(camera=running)
    return SetupDesk(
        present=present,
        cameras=lambda cti: find_cameras([Path(p) for p in cti]),
        preview=preview,
        ports=serial_ports,
        listen=setting_up.listen_to,
        objectives=setting_up.known_objectives,
        scale_state=setting_up.scale_state,
        keep=setting_up.keep,
        place=instrument_path(),
        later=session is not None,
    )


def first_setup(ending: Callable[[], bool]) -> bool:
    """Offer the guided set-up where it was never offered; return whether a choice was kept.

    Parameters
    ----------
    ending : callable
        Asked some ten times a second whether the program has to end.
    """
    from armicro.ui.start import run_setup

    return run_setup(setup_desk(), ending)

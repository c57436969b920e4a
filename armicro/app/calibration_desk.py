"""What the window's calibrations call on: measured by the science, kept as the commands keep it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from armicro.app.calibrating import (
    UNNAMED,
    AlignedShapes,
    check_glass,
    glass_words,
    keep_eyepiece,
    keep_glass,
    keep_scale,
    login,
    scale_by_hand,
    scale_of_rulings,
)
from armicro.app.calibration_files import ANY, CalibrationFile, FlatFile
from armicro.app.calibration_state import states
from armicro.app.calibration_store import Origin, calibration_folder, newest, stored
from armicro.app.instrument_file import read_instrument
from armicro.app.setting_up import keep_also
from armicro.contracts.arrays import U8
from armicro.contracts.errors import AlignmentError
from armicro.contracts.eyepiece import EyepieceCalibration
from armicro.imaging.glass import measure_glass
from armicro.imaging.rulings import measure_rulings
from armicro.session.alignment import Alignment
from armicro.session.measured import DailyCheck, KeptCalibration, MeasuredScale
from armicro.session.press_switch import PressSwitch
from armicro.session.session import Session

if TYPE_CHECKING:
    from armicro.ui.calibration_desk import CalibrationDesk, EyepieceTarget
    from armicro.ui.keys import KeyContact

    class Alignable(EyepieceTarget, Protocol):
        """The eyepiece's display, which an alignment takes effect on."""

        def align(self, calibration: EyepieceCalibration) -> None:
            """Show the overlay by another alignment from now on."""
            ...


class Calibrations:
    """Measures and keeps for one instrument.

    Parameters
    ----------
    session : Session
        Its camera's serial number stands in the calibrations.
    align : callable
        Told an alignment that is to take effect.
    folder : Path or None
        Where calibrations are kept; None for the user's folder.
    today : callable
        Returns the day.
    """

    def __init__(
        self,
        session: Session,
        align: Callable[[EyepieceCalibration], None],
        folder: Path | None = None,
        today: Callable[[], date] = lambda: datetime.now().astimezone().date(),
    ) -> None:
        self._session, self._align, self._today = session, align, today
        self.folder = folder or calibration_folder()

    def _who(self, objective: str) -> Origin:
        camera = self._session.snapshot().camera
        serial = "" if camera is None else camera.serial
        return Origin(serial or UNNAMED, objective, login(), self._today())

    def kept(self) -> tuple[KeptCalibration, ...]:
        """Return the calibrations in use, the newest of each kind, objective and instrument."""
        found = [s.calibration for s in stored(self.folder) if s.calibration is not None]
        state = states(found, self._today())
        in_use = (one for one in found if state[one.identity] != "replaced")
        return tuple(self._line(one, state[one.identity]) for one in in_use)

    def _line(self, one: CalibrationFile, state: str) -> KeptCalibration:
        good = one.valid_on(self._today())
        return KeptCalibration(one.kind, one.objective, one.date, one.residual, state, good)

    def glass(self, frames: Iterable[U8], objective: str) -> str:
        """Measure empty glass and keep it; returns words."""
        found = measure_glass(frames)
        kept, path = keep_glass(found, self._who(objective), self.folder)
        return f"{glass_words(kept)}\n{self._used('flat_field', path, '--flat-field')}"

    def check(self, rgb: U8, objective: str) -> DailyCheck:
        """Compare empty glass with what is kept for an objective."""
        return check_glass(rgb, newest(self.folder, FlatFile, objective), self._today())

    def rulings(self, pictures: Sequence[U8], division_um: float) -> MeasuredScale:
        """Measure a stage micrometer on one or more pictures."""
        return scale_of_rulings([measure_rulings(rgb) for rgb in pictures], division_um)

    def keep_scale(self, scale: MeasuredScale, objective: str) -> str:
        """Keep a scale; returns words."""
        kept, (_, profile) = keep_scale(scale, self._who(objective), self.folder)
        words = f"{kept.um_per_px:.6f} µm per pixel kept for {objective}; {kept.residual}; {profile.name}."
        if read_instrument() is None:
            return f"{words} Use it with --um-per-px {kept.um_per_px:.6f}."
        keep_also({"um_per_px": kept.um_per_px, "objective": objective})
        return f"{words} It counts from the next start; fields of this case keep the scale they had."

    def keep_eyepiece(self, alignment: Alignment) -> str:
        """Keep an alignment and have it take effect; returns words."""
        if alignment.fit is None or alignment.camera is None:
            raise AlignmentError("there is no alignment to keep")
        centre, radius = alignment.circle_in_camera
        shapes = AlignedShapes(alignment.camera.shape_px, alignment.display_shape_px, centre, radius)
        kept, path = keep_eyepiece(alignment.fit, shapes, self._who(ANY), self.folder)
        self._align(kept.calibration())
        if read_instrument() is not None:
            keep_also({"eyepiece_calibration": str(path)})
            return f"In use now and from the next start on: {kept.residual}; {path.name}."
        return f"In use now: {kept.residual}. At the next start use --eyepiece-calibration {path}."

    def _used(self, setting: str, path: Path, option: str) -> str:
        """Have a calibration used from the next start where there is a file that says with what."""
        if read_instrument() is None:
            return f"Use it with {option} {path}."
        keep_also({setting: str(path)})
        return f"{path.name}: used from the next start on; fields of this case stay as they are."


def calibration_desk(
    session: Session, presses: PressSwitch, pedal: KeyContact, target: Alignable
) -> CalibrationDesk:
    """Return what the window's calibrations call on.

    Parameters
    ----------
    session : Session
        The instrument.
    presses : PressSwitch
        All its pedals, the keyboard's too.
    pedal : KeyContact
        The space bar.
    target : Alignable
        The eyepiece's display.
    """
    from armicro.ui.calibration_desk import CalibrationDesk

    made = Calibrations(session, target.align)
    return CalibrationDesk(
        kept=made.kept,
        glass=made.glass,
        check=made.check,
        rulings=made.rulings,
        by_hand=scale_by_hand,
        keep_scale=made.keep_scale,
        keep_eyepiece=made.keep_eyepiece,
        divert=presses.divert,
        pedal=pedal,
        target=target,
        place=made.folder,
    )

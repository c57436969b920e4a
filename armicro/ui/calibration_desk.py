"""What the calibrations of the window need of the program around it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from armicro.contracts.arrays import U8
from armicro.contracts.devices import PedalPress
from armicro.session.alignment import Alignment
from armicro.session.measured import DailyCheck, KeptCalibration, MeasuredScale
from armicro.ui.keys import KeyContact

Yx = tuple[float, float]


class EyepieceTarget(Protocol):
    """The eyepiece's display while it is aligned; used in the event loop."""

    def target_shape_px(self) -> tuple[int, int]:
        """Show the eyepiece's window if it is not shown; return height and width of its display.

        Raises `DeviceError` if there is no such display.
        """
        ...

    def show_target(self, rgb: U8 | None) -> None:
        """Show a picture (H, W, 3) instead of the overlay; None for the overlay again."""
        ...


@dataclass(frozen=True, slots=True)
class CalibrationDesk:
    """What a calibration can call on. All but `divert` may raise `ArmicroError`, whose words are shown.

    Parameters
    ----------
    kept : callable
        Returns the calibrations that are kept, the newest of each.
    glass : callable
        Told frames of empty glass and the objective: measures and keeps white point and flat field, returns
        words. From a thread of its own.
    check : callable
        Told a frame of empty glass and the objective: compares it with what is kept. Also
        from a thread of its own.
    rulings : callable
        Told pictures of a stage micrometer and the distance of its lines, µm. From a thread of its own.
    by_hand : callable
        Told a length, µm, and its two ends y, x in the picture, px.
    keep_scale : callable
        Told a scale and the objective: keeps it, returns words.
    keep_eyepiece : callable
        Told a finished alignment: keeps it and has it take effect, returns words.
    divert : callable
        Has presses of all pedals told to another; returns how to end that.
    pedal : KeyContact
        The space bar as a pedal.
    target : EyepieceTarget
        The eyepiece's display.
    place : Path
        Where calibrations are kept.
    """

    kept: Callable[[], Sequence[KeptCalibration]]
    glass: Callable[[Iterable[U8], str], str]
    check: Callable[[U8, str], DailyCheck]
    rulings: Callable[[Sequence[U8], float], MeasuredScale]
    by_hand: Callable[[float, Yx, Yx], MeasuredScale]
    keep_scale: Callable[[MeasuredScale, str], str]
    keep_eyepiece: Callable[[Alignment], str]
    divert: Callable[[Callable[[PedalPress], None]], Callable[[], None]]
    pedal: KeyContact
    target: EyepieceTarget
    place: Path

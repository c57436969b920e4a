"""The calibrations that an instrument's file names: used while they count, else left out and told."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from armicro.app.calibration_files import CalibrationFile, EyepieceFile, FlatFile
from armicro.app.calibration_store import read_as
from armicro.app.instrument_file import InstrumentFile
from armicro.contracts.errors import CalibrationError

_AGAIN = "measure again: menu Instrument, Calibrate"


@dataclass(frozen=True, slots=True)
class KeptCalibrations:
    """What is used, and what the user has to have seen.

    Parameters
    ----------
    flat, eyepiece : Path or None
        Their files.
    told : tuple of str
        Why one that is named is not used.
    """

    flat: Path | None = None
    eyepiece: Path | None = None
    told: tuple[str, ...] = ()


def kept_calibrations(
    here: InstrumentFile, *, someone_sees: bool, today: date | None = None
) -> KeptCalibrations:
    """Return the calibrations of an instrument's file.

    Parameters
    ----------
    here : InstrumentFile
        The file.
    someone_sees : bool
        Whether somebody can be told, and can measure again. Then one that does not count is left out: without
        the window it could not be measured again there. Else it is used, and refused by whoever loads it.
    today : date or None
        The day; None for the clock's.
    """
    flat, eyepiece = (None if p is None else Path(p) for p in (here.flat_field, here.eyepiece_calibration))
    if not someone_sees:
        return KeptCalibrations(flat, eyepiece)
    day = today or datetime.now().astimezone().date()
    no_flat = "" if flat is None else _why_not(flat, FlatFile, day)
    no_eyepiece = "" if eyepiece is None else _why_not(eyepiece, EyepieceFile, day)
    told = []
    if no_flat:
        told.append(f"The light is not evened: {no_flat}; {_AGAIN}.")
    if no_eyepiece:
        told.append(f"The eyepiece is not aligned: {no_eyepiece}; {_AGAIN}.")
    return KeptCalibrations(None if no_flat else flat, None if no_eyepiece else eyepiece, tuple(told))


def _why_not(path: Path, model: type[CalibrationFile], day: date) -> str:
    try:
        file = read_as(path, model)
    except CalibrationError as error:
        return str(error)
    return "" if file.valid_on(day) else f"{path.name} counted from {file.date} to {file.expires}"

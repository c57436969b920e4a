"""Options and helpers that the calibrations share."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from armicro.app import calibrating, console
from armicro.app.calibration_files import CalibrationFile
from armicro.app.calibration_store import Origin, calibration_folder
from armicro.contracts.arrays import U8
from armicro.contracts.errors import CalibrationError, ImageError, InputError
from armicro.devices.image_files import read_image

_WHO = "Record"
_ANY_SCALE = 0.25
"""What a reader is told where the scale plays no part, as for empty glass."""
_PICTURES = frozenset({".png", ".tif", ".tiff", ".jpg", ".jpeg"})

Objective = Annotated[
    str, typer.Option("--objective", metavar="NAME", help="The objective that was used, such as 40x.")
]
Instrument = Annotated[
    str,
    typer.Option(
        "--instrument",
        metavar="SERIAL",
        envvar="ARMICRO_SERIAL",
        help="Serial number of the instrument.",
        rich_help_panel=_WHO,
    ),
]
Operator = Annotated[
    str | None,
    typer.Option(
        "--operator", metavar="NAME", help="Who measures.", rich_help_panel=_WHO, show_default="login"
    ),
]
Day = Annotated[
    str | None,
    typer.Option(
        "--date",
        metavar="YYYY-MM-DD",
        help="Day of the measurement.",
        rich_help_panel=_WHO,
        show_default="today",
    ),
]
ValidDays = Annotated[
    int | None,
    typer.Option(
        "--valid-days",
        min=0,
        max=36_500,
        help="How long it counts.",
        rich_help_panel=_WHO,
        show_default="by kind",
    ),
]
Out = Annotated[
    Path | None,
    typer.Option(
        "--out",
        metavar="DIR",
        help="Folder of the calibrations.",
        rich_help_panel=_WHO,
        show_default="the user's data folder",
    ),
]


UNNAMED = calibrating.UNNAMED


def origin(
    instrument: str, objective: str, operator: str | None, day: str | None, valid_days: int | None
) -> Origin:
    """Put together who calibrates what.

    Raises
    ------
    InputError
        If the day is none.
    """
    return Origin(instrument, objective, operator or calibrating.login(), day_of(day), valid_days)


def day_of(text: str | None) -> dt.date:
    """Read a day; None is today, in local time.

    Raises
    ------
    InputError
        If it is no day.
    """
    if text is None:
        return dt.datetime.now().astimezone().date()
    try:
        return dt.date.fromisoformat(text)
    except ValueError as error:
        raise InputError(f"--date: expected a day such as 2026-11-25, got {text!r}") from error


def folder_of(out: Path | None) -> Path:
    """Return the folder of calibrations."""
    return calibration_folder() if out is None else out


def read_pixels(path: Path, um_per_px: float | None = None) -> U8:
    """Read a picture for its pixels alone."""
    return read_image(path, um_per_px or _ANY_SCALE).rgb


def picture_paths(folder: Path) -> list[Path]:
    """Return the pictures of a folder, by name.

    Raises
    ------
    ImageError
        If there is no such folder or none in it.
    """
    if not folder.is_dir():
        raise ImageError(f"{folder}: no such folder")
    found = sorted(
        p for p in folder.iterdir() if p.suffix.lower() in _PICTURES and not p.name.startswith(".")
    )
    if not found:
        raise ImageError(f"{folder}: no picture (PNG, TIFF, JPEG) in it")
    return found


def numbers(text: str, n: int, option: str, example: str) -> tuple[float, ...]:
    """Read "1,2,3".

    Raises
    ------
    InputError
        If these are not `n` finite numbers.
    """
    try:
        values = tuple(float(part) for part in text.split(","))
    except ValueError:
        values = ()
    if len(values) != n or not all(abs(v) < 1e9 for v in values):
        raise InputError(f"{option}: expected {n} numbers such as {example}, got {text!r}")
    return values


def say_written(calibration: CalibrationFile, path: Path, also: Sequence[Path] = ()) -> None:
    """Print what was kept and where."""
    out = console.results()
    out.print(f"{console.shown(calibration.identity)}, counts until {calibration.expires}", soft_wrap=True)
    for one in (path, *also):
        out.print(f"  {console.shown(one)}", soft_wrap=True)


def require_free(folder: Path, names: Sequence[str]) -> None:
    """Refuse, before anything is computed, names that are taken.

    Raises
    ------
    CalibrationError
        If a file is there already.
    """
    for name in names:
        if (folder / name).exists():
            raise CalibrationError(f"{folder / name}: there already; give another --name or --version")

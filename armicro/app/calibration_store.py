"""Where calibrations lie, how they are written and read back, and which of them is in use."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import TypeVar

import platformdirs
from pydantic import ValidationError

from armicro import __version__
from armicro.app.calibration_files import ADAPTER, ANY, SCHEMA, CalibrationFile
from armicro.app.staging import Staging
from armicro.app.toml_text import toml_text
from armicro.contracts.errors import CalibrationError
from armicro.devices.file_model import explain, read_text

VALID_DAYS = {"flat": 30, "scale": 365, "stain": 180, "control": 30, "thresholds": 365, "eyepiece": 365}
"""How long each kind counts where nobody says otherwise, days."""


def calibration_folder() -> Path:
    """Return the folder in the user's data where calibrations are kept; it may not exist yet."""
    return platformdirs.user_data_path("armicro", appauthor=False) / "calibration"


@dataclass(frozen=True, slots=True)
class Origin:
    """Whose calibration it is.

    Parameters
    ----------
    instrument : str
        Serial number.
    objective : str
        The objective, or "any".
    operator : str
        Who measures.
    day : date
        When.
    valid_days : int or None
        How long it counts; None for the kind's own time.
    """

    instrument: str
    objective: str
    operator: str
    day: date
    valid_days: int | None = None

    def head(self, kind: str, folder: Path) -> dict[str, object]:
        """Return the keys that every calibration has; the version counts up within a day.

        Parameters
        ----------
        kind : str
            One of `armicro.app.calibration_files.KINDS`.
        folder : Path
            Where it will lie.
        """
        days = VALID_DAYS[kind] if self.valid_days is None else self.valid_days
        name = kind if self.objective == ANY else f"{kind}-{_plain(self.objective)}"
        version, number = self.day.isoformat(), 1
        while (folder / f"{name}-{version}.toml").exists():
            number += 1
            version = f"{self.day.isoformat()}-{number}"
        return {
            "schema": SCHEMA,
            "kind": kind,
            "name": name,
            "version": version,
            "instrument": self.instrument,
            "objective": self.objective,
            "date": self.day.isoformat(),
            "expires": (self.day + timedelta(days=days)).isoformat(),
            "operator": self.operator,
            "program": f"armicro {__version__}",
        }


_FileT = TypeVar("_FileT", bound=CalibrationFile)


def build(model: type[_FileT], values: Mapping[str, object]) -> _FileT:
    """Make a calibration from its values.

    Raises
    ------
    CalibrationError
        If they do not fit together.
    """
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise CalibrationError(explain(error)) from error


def file_name(calibration: CalibrationFile) -> str:
    """Return the name a calibration has in its folder."""
    return f"{calibration.name}-{_plain(calibration.version)}.toml"


def write(calibration: CalibrationFile, folder: Path, extra: Mapping[str, str] | None = None) -> Path:
    """Write a calibration, and files that go with it, all or none; nothing is replaced.

    Parameters
    ----------
    calibration : CalibrationFile
        What was measured.
    folder : Path
        Made if missing.
    extra : mapping of str to str or None
        Text of further files by name, a stain profile for example.

    Returns
    -------
    Path
        The calibration's file.

    Raises
    ------
    OutputError
        If the folder cannot be written to.
    CalibrationError
        If a file of that name is there already.
    """
    target = folder / file_name(calibration)
    with Staging() as staging:
        for path, text in (
            (target, text_of(calibration)),
            *((folder / n, t) for n, t in (extra or {}).items()),
        ):
            if path.exists():
                raise CalibrationError(f"{path}: there already; calibrations are not replaced")
            staging.write_text(path, text)
        staging.commit()
    return target


def text_of(calibration: CalibrationFile) -> str:
    """Return a calibration as the text of its file."""
    return toml_text(calibration.content())


def read(path: Path) -> CalibrationFile:
    """Read a calibration.

    Raises
    ------
    CalibrationError
        In one line with file, key and what was expected.
    """
    try:
        return ADAPTER.validate_python(tomllib.loads(read_text(path, CalibrationError)))
    except tomllib.TOMLDecodeError as error:
        raise CalibrationError(f"{path}: it is not valid TOML ({error})") from error
    except RecursionError as error:
        raise CalibrationError(f"{path}: its values are nested too deeply") from error
    except ValidationError as error:
        raise CalibrationError(f"{path}: {explain(error)}") from error


def read_as(path: Path, model: type[_FileT]) -> _FileT:
    """Read a calibration of one kind.

    Raises
    ------
    CalibrationError
        If it cannot be read or is of another kind.
    """
    found = read(path)
    if not isinstance(found, model):
        raise CalibrationError(f"{path}: it is a calibration of kind {found.kind}, another is needed here")
    return found


@dataclass(frozen=True, slots=True)
class Stored:
    """A file in a calibration folder: what it holds, or why it cannot be read."""

    path: Path
    calibration: CalibrationFile | None
    problem: str = ""


def stored(folder: Path) -> Iterator[Stored]:
    """Yield all calibrations of a folder, by name; profiles that lie beside them are passed over."""
    if not folder.is_dir():
        return
    for path in sorted(folder.glob("*.toml")):
        try:
            text = read_text(path, CalibrationError)
            if re.search(r'^schema\s*=\s*"armicro\.(stain|optics)-profile/', text, re.MULTILINE):
                continue
            yield Stored(path, read(path))
        except CalibrationError as error:
            yield Stored(path, None, str(error))


def newest(folder: Path, model: type[_FileT], objective: str, instrument: str | None = None) -> _FileT:
    """Return the calibration in use: the newest of its kind for an objective.

    Parameters
    ----------
    folder : Path
        Where to look.
    model : type
        The kind.
    objective : str
        A calibration for "any" objective serves as well.
    instrument : str or None
        Serial number; None where there is only one.

    Raises
    ------
    CalibrationError
        If there is none.
    """
    fitting = [
        s.calibration
        for s in stored(folder)
        if isinstance(s.calibration, model)
        and s.calibration.objective in (objective, ANY)
        and instrument in (None, s.calibration.instrument)
    ]
    if not fitting:
        kind = str(model.model_fields["kind"].annotation).partition("'")[2].partition("'")[0]
        raise CalibrationError(
            f"{folder}: no calibration of kind {kind} for objective {objective}: "
            f"make one with `armicro calibrate {kind}`"
        )
    return max(fitting, key=order)


def order(calibration: CalibrationFile) -> tuple[str, int]:
    """Sort key of calibrations by age: the day, then the number within the day."""
    number = calibration.version.removeprefix(calibration.date).removeprefix("-")
    return calibration.date, int(number) if number.isdecimal() else 1


def _plain(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9.]+", "-", text).strip("-.") or "x"

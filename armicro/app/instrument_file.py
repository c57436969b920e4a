"""What this workplace's instrument is made of, so that `armicro run` needs no options."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from typing import Annotated, Literal

import platformdirs
from pydantic import Field, ValidationError

from armicro.app.staging import Staging
from armicro.app.toml_text import toml_text
from armicro.contracts.errors import ProfileError
from armicro.devices.file_model import FileModel, explain, read_text

SCHEMA = "armicro.instrument/1"


class InstrumentFile(FileModel):
    """The options of `armicro run` that belong to the instrument, not to a case."""

    schema_: Annotated[Literal["armicro.instrument/1"], Field(alias="schema")]
    camera: str
    cti: Annotated[tuple[str, ...], Field(strict=False)] = ()
    um_per_px: Annotated[float | None, Field(gt=0)] = None
    objective: Annotated[str | None, Field(min_length=1, max_length=100)] = None
    pedal: str | None = None
    pedal_profile: str | None = None
    nosepiece: str | None = None
    positions: Annotated[tuple[str, ...], Field(strict=False)] = ()
    eyepiece: str | None = None
    eyepiece_calibration: str | None = None
    flat_field: str | None = None
    gate_limits: str | None = None


def instrument_path() -> Path:
    """Return where the file lies: `ARMICRO_INSTRUMENT`, or in the user's data."""
    given = os.environ.get("ARMICRO_INSTRUMENT")
    folder = platformdirs.user_data_path("armicro", appauthor=False)
    return Path(given) if given else folder / "instrument.toml"


def read_instrument(path: Path | None = None) -> InstrumentFile | None:
    """Read the file; None if there is none.

    Raises
    ------
    ProfileError
        In one line, with the key that is wrong.
    """
    path = path or instrument_path()
    if not path.exists():
        return None
    try:
        return InstrumentFile.model_validate(tomllib.loads(read_text(path, ProfileError)))
    except tomllib.TOMLDecodeError as error:
        raise ProfileError(f"{path}: it is not valid TOML ({error})") from error
    except ValidationError as error:
        raise ProfileError(f"{path}: {explain(error)}; run armicro setup again") from error


def write_instrument(file: InstrumentFile, path: Path | None = None) -> Path:
    """Write the file, replacing an earlier one."""
    path = path or instrument_path()
    path.parent.mkdir(parents=True, exist_ok=True)
    values = {k: list(v) if isinstance(v, tuple) else v for k, v in file.model_dump(by_alias=True).items()}
    with Staging() as staging:
        staging.write_text(path, toml_text(values))
        staging.commit()
    return path

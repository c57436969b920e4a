"""Profiles: TOML files, checked by a model, made into the types of the science and of the devices."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import Field, ValidationError

from armicro.app.data_files import data_folder
from armicro.app.gate_limits import GateLimitsFile
from armicro.contracts.errors import ArmicroError, ProfileError
from armicro.contracts.frame import MAX_UM_PER_PX, MIN_UM_PER_PX, Optics
from armicro.contracts.stain import DabThresholds, StainProfile
from armicro.devices.file_model import FileModel, explain, read_text
from armicro.devices.nosepiece_profile import NosepieceProfile, NosepieceProfileFile
from armicro.devices.pedal_profile import PedalProfile, PedalProfileFile
from armicro.imaging.gate import GateLimits
from armicro.imaging.stain import stain_matrix

DEFAULT_STAIN_PROFILE = "default-hdab"
DEFAULT_GATE_LIMITS = "shipped"

_Density = Annotated[float, Field(gt=0, le=3, description="log10 optical density of DAB")]
_Component = Annotated[float, Field(ge=-1, le=2)]
_Vector = Annotated[tuple[_Component, _Component, _Component], Field(strict=False)]
_Grey = Annotated[float, Field(ge=1, le=255)]
_Name = Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f]+$")]


class StainVectors(FileModel):
    """Directions of the stains in RGB optical density; their length does not matter."""

    haematoxylin_rgb_od: _Vector
    dab_rgb_od: _Vector


class StainThresholds(FileModel):
    """Where faint, weak and intense membrane staining begin; they have to rise."""

    faint_od: Annotated[
        _Density | None, Field(description="left out: no faint level, the paper's five categories")
    ] = None
    weak_od: _Density
    intense_od: _Density


class StainProfileFile(FileModel):
    """How one laboratory's HER2 slides look through one instrument."""

    schema_: Annotated[Literal["armicro.stain-profile/1"], Field(alias="schema")]
    name: _Name
    version: _Name
    source: Annotated[str, Field(min_length=1, description="where the numbers come from, for people")]
    white_rgb: Annotated[
        Annotated[tuple[_Grey, _Grey, _Grey], Field(strict=False)] | None,
        Field(description="grey values of empty glass; left out: estimated from each field"),
    ] = None
    vectors: StainVectors
    thresholds: StainThresholds

    def profile(self) -> StainProfile:
        """Return the profile as the science takes it.

        Raises
        ------
        ProfileError
            If thresholds do not rise or the vectors cannot be told apart.
        """
        stain_matrix(self.vectors.haematoxylin_rgb_od, self.vectors.dab_rgb_od)
        return StainProfile(
            name=self.name,
            version=self.version,
            haematoxylin_rgb_od=self.vectors.haematoxylin_rgb_od,
            dab_rgb_od=self.vectors.dab_rgb_od,
            thresholds=DabThresholds(
                weak_od=self.thresholds.weak_od,
                intense_od=self.thresholds.intense_od,
                faint_od=self.thresholds.faint_od,
            ),
            white_rgb=self.white_rgb,
            source=self.source,
        )


class OpticsProfileFile(FileModel):
    """The scale of one objective on one instrument."""

    schema_: Annotated[Literal["armicro.optics-profile/1"], Field(alias="schema")]
    name: _Name
    version: _Name
    source: Annotated[str, Field(min_length=1, description="how the scale was measured, for people")]
    objective: _Name
    um_per_px: Annotated[float, Field(ge=MIN_UM_PER_PX, le=MAX_UM_PER_PX, description="µm per camera pixel")]

    def optics(self) -> Optics:
        """Return the scale as the science takes it."""
        return Optics(self.um_per_px, self.objective)


SCHEMAS: dict[str, type[FileModel]] = {
    "stain/stain-profile.schema.json": StainProfileFile,
    "optics/optics-profile.schema.json": OpticsProfileFile,
    "pedals/pedal-profile.schema.json": PedalProfileFile,
    "nosepieces/nosepiece-profile.schema.json": NosepieceProfileFile,
    "gate/gate-limits.schema.json": GateLimitsFile,
}
"""Exported schemas, by their place in the calibration folder."""

_FileT = TypeVar("_FileT", bound=FileModel)
_MadeT = TypeVar("_MadeT")


def schema_text(model: type[FileModel]) -> str:
    """Return a model's JSON Schema as the text of a file."""
    return json.dumps(model.model_json_schema(by_alias=True), indent=2, ensure_ascii=False) + "\n"


def profile_names(kind: str) -> tuple[str, ...]:
    """Return the names of the shipped profiles of a kind: a folder of `calibration`."""
    return tuple(sorted(p.stem for p in (data_folder("calibration") / kind).glob("*.toml")))


_CALLED = {"pedals": "pedal", "nosepieces": "nosepiece", "gate": "gate limits"}
"""What kinds of profile are called where it is not the folder's name."""


def _resolve(kind: str, name: str) -> Path:
    """Find a profile by the name of a shipped one or the path of a file."""
    if name in profile_names(kind):
        return data_folder("calibration") / kind / f"{name}.toml"
    path = Path(name)
    if path.suffix != ".toml" and not path.exists():
        raise ProfileError(
            f"no {_CALLED.get(kind, kind)} profile named {name!r}: give a .toml file or one of "
            f"{', '.join(profile_names(kind))}"
        )
    return path


def _load(path: Path, model: type[_FileT]) -> _FileT:
    return _parse(read_text(path, ProfileError), str(path), model)


def _parse(text: str, where: str, model: type[_FileT]) -> _FileT:
    try:
        data: dict[str, Any] = tomllib.loads(text)
        return model.model_validate(data)
    except tomllib.TOMLDecodeError as error:
        raise ProfileError(f"{where}: it is not valid TOML ({error})") from error
    except RecursionError as error:
        raise ProfileError(f"{where}: its values are nested too deeply") from error
    except ValidationError as error:
        raise ProfileError(f"{where}: {explain(error)}") from error


def _made(where: Path | str, make: Callable[[], _MadeT]) -> _MadeT:
    """Make what a file describes; contradictions between its values are told with its name."""
    try:
        return make()
    except (ArmicroError, ValueError) as error:
        raise ProfileError(f"{where}: {error}") from error


def load_stain_profile(name: str = DEFAULT_STAIN_PROFILE) -> StainProfile:
    """Load a stain profile.

    Parameters
    ----------
    name : str
        The name of a shipped profile, or the path of a TOML file.

    Returns
    -------
    StainProfile
        The profile.

    Raises
    ------
    ProfileError
        In one line with file, key and what was expected.
    """
    path = _resolve("stain", name)
    return parse_stain_profile(read_text(path, ProfileError), str(path))


def stain_profile_text(name: str) -> str:
    """Return the TOML text of a stain profile: the name of a shipped one, or the path of a file."""
    return read_text(_resolve("stain", name), ProfileError)


def parse_stain_profile(text: str, where: str) -> StainProfile:
    """Make a stain profile of its TOML text.

    Raises
    ------
    ProfileError
        In one line with `where` it comes from, key and what was expected.
    """
    file = _parse(text, where, StainProfileFile)
    return _made(where, file.profile)


def load_optics(name: str) -> Optics:
    """Load an optics profile.

    Parameters
    ----------
    name : str
        The name of a shipped profile, or the path of a TOML file.

    Returns
    -------
    Optics
        The scale.

    Raises
    ------
    ProfileError
        In one line with file, key and what was expected.
    """
    return _load(_resolve("optics", name), OpticsProfileFile).optics()


def load_gate_limits(name: str = DEFAULT_GATE_LIMITS) -> GateLimits:
    """Load limits of the quality gate: shipped ones by their name, or a TOML file; see `load_optics`."""
    path = _resolve("gate", name)
    return _made(path, _load(path, GateLimitsFile).limits)


def load_pedal_profile(name: str) -> PedalProfile:
    """Load a pedal profile: a shipped one by its name, or a TOML file; see `load_optics`."""
    path = _resolve("pedals", name)
    return _made(path, _load(path, PedalProfileFile).profile)


def load_nosepiece_profile(name: str) -> NosepieceProfile:
    """Load a nosepiece profile: a shipped one by its name, or a TOML file; see `load_optics`.

    Optics profiles that lie in its folder are given with their path.
    """
    path = _resolve("nosepieces", name)
    profile = _made(path, _load(path, NosepieceProfileFile).profile)
    beside = {p: path.parent / optics for p, optics in profile.objectives.items()}
    found = {p: str(file) for p, file in beside.items() if file.is_file()}
    return replace(profile, objectives={**profile.objectives, **found})

"""The configuration of a training run: a TOML file, checked to the last key."""

from __future__ import annotations

import dataclasses
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_type_hints

from pydantic import TypeAdapter, ValidationError

from armicro.contracts.errors import InputError
from tools.train.augment import AugmentParams
from tools.train.layout import MULTIPLE, ModelParams
from tools.train.points import Crop
from tools.train.sampler import PatchParams
from tools.train.score import PeakParams
from tools.train.targets import TargetParams


@dataclass(frozen=True, slots=True)
class DataParams:
    """Where the data lie and how they are split.

    Parameters
    ----------
    points : tuple of str
        Folders of points, relative to the repository.
    images : str
        Folder of the images, relative to the repository.
    folds : tuple of tuple of str
        For each fold the images it is validated on and not trained on, by file name without extension. Two
        images of the same tissue belong into one fold.
    foreign : tuple of str
        Images of other stains or instruments: reported apart, weighted apart.
    foreign_weight : float
        How often a foreign crop is drawn, relative to one of the others.
    balance : float
        A crop of an image with n crops is drawn n to the power of minus this as often as one that is alone:
        0 treats crops alike, 1 images.
    simulated_share : float
        Share of patches that come from simulated fields.
    simulated_fields : int
        How many such fields are made.
    """

    points: tuple[str, ...]
    images: str
    folds: tuple[tuple[str, ...], ...]
    foreign: tuple[str, ...] = ()
    foreign_weight: float = 1.0
    balance: float = 0.5
    simulated_share: float = 0.0
    simulated_fields: int = 16


@dataclass(frozen=True, slots=True)
class OptimParams:
    """How the network is fitted.

    Parameters
    ----------
    epochs, steps, batch : int
        Epochs, steps of an epoch, patches of a step.
    learning_rate, weight_decay : float
        Of Adam with decoupled decay; the rate rises over `warm_steps` and falls as a cosine to nothing.
    warm_steps : int
        Steps of the rise.
    average : float
        Share that the running average of the weights keeps at each step.
    foreground : float
        Added weight of the squared error where a nucleus is.
    bfloat16 : bool
        Whether convolutions compute with 16 bits.
    threads : int
        Of the processor.
    """

    epochs: int = 14
    steps: int = 100
    batch: int = 16
    learning_rate: float = 2e-3
    weight_decay: float = 1e-4
    warm_steps: int = 60
    average: float = 0.99
    foreground: float = 5.0
    bfloat16: bool = True
    threads: int = 1


@dataclass(frozen=True, slots=True)
class SelfTrainingParams:
    """How a student goes on from its teacher's weights, on points and on what the teacher marked.

    Parameters
    ----------
    epochs : int
        Of the student, in place of `optim.epochs`; 0 where there is no self-training.
    learning_rate : float
        Of the student.
    share : float
        Share of patches that come from tiles.
    tiles : int
        Most tiles of an image.
    side_px : int
        Side of a tile in pixels of the model; a multiple of 16.
    views : int
        Turned, mirrored, scaled and restained views of a tile that each teacher answers.
    apart : float
        Heat is not taught where the standard deviation of the answers exceeds this.
    """

    epochs: int = 0
    learning_rate: float = 1e-3
    share: float = 0.4
    tiles: int = 48
    side_px: int = 288
    views: int = 8
    apart: float = 0.2


@dataclass(frozen=True, slots=True)
class Config:
    """A training run.

    Parameters
    ----------
    name : str
        Of the model: letters, digits and hyphens.
    seed : int
        Of all chance.
    data, model, patch, target, augment, optim, self_training, peaks
        The sections of the file.
    """

    name: str
    seed: int
    data: DataParams
    model: ModelParams = field(default_factory=ModelParams)
    patch: PatchParams = field(default_factory=PatchParams)
    target: TargetParams = field(default_factory=TargetParams)
    augment: AugmentParams = field(default_factory=AugmentParams)
    optim: OptimParams = field(default_factory=OptimParams)
    self_training: SelfTrainingParams = field(default_factory=SelfTrainingParams)
    peaks: PeakParams = field(default_factory=PeakParams)


def read_config(path: Path) -> Config:
    """Read and check a configuration.

    Raises
    ------
    InputError
        If the file is missing, is no TOML, has an unknown key or an impossible value.
    """
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{path} is not valid TOML: {error}") from None
    _known_keys(raw, Config, str(path))
    try:
        config = TypeAdapter(Config).validate_python(raw)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise InputError(f"{path}: {where}: {first['msg']}") from None
    if not all(c.isascii() and (c.isalnum() or c == "-") for c in config.name) or not config.name:
        raise InputError(f"{path}: name {config.name[:40]!r} must be letters, digits and hyphens")
    for name, side in (("patch", config.patch.side_px), ("self_training", config.self_training.side_px)):
        if side % MULTIPLE:
            raise InputError(f"{path}: {name}.side_px must be a multiple of {MULTIPLE}, got {side}")
    return config


def as_student(config: Config) -> Config:
    """Return the configuration of a student's run, which has its own length, rate and order of patches.

    Raises
    ------
    InputError
        If the configuration has no self-training.
    """
    own = config.self_training
    if own.epochs < 1:
        raise InputError("self_training.epochs is not set: the configuration has no self-training")
    optim = dataclasses.replace(config.optim, epochs=own.epochs, learning_rate=own.learning_rate)
    return dataclasses.replace(config, optim=optim, seed=config.seed + 1)


def split(crops: tuple[Crop, ...], data: DataParams, fold: int | None) -> tuple[list[Crop], list[Crop]]:
    """Part crops into those to train on and those to validate on.

    Parameters
    ----------
    crops : tuple of Crop
        All of them.
    data : DataParams
        With the folds.
    fold : int or None
        Which fold is held out; None trains on everything and validates on nothing.

    Returns
    -------
    list of Crop, list of Crop
        For training, for validation.

    Raises
    ------
    InputError
        If the fold does not exist, or an image stands in no fold or in two.
    """
    for crop in crops:
        n = sum(crop.core in images for images in data.folds)
        if n != 1:
            raise InputError(f"image {crop.core} stands in {n} folds, expected 1")
    if fold is None:
        return list(crops), []
    if not 0 <= fold < len(data.folds):
        raise InputError(f"there is no fold {fold}: folds are 0 to {len(data.folds) - 1}")
    held_out = data.folds[fold]
    return [c for c in crops if c.core not in held_out], [c for c in crops if c.core in held_out]


def _known_keys(raw: Mapping[str, Any], kind: Any, where: str) -> None:  # noqa: ANN401 - a dataclass type
    """Refuse keys that a dataclass or one inside it does not have: a mistyped setting must not pass."""
    types = get_type_hints(kind)
    for key, value in raw.items():
        if key not in types:
            raise InputError(f"{where}: unknown key {key[:40]!r}")
        if isinstance(value, Mapping) and dataclasses.is_dataclass(types[key]):
            _known_keys(value, types[key], f"{where}: {key}")

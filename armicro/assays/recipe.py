"""What decides a reading of the HER2 IHC assay, besides the pixels."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from enum import StrEnum

from armicro.analysis.read_per_cell import PerCellParams
from armicro.analysis.skeleton import SkeletonParams
from armicro.contracts.protocols import NucleusDetector
from armicro.contracts.results import Scalar
from armicro.contracts.stain import DabThresholds, StainProfile, Vector3


class Reading(StrEnum):
    """How a cell's membrane becomes a category."""

    PER_CELL = "per-cell"
    ZHANG_2020 = "zhang-2020"


_VERSION = {Reading.PER_CELL: 3, Reading.ZHANG_2020: 1}


def reading_version(reading: Reading | str) -> int:
    """Return which version of a reading this program has: another one may read the same pixels otherwise.

    Counted up whenever that is so; cases, locked settings and results name it. Where none is named it was 1.
    """
    return _VERSION[Reading(reading)]


def thresholds_in_force(thresholds: DabThresholds, reading: Reading | str) -> DabThresholds:
    """Return the thresholds that a reading asks: the published one has no faint level."""
    return replace(thresholds, faint_od=None) if reading == Reading.ZHANG_2020 else thresholds


@dataclass(frozen=True, slots=True)
class Her2IhcRecipe:
    """All that decides a reading, besides the pixels.

    Parameters
    ----------
    profile : StainProfile
        Stain vectors, thresholds, white point.
    detector : NucleusDetector
        Finds nuclei.
    reading : Reading or str
        "per-cell" (the default) or "zhang-2020".
    per_cell : PerCellParams
        Of the per-cell reading; its membrane signal and contours serve both readings.
    skeleton : SkeletonParams
        Of the published reading.
    tile_px : int
        Side of a tile, working px; larger fields are read in tiles, with the same answer.
    """

    profile: StainProfile
    detector: NucleusDetector
    reading: Reading | str = Reading.PER_CELL
    per_cell: PerCellParams = PerCellParams()
    skeleton: SkeletonParams = SkeletonParams()
    tile_px: int = 3072

    @property
    def thresholds(self) -> DabThresholds:
        """The thresholds in force: the published reading has no faint level."""
        return thresholds_in_force(self.profile.thresholds, self.reading)


def recipe_parameters(recipe: Her2IhcRecipe, white_rgb: Vector3 | None) -> dict[str, Scalar]:
    """Flatten every number that takes part into one table.

    Parameters
    ----------
    recipe : Her2IhcRecipe
        How a field is read.
    white_rgb : tuple of 3 floats or None
        The white point that is used.

    Returns
    -------
    dict of str to scalar
        By the path of each number: "thresholds.weak_od", "per_cell.contour.angles", ...
    """
    flat: dict[str, Scalar] = threshold_parameters(recipe.thresholds)
    flat["reading_version"] = reading_version(recipe.reading)
    _put(flat, "per_cell", asdict(recipe.per_cell))
    if recipe.reading == Reading.ZHANG_2020:
        _put(flat, "skeleton", asdict(recipe.skeleton))
    _put(flat, "stain.haematoxylin_rgb_od", recipe.profile.haematoxylin_rgb_od)
    _put(flat, "stain.dab_rgb_od", recipe.profile.dab_rgb_od)
    _put(flat, "white_rgb", white_rgb)
    return flat


def threshold_parameters(thresholds: DabThresholds) -> dict[str, Scalar]:
    """Return the part of `recipe_parameters` that re-scoring changes."""
    flat: dict[str, Scalar] = {}
    _put(flat, "thresholds", asdict(thresholds))
    return flat


def _put(flat: dict[str, Scalar], prefix: str, value: object) -> None:
    if isinstance(value, dict):
        for key, inner in value.items():
            _put(flat, f"{prefix}.{key}", inner)
    elif isinstance(value, (list, tuple)):
        for i, inner in enumerate(value):
            _put(flat, f"{prefix}.{i}", inner)
    elif value is None or isinstance(value, (str, int, float, bool)):
        flat[prefix] = value
    else:
        flat[prefix] = str(value)

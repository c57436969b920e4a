"""The HER2 IHC assay: one frame in, one reading out."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from enum import StrEnum

import numpy as np

from armicro import __version__
from armicro.analysis.membrane import denoised_dab, level_map, membrane_signal, surroundings
from armicro.analysis.read_per_cell import PerCellParams, read_per_cell
from armicro.analysis.read_zhang import read_zhang
from armicro.analysis.skeleton import SkeletonParams, coded_skeleton, membrane_sets
from armicro.contracts.arrays import F32, I64, U8, Bool, frozen
from armicro.contracts.cells import CellTable, Nuclei, NucleusKind
from armicro.contracts.frame import Frame
from armicro.contracts.protocols import NucleusDetector
from armicro.contracts.results import FovResult, MembraneMap, Provenance, Scalar
from armicro.contracts.stages import Stages, no_stages
from armicro.contracts.stain import DabThresholds, StainMaps, StainProfile, Vector3
from armicro.imaging.quality import assess
from armicro.imaging.regions import Regions, inside
from armicro.imaging.scale import to_working, working_factor
from armicro.imaging.stain import estimate_counterstain, estimate_white, separate
from armicro.imaging.tiles import Tile, tiles

FEW_CELLS = 20
"""Fewer tumour cells than this in a field say little about it."""
SPARSE_PER_MM2 = 1000.0
"""Fewer tumour cells than this per mm² of tissue: hardly any tumour. Solid tumour has 2,000 to 8,000."""


class Reading(StrEnum):
    """How a cell's membrane becomes a category."""

    PER_CELL = "per-cell"
    ZHANG_2020 = "zhang-2020"


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
        t = self.profile.thresholds
        return replace(t, faint_od=None) if self.reading == Reading.ZHANG_2020 else t


def analyse(
    frame: Frame,
    recipe: Her2IhcRecipe,
    *,
    regions: Regions | None = None,
    calibration_id: str = "none",
    stages: Stages = no_stages,
) -> FovResult:
    """Read one field of view.

    Parameters
    ----------
    frame : Frame
        The field; its pixels are not written to.
    recipe : Her2IhcRecipe
        How to read it.
    regions : Regions or None
        Where cells count; None counts the whole field.
    calibration_id : str
        Identity of the instrument calibration the frame was corrected with.
    stages : Stages
        Told of each stage, for timing.

    Returns
    -------
    FovResult
        Cells in reading order (y, then x), in pixels of the field.
    """
    with stages("quality"):
        white = recipe.profile.white_rgb or estimate_white(frame.rgb, frame.optics.um_per_px)
        quality = assess(frame.rgb, frame.optics, white)
    profile = replace(recipe.profile, white_rgb=white)
    field = _Field(frame, profile, recipe, stages)
    nuclei = _in_reading_order(field.detect())
    cells, membrane = field.read(nuclei)
    if regions is not None:
        cells = replace(cells, counted=inside(cells.yx_px, regions))
    quality = replace(quality, warnings=(*quality.warnings, *_sparse(frame, cells, quality.tissue_share)))
    return FovResult(
        shape=frame.shape,
        cells=cells,
        others=nuclei.of_kind(NucleusKind.OTHER),
        membrane=membrane,
        quality=quality,
        provenance=_provenance(frame, profile, recipe, calibration_id),
    )


def _sparse(frame: Frame, cells: CellTable, tissue_share: float) -> tuple[str, ...]:
    """Warn where there are too few tumour cells to speak for the field."""
    n = int(cells.counted.sum())
    if n < FEW_CELLS:
        return (f"few tumour cells: {n} found, expected at least {FEW_CELLS}",)
    tissue_mm2 = tissue_share * frame.shape[0] * frame.shape[1] * (frame.optics.um_per_px / 1000) ** 2
    if len(cells) < SPARSE_PER_MM2 * tissue_mm2:
        note = (
            f"tumour cells are sparse: {len(cells) / tissue_mm2:.0f} per mm² of tissue, expected at least "
            f"{SPARSE_PER_MM2:.0f}; the field may hold hardly any tumour"
        )
        return (note,)
    return ()


class _Field:
    """One field on its way through the stages.

    Keeps the maps of the last tile, so that a field of one tile is separated once.
    """

    def __init__(self, frame: Frame, profile: StainProfile, recipe: Her2IhcRecipe, stages: Stages) -> None:
        self._frame = frame
        self._profile = profile
        self._recipe = recipe
        self._stages = stages
        self._factor = working_factor(frame.optics)
        h, w = frame.shape
        reach_um = max(recipe.detector.reach_um, recipe.per_cell.reach_um)
        margin_px = int(np.ceil(reach_um / (frame.optics.um_per_px * self._factor)))
        self._shape = (max(1, h // self._factor), max(1, w // self._factor))
        self._tiles = tuple(tiles(self._shape, recipe.tile_px, margin_px))
        self._last: tuple[Tile, StainMaps] | None = None
        with stages("stain"):
            self._counterstain_od = estimate_counterstain(frame.rgb, frame.optics.um_per_px, profile)

    def _pixels(self, tile: Tile) -> U8:
        f, (h, w) = self._factor, self._shape
        # The last tile takes the odd rows and columns along that do not fill a working pixel.
        y1 = tile.full_y[1] * f if tile.full_y[1] < h else self._frame.shape[0]
        x1 = tile.full_x[1] * f if tile.full_x[1] < w else self._frame.shape[1]
        return self._frame.rgb[tile.full_y[0] * f : y1, tile.full_x[0] * f : x1]

    def _maps(self, tile: Tile) -> StainMaps:
        if self._last is None or self._last[0] != tile:
            with self._stages("stain"):
                pixels, optics = self._pixels(tile), self._frame.optics
                self._last = tile, separate(pixels, optics, self._profile, self._counterstain_od)
        return self._last[1]

    def detect(self) -> Nuclei:
        """Find the nuclei of all tiles, in pixels of the field."""
        found = []
        for tile in self._tiles:
            maps = self._maps(tile)
            with self._stages("nuclei"):
                nuclei = self._recipe.detector.detect(self._pixels(tile), maps)
                corner = np.array([tile.full_y[0], tile.full_x[0]], np.float32) * self._factor
                moved = Nuclei(nuclei.yx_px + corner, nuclei.score, nuclei.kind)
                found.append(moved.take(self._within(moved.yx_px, tile)))
        return Nuclei(
            np.concatenate([n.yx_px for n in found]),
            np.concatenate([n.score for n in found]),
            np.concatenate([n.kind for n in found]),
        )

    def read(self, nuclei: Nuclei) -> tuple[CellTable, MembraneMap | None]:
        """Read all tumour cells; the masks too where the reading rests on them."""
        published = self._recipe.reading == Reading.ZHANG_2020
        level = np.zeros(self._shape, np.uint8) if published else None
        tumour = nuclei.of_kind(NucleusKind.TUMOUR)
        rows, tables = [], []
        for tile in self._tiles:
            maps = self._maps(tile)
            with self._stages("cells"):
                which = np.flatnonzero(self._within(tumour.yx_px, tile))
                rows.append(which)
                tables.append(self._read_tile(tile, maps, tumour.yx_px[which], nuclei.yx_px))
            if level is not None:
                with self._stages("membrane"):
                    _paste(level, self._level(maps), tile)
        order = np.argsort(np.concatenate(rows), kind="stable")
        cells = _join(tables, order)
        if level is None:
            return cells, None
        with self._stages("membrane"):
            return self._published(cells, level)

    def _read_tile(self, tile: Tile, maps: StainMaps, tumour_yx: F32, all_yx: F32) -> CellTable:
        corner = np.array([tile.full_y[0], tile.full_x[0]], np.float32)
        table = read_per_cell(
            maps,
            to_working(tumour_yx, self._factor) - corner,
            to_working(all_yx, self._factor) - corner,
            self._recipe.thresholds,
            self._recipe.per_cell,
        )
        return replace(table, yx_px=tumour_yx)

    def _level(self, maps: StainMaps) -> U8:
        params = self._recipe.per_cell.membrane
        dab = denoised_dab(maps, params)
        around = surroundings(dab, maps.um_per_px, params.widest_um)
        return level_map(membrane_signal(dab, around, params.surround_share), self._recipe.thresholds)

    def _published(self, cells: CellTable, level: U8) -> tuple[CellTable, MembraneMap]:
        um_per_px = self._frame.optics.um_per_px * self._factor
        sets = membrane_sets(level, um_per_px, self._recipe.skeleton)
        category, rule = read_zhang(sets, to_working(cells.yx_px, self._factor))
        # The published reading follows no contour of its own; the shares stay as evidence.
        none = cells.contour_um[:, :0], cells.contour_level[:, :0]
        table = replace(cells, category=category, rule=rule, contour_um=none[0], contour_level=none[1])
        return table, MembraneMap(level, coded_skeleton(sets, level), um_per_px, self._factor)

    def _within(self, yx_px: F32, tile: Tile) -> Bool:
        """Which points lie in the tile's core; the field's rim belongs to the tiles along it."""
        yx = to_working(yx_px, self._factor)
        (y0, y1), (x0, x1) = tile.core_y, tile.core_x
        low = (yx[:, 0] >= y0 - 0.5) | (y0 == 0), (yx[:, 1] >= x0 - 0.5) | (x0 == 0)
        h, w = self._shape
        high = (yx[:, 0] < y1 - 0.5) | (y1 == h), (yx[:, 1] < x1 - 0.5) | (x1 == w)
        return np.asarray(low[0] & low[1] & high[0] & high[1])


def _paste(whole: U8, part: U8, tile: Tile) -> None:
    (y0, y1), (x0, x1) = tile.core_y, tile.core_x
    dy, dx = tile.full_y[0], tile.full_x[0]
    whole[y0:y1, x0:x1] = part[y0 - dy : y1 - dy, x0 - dx : x1 - dx]


def _join(tables: list[CellTable], order: I64) -> CellTable:
    names = CellTable.__dataclass_fields__
    return CellTable(
        **{n: frozen(np.concatenate([getattr(t, n) for t in tables])[order]) for n in names},
    )


def _in_reading_order(nuclei: Nuclei) -> Nuclei:
    order = np.lexsort((nuclei.yx_px[:, 1], nuclei.yx_px[:, 0]))
    return Nuclei(nuclei.yx_px[order], nuclei.score[order], nuclei.kind[order])


def _provenance(
    frame: Frame, profile: StainProfile, recipe: Her2IhcRecipe, calibration_id: str
) -> Provenance:
    return Provenance(
        package_version=__version__,
        frame_id=frame.frame_id,
        t_ns=frame.t_ns,
        source=frame.source,
        optics=frame.optics,
        stain_profile=f"{profile.name}/{profile.version}",
        calibration_id=calibration_id,
        detector=recipe.detector.identity,
        reading=str(Reading(recipe.reading)),
        parameters=_parameters(recipe, profile.white_rgb),
    )


def _parameters(recipe: Her2IhcRecipe, white_rgb: Vector3 | None) -> dict[str, Scalar]:
    """Flatten every number that took part into one table."""
    flat: dict[str, Scalar] = {}

    def put(prefix: str, value: object) -> None:
        if isinstance(value, dict):
            for key, inner in value.items():
                put(f"{prefix}.{key}" if prefix else str(key), inner)
        elif isinstance(value, (list, tuple)):
            for i, inner in enumerate(value):
                put(f"{prefix}.{i}", inner)
        elif value is None or isinstance(value, (str, int, float, bool)):
            flat[prefix] = value
        else:
            flat[prefix] = str(value)

    put("thresholds", asdict(recipe.thresholds))
    put("per_cell", asdict(recipe.per_cell))
    if recipe.reading == Reading.ZHANG_2020:
        put("skeleton", asdict(recipe.skeleton))
    put("stain.haematoxylin_rgb_od", recipe.profile.haematoxylin_rgb_od)
    put("stain.dab_rgb_od", recipe.profile.dab_rgb_od)
    put("white_rgb", white_rgb)
    return flat

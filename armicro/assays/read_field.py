"""From a frame to what is kept of it: everything that costs time, before any threshold is asked."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import cv2
import numpy as np

from armicro import __version__
from armicro.analysis.contour import Contours
from armicro.analysis.membrane import denoised_dab, membrane_signal, surroundings
from armicro.analysis.read_per_cell import Traces, trace
from armicro.assays.kept import HISTOGRAM_BINS, HISTOGRAM_OD, KeptField
from armicro.assays.recipe import Her2IhcRecipe, Reading, recipe_parameters
from armicro.contracts.arrays import F32, I64, U8, Bool, frozen
from armicro.contracts.cells import Nuclei, NucleusKind
from armicro.contracts.frame import Frame
from armicro.contracts.results import Provenance
from armicro.contracts.stages import Stages, no_stages
from armicro.contracts.stain import StainMaps, StainProfile
from armicro.imaging.parallel import together
from armicro.imaging.quality import assess
from armicro.imaging.scale import to_working, working_factor
from armicro.imaging.stain import estimate_counterstain, estimate_white, separate
from armicro.imaging.tiles import Tile, tiles


def read_field(
    frame: Frame, recipe: Her2IhcRecipe, *, calibration_id: str = "none", stages: Stages = no_stages
) -> KeptField:
    """Read one field of view up to where thresholds come in.

    Parameters
    ----------
    frame : Frame
        The field; its pixels are not written to.
    recipe : Her2IhcRecipe
        How to read it.
    calibration_id : str
        Identity of the instrument calibration the frame was corrected with.
    stages : Stages
        Told of each stage, for timing.

    Returns
    -------
    KeptField
        Without a pixel of the frame; `rescore` makes a result of it.

    Raises
    ------
    EngineError
        If the detector fails.
    """
    # What is measured of the whole field before it is read: each on a thread of its own.
    with stages("quality"):
        white = recipe.profile.white_rgb or estimate_white(frame.rgb, frame.optics.um_per_px)
        profile = replace(recipe.profile, white_rgb=white)
        counterstain_od, quality = together(
            lambda: estimate_counterstain(frame.rgb, frame.optics.um_per_px, profile),
            lambda: assess(frame.rgb, frame.optics, white),
        )
    field = _Field(frame, (profile, counterstain_od), recipe, stages)
    nuclei = _in_reading_order(field.detect())
    traces = field.trace(nuclei)
    return KeptField(
        shape=frame.shape,
        traces=traces,
        nuclei=nuclei,
        signal_od=None if field.signal_od is None else frozen(field.signal_od),
        dab_histogram=frozen(field.dab_histogram),
        quality=quality,
        origin=_provenance(frame, profile, recipe, calibration_id),
        per_cell=recipe.per_cell,
        skeleton=recipe.skeleton,
    )


class _Field:
    """One field on its way through the stages.

    Keeps the maps of the last tile, so that a field of one tile is separated once. `signal_od` (where the
    reading needs it) and `dab_histogram` are filled by `trace`.
    """

    def __init__(
        self, frame: Frame, stain: tuple[StainProfile, float], recipe: Her2IhcRecipe, stages: Stages
    ) -> None:
        self._frame = frame
        self._profile, self._counterstain_od = stain
        self._recipe = recipe
        self._stages = stages
        self._factor = working_factor(frame.optics)
        h, w = frame.shape
        reach_um = max(recipe.detector.reach_um, recipe.per_cell.reach_um)
        margin_px = int(np.ceil(reach_um / (frame.optics.um_per_px * self._factor)))
        self._shape = (max(1, h // self._factor), max(1, w // self._factor))
        self._tiles = tuple(tiles(self._shape, recipe.tile_px, margin_px))
        self._last: tuple[Tile, StainMaps] | None = None
        published = recipe.reading == Reading.ZHANG_2020
        self.signal_od = np.zeros(self._shape, np.float32) if published else None
        self.dab_histogram = np.zeros(HISTOGRAM_BINS, np.int64)

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

    def trace(self, nuclei: Nuclei) -> Traces:
        """Trace all tumour cells; on the way, take what else is kept of each tile."""
        tumour = nuclei.of_kind(NucleusKind.TUMOUR)
        rows, parts = [], []
        for tile in self._tiles:
            maps = self._maps(tile)
            with self._stages("cells"):
                which = np.flatnonzero(self._within(tumour.yx_px, tile))
                rows.append(which)
                corner = np.array([tile.full_y[0], tile.full_x[0]], np.float32)
                mine = to_working(tumour.yx_px[which], self._factor) - corner
                every = to_working(nuclei.yx_px, self._factor) - corner
                part, histogram = together(
                    partial(trace, maps, mine, every, self._recipe.per_cell),
                    partial(_dab_histogram, maps, tile),
                )
                parts.append(_moved(part, corner))
                self.dab_histogram += histogram
            if self.signal_od is not None:
                with self._stages("membrane"):
                    _paste(self.signal_od, self._signal(maps), tile)
        return _join(parts, np.argsort(np.concatenate(rows), kind="stable"))

    def _signal(self, maps: StainMaps) -> F32:
        params = self._recipe.per_cell.membrane
        dab = denoised_dab(maps, params)
        return membrane_signal(
            dab, surroundings(dab, maps.um_per_px, params.widest_um), params.surround_share
        )

    def _within(self, yx_px: F32, tile: Tile) -> Bool:
        """Which points lie in the tile's core; the field's rim belongs to the tiles along it."""
        yx = to_working(yx_px, self._factor)
        (y0, y1), (x0, x1) = tile.core_y, tile.core_x
        low = (yx[:, 0] >= y0 - 0.5) | (y0 == 0), (yx[:, 1] >= x0 - 0.5) | (x0 == 0)
        h, w = self._shape
        high = (yx[:, 0] < y1 - 0.5) | (y1 == h), (yx[:, 1] < x1 - 0.5) | (x1 == w)
        return np.asarray(low[0] & low[1] & high[0] & high[1])


def _paste(whole: F32, part: F32, tile: Tile) -> None:
    (y0, y1), (x0, x1) = tile.core_y, tile.core_x
    dy, dx = tile.full_y[0], tile.full_x[0]
    whole[y0:y1, x0:x1] = part[y0 - dy : y1 - dy, x0 - dx : x1 - dx]


def _dab_histogram(maps: StainMaps, tile: Tile) -> I64:
    """Count the DAB densities of a tile's core; what lies outside the range is left out."""
    (y0, y1), (x0, x1) = tile.core_y, tile.core_x
    dy, dx = tile.full_y[0], tile.full_x[0]
    core = maps.dab_od[y0 - dy : y1 - dy, x0 - dx : x1 - dx]
    counts = cv2.calcHist([np.ascontiguousarray(core)], [0], None, [HISTOGRAM_BINS], list(HISTOGRAM_OD))
    return np.asarray(counts, np.float64).ravel().astype(np.int64)


def _moved(traces: Traces, corner_yx: F32) -> Traces:
    """Say where a tile's contours run in the whole field, working px."""
    contours = traces.contours
    y, x = contours.y_px + corner_yx[0], contours.x_px + corner_yx[1]
    return replace(traces, contours=replace(contours, y_px=y, x_px=x))


def _join(parts: list[Traces], order: I64) -> Traces:
    def joined(arrays: list[F32]) -> F32:
        return frozen(np.ascontiguousarray(np.concatenate(arrays)[order]))

    names = Contours.__dataclass_fields__
    return Traces(
        contours=Contours(**{n: joined([getattr(p.contours, n) for p in parts]) for n in names}),
        signal_od=joined([p.signal_od for p in parts]),
        contrast_od=joined([p.contrast_od for p in parts]),
        dab_od=joined([p.dab_od for p in parts]),
        width_um=joined([p.width_um for p in parts]),
        faint_factor=joined([p.faint_factor for p in parts]),
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
        parameters=recipe_parameters(recipe, profile.white_rgb),
    )

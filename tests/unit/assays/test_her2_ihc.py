"""The assay as a whole: laws that hold for any field."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
import pytest

from armicro.analysis.detect_classical import ClassicalDetector
from armicro.assays.her2_ihc import Her2IhcRecipe, Reading, analyse
from armicro.contracts.arrays import U8
from armicro.contracts.cells import CellTable
from armicro.contracts.frame import Frame, Optics
from armicro.contracts.results import FovResult
from armicro.contracts.stain import DabThresholds, StainProfile
from armicro.imaging.regions import Polygon, Regions
from armicro.sim.case import CaseParams, parse_mix, simulate_field
from armicro.sim.params import StainingParams

PROFILE = StainProfile(
    "test", "1", (0.65111, 0.70119, 0.29049), (0.26917, 0.56824, 0.77759), DabThresholds(0.135, 0.44, 0.07)
)
READINGS = list(Reading)


@cache
def field(um_per_px: float = 0.23, side_px: int = 640) -> U8:
    params = CaseParams(mix=parse_mix("2+"), um_per_px=um_per_px, shape_px=(side_px, side_px))
    rgb = simulate_field(params, 5, 0).rgb.copy()
    rgb.flags.writeable = False
    return rgb


def read(
    rgb: U8, reading: Reading = Reading.PER_CELL, um_per_px: float = 0.23, **options: object
) -> FovResult:
    recipe = Her2IhcRecipe(PROFILE, ClassicalDetector(), reading, **options)  # type: ignore[arg-type]
    return analyse(Frame(rgb, 0, 0, Optics(um_per_px), "test"), recipe)


def assert_same_cells(a: CellTable, b: CellTable) -> None:
    for name in CellTable.__dataclass_fields__:
        np.testing.assert_array_equal(getattr(a, name), getattr(b, name), err_msg=name)


@pytest.mark.parametrize("reading", READINGS)
@pytest.mark.parametrize("tile_px", [64, 128, 200])
def test_tiles_equal_the_whole(reading: Reading, tile_px: int) -> None:
    rgb = field(side_px=901)[:, :777]
    whole = read(rgb, reading, tile_px=4096)
    tiled = read(rgb, reading, tile_px=tile_px)
    assert len(whole.cells) > 50
    assert_same_cells(whole.cells, tiled.cells)
    np.testing.assert_array_equal(whole.others.yx_px, tiled.others.yx_px)


@pytest.mark.parametrize("reading", READINGS)
@pytest.mark.parametrize(
    ("turn", "back"),
    [
        (np.rot90, lambda yx, n: np.stack([yx[:, 1], n - yx[:, 0]], axis=1)),
        (np.fliplr, lambda yx, n: np.stack([yx[:, 0], n - yx[:, 1]], axis=1)),
        (np.flipud, lambda yx, n: np.stack([n - yx[:, 0], yx[:, 1]], axis=1)),
    ],
    ids=["quarter turn", "mirror", "upside down"],
)
def test_turning_the_slide_changes_nothing(
    reading: Reading,
    turn: Callable[[U8], U8],
    back: Callable[[np.ndarray, int], np.ndarray],
) -> None:
    rgb = field()
    here, turned = read(rgb, reading), read(np.ascontiguousarray(turn(rgb)), reading)
    yx = back(turned.cells.yx_px, rgb.shape[0] - 1)
    order = np.lexsort((yx[:, 1], yx[:, 0]))
    np.testing.assert_allclose(yx[order], here.cells.yx_px, atol=1e-3)
    np.testing.assert_array_equal(turned.cells.category[order], here.cells.category)
    assert turned.counts() == here.counts()


def test_the_same_field_gives_the_same_answer() -> None:
    assert_same_cells(read(field()).cells, read(field()).cells)


def test_cells_come_in_reading_order_within_the_field() -> None:
    yx = read(field()).cells.yx_px
    assert (np.diff(yx[:, 0]) >= 0).all()
    assert yx.min() >= -0.5
    assert yx.max() <= 640


def test_a_region_counts_what_lies_inside_and_keeps_the_rest() -> None:
    half = Polygon((np.array([[-1, -1], [-1, 320], [700, 320], [700, -1]], np.float64),))
    frame = Frame(field(), 0, 0, Optics(0.23), "test")
    recipe = Her2IhcRecipe(PROFILE, ClassicalDetector())
    all_cells = analyse(frame, recipe).cells
    left = analyse(frame, recipe, regions=Regions(include=(half,), exclude=())).cells
    assert len(left) == len(all_cells)
    np.testing.assert_array_equal(left.counted, all_cells.yx_px[:, 1] < 320)


def test_glass_has_no_cells_and_says_so() -> None:
    result = read(np.full((300, 300, 3), 240, np.uint8))
    assert len(result.cells) == 0
    assert sum(result.counts().values()) == 0
    assert any("few tumour cells" in w for w in result.quality.warnings)


@pytest.mark.parametrize("shape", [(1, 1), (5, 400), (33, 47)])
def test_tiny_fields_are_read_without_error(shape: tuple[int, int]) -> None:
    for reading in READINGS:
        assert len(read(np.full((*shape, 3), 150, np.uint8), reading).cells) >= 0


def test_everything_that_decides_is_in_the_provenance() -> None:
    provenance = read(field()).provenance
    assert provenance.reading == "per-cell"
    assert provenance.stain_profile == "test/1"
    assert provenance.detector.startswith("classical/")
    assert provenance.parameters["thresholds.weak_od"] == 0.135
    assert provenance.parameters["per_cell.complete_share"] == 0.86
    assert "white_rgb.0" in provenance.parameters


def test_the_published_reading_has_no_faint_cells_and_shows_its_masks() -> None:
    result = read(field(), Reading.ZHANG_2020)
    assert result.membrane is not None
    assert not (result.cells.category == 1).any()
    assert result.cells.contour_um.shape[1] == 0


def test_half_the_scale_reads_alike() -> None:
    """The same slide under 20x and 40x: proportions stay within what the optics can change."""
    proportions = []
    for um_per_px, side in ((0.212, 1200), (0.424, 600)):
        n = np.array(list(read(field(um_per_px, side), um_per_px=um_per_px).counts().values()), float)
        proportions.append(n / n.sum())
    assert np.abs(proportions[0] - proportions[1]).max() < 0.12


@pytest.mark.parametrize(("blush_chance", "told"), [(0.0, False), (1.0, True)])
def test_granular_brown_cytoplasm_is_pointed_out(blush_chance: float, told: bool) -> None:
    staining = StainingParams(blush_chance=blush_chance, blush_od=(0.06, 0.08))
    params = CaseParams(parse_mix("1+"), 0.23, (900, 900), staining=staining)
    rgb = simulate_field(params, 11, 0).rgb
    warned = [w for w in read(rgb).quality.warnings if "brown, granular cytoplasm" in w]
    assert bool(warned) is told
    assert not any("granular" in w for w in read(rgb, Reading.ZHANG_2020).quality.warnings)

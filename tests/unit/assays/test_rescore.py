"""What is kept of a field gives the result of a full reading, by whatever thresholds."""

from __future__ import annotations

import numpy as np
import pytest

from armicro.analysis.detect_classical import ClassicalDetector
from armicro.assays.her2_ihc import Her2IhcRecipe, Reading, analyse
from armicro.assays.kept import HISTOGRAM_BINS, HISTOGRAM_OD, rescore
from armicro.assays.read_field import read_field
from armicro.contracts.arrays import U8, frozen
from armicro.contracts.cells import Category, CellTable
from armicro.contracts.frame import Frame, Optics
from armicro.contracts.results import FovResult
from armicro.contracts.stain import DabThresholds, StainProfile
from armicro.imaging.regions import Polygon, Regions
from armicro.sim.case import CaseParams, parse_mix, simulate_field

READ_BY = DabThresholds(0.135, 0.44, 0.07)
OTHERS = (DabThresholds(0.2, 0.5, 0.1), DabThresholds(0.1, 0.3), DabThresholds(0.05, 0.9, 0.02))


def recipe(reading: Reading, tile_px: int, thresholds: DabThresholds) -> Her2IhcRecipe:
    vectors = (0.65111, 0.70119, 0.29049), (0.26917, 0.56824, 0.77759)
    profile = StainProfile("test", "1", *vectors, thresholds)
    return Her2IhcRecipe(profile, ClassicalDetector(), reading, tile_px=tile_px)


@pytest.fixture(scope="module")
def frame() -> Frame:
    params = CaseParams(mix=parse_mix("2+"), um_per_px=0.23, shape_px=(520, 611))
    rgb: U8 = frozen(simulate_field(params, 5, 0).rgb)
    return Frame(rgb, 3, 17, Optics(0.23, "40x"), "test")


def assert_same(a: FovResult, b: FovResult) -> None:
    for name in CellTable.__dataclass_fields__:
        x, y = getattr(a.cells, name), getattr(b.cells, name)
        assert x.dtype == y.dtype
        np.testing.assert_array_equal(x, y, err_msg=name)
    np.testing.assert_array_equal(a.others.yx_px, b.others.yx_px)
    assert (a.membrane is None) == (b.membrane is None)
    if a.membrane is not None and b.membrane is not None:
        np.testing.assert_array_equal(a.membrane.level, b.membrane.level)
        np.testing.assert_array_equal(a.membrane.skeleton, b.membrane.skeleton)
        assert a.membrane.um_per_px == b.membrane.um_per_px
    assert a.shape == b.shape
    assert a.quality == b.quality
    assert a.provenance == b.provenance
    assert list(a.provenance.parameters) == list(b.provenance.parameters)


@pytest.mark.parametrize("reading", list(Reading))
@pytest.mark.parametrize("tile_px", [128, 4096])
@pytest.mark.parametrize("thresholds", OTHERS)
def test_rescoring_equals_a_full_reading(
    frame: Frame, reading: Reading, tile_px: int, thresholds: DabThresholds
) -> None:
    kept = read_field(frame, recipe(reading, tile_px, READ_BY))
    whole = analyse(frame, recipe(reading, tile_px, thresholds))
    assert len(whole.cells) > 10
    assert_same(rescore(kept, thresholds), whole)


def test_regions_are_asked_again(frame: Frame) -> None:
    square = np.array([(0, 0), (0, 300), (300, 300), (300, 0)], np.float64)
    regions = Regions((Polygon((square,)),))
    kept = read_field(frame, recipe(Reading.PER_CELL, 4096, READ_BY))
    whole = analyse(frame, recipe(Reading.PER_CELL, 4096, OTHERS[0]), regions=regions)
    assert 0 < whole.cells.counted.sum() < len(whole.cells)
    assert_same(rescore(kept, OTHERS[0], regions=regions), whole)


def test_thresholds_do_decide(frame: Frame) -> None:
    kept = read_field(frame, recipe(Reading.PER_CELL, 4096, READ_BY))
    low, high = (rescore(kept, t).counts() for t in (OTHERS[2], DabThresholds(0.8, 0.9)))
    assert low[Category.NONE] < high[Category.NONE]


@pytest.mark.parametrize("tile_px", [128, 4096])
def test_the_histogram_counts_each_working_pixel_once(frame: Frame, tile_px: int) -> None:
    kept = read_field(frame, recipe(Reading.PER_CELL, tile_px, READ_BY))
    whole = read_field(frame, recipe(Reading.PER_CELL, 4096, READ_BY))
    assert kept.dab_histogram.shape == (HISTOGRAM_BINS,)
    assert HISTOGRAM_OD[1] - HISTOGRAM_OD[0] == pytest.approx(0.01 * HISTOGRAM_BINS)
    np.testing.assert_array_equal(kept.dab_histogram, whole.dab_histogram)
    h, w = frame.shape
    assert 0.98 * (h // 2) * (w // 2) < kept.dab_histogram.sum() <= (h // 2) * (w // 2) * 4


def test_nothing_that_is_kept_can_be_written_to(frame: Frame) -> None:
    kept = read_field(frame, recipe(Reading.ZHANG_2020, 4096, READ_BY))
    with pytest.raises(ValueError, match="read-only"):
        kept.traces.signal_od[0, 0] = 1
    with pytest.raises(ValueError, match="read-only"):
        rescore(kept, READ_BY).cells.category[0] = 1

"""What lies around a cell decides how much contrast a faint membrane must have there."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from armicro.analysis.contour import Contours
from armicro.analysis.grain import GrainParams, asked, brown_along, grain_around
from armicro.analysis.membrane import MembraneParams, denoised_dab, membrane_signal, surroundings
from armicro.analysis.read_per_cell import PerCellParams, contour_levels, grade, trace
from armicro.contracts.arrays import F32
from armicro.contracts.cells import Category
from armicro.contracts.stain import DabThresholds, StainMaps

UM = 0.44
PARAMS = GrainParams()
THRESHOLDS = DabThresholds(0.135, 0.44, 0.06)
CENTRE = np.array([[100, 100]], np.float32)


def noise(size_um: float, seed: int = 5) -> F32:
    """Noise of mean 0 and variance 1 whose grains have a size, (201, 201)."""
    raw = np.random.default_rng(seed).standard_normal((201, 201)).astype(np.float32)
    smooth = cv2.GaussianBlur(raw, (0, 0), size_um / UM) if size_um else raw
    return np.asarray(smooth / smooth.std(), np.float32)


def ring(od: float, radius_um: float = 6.0) -> F32:
    """A thin circle around the centre, (201, 201)."""
    y, x = np.mgrid[:201, :201].astype(np.float32) - 100
    return np.asarray(od * np.exp(-(((np.hypot(y, x) * UM - radius_um) / 0.35) ** 2)), np.float32)


def maps_of(dab: F32) -> StainMaps:
    return StainMaps(np.zeros_like(dab), dab, UM, 1, (255.0, 255.0, 255.0))


def factor(dab: F32) -> float:
    return float(trace(maps_of(dab), CENTRE, CENTRE, PerCellParams()).faint_factor[0])


def test_only_brown_that_is_coarse_asks_for_more() -> None:
    brown = np.full((201, 201), 0.09, np.float32)
    camera = 0.02 * noise(0)
    assert factor(np.maximum(brown * (1 + 0.4 * noise(1.3)), 0)) > 1.2
    assert factor(brown + camera) == 1
    assert factor(np.maximum(0.03 * noise(1.3), 0)) <= 1  # grains on nothing
    assert factor(ring(0.6) + camera) <= 1  # a membrane is no grain


def test_a_lumen_beside_the_cell_says_nothing_about_its_grain() -> None:
    whole = np.maximum(0.09 * (1 + 0.4 * noise(1.3)), 0).astype(np.float32)
    beside = whole.copy()
    beside[:, 122:] = 0  # from 9 µm on
    maps = [(dab, membrane_signal(dab, surroundings(dab, UM, 5.0), 1.0)) for dab in (whole, beside)]
    there, lumen = (float(grain_around(m, CENTRE, UM, PARAMS)[0][0]) for m in maps)
    assert lumen == pytest.approx(there, rel=0.1)


def test_where_nothing_stirs_a_little_less_is_asked() -> None:
    assert factor(np.full((201, 201), 0.01, np.float32)) == pytest.approx(1 - PARAMS.less_share)


def test_the_factor_keeps_between_its_bounds_and_follows_grain_and_brown() -> None:
    def at(grain: float, brown: float, stir: float = 0.02) -> float:
        one = [np.array([v], np.float32) for v in (grain, brown, stir)]
        return float(asked(one[0], one[1], one[2], PARAMS)[0])

    assert at(1, 1) == pytest.approx(1 + PARAMS.most_share)
    assert at(PARAMS.grain_from_od, 1) == 1
    assert at(1, PARAMS.brown_from_od) == 1
    assert 1 < at(0.007, 0.03) < at(0.008, 0.03) < at(0.008, 0.035)


def test_neither_turns_nor_tiles_change_a_bit() -> None:
    dab = np.maximum(0.08 * (1 + 0.4 * noise(1.3)) + ring(0.1), 0).astype(np.float32)
    whole = factor(dab)
    assert 1 < whole < 1 + PARAMS.most_share
    for turned in (np.rot90(dab), dab[::-1], dab[:, ::-1]):
        assert factor(np.ascontiguousarray(turned)) == pytest.approx(whole, abs=1e-5)
    corner = np.array([[20, 13]], np.float32)
    params = MembraneParams()

    def read(part: F32, at: F32) -> F32:
        full = denoised_dab(maps_of(part), params)
        here = np.full((1, 48), 5.0, np.float32)
        contours = Contours(here, here, np.repeat(at[:, :1], 48, 1), np.repeat(at[:, 1:], 48, 1))
        around = surroundings(full, UM, params.widest_um)
        grain, stir = grain_around((full, membrane_signal(full, around, 1.0)), at, UM, PARAMS)
        return asked(grain, brown_along(around, contours), stir, PARAMS)

    np.testing.assert_array_equal(read(dab, CENTRE), read(dab[20:, 13:].copy(), CENTRE - corner))


def test_the_grain_of_a_brown_cytoplasm_is_no_faint_membrane() -> None:
    plain = PerCellParams(grain=GrainParams(more_share=0))
    read: dict[PerCellParams, list[int]] = {plain: [], PerCellParams(): []}
    for seed in range(10):
        dab = np.maximum(0.08 * (1 + 0.4 * noise(0.8, seed)), 0).astype(np.float32)
        for params, categories in read.items():
            traces = trace(maps_of(dab), CENTRE, CENTRE, params)
            categories.append(int(grade(traces, CENTRE, THRESHOLDS, params).category[0]))
    assert read[plain] == [Category.FAINT] * 10
    assert read[PerCellParams()].count(Category.NONE) >= 9


def test_the_table_says_what_was_asked() -> None:
    params = PerCellParams()
    traces = trace(maps_of(np.full((201, 201), 0.01, np.float32)), CENTRE, CENTRE, params)
    asked_od = grade(traces, CENTRE, THRESHOLDS, params).faint_asked_od[0]
    assert asked_od == pytest.approx(0.06 * (1 - PARAMS.less_share))
    assert grade(traces, CENTRE, DabThresholds(0.135, 0.44, None), params).faint_asked_od[0] == 0


def test_a_cell_with_weak_membrane_is_asked_for_the_plain_threshold() -> None:
    grainy = np.maximum(0.09 * (1 + 0.4 * noise(1.3)), 0).astype(np.float32)
    traces = trace(maps_of(np.maximum(grainy, ring(0.5))), CENTRE, CENTRE, PerCellParams())
    assert contour_levels(traces, THRESHOLDS, PerCellParams())[1][0] == np.float32(0.06)

"""The default reading: shares of a contour, and what they are called."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from armicro.analysis.contour import Contours
from armicro.analysis.read_per_cell import PerCellParams, Traces, contour_levels, judge, read_per_cell
from armicro.contracts.arrays import F32
from armicro.contracts.cells import RULES, Category, Rule
from armicro.contracts.stain import DabThresholds, StainMaps

PARAMS = PerCellParams()
THRESHOLDS = DabThresholds(0.13, 0.42, 0.07)


@pytest.mark.parametrize(
    ("faint", "weak", "intense", "expected"),
    [
        (1.0, 1.0, 1.0, Category.INTENSE_COMPLETE),
        (1.0, 1.0, 0.84, Category.INTENSE_INCOMPLETE),
        (0.5, 0.5, 0.31, Category.INTENSE_INCOMPLETE),
        (1.0, 0.86, 0.1, Category.WEAK_COMPLETE),
        (0.9, 0.7, 0.1, Category.WEAK_COMPLETE),
        (0.8, 0.7, 0.1, Category.WEAK_INCOMPLETE),
        (0.9, 0.3, 0.0, Category.WEAK_INCOMPLETE),
        (1.0, 0.1, 0.0, Category.FAINT),
        (0.1, 0.0, 0.0, Category.NONE),
        (0.0, 0.0, 0.0, Category.NONE),
    ],
)
def test_shares_become_categories(faint: float, weak: float, intense: float, expected: Category) -> None:
    assert judge(np.array([[faint, weak, intense]], np.float32), PARAMS)[0] == expected


@given(st.lists(st.floats(0, 1), min_size=3, max_size=3), st.integers(0, 2), st.floats(0, 1))
def test_more_membrane_of_a_level_never_reads_weaker(shares: list[float], grade: int, more: float) -> None:
    """Staining more of a contour, at a level and hence at those below, never lowers its reading."""
    low = np.sort(np.array(shares, np.float32))[::-1]
    high = low.copy()
    high[: grade + 1] = np.maximum(high[: grade + 1], low[grade] + np.float32(more) * (1 - low[grade]))
    # An intense incomplete contour outranks a weak complete one by convention, so the order is total.
    assert judge(high[None], PARAMS)[0] >= judge(low[None], PARAMS)[0]


def traces_of(signal: F32) -> Traces:
    """Make traces whose contrast is the signal itself, on a circle."""
    ones = np.ones_like(signal)
    return Traces(
        Contours(ones, ones, ones, ones), signal, signal, signal, ones, np.ones(len(signal), np.float32)
    )


def test_short_gaps_are_closed_and_long_ones_stay() -> None:
    signal = np.full((2, 48), 0.2, np.float32)
    signal[0, 47] = signal[0, 0] = 0.0
    signal[1, 10:14] = 0.0
    level, _ = contour_levels(traces_of(signal), THRESHOLDS, PARAMS)
    assert (level[0] == 2).all()
    assert (level[1] == 2).sum() == 44


def test_gaps_in_intense_membrane_are_not_closed() -> None:
    signal = np.full((1, 48), 0.6, np.float32)
    signal[0, 5] = 0.2
    assert (contour_levels(traces_of(signal), THRESHOLDS, PARAMS)[0] == 3).sum() == 47


def flat_maps(dab: F32) -> StainMaps:
    return StainMaps(np.zeros_like(dab), dab, 0.44, 1, (240.0, 240.0, 240.0))


def test_diffuse_brown_is_no_membrane() -> None:
    """Beige cytoplasm is as dense as a faint membrane, but it is no ridge."""
    dab = np.full((80, 80), 0.12, np.float32)
    table = read_per_cell(flat_maps(dab), *(np.array([[40, 40]], np.float32),) * 2, THRESHOLDS, PARAMS)
    assert Category(int(table.category[0])) is Category.NONE


def test_the_evidence_of_a_stained_cell() -> None:
    y, x = np.mgrid[:81, :81]
    radius_um = np.hypot(y - 40, x - 40) * 0.44
    dab = (0.8 * np.exp(-((radius_um - 6) ** 2) / (2 * 0.7**2))).astype(np.float32)
    dab.flags.writeable = False
    table = read_per_cell(flat_maps(dab), *(np.array([[40, 40]], np.float32),) * 2, THRESHOLDS, PARAMS)
    assert Category(int(table.category[0])) is Category.INTENSE_COMPLETE
    assert RULES[table.rule[0]] is Rule.COMPLETE_INTENSE
    assert table.completeness[0] == pytest.approx(1, abs=0.01)
    assert table.membrane_dab_od[0] == pytest.approx(0.75, abs=0.1)
    assert table.membrane_dab_p90_od[0] >= table.membrane_dab_od[0]
    assert table.membrane_width_um[0] == pytest.approx(0.7 * 2.355, rel=0.35)
    np.testing.assert_allclose(table.contour_um[0], 6, atol=0.5)


def test_no_cells_no_rows() -> None:
    none = np.empty((0, 2), np.float32)
    table = read_per_cell(flat_maps(np.zeros((40, 40), np.float32)), none, none, THRESHOLDS, PARAMS)
    assert len(table) == 0
    assert table.stained_share.shape == (0, 3)

"""The fast two-stage bootstrap against drawing cell by cell, and against what is known."""

from __future__ import annotations

import numpy as np
import pytest

from armicro.contracts.arrays import I64
from armicro.scoring.bootstrap import (
    Resamples,
    resample_cells,
    resample_fields,
    share_interval,
    size_interval,
)
from armicro.scoring.guidelines import load_guideline

BREAST, BIOPSY = load_guideline("asco-cap-2018-breast"), load_guideline("gastric-2016-biopsy")
FIELDS = np.array(
    [[90, 5, 5, 5, 0, 5], [20, 5, 5, 10, 20, 40], [300, 0, 0, 0, 0, 0], [50, 10, 10, 10, 10, 10]], np.int64
)
FIELDS.flags.writeable = False


def _cell_by_cell(fields: I64, resamples: int, seed: int) -> Resamples:
    rng = np.random.default_rng(seed)
    masks, values, totals = BREAST.masks(), [], []
    cells = [np.repeat(np.arange(6), f) for f in fields]
    for _ in range(resamples):
        drawn = [cells[i] for i in rng.integers(0, len(fields), len(fields))]
        read = np.concatenate([rng.choice(c, len(c)) for c in drawn if len(c)])
        values.append(masks @ np.bincount(read, minlength=6))
        totals.append(len(read))
    return Resamples(np.array(values, np.int64), np.array(totals, np.int64))


def test_it_is_distributed_as_drawing_cell_by_cell() -> None:
    fast, slow = resample_cells(FIELDS, BREAST, 20_000, 1), _cell_by_cell(FIELDS, 4000, 2)
    assert fast.n.mean() == pytest.approx(slow.n.mean(), rel=0.02)
    assert fast.n.std() == pytest.approx(slow.n.std(), rel=0.05)
    for k in range(len(BREAST.criteria)):
        a, b = fast.values[:, k] / fast.n, slow.values[:, k] / slow.n
        assert a.mean() == pytest.approx(b.mean(), rel=0.03)
        assert a.std() == pytest.approx(b.std(), rel=0.06)
        assert np.quantile(a, [0.025, 0.975]) == pytest.approx(
            np.quantile(b, [0.025, 0.975]), rel=0.15, abs=0.004
        )


def test_one_field_is_a_plain_binomial() -> None:
    drawn = resample_cells(np.array([[900, 0, 0, 0, 0, 100]], np.int64), BREAST, 20_000, 0)
    assert (drawn.n == 1000).all()
    assert drawn.values[:, 0].mean() == pytest.approx(100, abs=0.5)
    assert drawn.values[:, 0].std() == pytest.approx(np.sqrt(1000 * 0.1 * 0.9), rel=0.03)


def test_fields_that_differ_widen_the_interval() -> None:
    alike = np.array([[180, 0, 0, 0, 0, 20]] * 5, np.int64)
    unlike = np.array([[200 - k, 0, 0, 0, 0, k] for k in (0, 0, 10, 30, 60)], np.int64)
    narrow = share_interval(resample_cells(alike, BREAST, 4000, 0), 0, 100, 1000)
    wide = share_interval(resample_cells(unlike, BREAST, 4000, 0), 0, 100, 1000)
    assert wide[1] - wide[0] > 2 * (narrow[1] - narrow[0])
    assert narrow[0] < 0.1 < narrow[1]


def test_criteria_stay_nested_in_every_resample() -> None:
    drawn = resample_cells(FIELDS, BREAST, 500, 3)
    intense, complete, either, limited, stained = drawn.values.T
    assert (intense == limited).all()
    assert (intense <= complete).all()
    assert (complete <= either).all()
    assert (either <= stained).all()
    assert (stained <= drawn.n).all()


@pytest.mark.parametrize("seed", [0, 1])
def test_the_order_of_fields_plays_no_part(seed: int) -> None:
    here, there = (resample_cells(f, BREAST, 100, seed) for f in (FIELDS, FIELDS[[2, 0, 3, 1]]))
    assert np.array_equal(here.values, there.values)
    assert np.array_equal(here.n, there.n)


def test_empty_fields_may_be_drawn() -> None:
    drawn = resample_cells(np.array([[0] * 6, [90, 0, 0, 0, 0, 10]], np.int64), BREAST, 2000, 0)
    assert set(np.unique(drawn.n).tolist()) == {0, 100, 200}
    assert (drawn.n == 0).mean() == pytest.approx(0.25, abs=0.04)
    low, high = share_interval(drawn, 0, 10, 100)
    assert 0 < low < 0.1 < high


@pytest.mark.parametrize(("n", "upper"), [(10, 0.3085), (100, 0.0362), (1000, 0.00368)])
def test_none_and_all_take_the_exact_binomial_limit(n: int, upper: float) -> None:
    """Clopper & Pearson: with 0 of n the upper limit is 1 - 0.025 ** (1 / n)."""
    drawn = resample_cells(np.array([[n, 0, 0, 0, 0, 0]], np.int64), BREAST, 100, 0)
    assert share_interval(drawn, 0, 0, n) == pytest.approx((0.0, upper), rel=0.01)
    drawn = resample_cells(np.array([[0, 0, 0, 0, 0, n]], np.int64), BREAST, 100, 0)
    assert share_interval(drawn, 0, n, n) == pytest.approx((1 - upper, 1.0), rel=0.01)


def test_clusters_are_drawn_by_field_and_the_largest_counts() -> None:
    values, n = np.array([[0, 2, 3], [6, 7, 9], [0, 0, 0]], np.int64), np.array([50, 80, 10], np.int64)
    drawn = resample_fields(values, n, 4000, 0)
    assert set(np.unique(drawn.values[:, 0]).tolist()) == {0, 6}
    # The field with the cluster is missing from (2/3)³ of the draws of three fields.
    assert (drawn.values[:, 0] == 0).mean() == pytest.approx(8 / 27, abs=0.03)
    assert size_interval(drawn, 0) == (0, 6)
    assert size_interval(drawn, 2) == (0, 9)
    order = [2, 0, 1]
    again = resample_fields(values[order], n[order], 4000, 0)
    assert np.array_equal(drawn.values, again.values)
    assert len(BIOPSY.criteria) == values.shape[1]

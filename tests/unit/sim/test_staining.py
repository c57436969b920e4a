from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial import cKDTree

from armicro.contracts.cells import CATEGORIES, Category
from armicro.sim.case import PRESETS, CaseParams, StainingParams, complete_mix
from armicro.sim.staining import (
    BORDER_SHARE,
    COMPLETE_SHARE,
    STAINED_SHARE,
    Staining,
    category_of,
    is_borderline,
    stain,
)
from armicro.sim.targets import inside
from armicro.sim.tissue import Tissue, grow


def test_shares_agree_with_a_measurement_on_the_outlines(tissue: Tissue, staining: Staining) -> None:
    """Walk along each outline in small steps and ask what the nearest piece of membrane carries."""
    nearest = cKDTree(tissue.net.yx_um)
    worst = []
    for cell in np.flatnonzero(tissue.has_nucleus).tolist():
        outline = tissue.outline_um(cell)
        ahead = np.roll(outline, -1, 0)
        steps = (
            outline[:, None] + (ahead - outline)[:, None] * np.linspace(0, 1, 4)[None, :3, None]
        ).reshape(-1, 2)
        length = np.repeat(np.hypot(*(ahead - outline).T) / 3, 3)
        level = staining.level[nearest.query(steps)[1]]
        measured = [(length * (level >= k)).sum() / length.sum() for k in (1, 2, 3)]
        worst.append(np.abs(measured - staining.stained_share[cell]).max())
    assert np.max(worst) < 0.03
    assert np.mean(worst) < 0.01


def test_the_rule_of_the_categories_at_its_borders() -> None:
    just = 1e-6
    complete, stained = COMPLETE_SHARE, STAINED_SHARE
    cases = {
        (1, 1, complete): Category.INTENSE_COMPLETE,
        (1, 1, complete - just): Category.INTENSE_INCOMPLETE,
        (1, 1, stained): Category.INTENSE_INCOMPLETE,
        (1, 1, stained - just): Category.WEAK_COMPLETE,
        (1, complete, 0): Category.WEAK_COMPLETE,
        (1, complete - just, 0): Category.WEAK_INCOMPLETE,
        (1, stained, 0): Category.WEAK_INCOMPLETE,
        (1, stained - just, 0): Category.FAINT,
        (stained, 0, 0): Category.FAINT,
        (stained - just, 0, 0): Category.NONE,
        (0, 0, 0): Category.NONE,
    }
    shares = np.array(list(cases), np.float64)
    assert category_of(shares).tolist() == [int(c) for c in cases.values()]


@given(
    st.lists(
        st.tuples(*[st.floats(0, 1)] * 3).map(lambda t: sorted(t, reverse=True)), min_size=1, max_size=20
    )
)
def test_more_stain_never_lowers_the_category(shares: list[list[float]]) -> None:
    share = np.array(shares)
    more = np.minimum(share + 0.1, 1.0)
    assert (category_of(more) >= category_of(share)).all()
    # What is not borderline keeps its category under any small change of one share.
    safe = ~is_borderline(share)
    moved = share.copy()
    moved[:, 1] += 0.99 * BORDER_SHARE
    assert (category_of(moved)[safe] == category_of(share)[safe]).all()


@pytest.mark.parametrize("name", PRESETS)
def test_the_mix_is_reached_over_fields(name: str) -> None:
    params = CaseParams(mix=PRESETS[name])
    counts = np.zeros(6)
    borderline = []
    for index in range(3):
        tissue = grow((260.0, 260.0), params.tissue, seed=11, index=index)
        staining = stain(tissue, params.mix, params.staining, seed=11, index=index)
        counted = tissue.has_nucleus & inside(tissue.nuclei.yx_um, tissue.extent_um)
        counts += np.bincount(staining.category[counted], minlength=6)
        borderline += staining.borderline[counted].tolist()
    assert counts.sum() > 250
    for category in CATEGORIES:
        assert counts[category] / counts.sum() == pytest.approx(params.mix[category], abs=0.02)
    assert np.mean(borderline) < 0.03


def test_neighbours_of_different_category_share_borders(tissue: Tissue, staining: Staining) -> None:
    shared = tissue.rings.other >= 0
    mine, theirs = (staining.category[i[shared]] for i in (tissue.rings.cell, tissue.rings.other))
    pairs = np.unique(mine.astype(int) * 6 + theirs)
    assert np.mean(mine != theirs) > 0.25
    assert len(pairs) > 12


def test_a_shared_border_carries_the_denser_side(tissue: Tissue, staining: Staining) -> None:
    # An unstained cell beside a complete one shows its neighbour's membrane on their border.
    net = tissue.net
    left, right = staining.category[net.left], staining.category[net.right]
    between = (net.right >= 0) & (left == Category.NONE) & (right == Category.WEAK_COMPLETE)
    assert between.any()
    assert staining.level[between].mean() > 1.5


def test_densities_keep_to_their_levels(staining: Staining) -> None:
    p = StainingParams()
    for level, (low, high) in enumerate((p.faint_od, p.weak_od, p.intense_od), 1):
        od = staining.od[staining.level == level]
        assert od.min() >= 0.93 * low - 1e-6
        assert od.max() <= 1.07 * high + 1e-6
    assert staining.od[staining.level == 0].max() < 0.05
    widths = [np.median(staining.width_um[staining.level == k]) for k in (1, 2, 3)]
    assert widths == sorted(widths)
    assert (staining.width_um > 0).sum() == (staining.od > 0).sum()


def test_borderline_cells_are_drawn_only_where_asked_for(tissue: Tissue) -> None:
    mix = complete_mix(PRESETS["gastric-3+"])
    counted = tissue.has_nucleus & inside(tissue.nuclei.yx_um, tissue.extent_um)

    def share(borderline: bool) -> float:
        return float(
            stain(tissue, mix, StainingParams(borderline=borderline), 1, 0).borderline[counted].mean()
        )

    assert share(False) < 0.03
    assert share(True) > share(False)

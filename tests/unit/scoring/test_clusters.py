"""Clusters against trying everything on small tissue."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from armicro.contracts.arrays import Bool
from armicro.scoring.clusters import (
    SEARCH_DEPTH,
    Neighbours,
    cells_to_gain,
    cells_to_lose,
    largest_cluster,
)


def _largest_by_hand(cells: Neighbours, member: Bool) -> int:
    left, largest = set(np.flatnonzero(member).tolist()), 0
    while left:
        front, found = [left.pop()], 1
        while front:
            cell = front.pop()
            for i, j in cells.pairs.tolist():
                for a, b in ((i, j), (j, i)):
                    if a == cell and b in left:
                        left.remove(b)
                        front.append(b)
                        found += 1
        largest = max(largest, found)
    return largest


def _with(member: Bool, which: tuple[int, ...], value: bool) -> Bool:
    out = member.copy()
    out[list(which)] = value
    return out


@st.composite
def _tissue(draw: st.DrawFn) -> tuple[Neighbours, Bool]:
    """Up to 12 cells on a lattice of 10 µm; a link of 10, 15 or 20 µm gives 4, 8 or 12 neighbours."""
    taken = draw(st.lists(st.integers(0, 24), min_size=1, max_size=12, unique=True))
    member = draw(st.lists(st.booleans(), min_size=len(taken), max_size=len(taken)))
    points = np.array([(10.0 * (i // 5), 10.0 * (i % 5)) for i in taken], np.float32)
    points.flags.writeable = False
    link = draw(st.sampled_from([10.0, 15.0, 20.0]))
    flags = np.array(member, np.bool_)
    flags.flags.writeable = False
    return Neighbours.of(points, link), flags


@given(_tissue())
@settings(max_examples=200, deadline=None)
def test_the_largest_cluster(tissue: tuple[Neighbours, Bool]) -> None:
    assert largest_cluster(*tissue) == _largest_by_hand(*tissue)


@pytest.mark.parametrize("k", [2, 3, 4, 5])
@given(tissue=_tissue())
@settings(max_examples=250, deadline=None)
def test_cells_to_gain_is_the_fewest(k: int, tissue: tuple[Neighbours, Bool]) -> None:
    cells, member = tissue
    outside = np.flatnonzero(~member).tolist()
    fewest = next(
        (
            d
            for d in range(len(outside) + 1)
            if any(largest_cluster(cells, _with(member, w, True)) >= k for w in combinations(outside, d))
        ),
        None,
    )
    assert cells_to_gain(cells, member, k) == fewest


@pytest.mark.parametrize("k", [2, 3, 5])
@given(tissue=_tissue())
@settings(max_examples=150, deadline=None)
def test_cells_to_lose_is_the_fewest(k: int, tissue: tuple[Neighbours, Bool]) -> None:
    cells, member = tissue
    inside = np.flatnonzero(member).tolist()
    fewest = next(
        d
        for d in range(len(inside) + 1)
        if any(largest_cluster(cells, _with(member, w, False)) < k for w in combinations(inside, d))
    )
    found, exact = cells_to_lose(cells, member, k)
    assert found == fewest if exact else found <= fewest
    assert exact or fewest > SEARCH_DEPTH


def _row(n: int) -> Neighbours:
    return Neighbours.of(np.stack([np.zeros(n), 10.0 * np.arange(n)], axis=1).astype(np.float32), 10.0)


def test_one_cell_in_the_middle_parts_a_row_of_nine() -> None:
    assert cells_to_lose(_row(9), np.ones(9, np.bool_), 5) == (1, True)


def test_a_dense_cluster_must_lose_all_but_four() -> None:
    dense = Neighbours.of(np.zeros((8, 2), np.float32), 1.0)
    assert cells_to_lose(dense, np.ones(8, np.bool_), 5) == (4, True)


def test_a_large_cluster_is_answered_by_a_lower_bound() -> None:
    found, exact = cells_to_lose(_row(5000), np.ones(5000, np.bool_), 5)
    assert (found, exact) == (1000, False)
    # In a row every fifth cell is enough, so here the bound is the answer.
    member = np.ones(5000, np.bool_)
    member[4::5] = False
    assert largest_cluster(_row(5000), member) == 4


def test_three_cells_join_two_single_ones() -> None:
    row = _row(9)
    member = np.zeros(9, np.bool_)
    member[[2, 6]] = True
    assert cells_to_gain(row, member, 5) == 3
    member[[2, 6]] = [True, False]
    assert cells_to_gain(row, member, 5) == 4
    assert cells_to_gain(row, np.zeros(9, np.bool_), 5) == 5
    assert cells_to_gain(_row(4), np.ones(4, np.bool_), 5) is None


def test_no_cells_and_one_cell() -> None:
    for n in (0, 1):
        cells, member = Neighbours.of(np.zeros((n, 2), np.float32), 20.0), np.ones(n, np.bool_)
        assert largest_cluster(cells, member) == n
        assert cells_to_gain(cells, member, 5) is None
        assert cells_to_lose(cells, member, 5) == (0, True)

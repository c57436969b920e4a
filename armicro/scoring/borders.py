"""The borders at which a score would change, and how many cells away they are.

A cell that is "read otherwise" stays a tumour cell and changes category. The distance is the smallest number
of such cells with which some reading of them changes the score; the tests hold it against all readings.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from armicro.contracts.arrays import I64, U8
from armicro.scoring.clusters import Neighbours, cells_to_gain, cells_to_lose
from armicro.scoring.judge import needed, rank_of
from armicro.scoring.model import Guideline


@dataclass(frozen=True, slots=True)
class Border:
    """A border of the present score.

    Parameters
    ----------
    criterion : int
        Index of the criterion that would be met, or no longer be met, in `Guideline.criteria`.
    next_rank : int
        Rank of the nearest score beyond it.
    rises : bool
        Whether that score is higher.
    cells : int
        How many cells would have to be read otherwise.
    exact : bool
        False where `cells` is a proven lower bound.
    """

    criterion: int
    next_rank: int
    rises: bool
    cells: int
    exact: bool = True


def nearest(borders: Sequence[Border]) -> Border | None:
    """Return the border that the fewest cells cross; of equals the rising one, then the smallest step."""
    return min(borders, key=lambda b: (b.cells, not b.rises, b.next_rank), default=None)


def share_borders(counts: I64, guideline: Guideline) -> tuple[Border, ...]:
    """Find the borders of a score that rests on shares.

    Parameters
    ----------
    counts : ndarray of int64, (6,)
        Tumour cells by `Category`; at least one.
    guideline : Guideline
        A rule set without clusters.

    Returns
    -------
    tuple of Border
        One for each criterion of a higher grade that can be reached, and one down to a lower grade.

    Notes
    -----
    Upwards, a criterion lacks `needed - count` cells, and each cell read otherwise adds one at most.
    Downwards, every criterion of the grade that is met must fail; a cell read as unstained leaves all of them
    at once, and because their categories are nested the one with the most cells to spare decides.
    """
    n = int(counts.sum())
    masks = guideline.masks()
    values = masks @ counts
    rank = rank_of(values, n, guideline)
    spare = [int(v) - needed(c, n, guideline) for v, c in zip(values, guideline.criteria, strict=True)]
    borders = []
    for k, leads_to in enumerate(guideline.criterion_ranks):
        # A minimum of cells may exceed the tumour cells there are: such a criterion is out of reach.
        if leads_to > rank and int(values[k]) - spare[k] <= n:
            borders.append(_rise(counts, k, -spare[k], guideline))
    held = [k for k, leads_to in enumerate(guideline.criterion_ranks) if leads_to == rank and spare[k] >= 0]
    if held:
        borders.append(_fall(counts, held, max(held, key=lambda k: spare[k]), guideline))
    return tuple(borders)


def _rise(counts: I64, criterion: int, cells: int, guideline: Guideline) -> Border:
    inside = guideline.masks()[criterion] > 0
    outside = np.flatnonzero(~inside)[::-1].tolist()
    nexts = [
        _rank_if(_reread(counts, outside, to, cells), guideline) for to in np.flatnonzero(inside).tolist()
    ]
    return Border(criterion, min(nexts), rises=True, cells=cells)


def _fall(counts: I64, held: Sequence[int], criterion: int, guideline: Guideline) -> Border:
    masks, n = guideline.masks(), int(counts.sum())
    rank = _rank_if(counts, guideline)
    cells = int(masks[criterion] @ counts) - needed(guideline.criteria[criterion], n, guideline) + 1
    # Cells that count for the most criteria leave first, so that all of them fail together.
    depth = masks[list(held)].sum(axis=0)
    leaving = sorted(np.flatnonzero(depth).tolist(), key=lambda c: -int(depth[c]))
    nexts = [
        _rank_if(_reread(counts, leaving, to, cells), guideline) for to in np.flatnonzero(depth == 0).tolist()
    ]
    return Border(criterion, max(r for r in nexts if r < rank), rises=False, cells=cells)


def _rank_if(counts: I64, guideline: Guideline) -> int:
    return rank_of(guideline.masks() @ counts, int(counts.sum()), guideline)


def _reread(counts: I64, take_from: Sequence[int], to: int, cells: int) -> I64:
    """Move `cells` cells to category `to`, taking them from categories in the order of `take_from`."""
    out = counts.copy()
    for category in take_from:
        moved = min(cells, int(out[category]))
        out[category] -= moved
        out[to] += moved
        cells -= moved
    return out


def cluster_borders(
    fields: Sequence[tuple[Neighbours, U8]], rank: int, guideline: Guideline
) -> tuple[Border, ...]:
    """Find the borders of a score that rests on clusters.

    Parameters
    ----------
    fields : sequence of (Neighbours, ndarray of uint8 (N,))
        For each field its cells and their `Category`.
    rank : int
        Of the present score.
    guideline : Guideline
        A rule set with clusters; one criterion to a grade.

    Returns
    -------
    tuple of Border
        Up to each higher grade that can be reached, and down to the next lower one.
    """
    assert guideline.cluster is not None
    size = guideline.cluster.cells
    borders = []
    for k, leads_to in enumerate(guideline.criterion_ranks):
        counted = guideline.masks()[k] > 0
        if leads_to > rank:
            gains = [cells_to_gain(near, counted[category], size) for near, category in fields]
            reached = [g for g in gains if g is not None]
            if reached:
                borders.append(Border(k, leads_to, rises=True, cells=min(reached)))
        elif leads_to == rank:
            losses = [cells_to_lose(near, counted[category], size) for near, category in fields]
            exact = all(e for _, e in losses)
            borders.append(Border(k, rank - 1, rises=False, cells=sum(c for c, _ in losses), exact=exact))
    return tuple(borders)

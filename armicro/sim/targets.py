"""Which category each cell is to have: in patches, and such that neighbours allow each other."""

from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import pairwise

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from armicro.contracts.arrays import F64, I64, Bool
from armicro.contracts.cells import Category
from armicro.sim.layout import unit
from armicro.sim.outlines import CellShape
from armicro.sim.params import StainingParams
from armicro.sim.tissue import Tissue

ROOM_INTENSE = np.array([0.14, 0.14, 0.14, 0.14, 0.76, 2.0])
"""By category: how much of a cell's outline intense complete neighbours may cover."""
ROOM_WEAK = np.array([0.14, 0.14, 0.76, 2.0, 2.0, 2.0])
"""By category: how much of a cell's outline complete neighbours of either level may cover."""
TRIES = 16
ROUNDS = 4
ACCEPTED_COST = 0.002
"""Contradiction per cell, in shares of an outline, below which patches are kept as drawn."""


def draw(
    tissue: Tissue, mix: Mapping[Category, float], params: StainingParams, rng: np.random.Generator
) -> I64:
    """Draw a target category for every cell.

    Parameters
    ----------
    tissue : Tissue
        The cells; their net tells who borders on whom.
    mix : mapping of Category to float
        Requested shares; met exactly, but for rounding, by the cells that are counted.
    params : StainingParams
        Patch size and roughness.
    rng : numpy.random.Generator
        Source of chance.

    Returns
    -------
    ndarray of int64, (C,)
        `Category`; none for lymphocytes.
    """
    yx = tissue.nuclei.yx_um
    counted = tissue.has_nucleus & inside(yx, tissue.extent_um)
    tumour = tissue.net.shape != CellShape.LYMPHOCYTE
    groups = (counted, tumour & ~counted)
    near = Neighbours(tissue)
    patches, rough = _patches(yx, params.cluster_um, rng), params.roughness
    value = math.sqrt(1 - rough**2) * patches + rough * rng.standard_normal(len(yx))
    quota = rounded_counts(mix, int(counted.sum()), rng)
    target = _by_rank(value, groups, quota)
    cost = _settle(near, target, groups, rng)
    if cost > ACCEPTED_COST * len(yx):
        # Complete cells with nothing between them and unstained ones: give whole nests one category.
        value = _mean_of(patches, near.groups()) + 1e-3 * patches
        other = _by_rank(value, groups, quota)
        if _settle(near, other, groups, rng) < cost:
            return other
    return target


def _by_rank(value: F64, groups: tuple[Bool, Bool], quota: I64) -> I64:
    """Hand out a quota (6,) of categories to the first group in the order of a value; the others follow."""
    counted, rest = (np.flatnonzero(g) for g in groups)
    target = np.zeros(len(value), np.int64)
    order = counted[np.argsort(value[counted], kind="stable")]
    target[order] = np.repeat(np.arange(6), quota)
    if len(order) and len(rest):
        place = np.searchsorted(value[order], value[rest]).clip(0, len(order) - 1)
        target[rest] = target[order][place]
    return target


def _mean_of(value: F64, group: I64) -> F64:
    mean: F64 = np.bincount(group, value) / np.maximum(np.bincount(group), 1)
    return mean[group]


def inside(yx_um: F64, extent_um: tuple[float, float]) -> Bool:
    """Tell which points (N,) lie in the field."""
    return np.asarray(((yx_um >= 0) & (yx_um < np.array(extent_um))).all(1), np.bool_)


def rounded_counts(mix: Mapping[Category, float], n: int, rng: np.random.Generator) -> I64:
    """Turn shares into counts (6,) by `Category` that sum to n; what is left over falls by chance."""
    exact = np.array([mix[Category(c)] for c in range(6)]) * n
    low = np.floor(exact + 1e-9).astype(np.int64)
    left = n - int(low.sum())
    part = np.maximum(exact - low, 0)
    if left:
        low += rng.multinomial(left, part / part.sum() if part.sum() > 0 else np.eye(6)[0])
    return low


def _patches(yx_um: F64, size_um: float, rng: np.random.Generator) -> F64:
    """Draw a smooth random value per point: a sum of plane waves, close to normal with variance 1."""
    n_waves = 40
    angle = rng.uniform(0, 2 * math.pi, n_waves)
    number = (2 * math.pi / size_um) * rng.rayleigh(0.35, n_waves)
    wave = unit(angle) * number[:, None]
    value: F64 = np.cos(yx_um @ wave.T + rng.uniform(0, 2 * math.pi, n_waves)).sum(1)
    return value * math.sqrt(2 / n_waves)


class Neighbours:
    """Who borders on whom, by which share of the outline, as lists for quick single look-ups."""

    def __init__(self, tissue: Tissue) -> None:
        rings, n = tissue.rings, len(tissue.net.shape)
        real = rings.other >= 0
        pair, back = np.unique(rings.cell[real] * n + rings.other[real], return_inverse=True)
        share = np.bincount(back.ravel(), rings.share[real], len(pair))
        self.cell, self.other, self.share = pair // n, pair % n, share
        self.n_cells = n
        start = np.searchsorted(self.cell, np.arange(n + 1))
        # What c covers of its neighbours: for each pair (c, o) the share of o's outline.
        given = np.empty(len(pair))
        reverse = np.searchsorted(pair, self.other * n + self.cell)
        given[:] = share[reverse]
        self.of = [
            list(zip(self.other[a:b].tolist(), given[a:b].tolist(), strict=True))
            for a, b in pairwise(start.tolist())
        ]

    def groups(self) -> I64:
        """Return numbers (C,) of the groups of cells that hang together."""
        links = coo_array((self.share, (self.cell, self.other)), shape=(self.n_cells, self.n_cells))
        return np.asarray(connected_components(links, directed=False)[1], np.int64)

    def covered(self, target: I64) -> tuple[F64, F64]:
        """Return the share of each outline that intense complete, and that complete, neighbours cover."""
        theirs = target[self.other]
        intense = theirs == Category.INTENSE_COMPLETE
        complete = intense | (theirs == Category.WEAK_COMPLETE)
        return self._sum(self.share * intense), self._sum(self.share * complete)

    def _sum(self, weights: F64) -> F64:
        return np.bincount(self.cell, weights, self.n_cells).astype(np.float64)


def _settle(near: Neighbours, target: I64, groups: tuple[Bool, Bool], rng: np.random.Generator) -> float:
    """Exchange targets between cells of one group until few are contradicted; return what is left."""
    for _ in range(ROUNDS):
        intense, complete = near.covered(target)
        cost = _cost(target, intense, complete)
        state = _State(target, intense.tolist(), complete.tolist(), near)
        for group in groups:
            members = np.flatnonzero(group)
            for c in members[cost[members] > 0].tolist():
                _exchange(state, c, members, rng)
    return float(_cost(target, *near.covered(target)).sum())


def _cost(target: I64, intense: F64, complete: F64) -> F64:
    out: F64 = np.maximum(intense - ROOM_INTENSE[target], 0) + np.maximum(complete - ROOM_WEAK[target], 0)
    return out


class _State:
    """Targets with the cover that follows from them, kept up to date under single changes."""

    def __init__(self, target: I64, intense: list[float], complete: list[float], near: Neighbours) -> None:
        self.target, self.intense, self.complete, self.near = target, intense, complete, near

    def cost_around(self, cells: set[int]) -> float:
        """Sum of the contradictions at some cells."""
        total = 0.0
        for c in cells:
            t = int(self.target[c])
            total += max(self.intense[c] - _ROOM_INTENSE[t], 0.0) + max(self.complete[c] - _ROOM_WEAK[t], 0.0)
        return total

    def change(self, cell: int, to: int) -> None:
        """Give a cell another target."""
        before = int(self.target[cell])
        d_intense = (to == 5) - (before == 5)
        d_complete = (to in (3, 5)) - (before in (3, 5))
        self.target[cell] = to
        if d_intense or d_complete:
            for other, share in self.near.of[cell]:
                self.intense[other] += d_intense * share
                self.complete[other] += d_complete * share


_ROOM_INTENSE: list[float] = ROOM_INTENSE.tolist()
_ROOM_WEAK: list[float] = ROOM_WEAK.tolist()


def _partners(state: _State, cell: int, members: I64, rng: np.random.Generator) -> list[int]:
    """Pick cells that would bear this cell's target, and whose target this cell would bear."""
    intense, complete = np.array(state.intense), np.array(state.complete)
    mine, theirs = int(state.target[cell]), state.target[members]
    bears = (intense[members] <= ROOM_INTENSE[mine]) & (complete[members] <= ROOM_WEAK[mine])
    bears &= (intense[cell] <= ROOM_INTENSE[theirs]) & (complete[cell] <= ROOM_WEAK[theirs])
    fitting = members[bears & (theirs != mine)]
    if not len(fitting):
        fitting = members
    return [int(c) for c in rng.permutation(fitting)[:TRIES]]


def _exchange(state: _State, cell: int, members: I64, rng: np.random.Generator) -> None:
    """Swap a contradicted cell's target with the partner, of a few, that leaves the least contradiction."""
    mine = int(state.target[cell])
    best, best_gain = -1, 1e-9
    around = {cell, *(o for o, _ in state.near.of[cell])}
    for partner in _partners(state, cell, members, rng):
        theirs = int(state.target[partner])
        if theirs == mine:
            continue
        cells = around | {partner} | {o for o, _ in state.near.of[partner]}
        before = state.cost_around(cells)
        state.change(cell, theirs)
        state.change(partner, mine)
        gain = before - state.cost_around(cells)
        state.change(partner, theirs)
        state.change(cell, mine)
        if gain > best_gain:
            best, best_gain = partner, gain
    if best >= 0:
        theirs = int(state.target[best])
        state.change(cell, theirs)
        state.change(best, mine)

"""Which category each cell is to have: in patches, and such that neighbours allow each other."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from armicro.contracts.arrays import F64, I64, Bool
from armicro.contracts.cells import Category
from armicro.sim.outlines import CellShape
from armicro.sim.params import StainingParams
from armicro.sim.tissue import Tissue

ROOM_INTENSE = np.array([0.14, 0.14, 0.14, 0.14, 0.76, 2.0])
"""By category: how much of a cell's outline intense complete neighbours may cover."""
ROOM_WEAK = np.array([0.14, 0.14, 0.76, 2.0, 2.0, 2.0])
"""By category: how much of a cell's outline complete neighbours of either level may cover."""
TRIES = 10
ROUNDS = 3


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
    n = len(yx)
    value = _patches(yx, params.cluster_um, rng)
    rough = params.roughness
    value = math.sqrt(1 - rough**2) * value + rough * rng.standard_normal(n)
    counted = tissue.has_nucleus & inside(yx, tissue.extent_um)
    tumour = tissue.net.shape != CellShape.LYMPHOCYTE
    target = np.zeros(n, np.int64)
    order = np.flatnonzero(counted)[np.argsort(value[counted], kind="stable")]
    quota = rounded_counts(mix, len(order), rng)
    target[order] = np.repeat(np.arange(6), quota)
    rest = np.flatnonzero(tumour & ~counted)
    if len(order) and len(rest):
        # Cells that are not counted follow the patch they lie in.
        place = np.searchsorted(value[order], value[rest]).clip(0, len(order) - 1)
        target[rest] = target[order][place]
    _settle(tissue, target, (counted, tumour & ~counted), rng)
    return target


def inside(yx_um: F64, extent_um: tuple[float, float]) -> Bool:
    """Tell which points (N,) lie in the field."""
    within: Bool = ((yx_um >= 0) & (yx_um < np.array(extent_um))).all(1)
    return within


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
    """A smooth random value per point: a sum of plane waves, close to normal with variance 1."""
    n_waves = 40
    angle = rng.uniform(0, 2 * math.pi, n_waves)
    number = (2 * math.pi / size_um) * rng.rayleigh(0.35, n_waves)
    wave = np.stack([np.sin(angle), np.cos(angle)], -1) * number[:, None]
    value: F64 = np.cos(yx_um @ wave.T + rng.uniform(0, 2 * math.pi, n_waves)).sum(1)
    return value * math.sqrt(2 / n_waves)


class _Neighbours:
    """Who borders on whom, by which share of the outline, as lists for quick single look-ups."""

    def __init__(self, tissue: Tissue) -> None:
        rings, n = tissue.rings, len(tissue.net.shape)
        real = rings.other >= 0
        pair, back = np.unique(rings.cell[real] * n + rings.other[real], return_inverse=True)
        share = np.bincount(back.ravel(), rings.share[real], len(pair))
        self.cell, self.other, self.share = pair // n, pair % n, share
        start = np.searchsorted(self.cell, np.arange(n + 1))
        # What c covers of its neighbours: for each pair (c, o) the share of o's outline.
        given = np.empty(len(pair))
        reverse = np.searchsorted(pair, self.other * n + self.cell)
        given[:] = share[reverse]
        self.of = [
            list(zip(self.other[a:b].tolist(), given[a:b].tolist(), strict=True))
            for a, b in zip(start[:-1], start[1:], strict=True)
        ]

    def covered(self, target: I64, n: int) -> tuple[F64, F64]:
        """Share of each outline that intense complete, and that complete, neighbours cover."""
        theirs = target[self.other]
        intense = theirs == Category.INTENSE_COMPLETE
        complete = intense | (theirs == Category.WEAK_COMPLETE)
        return (
            np.bincount(self.cell, self.share * intense, n),
            np.bincount(self.cell, self.share * complete, n),
        )


def _settle(tissue: Tissue, target: I64, groups: tuple[Bool, Bool], rng: np.random.Generator) -> None:
    """Exchange targets between cells of one group until few are contradicted by their neighbours."""
    n = len(target)
    near = _Neighbours(tissue)
    for _ in range(ROUNDS):
        intense, complete = near.covered(target, n)
        cost = _cost(target, intense, complete)
        if not (cost > 0).any():
            return
        state = _State(target, intense.tolist(), complete.tolist(), near)
        for group in groups:
            members = np.flatnonzero(group)
            for c in members[cost[members] > 0].tolist():
                _exchange(state, c, members, rng)


def _cost(target: I64, intense: F64, complete: F64) -> F64:
    return np.maximum(intense - ROOM_INTENSE[target], 0) + np.maximum(complete - ROOM_WEAK[target], 0)


class _State:
    """Targets with the cover that follows from them, kept up to date under single changes."""

    def __init__(self, target: I64, intense: list[float], complete: list[float], near: _Neighbours) -> None:
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


def _exchange(state: _State, cell: int, members: I64, rng: np.random.Generator) -> None:
    """Swap a contradicted cell's target with the partner, of a few, that leaves the least contradiction."""
    mine = int(state.target[cell])
    best, best_gain = -1, 1e-9
    around = {cell, *(o for o, _ in state.near.of[cell])}
    for partner in members[rng.integers(0, len(members), TRIES)].tolist():
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

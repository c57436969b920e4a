"""Draws the membrane of each cell along its outline: rings with small gaps, arcs, or nothing."""

from __future__ import annotations

import math

import numpy as np

from armicro.contracts.arrays import F64, I64, U8, Bool
from armicro.contracts.cells import Category
from armicro.sim.layout import unit
from armicro.sim.outlines import CellShape
from armicro.sim.params import StainingParams
from armicro.sim.tissue import Tissue

LEVEL_OF = np.array([0, 1, 2, 2, 3, 3], np.uint8)
"""By category: the level of the cell's own membrane."""
CAP = np.array(
    [[0.15, 0.15, 0.15], [2, 0.15, 0.15], [2, 0.78, 0.15], [2, 2, 0.15], [2, 2, 0.78], [2, 2, 2]], np.float64
)
"""By category: greatest share of the outline at levels faint, weak, intense that leaves it what it is."""
WANTED = (0.25, 0.77)
"""Share of its outline that an incomplete cell may end up with, its neighbours' membrane included."""
CANDIDATES = 20
GAP_OD = 0.04
"""Density in the dim gaps of a complete membrane: below any threshold."""


class Painter:
    """Keeps what each cell draws on its own outline, and what follows where borders are shared.

    Parameters
    ----------
    tissue : Tissue
        The cells.
    target : ndarray of int64, (C,)
        `Category` each cell is to have.
    params : StainingParams
        Densities, widths, arcs.
    rng : numpy.random.Generator
        Source of chance.
    """

    def __init__(self, tissue: Tissue, target: I64, params: StainingParams, rng: np.random.Generator) -> None:
        self._tissue, self._target, self._params, self._rng = tissue, target, params, rng
        rings = tissue.rings
        n = len(target)
        self._start = rings.start.tolist()
        ends = np.cumsum(rings.share)
        first = np.concatenate([[0.0], ends])[rings.start[:-1]]
        self._position = ends - rings.share / 2 - first[rings.cell]
        perimeter = np.bincount(rings.cell, tissue.net.length_um[rings.sample], n)
        self._share_of_other = np.where(
            rings.other >= 0, tissue.net.length_um[rings.sample] / np.append(perimeter, 1.0)[rings.other], 0.0
        )
        self._own = np.zeros(len(rings.cell), np.uint8)
        self._dim = np.zeros(len(rings.cell), bool)
        self._level = np.zeros(len(tissue.net.left), np.uint8)
        self._share = np.zeros((n, 3))
        self._caps = np.where((tissue.net.shape == CellShape.LYMPHOCYTE)[:, None], 2.0, CAP[target])
        ranges = np.array([(0.0, 0.0), params.faint_od, params.weak_od, params.intense_od])
        widths = np.array([(0.0, 0.0), params.faint_width_um, params.weak_width_um, params.intense_width_um])
        level = LEVEL_OF[target]
        part = rng.random(n)
        self._od = ranges[level, 0] + (ranges[level, 1] - ranges[level, 0]) * part
        # Denser membranes look thicker; the rest of the width falls by chance.
        part = np.clip(0.5 * part + 0.5 * rng.random(n), 0, 1)
        self._width = widths[level, 0] + (widths[level, 1] - widths[level, 0]) * part
        self._ranges = ranges

    def paint_all(self) -> None:
        """Draw every cell once: complete ones first, so that arcs can take account of them."""
        complete = np.isin(self._target, (Category.WEAK_COMPLETE, Category.INTENSE_COMPLETE))
        cell = self._tissue.rings.cell
        self._own = np.where(complete[cell], LEVEL_OF[self._target][cell], 0).astype(np.uint8)
        for c in np.flatnonzero(complete).tolist():
            self._open_gaps(c)
        self._refresh()
        for category in (Category.INTENSE_INCOMPLETE, Category.WEAK_INCOMPLETE, Category.FAINT):
            for c in self._rng.permutation(np.flatnonzero(self._target == category)).tolist():
                self._draw_arcs(c)

    def repaint(self, cells: I64) -> None:
        """Draw the arcs of some cells, and of their neighbours, anew."""
        rings = self._tissue.rings
        chosen = np.zeros(len(self._target) + 1, bool)
        chosen[cells] = True
        touched = chosen.copy()
        touched[rings.cell[chosen[rings.other]]] = True
        touched = touched[:-1] & np.isin(
            self._target, (Category.INTENSE_INCOMPLETE, Category.WEAK_INCOMPLETE, Category.FAINT)
        )
        self._own[touched[rings.cell]] = 0
        self._refresh()
        for c in self._rng.permutation(np.flatnonzero(touched)).tolist():
            self._draw_arcs(c)

    def shares(self) -> F64:
        """Share (C, 3) of each outline at levels of at least faint, weak, intense."""
        return self._share.copy()

    def samples(self) -> tuple[U8, F64, F64]:
        """Return level, density (log10 OD) and width (µm) of every sample; shared ones of the denser side."""
        rings, net = self._tissue.rings, self._tissue.net
        texture = 1 + 0.1 * _along(net.yx_um, self._rng)
        low, high = self._ranges[self._own].T
        od = self._od[rings.cell] * texture[rings.sample]
        # The level stays what it is called: modulation may not carry a membrane out of its range.
        od = np.where(self._own > 0, np.clip(od, 0.93 * low, 1.07 * high), np.where(self._dim, GAP_OD, 0.0))
        sample_od = np.zeros(len(net.left))
        np.maximum.at(sample_od, rings.sample, od)
        width = np.zeros(len(net.left))
        densest = od >= sample_od[rings.sample]
        np.maximum.at(width, rings.sample[densest], self._width[rings.cell[densest]])
        return self._level.copy(), sample_od, np.where(sample_od > 0, width, 0.0)

    def _refresh(self) -> None:
        rings = self._tissue.rings
        self._level = np.zeros(len(self._level), np.uint8)
        np.maximum.at(self._level, rings.sample, self._own)
        here = self._level[rings.sample]
        for k in range(3):
            self._share[:, k] = np.bincount(
                rings.cell, np.where(here > k, rings.share, 0.0), len(self._target)
            )

    def _open_gaps(self, c: int) -> None:
        entries = slice(self._start[c], self._start[c + 1])
        n_gaps = int(self._rng.integers(0, 4))
        if not n_gaps:
            return
        total = self._rng.uniform(0, self._params.gap_share)
        at = self._rng.random(n_gaps)
        away = (self._position[entries][:, None] - at + 0.5) % 1 - 0.5
        gap = (np.abs(away) < total / n_gaps / 2).any(1)
        self._own[entries][gap] = 0
        self._dim[entries] = gap

    def _candidates(self, c: int) -> tuple[Bool, F64]:
        """Offer arcs (K, n) over a cell's samples, and the share of the outline each aims at."""
        rng, entries = self._rng, slice(self._start[c], self._start[c + 1])
        position = self._position[entries]
        aim = rng.uniform(*self._params.arc_share, CANDIDATES)
        begin = rng.random(CANDIDATES)
        base = self._tissue.net.base_yx[c]
        if base.any():
            # Basolateral: a U about the base, open towards the lumen, for most columnar cells.
            samples = self._tissue.net.yx_um[self._tissue.rings.sample[entries]]
            lowest = position[int(np.argmax(samples @ base))]
            begin[: CANDIDATES // 2] = lowest - aim[: CANDIDATES // 2] / 2
        in_two = rng.random(CANDIDATES) < 0.3
        first = np.where(in_two, aim * rng.uniform(0.35, 0.65, CANDIDATES), aim)
        second = aim - first
        begin_second = begin + first + (1 - aim) * rng.uniform(0.3, 0.7, CANDIDATES)
        mask = (position - begin[:, None]) % 1 < first[:, None]
        mask |= (position - begin_second[:, None]) % 1 < second[:, None]
        # A cell whose neighbours already give it enough may add little or nothing.
        mask[-1] = False
        return mask, aim

    def _draw_arcs(self, c: int) -> None:
        rings = self._tissue.rings
        entries = slice(self._start[c], self._start[c + 1])
        level = int(LEVEL_OF[self._target[c]])
        sample, share, other = rings.sample[entries], rings.share[entries], rings.other[entries]
        below = self._level[sample] < level
        mask, aim = self._candidates(c)
        new = mask & below
        total = self._share[c, level - 1] + new @ np.where(below, share, 0.0)
        low, high = WANTED if level > 1 else (WANTED[0], 2.0)
        cost = 0.1 * np.abs(total - aim)
        cost += 20 * (np.maximum(low - total, 0) + np.maximum(total - high, 0))
        theirs = self._share_of_other[entries]
        neighbours = np.unique(other[other >= 0])
        for o in neighbours.tolist():
            at_o = np.where(other == o, theirs, 0.0)
            for k in range(level):
                gain = mask @ np.where(self._level[sample] <= k, at_o, 0.0)
                cost += 20 * np.maximum(self._share[o, k] + gain - self._caps[o, k], 0) * (gain > 0)
        best = int(np.argmin(cost))
        chosen = mask[best]
        self._own[entries][chosen] = level
        for k in range(level):
            gained = chosen & (self._level[sample] <= k)
            self._share[c, k] += share[gained].sum()
            real = gained & (other >= 0)
            np.add.at(self._share[:, k], other[real], theirs[real])
        self._level[sample[chosen]] = np.maximum(self._level[sample[chosen]], level)


def _along(yx_um: F64, rng: np.random.Generator) -> F64:
    """Unevenness along membranes: plane waves of 3 to 8 µm, variance 1."""
    n = 10
    angle = rng.uniform(0, 2 * math.pi, n)
    number = 2 * math.pi / rng.uniform(3, 8, n)
    wave = unit(angle) * number[:, None]
    out: F64 = np.cos(yx_um @ wave.T + rng.uniform(0, 2 * math.pi, n)).sum(1) * math.sqrt(2 / n)
    return out

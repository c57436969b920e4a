"""Membrane staining on ideal outlines, and the truth that follows from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from armicro.contracts.arrays import F32, F64, I64, U8, Bool
from armicro.contracts.cells import Category
from armicro.sim import targets
from armicro.sim.arcs import Painter
from armicro.sim.params import StainingParams
from armicro.sim.rng import stream
from armicro.sim.tissue import Rings, Tissue

COMPLETE_SHARE = 0.85
"""A cell is complete from this share of its outline."""
STAINED_SHARE = 0.20
"""A cell is stained at a level from this share of its outline."""
BORDER_SHARE = 0.04
"""A share closer than this to one of the two above is borderline."""
REPAIR_ROUNDS = 4


@dataclass(frozen=True, slots=True)
class Staining:
    """What the membranes carry. S samples of the net, C cells.

    Parameters
    ----------
    level : ndarray of uint8, (S,)
        0 none, 1 faint, 2 weak, 3 intense: as drawn, not as measured.
    od, width_um : ndarray of float32, (S,)
        DAB density at the crest, log10 OD, and full width at half height; of the denser side.
    gap_um : ndarray of float32, (S,)
        Distance between the two lines of a shared border; 0 where it is one line.
    stained_share : ndarray of float32, (C, 3)
        Share of each cell's outline with membrane of at least faint, weak, intense level.
    mean_od : ndarray of float32, (C,)
        Mean density over the stained part of the outline; 0 where none is.
    category : ndarray of uint8, (C,)
        `Category` by the rule of `category_of`.
    borderline : ndarray of bool, (C,)
        Whether a share that decides lies within `BORDER_SHARE` of its border.
    """

    level: U8
    od: F32
    width_um: F32
    gap_um: F32
    stained_share: F32
    mean_od: F32
    category: U8
    borderline: Bool


def category_of(stained_share: F32 | F64) -> U8:
    """Name the category of cells from the shares of their outlines.

    Parameters
    ----------
    stained_share : ndarray of float, (N, 3)
        Share with membrane of at least faint, weak, intense level.

    Returns
    -------
    ndarray of uint8, (N,)
        `Category`: the first that holds of intense from 0.85, intense from 0.20, weak from 0.85, weak from
        0.20, faint from 0.20; else none.
    """
    faint, weak, intense = np.asarray(stained_share, np.float64).T
    chosen = np.select(
        [
            intense >= COMPLETE_SHARE,
            intense >= STAINED_SHARE,
            weak >= COMPLETE_SHARE,
            weak >= STAINED_SHARE,
            faint >= STAINED_SHARE,
        ],
        [
            Category.INTENSE_COMPLETE,
            Category.INTENSE_INCOMPLETE,
            Category.WEAK_COMPLETE,
            Category.WEAK_INCOMPLETE,
            Category.FAINT,
        ],
        Category.NONE,
    )
    return chosen.astype(np.uint8)


def is_borderline(stained_share: F32 | F64) -> Bool:
    """Tell which cells (N,) would change category if a share moved by `BORDER_SHARE`."""
    share = np.asarray(stained_share, np.float64)
    here = category_of(share)
    near: Bool = np.zeros(len(share), bool)
    for level in range(3):
        for step in (-BORDER_SHARE, BORDER_SHARE):
            moved = share.copy()
            moved[:, level] += step
            near |= category_of(moved) != here
    return near


def stain(
    tissue: Tissue, mix: Mapping[Category, float], params: StainingParams, seed: int, index: int
) -> Staining:
    """Stain the membranes of a field.

    Targets are drawn in patches and exchanged until neighbours allow each other; arcs are then chosen so
    that they spoil no neighbour; cells that still came out otherwise are drawn again a few times.

    Parameters
    ----------
    tissue : Tissue
        The cells.
    mix : mapping of Category to float
        Requested shares, over the cells that show a nucleus inside the field.
    params : StainingParams
        Densities, widths, arcs, patches.
    seed, index : int
        Case and field.

    Returns
    -------
    Staining
        With the truth computed from what was drawn, whatever was requested.
    """
    rng = stream(seed, "staining", index)
    target = targets.draw(tissue, mix, params, rng)
    painter = Painter(tissue, target, params, rng)
    painter.paint_all()
    for _ in range(REPAIR_ROUNDS):
        share = painter.shares()
        wrong = (category_of(share) != target) | (is_borderline(share) & (not params.borderline))
        wrong &= tissue.net.shape < 3
        if not wrong.any():
            break
        painter.repaint(np.flatnonzero(wrong))
    return _judged(tissue, painter, _gaps(tissue, params, rng))


def _gaps(tissue: Tissue, params: StainingParams, rng: np.random.Generator) -> F32:
    net = tissue.net
    n_edges = int(net.edge.max(initial=-1)) + 1
    gap = np.where(
        rng.random(n_edges) < params.double_line_share, params.double_line_um * rng.random(n_edges), 0
    )
    return np.where(net.right >= 0, gap[net.edge], 0).astype(np.float32)


def _judged(tissue: Tissue, painter: Painter, gap_um: F32) -> Staining:
    level, od, width = painter.samples()
    share = shares_of(tissue.rings, level, len(tissue.net.shape))
    on = np.where(level > 0, tissue.net.length_um, 0.0)[tissue.rings.sample]
    n = len(tissue.net.shape)
    length = np.bincount(tissue.rings.cell, on, n)
    dense = np.bincount(tissue.rings.cell, on * od[tissue.rings.sample], n)
    return Staining(
        level=level,
        od=od.astype(np.float32),
        width_um=width.astype(np.float32),
        gap_um=gap_um,
        stained_share=share.astype(np.float32),
        mean_od=np.divide(dense, length, out=np.zeros(n), where=length > 0).astype(np.float32),
        category=category_of(share.astype(np.float32)),
        borderline=is_borderline(share),
    )


def shares_of(rings: Rings, level: U8 | I64, n_cells: int) -> F64:
    """Return the share (C, 3) of each outline whose samples have at least level 1, 2, 3."""
    here = level[rings.sample]
    return np.stack(
        [np.bincount(rings.cell, np.where(here >= k, rings.share, 0.0), n_cells) for k in (1, 2, 3)], -1
    )

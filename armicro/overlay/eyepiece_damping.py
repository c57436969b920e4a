"""Flicker damping: a cell keeps the category it is shown with until two readings in a row say another."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.spatial import cKDTree

from armicro.contracts.arrays import F32, I64, U8
from armicro.contracts.results import FovResult

MATCH_UM = 3.0
"""Two readings' nuclei nearer than this, and each other's nearest, are one cell; less than a nucleus."""


@dataclass(frozen=True, slots=True)
class Shown:
    """What is remembered from one reading to the next.

    Parameters
    ----------
    yx_px : ndarray of float32, (N, 2)
        Centres of the last reading, px of the field.
    shown, read : ndarray of uint8, (N,)
        `Category` that each is shown with, and that it was last read as.
    """

    yx_px: F32
    shown: U8
    read: U8


def damp(result: FovResult, before: Shown | None) -> tuple[FovResult, Shown]:
    """Hold back changes of category that only one reading has seen.

    Parameters
    ----------
    result : FovResult
        The newest reading; not written to.
    before : Shown or None
        What the call before returned; None for another place on the slide.

    Returns
    -------
    FovResult
        The reading with the categories to be shown; its cells and contours are the newest. A new cell is
        shown as it was read: there is nothing to hold.
    Shown
        For the next call.
    """
    cells = result.cells
    shown = cells.category
    if before is not None and len(before.yx_px) and len(cells):
        reach = MATCH_UM / result.provenance.optics.um_per_px
        now, then = _matched(cells.yx_px, before.yx_px, reach)
        held = cells.category.copy()
        agreed = cells.category[now] == before.read[then]
        held[now] = np.where(agreed, cells.category[now], before.shown[then])
        shown = held
    memory = Shown(cells.yx_px, shown, cells.category)
    return replace(result, cells=replace(cells, category=shown)), memory


def _matched(here: F32, there: F32, reach_px: float) -> tuple[I64, I64]:
    """Pairs of rows that are each other's nearest and within reach."""
    away, nearest = cKDTree(there).query(here, distance_upper_bound=reach_px)
    _, back = cKDTree(here).query(there)
    rows = np.flatnonzero(np.isfinite(away))
    rows = rows[back[nearest[rows]] == rows]
    return rows.astype(np.int64), nearest[rows].astype(np.int64)

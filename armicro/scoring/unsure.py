"""Cells that are faint or unstained, and of which nobody can say which of the two.

In brown, granular cytoplasm a faint membrane can hardly be told from grain. The reading asks for more
contrast there (`armicro.analysis.grain`); how much more says how doubtful its answer is.
"""

from __future__ import annotations

import numpy as np

from armicro.contracts.arrays import Bool
from armicro.contracts.cells import RULES, Category, CellTable, Rule

UNSURE_FACTOR = 1.1
"""A cell of which this many times the contrast of a faint membrane is asked lies in granular brown."""
UNSURE_SHARE = 0.35
"""From this share of such cells on a field is pointed out. Crops of real cores had at most 0.35 (one of
`1_154a`; on average 0.1 there); simulated fields of little stained membrane 0.66 to 0.97 with a blush of
0.055 OD and more, and none without a blush."""


def unsure_cells(cells: CellTable, faint_od: float | None) -> Bool:
    """Tell which cells may as well be faint as unstained.

    Parameters
    ----------
    cells : CellTable
        N cells.
    faint_od : float or None
        The faint threshold in force, log10 OD; None where the reading knows no faint cells.

    Returns
    -------
    ndarray of bool, (N,)
        None of those whose category was set by hand.
    """
    if faint_od is None:
        return np.zeros(len(cells), np.bool_)
    asked = cells.faint_asked_od >= np.float32(UNSURE_FACTOR * faint_od)
    by_eye = cells.rule == RULES.index(Rule.BY_HAND)
    return np.asarray(asked & (cells.category <= Category.FAINT) & ~by_eye, np.bool_)

"""Which cells a threshold turned into another category."""

from __future__ import annotations

import numpy as np
from scipy.spatial import cKDTree

from armicro.contracts.arrays import F32
from armicro.contracts.results import FovResult

_SAME_CELL_UM = 2.0
_KEYS = ("thresholds.faint_od", "thresholds.weak_od", "thresholds.intense_od")


def changed_cells(before: FovResult | None, after: FovResult | None) -> F32:
    """Return the cells that another threshold reads otherwise.

    Parameters
    ----------
    before, after : FovResult or None
        Two readings of what should be the same place.

    Returns
    -------
    ndarray of float32, (N, 2)
        Centres y, x in px, as in `after`; none where the thresholds are the same, because what differs then
        is noise.
    """
    none = np.empty((0, 2), np.float32)
    if before is None or after is None or before.shape != after.shape:
        return none
    old, new = before.provenance.parameters, after.provenance.parameters
    if all(old.get(k) == new.get(k) for k in _KEYS) or not len(before.cells) or not len(after.cells):
        return none
    away, index = cKDTree(before.cells.yx_px).query(after.cells.yx_px)
    same = away * after.provenance.optics.um_per_px <= _SAME_CELL_UM
    differs = before.cells.category[index] != after.cells.category
    return np.ascontiguousarray(after.cells.yx_px[same & differs])

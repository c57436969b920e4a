"""One hash over what was found, to tell whether a reading was reproduced."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import numpy as np

from armicro.contracts.results import FovResult


def results_sha256(results: Iterable[FovResult]) -> str:
    """Return a hash of the cells of fields, in their order.

    Parameters
    ----------
    results : iterable of FovResult
        The fields that take part.

    Returns
    -------
    str
        64 hexadecimal digits; the same for the same places, categories and cells that count, to the last bit.
    """
    total = hashlib.sha256()
    for result in results:
        cells = result.cells
        total.update(repr((result.shape, result.provenance.optics.um_per_px, len(cells))).encode())
        for column, kind in ((cells.yx_px, "<f4"), (cells.category, "u1"), (cells.counted, "u1")):
            total.update(np.ascontiguousarray(column, dtype=kind).tobytes())
    return total.hexdigest()

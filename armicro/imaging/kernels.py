"""Structuring elements that look the same from every side."""

from __future__ import annotations

import numpy as np

from armicro.contracts.arrays import U8


def disc(radius_px: float) -> U8:
    """Return a disc as a mask.

    OpenCV's own ellipse is not equal to its transpose, so a turned field would be read differently.

    Parameters
    ----------
    radius_px : float
        Pixels whose centre lies within this of the middle belong to the disc.

    Returns
    -------
    ndarray of uint8, (2 r + 1, 2 r + 1)
        1 inside; r is the radius rounded down.
    """
    r = int(radius_px)
    y, x = np.mgrid[-r : r + 1, -r : r + 1]
    return np.asarray((y * y + x * x) <= max(radius_px * radius_px, 1.0), np.uint8)

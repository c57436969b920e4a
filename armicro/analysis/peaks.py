"""Local maxima of a map, to a fraction of a pixel."""

from __future__ import annotations

import cv2
import numpy as np
from scipy.spatial import cKDTree

from armicro.contracts.arrays import F32, I64, Bool
from armicro.imaging.kernels import disc

_GRID = 32.0


def find_peaks(heat: F32, radius_px: float, threshold: float) -> tuple[F32, F32]:
    """Find the local maxima of a heat map.

    A peak is the greatest value within `radius_px` and at least `threshold`; its place is refined by a
    parabola through its neighbours, to 1/32 px, which float32 holds exactly wherever a tile begins.

    Parameters
    ----------
    heat : ndarray of float32, (h, w)
        The map.
    radius_px : float
        Two peaks are farther apart than this, px.
    threshold : float
        Least height.

    Returns
    -------
    yx_px : ndarray of float32, (N, 2)
        Peaks in reading order (y, then x).
    height : ndarray of float32, (N,)
        Their heights.
    """
    yx = _greatest_around(heat, radius_px, threshold)
    if not len(yx):
        return np.empty((0, 2), np.float32), np.empty(0, np.float32)
    y, x = yx[_first_of_plateau(yx, radius_px)].T
    padded = np.pad(heat, 1, mode="edge")
    centre = padded[y + 1, x + 1]
    dy = _vertex(padded[y, x + 1], centre, padded[y + 2, x + 1])
    dx = _vertex(padded[y + 1, x], centre, padded[y + 1, x + 2])
    return np.stack([y + dy, x + dx], axis=1).astype(np.float32), centre.astype(np.float32)


def _greatest_around(heat: F32, radius_px: float, threshold: float) -> I64:
    """Return the pixels (N, 2) of at least `threshold` with nothing greater within the radius.

    A whole dilation by a disc costs more than all else here. A square inside the disc, whose dilation is
    separable, leaves few candidates; only around those is the disc looked at.
    """
    side = 2 * int(radius_px / np.sqrt(2)) + 1
    square = cv2.dilate(heat, np.ones((side, side), np.uint8))
    y, x = np.nonzero((heat >= square) & (heat >= np.float32(threshold)))
    r = int(radius_px)
    dy, dx = np.nonzero(disc(radius_px))
    padded = np.pad(heat, r, constant_values=-np.inf)
    around = padded[y[:, None] + dy, x[:, None] + dx].max(axis=1, initial=-np.inf)
    keep = heat[y, x] >= around
    return np.stack([y[keep], x[keep]], axis=1)


def _first_of_plateau(yx: I64, radius_px: float) -> Bool:
    """Of equal maxima within the radius of each other keep the first in reading order: (N,)."""
    keep = np.ones(len(yx), np.bool_)
    for first, second in sorted(cKDTree(yx).query_pairs(radius_px)):
        if keep[first]:
            keep[second] = False
    return keep


def _vertex(before: F32, at: F32, after: F32) -> F32:
    """Return where a parabola through three values has its top, on a 1/32 grid, under half a pixel off."""
    bend = before - 2 * at + after
    shift = np.where(bend < -1e-9, 0.5 * (before - after) / np.where(bend < -1e-9, bend, -1), 0)
    return (np.clip(np.rint(shift * _GRID), 1 - _GRID / 2, _GRID / 2 - 1) / _GRID).astype(np.float32)

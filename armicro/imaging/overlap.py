"""How much of a field was captured before: two pictures of one slide laid over each other. Pure.

Both are reduced to about 3 µm per pixel, where noise and focus differ little, and correlated over all shifts
(with the overlap's own mean and contrast); the best shift counts only where the overlap agrees closely.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from armicro.contracts.arrays import F32, U8
from armicro.contracts.frame import Optics
from armicro.imaging.scale import reduce_blocks

COARSE_UM_PER_PX = 3.0
LEAST_AGREEMENT = 0.90
"""Correlation of the overlap above which two pictures show the same place: real overlaps had 0.95 or more,
other places at most 0.87."""
LEAST_SHARE = 0.03
LEAST_PX = 340
"""Coarse pixels that must lie over each other, 3 % of a field of 320 µm: fewer agree by chance somewhere."""
_FLAT = 2.0
_LEAST_SIDE = 8


@dataclass(frozen=True, slots=True)
class Coarse:
    """A field as it is kept for comparing.

    Parameters
    ----------
    grey : ndarray of float32, (h, w)
        Grey levels at about `COARSE_UM_PER_PX`.
    um_per_px : float
        Its scale, µm.
    factor : int
        Field pixels per pixel of it.
    """

    grey: F32
    um_per_px: float
    factor: int


@dataclass(frozen=True, slots=True)
class Overlap:
    """Where a field lies over an earlier one.

    Parameters
    ----------
    share : float
        Part of the later field that the earlier one shows, 0 to 1.
    rows, columns : tuple of int
        That part, first and last + 1, px of the later field.
    agreement : float
        Correlation of the two there.
    """

    share: float
    rows: tuple[int, int]
    columns: tuple[int, int]
    agreement: float


def coarse(rgb: U8, optics: Optics) -> Coarse:
    """Reduce a field to what is compared."""
    factor = max(1, round(COARSE_UM_PER_PX / optics.um_per_px))
    factor = min(factor, *rgb.shape[:2])
    grey = cv2.cvtColor(reduce_blocks(rgb, factor), cv2.COLOR_RGB2GRAY)
    # Blocks of two fields do not fall on the same specimen: smoothed, that hardly matters.
    smooth = cv2.GaussianBlur(grey.astype(np.float32), (0, 0), 1.0)
    return Coarse(np.asarray(smooth, np.float32), optics.um_per_px * factor, factor)


def overlap(later: Coarse, earlier: Coarse) -> Overlap | None:
    """Find where two fields show the same place; `Later` where a field is compared with several.

    Parameters
    ----------
    later, earlier : Coarse
        Of one scale; fields of different scale are not compared.

    Returns
    -------
    Overlap or None
        None where nothing agrees.
    """
    return Later(later).over(earlier)


class Later:
    """A field that is compared with earlier ones: its own transforms are made once.

    Parameters
    ----------
    field : Coarse
        The field.
    """

    def __init__(self, field: Coarse) -> None:
        self._field = field
        self._flat = min(field.grey.shape) < _LEAST_SIDE or bool(field.grey.std() < _FLAT)
        self._against: dict[tuple[int, int], _Against] = {}

    def over(self, earlier: Coarse) -> Overlap | None:
        """Find where it lies over an earlier field; see `overlap`."""
        later, b = self._field, earlier.grey
        if abs(later.um_per_px / earlier.um_per_px - 1) > 0.01:
            return None
        if self._flat or min(b.shape) < _LEAST_SIDE or b.std() < _FLAT:
            return None
        shape = b.shape[0], b.shape[1]
        if shape not in self._against:
            self._against[shape] = _Against(later.grey, shape)
        agreement, (dy, dx) = self._against[shape].best_shift(b)
        if agreement < LEAST_AGREEMENT:
            return None
        # A point p of the earlier field lies at p + (dy, dx) in the later one.
        a = later.grey
        y0, y1 = max(0, dy), min(a.shape[0], b.shape[0] + dy)
        x0, x1 = max(0, dx), min(a.shape[1], b.shape[1] + dx)
        share = (y1 - y0) * (x1 - x0) / a.size
        f = later.factor
        rows = y0 * f, y1 * f
        columns = x0 * f, x1 * f
        return Overlap(share, rows, columns, agreement)


class _Against:
    """Correlation of a field with others of one shape, over all shifts, by Fourier transforms."""

    def __init__(self, a: F32, other: tuple[int, int]) -> None:
        h, w = a.shape[0] + other[0] - 1, a.shape[1] + other[1] - 1
        self._size, self._shape = a.shape, (cv2.getOptimalDFTSize(h), cv2.getOptimalDFTSize(w))
        self._least = max(LEAST_PX, LEAST_SHARE * min(a.size, other[0] * other[1]))
        # Densities about their means: rounding in sums of squares would drown small contrasts.
        a = a - a.mean()
        self._fa = self._transform(a)
        self._f1a = self._transform(np.ones_like(a))
        f1b = np.conj(self._transform(np.ones(other, np.float32)))
        self._n = np.maximum(self._correlate(self._f1a, f1b), 1e-9)
        self._sum_a = self._correlate(self._fa, f1b)
        self._var_a = self._correlate(self._transform(a * a), f1b) - self._sum_a**2 / self._n

    def _transform(self, x: F32) -> np.ndarray:
        return np.fft.rfft2(x.astype(np.float64), self._shape)

    def _correlate(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        return np.fft.irfft2(x * y, self._shape)

    def best_shift(self, b: F32) -> tuple[float, tuple[int, int]]:
        """Return the best agreement and its shift."""
        n, var_a, shape = self._n, self._var_a, self._shape
        b = b - b.mean()
        fb, fb2 = (np.conj(self._transform(x)) for x in (b, b * b))
        sum_b = self._correlate(self._f1a, fb)
        cross = self._correlate(self._fa, fb) - self._sum_a * sum_b / n
        var_b = self._correlate(self._f1a, fb2) - sum_b**2 / n
        usable = (n > self._least) & (var_a > n * _FLAT**2) & (var_b > n * _FLAT**2)
        scores = np.where(usable, cross / np.sqrt(np.maximum(var_a * var_b, 1e-9)), -1.0)
        y, x = np.unravel_index(int(np.argmax(scores)), scores.shape)
        dy = int(y) - (shape[0] if y >= self._size[0] else 0)
        dx = int(x) - (shape[1] if x >= self._size[1] else 0)
        return float(scores[y, x]), (dy, dx)

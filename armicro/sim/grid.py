"""The raster tissue is painted on, and smooth noise on it that does not depend on the pixel size."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from armicro.contracts.arrays import F32, F64, I32

PAD_UM = 6.0
"""The raster reaches this far beyond the field, so that blur at the field's edge sees tissue."""
SHIFT = 4
"""Polygons are handed to OpenCV in sixteenths of a pixel."""


@dataclass(frozen=True, slots=True)
class Grid:
    """A raster over the field and a border of `pad_px` around it.

    Parameters
    ----------
    shape : (int, int)
        Height and width with the border, px.
    px_um : float
        Side of a pixel, µm.
    pad_px : int
        Border.
    """

    shape: tuple[int, int]
    px_um: float
    pad_px: int

    @staticmethod
    def over(shape_px: tuple[int, int], px_um: float, pad_um: float = PAD_UM) -> Grid:
        """Make the raster of a field of `shape_px` pixels."""
        pad = int(np.ceil(pad_um / px_um))
        return Grid((shape_px[0] + 2 * pad, shape_px[1] + 2 * pad), px_um, pad)

    def to_px(self, yx_um: F64) -> F64:
        """Turn µm of the field into pixels of the raster; pixel centres lie at whole numbers."""
        out: F64 = yx_um / self.px_um + (self.pad_px - 0.5)
        return out

    def polygon(self, yx_um: F64) -> I32:
        """Turn an outline (K, 2) y, x, µm into what OpenCV fills, in sixteenths of a pixel x, y."""
        return np.round(self.to_px(yx_um)[:, ::-1] * (1 << SHIFT)).astype(np.int32)

    def noise(self, pitch_um: float, rng: np.random.Generator) -> F32:
        """Draw smooth noise of mean 0 and variance about 1 whose grains measure about `pitch_um`.

        The same stream gives the same pattern in µm at any pixel size, up to the raster's own border.
        """
        size_um = [n * self.px_um for n in self.shape]
        lattice = [max(4, round(s / pitch_um)) for s in size_um]
        values = rng.standard_normal(lattice, dtype=np.float32)
        out = np.asarray(cv2.resize(values, self.shape[::-1], interpolation=cv2.INTER_CUBIC), np.float32)
        # Interpolation between independent values takes away variance.
        return out * np.float32(1.35)

"""The raster tissue is painted on, and smooth noise on it that does not depend on the pixel size."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np

from armicro.contracts.arrays import F32, F64, U8

PAD_UM = 6.0
"""The raster reaches this far beyond the field, so that blur at the field's edge sees tissue."""
SHIFT = 4
"""Polygons are handed to OpenCV in sixteenths of a pixel."""


@dataclass(frozen=True, slots=True)
class Grid:
    """A raster over the field and a border around it.

    Parameters
    ----------
    shape : (int, int)
        Height and width with the border, px.
    px_um : float
        Side of a pixel, µm.
    border_um : float
        How far the raster begins before the field, above and to the left, µm.
    """

    shape: tuple[int, int]
    px_um: float
    border_um: float

    @staticmethod
    def over(shape_px: tuple[int, int], px_um: float) -> Grid:
        """Make the raster of a field of `shape_px` pixels, with a border of at least `PAD_UM` all around."""
        pad = math.ceil(PAD_UM / px_um)
        return Grid((shape_px[0] + 2 * pad, shape_px[1] + 2 * pad), px_um, pad * px_um)

    @property
    def pad_px(self) -> int:
        """The border in whole pixels."""
        return round(self.border_um / self.px_um)

    def coarser(self, factor: int) -> Grid:
        """Return the raster whose pixels are blocks of `factor` times `factor` of this one's."""
        shape = (math.ceil(self.shape[0] / factor), math.ceil(self.shape[1] / factor))
        return Grid(shape, self.px_um * factor, self.border_um)

    def to_px(self, yx_um: F64) -> F64:
        """Turn µm of the field into pixels of the raster; pixel centres lie at whole numbers."""
        out: F64 = (yx_um + self.border_um) / self.px_um - 0.5
        return out

    def axes_um(self) -> tuple[F32, F32]:
        """Return y (H, 1) and x (1, W) of the pixel centres, µm."""
        y, x = (((np.arange(n) + 0.5) * self.px_um - self.border_um).astype(np.float32) for n in self.shape)
        return y[:, None], x[None, :]

    def fill(self, canvas: U8, outline_um: F64, value: int) -> None:
        """Fill an outline (K, 2) y, x, µm, with a value, its edge shared out between pixels."""
        polygon = np.round(self.to_px(outline_um)[:, ::-1] * (1 << SHIFT)).astype(np.int32)
        cv2.fillPoly(canvas, [polygon], value, cv2.LINE_AA, SHIFT)

    def noise(self, pitch_um: float, rng: np.random.Generator) -> F32:
        """Draw smooth noise of mean 0 and variance about 1 whose grains measure about `pitch_um`.

        The same stream gives the same pattern in µm at any pixel size, to within a pixel.

        Parameters
        ----------
        pitch_um : float
            Distance between independent values.
        rng : numpy.random.Generator
            Source of chance.

        Returns
        -------
        ndarray of float32
            On the raster.
        """
        field_um = [n * self.px_um - 2 * self.border_um for n in self.shape]
        before = PAD_UM + 2
        lattice = [math.ceil((f + 2 * before) / pitch_um) + 1 for f in field_um]
        values = rng.standard_normal(lattice, dtype=np.float32)
        size = [round(n * pitch_um / self.px_um) for n in lattice]
        whole = cv2.resize(values, (size[1], size[0]), interpolation=cv2.INTER_CUBIC)
        first = round((before - self.border_um) / self.px_um)
        out = whole[first : first + self.shape[0], first : first + self.shape[1]]
        # Interpolation between independent values takes away variance.
        return np.asarray(out * np.float32(1.35), np.float32)

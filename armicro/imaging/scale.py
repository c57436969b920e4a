"""Working scale: reducing a field by a whole factor to about the resolution that membranes need.

The paper works at half the camera's resolution for everything but the nuclei (section 3.5: 1504² of a 3008²
field at 0.212 µm/px). A whole factor keeps the reduction an exact block mean: no resampling filter, no
dependence on where a tile begins.
"""

from __future__ import annotations

import cv2
import numpy as np

from armicro.contracts.arrays import F32, U8
from armicro.contracts.frame import Optics
from armicro.imaging.parallel import by_strips

WORKING_UM_PER_PX = 0.44
"""The scale aimed at, µm: a 0.64 µm membrane (1+) still covers more than one pixel."""


def working_factor(optics: Optics) -> int:
    """Return by how many field pixels along an axis a working pixel is made.

    Parameters
    ----------
    optics : Optics
        The field's scale.

    Returns
    -------
    int
        1 for 20x, 2 for 40x, 3 or 4 beyond.
    """
    return max(1, round(WORKING_UM_PER_PX / optics.um_per_px))


def reduce_blocks(rgb: U8, factor: int) -> U8:
    """Average `factor` × `factor` blocks.

    Parameters
    ----------
    rgb : ndarray of uint8, (H, W, 3)
        The field. Rows and columns beyond the last whole block are left out.
    factor : int
        Block side, px.

    Returns
    -------
    ndarray of uint8, (H // factor, W // factor, 3), at least one pixel
        Block means.
    """
    if factor == 1:
        return rgb
    h, w = max(1, rgb.shape[0] // factor), max(1, rgb.shape[1] // factor)
    out = np.empty((h, w, *rgb.shape[2:]), np.uint8)
    halved = factor > 2 and factor % 2 == 0 and min(rgb.shape[:2]) >= factor

    def strip(rows: slice, around: slice, inner: slice) -> None:  # noqa: ARG001 - needs no neighbours
        part = rgb[rows.start * factor : rows.stop * factor, : w * factor]
        if halved:
            # Halves of halves are the same means but for rounding, at a third of the time.
            half = (w * factor // 2, (rows.stop - rows.start) * factor // 2)
            part = np.asarray(cv2.resize(part, half, interpolation=cv2.INTER_AREA), np.uint8)
        cv2.resize(part, (w, rows.stop - rows.start), dst=out[rows], interpolation=cv2.INTER_AREA)

    by_strips(strip, (h, w))
    return out


def to_working(yx_px: F32, factor: int) -> F32:
    """Convert field coordinates (N, 2) y, x in px to working ones."""
    return ((yx_px + np.float32(0.5)) / np.float32(factor) - np.float32(0.5)).astype(np.float32)


def to_field(yx_work: F32, factor: int) -> F32:
    """Convert working coordinates (N, 2) y, x to px of the field."""
    return ((yx_work + np.float32(0.5)) * np.float32(factor) - np.float32(0.5)).astype(np.float32)

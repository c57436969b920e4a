"""Is a field fit to be scored: focus, saturation, tissue."""

from __future__ import annotations

import cv2
import numpy as np

from armicro.contracts.arrays import U8
from armicro.contracts.frame import Optics
from armicro.contracts.results import Quality
from armicro.contracts.stain import Vector3
from armicro.imaging.scale import reduce_blocks

COARSE_UM_PER_PX = 2.0
TISSUE_OD = 0.045
"""Mean optical density (log10) above which a coarse pixel is tissue; glass has 0 to 0.02."""
LEAST_TISSUE_SHARE = 0.10
GREATEST_SATURATED_SHARE = 0.01
LEAST_FOCUS = 0.15


def assess(rgb: U8, optics: Optics, white_rgb: Vector3) -> Quality:
    """Judge a field.

    Parameters
    ----------
    rgb : ndarray of uint8, (H, W, 3)
        The field.
    optics : Optics
        Its scale.
    white_rgb : tuple of 3 floats
        Grey value of empty glass.

    Returns
    -------
    Quality
        With a warning, in words and with its number, for each limit that is missed.
    """
    tissue_share = _tissue_share(rgb, optics, white_rgb)
    saturated = _saturated_share(rgb)
    focus = _focus(rgb, optics)
    warnings = []
    if tissue_share < LEAST_TISSUE_SHARE:
        warnings.append(
            f"little tissue: {tissue_share:.0%} of the field, expected at least {LEAST_TISSUE_SHARE:.0%}"
        )
    if saturated > GREATEST_SATURATED_SHARE:
        warnings.append(
            f"over-exposed or clipped: {saturated:.1%} of the tissue's pixels are at the sensor's limit, "
            f"expected at most {GREATEST_SATURATED_SHARE:.0%}"
        )
    if tissue_share >= LEAST_TISSUE_SHARE and focus < LEAST_FOCUS:
        warnings.append(f"out of focus: sharpness {focus:.2f}, expected at least {LEAST_FOCUS:.2f}")
    return Quality(focus, saturated, tissue_share, tuple(warnings))


def _tissue_share(rgb: U8, optics: Optics, white_rgb: Vector3) -> float:
    step = max(1, min(round(COARSE_UM_PER_PX / optics.um_per_px), *rgb.shape[:2]))
    coarse = np.maximum(reduce_blocks(rgb, step).astype(np.float32), 1)
    od = np.log10(np.asarray(white_rgb, np.float32) / coarse).mean(axis=2)
    return float(np.mean(od > TISSUE_OD))


def _saturated_share(rgb: U8) -> float:
    """Share of pixels with a channel at the sensor's lower end, of a regular sample."""
    sample = rgb[::4, ::4]
    return float(np.mean((sample == 0).any(axis=2)))


def _focus(rgb: U8, optics: Optics) -> float:
    """Share of the fine detail (below 1 µm) in all detail (below 4 µm) of the green channel, 0 to about 1."""
    side = 1024
    y, x = max(0, (rgb.shape[0] - side) // 2), max(0, (rgb.shape[1] - side) // 2)
    green = rgb[y : y + side, x : x + side, 1].astype(np.float32)
    fine = green - cv2.GaussianBlur(green, (0, 0), 0.5 / optics.um_per_px)
    broad = green - cv2.GaussianBlur(green, (0, 0), 2.0 / optics.um_per_px)
    spread = float(broad.std())
    return float(fine.std()) / spread if spread > 1e-6 else 0.0

"""Is a field fit to be scored: focus, saturation, tissue."""

from __future__ import annotations

import cv2
import numpy as np

from armicro.contracts.arrays import F32, U8
from armicro.contracts.frame import Optics
from armicro.contracts.results import Quality
from armicro.contracts.stain import Vector3
from armicro.imaging.scale import reduce_blocks, working_factor

COARSE_UM_PER_PX = 2.0
TISSUE_OD = 0.03
"""Mean optical density (log10) above which a coarse pixel is tissue; glass has 0 to 0.02."""
LEAST_TISSUE_SHARE = 0.10
GREATEST_SATURATED_SHARE = 0.01
LEAST_FOCUS = 0.20
PATCH_PX = 384
"""Side of the patch that sharpness is measured on."""


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
    density, step = _coarse_density(rgb, optics, white_rgb)
    tissue_share = float(np.mean(density > TISSUE_OD))
    saturated = _saturated_share(rgb)
    focus = _focus(_richest_patch(rgb, density, step), optics)
    warnings = []
    if tissue_share < LEAST_TISSUE_SHARE:
        warnings.append(
            f"little tissue: {tissue_share:.0%} of the field, expected at least {LEAST_TISSUE_SHARE:.0%}"
        )
    if saturated > GREATEST_SATURATED_SHARE:
        warnings.append(
            f"clipped: {saturated:.1%} of the pixels are at the sensor's lower limit, expected at most "
            f"{GREATEST_SATURATED_SHARE:.0%}"
        )
    if tissue_share >= LEAST_TISSUE_SHARE and focus < LEAST_FOCUS:
        warnings.append(f"out of focus: sharpness {focus:.2f}, expected at least {LEAST_FOCUS:.2f}")
    return Quality(focus, saturated, tissue_share, tuple(warnings))


def coarse_picture(rgb: U8, optics: Optics) -> tuple[U8, float]:
    """Return a picture of blocks of about `COARSE_UM_PER_PX`, and their side, µm."""
    small, step = _coarse(rgb, optics)
    return small, step * optics.um_per_px


def _coarse(rgb: U8, optics: Optics) -> tuple[U8, int]:
    # In two steps: blocks of blocks are the same means, and the first step is many times faster.
    factor = working_factor(optics)
    further = max(1, round(COARSE_UM_PER_PX / (optics.um_per_px * factor)))
    further = min(further, *(max(1, n // factor) for n in rgb.shape[:2]))
    return reduce_blocks(reduce_blocks(rgb, factor), further), factor * further


def _coarse_density(rgb: U8, optics: Optics, white_rgb: Vector3) -> tuple[F32, int]:
    """Return the mean optical density on a grid of about `COARSE_UM_PER_PX`, and its step, px."""
    small, step = _coarse(rgb, optics)
    coarse = np.maximum(small.astype(np.float32), 1)
    od = np.log10(np.asarray(white_rgb, np.float32) / coarse).mean(axis=2)
    return np.asarray(od, np.float32), step


def _saturated_share(rgb: U8) -> float:
    """Share of pixels with a channel at the sensor's lower end, of a regular sample."""
    return float(np.mean((rgb[::16, ::16] == 0).any(axis=2)))


def _richest_patch(rgb: U8, density: F32, step: int) -> U8:
    """Return the patch of about `PATCH_PX` with the most tissue: sharpness says nothing on glass."""
    cell = max(1, PATCH_PX // step)
    h, w = density.shape
    if h <= cell and w <= cell:
        return rgb
    means = cv2.boxFilter(density, -1, (min(cell, w), min(cell, h)), borderType=cv2.BORDER_REFLECT)
    inner = means[min(cell, h) // 2 : max(1, h - cell // 2), min(cell, w) // 2 : max(1, w - cell // 2)]
    y, x = np.unravel_index(int(np.argmax(inner)), inner.shape)
    return rgb[int(y) * step : int(y) * step + PATCH_PX, int(x) * step : int(x) * step + PATCH_PX]


def _focus(rgb: U8, optics: Optics) -> float:
    """Share of the fine detail (0.3 to 0.7 µm) in all detail (0.3 to 2 µm) of the green channel, 0 to 1.

    What is finer than 0.3 µm is left out: it is noise and rounding, which a blurred picture has too.
    """
    green = np.ascontiguousarray(rgb[..., 1]).astype(np.float32)
    base, fine, broad = (cv2.GaussianBlur(green, (0, 0), s / optics.um_per_px) for s in (0.3, 0.7, 2.0))
    spread = float((base - broad).std())
    return float((base - fine).std()) / spread if spread > 1e-6 else 0.0

"""Small marks: dots, crosses and the rings that stand for a category, stamped many at a time."""

from __future__ import annotations

import cv2
import numpy as np

from armicro.contracts.arrays import F32, I64, U8
from armicro.contracts.cells import Category
from armicro.overlay.style import OverlayStyle

Glyph = I64
"""Offsets y, x of a mark's pixels from its centre, (M, 2)."""

_COMPLETE = (Category.INTENSE_COMPLETE, Category.WEAK_COMPLETE)
_BROKEN_ARCS_DEG = ((38, 142), (218, 322))


def disc(diameter_px: int) -> Glyph:
    """Make a filled disc of an odd diameter, px; (M, 2) offsets y, x."""
    radius = diameter_px // 2
    y, x = np.mgrid[-radius : radius + 1, -radius : radius + 1]
    return np.argwhere(y * y + x * x <= (radius + 0.35) ** 2).astype(np.int64) - radius


def cross(size_px: int) -> Glyph:
    """Make a diagonal cross of an odd size, px; (M, 2) offsets y, x."""
    radius = size_px // 2
    arm = np.arange(-radius, radius + 1)
    return np.unique(np.concatenate([np.stack([arm, arm], 1), np.stack([arm, -arm], 1)]), axis=0)


def category_glyph(category: Category, style: OverlayStyle, radius_px: int = 7) -> Glyph:
    """Make the small ring that stands for a category; a dot for no staining.

    Parameters
    ----------
    category : Category
        What it stands for: full is complete, broken is incomplete, thick is intense.
    style : OverlayStyle
        Its line widths.
    radius_px : int
        Of the ring.

    Returns
    -------
    ndarray of int64, (M, 2)
        Offsets y, x of its pixels from the centre.
    """
    if category is Category.NONE:
        return disc(2 * style.weak_px + 1)
    if category is Category.FAINT:
        width = style.faint_px
    else:
        width = style.weak_px if category <= Category.WEAK_COMPLETE else style.intense_px
    half = radius_px + width
    canvas: U8 = np.zeros((2 * half + 1, 2 * half + 1), np.uint8)
    arcs = ((0, 360),) if category in _COMPLETE else _BROKEN_ARCS_DEG
    for begin, end in arcs:
        cv2.ellipse(canvas, (half, half), (radius_px, radius_px), 0, begin, end, 1, width)
    return np.argwhere(canvas).astype(np.int64) - half


def stamp(plane: U8, yx_px: F32, glyph: Glyph, label: int) -> None:
    """Set a mark's pixels to a label around many points, in place; what falls outside is left out.

    Parameters
    ----------
    plane : ndarray of uint8, (H, W)
        Written to.
    yx_px : ndarray of float32, (N, 2)
        Centres y, x, px.
    glyph : ndarray of int64, (M, 2)
        Offsets y, x.
    label : int
        The value to set.
    """
    at = np.rint(yx_px).astype(np.int64)[:, None, :] + glyph[None, :, :]
    y, x = at[..., 0].ravel(), at[..., 1].ravel()
    inside = (y >= 0) & (y < plane.shape[0]) & (x >= 0) & (x < plane.shape[1])
    plane[y[inside], x[inside]] = label

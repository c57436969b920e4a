"""A field's result as a transparent picture, and that picture laid over the field.

The picture is premultiplied: its colours are already scaled by their alpha, so that soft edges need no
care; `straight_alpha` makes the form that PNG files keep. What the eyepiece shows is another drawing, of
light alone (`armicro.overlay.eyepiece_picture`).
"""

from __future__ import annotations

import cv2
import numpy as np

from armicro.contracts.arrays import U8, require
from armicro.contracts.results import FovResult
from armicro.imaging.parallel import by_strips, together
from armicro.overlay.furniture import draw_legend, draw_scale_bar, paste
from armicro.overlay.labels import Layers, draw_layers, widen
from armicro.overlay.style import FIRST_CATEGORY, NEUTRAL, PALETTE, Label, OverlayStyle

_CASING_ALPHA = 130
_SOFT_SIGMA_PX = 0.5


def draw_overlay(result: FovResult, style: OverlayStyle | None = None) -> U8:
    """Draw the reading of a field.

    Parameters
    ----------
    result : FovResult
        The reading. Its nuclei become points and its contours lines; where the reading follows no contours
        of its own, the lines of the membrane skeleton.
    style : OverlayStyle, optional
        How to draw.

    Returns
    -------
    ndarray of uint8, (h, w, 4)
        Premultiplied RGBA of `style.drawn_shape(result.shape)`; all zero where nothing is drawn.
    """
    style = style or OverlayStyle()
    shape = style.drawn_shape(result.shape)
    layers, legend = together(
        lambda: draw_layers(result, style),
        lambda: draw_legend(style, result.counts(), shape[0]) if style.legend else None,
    )
    rgba = _paint(layers, style)
    if legend is not None:
        paste(rgba, legend, "bottom-left", style)
    if style.scale_bar:
        um_per_px = result.provenance.optics.um_per_px / style.scale
        paste(rgba, draw_scale_bar(style, um_per_px, shape), "bottom-right", style)
    if style.brightness < 1.0:
        rgba = cv2.convertScaleAbs(rgba, alpha=style.brightness).astype(np.uint8, copy=False)
    return rgba


def colour_table() -> U8:
    """Premultiplied RGBA of each `Label`, (256, 4); labels that stand for nothing are clear."""
    table: U8 = np.zeros((256, 4), np.uint8)
    table[Label.CASING] = (0, 0, 0, _CASING_ALPHA)
    table[Label.OTHER, :3] = table[Label.EXCLUDED, :3] = NEUTRAL
    table[Label.OTHER :, 3] = 255
    for category, rgb in PALETTE.items():
        table[category + FIRST_CATEGORY, :3] = rgb
    table[max(Label) + 1 :] = 0
    return table


def _paint(layers: Layers, style: OverlayStyle) -> U8:
    """Flatten layers into premultiplied RGBA with soft edges.

    Done in strips that stay in the processor's cache, each with enough of its neighbours to widen and blend
    with: a whole field's intermediates would cost more to fetch than to compute.
    """
    words = colour_table().view(np.uint32).ravel()
    height, width = layers.marks.shape
    halo = style.intense_px + 2
    out: U8 = np.empty((height, width, 4), np.uint8)

    def strip(rows: slice, around: slice, inner: slice) -> None:
        hard = np.take(words, _flatten(layers, around, style), mode="clip")
        # Blending premultiplied colours keeps alpha in step with them.
        pixels = hard.view(np.uint8).reshape(*hard.shape, 4)
        soft = cv2.GaussianBlur(pixels, (3, 3), _SOFT_SIGMA_PX, borderType=cv2.BORDER_REPLICATE)
        out[rows] = soft[inner]

    by_strips(strip, (height, width), halo)
    return out


def _flatten(layers: Layers, rows: slice, style: OverlayStyle) -> U8:
    """Widen and join some rows of the layers, the greater label on top, and lay the casing around them."""
    labels = cv2.max(widen(layers.intense[rows], style.intense_px), widen(layers.weak[rows], style.weak_px))
    cv2.max(labels, widen(layers.faint[rows], style.faint_px), dst=labels)
    cv2.max(labels, layers.marks[rows], dst=labels)
    edge = cv2.dilate(labels, cv2.getStructuringElement(cv2.MORPH_RECT, (3, 3)))
    cv2.threshold(edge, 0, Label.CASING, cv2.THRESH_BINARY, dst=edge)
    cv2.max(labels, edge, dst=labels)
    return labels.astype(np.uint8, copy=False)


def compose(rgb: U8, rgba: U8) -> U8:
    """Lay an overlay over a picture of the same size.

    Parameters
    ----------
    rgb : ndarray of uint8, (H, W, 3)
        The picture.
    rgba : ndarray of uint8, (H, W, 4)
        Premultiplied overlay.

    Returns
    -------
    ndarray of uint8, (H, W, 3)
        A new picture.

    Raises
    ------
    ValueError
        If shapes or dtypes do not fit.
    """
    require("rgb", rgb, shape=(None, None, 3), dtype="u1")
    require("rgba", rgba, shape=(rgb.shape[0], rgb.shape[1], 4), dtype="u1")
    out: U8 = np.empty_like(rgb)

    def strip(rows: slice, around: slice, inner: slice) -> None:  # noqa: ARG001 - needs no neighbours
        over = rgba[rows]
        through = cv2.cvtColor(cv2.bitwise_not(cv2.extractChannel(over, 3)), cv2.COLOR_GRAY2RGB)
        under = cv2.multiply(rgb[rows], through, scale=1 / 255)
        cv2.add(under, cv2.cvtColor(over, cv2.COLOR_RGBA2RGB), dst=out[rows])

    by_strips(strip, rgb.shape)
    return out


def straight_alpha(rgba: U8) -> U8:
    """Turn a premultiplied overlay into one with independent alpha, as PNG files keep it.

    Parameters
    ----------
    rgba : ndarray of uint8, (H, W, 4)
        Premultiplied.

    Returns
    -------
    ndarray of uint8, (H, W, 4)
        A new array; clear pixels are zero.

    Raises
    ------
    ValueError
        If it is not uint8 (H, W, 4).
    """
    require("rgba", rgba, shape=(None, None, 4), dtype="u1")
    out = rgba.copy()
    partly = (rgba[..., 3] > 0) & (rgba[..., 3] < 255)
    pixels = rgba[partly].astype(np.uint16)
    alpha = pixels[:, 3:]
    out[partly, :3] = np.minimum((pixels[:, :3] * 255 + alpha // 2) // alpha, 255)
    return out

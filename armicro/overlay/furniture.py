"""Legend and scale bar: small premultiplied RGBA panels, laid into the corners of an overlay."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Literal

import cv2
import numpy as np

from armicro.contracts.arrays import I64, U8, frozen
from armicro.contracts.cells import CATEGORIES, Category
from armicro.overlay.glyphs import category_glyph
from armicro.overlay.style import PALETTE, OverlayStyle

Corner = Literal["bottom-left", "bottom-right"]

_BAR_LENGTHS_UM = (5, 10, 20, 25, 50, 100, 200, 250, 500, 1000)
_FONT = cv2.FONT_HERSHEY_SIMPLEX
_INK = (255, 255, 255, 255)
_PANEL_ALPHA = 185


def text_height_px(style: OverlayStyle, picture_height_px: int) -> int:
    """Height of letters in a picture: the style's own, or fitted to the picture, at least 12 px."""
    return style.text_px if style.text_px is not None else max(12, round(picture_height_px / 75))


def draw_legend(
    style: OverlayStyle, counts: Mapping[Category, int] | None = None, picture_height_px: int = 900
) -> U8:
    """Draw the key to the categories.

    Parameters
    ----------
    style : OverlayStyle
        Its widths and colours are what the key shows.
    counts : mapping of Category to int, optional
        Cells of each category, written at the end of the line.
    picture_height_px : int
        Height of the picture it is for, which the letters are fitted to.

    Returns
    -------
    ndarray of uint8, (h, w, 4)
        Premultiplied RGBA.
    """
    text = text_height_px(style, picture_height_px)
    numbers = [f"{counts[category]:,}" if counts is not None else "" for category in CATEGORIES]
    number_px = max(_text_width(t, text) for t in numbers) + (text if counts is not None else 0)
    panel = _key(style, text, number_px).copy()
    row, pad = _spacing(text)
    for i, number in enumerate(numbers):
        left = panel.shape[1] - pad - _text_width(number, text)
        _put_text(panel, number, left, pad + row * i + row // 2, text)
    return panel


@lru_cache(maxsize=16)
def _key(style: OverlayStyle, text: int, beside_px: int) -> U8:
    """Draw the key without its numbers, which take `beside_px` with their gap. Every live picture has it."""
    row, pad = _spacing(text)
    icon = round(text * 1.9)
    names = [category.key.replace("_", " ") for category in CATEGORIES]
    name_px = max(_text_width(t, text) for t in names)
    panel = _panel(2 * pad + row * len(names), 2 * pad + icon + name_px + beside_px)
    for i, category in enumerate(CATEGORIES):
        middle = pad + row * i + row // 2
        _put_glyph(
            panel, category_glyph(category, style, round(text * 0.5)), (middle, pad + text // 2), category
        )
        _put_text(panel, names[i], pad + icon, middle, text)
    return frozen(panel)


def _spacing(text: int) -> tuple[int, int]:
    """Return the height of a row and the margin, px."""
    return round(text * 1.6), round(text * 0.7)


def draw_scale_bar(style: OverlayStyle, um_per_px: float, picture_shape: tuple[int, int]) -> U8:
    """Draw a scale bar of a round length, about an eighth of the picture's width.

    Parameters
    ----------
    style : OverlayStyle
        How to draw.
    um_per_px : float
        Scale of the drawing, µm per drawing pixel.
    picture_shape : tuple of int
        Height and width of the picture it is for, px.

    Returns
    -------
    ndarray of uint8, (h, w, 4)
        Premultiplied RGBA; the bar's length is exact to a pixel.
    """
    text = text_height_px(style, picture_shape[0])
    aim_um = picture_shape[1] * um_per_px / 8
    length_um = min(_BAR_LENGTHS_UM, key=lambda um: abs(float(np.log(um / aim_um))))
    bar_px = max(1, round(length_um / um_per_px))
    label = f"{length_um} {micrometre_sign()}"
    pad, thick = round(text * 0.7), max(2, round(text * 0.25))
    label_px = _text_width(label, text)
    panel = _panel(2 * pad + round(text * 1.5) + thick, 2 * pad + max(bar_px, label_px))
    left = (panel.shape[1] - bar_px) // 2
    panel[-pad - thick : -pad, left : left + bar_px] = _INK
    _put_text(panel, label, (panel.shape[1] - label_px) // 2, pad + text // 2, text)
    return panel


def micrometre_sign() -> str:
    """Return "µm" where OpenCV's letters have the sign (from version 5 on), else "um"."""
    return "µm" if int(cv2.__version__.split(".")[0]) >= 5 else "um"


def paste(rgba: U8, panel: U8, corner: Corner, style: OverlayStyle) -> None:
    """Lay a panel into a lower corner of an overlay, in place.

    It is left out where it would cover more than half of the overlay's width or height: a small picture
    is better without a key than behind one.

    Parameters
    ----------
    rgba : ndarray of uint8, (H, W, 4)
        Premultiplied overlay, written to.
    panel : ndarray of uint8, (h, w, 4)
        Premultiplied panel.
    corner : {"bottom-left", "bottom-right"}
        Where.
    style : OverlayStyle
        Its letters set the margin.
    """
    height, width = panel.shape[:2]
    margin = text_height_px(style, rgba.shape[0])
    if 2 * height > rgba.shape[0] or 2 * (width + margin) > rgba.shape[1]:
        return
    bottom = rgba.shape[0] - margin
    left = margin if corner == "bottom-left" else rgba.shape[1] - margin - width
    under = rgba[bottom - height : bottom, left : left + width]
    keep = (255 - panel[..., 3:].astype(np.uint16)) * under
    under[...] = panel + ((keep + 127) // 255).astype(np.uint8)


def _panel(height: int, width: int) -> U8:
    """Make an empty panel: dark and translucent."""
    panel: U8 = np.zeros((height, width, 4), np.uint8)
    panel[..., 3] = _PANEL_ALPHA
    return panel


def _put_glyph(panel: U8, glyph: I64, centre: tuple[int, int], category: Category) -> None:
    y, x = (glyph + np.array(centre)).T
    panel[y, x, :3], panel[y, x, 3] = PALETTE[category], 255


def _font_scale(text_px: int) -> float:
    """OpenCV's font scale at which a capital letter stands about `text_px` high."""
    (_, height), _ = cv2.getTextSize("H", _FONT, 1.0, 1)
    return text_px / height


@lru_cache(maxsize=256)
def _text_width(text: str, text_px: int) -> int:
    """Width of a line of text, px."""
    (width, _), _ = cv2.getTextSize(text, _FONT, _font_scale(text_px), 1)
    return int(width)


@lru_cache(maxsize=256)
def _text_cover(text: str, text_px: int) -> tuple[U8, int, int]:
    """Draw a line of text as coverage, (h, w), cut to its ink, and say where that begins.

    The rows and columns are counted from the middle of the line's height and from its left end. Kept, since
    a live picture writes the same few words over and over and each takes a millisecond or two.
    """
    cover: U8 = np.zeros((4 * text_px, _text_width(text, text_px) + 2 * text_px), np.uint8)
    at = (text_px, 2 * text_px + round(text_px * 0.36))
    cv2.putText(cover, text, at, _FONT, _font_scale(text_px), (255,), 1, cv2.LINE_AA)
    x, y, width, height = cv2.boundingRect(cover)
    ink = np.ascontiguousarray(cover[y : y + height, x : x + width])
    return frozen(ink), y - 2 * text_px, x - text_px


def _put_text(panel: U8, text: str, left: int, middle: int, text_px: int) -> None:
    """Write a line of text centred on a row, in place; colour and alpha are blended alike."""
    cover, down, right = _text_cover(text, text_px)
    if not cover.size:
        return
    top, first = middle + down, left + right
    y0, x0 = max(0, top), max(0, first)
    part = panel[y0 : top + cover.shape[0], x0 : first + cover.shape[1]]
    weight = cover[y0 - top :, x0 - first :][: part.shape[0], : part.shape[1], None].astype(np.uint16)
    part[...] = (part * (255 - weight) + np.array(_INK, np.uint16) * weight + 127) // 255

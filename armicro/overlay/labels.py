"""Cells drawn as labels: which category, if any, each pixel shows.

One byte per pixel instead of four keeps a whole field of thousands of cells within a few milliseconds,
and a label cannot blend into a colour that stands for nothing where two lines meet. Lines are drawn one
pixel wide into a layer for each width; whoever flattens the layers widens them, which costs less than
drawing wide lines does.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial

import cv2
import numpy as np
import numpy.typing as npt

from armicro.contracts.arrays import F32, I32, U8, Bool
from armicro.contracts.cells import Category, CellTable
from armicro.contracts.results import FovResult, MembraneMap
from armicro.imaging.parallel import run_all
from armicro.overlay.glyphs import category_glyph, cross, disc, stamp
from armicro.overlay.style import FIRST_CATEGORY, Label, OverlayStyle

_SUBPIXEL_BITS = 4
_CLEAR, _HAIR, _THIN, _THICK = range(4)

# Stroke of a contour point by [category, staining level]. An arc that is weaker than its category is not
# drawn where that makes the cell incomplete: many an intense incomplete cell has weak membrane all around,
# and would look complete.
_STROKE: U8 = np.array(
    [
        [_CLEAR, _CLEAR, _CLEAR, _CLEAR],
        [_CLEAR, _HAIR, _HAIR, _HAIR],
        [_CLEAR, _CLEAR, _THIN, _THIN],
        # A complete ring is closed by a hairline where it is unstained, so that full and broken rings
        # differ at a glance and the gap is still seen.
        [_HAIR, _HAIR, _THIN, _THIN],
        [_CLEAR, _CLEAR, _CLEAR, _THICK],
        [_HAIR, _HAIR, _THIN, _THICK],
    ],
    np.uint8,
)

# Skeleton values of `MembraneMap` to labels: open is incomplete, closed is complete.
_SKELETON_LABEL: U8 = np.zeros(256, np.uint8)
_SKELETON_LABEL[1:5] = (
    Label.WEAK_INCOMPLETE,
    Label.WEAK_COMPLETE,
    Label.INTENSE_INCOMPLETE,
    Label.INTENSE_COMPLETE,
)


@dataclass(frozen=True, slots=True)
class Layers:
    """A drawing as labels, by width.

    Parameters
    ----------
    intense, weak, faint : ndarray of uint8, (h, w)
        `Label` of lines one pixel wide, to be widened to the style's widths.
    marks : ndarray of uint8, (h, w)
        `Label` of nuclei, at their own size.
    """

    intense: U8
    weak: U8
    faint: U8
    marks: U8


def draw_layers(result: FovResult, style: OverlayStyle) -> Layers:
    """Draw the cells of a field as labels.

    Parameters
    ----------
    result : FovResult
        The reading of the field.
    style : OverlayStyle
        How to draw.

    Returns
    -------
    Layers
        Of `style.drawn_shape(result.shape)`.
    """
    shape = style.drawn_shape(result.shape)
    layers = Layers(*(np.zeros(shape, np.uint8) for _ in range(4)))
    cells = result.cells
    has_contours = cells.contour_um.shape[1] > 0

    def lines() -> None:
        if style.contours and has_contours:
            _contours(layers, cells, result.provenance.optics.um_per_px, style)
        elif style.contours and result.membrane is not None:
            _skeleton(layers, result.membrane, style)

    def marks() -> None:
        if style.others:
            at = _to_drawing(result.others.yx_px, style.scale)
            stamp(layers.marks, at, cross(2 * style.weak_px - 1), Label.OTHER)
        if style.nuclei:
            _points(layers.marks, cells, style, shaped=not (has_contours and style.contours))

    run_all((lines, marks))
    return layers


def cell_labels(cells: CellTable) -> U8:
    """Label of each cell: its category's, or `Label.EXCLUDED` where it takes no part in the score.

    Parameters
    ----------
    cells : CellTable
        N cells.

    Returns
    -------
    ndarray of uint8, (N,)
        `Label`.
    """
    return np.where(cells.counted, cells.category + FIRST_CATEGORY, Label.EXCLUDED).astype(np.uint8)


def widen(layer: U8, width_px: int) -> U8:
    """Widen the lines of a layer from one pixel; where lines meet, the greater label wins.

    Parameters
    ----------
    layer : ndarray of uint8, (h, w)
        `Label`; not written to.
    width_px : int
        1 or more.

    Returns
    -------
    ndarray of uint8, (h, w)
        The layer itself where the width is 1.
    """
    if width_px <= 1:
        return layer
    # A disc, so that a line is about as wide in every direction; OpenCV's own ellipses thin slanting lines.
    y, x = np.mgrid[:width_px, :width_px] - (width_px - 1) / 2
    disc_px = (np.hypot(y, x) <= width_px / 2).astype(np.uint8)
    return cv2.dilate(layer, disc_px).astype(np.uint8, copy=False)


def _to_drawing(yx_px: F32, scale: float) -> F32:
    """Field coordinates (N, 2) to those of the drawing; pixel centres are at whole numbers in both."""
    return ((yx_px + 0.5) * scale - 0.5).astype(np.float32)


def _contours(layers: Layers, cells: CellTable, um_per_px: float, style: OverlayStyle) -> None:
    """Draw the stained arcs of every contour into its layer, in place."""
    stroke = _STROKE[cells.category[:, None], np.minimum(cells.contour_level, 3)]
    stroke[cells.contour_um <= 0] = _CLEAR
    corners, label = _corners(cells, um_per_px, style), cell_labels(cells)
    widths = (layers.intense, _THICK), (layers.weak, _THIN), (layers.faint, _HAIR)
    run_all([partial(_draw_arcs, layer, corners, stroke == which, label) for layer, which in widths])


def _corners(cells: CellTable, um_per_px: float, style: OverlayStyle) -> I32:
    """Corners of the contours, twice around: fixed-point x, y, (N, 2 K + 1, 2).

    Arc k runs from corner k to corner k + 1. The corners lie half-way between neighbouring contour points,
    so that each point's own arc is centred on it. Twice around, an arc that passes angle 0 is a slice too.
    """
    k = cells.contour_um.shape[1]
    angle = 2 * np.pi * np.arange(k, dtype=np.float32) / k
    radius = np.maximum(cells.contour_um - np.float32(style.inset_um), 0.6 * cells.contour_um)
    radius *= np.float32(style.scale / um_per_px)
    centre = _to_drawing(cells.yx_px, style.scale)
    corners = np.empty((len(cells), 2 * k + 1, 2), np.int32)
    for axis, (direction, middle) in enumerate(
        ((np.cos(angle), centre[:, 1]), (np.sin(angle), centre[:, 0]))
    ):
        point = radius * direction
        point += np.roll(point, 1, axis=1)
        point *= 0.5
        point += middle[:, None]
        point *= 1 << _SUBPIXEL_BITS
        corners[:, :k, axis] = np.rint(point)
    corners[:, k : 2 * k] = corners[:, :k]
    corners[:, 2 * k] = corners[:, 0]
    return corners


def _draw_arcs(layer: U8, corners: I32, on: Bool, label: U8) -> None:
    """Draw every run of arcs that are on, one call per label, in place; a greater label goes on top."""
    some, closed = on.any(axis=1), on.all(axis=1)
    for value in np.unique(label[some]):
        mine = some & (label == value)
        rings = list(corners[mine & closed, : on.shape[1]])
        cv2.polylines(layer, rings, True, int(value), 1, cv2.LINE_8, _SUBPIXEL_BITS)
        broken = np.flatnonzero(mine & ~closed)
        pieces = runs(corners, on[broken], broken)
        cv2.polylines(layer, pieces, False, int(value), 1, cv2.LINE_8, _SUBPIXEL_BITS)


def runs(corners: I32, on: Bool, rows: npt.NDArray[np.intp]) -> list[npt.NDArray[np.int32]]:
    """Cut contours into their runs of arcs that are on; none of them is on all around.

    Parameters
    ----------
    corners : ndarray of int32, (N, 2 K + 1, 2)
        Of all contours, twice around.
    on : ndarray of bool, (M, K)
        Of some of them.
    rows : ndarray of int, (M,)
        Which these are.

    Returns
    -------
    list of ndarray of int32, (L, 2)
        Views of `corners`.
    """
    k = on.shape[1]
    begin_row, begin = np.nonzero(on & ~np.roll(on, 1, axis=1))
    end_row, end = np.nonzero(on & ~np.roll(on, -1, axis=1))
    # A run that passes angle 0 ends before it begins: its end is put off by one turn, and comes last.
    first = np.diff(end_row, prepend=-1) > 0
    end += k * (first & on[end_row, 0] & on[end_row, -1])
    end = end[np.argsort(end_row * 2 * k + end)]
    base = rows[begin_row] * corners.shape[1]
    line = corners.reshape(-1, 2)
    return [line[a:b] for a, b in zip((base + begin).tolist(), (base + end + 2).tolist(), strict=True)]


def _skeleton(layers: Layers, membrane: MembraneMap, style: OverlayStyle) -> None:
    """Draw the skeleton's pixels into the intense and weak layers, in place."""
    labels = _SKELETON_LABEL[membrane.skeleton]
    rows, columns = np.nonzero(labels)
    block = membrane.factor * style.scale
    height, width = layers.weak.shape
    y, x = (np.floor((at + 0.5) * block).astype(np.intp) for at in (rows, columns))
    inside = (y < height) & (x < width)
    y, x, value = y[inside], x[inside], labels[rows[inside], columns[inside]]
    # Pixels that touched in the skeleton must still touch in the drawing.
    touch = math.ceil(block)
    for layer, width_px, first in (
        (layers.intense, style.intense_px, Label.INTENSE_INCOMPLETE),
        (layers.weak, style.weak_px, Label.WEAK_INCOMPLETE),
    ):
        for label in (first, first + 1):
            layer[y[value == label], x[value == label]] = label
        layer[...] = widen(layer, touch - width_px + 1)


def _points(plane: U8, cells: CellTable, style: OverlayStyle, *, shaped: bool) -> None:
    """Mark nuclei, in place: as dots beside contours, else by the shape that stands for the category."""
    yx, label = _to_drawing(cells.yx_px, style.scale), cell_labels(cells)
    for category in sorted(Category):
        mine = cells.category == category
        # Larger where it is all there is to see of a cell.
        small = disc(2 * style.weak_px + (1 if category is Category.NONE else -1))
        glyph = category_glyph(category, style) if shaped else small
        for value in np.unique(label[mine]):
            stamp(plane, yx[mine & (label == value)], glyph, int(value))

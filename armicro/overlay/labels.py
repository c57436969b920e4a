"""Cells drawn into a plane of labels: which category, if any, each pixel shows.

One byte per pixel instead of four keeps a whole field of thousands of cells within a few milliseconds,
and a label cannot blend into a colour that stands for nothing where two lines meet.
"""

from __future__ import annotations

import math

import cv2
import numpy as np
import numpy.typing as npt

from armicro.contracts.arrays import F32, I32, U8, Bool
from armicro.contracts.cells import Category, CellTable
from armicro.contracts.results import FovResult, MembraneMap
from armicro.overlay.glyphs import category_glyph, cross, disc, stamp
from armicro.overlay.style import FIRST_CATEGORY, Label, OverlayStyle

_SUBPIXEL_BITS = 4
_CLEAR, _HAIR, _THIN, _THICK = range(4)

# Stroke of a contour point by [category, staining level]: an arc of an intense cell that is only weakly
# stained is drawn thin, and one weaker than its category's own threshold is not drawn.
_STROKE: U8 = np.array(
    [
        [_CLEAR, _CLEAR, _CLEAR, _CLEAR],
        [_CLEAR, _HAIR, _HAIR, _HAIR],
        [_CLEAR, _CLEAR, _THIN, _THIN],
        # A complete ring is closed by a hairline where it is unstained, so that full and broken rings
        # differ at a glance and the gap is still seen.
        [_HAIR, _HAIR, _THIN, _THIN],
        [_CLEAR, _CLEAR, _THIN, _THICK],
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


def label_plane(result: FovResult, style: OverlayStyle) -> U8:
    """Draw the cells of a field as labels.

    Parameters
    ----------
    result : FovResult
        The reading of the field.
    style : OverlayStyle
        How to draw.

    Returns
    -------
    ndarray of uint8, (h, w)
        `Label` of each pixel of the drawing, `style.drawn_shape(result.shape)`.
    """
    plane: U8 = np.zeros(style.drawn_shape(result.shape), np.uint8)
    cells = result.cells
    has_contours = cells.contour_um.shape[1] > 0
    if style.contours and has_contours:
        _contours(plane, cells, result.provenance.optics.um_per_px, style)
    elif style.contours and result.membrane is not None:
        _skeleton(plane, result.membrane, style)
    if style.nuclei:
        _points(plane, cells, style, shaped=not (has_contours and style.contours))
    if style.others:
        stamp(plane, _to_drawing(result.others.yx_px, style.scale), cross(2 * style.weak_px - 1), Label.OTHER)
    if style.mode == "screen":
        _add_casing(plane)
    return plane


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


def _to_drawing(yx_px: F32, scale: float) -> F32:
    """Field coordinates (N, 2) to those of the drawing; pixel centres are at whole numbers in both."""
    return ((yx_px + 0.5) * scale - 0.5).astype(np.float32)


def _contours(plane: U8, cells: CellTable, um_per_px: float, style: OverlayStyle) -> None:
    """Draw the stained arcs of every contour into an empty plane, in place.

    Lines are drawn one pixel wide and grown, the widest first: growing a whole plane costs less than
    drawing wide lines does.
    """
    stroke = _STROKE[cells.category[:, None], np.minimum(cells.contour_level, 3)]
    stroke[cells.contour_um <= 0] = _CLEAR
    vertices, label = _vertices(cells, um_per_px, style), cell_labels(cells)
    finer: U8 = np.zeros_like(plane)
    _draw_arcs(plane, vertices, stroke, label, _THICK)
    _grow(plane, style.intense_px - style.weak_px)
    _draw_arcs(finer, vertices, stroke, label, _THIN)
    cv2.max(plane, finer, dst=plane)
    _grow(plane, style.weak_px - style.faint_px)
    finer.fill(0)
    _draw_arcs(finer, vertices, stroke, label, _HAIR)
    cv2.max(plane, finer, dst=plane)
    _grow(plane, style.faint_px - 1)


def _vertices(cells: CellTable, um_per_px: float, style: OverlayStyle) -> I32:
    """Corners of the contours as fixed-point x, y (N, K + 1, 2): arc k runs from corner k to corner k + 1.

    The corners lie half-way between neighbouring contour points, so that each point's own arc is centred
    on it; corner K is corner 0 again.
    """
    k = cells.contour_um.shape[1]
    angle = 2 * np.pi * np.arange(k, dtype=np.float32) / k
    radius = np.maximum(cells.contour_um - np.float32(style.inset_um), 0.6 * cells.contour_um)
    radius *= np.float32(style.scale / um_per_px)
    centre = _to_drawing(cells.yx_px, style.scale)
    corners = np.empty((len(cells), k + 1, 2), np.int32)
    for axis, (direction, middle) in enumerate(
        ((np.cos(angle), centre[:, 1]), (np.sin(angle), centre[:, 0]))
    ):
        point = radius * direction
        point += np.roll(point, 1, axis=1)
        point *= 0.5
        point += middle[:, None]
        point *= 1 << _SUBPIXEL_BITS
        corners[:, :k, axis] = np.rint(point)
    corners[:, k] = corners[:, 0]
    return corners


def _draw_arcs(plane: U8, vertices: I32, stroke: U8, label: U8, which: int) -> None:
    """Draw every run of arcs of one stroke, one call per label, in place; a greater label goes on top."""
    on = stroke == which
    some, closed = on.any(axis=1), on.all(axis=1)
    for value in np.unique(label[some]):
        mine = some & (label == value)
        rings = list(vertices[mine & closed, :-1])
        cv2.polylines(plane, rings, True, int(value), 1, cv2.LINE_8, _SUBPIXEL_BITS)
        broken = mine & ~closed
        runs = _runs(vertices[broken], on[broken])
        cv2.polylines(plane, runs, False, int(value), 1, cv2.LINE_8, _SUBPIXEL_BITS)


def _runs(vertices: I32, on: Bool) -> list[npt.NDArray[np.int32]]:
    """Cut contours into their runs of arcs that are on; a run may pass angle 0.

    Each row is turned to begin at an arc that is off, so that no run wraps, and the rows are then one long
    line of arcs in which a run is a slice.
    """
    n, k = on.shape
    start = np.argmin(on, axis=1)
    turn = (start[:, None] + np.arange(k + 1)) % k
    line = np.take_along_axis(vertices, turn[:, :, None], axis=1).reshape(-1, 2)
    flat = np.zeros((n, k + 1), np.int8)
    flat[:, :k] = np.take_along_axis(on, turn[:, :k], axis=1)
    edge = np.diff(flat.ravel(), prepend=0)
    begins, ends = np.flatnonzero(edge == 1).tolist(), np.flatnonzero(edge == -1).tolist()
    return [line[begin : end + 1] for begin, end in zip(begins, ends, strict=True)]


def _grow(plane: U8, by: int) -> None:
    """Widen lines by whole pixels, in place; the greater label wins."""
    if by > 0:
        shape = cv2.MORPH_ELLIPSE if by > 1 else cv2.MORPH_RECT
        cv2.dilate(plane, cv2.getStructuringElement(shape, (by + 1, by + 1)), dst=plane)


def _skeleton(plane: U8, membrane: MembraneMap, style: OverlayStyle) -> None:
    """Draw the skeleton's pixels into an empty plane, in place, as blocks of at least the lines' widths."""
    labels = _SKELETON_LABEL[membrane.skeleton]
    rows, columns = np.nonzero(labels)
    block = membrane.factor * style.scale
    y, x = (np.floor((at + 0.5) * block).astype(np.intp) for at in (rows, columns))
    inside = (y < plane.shape[0]) & (x < plane.shape[1])
    y, x, value = y[inside], x[inside], labels[rows[inside], columns[inside]]
    # Pixels that touched in the skeleton must still touch in the drawing.
    touch = max(1, math.ceil(block))
    finer: U8 = np.zeros_like(plane)
    for part, width, first in (
        (plane, style.intense_px, Label.INTENSE_INCOMPLETE),
        (finer, style.weak_px, Label.WEAK_INCOMPLETE),
    ):
        for label in (first, first + 1):
            part[y[value == label], x[value == label]] = label
        _grow(part, max(touch, width) - 1)
    cv2.max(plane, finer, dst=plane)


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


def _add_casing(plane: U8) -> None:
    """Lay a one-pixel dark edge around everything drawn, in place."""
    edge = cv2.dilate(plane, cv2.getStructuringElement(cv2.MORPH_RECT, (3, 3)))
    np.minimum(edge, np.uint8(Label.CASING), out=edge)
    cv2.max(plane, edge, dst=plane)

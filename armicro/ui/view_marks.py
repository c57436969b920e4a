"""What lies over the picture besides the overlay: selection, outlines, scale bar, the eyepiece's circle."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from PyQt6.QtCore import QPointF, QRectF, Qt
from PyQt6.QtGui import QColor, QPainter, QPen, QPixmap, QPolygonF

from armicro.contracts.arrays import F32
from armicro.ui.regions import Draft, FieldRegions, Outline
from armicro.ui.viewport import Viewport

_BAR_UM = (5, 10, 20, 50, 100, 200, 500, 1000)
_INK, _CASING = QColor(255, 255, 255), QColor(0, 0, 0, 170)
_INCLUDE, _EXCLUDE = QColor("#7fd6a4"), QColor("#ff9388")
_CELL_UM = 8.0


@dataclass(slots=True)
class Marks:
    """What is to be drawn, in px of the frame.

    Parameters
    ----------
    um_per_px : float
        Scale of the frame.
    selected : tuple or None
        Centre y, x of the cell that is pointed at.
    outline : ndarray of float32, (K, 2), or None
        Its contour y, x.
    blinking : ndarray of float32, (N, 2), or None
        Cells that are ringed for a moment.
    regions : FieldRegions
        Finished outlines.
    draft : Draft or None
        The outline that is being drawn.
    cursor : tuple or None
        Where the mouse is, y, x.
    circle : tuple or None
        What the eyepiece shows: centre y, x and radius.
    """

    um_per_px: float = 0.25
    selected: tuple[float, float] | None = None
    outline: F32 | None = None
    blinking: F32 | None = None
    regions: FieldRegions = field(default_factory=FieldRegions)
    draft: Draft | None = None
    cursor: tuple[float, float] | None = None
    circle: tuple[float, float, float] | None = None


def draw_marks(painter: QPainter, v: Viewport, marks: Marks, shape: tuple[int, int] | None) -> None:
    """Draw marks over a picture of a shape (height, width)."""
    if shape is None:
        return
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    if marks.circle is not None:
        y, x, radius = marks.circle
        painter.setPen(QPen(QColor(255, 255, 255, 70), 1.5))
        painter.drawEllipse(QPointF(*v.to_screen(y, x)), radius * v.scale, radius * v.scale)
    for outlines, ink in ((marks.regions.include, _INCLUDE), (marks.regions.exclude, _EXCLUDE)):
        for outline in outlines:
            _draw_outline(painter, v, outline, ink, dashed=ink is _EXCLUDE)
    _draw_draft(painter, v, marks)
    cell_px = max(7.0, _CELL_UM / marks.um_per_px * v.scale)
    if marks.blinking is not None:
        _draw_rings(painter, v, marks.blinking, cell_px)
    if marks.selected is not None:
        if marks.outline is not None and len(marks.outline):
            # The frame's edge cuts a cell: beyond it nothing was seen.
            seen = np.clip(marks.outline, 0, np.asarray(shape, np.float32) - 1)
            points = [QPointF(*v.to_screen(float(y), float(x))) for y, x in seen]
            for ink, width in ((_CASING, 3.5), (_INK, 1.2)):
                painter.setPen(QPen(ink, width))
                painter.drawPolygon(QPolygonF(points))
            y, x = seen.min(axis=0) / 2 + seen.max(axis=0) / 2
            half = float(np.ptp(seen, axis=0).max()) / 2 * v.scale + 8
            _draw_corners(painter, v, (float(y), float(x)), half)
        else:
            _draw_corners(painter, v, marks.selected, cell_px * 1.35)
    _draw_scale_bar(painter, v, marks.um_per_px)


def _draw_rings(painter: QPainter, v: Viewport, yx_px: F32, radius: float) -> None:
    """Draw a ring around each of many cells: drawn once and stamped, since hundreds can change together."""
    side = math.ceil(2 * radius) + 8
    ratio = 2
    stamp = QPixmap(side * ratio, side * ratio)
    stamp.setDevicePixelRatio(ratio)
    stamp.fill(Qt.GlobalColor.transparent)
    pen = QPainter(stamp)
    pen.setRenderHint(QPainter.RenderHint.Antialiasing)
    for ink, wide in ((_CASING, 4.5), (_INK, 2.5)):
        pen.setPen(QPen(ink, wide))
        pen.drawEllipse(QPointF(side / 2, side / 2), radius, radius)
    pen.end()
    for y, x in yx_px.tolist():
        sx, sy = v.to_screen(y, x)
        if -side < sx < v.width + side and -side < sy < v.height + side:
            painter.drawPixmap(QPointF(sx - side / 2, sy - side / 2), stamp)


def _draw_corners(painter: QPainter, v: Viewport, yx_px: tuple[float, float], half: float) -> None:
    """Draw four corners around a cell: they point at it and cover nothing of it."""
    x, y = v.to_screen(*yx_px)
    arm = half * 0.4
    for ink, width in ((_CASING, 4.5), (_INK, 2.0)):
        painter.setPen(QPen(ink, width))
        for sx in (-1, 1):
            for sy in (-1, 1):
                corner = QPointF(x + sx * half, y + sy * half)
                painter.drawPolyline(
                    QPolygonF(
                        [
                            QPointF(corner.x() - sx * arm, corner.y()),
                            corner,
                            QPointF(corner.x(), corner.y() - sy * arm),
                        ]
                    )
                )


def _draw_outline(painter: QPainter, v: Viewport, outline: Outline, ink: QColor, *, dashed: bool) -> None:
    polygon = QPolygonF([QPointF(*v.to_screen(y, x)) for y, x in outline])
    painter.setPen(QPen(_CASING, 4))
    painter.drawPolygon(polygon)
    # Excluded areas are dashed as well as red: the two have to differ without colour.
    style = Qt.PenStyle.DashLine if dashed else Qt.PenStyle.SolidLine
    painter.setPen(QPen(ink, 2, style))
    painter.drawPolygon(polygon)


def _draw_draft(painter: QPainter, v: Viewport, marks: Marks) -> None:
    draft = marks.draft
    if draft is None or not draft.vertices:
        return
    places = list(draft.vertices)
    if marks.cursor is not None:
        places.append(marks.cursor)
    points = [QPointF(*v.to_screen(y, x)) for y, x in places]
    ink = _INCLUDE if draft.include else _EXCLUDE
    for colour, width in ((_CASING, 4.0), (ink, 2.0)):
        painter.setPen(QPen(colour, width))
        painter.drawPolyline(QPolygonF(points))
    painter.drawEllipse(points[0], 4, 4)


def _draw_scale_bar(painter: QPainter, v: Viewport, um_per_px: float) -> None:
    """Draw a bar of a round length, about a ninth of the view's width."""
    aim_um = v.width / 9 / v.scale * um_per_px
    length_um = min(_BAR_UM, key=lambda um: abs(math.log(um / aim_um)))
    width = length_um / um_per_px * v.scale
    painter.save()
    text = f"{length_um} µm"
    metrics = painter.fontMetrics()
    box_width = max(width, metrics.horizontalAdvance(text)) + 20
    box_height = metrics.height() + 16.0
    box = QRectF(10, v.height - box_height - 10, box_width, box_height)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(13, 15, 17, 190))
    painter.drawRoundedRect(box, 4, 4)
    painter.setPen(_INK)
    painter.drawText(
        box.adjusted(0, 2, 0, -8), Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignTop, text
    )
    painter.fillRect(QRectF(box.center().x() - width / 2, box.bottom() - 9, width, 3), _INK)
    painter.restore()

"""Drawing of points, crops and the grid over a field."""

from __future__ import annotations

from collections.abc import Iterable

from PyQt6.QtCore import QPointF, QRectF, Qt
from PyQt6.QtGui import QBrush, QColor, QFont, QIcon, QPainter, QPainterPath, QPen, QPixmap, QPolygonF

from tools.annotate.model import EDGE_PX, Crop, Kind, Membrane, Point, as_saved
from tools.annotate.style import ACCENT, CASING, KIND_COLOURS, TEXT, WARN
from tools.annotate.viewport import Viewport

GRID_PX = 50
_FAR = 0.35
"""Below this scale marks would cover each other and the tissue: points are dots."""
_LEAST_RADIUS, _GREATEST_RADIUS = 4.5, 11.0


def mark_radius(scale: float) -> float:
    """Return a mark's radius, screen px: it grows with the picture, and leaves the nucleus to be seen."""
    return min(max(4.2 * scale, _LEAST_RADIUS), _GREATEST_RADIUS)


def shape_of(kind: Kind, x: float, y: float, radius: float) -> QPainterPath:
    """Return the outline of a kind's mark around a screen place."""
    path = QPainterPath()
    if kind is Kind.TUMOUR:
        path.addEllipse(QPointF(x, y), radius, radius)
        return path
    if kind is Kind.OTHER:
        r = radius * 1.2
        corners = [(0.0, -r), (r, 0.0), (0.0, r), (-r, 0.0)]
    else:
        r = radius * 1.3
        corners = [(0.0, -r), (0.87 * r, 0.5 * r), (-0.87 * r, 0.5 * r)]
    path.addPolygon(QPolygonF([QPointF(x + dx, y + dy) for dx, dy in corners]))
    path.closeSubpath()
    return path


def draw_mark(
    painter: QPainter, kind: Kind, place: tuple[float, float], radius: float, *, sure: bool
) -> None:
    """Draw a mark: a solid outline and a dot in the middle if it was reviewed, a dashed outline if not."""
    x, y = place
    path, colour = shape_of(kind, x, y, radius), QColor(KIND_COLOURS[kind])
    painter.setBrush(Qt.BrushStyle.NoBrush)
    for shade, width in ((QColor(CASING), 4.0), (colour, 2.0)):
        pen = QPen(shade, width, cap=Qt.PenCapStyle.FlatCap)
        if not sure:
            # In units of the pen's width, so that casing and colour break at the same places.
            pen.setDashPattern([5.0 / width, 4.0 / width])
        painter.setPen(pen)
        painter.drawPath(path)
    if sure:
        painter.setPen(QPen(QColor(CASING), 1.0))
        painter.setBrush(QBrush(colour))
        painter.drawEllipse(QPointF(x, y), 2.0, 2.0)


def draw_target(painter: QPainter, place: tuple[float, float], radius: float) -> None:
    """Draw a faint ring around the point that a key would change."""
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(QColor(255, 255, 255, 200), 1.0))
    painter.drawEllipse(QPointF(*place), radius * 1.6 + 1, radius * 1.6 + 1)


def draw_selection(painter: QPainter, place: tuple[float, float], radius: float) -> None:
    """Draw four ticks around the selected point."""
    x, y = place
    for colour, width in ((CASING, 5.0), ("#ffffff", 2.5)):
        painter.setPen(QPen(QColor(colour), width, cap=Qt.PenCapStyle.RoundCap))
        for dx, dy in ((1, 0), (-1, 0), (0, 1), (0, -1)):
            near, far = radius * 1.6, radius * 1.6 + 7
            painter.drawLine(QPointF(x + dx * near, y + dy * near), QPointF(x + dx * far, y + dy * far))


def draw_text(painter: QPainter, x: float, y: float, text: str, colour: str = TEXT) -> None:
    """Write a short text whose dark casing keeps it readable over any tissue."""
    path = QPainterPath()
    path.addText(QPointF(x, y), painter.font(), text)
    painter.strokePath(path, QPen(QColor(CASING), 3.0, join=Qt.PenJoinStyle.RoundJoin))
    painter.fillPath(path, QBrush(QColor(colour)))


def draw_points(
    painter: QPainter, view: Viewport, crop: Crop, points: Iterable[Point], *, labels: bool
) -> None:
    """Draw the points of a crop as they will be saved, with the category of tumour cells beside them."""
    radius, far = mark_radius(view.scale), view.scale < _FAR
    font = QFont(painter.font())
    font.setPixelSize(12)
    font.setBold(True)
    painter.setFont(font)
    for point in points:
        shown = as_saved(crop, point)
        x, y = view.to_screen(point.y_px, point.x_px)
        if not (-20 <= x <= view.width + 20 and -20 <= y <= view.height + 20):
            continue
        if far:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(KIND_COLOURS[shown.kind]))
            painter.drawEllipse(QPointF(x, y), 1.6, 1.6)
            continue
        draw_mark(painter, shown.kind, (x, y), radius, sure=point.reviewed)
        if labels and shown.membrane is not Membrane.NOT_SET and view.scale >= 1.0:
            draw_text(painter, x + radius + 3, y + 4, str(shown.membrane), KIND_COLOURS[shown.kind])


def crop_rect(view: Viewport, crop: Crop, inset_px: float = 0.0) -> QRectF:
    """Return the screen rectangle of a crop."""
    x0, y0 = view.to_screen(crop.y0 - 0.5 + inset_px, crop.x0 - 0.5 + inset_px)
    side = (crop.size - 2 * inset_px) * view.scale
    return QRectF(x0, y0, side, side)


def draw_crop(painter: QPainter, view: Viewport, crop: Crop) -> None:
    """Dim what lies outside the crop, frame it, and show the rim whose nuclei count as uncertain."""
    rect = crop_rect(view, crop)
    outside = QPainterPath()
    outside.addRect(QRectF(0, 0, view.width, view.height))
    hole = QPainterPath()
    hole.addRect(rect)
    # Who looks at the whole field is choosing a place, and needs to see it as it is.
    share = rect.width() / min(view.width, view.height)
    painter.fillPath(outside.subtracted(hole), QColor(10, 11, 13, round(150 * min(1.0, share / 0.6) ** 2)))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(QColor(CASING), 3.0))
    painter.drawRect(rect)
    painter.setPen(QPen(QColor(TEXT), 1.2))
    painter.drawRect(rect)
    if crop.size > 2 * EDGE_PX:
        pen = QPen(QColor(KIND_COLOURS[Kind.UNCERTAIN]), 1.0)
        pen.setDashPattern([2, 5])
        painter.setPen(pen)
        painter.drawRect(crop_rect(view, crop, EDGE_PX))


def draw_other_crop(painter: QPainter, view: Viewport, crop: Crop, text: str, *, locked: bool) -> None:
    """Outline a crop that is not the one being marked."""
    colour = WARN if locked else ACCENT
    rect = crop_rect(view, crop)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(QColor(CASING), 3.0))
    painter.drawRect(rect)
    painter.setPen(QPen(QColor(colour), 1.2))
    painter.drawRect(rect)
    draw_text(painter, rect.left() + 4, rect.top() - 5, text, colour)


def draw_grid(painter: QPainter, view: Viewport, crop: Crop) -> None:
    """Draw lines every `GRID_PX` of a crop, numbered in px of the whole image where there is room."""
    rect = crop_rect(view, crop)
    painter.setPen(QPen(QColor(255, 255, 255, 110), 1.0))
    numbered = GRID_PX * view.scale >= 44
    steps = range(GRID_PX, crop.size, GRID_PX)
    for k in steps:
        x, y = view.to_screen(crop.y0 + k - 0.5, crop.x0 + k - 0.5)
        painter.drawLine(QPointF(x, rect.top()), QPointF(x, rect.bottom()))
        painter.drawLine(QPointF(rect.left(), y), QPointF(rect.right(), y))
    if not numbered:
        return
    for k in steps:
        x, y = view.to_screen(crop.y0 + k - 0.5, crop.x0 + k - 0.5)
        draw_text(painter, x + 3, max(rect.top(), 0) + 14, str(crop.x0 + k))
        draw_text(painter, max(rect.left(), 0) + 3, y - 3, str(crop.y0 + k))


def kind_icon(kind: Kind) -> QIcon:
    """Return a kind's mark as an icon for buttons."""
    pixmap = QPixmap(40, 40)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.scale(2.0, 2.0)
    draw_mark(painter, kind, (10.0, 10.5 if kind is Kind.UNCERTAIN else 10.0), 6.0, sure=True)
    painter.end()
    return QIcon(pixmap)

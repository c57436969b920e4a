"""The categories as the window draws and names them: the overlay's colours and shapes."""

from __future__ import annotations

from PyQt6.QtCore import QPointF, QRectF, QSize, Qt
from PyQt6.QtGui import QColor, QIcon, QPainter, QPen, QPixmap

from armicro.contracts.cells import Category, Rule
from armicro.overlay import PALETTE

SHORT: dict[Category, str] = {
    Category.INTENSE_COMPLETE: "IC",
    Category.INTENSE_INCOMPLETE: "II",
    Category.WEAK_COMPLETE: "WC",
    Category.WEAK_INCOMPLETE: "WI",
    Category.FAINT: "F",
    Category.NONE: "N",
}
"""Abbreviations, always explained by a tooltip where they stand alone."""

RULE_WORDS: dict[Rule, str] = {
    Rule.COMPLETE_INTENSE: "The membrane is intense and closed around the cell.",
    Rule.INCOMPLETE_INTENSE: "The membrane is intense, but not closed around the cell.",
    Rule.COMPLETE_WEAK: "The membrane is weak to moderate and closed around the cell.",
    Rule.INCOMPLETE_WEAK: "The membrane is weak to moderate and not closed around the cell.",
    Rule.FAINT_MEMBRANE: "The membrane is faint, barely perceptible.",
    Rule.NO_MEMBRANE: "No membrane staining was found.",
    Rule.BY_HAND: "Set by hand.",
}
"""Why a cell has its category, as a sentence."""

_BROKEN_ARCS = ((38, 104), (218, 104))
"""Start and span of the two arcs of a broken ring, degrees; the same as the overlay's."""


def name(category: Category) -> str:
    """Return a category's name for people: "intense complete"."""
    return category.key.replace("_", " ")


def colour(category: Category) -> QColor:
    """Return a category's colour."""
    return QColor(*PALETTE[category])


def paint_mark(painter: QPainter, category: Category, centre: QPointF, radius: float) -> None:
    """Draw the mark of a category: full ring complete, broken ring incomplete, thick intense, dot none.

    Parameters
    ----------
    painter : QPainter
        Drawn with.
    category : Category
        What it stands for.
    centre : QPointF
        Where.
    radius : float
        Of the ring, to the middle of its line.
    """
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    ink = colour(category)
    if category is Category.NONE:
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(ink)
        painter.drawEllipse(centre, radius * 0.42, radius * 0.42)
    else:
        share = 0.16 if category is Category.FAINT else 0.3 if category <= Category.WEAK_COMPLETE else 0.58
        pen = QPen(ink, max(1.0, radius * share))
        pen.setCapStyle(Qt.PenCapStyle.FlatCap)
        painter.setPen(pen)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        box = QRectF(centre.x() - radius, centre.y() - radius, 2 * radius, 2 * radius)
        if category in (Category.INTENSE_COMPLETE, Category.WEAK_COMPLETE):
            painter.drawEllipse(box)
        else:
            for begin, span in _BROKEN_ARCS:
                painter.drawArc(box, begin * 16, span * 16)
    painter.restore()


def mark_icon(category: Category, side_px: int) -> QIcon:
    """Return a category's mark as an icon of a side in px."""
    ratio = 2
    pixmap = QPixmap(QSize(side_px, side_px) * ratio)
    pixmap.setDevicePixelRatio(ratio)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    paint_mark(painter, category, QPointF(side_px / 2, side_px / 2), side_px * 0.33)
    painter.end()
    return QIcon(pixmap)

"""Small drawings of numbers: a share against its cut-off, and the mix of a field."""

from __future__ import annotations

from collections.abc import Mapping

from PyQt6.QtCore import QPointF, QRectF, QSize, Qt
from PyQt6.QtGui import QColor, QPainter, QPaintEvent, QPen
from PyQt6.QtWidgets import QSizePolicy, QWidget

from armicro.contracts.cells import CATEGORIES, Category
from armicro.contracts.score import Cutoff
from armicro.ui.marks import colour, paint_mark
from armicro.ui.theme import ACCENT, BACKGROUND, LINE, QUIET, TEXT


class CutoffGauge(QWidget):
    """The share that decides, its 95 % interval and the cut-off, on a scale of their own.

    On a scale of 0 to 100 % the way from 8 to 10 % is a hair; here it fills the widget.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._cutoff: Cutoff | None = None
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName("Distance to the cut-off")

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Ask for one line of letters and a bar."""
        return QSize(200, round(2.5 * self.fontMetrics().height()))

    def show_cutoff(self, cutoff: Cutoff | None) -> None:
        """Draw another distance."""
        self._cutoff = cutoff
        if cutoff is not None:
            low, high = cutoff.interval
            self.setToolTip(
                f"{cutoff.quantity}: {cutoff.share:.1%}, 95 % interval {low:.1%} to {high:.1%}; "
                f"cut-off {cutoff.threshold:.1%}. {cutoff.method}"
            )
            self.setAccessibleDescription(self.toolTip())
        self.update()

    def paintEvent(self, event: QPaintEvent | None) -> None:  # noqa: N802, ARG002 - Qt's name
        """Draw the bar, the whisker and the cut-off."""
        cutoff = self._cutoff
        if cutoff is None:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        letters = self.fontMetrics().height()
        bar = QRectF(1, letters + 5, self.width() - 2, self.height() - letters - 9)
        low, high = cutoff.interval
        top = min(1.0, max(2.0 * cutoff.threshold, 1.25 * max(high, cutoff.share), 0.02))

        def x(share: float) -> float:
            return bar.left() + min(share / top, 1.0) * bar.width()

        painter.fillRect(bar, QColor(BACKGROUND))
        painter.fillRect(
            QRectF(bar.left(), bar.top(), x(cutoff.share) - bar.left(), bar.height()), QColor(ACCENT)
        )
        middle = bar.center().y()
        for ink, width in ((QColor(BACKGROUND), 5), (QColor(TEXT), 2)):
            painter.setPen(QPen(ink, width))
            painter.drawLine(QPointF(x(low), middle), QPointF(x(high), middle))
            for end in (low, high):
                painter.drawLine(QPointF(x(end), middle - 4), QPointF(x(end), middle + 4))
        at = x(cutoff.threshold)
        painter.setPen(QPen(QColor(TEXT), 2))
        painter.drawLine(QPointF(at, bar.top() - 4), QPointF(at, bar.bottom() + 3))
        metrics = self.fontMetrics()
        share, border = f"{100 * cutoff.share:.1f} %", f"cut-off {100 * cutoff.threshold:.0f} %"
        width = metrics.horizontalAdvance(border)
        left = min(max(at - width / 2, metrics.horizontalAdvance(share) + 12), self.width() - width)
        painter.setPen(QColor(TEXT))
        painter.drawText(QPointF(1, metrics.ascent()), share)
        painter.setPen(QColor(QUIET))
        painter.drawText(QPointF(left, metrics.ascent()), border)
        painter.end()


class CategoryTable(QWidget):
    """The six categories: mark, name, share as a bar, per cent, cells."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._counts: Mapping[Category, int] = {}
        self._threshold: float | None = None
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName("Share of each category")

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Ask for a line for each category."""
        return QSize(260, round(len(CATEGORIES) * self._row()))

    def _row(self) -> float:
        return self.fontMetrics().height() * 1.25

    def show_counts(self, counts: Mapping[Category, int], threshold: float | None) -> None:
        """Draw other counts, with a tick at a cut-off (0 to 1) of the first category."""
        if counts == self._counts and threshold == self._threshold:
            return
        self._counts, self._threshold = dict(counts), threshold
        total = sum(counts.values())
        self.setAccessibleDescription(
            "; ".join(f"{c.key.replace('_', ' ')}: {counts.get(c, 0)} of {total}" for c in CATEGORIES)
        )
        self.update()

    def paintEvent(self, event: QPaintEvent | None) -> None:  # noqa: N802, ARG002 - Qt's name
        """Draw the lines."""
        painter = QPainter(self)
        metrics, row = self.fontMetrics(), self._row()
        icon = metrics.height() * 1.2
        names = icon + metrics.horizontalAdvance("intense incomplete") + 10
        number = metrics.horizontalAdvance("00,000")
        per_cent = metrics.horizontalAdvance("100.0 %")
        bar_left, bar_right = names, self.width() - number - per_cent - 12
        total = sum(self._counts.values())
        right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        for i, category in enumerate(CATEGORIES):
            top = i * row
            middle = top + row / 2
            n = self._counts.get(category, 0)
            paint_mark(painter, category, QPointF(icon / 2 - 1, middle), metrics.height() * 0.34)
            painter.setPen(QColor(TEXT if n else QUIET))
            box = QRectF(icon, top, names - icon, row)
            painter.drawText(box, Qt.AlignmentFlag.AlignVCenter, category.key.replace("_", " "))
            bar = QRectF(bar_left, middle - row * 0.22, bar_right - bar_left, row * 0.44)
            painter.fillRect(bar, QColor(BACKGROUND))
            share = n / total if total else 0.0
            if n:
                filled = QRectF(bar.left(), bar.top(), max(1.0, share * bar.width()), bar.height())
                painter.fillRect(filled, colour(category))
            if self._threshold is not None and category is Category.INTENSE_COMPLETE:
                x = bar.left() + self._threshold * bar.width()
                painter.setPen(QPen(QColor(BACKGROUND), 3))
                painter.drawLine(QPointF(x, bar.top()), QPointF(x, bar.bottom()))
                painter.setPen(QPen(QColor(TEXT), 1))
                painter.drawLine(QPointF(x, bar.top() - 2), QPointF(x, bar.bottom() + 2))
            painter.setPen(QColor(TEXT if n else QUIET))
            if total:
                painter.drawText(QRectF(bar_right, top, per_cent + 6, row), right, f"{100 * share:.1f} %")
            painter.drawText(QRectF(self.width() - number, top, number, row), right, f"{n:,}")
        painter.end()


class MixBar(QWidget):
    """One thin bar with the shares of all categories, strongest first."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._counts: Mapping[Category, int] = {}
        self.setFixedHeight(6)
        self.setAccessibleName("Mix of categories of this field")

    def show_counts(self, counts: Mapping[Category, int]) -> None:
        """Draw another mix."""
        self._counts = dict(counts)
        self.update()

    def paintEvent(self, event: QPaintEvent | None) -> None:  # noqa: N802, ARG002 - Qt's name
        """Draw the parts."""
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(BACKGROUND))
        total, x = sum(self._counts.values()), 0.0
        for category in CATEGORIES:
            if total and category is not Category.NONE:
                width = self._counts.get(category, 0) / total * self.width()
                # Faint and none are both white; unstained is left dark, faint is dimmed.
                ink = QColor(LINE) if category is Category.FAINT else colour(category)
                painter.fillRect(QRectF(x, 0, width, self.height()), ink)
                x += width
        painter.end()

"""The contour of one cell as it was followed, with the staining level of each of its points."""

from __future__ import annotations

import math

import numpy as np
from PyQt6.QtCore import QPointF, QSize, Qt
from PyQt6.QtGui import QColor, QPainter, QPaintEvent, QPen
from PyQt6.QtWidgets import QSizePolicy, QWidget

from armicro.contracts.arrays import F32, U8
from armicro.ui.theme import BROWNS, LINE, QUIET

_WIDTHS = (1.5, 3.0, 4.5, 7.0)
_LEAST_UM = 6.0


def _same(old: F32 | U8 | None, new: F32 | U8) -> bool:
    return old is not None and np.array_equal(old, new)


class PolarPlot(QWidget):
    """Draws a contour around its nucleus: brown and wide where stained, thin and grey where not."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._contour: F32 | None = None
        self._level: U8 | None = None
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.setAccessibleName("Contour of the cell with its staining levels")
        self.setToolTip(
            "The contour that was followed, as seen in the picture; the wider and the browner, the denser.\n"
            "Grey and thin: no membrane was found there. Rings are 5 µm apart."
        )

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Ask for a square of some nine lines."""
        side = 9 * self.fontMetrics().height()
        return QSize(side, side)

    def show_cell(self, contour_um: F32, level: U8) -> None:
        """Show a contour: distances (K,), µm, and levels (K,) of equal angles from +x towards +y."""
        if _same(self._contour, contour_um) and _same(self._level, level):
            return
        self._contour, self._level = contour_um, level
        self.update()

    def paintEvent(self, event: QPaintEvent | None) -> None:  # noqa: N802, ARG002 - Qt's name
        """Draw rings and contour."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        contour, level = self._contour, self._level
        centre = QPointF(self.width() / 2, self.height() / 2)
        if contour is None or level is None or not len(contour):
            painter.setPen(QColor(QUIET))
            painter.drawText(
                self.rect(),
                Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap,
                "no contour\nwas followed",
            )
            return
        reach_um = max(float(contour.max()), _LEAST_UM) * 1.12
        px_per_um = min(self.width(), self.height()) / 2 / reach_um
        painter.setPen(QPen(QColor(LINE), 1))
        for ring_um in range(5, int(reach_um) + 1, 5):
            painter.drawEllipse(centre, ring_um * px_per_um, ring_um * px_per_um)
        painter.setBrush(QColor(QUIET))
        painter.setPen(Qt.PenStyle.NoPen)
        painter.drawEllipse(centre, 2.5, 2.5)
        k = len(contour)

        def point(i: float) -> QPointF:
            low, share = math.floor(i), i - math.floor(i)
            radius = (1 - share) * float(contour[low % k]) + share * float(contour[(low + 1) % k])
            angle = 2 * math.pi * i / k
            r = radius * px_per_um
            return QPointF(centre.x() + r * math.cos(angle), centre.y() + r * math.sin(angle))

        for i in range(k):
            strength = min(int(level[i]), 3)
            pen = QPen(QColor(QUIET if strength == 0 else BROWNS[strength]), _WIDTHS[strength])
            pen.setCapStyle(Qt.PenCapStyle.RoundCap)
            painter.setPen(pen)
            painter.drawLine(point(i - 0.5), point(float(i)))
            painter.drawLine(point(float(i)), point(i + 0.5))
        painter.end()

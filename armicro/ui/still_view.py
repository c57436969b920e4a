"""A picture fitted into a dialog, to look at and to point into."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from PyQt6.QtCore import QPointF, QRectF, QSize, Qt, pyqtSignal
from PyQt6.QtGui import QColor, QImage, QMouseEvent, QPainter, QPaintEvent, QPen
from PyQt6.QtWidgets import QSizePolicy, QWidget

from armicro.contracts.arrays import U8
from armicro.ui.render import shrink
from armicro.ui.theme import BACKGROUND, QUIET
from armicro.ui.viewport import Viewport

_INK, _CASING = QColor(255, 255, 255), QColor(0, 0, 0, 190)
_ARM_PX = 11.0
_GAP_PX = 3.0


class StillView(QWidget):
    """The newest picture of something, with crosses at places that were pointed at.

    It is drawn at the size shown, in the event loop: meant for some ten pictures a second.
    """

    clicked = pyqtSignal(float, float)
    """A place of the picture was pointed at: y, x, px."""

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName(name)
        self.setMinimumSize(280, 180)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.rgb: U8 | None = None
        self.words = ""
        self._image: QImage | None = None
        self._points: tuple[tuple[float, float], ...] = ()
        self._joined = False

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Ask for a good part of a small screen."""
        return QSize(560, 400)

    def set_picture(self, rgb: U8 | None, words: str = "") -> None:
        """Show a picture (H, W, 3), or in its place why there is none."""
        if rgb is self.rgb and words == self.words:
            return
        self.rgb, self.words = rgb, words
        self._image = None
        self.update()

    def set_points(self, points_yx_px: Sequence[tuple[float, float]], *, joined: bool = False) -> None:
        """Mark places y, x, px of the picture; joined, with a line between them."""
        self._points, self._joined = tuple(points_yx_px), joined
        self.update()

    @property
    def viewport(self) -> Viewport:
        """Where the picture's places are on the widget."""
        shape = (1, 1) if self.rgb is None else (self.rgb.shape[0], self.rgb.shape[1])
        return Viewport().resized(self.width(), self.height()).fitted(shape)

    def paintEvent(self, event: QPaintEvent | None) -> None:  # noqa: N802, ARG002 - Qt's name
        """Draw the picture and the marks."""
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(BACKGROUND))
        if self.rgb is None:
            painter.setPen(QColor(QUIET))
            box = self.rect().adjusted(16, 16, -16, -16)
            painter.drawText(box, Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap, self.words)
            painter.end()
            return
        v, ratio = self.viewport, self.devicePixelRatioF()
        height, width = self.rgb.shape[:2]
        size = max(1, round(height * v.scale * ratio)), max(1, round(width * v.scale * ratio))
        if self._image is None or (self._image.height(), self._image.width()) != size:
            self._image = _image(shrink(self.rgb, size))
        left, top = v.to_screen(-0.5, -0.5)
        painter.drawImage(QRectF(left, top, width * v.scale, height * v.scale), self._image)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        places = [QPointF(*v.to_screen(y, x)) for y, x in self._points]
        for ink, wide in ((_CASING, 4.0), (_INK, 1.6)):
            painter.setPen(QPen(ink, wide))
            if self._joined and len(places) > 1:
                painter.drawLine(places[0], places[1])
            for at in places:
                for dx, dy in ((1, 0), (-1, 0), (0, 1), (0, -1)):
                    near = QPointF(at.x() + dx * _GAP_PX, at.y() + dy * _GAP_PX)
                    painter.drawLine(near, QPointF(at.x() + dx * _ARM_PX, at.y() + dy * _ARM_PX))
        painter.end()

    def mousePressEvent(self, event: QMouseEvent | None) -> None:  # noqa: N802 - Qt's name
        """Tell where in the picture it was clicked."""
        if event is None or self.rgb is None or event.button() is not Qt.MouseButton.LeftButton:
            return
        y, x = self.viewport.to_picture(event.position().x(), event.position().y())
        if 0 <= y <= self.rgb.shape[0] - 1 and 0 <= x <= self.rgb.shape[1] - 1:
            self.clicked.emit(y, x)


def _image(rgb: U8) -> QImage:
    bgra = np.ascontiguousarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2BGRA))
    height, width = bgra.shape[:2]
    # Copied: a QImage over foreign memory does not keep it alive.
    return QImage(bgra.tobytes(), width, height, 4 * width, QImage.Format.Format_RGB32).copy()

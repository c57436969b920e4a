"""A picture on a display, to see which one it is."""

from __future__ import annotations

from PyQt6.QtCore import Qt, QTimer
from PyQt6.QtGui import QImage, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QScreen
from PyQt6.QtWidgets import QWidget

from armicro.overlay.eyepiece_target import TargetCircle, draw_rings

SHOWN_MS = 8000
"""How long it stands: it may have covered the window that it was asked for from."""


class DisplayTest(QWidget):
    """Margins and circles over a whole display, for some seconds or until a click or key.

    Parameters
    ----------
    screen : QScreen
        Which display.
    words : str
        Written in the picture.
    """

    def __init__(self, screen: QScreen, words: str) -> None:
        super().__init__(None, Qt.WindowType.FramelessWindowHint | Qt.WindowType.WindowStaysOnTopHint)
        self.setWindowTitle("armicro test picture")
        self.setAttribute(Qt.WidgetAttribute.WA_QuitOnClose, on=False)
        self.setAttribute(Qt.WidgetAttribute.WA_ShowWithoutActivating)
        self._words = words
        self._end = QTimer(self)
        self._end.setSingleShot(True)
        self._end.timeout.connect(self.close)
        self.setScreen(screen)
        self.setGeometry(screen.geometry())
        self.showFullScreen()
        self._end.start(SHOWN_MS)

    def paintEvent(self, event: QPaintEvent | None) -> None:  # noqa: N802, ARG002 - Qt's name
        """Draw it at the display's own size."""
        height, width = max(2, self.height()), max(2, self.width())
        circle = TargetCircle(((height - 1) / 2, (width - 1) / 2), 0.46 * min(height, width))
        rgb = draw_rings((height, width), circle, self._words)
        image = QImage(rgb.tobytes(), width, height, 3 * width, QImage.Format.Format_RGB888)
        painter = QPainter(self)
        painter.drawImage(self.rect(), image)
        painter.end()

    def mousePressEvent(self, event: QMouseEvent | None) -> None:  # noqa: N802, ARG002 - Qt's name
        """Put it away."""
        self.close()

    def keyPressEvent(self, event: QKeyEvent | None) -> None:  # noqa: N802, ARG002 - Qt's name
        """Put it away."""
        self.close()

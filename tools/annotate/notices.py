"""What the window tells: problems that stay until they are put away, and lines that pass."""

from __future__ import annotations

from PyQt6.QtCore import QEvent, QObject, Qt, QTimer
from PyQt6.QtWidgets import QFrame, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from tools.annotate.panels import label

_TOAST_MS = 5000
_KEPT = 3


class Banner(QFrame):
    """Problems, the last few of them, until the reader puts them away."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("banner")
        self._text = label("", wrap=True)
        self._text.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        dismiss = QPushButton("Put away")
        dismiss.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        dismiss.clicked.connect(self.put_away)
        row = QHBoxLayout(self)
        row.addWidget(self._text, 1)
        row.addWidget(dismiss, 0, Qt.AlignmentFlag.AlignTop)
        self.hide()

    def text(self) -> str:
        """Return the problems on show, one a line."""
        return self._text.text()

    def complain(self, text: str) -> None:
        """Show one more problem."""
        lines = [line for line in self.text().splitlines() if line and line != text]
        self._text.setText("\n".join([*lines[1 - _KEPT :], " ".join(text.split())]))
        self.show()

    def put_away(self) -> None:
        """Hide the problems."""
        self._text.clear()
        self.hide()


class Toast(QFrame):
    """A line at the foot of a widget that goes away by itself."""

    def __init__(self, over: QWidget) -> None:
        super().__init__(over)
        self._over = over
        self.setObjectName("toast")
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self._text = label("", wrap=True)
        self._text.setAlignment(Qt.AlignmentFlag.AlignCenter)
        QVBoxLayout(self).addWidget(self._text)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_TOAST_MS)
        self._timer.timeout.connect(self.hide)
        over.installEventFilter(self)
        self.hide()

    def text(self) -> str:
        """Return the last line."""
        return self._text.text()

    def say(self, text: str) -> None:
        """Show a line."""
        self._text.setText(text)
        self.show()
        self.settle()
        self._timer.start()

    def settle(self) -> None:
        """Take the place at the foot of the widget below."""
        over = self._over
        self.setFixedWidth(max(200, min(560, over.width() - 24)))
        self.adjustSize()
        self.move((over.width() - self.width()) // 2, over.height() - self.height() - 14)

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:  # noqa: N802 - Qt's name
        """Follow the size of the widget below."""
        if event is not None and event.type() is QEvent.Type.Resize:
            self.settle()
        return super().eventFilter(watched, event)

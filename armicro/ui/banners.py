"""What has to be seen now: faults over the picture, and notices until they were seen."""

from __future__ import annotations

from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from armicro.session.view import Fault


class FaultBanner(QFrame):
    """All present faults in words; gone when they are."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("banner")
        self.setAccessibleName("Faults")
        self.words = QLabel()
        self.words.setWordWrap(True)
        self.words.setTextFormat(Qt.TextFormat.PlainText)
        column = QVBoxLayout(self)
        column.setContentsMargins(14, 8, 14, 8)
        column.addWidget(self.words)
        self.hide()

    def show_faults(self, faults: tuple[Fault, ...]) -> None:
        """Show other faults; those that blank the picture first."""
        ordered = sorted(faults, key=lambda f: (not f.blanks, f.since_ns))
        lines = [f"✕  {f.source.capitalize()}: {f.words}" for f in ordered]
        if any(f.blanks for f in faults):
            lines.append("Nothing is shown until this is mended; captured fields are safe.")
        text = "\n".join(lines)
        if text != self.words.text():
            self.words.setText(text)
            self.setAccessibleDescription(text)
        self.setVisible(bool(faults))


class NoticeBar(QFrame):
    """The oldest notice that was not seen yet, with a button that says it was."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("notice")
        self.setAccessibleName("Notice")
        self.words = QLabel()
        self.words.setWordWrap(True)
        self.words.setTextFormat(Qt.TextFormat.PlainText)
        self.button = QPushButton("Seen")
        self.button.setToolTip("Put this notice away")
        self.button.clicked.connect(self.put_away)
        row = QHBoxLayout(self)
        row.setContentsMargins(12, 5, 6, 5)
        row.addWidget(self.words, 1)
        row.addWidget(self.button)
        self._told: tuple[str, ...] = ()
        self._waiting: list[str] = []
        self._show()

    def show_notices(self, notices: tuple[str, ...]) -> None:
        """Take a session's notices; those that were told before are not told again."""
        if notices == self._told:
            return
        # A session may drop its oldest: what is new begins after the longest end of the old list.
        new = notices
        for kept in range(min(len(self._told), len(notices)), 0, -1):
            if self._told[-kept:] == notices[:kept]:
                new = notices[kept:]
                break
        self._told = notices
        self._waiting += new
        self._show()

    def add(self, words: str) -> None:
        """Tell something of the window's own."""
        if words not in self._waiting:
            self._waiting.append(words)
            self._show()

    def put_away(self) -> None:
        """Go on to the next notice."""
        if self._waiting:
            self._waiting.pop(0)
        self._show()

    def _show(self) -> None:
        self.setVisible(bool(self._waiting))
        if self._waiting:
            more = len(self._waiting) - 1
            self.words.setText(self._waiting[0] + (f"   (and {more} more)" if more else ""))

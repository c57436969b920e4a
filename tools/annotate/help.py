"""The help page: all keys, and the protocol in a few lines."""

from __future__ import annotations

from PyQt6.QtCore import Qt
from PyQt6.QtGui import QKeySequence, QMouseEvent
from PyQt6.QtWidgets import QFrame, QGridLayout, QHBoxLayout, QVBoxLayout, QWidget

from tools.annotate.keys import COMMANDS, CROP, FILE, LOOK, MARK, MOUSE, MOVE
from tools.annotate.model import EDGE_PX
from tools.annotate.panels import label


class HelpPage(QFrame):
    """All keys on one page, with the protocol in a few lines."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("help")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(24, 16, 24, 16)
        layout.addWidget(label("Keys", "title"))
        columns = QHBoxLayout()
        columns.setSpacing(20)
        for groups in ((MARK,), (LOOK, MOVE), (CROP, FILE, "Mouse")):
            column = QVBoxLayout()
            column.setSpacing(3)
            for group in groups:
                column.addWidget(label(group.upper(), "heading"))
                column.addLayout(self._table(group))
                column.addSpacing(10)
            column.addStretch(1)
            columns.addLayout(column, 1)
        layout.addLayout(columns)
        text = (
            "A key changes the point at the cursor; after Tab or N, the selected point. T, O, U with no "
            "point there choose what a click adds.\n"
            "Mark every nucleus in the crop. T: tumour nucleus. O: any other nucleus, or what looks like one "
            "and must not be called tumour. U: cannot tell, out of focus, or within "
            f"{EDGE_PX} px of the crop's edge."
        )
        layout.addWidget(label(text, "quiet", wrap=True))

    def _table(self, group: str) -> QGridLayout:
        grid = QGridLayout()
        grid.setVerticalSpacing(3)
        grid.setHorizontalSpacing(10)
        rows = MOUSE if group == "Mouse" else [(_keys(c.keys), c.text) for c in COMMANDS if c.group == group]
        for n, (keys, text) in enumerate(rows):
            cap = label(keys, "key")
            cap.setAlignment(Qt.AlignmentFlag.AlignCenter)
            grid.addWidget(cap, n, 0, Qt.AlignmentFlag.AlignLeft)
            grid.addWidget(label(text), n, 1)
        grid.setColumnStretch(1, 1)
        grid.setColumnMinimumWidth(0, 112)
        return grid

    def mousePressEvent(self, event: QMouseEvent | None) -> None:  # noqa: N802, ARG002 - Qt's name
        """Close on a click."""
        self.hide()


def _keys(keys: tuple[str, ...]) -> str:
    """Return keys as the reader's system writes them."""
    shown = [QKeySequence(k).toString(QKeySequence.SequenceFormat.NativeText) for k in keys]
    return "  ".join(k for k in shown if not k.endswith("Enter"))

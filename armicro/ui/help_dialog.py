"""All keys and what the marks mean."""

from __future__ import annotations

from PyQt6.QtCore import Qt
from PyQt6.QtGui import QIcon, QKeySequence
from PyQt6.QtWidgets import QDialog, QDialogButtonBox, QGridLayout, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from armicro.contracts.cells import CATEGORIES, Category
from armicro.contracts.score import RESEARCH_USE_ONLY
from armicro.ui.keys import ACTIONS, OTHER_KEYS
from armicro.ui.marks import mark_icon, name

_MEANING = {
    Category.INTENSE_COMPLETE: "thick full ring",
    Category.INTENSE_INCOMPLETE: "thick broken ring",
    Category.WEAK_COMPLETE: "thin full ring",
    Category.WEAK_INCOMPLETE: "thin broken ring",
    Category.FAINT: "hairline",
    Category.NONE: "dot",
}
_COLUMNS = 2


class HelpDialog(QDialog):
    """Lists every shortcut, from the same table that makes them."""

    def __init__(self, offered: frozenset[str], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Keys and marks")
        lines = [(group, text, keys) for group, text, keys in _lines(offered)]
        half = -(-len(lines) // _COLUMNS)
        columns = QHBoxLayout()
        columns.setSpacing(28)
        for start in range(0, len(lines), half):
            columns.addLayout(self._column(lines[start : start + half]))
        marks = QHBoxLayout()
        marks.setSpacing(16)
        for category in CATEGORIES:
            icon, text = QLabel(), QLabel(f"{name(category)}\n{_MEANING[category]}")
            icon.setPixmap(mark_icon(category, 24).pixmap(24, 24))
            text.setObjectName("quiet")
            marks.addWidget(icon)
            marks.addWidget(text)
        marks.addStretch()
        research = QLabel(RESEARCH_USE_ONLY)
        research.setObjectName("quiet")
        close = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        button = close.button(QDialogButtonBox.StandardButton.Close)
        if button is not None:
            button.setIcon(QIcon())
        close.rejected.connect(self.reject)
        foot = QHBoxLayout()
        foot.addWidget(research, 1)
        foot.addWidget(close)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(20, 16, 20, 14)
        whole.setSpacing(14)
        whole.addLayout(marks)
        whole.addLayout(columns)
        whole.addLayout(foot)

    @staticmethod
    def _column(lines: list[tuple[str, str, str]]) -> QGridLayout:
        grid = QGridLayout()
        grid.setVerticalSpacing(3)
        grid.setHorizontalSpacing(12)
        for row, (_, text, keys) in enumerate(lines):
            key = QLabel(keys)
            key.setObjectName("key")
            grid.addWidget(key, row, 0, Qt.AlignmentFlag.AlignLeft)
            grid.addWidget(QLabel(text), row, 1)
        grid.setRowStretch(len(lines), 1)
        grid.setColumnStretch(1, 1)
        return grid


def _lines(offered: frozenset[str]) -> list[tuple[str, str, str]]:
    lines = [("", text, keys) for keys, text in OTHER_KEYS]
    native = QKeySequence.SequenceFormat.NativeText
    for action in ACTIONS:
        if action.keys and action.name in offered:
            text = action.text.replace("&", "").removesuffix("…")
            lines.append((action.group, text, QKeySequence(action.keys).toString(native)))
    return lines

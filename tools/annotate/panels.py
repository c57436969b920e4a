"""The two panels beside the picture."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from PyQt6.QtCore import QPointF, QRectF, QSize, Qt
from PyQt6.QtGui import QAction, QColor, QIcon, QPainter, QPen, QPixmap
from PyQt6.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QListWidget,
    QListWidgetItem,
    QProgressBar,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from tools.annotate.folder import Progress
from tools.annotate.keys import CATEGORY_KEYS, CATEGORY_WORDS
from tools.annotate.marks import kind_icon
from tools.annotate.model import KIND_WORDS, Kind, Membrane
from tools.annotate.pictures import Look
from tools.annotate.style import GOOD, QUIET, WARN

_Key = TypeVar("_Key")


def label(text: str, name: str = "", *, wrap: bool = False) -> QLabel:
    """Return a label of plain text: names of files are shown as they are, never as markup."""
    out = QLabel()
    out.setTextFormat(Qt.TextFormat.PlainText)
    out.setText(text)
    out.setObjectName(name)
    out.setWordWrap(wrap)
    return out


def state_icon(progress: Progress | None, *, failed: bool = False) -> QIcon:
    """Return a ring (not begun), half a disc (open), a disc (complete), or a triangle (cannot be opened)."""
    pixmap = QPixmap(32, 32)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.scale(2, 2)
    if failed:
        painter.setPen(QPen(QColor(WARN), 1.6))
        for a, b in (((8, 2), (14, 13)), ((14, 13), (2, 13)), ((2, 13), (8, 2)), ((8, 6), (8, 10))):
            painter.drawLine(QPointF(*a), QPointF(*b))
    else:
        crops = progress.crops if progress is not None else 0
        still = progress.open_crops if progress is not None else 0
        colour = QColor(QUIET if not crops else WARN if still else GOOD)
        painter.setPen(QPen(colour, 1.6))
        painter.drawEllipse(QRectF(3, 3, 10, 10))
        painter.setBrush(colour)
        if crops:
            painter.drawPie(QRectF(3, 3, 10, 10), 90 * 16, (180 if still else 360) * 16)
    painter.end()
    return QIcon(pixmap)


def _words(n: int, one: str, many: str) -> str:
    return f"{n} {one if n == 1 else many}"


def progress_text(progress: Progress) -> str:
    """Say how far a field is."""
    if not progress.crops:
        return "not begun"
    parts = [_words(progress.crops, "crop", "crops"), _words(progress.marked, "point", "points")]
    if progress.unreviewed:
        parts[0] = f"{progress.unreviewed} to review"
    elif progress.open_crops:
        parts[0] = "open"
    return " · ".join(parts)


class FieldsPanel(QWidget):
    """The list of fields with their progress, and the crops of the open field."""

    def __init__(self, names: tuple[str, ...]) -> None:
        super().__init__()
        self.setObjectName("panel")
        self.fields, self.crops = QListWidget(), QListWidget()
        self._names = names
        self._done: dict[int, Progress | None] = {}
        self._summary, self._bar = label("", "quiet"), QProgressBar()
        self._bar.setTextVisible(False)
        self._bar.setRange(0, max(1, len(names)))
        self._crops_heading = label("CROPS OF THIS FIELD", "heading")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(6, 10, 6, 8)
        for widget in (label("FIELDS", "heading"), self._summary, self._bar, self.fields):
            layout.addWidget(widget, 1 if widget is self.fields else 0)
        layout.addWidget(self._crops_heading)
        layout.addWidget(self.crops)
        self.crops.setFixedHeight(190)
        for listed in (self.fields, self.crops):
            # Keys belong to the picture wherever the mouse is.
            listed.setFocusPolicy(Qt.FocusPolicy.NoFocus)
            listed.setIconSize(QSize(16, 16))
            listed.setTextElideMode(Qt.TextElideMode.ElideMiddle)
            listed.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        for name in names:
            item = QListWidgetItem(state_icon(None), f"{name}\n…")
            item.setToolTip(f"<p>{_escaped(name)}</p>")
            self.fields.addItem(item)
        self._summarise()

    def show_progress(self, index: int, progress: Progress | None, failure: str = "") -> None:
        """Show how far a field is; None with the reason where it cannot be opened."""
        item = self.fields.item(index)
        if item is None:
            return
        text = progress_text(progress) if progress is not None else "cannot be opened"
        item.setText(f"{self._names[index]}\n{text}")
        item.setIcon(state_icon(progress, failed=progress is None))
        item.setToolTip(f"<p>{_escaped(self._names[index])}</p><p>{_escaped(failure or text)}</p>")
        self._done[index] = progress
        self._summarise()

    def _summarise(self) -> None:
        begun = [p for p in self._done.values() if p is not None and p.crops]
        done = sum(not p.open_crops for p in begun)
        points = sum(p.marked for p in begun)
        self._bar.setValue(done)
        self._summary.setText(
            f"{done} of {_words(len(self._names), 'field', 'fields')} done · {points} points"
        )

    def show_crops(self, rows: list[tuple[str, QIcon]], current: int) -> None:
        """List the crops of the open field."""
        self.crops.blockSignals(True)
        self.crops.clear()
        for text, icon in rows:
            self.crops.addItem(QListWidgetItem(icon, text))
        self.crops.setCurrentRow(current)
        self.crops.blockSignals(False)
        self._crops_heading.setText("CROPS OF THIS FIELD" if rows else "NO CROP YET: PRESS C")


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


class MarksPanel(QWidget):
    """Kinds, categories and looks as buttons with their keys and counts."""

    def __init__(self, actions: Mapping[str, QAction]) -> None:
        super().__init__()
        self.setObjectName("panel")
        self.setFixedWidth(232)
        self._actions = actions
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(10, 10, 10, 8)
        self._layout.setSpacing(4)
        self.kinds: dict[Kind, QPushButton] = {}
        self.categories: dict[Membrane, QPushButton] = {}
        self.looks: dict[Look, QPushButton] = {}
        self._counts: dict[QPushButton, QLabel] = {}
        self._layout.addWidget(label("A CLICK ADDS", "heading"))
        for kind, words in KIND_WORDS.items():
            button = self._row(f"add.{kind}", f"{kind}   {words}", f"{words}: {kind} changes a point")
            button.setIcon(kind_icon(kind))
            button.setIconSize(QSize(20, 20))
            button.setCheckable(True)
            self.kinds[kind] = button
        self._heading("MEMBRANE OF THE CELL")
        for membrane, words in CATEGORY_WORDS.items():
            text = f"{CATEGORY_KEYS[membrane]}   {membrane}   {words}"
            self.categories[membrane] = self._row(f"category.{membrane}", text, words)
        self._heading("SHOW")
        self._pair({look: (f"look.{look}", str(look).removesuffix("atoxylin")) for look in Look}, self.looks)
        self.toggles: dict[str, QPushButton] = {}
        self._pair({n: (n, n) for n in ("hide", "labels", "grid")}, self.toggles)
        self._heading("CROP")
        self._row("crop.place", "C   place at the cursor", "place a crop")
        self._row("propose", "P   propose nuclei", "propose nuclei")
        self.complete = self._row("complete", "Ctrl+↵   complete", "declare complete")
        self.complete.setCheckable(True)
        self._layout.addStretch(1)
        self._row("help", "?   all keys", "help")

    def _heading(self, text: str) -> None:
        self._layout.addSpacing(8)
        self._layout.addWidget(label(text, "heading"))

    def _wired(self, command: str, text: str) -> QPushButton:
        action = self._actions[command]
        button = QPushButton(text)
        button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        button.setToolTip(action.toolTip())
        button.clicked.connect(action.trigger)
        return button

    def _row(self, command: str, text: str, spoken: str) -> QPushButton:
        button = self._wired(command, text)
        button.setObjectName("row")
        button.setAccessibleName(spoken)
        count = label("", "quiet")
        count.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        inside = QHBoxLayout(button)
        inside.setContentsMargins(0, 0, 8, 0)
        inside.addWidget(count, 0, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self._counts[button] = count
        self._layout.addWidget(button)
        return button

    def _pair(self, entries: Mapping[_Key, tuple[str, str]], into: dict[_Key, QPushButton]) -> None:
        row = QHBoxLayout()
        row.setSpacing(4)
        for key, (command, text) in entries.items():
            button = self._wired(command, text)
            button.setCheckable(True)
            row.addWidget(button)
            into[key] = button
        self._layout.addLayout(row)

    def show_counts(self, kinds: Mapping[Kind, int], categories: Mapping[Membrane, int]) -> None:
        """Show how many points of each kind and category the crop has."""
        for kind, button in self.kinds.items():
            self._counts[button].setText(str(kinds[kind]))
        for membrane, button in self.categories.items():
            self._counts[button].setText(str(categories[membrane]))

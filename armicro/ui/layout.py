"""Where the parts of the window stand. No behaviour."""

from __future__ import annotations

from collections.abc import Mapping

from PyQt6.QtCore import Qt
from PyQt6.QtGui import QAction
from PyQt6.QtWidgets import (
    QFrame,
    QGridLayout,
    QLabel,
    QSplitter,
    QStackedWidget,
    QTabWidget,
    QVBoxLayout,
    QWidget,
)

from armicro.ui.banners import FaultBanner, NoticeBar
from armicro.ui.camera_panel import CameraPanel
from armicro.ui.cell_inspector import CellInspector
from armicro.ui.field_list import FieldList
from armicro.ui.header import Header
from armicro.ui.hooks import Hooks
from armicro.ui.live_view import PictureView
from armicro.ui.score_panel import ScorePanel
from armicro.ui.status_line import StatusLine
from armicro.ui.threshold_bar import ThresholdBar
from armicro.ui.tool_row import ToolRow

_SIDE_LETTERS = 29
"""Width of the right column, in heights of a letter."""
_LEAST_SIDE_LETTERS = 21


class WindowParts(QWidget):
    """Header, picture with its tools, score and fields, stain and camera, status line.

    Parameters
    ----------
    hooks : Hooks
        What the program can do.
    actions : mapping of str to QAction
        By name.
    """

    def __init__(self, hooks: Hooks, actions: Mapping[str, QAction], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("panel")
        self.header = Header(hooks, actions["undo"], actions["redo"])
        self.notices = NoticeBar()
        self.tools = ToolRow(actions)
        self.picture = PictureView()
        self.faults = FaultBanner()
        self.waiting = QLabel()
        self.waiting.setObjectName("waiting")
        self.waiting.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.waiting.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.score = ScorePanel()
        self.fields = FieldList()
        self.inspector = CellInspector()
        self.stain = ThresholdBar(hooks)
        self.camera = CameraPanel(hooks)
        self.status = StatusLine()
        self.side = QStackedWidget()
        self.side.addWidget(self.fields)
        self.side.addWidget(self.inspector)
        self.bottom = QTabWidget()
        self.bottom.addTab(self.stain, "Stain")
        self.bottom.addTab(self.camera, "Camera")
        self.across = QSplitter(Qt.Orientation.Horizontal)
        self.down = QSplitter(Qt.Orientation.Vertical)
        self._lay_out()

    def _lay_out(self) -> None:
        over = QWidget()
        stacked = QGridLayout(over)
        stacked.setContentsMargins(0, 0, 0, 0)
        stacked.addWidget(self.picture, 0, 0, 2, 1)
        stacked.addWidget(self.waiting, 0, 0, 2, 1)
        # In the picture's own place: what is wrong with it is said where it is missing.
        stacked.addWidget(self.faults, 0, 0, Qt.AlignmentFlag.AlignTop)
        stacked.setRowStretch(1, 1)
        left = _column(self.tools, over)
        right = _column(self.score, _rule(), self.side)
        right.setObjectName("panel")
        right.setMinimumWidth(_LEAST_SIDE_LETTERS * self.fontMetrics().height())
        self.across.addWidget(left)
        self.across.addWidget(right)
        self.across.setStretchFactor(0, 1)
        self.across.setStretchFactor(1, 0)
        self.down.addWidget(self.across)
        self.down.addWidget(self.bottom)
        self.down.setStretchFactor(0, 1)
        self.down.setStretchFactor(1, 0)
        for splitter in (self.across, self.down):
            splitter.setHandleWidth(4)
            splitter.setChildrenCollapsible(False)
        whole = _stack(self)
        for widget in (self.header, self.notices):
            whole.addWidget(widget)
        whole.addWidget(self.down, 1)
        whole.addWidget(self.status)

    def spread(self) -> None:
        """Give the parts the sizes that suit the letters: what the user did not choose."""
        letter = self.fontMetrics().height()
        side = min(_SIDE_LETTERS * letter, round(0.36 * self.width()))
        self.across.setSizes([max(1, self.width() - side), side])
        low = self.bottom.sizeHint().height()
        self.down.setSizes([max(1, self.height() - low), low])

    @property
    def splitters(self) -> dict[str, QSplitter]:
        """What the user can move, by name."""
        return {"across": self.across, "down": self.down}

    def show_inspector(self, *, on: bool) -> None:
        """Show the inspector in the place of the fields, or the fields."""
        self.side.setCurrentWidget(self.inspector if on else self.fields)
        self.score.set_compact(on=on)


def _stack(widget: QWidget) -> QVBoxLayout:
    column = QVBoxLayout(widget)
    column.setContentsMargins(0, 0, 0, 0)
    column.setSpacing(0)
    return column


def _column(*widgets: QWidget) -> QWidget:
    """Put widgets under each other; the last one takes what is left."""
    whole = QWidget()
    column = _stack(whole)
    for widget in widgets:
        column.addWidget(widget, 1 if widget is widgets[-1] else 0)
    return whole


def _rule() -> QFrame:
    rule = QFrame()
    rule.setObjectName("rule")
    rule.setFixedHeight(1)
    return rule

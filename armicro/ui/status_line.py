"""The line of figures at the window's foot."""

from __future__ import annotations

import re

from PyQt6.QtCore import QSize
from PyQt6.QtGui import QColor, QPainter, QPaintEvent
from PyQt6.QtWidgets import QHBoxLayout, QLabel, QProgressBar, QSizePolicy, QWidget

from armicro.session.view import LiveView, SessionSnapshot, SessionState
from armicro.ui.theme import ACCENT, DANGER, FADED, GOOD, LINE, rename

SATURATED_WARNING = 0.01
"""A greater share of saturated pixels than this is shown as a warning."""
RESEARCH_ONLY = "Research use only; the pathologist decides."

_STATE_COLOURS = {
    SessionState.IDLE: FADED,
    SessionState.LIVE: GOOD,
    SessionState.CAPTURING: ACCENT,
    SessionState.FAULT: DANGER,
    SessionState.CLOSED: FADED,
}
_PROGRESS = re.compile(r"(\d+) of (\d+)")


class StateDot(QWidget):
    """The state as a shape and a colour: full disc live, ring idle, square for a fault."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._state = SessionState.IDLE
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Ask for the height of a letter."""
        side = self.fontMetrics().height()
        return QSize(side, side)

    def show_state(self, state: SessionState) -> None:
        """Draw another state."""
        if state is not self._state:
            self._state = state
            self.setAccessibleName(f"State: {state}")
            self.update()

    def paintEvent(self, event: QPaintEvent | None) -> None:  # noqa: N802, ARG002 - Qt's name
        """Draw the shape."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        ink = QColor(_STATE_COLOURS[self._state])
        box = self.rect().adjusted(3, 3, -3, -3)
        painter.setPen(ink)
        if self._state not in (SessionState.IDLE, SessionState.CLOSED):
            painter.setBrush(ink)
        if self._state is SessionState.FAULT:
            painter.drawRect(box)
        else:
            painter.drawEllipse(box)
        painter.end()


class StatusLine(QWidget):
    """State, figures of the live picture, what is being worked on, and for whom this is."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("statusline")
        self.dot = StateDot()
        self.state = QLabel()
        self.figures = {
            key: _figure(tip)
            for key, tip in (
                ("fps", "Pictures from the camera per second, and readings of the live field per second"),
                (
                    "dropped",
                    "Live pictures that were replaced before they were read; captured ones never are",
                ),
                ("latency", "From exposure to reading: 95 of 100 are faster"),
                ("focus", "Sharpness of the tissue, for comparing fields; higher is sharper"),
                ("saturated", "Share of the tissue's pixels that are too bright or too dark to be measured"),
                ("engine", "What finds nuclei, and what runs it"),
            )
        }
        self.busy = QLabel()
        self.progress = QProgressBar()
        self.progress.setTextVisible(False)
        self.progress.setFixedWidth(70)
        self.progress.setAccessibleName("Progress")
        self.research = QLabel(RESEARCH_ONLY)
        self.research.setObjectName("quiet")
        row = QHBoxLayout(self)
        row.setContentsMargins(10, 3, 10, 4)
        row.setSpacing(12)
        row.addWidget(self.dot)
        row.addWidget(self.state)
        for label in self.figures.values():
            row.addWidget(label)
        row.addStretch(1)
        row.addWidget(self.busy)
        row.addWidget(self.progress)
        row.addWidget(self.research)

    def show_session(self, snap: SessionSnapshot, live: LiveView | None) -> None:
        """Show the newest figures."""
        moving = live is not None and live.moving and snap.state is SessionState.LIVE
        self.dot.show_state(snap.state)
        self.state.setText("moving" if moving else snap.state.value)
        v, f = snap.vitals, self.figures
        there = live is not None
        self._say("fps", f"{v.fps:.0f} fps, {v.live_fps:.0f} read" if there else "")
        self._say("dropped", f"{v.dropped:,} dropped" if there else "")
        late = v.latency_p95_ms
        self._say("latency", f"p95 {late:.0f} ms" if late is not None else "")
        focus = None if live is None else live.focus
        self._say("focus", f"focus {focus:.2f}" if focus is not None else "")
        share = None if live is None else live.saturated_share
        self._say("saturated", f"saturated {100 * share:.1f} %" if share is not None else "")
        warn = share is not None and share > SATURATED_WARNING
        rename(f["saturated"], "warn" if warn else "quiet")
        # A network's checksum is for reports; here it would take the room of all other figures.
        self._say("engine", " ".join(w for w in v.engine.split() if not w.startswith("sha256:")))
        f["engine"].setToolTip(f"What finds nuclei, and what runs it: {v.engine}")
        self._show_busy(snap.busy)

    def _say(self, key: str, text: str) -> None:
        label = self.figures[key]
        label.setVisible(bool(text))
        if label.text() != text:
            label.setText(text)

    def _show_busy(self, busy: str) -> None:
        self.busy.setText(busy)
        self.busy.setVisible(bool(busy))
        found = _PROGRESS.search(busy)
        self.progress.setVisible(found is not None)
        if found is not None:
            self.progress.setRange(0, max(1, int(found[2])))
            self.progress.setValue(int(found[1]))


def _figure(tip: str) -> QLabel:
    label = QLabel()
    label.setObjectName("quiet")
    label.setToolTip(tip)
    # A divider's colour would shout beside six figures; distance alone parts them.
    label.setStyleSheet(f"border-left: 1px solid {LINE}; padding-left: 8px;")
    return label

"""Measures for how long the event loop is away: what a hand on a handle feels."""

from __future__ import annotations

import time

from PyQt6.QtCore import QObject, Qt, QTimer

_TICK_MS = 5


class JitterProbe(QObject):
    """A timer that notes how late it comes, and how much of that the event loop's own thread computed.

    On a machine that is busy with other things the lateness says more about these than about the window;
    the time computed does not.

    Parameters
    ----------
    parent : QObject, optional
        Owner.
    """

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.late_ms: list[float] = []
        """Of each tick: how much later than planned it came, ms."""
        self.computed_ms: list[float] = []
        """Of each tick: what this thread computed since the last one, ms."""
        self._wall, self._thread = time.perf_counter(), time.thread_time()
        self._timer = QTimer(self)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._tick)

    def start(self) -> None:
        """Begin to measure."""
        self.late_ms.clear()
        self.computed_ms.clear()
        self.go_on()

    def go_on(self) -> None:
        """Go on after a stop."""
        self._wall, self._thread = time.perf_counter(), time.thread_time()
        self._timer.start(_TICK_MS)

    def _tick(self) -> None:
        wall, thread = time.perf_counter(), time.thread_time()
        self.late_ms.append(max(0.0, (wall - self._wall) * 1000 - _TICK_MS))
        self.computed_ms.append((thread - self._thread) * 1000)
        self._wall, self._thread = wall, thread

    def stop(self) -> None:
        """Measure no more."""
        self._timer.stop()

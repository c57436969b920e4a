"""From a session's threads to the event loop: news that does not pile up."""

from __future__ import annotations

import threading
import time

from PyQt6.QtCore import QObject, Qt, QTimer, pyqtSignal

from armicro.session.view import SessionControl

_SHORTEST_MS = 16


class SessionBridge(QObject):
    """Turns a session's news into one signal in the event loop, at most about 60 times a second.

    News carry nothing: whoever hears them pulls the newest snapshot. However fast a session calls, one
    wake-up at most waits in the event queue.

    Parameters
    ----------
    session : SessionControl
        Listened to until `close`.
    parent : QObject, optional
        Owner.
    """

    news = pyqtSignal()
    _woken = pyqtSignal()

    def __init__(self, session: SessionControl, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._lock = threading.Lock()
        self._waiting = False
        self._closed = False
        self._last_s = 0.0
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._tell)
        # Queued also within the event loop: what a command changes is shown after it, not within it.
        self._woken.connect(self._wake, Qt.ConnectionType.QueuedConnection)  # type: ignore[call-arg]
        self._stop = session.subscribe(self._hear)

    def _hear(self) -> None:
        """Take a session's call, from any thread."""
        with self._lock:
            if self._waiting or self._closed:
                return
            self._waiting = True
            self._woken.emit()

    def _wake(self) -> None:
        if self._closed:
            return
        wait_ms = _SHORTEST_MS - (time.monotonic() - self._last_s) * 1000
        if wait_ms <= 1:
            self._tell()
        else:
            self._timer.start(round(wait_ms))

    def _tell(self) -> None:
        # Cleared first: news that arrive while the window reads must wake it once more.
        with self._lock:
            self._waiting = False
            if self._closed:
                return
        self._last_s = time.monotonic()
        self.news.emit()

    def close(self) -> None:
        """Stop listening; no news are told afterwards. May be called twice."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
        self._timer.stop()
        self._stop()

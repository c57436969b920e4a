"""One thread for what may take long: reading a field from the disk, writing a report."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable

from PyQt6.QtCore import QObject, Qt, pyqtSignal

from armicro.contracts.errors import ArmicroError

Task = Callable[[], object]
Then = Callable[[object], None]


class Worker(QObject):
    """Does tasks one after another; what comes of each is handed over in the event loop.

    Parameters
    ----------
    name : str
        Of the thread.
    parent : QObject, optional
        Owner.
    """

    failed = pyqtSignal(str)
    """Why a task could not be done, in words."""
    _done = pyqtSignal(object, object)

    def __init__(self, name: str, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._tasks: queue.SimpleQueue[tuple[Task, Then] | None] = queue.SimpleQueue()
        self._closed = False
        self._done.connect(self._hand_over, Qt.ConnectionType.QueuedConnection)  # type: ignore[call-arg]
        self._thread = threading.Thread(target=self._work, name=name, daemon=True)
        self._thread.start()

    def submit(self, task: Task, then: Then) -> None:
        """Ask for a task; `then` gets its result in the event loop, unless it fails."""
        if not self._closed:
            self._tasks.put((task, then))

    def _work(self) -> None:
        while (item := self._tasks.get()) is not None:
            task, then = item
            try:
                result = task()
            except (ArmicroError, OSError) as error:
                self.failed.emit(str(error))
            else:
                self._done.emit(then, result)

    def _hand_over(self, then: Then, result: object) -> None:
        if not self._closed:
            then(result)

    def close(self) -> None:
        """End the thread after what it was asked for, and wait; nothing is handed over afterwards."""
        if not self._closed:
            self._closed = True
            self._tasks.put(None)
            self._thread.join()

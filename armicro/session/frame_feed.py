"""Frames of the live picture handed to whoever measures on them, one after the other, in another thread."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator

from armicro.contracts.arrays import U8
from armicro.contracts.errors import CalibrationError
from armicro.contracts.frame import Frame

_WAITING = 2
"""Frames that wait to be measured: each is tens of megabytes."""
_PATIENCE_S = 10.0


class FrameFeed:
    """So many different frames, to be iterated once; fed by one thread, read by another.

    Parameters
    ----------
    wanted : int
        How many frames.
    patience_s : float
        How long the reader waits for the next one, s.
    """

    def __init__(self, wanted: int, patience_s: float = _PATIENCE_S) -> None:
        self.wanted = wanted
        self.taken = 0
        """How many were fed."""
        self._patience_s = patience_s
        self._frames: queue.Queue[U8] = queue.Queue(_WAITING)
        self._last_id: int | None = None
        self._cancelled = threading.Event()

    def feed(self, frame: Frame) -> bool:
        """Offer a frame; returns whether it was taken: one that is new, while there is room and need."""
        if self.taken >= self.wanted or frame.frame_id == self._last_id or self._cancelled.is_set():
            return False
        try:
            self._frames.put_nowait(frame.rgb)
        except queue.Full:
            return False
        self._last_id = frame.frame_id
        self.taken += 1
        return True

    def cancel(self) -> None:
        """End it: the reader stops with an error in words."""
        self._cancelled.set()

    def __iter__(self) -> Iterator[U8]:
        """Yield the frames as they come.

        Raises
        ------
        CalibrationError
            If it was cancelled, or no frame comes.
        """
        for _ in range(self.wanted):
            waited_s = 0.0
            while True:
                if self._cancelled.is_set():
                    raise CalibrationError("cancelled; nothing was kept")
                try:
                    frame = self._frames.get(timeout=0.05)
                except queue.Empty:
                    waited_s += 0.05
                    if waited_s > self._patience_s:
                        raise CalibrationError("the camera gives no pictures: nothing was kept") from None
                    continue
                break
            yield frame

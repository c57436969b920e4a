"""Figures of how fast a session works."""

from __future__ import annotations

from collections import deque

import numpy as np

_LAST = 100


class Rates:
    """Times of the last frames and readings; used under the session's lock."""

    def __init__(self) -> None:
        self._frames_ns: deque[int] = deque(maxlen=_LAST)
        self._readings_ns: deque[int] = deque(maxlen=_LAST)
        self._latencies_ms: deque[float] = deque(maxlen=_LAST)
        self.latency_p95_ms: float | None = None
        """From exposure to reading, ms: 95 of 100 were faster."""

    def frame(self, now_ns: int) -> None:
        """Note that a frame came."""
        self._frames_ns.append(now_ns)

    def reading(self, now_ns: int, exposed_ns: int) -> None:
        """Note that a live frame was read, and when it was exposed."""
        self._readings_ns.append(now_ns)
        self._latencies_ms.append((now_ns - exposed_ns) / 1e6)
        # Asked for with each frame, but it changes with each reading only.
        self.latency_p95_ms = float(np.percentile(self._latencies_ms, 95))

    @property
    def fps(self) -> float:
        """Frames per second, of the last 100."""
        return _per_s(self._frames_ns)

    @property
    def live_fps(self) -> float:
        """Readings per second, of the last 100."""
        return _per_s(self._readings_ns)


def _per_s(times_ns: deque[int]) -> float:
    if len(times_ns) < 2 or times_ns[-1] == times_ns[0]:
        return 0.0
    return (len(times_ns) - 1) * 1e9 / (times_ns[-1] - times_ns[0])

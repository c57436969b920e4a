"""When an exposure began on this machine's clock, from the camera's time stamps."""

from __future__ import annotations

from collections import deque

_WINDOW = 64
"""Exposures over which the shortest way from the camera is looked for; short against the clocks' drift."""


class ExposureClock:
    """Maps the camera's clock to this machine's.

    A picture arrives no earlier than exposure and transfer take, and often later: the arrival with the least
    delay of the last ones is the best. A measured offset (the camera's clock read at a known time here) is
    better still. Whatever the stamps say, no exposure begins later than its arrival less its length, and none
    before the one before.
    """

    def __init__(self) -> None:
        self._delays: deque[int] = deque(maxlen=_WINDOW)
        self._measured: int | None = None
        self._last_stamp: int | None = None
        self._last_ns = 0

    def measured(self, before_ns: int, stamp_ns: int, after_ns: int) -> None:
        """Take note of the camera's time read between two times of this machine."""
        self._measured = (before_ns + after_ns) // 2 - stamp_ns

    def begin_ns(self, stamp_ns: int | None, arrival_ns: int, exposure_us: float) -> int:
        """Return when an exposure began.

        Parameters
        ----------
        stamp_ns : int or None
            The camera's time stamp; None where it has none.
        arrival_ns : int
            When its picture was there, this machine's time.
        exposure_us : float
            Its length, µs; 0 where unknown.
        """
        latest = arrival_ns - int(exposure_us * 1000)
        begin = latest
        # Cameras without a clock send the same stamp again and again: that is none.
        if stamp_ns and (self._last_stamp is None or stamp_ns > self._last_stamp):
            self._delays.append(latest - stamp_ns)
            offset = min(self._delays) if self._measured is None else self._measured
            begin = min(stamp_ns + offset, latest)
        self._last_stamp = stamp_ns
        self._last_ns = max(begin, self._last_ns + 1)
        return self._last_ns

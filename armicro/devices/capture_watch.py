"""Judges a camera by what it gives and when: stalled, damaged, lost, changed, recovered.

No thread and no clock in here: times are handed in, news come out.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace

from armicro.contracts.devices import CameraEvent, CameraEventKind, CameraHealth, CameraInfo, Exposure

_NS = 1_000_000_000


@dataclass(frozen=True, slots=True)
class CaptureLimits:
    """When a camera is in trouble, and how often it is tried again.

    Parameters
    ----------
    stall_s, stall_periods : float
        Without a complete exposure for the longer of the two it is stalled: s, and periods of its own.
    longest_stall_s : float
        Whatever its period, it is stalled after this, s.
    window_s : float
        Time over which incomplete exposures are counted, s.
    incomplete_share : float
        Share of incomplete exposures, 0 to 1, above which the pictures count as damaged. They are whole again
        at half of it, so that a share at the limit does not come and go.
    least_exposures : int
        Exposures in the window below which no share is judged.
    reopen_after_s : float
        Without a complete exposure for this long, the camera is closed and opened again, s.
    first_retry_s, longest_retry_s : float
        Wait before it is opened again; doubled each time it does not help, s.
    grab_timeout_s : float
        How long one `grab` may wait, s; bounds how long closing takes.

    Raises
    ------
    ValueError
        If a time is not above 0, or the share not between 0 and 1.
    """

    stall_s: float = 1.5
    stall_periods: float = 3.0
    longest_stall_s: float = 15.0
    window_s: float = 2.0
    incomplete_share: float = 0.2
    least_exposures: int = 5
    reopen_after_s: float = 5.0
    first_retry_s: float = 0.25
    longest_retry_s: float = 2.0
    grab_timeout_s: float = 0.1

    def __post_init__(self) -> None:
        times = (
            self.stall_s, self.longest_stall_s, self.window_s, self.reopen_after_s,
            self.first_retry_s, self.longest_retry_s, self.grab_timeout_s,
        )  # fmt: skip
        if min(times) <= 0 or not 0 < self.incomplete_share < 1:
            raise ValueError(f"limits of the capture: times above 0, a share between 0 and 1, got {self}")


class CaptureWatch:
    """What is known of a camera's state; used by one thread.

    ::

        connected -> streaming -> stalled | incomplete | lost -> (a complete exposure) -> streaming

    Each trouble is told once, and its end once, when a complete exposure has come: a camera that can be
    opened but gives no pictures has not recovered.

    Parameters
    ----------
    limits : CaptureLimits
        When it is in trouble.
    """

    def __init__(self, limits: CaptureLimits) -> None:
        self._limits = limits
        self._info: CameraInfo | None = None
        self._last_ns = 0
        self._good_ns: int | None = None
        self._damaged_arrive = False
        self._newest: Exposure | None = None
        self._period_ns = 0.0
        self._window: deque[tuple[int, int, int]] = deque()
        self._lost = self._stalled = self._damaged = False
        self.streamed = False
        """Whether a complete exposure has come since the camera was opened last."""

    def connected(self, info: CameraInfo, now_ns: int) -> list[CameraEvent]:
        """Take note that the camera was opened, for the first time or again."""
        before, self._info = self._info, info
        self._last_ns = now_ns
        self._newest = None
        self._window.clear()
        self.streamed = False
        if before is None:
            self._lost = False
            height, width = info.shape_px
            words = f"{info.name} is connected: {width} × {height} px, {info.pixel_format}."
            return [CameraEvent(CameraEventKind.OPENED, words, now_ns, info)]
        if before.shape_px != info.shape_px or before.pixel_format != info.pixel_format:
            return [self._changed(before, now_ns)]
        return []

    def saw(self, exposure: Exposure, now_ns: int) -> list[CameraEvent]:
        """Take note of a complete exposure."""
        assert self._info is not None  # it was opened, or there would be no exposure
        events = []
        if self._lost or self._stalled:
            gap = "" if self._good_ns is None else f" after a gap of {(now_ns - self._good_ns) / _NS:.0f} s"
            words = f"{self._info.name} sends pictures again{gap}."
            events.append(CameraEvent(CameraEventKind.RECOVERED, words, now_ns, self._info))
            self._lost = self._stalled = False
        shape = (exposure.rgb.shape[0], exposure.rgb.shape[1])
        if shape != self._info.shape_px:
            before, self._info = self._info, replace(self._info, shape_px=shape)
            events.append(self._changed(before, now_ns))
        if self._newest is not None and exposure.frame_id > self._newest.frame_id:
            # Its own times, not those of arrival: a slow reader must not look like a slow camera.
            steps = exposure.frame_id - self._newest.frame_id
            self._period_ns = (exposure.t_ns - self._newest.t_ns) / steps
        self._newest = exposure
        self._last_ns = self._good_ns = now_ns
        self.streamed = True
        return events

    def handed_on(self, now_ns: int) -> None:
        """Take note that whoever receives the exposures is done: the time it took was not the camera's."""
        self._last_ns = now_ns

    def looked(self, health: CameraHealth, now_ns: int) -> list[CameraEvent]:
        """Judge after each `grab`, whether it gave an exposure or not."""
        events = self._judge_share(health, now_ns)
        quiet_s = (now_ns - self._last_ns) / _NS
        # Where damaged pictures arrive, the line is alive: "damaged" is the better news, and was told.
        told = self._stalled or self._lost or (self._damaged and self._damaged_arrive)
        if not told and quiet_s >= self.stall_limit_s:
            self._stalled = True
            words = (
                f"No picture from {self._name} for {quiet_s:.1f} s. Check that its cable is firm and no "
                f"other program uses it; it is started again after {self._limits.reopen_after_s:.0f} s."
            )
            events.append(CameraEvent(CameraEventKind.STALLED, words, now_ns, self._info))
        return events

    def lost(self, why: str, now_ns: int) -> list[CameraEvent]:
        """Take note that the camera is gone, or could not be opened."""
        if self._lost:
            return []
        self._lost, self._stalled, self._damaged = True, False, False
        reason = why.rstrip(" .") or "no reason was given"
        what = "cannot be opened" if self._info is None else "is gone"
        words = f"{self._name} {what}: {reason}. Check its cable and power; it is tried again by itself."
        return [CameraEvent(CameraEventKind.LOST, words, now_ns, self._info)]

    def wants_reopen(self, now_ns: int) -> bool:
        """Tell whether only closing and opening is left."""
        wait_s = max(self._limits.reopen_after_s, self.stall_limit_s)
        return now_ns - self._last_ns >= wait_s * _NS

    @property
    def stall_limit_s(self) -> float:
        """Time without a complete exposure after which the camera counts as stalled, s."""
        own_s = self._limits.stall_periods * self._period_ns / _NS
        return max(self._limits.stall_s, min(own_s, self._limits.longest_stall_s))

    @property
    def info(self) -> CameraInfo | None:
        """The camera as it was opened last, with the shape of its newest exposure."""
        return self._info

    @property
    def _name(self) -> str:
        return self._info.name if self._info is not None else "The camera"

    def _judge_share(self, health: CameraHealth, now_ns: int) -> list[CameraEvent]:
        window = self._window
        window.append((now_ns, health.frames, health.incomplete))
        oldest_ns = now_ns - self._limits.window_s * _NS
        # The last count before the window's begin stays: it is what the window is counted from.
        while len(window) > 2 and window[1][0] <= oldest_ns:
            window.popleft()
        good, bad = health.frames - window[0][1], health.incomplete - window[0][2]
        self._damaged_arrive = bad > 0
        if good + bad < self._limits.least_exposures:
            return []
        share = bad / (good + bad)
        if not self._damaged and share > self._limits.incomplete_share:
            self._damaged = True
            words = (
                f"{share:.0%} of the pictures from {self._name} arrive damaged and are not used. Plug it "
                f"directly into this computer (no hub or switch), or lower its frame rate."
            )
            return [CameraEvent(CameraEventKind.INCOMPLETE, words, now_ns, self._info)]
        if self._damaged and share <= self._limits.incomplete_share / 2:
            self._damaged = False
            words = f"The pictures from {self._name} arrive whole again."
            return [CameraEvent(CameraEventKind.RECOVERED, words, now_ns, self._info)]
        return []

    def _changed(self, before: CameraInfo, now_ns: int) -> CameraEvent:
        assert self._info is not None  # only called with a new one
        old, new = (f"{i.shape_px[1]} × {i.shape_px[0]} px, {i.pixel_format}" for i in (before, self._info))
        words = (
            f"{self._info.name} now sends {new} instead of {old}. Set it back, or choose the calibration "
            f"that was made for this size: the old scale and flat field may not fit."
        )
        return CameraEvent(CameraEventKind.FORMAT_CHANGED, words, now_ns, self._info)

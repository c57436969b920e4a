"""The live picture, and whether what was read of it still holds. Blank is safe."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from armicro.assays.kept import KeptField
from armicro.contracts.results import FovResult
from armicro.contracts.stain import DabThresholds
from armicro.session.parts import SessionLimits
from armicro.session.presses import Seen, same_scene
from armicro.session.view import LiveView


@dataclass(frozen=True, slots=True)
class LiveReading:
    """What was read of a live frame.

    Parameters
    ----------
    seen : Seen
        The frame.
    kept : KeptField
        What was traced.
    result : FovResult
        By `thresholds`.
    thresholds : DabThresholds
        log10 OD.
    """

    seen: Seen
    kept: KeptField
    result: FovResult
    thresholds: DabThresholds


class LivePicture:
    """The newest frames and the newest reading; used under the session's lock.

    A reading is shown only while all of this holds: the stage rests, the newest frame shows the place that
    was read, through the same optics, neither of the two is too old, and the reading is by the thresholds in
    force.

    Parameters
    ----------
    limits : SessionLimits
        Ages, and how many frames are held.
    """

    def __init__(self, limits: SessionLimits) -> None:
        self._result_age_ns = round(limits.result_age_s * 1e9)
        self._frame_age_ns = round(limits.frame_age_s * 1e9)
        self._recent: deque[Seen] = deque(maxlen=limits.recent_frames)
        self._reading: LiveReading | None = None
        self._still = False
        self.moving = False

    @property
    def recent(self) -> tuple[Seen, ...]:
        """The newest frames, oldest first."""
        return tuple(self._recent)

    @property
    def reading(self) -> LiveReading | None:
        """The newest reading, whether it holds or not."""
        return self._reading

    def saw(self, seen: Seen) -> None:
        """Take the newest frame."""
        self.moving = bool(self._recent) and not same_scene(self._recent[-1], seen)
        self._recent.append(seen)
        self._still = self._reading is not None and same_scene(self._reading.seen, seen)

    def read(self, reading: LiveReading) -> None:
        """Take the newest reading."""
        self._reading = reading
        self._still = bool(self._recent) and same_scene(reading.seen, self._recent[-1])

    def regraded(self, of: LiveReading, now: LiveReading) -> None:
        """Take a reading's result by other thresholds, if it is still the newest reading."""
        if self._reading is of:
            self._reading = now

    def forget_reading(self) -> None:
        """Show no reading until there is a new one."""
        self._reading = None

    def clear(self) -> None:
        """Forget everything: what comes next is another picture."""
        self._recent.clear()
        self._reading = None
        self.moving = False

    def holding(self, now_ns: int, thresholds: DabThresholds) -> LiveReading | None:
        """Return the reading if it may be shown now."""
        reading = self._reading
        if reading is None or self.moving or not self._still or reading.thresholds != thresholds:
            return None
        if now_ns - reading.seen.frame.t_ns > self._result_age_ns:
            return None
        if now_ns - self._recent[-1].frame.t_ns > self._frame_age_ns:
            return None
        return reading

    def view(self, now_ns: int, thresholds: DabThresholds) -> LiveView | None:
        """Return what is shown; None without a frame."""
        if not self._recent:
            return None
        shown = self.holding(now_ns, thresholds)
        read = self._reading
        return LiveView(
            frame=self._recent[-1].frame,
            moving=self.moving,
            result=None if shown is None else shown.result,
            result_frame_id=None if shown is None else shown.seen.frame.frame_id,
            result_age_ms=None if shown is None else (now_ns - shown.seen.frame.t_ns) / 1e6,
            dab_histogram=None if read is None else read.kept.dab_histogram,
            focus=None if read is None else read.kept.quality.focus,
            saturated_share=None if read is None else read.kept.quality.saturated_share,
        )

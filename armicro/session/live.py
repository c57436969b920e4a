"""The live picture, and whether what was read of it still holds. Blank is safe."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from armicro.assays.kept import KeptField
from armicro.contracts.results import FovResult
from armicro.contracts.stain import DabThresholds
from armicro.session.parts import SessionLimits
from armicro.session.seen import LiveWork, Seen, same_scene
from armicro.session.standing_in import Glimpses, stands_in
from armicro.session.view import LiveView

_TOLD_LATE_NS = 500_000_000
"""By how much news of a press may come after it, ns."""


@dataclass(frozen=True, slots=True)
class LiveReading:
    """What was read of a live frame.

    Parameters
    ----------
    work : LiveWork
        The frame.
    kept : KeptField
        What was traced.
    result : FovResult
        By `thresholds`.
    thresholds : DabThresholds
        log10 OD.
    """

    work: LiveWork
    kept: KeptField
    result: FovResult
    thresholds: DabThresholds

    @property
    def seen(self) -> Seen:
        """The frame as the camera gave it."""
        return self.work.seen


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
        self._stand_in_ns = round(limits.stand_in_s * 1e9)
        self._glimpses = Glimpses(self._stand_in_ns + _TOLD_LATE_NS)
        self._reading: LiveReading | None = None
        self._under_way: LiveWork | None = None
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
        self._glimpses.add(seen)
        self._still = self._reading is not None and same_scene(self._reading.seen, seen)
        work = self._under_way
        if work is not None and not work.ended and not work.left:
            work.left = not same_scene(work.seen, seen)

    def begin(self, work: LiveWork) -> None:
        """Take the frame whose reading begins."""
        self._under_way = work

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
        self._reading = self._under_way = None

    def clear(self) -> None:
        """Forget everything: what comes next is another picture."""
        self._recent.clear()
        self._glimpses.clear()
        self._reading = self._under_way = None
        self.moving = False

    def stand_in(self, press_ns: int, chosen: Seen) -> LiveWork | None:
        """Return the live frame that stands in for the frame that a press leads to; None if none does.

        One that is read goes before one that is being read. It is marked as captured.
        """
        if self._stand_in_ns <= 0:
            return None
        read = None if self._reading is None else self._reading.work
        for work in (read, self._under_way):
            if work is None or (work.ended and work.kept is None):
                continue
            around = self._glimpses.around(work.seen.frame.t_ns, chosen.frame.t_ns)
            if stands_in(work.seen, chosen, press_ns, around, self._stand_in_ns):
                work.captured = True
                return work
        return None

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

"""A stage that moves with finite speed, by commands or along a path given in advance."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from armicro.contracts.errors import InputError

YX = tuple[float, float]

_NS = 1_000_000_000


@dataclass(frozen=True, slots=True)
class StageMove:
    """One move of a path.

    Parameters
    ----------
    at_s : float
        When it begins, s after the slide was opened first.
    dy_um, dx_um : float
        How far, µm.
    """

    at_s: float
    dy_um: float
    dx_um: float


@dataclass(frozen=True, slots=True)
class _Leg:
    """A straight way from rest to rest: it speeds up and slows down like a hand on a stage."""

    start_um: YX
    end_um: YX
    t_ns: int
    duration_ns: int

    def at(self, t_ns: int) -> YX:
        part = 1.0 if self.duration_ns == 0 else min(1.0, max(0.0, (t_ns - self.t_ns) / self.duration_ns))
        done = 0.5 - 0.5 * math.cos(math.pi * part)
        (y0, x0), (y1, x1) = self.start_um, self.end_um
        return y0 + (y1 - y0) * done, x0 + (x1 - x0) * done


class SlideStage:
    """The stage of a simulated slide; see `armicro.contracts.devices.Stage`. Any thread may use it.

    Parameters
    ----------
    clock : callable
        Monotonic time, ns.
    speed_um_s : float
        Mean speed of a move, µm/s; its greatest is π/2 times this.
    path : sequence of StageMove
        Moves that are made by themselves, in order of time.
    start_um : (float, float)
        First position y, x, µm.

    Raises
    ------
    InputError
        If the speed is not above 0, or the path goes back in time.
    """

    def __init__(
        self,
        clock: Callable[[], int],
        speed_um_s: float,
        path: Sequence[StageMove] = (),
        start_um: YX = (0.0, 0.0),
    ) -> None:
        times = [m.at_s for m in path]
        if speed_um_s <= 0 or times != sorted(times) or (times and times[0] < 0):
            raise InputError(
                f"a stage needs a speed above 0 (got {speed_um_s:g} µm/s) and moves in order of time"
            )
        self._clock = clock
        self._speed_um_s = speed_um_s
        self._pending = list(path)
        self._began_ns: int | None = None
        self._lock = threading.Lock()
        # Legs are kept, so that the position at an exposure's begin can be told after the next move began.
        self._legs = [_Leg(start_um, start_um, 0, 0)]

    def begin(self, t_ns: int) -> None:
        """Start the path's time, ns; only the first call counts."""
        with self._lock:
            if self._began_ns is None:
                self._began_ns = t_ns

    def move_by(self, dy_um: float, dx_um: float) -> None:
        """Move on from where the last move ends; returns at once."""
        with self._lock:
            now_ns = self._clock()
            self._follow_path(now_ns)
            self._go(dy_um, dx_um, now_ns)

    @property
    def position_um(self) -> YX:
        """Position y, x of the field's centre now, µm."""
        return self.position_at(self._clock())

    def position_at(self, t_ns: int) -> YX:
        """Return the position y, x at a time not long past, µm."""
        with self._lock:
            self._follow_path(t_ns)
            for leg in reversed(self._legs):
                if leg.t_ns <= t_ns:
                    return leg.at(t_ns)
            return self._legs[0].at(t_ns)

    def _follow_path(self, t_ns: int) -> None:
        while self._pending and self._began_ns is not None:
            due_ns = self._began_ns + round(self._pending[0].at_s * _NS)
            if due_ns > t_ns:
                return
            move = self._pending.pop(0)
            self._go(move.dy_um, move.dx_um, due_ns)

    def _go(self, dy_um: float, dx_um: float, t_ns: int) -> None:
        last = self._legs[-1]
        here = last.at(t_ns)
        end = (last.end_um[0] + dy_um, last.end_um[1] + dx_um)
        way_um = math.hypot(end[0] - here[0], end[1] - here[1])
        self._legs = [*self._legs[-8:], _Leg(here, end, t_ns, round(way_um / self._speed_um_s * _NS))]

"""What a foot did, from a contact's edges or from a device's own words.

Pure: times are handed in, and nothing waits.

A contact bounces when it closes, when it opens, and where it is worn also in between. So it counts as down at
its first edge, since a field has to be caught at once, and as up only when it stayed up for the debounce
time; the press then ended when it went up. A gap that is shorter than that is therefore part of the press,
and two presses have to be at least that far apart.

Results depend on the edges and their times alone, not on how often `advance` is called.
"""

from __future__ import annotations

from dataclasses import dataclass

from armicro.contracts.devices import Gesture, PedalPress

MS = 1_000_000
"""Nanoseconds in a millisecond."""


@dataclass(frozen=True, slots=True)
class GestureParams:
    """What makes a press short, long or double.

    Parameters
    ----------
    debounce_ms : float
        A contact is up when it stayed up for this, ms; whole presses closer together than this are one.
    long_ms : float
        A press that lasts this or more is long, ms; it is told while the foot is still down.
    double_ms : float or None
        Two presses are one double press if the second begins less than this after the first's release, ms.
        None for no double presses: then a short one is told as soon as the release is certain.

    Raises
    ------
    ValueError
        If times are negative, or the debounce time leaves no room for the others.
    """

    debounce_ms: float = 30.0
    long_ms: float = 600.0
    double_ms: float | None = 300.0

    def __post_init__(self) -> None:
        if not 0 <= self.debounce_ms < self.long_ms < float("inf"):
            raise ValueError(
                f"a press is long after {self.long_ms} ms: this has to be above the debounce time, "
                f"{self.debounce_ms} ms, which may not be negative"
            )
        if self.double_ms is not None and not self.debounce_ms < self.double_ms < float("inf"):
            raise ValueError(
                f"{self.double_ms} ms for a double press have to be above the debounce time, "
                f"{self.debounce_ms} ms"
            )


@dataclass(slots=True)
class _Press:
    down_ns: int
    up_ns: int | None = None
    """When the contact opened; None while it is closed."""
    told: bool = False
    """Whether it is told already what the press was."""
    over: bool = False
    """Whether the release is certain: only a second press is waited for."""


class GestureRecogniser:
    """Gestures of one contact; used by one thread.

    Parameters
    ----------
    source : str
        Stands on each gesture.
    params : GestureParams
        Times.
    """

    def __init__(self, source: str, params: GestureParams | None = None) -> None:
        params = params or GestureParams()
        self._source = source
        self._debounce_ns = round(params.debounce_ms * MS)
        self._long_ns = round(params.long_ms * MS)
        self._double_ns = None if params.double_ms is None else round(params.double_ms * MS)
        self._press: _Press | None = None
        self._now_ns: int | None = None

    @property
    def due_ns(self) -> int | None:
        """When `advance` has something to do next, ns; None while nothing is waited for."""
        press = self._press
        if press is None:
            return None
        if press.over:
            assert press.up_ns is not None
            assert self._double_ns is not None
            return press.up_ns + self._double_ns
        if press.up_ns is not None:
            return press.up_ns + self._debounce_ns
        return None if press.told else press.down_ns + self._long_ns

    def edge(self, t_ns: int, *, down: bool) -> list[PedalPress]:
        """Take an edge of the contact, or its level anew.

        Parameters
        ----------
        t_ns : int
            When, ns. An edge from before the last one counts as of then.
        down : bool
            Whether the contact is closed now.

        Returns
        -------
        list of PedalPress
            What is certain now.
        """
        told = self.advance(t_ns)
        assert self._now_ns is not None
        t_ns, press = self._now_ns, self._press
        if not down:
            if press is not None and press.up_ns is None:
                press.up_ns = t_ns
        elif press is None:
            self._press = _Press(t_ns)
            told.append(self._tell(Gesture.BEGAN, t_ns))
        elif press.over:
            told.append(self._tell(Gesture.DOUBLE, press.down_ns))
            self._press = _Press(t_ns, told=True)
        else:
            press.up_ns = None
        # A gap may have hidden that the press is long by now.
        return told + self.advance(t_ns)

    def advance(self, t_ns: int) -> list[PedalPress]:
        """Take notice of the time; returns what has become certain, see `edge`."""
        now_ns = t_ns if self._now_ns is None else max(t_ns, self._now_ns)
        self._now_ns = now_ns
        told: list[PedalPress] = []
        while (due_ns := self.due_ns) is not None and due_ns <= now_ns:
            press = self._press
            assert press is not None
            if press.over:
                told.append(self._tell(Gesture.SHORT, press.down_ns))
                self._press = None
            elif press.up_ns is None:
                press.told = True
                told.append(self._tell(Gesture.LONG, press.down_ns))
            elif press.told:
                self._press = None
            elif press.up_ns - press.down_ns >= self._long_ns:
                told.append(self._tell(Gesture.LONG, press.down_ns))
                self._press = None
            elif self._double_ns is None:
                told.append(self._tell(Gesture.SHORT, press.down_ns))
                self._press = None
            else:
                press.over = True
        return told

    def finish(self, *, lost: bool) -> list[PedalPress]:
        """End, and be ready for another beginning; returns what the press under way was.

        Parameters
        ----------
        lost : bool
            Whether the device went away. A press whose release was not seen means nothing then; else it
            counts as it stands, a short one.
        """
        press, self._press, self._now_ns = self._press, None, None
        if press is None or press.told or (lost and not press.over):
            return []
        return [self._tell(Gesture.SHORT, press.down_ns)]

    def _tell(self, gesture: Gesture, t_ns: int) -> PedalPress:
        return PedalPress(gesture, t_ns, self._source)


class WholePresses:
    """Presses of a device that sends each as a whole; used by one thread.

    After one that counts, others are passed over for the debounce time: presses that come faster than that
    are thinned out, not merged into one.

    Parameters
    ----------
    source : str
        Stands on each gesture.
    params : GestureParams
        Times; only the debounce time matters.
    """

    def __init__(self, source: str, params: GestureParams | None = None) -> None:
        self._source = source
        self._debounce_ns = round((params or GestureParams()).debounce_ms * MS)
        self._last_ns: int | None = None

    def press(self, t_ns: int, gesture: Gesture = Gesture.SHORT) -> list[PedalPress]:
        """Take a press at `t_ns`, ns; returns it if it counts."""
        if self._last_ns is not None and t_ns - self._last_ns < self._debounce_ns:
            return []
        self._last_ns = t_ns
        return [PedalPress(gesture, t_ns, self._source)]

"""Presses on their way to a captured frame: which wait for their frame, which for the foot to come up.

Pure but for what it remembers: times and frames are handed in, and nothing waits.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from armicro.session.seen import LiveWork, Seen, same_scene

StandIn = Callable[[int, Seen], LiveWork | None]
"""From a press's time, ns, and the frame that it leads to, to the live frame that stands in for that one."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """A press, the frame that it leads to, and the live frame that stands in for it, if one does."""

    press_ns: int
    seen: Seen
    live: LiveWork | None = None


@dataclass(slots=True)
class _Press:
    t_ns: int
    source: str
    held: bool
    before: Seen | None = None
    chosen: Seen | None = None
    live: LiveWork | None = None
    dropped: bool = False


class PressBook:
    """Presses in the order in which they came; used under the session's lock.

    A press is settled when its frame is chosen (the rule of `armicro.session.capture_rule`) and the foot has
    come up, or when it is dropped. Settled presses leave in order: one whose foot is still down holds back
    those after it.

    Parameters
    ----------
    wait_ns : int
        A press for which no frame comes within this is refused, ns.
    hold_ns : int
        A press that is held for longer is forgotten, ns.
    stand_in : callable
        Asked once for each press, when its frame is chosen.
    """

    def __init__(self, wait_ns: int, hold_ns: int, stand_in: StandIn = lambda _t, _s: None) -> None:
        self._stand_in = stand_in
        self._wait_ns = wait_ns
        self._hold_ns = hold_ns
        self._presses: deque[_Press] = deque()
        self._refused: set[str] = set()

    def __len__(self) -> int:
        """How many presses are under way."""
        return sum(not p.dropped for p in self._presses)

    def add(self, t_ns: int, source: str, recent: Sequence[Seen], *, held: bool) -> None:
        """Take a press in.

        Parameters
        ----------
        t_ns : int
            When the pedal went down.
        source : str
            Which pedal.
        recent : sequence of Seen
            The newest frames, oldest first: news of a press may come after the frame that follows it.
        held : bool
            Whether it waits for the foot to come up.
        """
        self._drop_held(source)
        self._refused.discard(source)
        press = _Press(t_ns, source, held)
        self._presses.append(press)
        for seen in recent:
            self._show(press, seen)

    def refuse(self, source: str) -> None:
        """Remember that a held press was refused, so that its end means nothing either."""
        self._refused.add(source)

    def end(self, source: str, *, keep: bool) -> bool:
        """Tell that the foot has come up.

        Parameters
        ----------
        source : str
            Which pedal.
        keep : bool
            Whether the press captures; else it meant something else.

        Returns
        -------
        bool
            Whether there was a held press, accepted or refused.
        """
        if source in self._refused:
            self._refused.discard(source)
            return True
        for press in self._presses:
            if press.held and press.source == source:
                press.held, press.dropped = False, not keep
                return True
        return False

    def saw(self, seen: Seen) -> None:
        """Show a new frame to the presses that wait for one."""
        for press in self._presses:
            self._show(press, seen)

    def leave(self) -> None:
        """Settle for the frame before, where there is one: the scene is about to become another one."""
        for press in self._presses:
            if press.chosen is None and press.before is not None:
                self._choose(press, press.before)

    def expire(self, now_ns: int) -> int:
        """Drop what has waited too long; return how many presses found no frame."""
        n = 0
        for press in self._presses:
            if press.dropped:
                continue
            if press.chosen is None and now_ns - press.t_ns > self._wait_ns:
                press.dropped = True
                n += 1
                if press.held:
                    self._refused.add(press.source)
            elif press.held and now_ns - press.t_ns > self._hold_ns:
                press.dropped = True
                self._refused.add(press.source)
        return n

    def blank(self) -> int:
        """Drop all that have no frame yet, since none can come; return how many."""
        waiting = [p for p in self._presses if p.chosen is None and not p.dropped]
        for press in waiting:
            press.dropped = True
            if press.held:
                self._refused.add(press.source)
        return len(waiting)

    def forget(self, source: str) -> int:
        """Drop the held press of a pedal that has gone; return how many."""
        self._refused.discard(source)
        return self._drop_held(source)

    def take(self) -> list[Chosen]:
        """Return the settled presses at the front, in order, and be rid of them."""
        taken = []
        while self._presses:
            press = self._presses[0]
            if not press.dropped:
                if press.held or press.chosen is None:
                    break
                taken.append(Chosen(press.t_ns, press.chosen, press.live))
            self._presses.popleft()
        return taken

    def _drop_held(self, source: str) -> int:
        held = [p for p in self._presses if p.held and p.source == source]
        for press in held:
            press.held, press.dropped = False, True
        return len(held)

    def _show(self, press: _Press, seen: Seen) -> None:
        if press.chosen is not None or press.dropped:
            return
        if seen.frame.t_ns < press.t_ns:
            press.before = seen
        elif seen.frame.t_ns - press.t_ns <= self._wait_ns:
            before = press.before
            self._choose(press, seen if before is None or same_scene(before, seen) else before)

    def _choose(self, press: _Press, seen: Seen) -> None:
        press.chosen, press.live = seen, self._stand_in(press.t_ns, seen)

"""Where a session is, and how it gets from one state to another: here and nowhere else.

::

            camera gives frames          a press is accepted
    IDLE ----------------------> LIVE ----------------------> CAPTURING
     ^                           ^  ^                              |
     |                           |  '------ its field is kept -----+
     |                           |          or it is refused       |
     |     the last fault ends   |                                 |
     +---------- FAULT ----------'                                 |
     (no frame yet)  ^                                             |
                     '------ a fault that blanks (from any) -------'

    any ---- close ----> CLOSED
"""

from __future__ import annotations

from dataclasses import dataclass

from armicro.session.view import SessionState

_ALLOWED: dict[SessionState, frozenset[SessionState]] = {
    SessionState.IDLE: frozenset({SessionState.LIVE, SessionState.FAULT, SessionState.CLOSED}),
    SessionState.LIVE: frozenset(
        {SessionState.IDLE, SessionState.CAPTURING, SessionState.FAULT, SessionState.CLOSED}
    ),
    SessionState.CAPTURING: frozenset({SessionState.LIVE, SessionState.FAULT, SessionState.CLOSED}),
    SessionState.FAULT: frozenset({SessionState.IDLE, SessionState.LIVE, SessionState.CLOSED}),
    SessionState.CLOSED: frozenset(),
}


@dataclass(frozen=True, slots=True)
class Facts:
    """What decides where a session is.

    Parameters
    ----------
    framed : bool
        Whether there is a newest frame.
    blanked : bool
        Whether a fault is on under which nothing may be shown.
    capturing : bool
        Whether a press waits for its frame or a frame for being kept.
    closed : bool
        Whether it was closed.
    """

    framed: bool = False
    blanked: bool = False
    capturing: bool = False
    closed: bool = False


class Machine:
    """The state of a session; used under the session's lock."""

    def __init__(self) -> None:
        self._state = SessionState.IDLE

    @property
    def state(self) -> SessionState:
        """The present state."""
        return self._state

    def settle(self, facts: Facts) -> bool:
        """Go where the facts lead, by allowed steps; return whether the state changed."""
        before = self._state
        while True:
            step = _step(self._state, facts)
            if step is self._state:
                return self._state is not before
            if step not in _ALLOWED[self._state]:
                raise RuntimeError(f"a session cannot go from {self._state} to {step}")
            self._state = step


def _step(state: SessionState, facts: Facts) -> SessionState:
    """Return the next state on the way, or the same."""
    if facts.closed or state is SessionState.CLOSED:
        return SessionState.CLOSED
    if facts.blanked:
        return SessionState.FAULT
    if facts.capturing and state in (SessionState.LIVE, SessionState.CAPTURING):
        return SessionState.CAPTURING
    if state is SessionState.CAPTURING:
        return SessionState.LIVE
    return SessionState.LIVE if facts.framed else SessionState.IDLE

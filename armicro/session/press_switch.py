"""To whom presses go: to the session, or for a while to whoever measures something with the pedal."""

from __future__ import annotations

import threading
from collections.abc import Callable

from armicro.contracts.devices import Gesture, PedalPress

OnPress = Callable[[PedalPress], None]


class PressSwitch:
    """Hands presses on; from any thread.

    The end of a press goes to whoever had its beginning: no session waits for the end of a press that went
    elsewhere, and nobody hears the end of what it did not see begin.

    Parameters
    ----------
    home : callable
        Told presses while nobody else is.
    """

    def __init__(self, home: OnPress) -> None:
        self._home = home
        self._lock = threading.Lock()
        self._elsewhere: OnPress | None = None
        self._began: dict[str, OnPress] = {}

    def __call__(self, press: PedalPress) -> None:
        """Take a press of any pedal."""
        with self._lock:
            to = self._elsewhere or self._home
            if press.gesture is Gesture.BEGAN:
                self._began[press.source] = to
            else:
                to = self._began.pop(press.source, to)
        to(press)

    def divert(self, to: OnPress) -> Callable[[], None]:
        """Hand presses that begin from now on to another; returns how to end that."""
        with self._lock:
            self._elsewhere = to

        def restore() -> None:
            with self._lock:
                if self._elsewhere is to:
                    self._elsewhere = None

        return restore

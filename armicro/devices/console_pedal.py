"""Enter at the terminal as a pedal."""

from __future__ import annotations

import os
import select
import threading
import time
from collections.abc import Callable

from armicro.contracts.devices import Gesture, LinkEvent, LinkState, PedalPress

_POLL_S = 0.1

OnPress = Callable[[PedalPress], None]
OnLink = Callable[[LinkEvent], None]


class ConsolePedal:
    """Enter at the terminal as a `Pedal`: each line of standard input, whatever it holds, is a press.

    Parameters
    ----------
    fd : int
        What is read; not closed.
    clock : callable
        Monotonic time, ns.
    """

    identity = "keyboard"

    def __init__(self, fd: int = 0, clock: Callable[[], int] = time.monotonic_ns) -> None:
        self._fd = fd
        self._clock = clock
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self, on_press: OnPress, on_link: OnLink) -> None:
        """Begin to listen; see `Pedal.start`."""
        self._stop.clear()
        self._thread = threading.Thread(
            target=self._run, args=(on_press, on_link), name="armicro-pedal", daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        """Stop; no callback comes afterwards."""
        self._stop.set()
        thread, self._thread = self._thread, None
        if thread is not None:
            thread.join()

    def _run(self, on_press: OnPress, on_link: OnLink) -> None:
        while not self._stop.is_set():
            if not select.select([self._fd], [], [], _POLL_S)[0]:
                continue
            data = os.read(self._fd, 4096)
            if not data:
                words = "Standard input has ended: there is no key to press any more."
                on_link(LinkEvent(LinkState.LOST, words, self._clock(), self.identity))
                return
            for _ in range(data.count(b"\n")):
                on_press(PedalPress(Gesture.SHORT, self._clock(), self.identity))

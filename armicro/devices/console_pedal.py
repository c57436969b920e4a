"""Enter at the terminal as a pedal."""

from __future__ import annotations

import os
import select
import threading
import time
from collections.abc import Callable

from armicro.contracts.devices import Gesture, LinkEvent, LinkState, PedalPress
from armicro.devices.serial_link import call_back

_POLL_S = 0.1
_CAN_WAIT = os.name != "nt"
"""Whether a read can be waited for; on Windows it can only be made, and nothing ends it but a key."""

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
        self._reader: _Reader | None = None

    def start(self, on_press: OnPress, on_link: OnLink) -> None:
        """Begin to listen, anew if it did already; see `Pedal.start`."""
        self.close()
        self._reader = _Reader(self._fd, self._clock, on_press, on_link)
        self._reader.start()

    def close(self) -> None:
        """Stop; no callback comes afterwards. May be called twice."""
        reader, self._reader = self._reader, None
        if reader is not None:
            reader.close()


class _Reader(threading.Thread):
    """One listening, from start to close.

    Its gate is shut when it is closed: where a read cannot be ended it goes on alone, and nobody hears of it.
    """

    def __init__(self, fd: int, clock: Callable[[], int], on_press: OnPress, on_link: OnLink) -> None:
        super().__init__(name="armicro-keyboard", daemon=True)
        self._fd = fd
        self._clock = clock
        self._on_press = on_press
        self._on_link = on_link
        self._gate = threading.Lock()
        self._shut = threading.Event()

    def close(self) -> None:
        with self._gate:
            self._shut.set()
        if _CAN_WAIT:
            self.join()

    def run(self) -> None:
        while not self._shut.is_set():
            if _CAN_WAIT and not select.select([self._fd], [], [], _POLL_S)[0]:
                continue
            try:
                data = os.read(self._fd, 4096)
            except OSError:
                data = b""  # a terminal that was taken away
            with self._gate:
                if self._shut.is_set():
                    return
                self._tell(data)
            if not data:
                return

    def _tell(self, data: bytes) -> None:
        if not data:
            words = "Standard input has ended: there is no key to press any more."
            call_back(self._on_link, LinkEvent(LinkState.LOST, words, self._clock(), ConsolePedal.identity))
        for _ in range(data.count(b"\n")):
            call_back(self._on_press, PedalPress(Gesture.SHORT, self._clock(), ConsolePedal.identity))

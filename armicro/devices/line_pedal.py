"""A pedal that sends a line of text for each press: over a serial port, a pseudo terminal, or standard input.

9600 baud, 8 data bits, no parity, 1 stop bit; a line that reads `press` or `1` is a press, other lines are
passed over.
"""

from __future__ import annotations

import os
import select
import threading
import time
from collections.abc import Callable
from typing import Any

from armicro.contracts.devices import Gesture, LinkEvent, LinkState, PedalPress

BAUD = 9600
PRESS_LINES = frozenset({"press", "1"})
_LONGEST_LINE = 256
_POLL_S = 0.1
_RETRY_S = 0.5

OnPress = Callable[[PedalPress], None]
OnLink = Callable[[LinkEvent], None]


class LineSplitter:
    """Cuts bytes into lines; what is longer than a line can be is thrown away, not collected."""

    def __init__(self) -> None:
        self._part = b""

    def feed(self, data: bytes) -> list[str]:
        """Return the lines that are complete now, lower case, without blanks around them."""
        *lines, self._part = (self._part + data).replace(b"\r", b"\n").split(b"\n")
        if len(self._part) > _LONGEST_LINE:
            self._part = b""
        return [line.decode("ascii", "replace").strip().lower() for line in lines if line.strip()]


class SerialLinePedal:
    """A pedal behind a serial port, as a `Pedal`.

    Parameters
    ----------
    url : str
        Whatever pyserial opens: `/dev/ttyUSB0`, `COM3`, `socket://host:port`.
    clock : callable
        Monotonic time, ns.
    """

    def __init__(self, url: str, clock: Callable[[], int] = time.monotonic_ns) -> None:
        self._url = url
        self._clock = clock
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def identity(self) -> str:
        """For people."""
        return f"{self._url} (line)"

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
        lost = False
        while not self._stop.is_set():
            try:
                port = self._open()
            except (OSError, ValueError, ImportError) as error:
                if not lost:
                    lost = True
                    on_link(self._link(LinkState.LOST, f"The pedal at {self._url} is not there: {error}"))
                self._stop.wait(_RETRY_S)
                continue
            lost = False
            on_link(self._link(LinkState.CONNECTED, f"The pedal at {self._url} is connected."))
            try:
                self._listen(port, on_press)
            except OSError as error:
                lost = True
                words = f"The pedal at {self._url} is gone: {error}. Plug it in again."
                on_link(self._link(LinkState.LOST, words))
                self._stop.wait(_RETRY_S)
            finally:
                port.close()

    def _open(self) -> Any:  # noqa: ANN401 - pyserial has no types
        import serial

        # Its errors are OSErrors; whoever holds the port exclusively hears of it there.
        return serial.serial_for_url(self._url, baudrate=BAUD, timeout=_POLL_S)

    def _listen(self, port: Any, on_press: OnPress) -> None:  # noqa: ANN401 - as above
        lines = LineSplitter()
        while not self._stop.is_set():
            data = port.read(max(1, min(port.in_waiting, 4096)))
            t_ns = self._clock()
            for line in lines.feed(data):
                if line in PRESS_LINES:
                    on_press(PedalPress(Gesture.SHORT, t_ns, self.identity))

    def _link(self, state: LinkState, words: str) -> LinkEvent:
        return LinkEvent(state, words, self._clock(), self.identity)


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

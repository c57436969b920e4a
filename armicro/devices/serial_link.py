"""A line to a device: opened, listened to by a thread of its own, and opened again after it was unplugged."""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Callable, Sequence
from typing import Generic, Protocol, TypeVar

from armicro.contracts.devices import LinkEvent, LinkState
from armicro.contracts.errors import DeviceError
from armicro.devices.serial_port import OpenPort, Port, PortSettings, open_port

NewsT = TypeVar("NewsT")
OutT_co = TypeVar("OutT_co", covariant=True)
ToldT = TypeVar("ToldT")

_LOG = logging.getLogger(__name__)

_FIRST_RETRY_S = 0.25
_LAST_RETRY_S = 2.0
_PROVEN_S = 2.0
"""A connection that lasted this long is no flutter: the pauses after it begin at the shortest again."""
_JOIN_S = 2.0
"""How long closing waits for a driver that hangs while it opens."""
_S = 1_000_000_000


class PortUser(Protocol[OutT_co]):
    """What is done with a port while it is open; called by the link's thread alone. Returns what to tell."""

    def opened(self, port: Port) -> Sequence[OutT_co]:
        """Begin with a port that was just opened. `DeviceError`, `OSError`: it cannot be used."""
        ...

    def poll(self, port: Port, stop: threading.Event) -> Sequence[OutT_co]:
        """Wait for a moment, not beyond `stop`, and handle what came. `OSError`: it is gone."""
        ...

    def ended(self, *, lost: bool) -> Sequence[OutT_co]:
        """End: the port is lost, or is being closed."""
        ...


class SerialLink(Generic[NewsT]):
    """A port that comes and goes.

    Parameters
    ----------
    address : str
        See `open_port`.
    device : str
        What is there, for people: "pedal".
    source : str
        Stands on each event.
    settings : PortSettings
        How the port is set.
    clock : callable
        Monotonic time, ns.
    opener : callable
        Opens the port; raises `DeviceError` or `OSError`.
    """

    def __init__(
        self,
        address: str,
        device: str,
        source: str,
        settings: PortSettings,
        clock: Callable[[], int] = time.monotonic_ns,
        opener: OpenPort = open_port,
    ) -> None:
        self._address = address
        self._device = device
        self._source = source
        self._settings = settings
        self._clock = clock
        self._opener = opener
        self._listener: _Listener[NewsT] | None = None

    def start(
        self, user: PortUser[NewsT], on_news: Callable[[NewsT], None], on_link: Callable[[LinkEvent], None]
    ) -> None:
        """Begin to listen, anew if it did already; returns at once.

        Parameters
        ----------
        user : PortUser
            Handles what comes.
        on_news, on_link : callable
            Told what the user has to tell, and what becomes of the line; from the link's thread.
        """
        self.close()
        self._listener = _Listener(self, user, on_news, on_link)
        self._listener.start()

    def close(self) -> None:
        """Stop; nobody is called afterwards. May be called twice."""
        listener, self._listener = self._listener, None
        if listener is not None:
            listener.close()

    def open(self) -> Port:
        """Open the port."""
        return self._opener(self._address, self._settings)

    def now_ns(self) -> int:
        """Monotonic time, ns."""
        return self._clock()

    def event(self, state: LinkState, words: str) -> LinkEvent:
        """Put news into words: "The pedal at COM3 " and what is given."""
        words = f"The {self._device} at {self._address} {words}"
        return LinkEvent(state, words, self._clock(), self._source)


class _Listener(threading.Thread, Generic[NewsT]):
    """One listening, from start to close.

    Its gate is shut where closing could not wait for it (a driver that hangs): then it goes on alone, and
    nobody hears of it.
    """

    def __init__(
        self,
        link: SerialLink[NewsT],
        user: PortUser[NewsT],
        on_news: Callable[[NewsT], None],
        on_link: Callable[[LinkEvent], None],
    ) -> None:
        super().__init__(name="armicro-serial", daemon=True)
        self._link = link
        self._user = user
        self._on_news = on_news
        self._on_link = on_link
        self._ending = threading.Event()
        self._gate = threading.Lock()
        self._shut = False
        self._told_lost = False

    def close(self) -> None:
        self._ending.set()
        self.join(_JOIN_S)
        if self.is_alive():
            with self._gate:
                self._shut = True

    def run(self) -> None:
        pause_s = _FIRST_RETRY_S
        while not self._ending.is_set():
            try:
                port = self._link.open()
            except (DeviceError, OSError) as error:
                self._lost(f"is not there: {error}")
            else:
                since_ns = self._link.now_ns()
                self._use(port)
                if self._link.now_ns() - since_ns > _PROVEN_S * _S:
                    pause_s = _FIRST_RETRY_S
            self._ending.wait(pause_s)
            pause_s = min(2 * pause_s, _LAST_RETRY_S)

    def _use(self, port: Port) -> None:
        user = self._user
        connected = False
        try:
            first = user.opened(port)
            connected, self._told_lost = True, False
            self._tell(self._on_link, self._link.event(LinkState.CONNECTED, "is connected."))
            self._tell_all(first)
            while not self._ending.is_set():
                self._tell_all(user.poll(port, self._ending))
        except Exception as error:  # noqa: BLE001 - any fault of a driver is a lost line, told as such
            self._tell_all(user.ended(lost=True))
            self._lost(f"is gone: {error}. Plug it in again." if connected else f"cannot be used: {error}")
        else:
            self._tell_all(user.ended(lost=False))
            self._tell(self._on_link, self._link.event(LinkState.CLOSED, "is closed."))
        finally:
            # A port whose device was pulled out may fail to close; what matters was told.
            with contextlib.suppress(Exception):
                port.close()

    def _lost(self, words: str) -> None:
        if not self._told_lost:
            self._told_lost = True
            self._tell(self._on_link, self._link.event(LinkState.LOST, words))

    def _tell_all(self, news: Sequence[NewsT]) -> None:
        for one in news:
            self._tell(self._on_news, one)

    def _tell(self, callback: Callable[[ToldT], None], one: ToldT) -> None:
        with self._gate:
            if not self._shut:
                call_back(callback, one)


def call_back(callback: Callable[[ToldT], None], one: ToldT) -> None:
    """Call, and keep an error from ending the thread: a pedal that is dead without a word is worse."""
    try:
        callback(one)
    except Exception:  # noqa: BLE001 - logged with its traceback; the receiver is to blame, and the line goes on
        _LOG.exception("a receiver of %s failed", type(one).__name__)

"""A line to a device: opened, listened to by a thread of its own, and opened again after it was unplugged."""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, Literal, Protocol, TypeVar

from armicro.contracts.devices import LinkEvent, LinkState
from armicro.contracts.errors import DeviceError

NewsT = TypeVar("NewsT")
OutT_co = TypeVar("OutT_co", covariant=True)
ToldT = TypeVar("ToldT")

_LOG = logging.getLogger(__name__)

READ_WAIT_S = 0.05
"""How long a read waits; closing waits for no longer than this where the port answers."""
LONGEST_READ = 4096
LONGEST_LINE = 256
"""Bytes. What is longer is no line of a pedal's or a nosepiece's."""
_FIRST_RETRY_S = 0.25
_LAST_RETRY_S = 2.0
_PROVEN_S = 2.0
"""A connection that lasted this long is no flutter: the pauses after it begin at the shortest again."""
_JOIN_S = 2.0
"""How long closing waits for a driver that hangs while it opens."""
_STALE_S = 1.0
"""The beginning of a line is forgotten after so much silence: it was noise of a plug, not half a line."""
_LINE_TAKES_S = 0.1
"""A line is not dated back by more than this."""
_S = 1_000_000_000


@dataclass(frozen=True, slots=True)
class PortSettings:
    """How a serial port is set.

    Parameters
    ----------
    baud : int
        Symbols per second.
    data_bits : 5, 6, 7 or 8
        Bits of a character.
    parity : "N", "E" or "O"
        None, even or odd.
    stop_bits : 1 or 2
        Between characters.

    Raises
    ------
    ValueError
        If the rate is not a positive number.
    """

    baud: int = 9600
    data_bits: Literal[5, 6, 7, 8] = 8
    parity: Literal["N", "E", "O"] = "N"
    stop_bits: Literal[1, 2] = 1

    def __post_init__(self) -> None:
        if self.baud <= 0:
            raise ValueError(f"{self.baud} baud: the rate of a port has to be above 0")


class Port(Protocol):
    """The part of a pyserial port that is used. Its errors are `OSError`s."""

    @property
    def in_waiting(self) -> int:
        """How many bytes have come, or 1 for some."""
        ...

    @property
    def cts(self) -> bool:
        """Level of Clear To Send."""
        ...

    @property
    def dsr(self) -> bool:
        """Level of Data Set Ready."""
        ...

    @property
    def cd(self) -> bool:
        """Level of Data Carrier Detect."""
        ...

    def read(self, size: int = 1, /) -> bytes:
        """Return up to so many bytes; fewer where they do not come in time."""
        ...

    def write(self, data: bytes, /) -> int | None:
        """Send."""
        ...

    def close(self) -> None:
        """Let go of the port."""
        ...


OpenPort = Callable[[str, PortSettings], Port]


def open_port(address: str, settings: PortSettings) -> Port:
    """Open whatever pyserial opens, for this process alone.

    Parameters
    ----------
    address : str
        `COM3`, `/dev/ttyUSB0`, `socket://host:port`, `loop://`, ...
    settings : PortSettings
        How the port is set; DTR and RTS are on, so that they can feed a contact.

    Returns
    -------
    Port
        Reads wait up to `READ_WAIT_S`.

    Raises
    ------
    DeviceError
        In words, with what to do about it.
    """
    try:
        import serial
    except ImportError as error:
        raise DeviceError("pyserial is not installed: pip install 'armicro[instrument]'") from error
    try:
        port: Port = serial.serial_for_url(
            address, baudrate=settings.baud, bytesize=settings.data_bits, parity=settings.parity,
            stopbits=settings.stop_bits, timeout=READ_WAIT_S, write_timeout=1.0, exclusive=True,
        )  # fmt: skip
    except Exception as error:  # whatever a driver raises (termios.error is no OSError) is told as one thing
        raise DeviceError(str(error)) from error
    return port


class PortUser(Protocol[OutT_co]):
    """What is done with a port while it is open; called by the link's thread alone. Returns what to tell."""

    def opened(self, port: Port) -> Sequence[OutT_co]:
        """Begin with a port that was just opened. `OSError`: it is gone."""
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
        try:
            self._told_lost = False
            self._tell(self._on_link, self._link.event(LinkState.CONNECTED, "is connected."))
            self._tell_all(user.opened(port))
            while not self._ending.is_set():
                self._tell_all(user.poll(port, self._ending))
        except Exception as error:  # noqa: BLE001 - any fault of a driver is a lost line, told as such
            self._tell_all(user.ended(lost=True))
            self._lost(f"is gone: {error}. Plug it in again.")
        else:
            self._tell_all(user.ended(lost=False))
            self._tell(self._on_link, self._link.event(LinkState.CLOSED, "is closed."))
        finally:
            # A port whose device was pulled out may fail to close; what matters was told.
            with contextlib.suppress(OSError):
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


def read_some(port: Port) -> bytes:
    """Return what has come, and what comes within a moment where there is nothing yet."""
    return port.read(max(1, min(port.in_waiting, LONGEST_READ)))


class LineCutter:
    """Cuts bytes into lines, wherever they are divided; holds no more than one line.

    What is longer than a line can be is passed over up to its end. Bytes that are no text become U+FFFD.
    """

    def __init__(self) -> None:
        self._part = b""
        self._part_ns = 0
        self._last_ns = 0
        self._skipping = False

    def feed(self, data: bytes, t_ns: int) -> list[tuple[str, int]]:
        """Return the lines that are complete now.

        Parameters
        ----------
        data : bytes
            What came.
        t_ns : int
            When its first byte came, ns.

        Returns
        -------
        list of (str, int)
            Each without blanks around it, and when its first byte came, ns; empty lines are passed over.
        """
        if t_ns - self._last_ns > _STALE_S * _S:
            self._part, self._skipping = b"", False
        self._last_ns = t_ns
        began_ns = self._part_ns if self._part else t_ns
        lines = []
        *whole, rest = (self._part + data).replace(b"\r", b"\n").split(b"\n")
        for line in whole:
            text = line.decode("utf-8", "replace").strip()
            if text and len(line) <= LONGEST_LINE and not self._skipping:
                lines.append((text, max(began_ns, t_ns - round(_LINE_TAKES_S * _S))))
            self._skipping = False
            began_ns = t_ns
        self._part, self._part_ns = rest, began_ns
        if len(rest) > LONGEST_LINE:
            self._part, self._skipping = b"", True
        return lines

"""Pedals behind a serial port: one that sends lines or bytes, and a bare contact on a modem line."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from armicro.contracts.devices import Gesture, LinkEvent, PedalPress
from armicro.devices.gestures import MS, GestureParams, GestureRecogniser, WholePresses
from armicro.devices.pedal_protocols import ByteProtocol, Decoder, LineProtocol, Signal
from armicro.devices.serial_link import OpenPort, Port, PortSettings, SerialLink, open_port, read_some

POLL_S = 0.003
"""How often a contact is looked at, s: more than 200 times a second, with room for a late wake-up."""

_GESTURES = {Signal.PRESS: Gesture.SHORT, Signal.LONG: Gesture.LONG, Signal.DOUBLE: Gesture.DOUBLE}


class ModemLine(StrEnum):
    """An input line of a serial port."""

    CTS = "cts"
    DSR = "dsr"
    DCD = "dcd"


@dataclass(frozen=True, slots=True)
class Contact:
    """How a contact is wired.

    The port's own outputs feed it: from DTR (pin 4 of a 9-pin plug) over the pedal to the input is active
    high.

    Parameters
    ----------
    line : ModemLine
        The input.
    active_high : bool
        Whether the line is on while the pedal is down.
    """

    line: ModemLine = ModemLine.CTS
    active_high: bool = True

    def is_down(self, port: Port) -> bool:
        """Tell whether the pedal is down."""
        if self.line is ModemLine.CTS:
            level = port.cts
        elif self.line is ModemLine.DSR:
            level = port.dsr
        else:
            level = port.cd
        return level == self.active_high


class SerialPedal:
    """A pedal that sends lines or bytes, as a `Pedal`.

    Parameters
    ----------
    address : str
        Whatever pyserial opens: `/dev/ttyUSB0`, `COM3`, `socket://host:port`.
    protocol : LineProtocol or ByteProtocol
        What it sends; a line `press` or `1` for each press where nothing else is given.
    settings : PortSettings
        How the port is set; 9600 8N1.
    params : GestureParams
        Times.
    clock : callable
        Monotonic time, ns.
    opener : callable
        Opens the port; raises `DeviceError` or `OSError`.
    """

    def __init__(
        self,
        address: str,
        protocol: LineProtocol | ByteProtocol | None = None,
        settings: PortSettings | None = None,
        params: GestureParams | None = None,
        clock: Callable[[], int] = time.monotonic_ns,
        opener: OpenPort = open_port,
    ) -> None:
        self._protocol = protocol or LineProtocol()
        self._params = params or GestureParams()
        self._clock = clock
        kind = "line" if isinstance(self._protocol, LineProtocol) else "byte"
        self._identity = f"{address} ({kind})"
        self._link: SerialLink[PedalPress] = SerialLink(
            address, "pedal", self._identity, settings or PortSettings(), clock, opener
        )

    @property
    def identity(self) -> str:
        """For people."""
        return self._identity

    def start(self, on_press: Callable[[PedalPress], None], on_link: Callable[[LinkEvent], None]) -> None:
        """Begin to listen; see `Pedal.start`."""
        user = _Said(self._protocol, self._identity, self._params, self._clock)
        self._link.start(user, on_press, on_link)

    def close(self) -> None:
        """Stop; no callback comes afterwards. May be called twice."""
        self._link.close()


class ContactPedal:
    """A contact between two pins of a serial port, as a `Pedal`.

    A contact that is closed when the port is opened is no press: it has to open first.

    Parameters
    ----------
    address : str
        A port with modem lines.
    contact : Contact
        How it is wired.
    params : GestureParams
        Times.
    clock : callable
        Monotonic time, ns.
    opener : callable
        Opens the port; raises `DeviceError` or `OSError`.
    """

    def __init__(
        self,
        address: str,
        contact: Contact | None = None,
        params: GestureParams | None = None,
        clock: Callable[[], int] = time.monotonic_ns,
        opener: OpenPort = open_port,
    ) -> None:
        self._contact = contact or Contact()
        self._params = params or GestureParams()
        self._clock = clock
        self._identity = f"{address} (contact on {self._contact.line.upper()})"
        self._link: SerialLink[PedalPress] = SerialLink(
            address, "pedal", self._identity, PortSettings(), clock, opener
        )

    @property
    def identity(self) -> str:
        """For people."""
        return self._identity

    def start(self, on_press: Callable[[PedalPress], None], on_link: Callable[[LinkEvent], None]) -> None:
        """Begin to look; see `Pedal.start`."""
        user = _Levels(self._contact, self._identity, self._params, self._clock)
        self._link.start(user, on_press, on_link)

    def close(self) -> None:
        """Stop; no callback comes afterwards. May be called twice."""
        self._link.close()


def parse_contact(text: str) -> ContactPedal | None:
    """Make a pedal of "contact:PORT[:LINE]", None where the text names no contact.

    LINE is cts, dsr or dcd, with "-low" behind it where the line is off while the pedal is down.
    """
    found = re.fullmatch(r"contact:(.+?)(?::(cts|dsr|dcd)(-low)?)?", text.strip(), re.IGNORECASE)
    if found is None:
        return None
    line = ModemLine((found[2] or ModemLine.CTS).lower())
    return ContactPedal(found[1], Contact(line, active_high=found[3] is None))


class _Said:
    """Listens to what a pedal sends."""

    def __init__(
        self,
        protocol: LineProtocol | ByteProtocol,
        source: str,
        params: GestureParams,
        clock: Callable[[], int],
    ) -> None:
        self._protocol = protocol
        self._decoder: Decoder = protocol.decoder()
        self._edges = GestureRecogniser(source, params)
        self._wholes = WholePresses(source, params)
        self._clock = clock

    def opened(self, port: Port) -> Sequence[PedalPress]:
        del port
        self._decoder = self._protocol.decoder()
        return ()

    def poll(self, port: Port, stop: threading.Event) -> Sequence[PedalPress]:
        # A read waits for up to `READ_WAIT_S`: a gesture that depends on time alone is told that much late.
        del stop
        data = read_some(port)
        now_ns = self._clock()
        told: list[PedalPress] = []
        for signal, t_ns in self._decoder.feed(data, now_ns) if data else ():
            if self._protocol.tells_release:
                told += self._edges.edge(t_ns, down=signal is Signal.PRESS)
            else:
                told += self._wholes.press(t_ns, _GESTURES[signal])
        return told + self._edges.advance(now_ns)

    def ended(self, *, lost: bool) -> Sequence[PedalPress]:
        return self._edges.finish(lost=lost)


class _Levels:
    """Looks at a contact."""

    def __init__(
        self, contact: Contact, source: str, params: GestureParams, clock: Callable[[], int]
    ) -> None:
        self._contact = contact
        self._recogniser = GestureRecogniser(source, params)
        self._clock = clock
        self._rested = False
        self._open_since_ns: int | None = None
        self._rest_ns = round(params.debounce_ms * MS)

    def opened(self, port: Port) -> Sequence[PedalPress]:
        self._open_since_ns = None
        self._rested = not self._contact.is_down(port)
        return ()

    def poll(self, port: Port, stop: threading.Event) -> Sequence[PedalPress]:
        stop.wait(POLL_S)
        down = self._contact.is_down(port)
        now_ns = self._clock()
        if not self._rested:
            self._wait_for_rest(now_ns, down=down)
            return ()
        return self._recogniser.edge(now_ns, down=down)

    def ended(self, *, lost: bool) -> Sequence[PedalPress]:
        return self._recogniser.finish(lost=lost)

    def _wait_for_rest(self, now_ns: int, *, down: bool) -> None:
        """Wait until a foot that was down from the beginning is surely off."""
        if down:
            self._open_since_ns = None
        elif self._open_since_ns is None:
            self._open_since_ns = now_ns
        elif now_ns - self._open_since_ns >= self._rest_ns:
            self._rested = True

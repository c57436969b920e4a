"""Pedals behind a serial port: one that sends lines or bytes, and a bare contact on a modem line."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence

from armicro.contracts.devices import Gesture, LinkEvent, PedalPress
from armicro.devices.gestures import MS, GestureParams, GestureRecogniser, WholePresses
from armicro.devices.pedal_profile import PedalProfile
from armicro.devices.pedal_protocols import ByteProtocol, Contact, Decoder, LineProtocol, Signal
from armicro.devices.serial_link import PortUser, SerialLink
from armicro.devices.serial_port import OpenPort, Port, open_port, read_some

POLL_S = 0.003
"""How often a contact is looked at, s: more than 200 times a second, with room for a late wake-up."""

_GESTURES = {Signal.PRESS: Gesture.SHORT, Signal.LONG: Gesture.LONG, Signal.DOUBLE: Gesture.DOUBLE}


class SerialPedal:
    """A pedal that sends lines or bytes, or closes a contact, as a `Pedal`.

    A contact that is closed when the port is opened is no press: it is told, and has to open first.

    Parameters
    ----------
    address : str
        Whatever pyserial opens: `/dev/ttyUSB0`, `COM3`, `socket://host:port`.
    profile : PedalProfile
        How it speaks; a line `press` or `1` for each press where nothing else is given.
    clock : callable
        Monotonic time, ns.
    opener : callable
        Opens the port; raises `DeviceError` or `OSError`.
    """

    def __init__(
        self,
        address: str,
        profile: PedalProfile | None = None,
        clock: Callable[[], int] = time.monotonic_ns,
        opener: OpenPort = open_port,
    ) -> None:
        self._profile = profile or PedalProfile()
        self._clock = clock
        self._identity = f"{address} ({self._profile.kind})"
        self._link: SerialLink[PedalPress] = SerialLink(
            address, "pedal", self._identity, self._profile.port, clock, opener
        )

    @property
    def identity(self) -> str:
        """For people."""
        return self._identity

    def start(self, on_press: Callable[[PedalPress], None], on_link: Callable[[LinkEvent], None]) -> None:
        """Begin to listen; see `Pedal.start`."""
        self._link.start(self._user(), on_press, on_link)

    def close(self) -> None:
        """Stop; no callback comes afterwards. May be called twice."""
        self._link.close()

    def _user(self) -> PortUser[PedalPress]:
        speech, times = self._profile.speech, self._profile.times
        if isinstance(speech, Contact):
            return _Levels(speech, self._identity, times, self._clock)
        return _Said(speech, self._identity, times, self._clock)


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
        self._contact.require_open(port)
        self._open_since_ns, self._rested = None, False
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
        """Wait until a foot that was there just before the beginning is surely off."""
        if down:
            self._open_since_ns = None
        elif self._open_since_ns is None:
            self._open_since_ns = now_ns
        elif now_ns - self._open_since_ns >= self._rest_ns:
            self._rested = True

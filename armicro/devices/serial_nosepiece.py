"""A nosepiece that tells its position over a serial port."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Sequence

from armicro.contracts.devices import LinkEvent, NosepiecePosition
from armicro.devices.line_cutter import LineCutter
from armicro.devices.nosepiece_profile import NosepieceProfile
from armicro.devices.serial_link import SerialLink
from armicro.devices.serial_port import OpenPort, Port, open_port, read_some

ASK_AGAIN_S = 2.0
"""How long an answer is waited for, s: a stand that was off when it was asked has not heard."""
_S = 1_000_000_000


class SerialNosepiece:
    """A nosepiece that sends a line when it turns, as a `Nosepiece`.

    Parameters
    ----------
    address : str
        Whatever pyserial opens: `/dev/ttyUSB0`, `COM3`, `socket://host:port`.
    profile : NosepieceProfile
        How it speaks.
    clock : callable
        Monotonic time, ns.
    opener : callable
        Opens the port; raises `DeviceError` or `OSError`.
    """

    def __init__(
        self,
        address: str,
        profile: NosepieceProfile,
        clock: Callable[[], int] = time.monotonic_ns,
        opener: OpenPort = open_port,
    ) -> None:
        self._profile = profile
        self._clock = clock
        source = f"{address} ({profile.name})"
        self._link: SerialLink[NosepiecePosition] = SerialLink(
            address, "nosepiece", source, profile.port, clock, opener
        )

    def start(
        self, on_position: Callable[[NosepiecePosition], None], on_link: Callable[[LinkEvent], None]
    ) -> None:
        """Begin to listen; see `Nosepiece.start`."""
        self._link.start(_Turret(self._profile, self._clock), on_position, on_link)

    def close(self) -> None:
        """Stop; no callback comes afterwards. May be called twice."""
        self._link.close()


class _Turret:
    """Listens to a nosepiece."""

    def __init__(self, profile: NosepieceProfile, clock: Callable[[], int]) -> None:
        self._at = re.compile(profile.at, re.IGNORECASE)
        self._between = None if profile.between is None else re.compile(profile.between, re.IGNORECASE)
        self._ask = profile.ask
        self._clock = clock
        self._lines = LineCutter()
        self._heard = False
        self._asked_ns = 0

    def opened(self, port: Port) -> Sequence[NosepiecePosition]:
        self._lines = LineCutter()
        self._heard = False
        self._question(port)
        return ()

    def poll(self, port: Port, stop: threading.Event) -> Sequence[NosepiecePosition]:
        del stop
        data = read_some(port)
        now_ns = self._clock()
        told = [p for line in self._lines.feed(data, now_ns) if (p := self._position(*line))] if data else []
        self._heard = self._heard or bool(told)
        if not self._heard and now_ns - self._asked_ns > ASK_AGAIN_S * _S:
            self._question(port)
        return told

    def ended(self, *, lost: bool) -> Sequence[NosepiecePosition]:
        del lost
        return ()

    def _question(self, port: Port) -> None:
        self._asked_ns = self._clock()
        for line in self._ask:
            port.write(line)

    def _position(self, line: str, t_ns: int) -> NosepiecePosition | None:
        if self._between is not None and self._between.fullmatch(line):
            return NosepiecePosition(None, t_ns)
        found = self._at.fullmatch(line)
        if found is None or not found[1] or not found[1].isdecimal():
            return None
        return NosepiecePosition(int(found[1]), t_ns)

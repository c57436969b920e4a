"""Far ends of serial lines: a plug on a pseudo terminal, a switch on a modem line, and who listens."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from armicro.contracts.devices import (
    Gesture,
    LinkEvent,
    LinkState,
    NosepiecePosition,
    Pedal,
    PedalPress,
)
from armicro.contracts.errors import DeviceError
from armicro.devices.serial_port import Port, PortSettings


def until(holds: Callable[[], object], timeout_s: float = 10.0) -> None:
    """Wait until something holds."""
    end = time.monotonic() + timeout_s
    while not holds():
        assert time.monotonic() < end, "it did not come true in time"
        time.sleep(0.003)


class Heard:
    """What a device told, and when."""

    def __init__(self) -> None:
        self.presses: list[PedalPress] = []
        self.positions: list[NosepiecePosition] = []
        self.links: list[LinkEvent] = []

    @property
    def ends(self) -> list[Gesture]:
        """Gestures but for their beginnings."""
        return [p.gesture for p in self.presses if p.gesture is not Gesture.BEGAN]

    @property
    def states(self) -> list[LinkState]:
        return [e.state for e in self.links]

    def connected(self) -> bool:
        return bool(self.links) and self.links[-1].state is LinkState.CONNECTED

    def lost(self) -> bool:
        return bool(self.links) and self.links[-1].state is LinkState.LOST

    def listen_to(self, pedal: Pedal) -> None:
        pedal.start(self.presses.append, self.links.append)


class PtyPlug:
    """A device behind a pseudo terminal whose address stays the same when it is plugged in again."""

    def __init__(self, folder: Path) -> None:
        if sys.platform == "win32":
            pytest.skip("there are no pseudo terminals on Windows")
        pytest.importorskip("serial", reason="the port needs pyserial")
        self.place = folder / "port"
        self._ends: tuple[int, int] | None = None

    @property
    def address(self) -> str:
        return str(self.place)

    def plug_in(self) -> None:
        import pty
        import tty

        near, far = pty.openpty()
        tty.setraw(far)
        os.set_blocking(near, False)
        self._ends = near, far
        self.place.symlink_to(os.ttyname(far))

    def pull_out(self) -> None:
        if self._ends is not None:
            self.place.unlink()
            for end in self._ends:
                os.close(end)
            self._ends = None

    def send(self, data: bytes) -> None:
        assert self._ends is not None
        os.write(self._ends[0], data)

    def received(self) -> bytes:
        assert self._ends is not None
        try:
            return os.read(self._ends[0], 4096)
        except BlockingIOError:
            return b""


class SwitchPort:
    """A port of which only the modem lines are used; they hold what is put on them."""

    in_waiting = 0

    def __init__(self) -> None:
        self.cts = self.dsr = self.cd = False

    def read(self, size: int = 1, /) -> bytes:
        raise AssertionError(f"a contact sends nothing, and {size} bytes were asked for")

    def write(self, data: bytes, /) -> int | None:
        raise AssertionError(f"nothing is sent to a contact, and {data!r} was")

    def close(self) -> None:
        pass


class PulledPort(SwitchPort):
    """What is left of a port whose plug was pulled out."""

    @property
    def _gone(self) -> bool:
        raise OSError("Input/output error")

    cts = dsr = cd = _gone


class SwitchPlug:
    """Opens the switch's port while it is plugged in; an open port that is pulled out fails from then on."""

    def __init__(self) -> None:
        self.port = SwitchPort()
        self._there = False

    def plug_in(self) -> None:
        self.port, self._there = SwitchPort(), True

    def pull_out(self) -> None:
        # The open port itself turns into one that fails, as a handle does.
        self.port.__class__, self._there = PulledPort, False

    def open(self, address: str, settings: PortSettings) -> Port:
        del settings
        if not self._there:
            raise DeviceError(f"could not open port {address}")
        return self.port

"""What every pedal holds to: keyboard, lines and bytes on a pseudo terminal, contacts on modem lines."""

from __future__ import annotations

import os
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from armicro.contracts.devices import Gesture, LinkState, Pedal, PedalPress
from armicro.devices.console_pedal import ConsolePedal
from armicro.devices.pedal_profile import PedalProfile
from armicro.devices.pedal_protocols import ByteProtocol, Contact, LineProtocol, ModemLine
from armicro.devices.serial_pedal import SerialPedal
from armicro.devices.serial_port import Port, PortSettings, open_port
from tests.serial_rig import Heard, PtyPlug, SwitchPlug, until


class Foot:
    """A pedal and all that is done to it."""

    pedal: Pedal
    tells_release = True
    is_plugged = True

    def plug_in(self) -> None:
        pass

    def pull_out(self) -> None:
        raise NotImplementedError

    def down(self) -> None:
        raise NotImplementedError

    def up(self) -> None:
        raise NotImplementedError


class KeyboardFoot(Foot):
    tells_release = is_plugged = False

    def __init__(self, folder: Path) -> None:
        del folder
        self._near, self._far = os.pipe()
        weakref.finalize(self, os.close, self._near)
        self.pedal = ConsolePedal(self._near)

    def pull_out(self) -> None:
        if self._far >= 0:
            os.close(self._far)
            self._far = -1

    def down(self) -> None:
        os.write(self._far, b"\n")

    def up(self) -> None:
        pass


class PtyFoot(Foot):
    def __init__(self, folder: Path, speech: LineProtocol | ByteProtocol, down: bytes, up: bytes) -> None:
        self._plug = PtyPlug(folder)
        self.pedal = SerialPedal(self._plug.address, PedalProfile(speech=speech))
        self.tells_release = bool(up)
        self._down, self._up = down, up

    def plug_in(self) -> None:
        self._plug.plug_in()

    def pull_out(self) -> None:
        self._plug.pull_out()

    def down(self) -> None:
        self._plug.send(self._down)

    def up(self) -> None:
        if self._up:
            self._plug.send(self._up)


class SwitchFoot(Foot):
    def __init__(self, folder: Path, contact: Contact) -> None:
        del folder
        self._plug = SwitchPlug()
        self._name = {"cts": "cts", "dsr": "dsr", "dcd": "cd"}[contact.line]
        self._active = contact.active_high
        self.pedal = SerialPedal("COM7", PedalProfile(speech=contact), opener=self._plug.open)

    def plug_in(self) -> None:
        self._plug.plug_in()
        self.up()

    def pull_out(self) -> None:
        self._plug.pull_out()

    def down(self) -> None:
        setattr(self._plug.port, self._name, self._active)

    def up(self) -> None:
        setattr(self._plug.port, self._name, not self._active)


class LoopFoot(Foot):
    """A contact on a real port of pyserial's whose RTS is wired to its CTS."""

    def __init__(self, folder: Path) -> None:
        del folder
        pytest.importorskip("serial", reason="the port needs pyserial")
        self._there = False
        self._port: Port | None = None
        self.pedal = SerialPedal("loop://", PedalProfile(speech=Contact()), opener=self._open)

    def _open(self, address: str, settings: PortSettings) -> Port:
        if not self._there:
            raise OSError("could not open port")
        self._port = open_port(address, settings)
        self.up()
        return self._port

    def plug_in(self) -> None:
        self._there = True

    def pull_out(self) -> None:
        self._there = False
        if self._port is not None:
            self._port.close()

    def down(self) -> None:
        setattr(self._port, "rts", True)  # noqa: B010 - no part of what a pedal uses of a port

    def up(self) -> None:
        setattr(self._port, "rts", False)  # noqa: B010


FEET: dict[str, Callable[[Path], Foot]] = {
    "keyboard": KeyboardFoot,
    "line": lambda folder: PtyFoot(folder, LineProtocol(), b"press\n", b""),
    "line with release": lambda folder: PtyFoot(
        folder, LineProtocol("down", release="up"), b"Down\r\n", b"UP\r\n"
    ),
    "byte": lambda folder: PtyFoot(folder, ByteProtocol(), b"1", b""),
    "byte with release": lambda folder: PtyFoot(folder, ByteProtocol(0, release=255), b"\x00", b"\xff"),
    "contact on CTS": lambda folder: SwitchFoot(folder, Contact()),
    "contact on DCD, low": lambda folder: SwitchFoot(folder, Contact(ModemLine.DCD, active_high=False)),
    "contact on loop://": LoopFoot,
}


@pytest.fixture(params=FEET)
def foot(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Foot]:
    made = FEET[request.param](tmp_path)
    threads = set(threading.enumerate())
    yield made
    made.pedal.close()
    made.pull_out()
    assert set(threading.enumerate()) <= threads


@pytest.fixture
def serial_foot(foot: Foot) -> Foot:
    if not foot.is_plugged:
        pytest.skip("a keyboard is not plugged in and out")
    return foot


def ready(foot: Foot) -> Heard:
    heard = Heard()
    foot.plug_in()
    heard.listen_to(foot.pedal)
    if foot.is_plugged:
        until(heard.connected)
    # A contact counts only after it was open for as long as it may bounce.
    time.sleep(0.3)
    return heard


def press(foot: Foot, held_s: float = 0.15) -> None:
    foot.down()
    time.sleep(held_s)
    foot.up()


def test_a_press_is_heard_once_with_its_time_and_pedal(foot: Foot) -> None:
    heard = ready(foot)
    began_ns = time.monotonic_ns()
    foot.down()
    until(lambda: heard.presses)
    ended_ns = time.monotonic_ns()
    time.sleep(0.05)
    foot.up()
    until(lambda: heard.ends)
    time.sleep(0.4)
    first = heard.presses[0]
    assert began_ns <= first.t_ns <= ended_ns
    gestures = [Gesture.BEGAN, Gesture.SHORT] if foot.tells_release else [Gesture.SHORT]
    assert heard.presses == [PedalPress(g, first.t_ns, foot.pedal.identity) for g in gestures]
    assert foot.pedal.identity.isprintable()


def test_presses_apart_are_all_heard(foot: Foot) -> None:
    heard = ready(foot)
    for n in range(1, 4):
        press(foot)
        until(lambda n=n: len(heard.ends) == n)  # type: ignore[misc]
        time.sleep(0.1)
    assert heard.ends == [Gesture.SHORT] * 3


def test_long_and_double_presses_are_told_where_the_release_is(foot: Foot) -> None:
    if not foot.tells_release:
        pytest.skip("this pedal sends whole presses")
    heard = ready(foot)
    foot.down()
    until(lambda: heard.ends)
    assert heard.ends == [Gesture.LONG]
    foot.up()
    time.sleep(0.1)
    for _ in range(2):
        press(foot)
        time.sleep(0.1)
    until(lambda: len(heard.ends) == 2)
    time.sleep(0.4)
    assert heard.ends == [Gesture.LONG, Gesture.DOUBLE]
    began = [p for p in heard.presses if p.gesture is Gesture.BEGAN]
    assert [p.t_ns for p in began] == [p.t_ns for p in heard.presses if p.gesture in heard.ends]


def test_nothing_is_heard_after_close_and_it_can_begin_anew(foot: Foot) -> None:
    heard = ready(foot)
    foot.pedal.close()
    foot.pedal.close()
    told = list(heard.presses), list(heard.links)
    # The keyboard's input stays where it is, and is read when somebody listens again.
    if foot.is_plugged:
        press(foot)
        time.sleep(0.2)
        assert (heard.presses, heard.links) == told
    again = ready_again(foot)
    press(foot)
    until(lambda: again.ends)
    assert (heard.presses, heard.links) == told


def ready_again(foot: Foot) -> Heard:
    if foot.is_plugged:
        foot.pull_out()
    return ready(foot)


def test_it_starts_and_closes_at_once(foot: Foot) -> None:
    foot.plug_in()
    began = time.monotonic()
    Heard().listen_to(foot.pedal)
    started = time.monotonic()
    foot.pedal.close()
    assert started - began < 0.2
    assert time.monotonic() - started < 0.5


def test_a_receiver_that_fails_once_hears_the_next_press(
    foot: Foot, caplog: pytest.LogCaptureFixture
) -> None:
    heard = Heard()
    calls: list[PedalPress] = []

    def fail(told: PedalPress) -> None:
        calls.append(told)
        if len(calls) == 1:
            raise ValueError("a fault of ours")
        heard.presses.append(told)

    foot.plug_in()
    foot.pedal.start(fail, heard.links.append)
    until(lambda: heard.connected() or not foot.is_plugged)
    time.sleep(0.3)
    press(foot)
    until(lambda: len(calls) > foot.tells_release)
    time.sleep(0.1)
    n = len(heard.presses)
    press(foot)
    until(lambda: len(heard.presses) > n)
    assert "a fault of ours" in caplog.text


def test_a_pedal_that_is_pulled_out_is_told_and_heard_again_when_it_is_back(serial_foot: Foot) -> None:
    foot = serial_foot
    heard = Heard()
    heard.listen_to(foot.pedal)
    until(heard.lost)
    for n in (1, 2):
        foot.plug_in()
        until(heard.connected, timeout_s=3)
        time.sleep(0.3)
        press(foot)
        until(lambda n=n: len(heard.ends) == n)  # type: ignore[misc]
        began = time.monotonic()
        foot.pull_out()
        until(heard.lost)
        assert time.monotonic() - began < 2
    foot.pedal.close()
    assert heard.ends == [Gesture.SHORT] * 2
    assert heard.states == [LinkState.LOST, *[LinkState.CONNECTED, LinkState.LOST] * 2]
    address = foot.pedal.identity.rpartition(" (")[0]
    assert all(e.words.startswith(f"The pedal at {address} is ") for e in heard.links)
    assert heard.links[2].words.endswith("Plug it in again.")
    assert {e.source for e in heard.links} == {foot.pedal.identity}


def test_a_press_under_way_when_the_pedal_is_pulled_out_means_nothing(serial_foot: Foot) -> None:
    foot = serial_foot
    if not foot.tells_release:
        pytest.skip("this pedal sends whole presses")
    heard = ready(foot)
    foot.down()
    until(lambda: heard.presses)
    foot.pull_out()
    until(heard.lost)
    assert [p.gesture for p in heard.presses] == [Gesture.BEGAN]


def test_the_end_of_standard_input_is_told(tmp_path: Path) -> None:
    foot = KeyboardFoot(tmp_path)
    heard = ready(foot)
    foot.pull_out()
    until(heard.lost)
    assert heard.links[0].words == "Standard input has ended: there is no key to press any more."
    foot.pedal.close()

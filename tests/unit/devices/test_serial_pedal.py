"""Bounces, floods, and ports that are no good for a contact."""

from __future__ import annotations

import itertools
import threading
import time
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest

from armicro.contracts.devices import Gesture, LinkState, PedalPress
from armicro.devices.gestures import MS, GestureParams
from armicro.devices.pedal_profile import PedalProfile
from armicro.devices.pedal_protocols import ByteProtocol, Contact, LineProtocol
from armicro.devices.serial_pedal import POLL_S, SerialPedal
from tests.serial_rig import Heard, PtyPlug, SwitchPlug, until

BUSY_MS = 150
"""A debounce time that bears with a busy machine, which stretches the 30 ms of a bounce, ms."""


@pytest.fixture
def plug(tmp_path: Path) -> Iterator[PtyPlug]:
    made = PtyPlug(tmp_path)
    made.plug_in()
    yield made
    made.pull_out()


@pytest.fixture
def switch() -> SwitchPlug:
    made = SwitchPlug()
    made.plug_in()
    return made


def listening(pedal: SerialPedal) -> Heard:
    heard = Heard()
    heard.listen_to(pedal)
    until(heard.connected)
    time.sleep(0.3)
    return heard


def every(step_s: float, n: int) -> Iterator[int]:
    """Count up in time, without adding up what each step is late."""
    began = time.perf_counter()
    for k in range(n):
        time.sleep(max(0.0, began + k * step_s - time.perf_counter()))
        yield k


@pytest.mark.parametrize(
    ("speech", "down", "up", "gestures"),
    [
        (LineProtocol(), b"press\n", b"1\n", [Gesture.SHORT]),
        (ByteProtocol(68), b"D", b"D", [Gesture.SHORT]),
        (LineProtocol("d", release="u"), b"d\n", b"u\n", [Gesture.BEGAN, Gesture.SHORT]),
        (ByteProtocol(68, release=85), b"D", b"U", [Gesture.BEGAN, Gesture.SHORT]),
    ],
)
def test_fifty_edges_in_30_ms_on_a_line_are_one_press(
    plug: PtyPlug, speech: LineProtocol | ByteProtocol, down: bytes, up: bytes, gestures: list[Gesture]
) -> None:
    times = GestureParams(debounce_ms=BUSY_MS)
    pedal = SerialPedal(plug.address, PedalProfile(speech=speech, times=times))
    heard = listening(pedal)
    for k in every(0.0006, 50):
        plug.send(up if k % 2 else down)
    time.sleep(0.6)
    pedal.close()
    assert [p.gesture for p in heard.presses] == gestures


def test_fifty_edges_in_30_ms_on_a_contact_are_one_press(switch: SwitchPlug) -> None:
    times = GestureParams(debounce_ms=BUSY_MS)
    pedal = SerialPedal("COM1", PedalProfile(speech=Contact(), times=times), opener=switch.open)
    heard = listening(pedal)
    for edges in (50, 49):
        # Bounces while it closes, rests, bounces while it opens.
        for k in every(0.0006, edges):
            switch.port.cts = k % 2 == (edges == 49)
        switch.port.cts = edges == 50
        time.sleep(0.1)
    until(lambda: heard.ends)
    time.sleep(0.2)
    pedal.close()
    assert [p.gesture for p in heard.presses] == [Gesture.BEGAN, Gesture.SHORT]


@pytest.mark.slow
def test_a_flood_of_a_thousand_presses_in_ten_seconds(plug: PtyPlug, tmp_path: Path) -> None:
    other = PtyPlug(tmp_path / "other")
    other.place.parent.mkdir()
    other.plug_in()
    every_one = SerialPedal(plug.address, PedalProfile(times=GestureParams(debounce_ms=0)))
    thinned = SerialPedal(other.address)
    times: list[int] = []
    n_told = [0]

    def count(press: PedalPress) -> None:
        assert press.gesture is Gesture.SHORT
        n_told[0] += 1

    links = Heard()
    every_one.start(count, links.links.append)
    thinned.start(lambda p: times.append(p.t_ns), links.links.append)
    until(lambda: len(links.links) == 2)
    grown: list[int] = []
    tracemalloc.start()
    try:
        for k in every(0.01, 1000):
            plug.send(b"press\n")
            other.send(b"press\n")
            if k in (100, 999):
                grown.append(tracemalloc.get_traced_memory()[0])
    finally:
        tracemalloc.stop()
    until(lambda: n_told[0] >= 1000)
    time.sleep(0.1)
    every_one.close()
    thinned.close()
    other.pull_out()
    assert n_told == [1000]
    # The list of times here takes 40 bytes or so for each.
    assert grown[1] - grown[0] < 50_000 + 40 * len(times)
    # After one that counts the next counts 30 ms later: every third, or fourth where one comes early.
    assert 250 <= len(times) <= 334
    gaps = [b - a for a, b in itertools.pairwise(times)]
    assert min(gaps) >= 30 * MS


def flood(switch: SwitchPlug, times: GestureParams, down_ns: int, up_ns: int) -> tuple[list[PedalPress], int]:
    """Press a thousand times and look as often as the pedal does; return what is told and how memory grew."""
    now_ns = 0
    pedal = SerialPedal("COM1", PedalProfile(speech=Contact(), times=times), clock=lambda: now_ns)
    user = pedal._user()
    at_once = threading.Event()
    at_once.set()
    told: list[PedalPress] = []
    user.opened(switch.port)
    begin_ns, step_ns, period_ns = 1000 * MS, round(POLL_S * 1e9), down_ns + up_ns
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        while now_ns < begin_ns + 1000 * period_ns + 1000 * MS:
            since_ns = now_ns - begin_ns
            switch.port.cts = 0 <= since_ns < 1000 * period_ns and since_ns % period_ns < down_ns
            told += user.poll(switch.port, at_once)
            now_ns += step_ns
        grown = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    return told, grown - 200 * len(told)


def test_a_contact_that_closes_a_thousand_times_in_ten_seconds(switch: SwitchPlug) -> None:
    quick = GestureParams(debounce_ms=3, double_ms=None)
    told, grown = flood(switch, quick, 4 * MS, 6 * MS)
    assert [p.gesture for p in told] == [Gesture.BEGAN, Gesture.SHORT] * 1000
    assert grown < 20_000
    # With the usual debounce time it never was open: one press, a long one.
    told, _ = flood(switch, GestureParams(), 4 * MS, 6 * MS)
    assert [p.gesture for p in told] == [Gesture.BEGAN, Gesture.LONG]
    # As fast as the usual debounce time allows, with double presses.
    told, _ = flood(switch, GestureParams(double_ms=None), 20 * MS, 40 * MS)
    assert [p.gesture for p in told] == [Gesture.BEGAN, Gesture.SHORT] * 1000
    told, _ = flood(switch, GestureParams(), 20 * MS, 40 * MS)
    assert [p.gesture for p in told] == [Gesture.BEGAN, Gesture.DOUBLE] * 500


def test_a_contact_that_is_closed_at_first_is_told_and_heard_when_it_was_open(switch: SwitchPlug) -> None:
    switch.port.cts = True
    pedal = SerialPedal("COM1", PedalProfile(speech=Contact()), opener=switch.open)
    heard = Heard()
    heard.listen_to(pedal)
    until(heard.lost)
    assert "Take the foot off; if nobody stands on it, set active_high = false" in heard.links[0].words
    switch.port.cts = False
    until(heard.connected, timeout_s=3)
    time.sleep(0.1)
    assert heard.presses == []
    switch.port.cts = True
    until(lambda: heard.presses)
    pedal.close()
    assert heard.ends == [Gesture.SHORT]
    assert heard.states == [LinkState.LOST, LinkState.CONNECTED, LinkState.CLOSED]


def test_a_port_without_modem_lines_is_told_once(plug: PtyPlug) -> None:
    pedal = SerialPedal(plug.address, PedalProfile(speech=Contact()))
    heard = Heard()
    heard.listen_to(pedal)
    until(heard.lost)
    time.sleep(1.0)
    pedal.close()
    assert [e.state for e in heard.links] == [LinkState.LOST]
    assert "use a port with modem lines, or a pedal that sends lines" in heard.links[0].words


@pytest.mark.parametrize(
    ("speech", "sent"),
    [
        (LineProtocol("s", long="l+", double="d"), b"S\nlll\nx\nd\n"),
        (ByteProtocol(1, long=2, double=3), b"\x01\x02\x09\x03"),
    ],
)
def test_gestures_that_a_pedal_tells_itself(
    plug: PtyPlug, speech: LineProtocol | ByteProtocol, sent: bytes
) -> None:
    pedal = SerialPedal(plug.address, PedalProfile(speech=speech, times=GestureParams(debounce_ms=0)))
    heard = listening(pedal)
    plug.send(sent)
    until(lambda: len(heard.presses) == 3)
    pedal.close()
    assert heard.ends == [Gesture.SHORT, Gesture.LONG, Gesture.DOUBLE]


@pytest.mark.parametrize("protocol", [LineProtocol, ByteProtocol])
def test_a_pedal_either_tells_gestures_or_its_release(protocol: type[LineProtocol | ByteProtocol]) -> None:
    with pytest.raises(ValueError, match="tells its release has no"):
        protocol(release=2, long=3)  # type: ignore[arg-type]


def test_patterns_and_bytes_are_checked() -> None:
    with pytest.raises(ValueError, match="pattern of press"):
        LineProtocol("(")
    with pytest.raises(ValueError, match="have to be different, each 0 to 255"):
        ByteProtocol(256)
    with pytest.raises(ValueError, match="have to be different, each 0 to 255"):
        ByteProtocol(1, release=1)

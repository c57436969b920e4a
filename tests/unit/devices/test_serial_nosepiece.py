"""A nosepiece on a pseudo terminal: asked, turned, pulled out, silent."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from armicro.app.profiles import load_nosepiece_profile
from armicro.contracts.devices import LinkState
from armicro.devices.nosepiece_profile import NosepieceProfile
from armicro.devices.serial_nosepiece import SerialNosepiece
from armicro.devices.serial_port import Port, PortSettings, open_port
from tests.serial_rig import Heard, PtyPlug, until

OLYMPUS = load_nosepiece_profile("olympus-bx")


class Stand:
    """The far end of an Olympus stand, and a nosepiece that listens to it."""

    def __init__(self, folder: Path) -> None:
        self.plug = PtyPlug(folder)
        self.heard = Heard()
        self.opened: list[PortSettings] = []
        self.nosepiece = SerialNosepiece(self.plug.address, OLYMPUS, opener=self._open)

    def _open(self, address: str, settings: PortSettings) -> Port:
        self.opened.append(settings)
        return open_port(address, settings)

    def start(self) -> None:
        self.nosepiece.start(self.heard.positions.append, self.heard.links.append)

    def question(self) -> bytes:
        asked = b""

        def whole() -> bool:
            nonlocal asked
            asked += self.plug.received()
            return asked.endswith(b"\n")

        until(whole)
        return asked

    def positions(self) -> list[int | None]:
        return [p.position for p in self.heard.positions]


@pytest.fixture
def stand(tmp_path: Path) -> Iterator[Stand]:
    made = Stand(tmp_path)
    yield made
    made.nosepiece.close()
    made.plug.pull_out()


def test_it_is_asked_and_tells_when_it_turns(stand: Stand) -> None:
    stand.plug.plug_in()
    stand.start()
    assert stand.question() == b"1OB?\r\n"
    assert stand.opened == [PortSettings(19200, 8, "E", 2)]
    began_ns = time.monotonic_ns()
    stand.plug.send(b"1OB 2\r\n")
    until(lambda: stand.heard.positions)
    for line in (
        b"1OBM X\r\n",
        b"1OB",
        b"M 5\r\n",
        b"1LMP 9.0\r\n1OB !,E0101\r\n1OB +\r\n1OBM 0\r\n",
        b"1obm 3\n",
    ):
        stand.plug.send(line)
        time.sleep(0.06)
    until(lambda: len(stand.heard.positions) == 4)
    assert stand.positions() == [2, None, 5, 3]
    times = [p.t_ns for p in stand.heard.positions]
    assert began_ns <= times[0]
    assert times == sorted(times)
    assert times[-1] <= time.monotonic_ns()


def test_it_is_asked_again_after_it_was_pulled_out(stand: Stand) -> None:
    stand.start()
    until(stand.heard.lost)
    for n in (1, 2):
        stand.plug.plug_in()
        assert stand.question() == b"1OB?\r\n"
        stand.plug.send(b"1OB %d\r\n1OBM" % n)
        until(lambda n=n: len(stand.heard.positions) == n)  # type: ignore[misc]
        began = time.monotonic()
        stand.plug.pull_out()
        until(stand.heard.lost)
        assert time.monotonic() - began < 2
    assert stand.positions() == [1, 2]
    assert stand.heard.states == [LinkState.LOST, *[LinkState.CONNECTED, LinkState.LOST] * 2]
    assert stand.heard.links[-1].words.startswith(f"The nosepiece at {stand.plug.address} is gone: ")


def test_one_that_does_not_answer_is_asked_again_until_it_does(
    stand: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("armicro.devices.serial_nosepiece.ASK_AGAIN_S", 0.2)
    stand.plug.plug_in()
    stand.start()
    assert [stand.question(), stand.question()] == [b"1OB?\r\n"] * 2
    stand.plug.send(b"1OB 4\r\n")
    until(lambda: stand.heard.positions)
    time.sleep(0.1)
    stand.plug.received()
    time.sleep(0.5)
    assert stand.plug.received() == b""


def test_nothing_is_heard_after_close(stand: Stand) -> None:
    stand.plug.plug_in()
    stand.start()
    stand.question()
    stand.nosepiece.close()
    stand.nosepiece.close()
    assert stand.heard.states == [LinkState.CONNECTED, LinkState.CLOSED]
    stand.plug.send(b"1OBM 3\r\n")
    time.sleep(0.2)
    assert stand.heard.positions == []


def test_patterns_are_checked() -> None:
    with pytest.raises(ValueError, match="pattern of between"):
        NosepieceProfile("a", "1", "(.)", "(")
    with pytest.raises(ValueError, match="no \\(group\\) for the position"):
        NosepieceProfile("a", "1", "at .")

"""Lines out of bytes, and a link to a port that comes, goes, hangs and fails."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from armicro.contracts.devices import LinkEvent, LinkState
from armicro.contracts.errors import DeviceError
from armicro.devices.line_cutter import LineCutter
from armicro.devices.serial_link import SerialLink
from armicro.devices.serial_port import Port, PortSettings, open_port

S = 1_000_000_000


def until(holds: Callable[[], object]) -> None:
    end = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.005)


def test_lines_are_cut_wherever_the_bytes_are() -> None:
    lines = LineCutter()
    assert lines.feed(b"pre", 0) == []
    assert lines.feed(b"ss\r\n\r\n 1 \nno", 5) == [("press", 0), ("1", 5)]
    assert lines.feed(b"\xff\n", 6) == [("no\ufffd", 5)]


def test_what_is_longer_than_a_line_is_passed_over_to_its_end() -> None:
    lines = LineCutter()
    assert lines.feed(b"x" * 10_000, 0) == []
    assert lines.feed(b"x" * 10_000 + b"press\n", 1) == []
    assert lines.feed(b"press\n", 2) == [("press", 2)]
    assert lines.feed(b"y" * 300 + b"\n", 3) == []


def test_a_line_is_dated_back_by_little_and_noise_of_a_plug_is_forgotten() -> None:
    lines = LineCutter()
    lines.feed(b"pr", S)
    assert lines.feed(b"ess\n", S + S // 2) == [("press", S + S // 2 - S // 10)]
    lines.feed(b"\x00\xff", 2 * S)
    assert lines.feed(b"press\n", 4 * S) == [("press", 4 * S)]


@given(st.lists(st.sampled_from([b"press", b"1", b"\xfe", b"", b"z" * 256]), max_size=20), st.data())
def test_where_the_bytes_are_divided_changes_nothing(texts: list[bytes], data: st.DataObject) -> None:
    whole = b"".join(t + b"\r\n" for t in texts)
    lines, found, at = LineCutter(), [], 0
    while at < len(whole):
        n = data.draw(st.integers(1, 300))
        found += [text for text, _ in lines.feed(whole[at : at + n], at)]
        at += n
    assert found == [t.decode("utf-8", "replace") for t in texts if t]


class Echo:
    """Tells each chunk that comes; made to fail by `trouble`."""

    def __init__(self, trouble: Exception | None = None) -> None:
        self.trouble = trouble
        self.ends: list[bool] = []

    def opened(self, port: Port) -> Sequence[bytes]:
        port.write(b"hello")
        return []

    def poll(self, port: Port, stop: threading.Event) -> Sequence[bytes]:
        del stop
        if self.trouble is not None:
            raise self.trouble
        data = port.read(5)
        return [data] if data else []

    def ended(self, *, lost: bool) -> Sequence[bytes]:
        self.ends.append(lost)
        return [b"end"]


def link_to(address: str, **more: Callable[..., Port]) -> SerialLink[bytes]:
    return SerialLink(address, "pedal", "foot", PortSettings(), **more)  # type: ignore[arg-type]


def test_a_looped_port_from_beginning_to_end() -> None:
    pytest.importorskip("serial")
    link, user, told = link_to("loop://"), Echo(), list[bytes]()
    links: list[LinkEvent] = []
    for _ in range(2):
        link.start(user, told.append, links.append)
        until(lambda: b"hello" in told)
        began = time.monotonic()
        link.close()
        link.close()
        assert time.monotonic() - began < 0.5
        assert told == [b"hello", b"end"]
        told.clear()
    assert [e.state for e in links] == [LinkState.CONNECTED, LinkState.CLOSED] * 2
    assert links[0].words == "The pedal at loop:// is connected."
    assert {e.source for e in links} == {"foot"}
    assert user.ends == [False, False]


@pytest.mark.parametrize("trouble", [OSError("unplugged"), RuntimeError("unplugged")])
def test_any_fault_of_a_driver_is_a_lost_line_that_is_tried_again(trouble: Exception) -> None:
    pytest.importorskip("serial")
    link, user, told = link_to("loop://"), Echo(trouble), list[bytes]()
    links: list[LinkEvent] = []
    link.start(user, told.append, links.append)
    until(lambda: len(links) >= 4)
    user.trouble = None
    until(lambda: b"hello" in told)
    link.close()
    states = [e.state for e in links]
    assert states[:4] == [LinkState.CONNECTED, LinkState.LOST] * 2
    assert states[-2:] == [LinkState.CONNECTED, LinkState.CLOSED]
    assert links[1].words == "The pedal at loop:// is gone: unplugged. Plug it in again."


def test_a_port_that_is_not_there_is_told_once_and_tried_with_growing_pauses() -> None:
    tries: list[float] = []
    links: list[LinkEvent] = []

    def refuse(address: str, settings: PortSettings) -> Port:
        del address, settings
        tries.append(time.monotonic())
        raise DeviceError("no such port")

    link = link_to("COM9", opener=refuse)
    link.start(Echo(), lambda _: None, links.append)
    until(lambda: len(tries) == 3)
    link.close()
    assert [e.words for e in links] == ["The pedal at COM9 is not there: no such port"]
    assert tries[2] - tries[1] > 1.5 * (tries[1] - tries[0])


def test_a_driver_that_hangs_is_left_behind_and_not_heard_of(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("serial")
    monkeypatch.setattr("armicro.devices.serial_link._JOIN_S", 0.1)
    goes_on, told, links = threading.Event(), list[bytes](), list[LinkEvent]()

    def hang(address: str, settings: PortSettings) -> Port:
        goes_on.wait(10)
        return open_port(address, settings)

    link = link_to("loop://", opener=hang)
    link.start(Echo(), told.append, links.append)
    link.close()
    goes_on.set()
    until(lambda: not [t for t in threading.enumerate() if t.name == "armicro-serial"])
    assert (told, links) == ([], [])


def test_a_receiver_that_fails_does_not_end_the_line(caplog: pytest.LogCaptureFixture) -> None:
    pytest.importorskip("serial")
    heard: list[bytes] = []

    def fail(data: bytes) -> None:
        heard.append(data)
        raise ValueError("a fault of ours")

    link = link_to("loop://")
    link.start(Echo(), fail, lambda _: None)
    until(lambda: heard)
    link.close()
    assert heard == [b"hello", b"end"]
    assert "a receiver of bytes failed" in caplog.text


@pytest.mark.parametrize("address", ["nonsense://x", "socket://nowhere", "/dev/there-is-no-such-port", ""])
def test_what_cannot_be_opened_is_said_in_words(address: str) -> None:
    pytest.importorskip("serial")
    with pytest.raises(DeviceError, match=r"\w"):
        open_port(address, PortSettings())


def test_a_rate_has_to_be_above_zero() -> None:
    with pytest.raises(ValueError, match="baud"):
        PortSettings(baud=0)

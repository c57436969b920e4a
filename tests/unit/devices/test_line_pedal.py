"""Lines that are presses, and a line that goes away and comes back."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from armicro.contracts.devices import Gesture, LinkEvent, LinkState, PedalPress
from armicro.devices.line_pedal import ConsolePedal, LineSplitter, SerialLinePedal

pty = pytest.importorskip("pty", reason="pseudo terminals are there on Linux and macOS")


def until(holds: Callable[[], object]) -> None:
    end = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_lines_are_cut_wherever_the_bytes_are() -> None:
    lines = LineSplitter()
    assert lines.feed(b"pre") == []
    assert lines.feed(b"ss\r\n\r\n 1 \nno") == ["press", "1"]
    assert lines.feed(b"\xff\n") == ["no\ufffd"]
    assert lines.feed(b"x" * 10_000) == []
    assert lines.feed(b"\npress\n") == ["press"]


def test_a_serial_pedal_comes_when_it_is_plugged_in_and_comes_back(tmp_path: Path) -> None:
    pytest.importorskip("serial")
    import tty

    place = tmp_path / "pedal"
    presses: list[PedalPress] = []
    links: list[LinkEvent] = []
    pedal = SerialLinePedal(str(place))
    pedal.start(presses.append, links.append)
    try:
        for n in (1, 2):
            until(lambda: links and links[-1].state is LinkState.LOST)
            foot, far = pty.openpty()
            tty.setraw(far)
            place.symlink_to(os.ttyname(far))
            until(lambda: links[-1].state is LinkState.CONNECTED)
            os.write(foot, b"noise\npress\n")
            until(lambda n=n: len(presses) == n)  # type: ignore[misc]
            place.unlink()
            os.close(far)
            os.close(foot)
    finally:
        pedal.close()
        pedal.close()
    assert {p.gesture for p in presses} == {Gesture.SHORT}
    assert not [t for t in threading.enumerate() if t.name == "armicro-pedal"]


def test_enter_is_a_press_and_the_end_of_input_is_told() -> None:
    near, far = os.pipe()
    presses: list[PedalPress] = []
    links: list[LinkEvent] = []
    pedal = ConsolePedal(near)
    pedal.start(presses.append, links.append)
    os.write(far, b"\n\n")
    until(lambda: len(presses) == 2)
    os.close(far)
    until(lambda: links)
    assert links[0].state is LinkState.LOST
    pedal.close()
    os.close(near)

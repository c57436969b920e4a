"""Enter at a terminal is a press."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable

import pytest

from armicro.contracts.devices import LinkEvent, LinkState, PedalPress
from armicro.devices.console_pedal import ConsolePedal


def until(holds: Callable[[], object]) -> None:
    end = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.01)


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


def test_where_a_read_cannot_be_ended_nobody_hears_of_it_any_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("armicro.devices.console_pedal._CAN_WAIT", False)
    near, far = os.pipe()
    presses: list[PedalPress] = []
    links: list[LinkEvent] = []
    pedal = ConsolePedal(near)
    pedal.start(presses.append, links.append)
    os.write(far, b"\n")
    until(lambda: presses)
    began = time.monotonic()
    pedal.close()
    assert time.monotonic() - began < 0.5
    os.write(far, b"\n")
    until(lambda: not [t for t in threading.enumerate() if t.name == "armicro-keyboard"])
    assert (len(presses), links) == (1, [])
    os.close(far)
    os.close(near)

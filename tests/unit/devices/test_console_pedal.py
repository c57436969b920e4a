"""Enter at a terminal is a press."""

from __future__ import annotations

import os
import time
from collections.abc import Callable

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

"""A key as a pedal: short, long and double, with the times of a foot."""

from __future__ import annotations

import pytest

from armicro.contracts.devices import Gesture, PedalPress
from armicro.devices.key_pedal import KeyPedal

MS = 1_000_000
BEGAN, SHORT, LONG, DOUBLE = Gesture.BEGAN, Gesture.SHORT, Gesture.LONG, Gesture.DOUBLE


@pytest.fixture
def heard() -> list[PedalPress]:
    return []


@pytest.fixture
def key(heard: list[PedalPress]) -> KeyPedal:
    return KeyPedal(heard.append, "space bar")


def gestures(heard: list[PedalPress]) -> list[Gesture]:
    return [p.gesture for p in heard]


def test_a_short_press_begins_at_once_and_is_told_when_no_second_can_follow(
    key: KeyPedal, heard: list[PedalPress]
) -> None:
    key.edge(1000 * MS, down=True)
    assert gestures(heard) == [BEGAN]
    key.edge(1100 * MS, down=False)
    assert key.due_ns == 1130 * MS
    key.advance(1130 * MS)
    assert gestures(heard) == [BEGAN]
    assert key.due_ns == 1400 * MS
    key.advance(1400 * MS)
    assert [(p.gesture, p.t_ns // MS, p.source) for p in heard] == [
        (BEGAN, 1000, "space bar"), (SHORT, 1000, "space bar"),
    ]  # fmt: skip
    assert key.due_ns is None


def test_a_long_press_is_told_while_the_key_is_down(key: KeyPedal, heard: list[PedalPress]) -> None:
    key.edge(0, down=True)
    key.advance(600 * MS)
    assert gestures(heard) == [BEGAN, LONG]
    key.edge(900 * MS, down=False)
    key.advance(2000 * MS)
    assert gestures(heard) == [BEGAN, LONG]


def test_two_presses_are_one_double(key: KeyPedal, heard: list[PedalPress]) -> None:
    for t, down in ((0, True), (80, False), (230, True), (300, False)):
        key.edge(t * MS, down=down)
    key.advance(2000 * MS)
    assert gestures(heard) == [BEGAN, DOUBLE]


def test_repeats_that_the_keyboard_does_not_mark_are_one_press(
    key: KeyPedal, heard: list[PedalPress]
) -> None:
    for t in range(0, 300, 30):
        key.edge(t * MS, down=True)
        key.edge((t + 29) * MS, down=False)
    key.advance(2000 * MS)
    assert gestures(heard) == [BEGAN, SHORT]


def test_at_the_end_a_press_that_is_over_counts_and_one_under_way_does_not(
    key: KeyPedal, heard: list[PedalPress]
) -> None:
    key.edge(0, down=True)
    key.edge(50 * MS, down=False)
    key.advance(100 * MS)
    key.finish()
    assert gestures(heard) == [BEGAN, SHORT]
    key.edge(1000 * MS, down=True)
    key.finish()
    key.advance(3000 * MS)
    assert gestures(heard) == [BEGAN, SHORT, BEGAN]

"""Frames for a measurement: each once, no more than asked for, and an end that can be asked for."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest

from armicro.contracts.arrays import U8
from armicro.contracts.errors import CalibrationError
from armicro.contracts.frame import Frame, Optics
from armicro.session.frame_feed import FrameFeed


def frame(number: int) -> Frame:
    rgb = np.zeros((4, 4, 3), np.uint8)
    rgb[0, 0, :2] = divmod(number, 256)
    return Frame(rgb, number, number, Optics(0.25), "test")


def number_of(rgb: U8) -> int:
    return 256 * int(rgb[0, 0, 0]) + int(rgb[0, 0, 1])


def test_each_frame_is_taken_once_and_only_as_many_as_wanted() -> None:
    feed = FrameFeed(3)
    seen: list[int] = []
    reader = threading.Thread(target=lambda: seen.extend(map(number_of, feed)))
    reader.start()
    number = 0
    while feed.taken < 3:
        feed.feed(frame(number))
        assert not feed.feed(frame(number))
        number += 1
        time.sleep(0.002)
    reader.join(10)
    assert len(seen) == len(set(seen)) == 3
    assert seen == sorted(seen)
    assert not feed.feed(frame(number + 1))


def test_a_slow_reader_holds_few_frames() -> None:
    feed = FrameFeed(10)
    assert [feed.feed(frame(n)) for n in range(5)] == [True, True, False, False, False]


def test_cancelled_it_ends_in_words() -> None:
    feed = FrameFeed(3)
    feed.feed(frame(0))
    feed.cancel()
    with pytest.raises(CalibrationError, match="nothing was kept"):
        list(feed)
    assert not feed.feed(frame(1))


def test_without_pictures_it_does_not_wait_for_ever() -> None:
    with pytest.raises(CalibrationError, match="no pictures"):
        list(FrameFeed(2, patience_s=0.1))

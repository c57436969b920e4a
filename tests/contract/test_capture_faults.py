"""The capture loop and the simulated slide together, in real time: each fault is noticed within 2 s."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from armicro.contracts.devices import CameraEvent, CameraEventKind, Exposure
from armicro.devices.capture import CaptureLoop
from armicro.sim.case import CaseParams
from armicro.sim.slide import SimulatedSlide, SlideParams

K = CameraEventKind


class Watched:
    """A running capture, and what it told so far."""

    def __init__(self, slide: SimulatedSlide) -> None:
        self.slide = slide
        self.loop = CaptureLoop(slide)
        self.exposures: list[Exposure] = []
        self._events: list[CameraEvent] = []
        self._changed = threading.Condition()
        self.loop.start(self.exposures.append, self._hear)

    def _hear(self, event: CameraEvent) -> None:
        with self._changed:
            self._events.append(event)
            self._changed.notify_all()

    def next_event(self, timeout_s: float = 2.0) -> CameraEvent:
        with self._changed:
            assert self._changed.wait_for(lambda: self._events, timeout_s), f"no news within {timeout_s} s"
            return self._events.pop(0)


@pytest.fixture(scope="module")
def slide() -> SimulatedSlide:
    return SimulatedSlide(3, SlideParams(CaseParams(um_per_px=0.25, shape_px=(200, 200)), (80, 100), grid=1))


@pytest.fixture
def watched(slide: SimulatedSlide) -> Iterator[Watched]:
    before = set(threading.enumerate())
    slide.faults.clear()
    watched = Watched(slide)
    assert watched.next_event(10).kind is K.OPENED
    yield watched
    watched.loop.close()
    assert watched.loop.failure is None
    assert set(threading.enumerate()) <= before


def test_a_pulled_cable(watched: Watched) -> None:
    time.sleep(0.1)
    watched.slide.faults.lose(for_s=0.4)
    assert watched.next_event().kind is K.LOST
    seen = len(watched.exposures)
    assert watched.next_event().kind is K.RECOVERED
    time.sleep(0.2)
    assert len(watched.exposures) > seen + 1


def test_a_stall(watched: Watched) -> None:
    time.sleep(0.1)
    watched.slide.faults.stall(for_s=1.8)
    event = watched.next_event()
    assert event.kind is K.STALLED
    assert event.info is not None
    assert event.info.name == "Simulated slide"
    assert watched.next_event().kind is K.RECOVERED


def test_incomplete_pictures_and_another_shape(watched: Watched) -> None:
    watched.slide.faults.tear(0.3, for_s=0.7)
    assert watched.next_event().kind is K.INCOMPLETE
    watched.slide.faults.change_shape((60, 70))
    event = watched.next_event()
    assert event.kind is K.FORMAT_CHANGED
    assert event.info is not None
    assert event.info.shape_px == (60, 70)
    assert watched.next_event(4.0).kind is K.RECOVERED

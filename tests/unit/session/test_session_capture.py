"""From a press to a kept field: which frame, in which order, and when it is refused."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import numpy as np
import pytest

from armicro.contracts.devices import CameraEventKind, Gesture, LinkEvent, LinkState, PedalPress
from armicro.contracts.errors import StoreError
from armicro.contracts.frame import Frame
from armicro.session.commands import Capture
from armicro.session.parts import SessionLimits
from armicro.session.view import SessionState
from armicro.store.memory import MemoryCase
from tests.session_rig import MS, Rig, tissue

State = SessionState


def frames_of(rig: Rig) -> list[int]:
    """Which frames were captured, by field number."""
    frames = (rig.session.field_frame(f.number) for f in rig.session.snapshot().fields)
    return [f.frame_id for f in frames if f is not None]


def test_states_from_idle_to_closed(rig: Rig) -> None:
    assert rig.session.snapshot().state is State.IDLE
    rig.expose()
    assert rig.session.snapshot().state is State.LIVE
    rig.press()
    assert rig.session.snapshot().state is State.CAPTURING
    rig.expose()
    rig.until(lambda: rig.session.snapshot().state is State.LIVE)
    rig.event(CameraEventKind.LOST)
    assert rig.session.snapshot().state is State.FAULT
    rig.event(CameraEventKind.RECOVERED)
    assert rig.session.snapshot().state is State.IDLE
    rig.expose()
    assert rig.session.snapshot().state is State.LIVE
    rig.session.close()
    assert rig.session.snapshot().state is State.CLOSED
    rig.session.close()


def test_ten_presses_are_ten_fields_in_order(rig: Rig) -> None:
    expected = []
    for place in range(10):
        rig.expose(place)
        rig.press()
        expected.append(rig.expose(place))
    rig.scored(10)
    snapshot = rig.session.snapshot()
    assert [f.number for f in snapshot.fields] == list(range(1, 11))
    assert frames_of(rig) == expected
    assert snapshot.summary is not None
    for category, n in snapshot.summary.counts.items():
        assert n == sum(f.counts[category] for f in snapshot.fields)
    rig.until(lambda: rig.kinds().count("captured") == rig.kinds().count("scored") == 10)
    assert len(rig.detector.threads) == 1


def test_the_frame_after_the_press_is_captured(rig: Rig) -> None:
    rig.expose(1)
    rig.press()
    after = rig.expose(1)
    rig.until(lambda: frames_of(rig) == [after])


def test_the_frame_before_is_captured_when_the_stage_moves_on(rig: Rig) -> None:
    before = rig.expose(1)
    rig.press()
    rig.expose(2)
    rig.until(lambda: frames_of(rig) == [before])


def test_a_press_told_late_still_finds_its_frames(rig: Rig) -> None:
    rig.expose(1)
    t_ns = rig.now_ns + 10 * MS
    after = rig.expose(1)
    rig.expose(2)
    rig.session.on_press(PedalPress(Gesture.SHORT, t_ns, "pedal"))
    rig.until(lambda: frames_of(rig) == [after])


def test_a_key_captures_like_the_pedal(rig: Rig) -> None:
    rig.expose(1)
    rig.session.do(Capture(rig.now_ns + MS))
    after = rig.expose(1)
    rig.until(lambda: frames_of(rig) == [after])


def test_a_foot_that_goes_down_catches_the_field_at_once(rig: Rig) -> None:
    rig.expose(1)
    began = rig.press(Gesture.BEGAN)
    caught = rig.expose(1)
    rig.expose(2)
    assert rig.session.snapshot().state is State.CAPTURING
    assert rig.session.snapshot().fields == ()
    rig.session.on_press(PedalPress(Gesture.SHORT, began, "pedal"))
    rig.until(lambda: frames_of(rig) == [caught])


def test_a_long_press_captures_nothing_and_toggles_the_overlay(rig: Rig) -> None:
    rig.expose(1)
    rig.press(Gesture.BEGAN)
    rig.expose(1)
    rig.press(Gesture.LONG)
    assert not rig.session.snapshot().overlay_on
    assert rig.session.snapshot().state is State.LIVE
    assert rig.cases[0].presses_ns == ()


def test_a_double_press_takes_the_last_field_back(rig: Rig) -> None:
    rig.capture(1, 1)
    rig.capture(2, 2)
    rig.press(Gesture.BEGAN)
    rig.expose(2)
    rig.press(Gesture.DOUBLE)
    assert [f.number for f in rig.session.snapshot().fields] == [1]
    rig.scored(1)


def test_a_press_without_a_frame_after_it_is_refused_in_words(rig: Rig) -> None:
    rig.expose(1)
    rig.press()
    rig.now_ns += 2100 * MS
    rig.until(lambda: "no picture came within 2 s" in rig.notices())
    assert rig.session.snapshot().state is State.LIVE
    rig.expose(1)
    assert rig.cases[0].presses_ns == ()


def test_a_press_before_any_picture_is_refused(rig: Rig) -> None:
    rig.press()
    assert "the camera has given no picture yet" in rig.notices()


def test_presses_are_refused_while_a_fault_blanks(rig: Rig) -> None:
    rig.expose(1)
    rig.press()
    rig.event(CameraEventKind.LOST, "The cable is out.")
    assert "Not captured: The cable is out." in rig.notices()
    began = rig.press(Gesture.BEGAN)
    rig.event(CameraEventKind.RECOVERED)
    rig.expose(1)
    # The foot went down while nothing could be captured: its coming up captures nothing either.
    rig.session.on_press(PedalPress(Gesture.SHORT, began, "pedal"))
    rig.expose(1)
    assert rig.session.snapshot().fields == ()
    rig.capture(1, 1)


def test_one_frame_is_captured_once(rig: Rig) -> None:
    rig.expose(1)
    rig.press(after_ms=10)
    rig.press(after_ms=20)
    rig.expose(1)
    rig.until(lambda: len(frames_of(rig)) == 1)
    assert "captured already" in rig.notices()


def test_the_same_place_twice_is_told(rig: Rig) -> None:
    rig.capture(1, 1)
    rig.capture(2, 2)
    rig.capture(1, 3)
    assert "same place as field 1" in rig.session.snapshot().fields[2].warnings[0]


def test_a_pedal_that_goes_away_takes_its_press_along(rig: Rig) -> None:
    rig.expose(1)
    rig.press(Gesture.BEGAN)
    rig.expose(1)
    rig.session.on_pedal_link(LinkEvent(LinkState.LOST, "The pedal is gone.", rig.now_ns, "pedal"))
    assert rig.session.snapshot().faults[0].words == "The pedal is gone."
    assert rig.session.snapshot().state is State.LIVE
    rig.session.on_pedal_link(LinkEvent(LinkState.CONNECTED, "It is back.", rig.now_ns, "pedal"))
    assert rig.session.snapshot().faults == ()
    assert rig.cases[0].presses_ns == ()


class _SlowCase(MemoryCase):
    def __init__(self, gate: threading.Event) -> None:
        super().__init__()
        self.gate = gate

    def keep(self, frame: Frame, press_ns: int) -> int:
        self.gate.wait(10)
        return super().keep(frame, press_ns)


def test_a_flood_of_presses_is_bounded_and_in_order(make_rig: Callable[..., Rig]) -> None:
    gate = threading.Event()
    case = _SlowCase(gate)
    rig = make_rig(SessionLimits(waiting_captures=4), open_case=lambda _: case)
    chosen = []
    for place in range(30):
        rig.expose(place)
        rig.press()
        chosen.append(rig.expose(place))
    assert "4 captured fields still wait to be written" in rig.notices()
    assert rig.session.snapshot().fields == ()
    gate.set()
    rig.scored(4)
    assert frames_of(rig) == chosen[:4]
    for place in range(100, 130):
        rig.capture(place)
    rig.scored(34)
    ids = frames_of(rig)
    assert ids == sorted(ids)


def test_captured_is_told_only_when_the_pixels_are_kept(make_rig: Callable[..., Rig]) -> None:
    gate = threading.Event()
    case = _SlowCase(gate)
    rig = make_rig(open_case=lambda _: case)
    rig.expose(1)
    rig.press()
    rig.expose(1)
    time.sleep(0.1)
    assert rig.kinds() == []
    assert rig.session.snapshot().state is State.CAPTURING
    gate.set()
    rig.until(lambda: rig.kinds()[:1] == ["captured"])
    np.testing.assert_array_equal(case.frame(1).rgb, tissue(1, 1))


def test_a_case_that_cannot_be_written_is_a_fault_and_recovers(make_rig: Callable[..., Rig]) -> None:
    class Full(MemoryCase):
        full = True

        def keep(self, frame: Frame, press_ns: int) -> int:
            if self.full:
                raise StoreError("the disk is full: make room")
            return super().keep(frame, press_ns)

    case = Full()
    rig = make_rig(open_case=lambda _: case)
    rig.expose(1)
    rig.press()
    rig.expose(1)
    rig.until(lambda: rig.session.snapshot().faults)
    snapshot = rig.session.snapshot()
    assert snapshot.faults[0].source == "store"
    assert "disk is full" in snapshot.faults[0].words
    assert snapshot.fields == ()
    assert snapshot.state is State.LIVE
    case.full = False
    rig.capture(2, 1)
    assert rig.session.snapshot().faults == ()


@pytest.mark.parametrize("width", [128, 700])
def test_thumbnails_are_small(rig: Rig, width: int) -> None:
    import cv2

    from armicro.contracts.devices import Exposure

    rgb = np.asarray(cv2.resize(tissue(1), (width, width // 2)), np.uint8)
    for k in range(2):
        rig.now_ns += 100 * MS
        rig.session.on_exposure(Exposure(rgb, k, rig.now_ns))
        if k == 0:
            rig.press()
    rig.until(lambda: rig.session.snapshot().fields)
    assert rig.session.snapshot().fields[0].thumbnail.shape == (min(width, 256) // 2, min(width, 256), 3)

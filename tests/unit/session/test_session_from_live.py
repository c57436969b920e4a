"""A press at rest captures the live frame whose reading is there, and reads nothing twice."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from armicro.assays.her2_ihc import analyse
from armicro.assays.recipe import Her2IhcRecipe
from armicro.contracts.devices import Gesture, PedalPress
from armicro.contracts.frame import Frame
from armicro.contracts.results import FovResult
from armicro.imaging.gate import GateLimits
from armicro.session.commands import SetStainProfile, SetThresholds, Undo
from armicro.session.parts import EventKind, SessionLimits
from armicro.store.memory import MemoryCase
from tests.session_rig import MS, THRESHOLDS, FakeDetector, Rig, profile


def look_on(rig: Rig, place: int) -> int:
    """Rest at a place until the reading of a frame is shown that was at rest; returns which."""
    rig.expose(place)
    rig.expose(place)
    rig.until(lambda: shown(rig) is not None)
    # Frames are read one by one: nothing is under way.
    rig.until(lambda: not rig.session._desk.live_lane.counts.waiting)
    while shown(rig) != rig.frame_id:
        now = rig.expose(place)
        rig.until(lambda now=now: shown(rig) == now)  # type: ignore[misc]
    return rig.frame_id


class Turnstile(threading.Event):
    """A gate that can let one pass, and the next stand before it."""

    def __init__(self) -> None:
        super().__init__()
        self._turns = threading.Semaphore(0)

    def wait(self, timeout: float | None = None) -> bool:
        return self.is_set() or self._turns.acquire(timeout=timeout)

    def set(self) -> None:
        super().set()
        self._turns.release(100)

    def let_one_through(self) -> None:
        self._turns.release()


def under_way(rig: Rig) -> int | None:
    """Return which frame is being read for the live picture, if one is."""
    with rig.session._desk.lock:
        work = rig.session._desk.live._under_way
        return None if work is None or work.ended else work.seen.frame.frame_id


def shown(rig: Rig) -> int | None:
    view = rig.session.live()
    return None if view is None else view.result_frame_id


def kept(rig: Rig, number: int) -> Frame:
    rig.until(lambda: len(rig.session.snapshot().fields) >= number)
    frame = rig.session.field_frame(number)
    assert frame is not None
    return frame


def result(rig: Rig, number: int) -> FovResult:
    rig.until(lambda: rig.session.snapshot().fields[number - 1].result is not None)
    found = rig.session.snapshot().fields[number - 1].result
    assert found is not None
    return found


def require_same(a: FovResult, b: FovResult) -> None:
    for name in a.cells.__dataclass_fields__:
        np.testing.assert_array_equal(getattr(a.cells, name), getattr(b.cells, name), err_msg=name)
    np.testing.assert_array_equal(a.others.yx_px, b.others.yx_px)
    assert (a.quality, a.provenance, a.shape) == (b.quality, b.provenance, b.shape)


def from_live(rig: Rig) -> list[bool]:
    # A field is in the snapshot a moment before its event is told.
    rig.until(lambda: rig.kinds().count(EventKind.CAPTURED) >= len(rig.session.snapshot().fields))
    return [bool(e.details["from_live"]) for e in rig.events if e.kind is EventKind.CAPTURED]


def analysed(frame: Frame, thresholds: object = THRESHOLDS) -> FovResult:
    by = replace(profile(), thresholds=thresholds)  # type: ignore[arg-type]
    return analyse(frame, Her2IhcRecipe(by, FakeDetector()))


def test_the_frame_that_was_looked_at_is_captured_with_its_reading(rig: Rig) -> None:
    looked_at = look_on(rig, 1)
    view = rig.session.live()
    assert view is not None
    assert view.result is not None
    rig.detector.gate.clear()
    calls = rig.detector.calls
    rig.press()
    rig.expose(1)
    frame = kept(rig, 1)
    assert frame.frame_id == looked_at
    # The detector stands still: this is the live picture's reading, to the last bit, and that of the pixels.
    require_same(result(rig, 1), view.result)
    require_same(result(rig, 1), analysed(frame))
    assert rig.detector.calls == calls
    assert from_live(rig) == [True]
    capture = next(e for e in rig.cases[0].events if e.kind == "capture")
    assert (capture.details["frame_id"], capture.details["from_live"]) == (looked_at, True)


def test_it_is_scored_and_the_next_place_too(rig: Rig) -> None:
    for place in range(5):
        look_on(rig, place)
        rig.press()
        rig.expose(place)
        rig.scored(place + 1)
    assert from_live(rig) == [True] * 5
    ids = [kept(rig, n).frame_id for n in range(1, 6)]
    assert ids == sorted(set(ids))
    for n in range(1, 6):
        require_same(result(rig, n), analysed(kept(rig, n)))


def test_when_the_stage_leaves_with_the_press_it_stands_in_for_the_frame_before(rig: Rig) -> None:
    looked_at = look_on(rig, 1)
    rig.detector.gate.clear()
    rig.expose(1)
    rig.press()
    rig.expose(2)
    assert kept(rig, 1).frame_id == looked_at
    result(rig, 1)


def test_after_a_move_the_rule_holds_as_it_is(rig: Rig) -> None:
    look_on(rig, 1)
    rig.detector.gate.clear()
    rig.expose(2)
    rig.press()
    after = rig.expose(2)
    assert kept(rig, 1).frame_id == after
    assert from_live(rig) == [False]
    rig.detector.gate.set()
    require_same(result(rig, 1), analysed(kept(rig, 1)))


def test_there_and_back_is_not_at_rest(rig: Rig) -> None:
    look_on(rig, 1)
    rig.detector.gate.clear()
    rig.expose(2)
    rig.expose(1)
    rig.press()
    after = rig.expose(1)
    assert kept(rig, 1).frame_id == after


def test_an_old_frame_does_not_stand_in(make_rig: Callable[..., Rig]) -> None:
    rig = make_rig(SessionLimits(stand_in_s=0.15))
    look_on(rig, 1)
    rig.detector.gate.clear()
    rig.expose(1)
    rig.until(lambda: not rig.session._desk.live_lane.counts.waiting)
    for _ in range(3):
        rig.expose(1)
    rig.press()
    after = rig.expose(1)
    assert kept(rig, 1).frame_id == after


def test_none_stands_in_where_that_is_switched_off(make_rig: Callable[..., Rig]) -> None:
    rig = make_rig(SessionLimits(stand_in_s=0.0))
    look_on(rig, 1)
    rig.press()
    after = rig.expose(1)
    assert kept(rig, 1).frame_id == after
    assert from_live(rig) == [False]


def test_a_reading_under_way_is_finished_for_the_field(rig: Rig) -> None:
    gate = rig.detector.gate = Turnstile()
    rig.expose(1)
    rig.until(lambda: not rig.session._desk.live_lane.counts.waiting)
    # The first frame of a place is not known to be at rest; the second is taken when the first is done.
    being_read = rig.expose(1)
    gate.let_one_through()
    rig.until(lambda: under_way(rig) == being_read)
    rig.press()
    rig.expose(1)
    frame = kept(rig, 1)
    assert frame.frame_id == being_read
    assert rig.session.snapshot().fields[0].result is None
    assert from_live(rig) == [True]
    gate.set()
    require_same(result(rig, 1), analysed(frame))


def test_a_reading_under_way_that_fails_leaves_a_field_that_is_read_again(rig: Rig) -> None:
    look_on(rig, 1)
    rig.expose(2)
    rig.until(lambda: not rig.session._desk.live_lane.counts.waiting)
    rig.expose(2)
    rig.until(lambda: shown(rig) == rig.frame_id)
    rig.detector.gate.clear()
    rig.detector.failing = "the engine is gone"
    for _ in range(12):
        rig.expose(2)
    rig.until(lambda: not rig.session._desk.live_lane.counts.waiting)
    rig.press()
    rig.expose(2)
    frame = kept(rig, 1)
    rig.detector.gate.set()
    rig.until(lambda: rig.session.snapshot().faults)
    rig.detector.failing = None
    rig.now_ns += 2000 * MS
    require_same(result(rig, 1), analysed(frame))


def test_two_presses_at_one_place_are_two_frames_and_the_second_is_told(rig: Rig) -> None:
    looked_at = look_on(rig, 1)
    rig.detector.gate.clear()
    rig.press()
    rig.expose(1)
    kept(rig, 1)
    rig.press()
    second = rig.expose(1)
    assert [kept(rig, n).frame_id for n in (1, 2)] == [looked_at, second]
    assert "same place as field 1" in rig.session.snapshot().fields[1].warnings[0]


def test_a_bouncing_switch_is_one_field(rig: Rig) -> None:
    look_on(rig, 1)
    rig.press(after_ms=10)
    rig.press(after_ms=15)
    rig.expose(1)
    rig.until(lambda: "captured already" in rig.notices())
    rig.scored(1)
    assert len(rig.session.snapshot().fields) == 1


def test_a_field_taken_back_is_not_captured_again_from_the_same_frame(rig: Rig) -> None:
    looked_at = look_on(rig, 1)
    rig.detector.gate.clear()
    rig.press()
    rig.expose(1)
    kept(rig, 1)
    rig.session.do(Undo())
    rig.until(lambda: not rig.session.snapshot().fields)
    rig.press()
    rig.expose(1)
    rig.until(lambda: len(rig.session.snapshot().fields) == 1)
    number = rig.session.snapshot().fields[0].number
    assert number == 2
    assert kept_by_number(rig, number).frame_id > looked_at


def kept_by_number(rig: Rig, number: int) -> Frame:
    frame = rig.session.field_frame(number)
    assert frame is not None
    return frame


def test_thresholds_that_were_moved_since_grade_the_same_traces(rig: Rig) -> None:
    look_on(rig, 1)
    rig.detector.gate.clear()
    moved = replace(THRESHOLDS, weak_od=0.2)
    rig.session.do(SetThresholds(moved))
    rig.press()
    rig.expose(1)
    frame = kept(rig, 1)
    assert from_live(rig) == [True]
    rig.until(lambda: rig.session.snapshot().fields[0].result is not None)
    require_same(result(rig, 1), analysed(frame, moved))


def test_a_profile_that_was_changed_since_reads_the_field_anew(rig: Rig) -> None:
    look_on(rig, 1)
    rig.detector.gate.clear()
    rig.session.do(SetStainProfile("other"))
    rig.press()
    rig.expose(1)
    kept(rig, 1)
    assert from_live(rig) == [False]
    assert rig.session.snapshot().fields[0].result is None
    rig.detector.gate.set()
    assert result(rig, 1).provenance.stain_profile == "other/1"


def test_a_foot_that_goes_down_catches_what_it_looks_at(rig: Rig) -> None:
    looked_at = look_on(rig, 1)
    began = rig.press(Gesture.BEGAN)
    rig.expose(1)
    # Newer readings come while the foot is down; the moved stage does not matter either.
    look_on(rig, 1)
    rig.expose(2)
    assert rig.session.snapshot().fields == ()
    rig.session.on_press(PedalPress(Gesture.SHORT, began, "pedal"))
    assert kept(rig, 1).frame_id == looked_at
    result(rig, 1)


def test_nothing_is_shown_of_the_field_before_its_pixels_are_kept(make_rig: Callable[..., Rig]) -> None:
    class Slow(MemoryCase):
        gate = threading.Event()

        def keep(self, frame: Frame, press_ns: int) -> int:
            self.gate.wait(10)
            return super().keep(frame, press_ns)

    rig = make_rig(open_case=lambda _: Slow())
    look_on(rig, 1)
    rig.press()
    rig.expose(1)
    time.sleep(0.1)
    assert rig.kinds() == []
    assert rig.session.snapshot().fields == ()
    Slow.gate.set()
    rig.scored(1)
    assert rig.kinds()[0] == "captured"


def test_the_quality_gate_speaks_before_the_score(make_rig: Callable[..., Rig]) -> None:
    rig = make_rig(gate=GateLimits())
    look_on(rig, 1)
    rig.press()
    rig.expose(1)
    kept(rig, 1)
    result(rig, 1)
    assert from_live(rig) == [True]
    rig.scored(1)
    rig.until(lambda: "score" in [e.kind for e in rig.cases[0].events])
    kinds = [e.kind for e in rig.cases[0].events]
    assert "gate" in kinds
    assert "score" not in kinds[: kinds.index("gate")]


def test_a_reading_whose_scene_the_stage_has_left_is_given_up(rig: Rig) -> None:
    left = look_on(rig, 1)
    histogram = rig.session.live().dab_histogram  # type: ignore[union-attr]
    rig.detector.gate.clear()
    rig.expose(1)
    rig.until(lambda: not rig.session._desk.live_lane.counts.waiting)
    time.sleep(0.05)
    rig.expose(2)
    rig.detector.gate.set()
    calls = rig.detector.calls
    rig.until(lambda: rig.detector.calls == calls + 1)
    time.sleep(0.05)
    # It got no further than the detector: what was read last is the frame before.
    view = rig.session.live()
    assert view is not None
    assert view.result is None
    assert view.dab_histogram is histogram
    assert rig.session._desk.live.reading is not None
    assert rig.session._desk.live.reading.seen.frame.frame_id == left

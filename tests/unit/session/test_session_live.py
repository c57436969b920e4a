"""What is shown of the live picture, and when nothing is."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from armicro.assays.kept import HISTOGRAM_BINS
from armicro.contracts.devices import (
    CameraEventKind,
    CameraInfo,
    Exposure,
    LinkEvent,
    LinkState,
    NosepiecePosition,
)
from armicro.contracts.frame import Optics
from armicro.session.commands import SetObjective
from armicro.session.parts import SessionLimits
from armicro.session.view import LiveView, SessionState
from tests.session_rig import MS, UM_PER_PX, Rig, tissue


def read_at(rig: Rig, place: int) -> LiveView:
    """Rest at a place until a reading is shown."""
    rig.expose(place)
    rig.expose(place)
    rig.until(lambda: shown(rig))
    view = rig.session.live()
    assert view is not None
    return view


def shown(rig: Rig) -> bool:
    view = rig.session.live()
    return view is not None and view.result is not None


def test_a_reading_is_shown_while_the_stage_rests(rig: Rig) -> None:
    view = read_at(rig, 1)
    assert view.result is not None
    assert view.result.provenance.frame_id == view.result_frame_id
    assert view.result_age_ms is not None
    assert view.result_age_ms >= 0
    assert view.dab_histogram is not None
    assert view.dab_histogram.shape == (HISTOGRAM_BINS,)
    assert view.focus is not None
    assert view.saturated_share is not None
    rig.expose(1)
    assert shown(rig)


def test_a_moved_stage_blanks_at_once(rig: Rig) -> None:
    read_at(rig, 1)
    rig.expose(2)
    view = rig.session.live()
    assert view is not None
    assert view.moving
    assert view.result is None


def test_a_reading_that_comes_after_the_stage_has_moved_is_not_shown(rig: Rig) -> None:
    rig.detector.gate.clear()
    rig.expose(1)
    rig.until(lambda: rig.session.snapshot().vitals.dropped == 0 and not rig.detector.calls)
    time.sleep(0.1)
    rig.expose(2)
    rig.detector.gate.set()
    rig.until(lambda: rig.detector.calls >= 1)
    time.sleep(0.05)
    assert not shown(rig)
    rig.expose(2)
    rig.until(lambda: shown(rig))


def test_a_reading_grows_old(make_rig: Callable[..., Rig]) -> None:
    rig = make_rig(SessionLimits(result_age_s=1.0))
    read_at(rig, 1)
    rig.detector.gate.clear()
    for _ in range(3):
        rig.expose(1)
    # What has to be noticed is noticed by a look every 50 ms.
    rig.until(lambda: rig.session._held_live)
    news: list[None] = []
    rig.session.subscribe(lambda: news.append(None))
    rig.now_ns += 900 * MS
    assert not shown(rig)
    rig.until(lambda: news)


def test_a_silent_camera_blanks_even_if_nobody_says_so(rig: Rig) -> None:
    read_at(rig, 1)
    rig.now_ns += 3100 * MS
    assert not shown(rig)


@pytest.mark.parametrize("kind", [CameraEventKind.LOST, CameraEventKind.STALLED, CameraEventKind.ENDED])
def test_a_camera_fault_blanks_and_recovers(rig: Rig, kind: CameraEventKind) -> None:
    read_at(rig, 1)
    rig.event(kind, "It is gone.")
    assert rig.session.live() is None
    (fault,) = rig.session.snapshot().faults
    assert (fault.source, fault.words, fault.blanks) == ("camera", "It is gone.", True)
    rig.expose(1)
    assert rig.session.live() is None
    rig.event(CameraEventKind.RECOVERED, "It is back.")
    assert rig.session.snapshot().faults == ()
    assert rig.kinds() == ["fault", "recovered"]
    read_at(rig, 1)


def test_damaged_pictures_are_a_fault_that_does_not_blank(rig: Rig) -> None:
    rig.event(CameraEventKind.INCOMPLETE, "A third is damaged.")
    read_at(rig, 1)
    assert rig.session.snapshot().state is SessionState.LIVE
    assert len(rig.session.snapshot().faults) == 1


def test_another_format_blanks_until_the_scale_is_chosen_anew(rig: Rig) -> None:
    read_at(rig, 1)
    rig.event(CameraEventKind.FORMAT_CHANGED, info=CameraInfo("cam", "1", (48, 64), "RGB8"))
    assert rig.session.snapshot().state is SessionState.FAULT
    rig.expose(1)
    assert rig.session.live() is None
    rig.session.do(SetObjective("20x"))
    read_at(rig, 1)


def test_the_old_format_again_is_no_fault(rig: Rig) -> None:
    read_at(rig, 1)
    rig.event(CameraEventKind.FORMAT_CHANGED, info=CameraInfo("cam", "1", (48, 64), "RGB8"))
    rig.event(CameraEventKind.FORMAT_CHANGED, info=CameraInfo("cam", "1", (96, 128), "RGB8"))
    assert rig.session.snapshot().faults == ()
    read_at(rig, 1)


def test_between_two_objectives_nothing_is_read_or_shown(rig: Rig) -> None:
    read_at(rig, 1)
    rig.session.on_position(NosepiecePosition(None, rig.now_ns))
    assert rig.session.live() is None
    assert rig.session.snapshot().objective is None
    time.sleep(0.1)
    calls = rig.detector.calls
    rig.expose(1)
    rig.expose(1)
    rig.press()
    time.sleep(0.1)
    assert rig.detector.calls == calls
    assert rig.session.live() is None
    assert "between two objectives" in rig.notices()


def test_a_new_objective_brings_its_scale_and_no_older_frame(rig: Rig) -> None:
    read_at(rig, 1)
    turned_ns = rig.now_ns + 50 * MS
    rig.session.on_position(NosepiecePosition(1, turned_ns))
    # Exposed before the turn, handed over after it: nobody may take it for a picture at 20x.
    rig.session.on_exposure(Exposure(tissue(1), 99, turned_ns - MS))
    assert rig.session.live() is None
    view = read_at(rig, 1)
    assert view.frame.optics == Optics(2 * UM_PER_PX, "20x")
    assert view.result is not None
    assert view.result.provenance.optics == view.frame.optics


def test_a_press_before_the_turn_keeps_the_field_and_scale_it_was_made_at(rig: Rig) -> None:
    before = rig.expose(1)
    rig.press()
    rig.session.on_position(NosepiecePosition(1, rig.now_ns + 20 * MS))
    rig.until(lambda: rig.session.snapshot().fields)
    frame = rig.session.field_frame(1)
    assert frame is not None
    assert (frame.frame_id, frame.optics.um_per_px) == (before, UM_PER_PX)


def test_an_exposure_that_knows_its_scale_is_believed(rig: Rig) -> None:
    rig.expose(1, Optics(0.3, "told"))
    view = rig.session.live()
    assert view is not None
    assert view.frame.optics.um_per_px == 0.3


def test_an_unknown_position_is_a_fault_until_an_objective_is_chosen(rig: Rig) -> None:
    rig.session.on_position(NosepiecePosition(7, rig.now_ns))
    assert rig.session.snapshot().faults[0].source == "nosepiece"
    rig.expose(1)
    assert rig.session.live() is None
    rig.session.do(SetObjective("40x"))
    assert rig.session.snapshot().faults == ()
    read_at(rig, 1)


def test_without_its_nosepiece_nobody_knows_the_objective(rig: Rig) -> None:
    read_at(rig, 1)
    rig.session.on_nosepiece_link(LinkEvent(LinkState.LOST, "It is gone.", rig.now_ns, "turret"))
    rig.expose(1)
    assert rig.session.live() is None
    rig.session.on_nosepiece_link(LinkEvent(LinkState.CONNECTED, "Back.", rig.now_ns, "turret"))
    rig.session.on_position(NosepiecePosition(2, rig.now_ns))
    read_at(rig, 1)


def test_no_scale_at_all_is_told(make_rig: Callable[..., Rig]) -> None:
    rig = make_rig(objective=None)
    rig.expose(1)
    assert rig.session.live() is None
    assert "choose the objective" in rig.notices()
    rig.press()
    rig.session.do(SetObjective("40x"))
    read_at(rig, 1)


def test_frames_that_are_not_read_in_time_are_counted(rig: Rig) -> None:
    rig.detector.gate.clear()
    rig.expose(1)
    rig.until(lambda: rig.session.snapshot().vitals.fps == 0)
    time.sleep(0.1)
    for _ in range(5):
        rig.expose(1)
    vitals = rig.session.snapshot().vitals
    assert vitals.dropped == 4
    assert vitals.fps == pytest.approx(10)
    rig.detector.gate.set()
    read_at(rig, 1)
    assert rig.session.snapshot().vitals.latency_p95_ms is not None
    assert rig.session.snapshot().vitals.engine == "fake/1"


def test_a_listener_that_fails_does_not_stop_the_instrument(rig: Rig) -> None:
    def broken() -> None:
        raise RuntimeError("a window that is gone")

    rig.session.subscribe(broken)
    rig.expose(1)
    assert "a window that is gone" in rig.notices()
    news: list[None] = []
    stop = rig.session.subscribe(lambda: news.append(None))
    rig.expose(1)
    assert news
    stop()
    time.sleep(0.1)
    n = len(news)
    rig.expose(1)
    assert len(news) == n


def test_notices_are_bounded(make_rig: Callable[..., Rig]) -> None:
    rig = make_rig(SessionLimits(notices=5))
    for k in range(20):
        rig.session.do(SetObjective(f"{k}x"))
    assert len(rig.session.snapshot().notices) == 5
    assert "19x" in rig.session.snapshot().notices[-1]

"""Replay: presses become captures, in order, whatever the threads do."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from armicro.contracts.errors import RecordingError
from armicro.contracts.frame import Frame
from armicro.session.replay import RecordedSource, Replay, captures_of

PERIOD_NS = 10**8

MakeSource = Callable[..., RecordedSource]


def ids(source: RecordedSource) -> list[int]:
    return [c.frame.frame_id for c in captures_of(source, lambda _: None)]


def test_a_press_takes_the_first_frame_that_begins_at_or_after_it(make_source: MakeSource) -> None:
    places = (1,) * 6
    assert ids(make_source(places, (0,))) == [0]
    assert ids(make_source(places, (2 * PERIOD_NS,))) == [2]
    assert ids(make_source(places, (2 * PERIOD_NS + 1,))) == [3]
    assert ids(make_source(places, (3 * PERIOD_NS - 1,))) == [3]


def test_a_press_while_the_stage_leaves_takes_the_frame_looked_at(make_source: MakeSource) -> None:
    assert ids(make_source((1, 1, 2, 2), (PERIOD_NS + 5,))) == [1]


def test_a_press_into_the_last_exposure_takes_the_last_frame(make_source: MakeSource) -> None:
    assert ids(make_source((1, 1, 1), (2 * PERIOD_NS + 5,))) == [2]


def test_a_press_after_the_end_is_an_error_that_says_so(make_source: MakeSource) -> None:
    with pytest.raises(
        RecordingError, match=r"press at 0\.300 s comes after the end of the recording at 0\.300 s"
    ):
        ids(make_source((1, 1, 1), (3 * PERIOD_NS,)))


def test_a_recording_without_frames_is_an_error(make_source: MakeSource) -> None:
    with pytest.raises(RecordingError, match="holds no frame"):
        ids(make_source((), (0,)))


def test_two_presses_for_one_frame_capture_it_once(make_source: MakeSource) -> None:
    source = make_source((1,) * 5, (PERIOD_NS + 1, PERIOD_NS + 2, 3 * PERIOD_NS + 1))
    replay: Replay[int] = Replay(source, lambda f: f.frame_id)
    assert [r for _, r in replay.run()] == [2, 4]
    assert replay.counts.repeated_presses == 1


def test_a_second_capture_of_the_same_place_is_marked(make_source: MakeSource) -> None:
    source = make_source((1, 1, 1, 2, 2, 2), (PERIOD_NS, 2 * PERIOD_NS, 4 * PERIOD_NS))
    assert [c.same_place for c in captures_of(source, lambda _: None)] == [False, True, False]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), live=st.booleans(), slow=st.booleans())
def test_results_do_not_depend_on_timing(
    make_source: MakeSource, data: st.DataObject, live: bool, slow: bool
) -> None:
    places = tuple(data.draw(st.lists(st.integers(1, 3), min_size=1, max_size=12)))
    end = len(places) * PERIOD_NS - 1
    presses = tuple(sorted(data.draw(st.lists(st.integers(0, end), max_size=8))))
    source = make_source(places, presses)
    expected = ids(source)

    def analyse(frame: Frame) -> int:
        if slow:
            time.sleep(0.002)
        return frame.frame_id

    replay: Replay[int] = Replay(source, analyse, live=live)
    results = list(replay.run())
    assert [r for _, r in results] == expected
    assert [c.index for c, _ in results] == list(range(len(expected)))
    counts = replay.counts
    assert counts.frames == len(places) == counts.live.offered
    assert counts.live.offered == counts.live.taken + counts.live.dropped
    assert counts.captures + counts.repeated_presses == len(presses)
    if not live:
        assert counts.live.taken == 0


def test_the_analysis_runs_on_one_thread_that_is_not_the_callers(make_source: MakeSource) -> None:
    threads = set()

    def analyse(frame: Frame) -> int:
        threads.add(threading.current_thread().name)
        return frame.frame_id

    list(Replay(make_source((1,) * 9, (PERIOD_NS, 5 * PERIOD_NS)), analyse).run())
    assert threads == {"armicro-analysis"}


def alive() -> set[str]:
    return {t.name for t in threading.enumerate() if t.name.startswith("armicro-")}


def test_a_failing_analysis_reaches_the_caller_and_ends_the_threads(make_source: MakeSource) -> None:
    def analyse(frame: Frame) -> int:
        if frame.frame_id == 3:
            raise RecordingError("cannot read this field")
        return frame.frame_id

    source = make_source((1,) * 200, tuple(k * PERIOD_NS for k in range(1, 100)))
    got: list[int] = []
    replay: Replay[int] = Replay(source, analyse, live=False)
    with pytest.raises(RecordingError, match="cannot read this field"):
        got.extend(result for _, result in replay.run())
    assert got == [1, 2]
    assert not alive()


def test_a_failing_source_reaches_the_caller_after_the_results_before_it(make_source: MakeSource) -> None:
    source = make_source((1,) * 9, (PERIOD_NS, 7 * PERIOD_NS), 5, RecordingError)
    got: list[int] = []
    replay: Replay[int] = Replay(source, lambda f: f.frame_id)
    with pytest.raises(RecordingError, match="camera is gone"):
        got.extend(result for _, result in replay.run())
    assert got == [1]
    assert not alive()


def test_leaving_early_ends_the_threads(make_source: MakeSource) -> None:
    source = make_source((1,) * 500, tuple(k * PERIOD_NS for k in range(1, 400)))
    run = Replay(source, lambda f: f.frame_id).run()
    assert next(run)[1] == 1
    run.close()  # type: ignore[attr-defined]
    assert not alive()

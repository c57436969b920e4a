"""The lanes: what may be lost, what may not, who waits, and that nobody waits for ever."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from armicro.session.lanes import CommitLane, LaneClosed, LiveLane

WAIT_S = 10.0


def start(job: Callable[[], object]) -> threading.Thread:
    thread = threading.Thread(target=job)
    thread.start()
    return thread


def finish(*threads: threading.Thread) -> None:
    for thread in threads:
        thread.join(WAIT_S)
        assert not thread.is_alive()


@given(st.lists(st.booleans(), max_size=60))
def test_live_lane_gives_the_newest_and_counts_the_rest(steps: list[bool]) -> None:
    lane: LiveLane[int] = LiveLane()
    offered = dropped = 0
    waiting: list[int] = []
    taken: list[int] = []
    for offer in steps:
        if offer:
            assert lane.offer(offered) == bool(waiting)
            dropped += len(waiting)
            waiting = [offered]
            offered += 1
        else:
            item = lane.take()
            assert item == (waiting[0] if waiting else None)
            taken += waiting
            waiting = []
        counts = lane.counts
        assert (counts.offered, counts.taken, counts.dropped) == (offered, len(taken), dropped)
        assert counts.offered == counts.taken + counts.dropped + counts.waiting
    assert taken == sorted(taken)


def test_live_lane_never_makes_the_producer_wait() -> None:
    lane: LiveLane[int] = LiveLane()
    begin = time.perf_counter()
    for item in range(10_000):
        lane.offer(item)
    assert time.perf_counter() - begin < 5
    assert lane.take() == 9_999
    assert lane.counts.dropped == 9_999


def test_live_lane_under_threads_never_goes_back_in_time() -> None:
    lane: LiveLane[int] = LiveLane()
    seen: list[int] = []

    def consume() -> None:
        while (item := lane.take(None)) is not None:
            seen.append(item)

    consumers = [start(consume)]
    for item in range(20_000):
        lane.offer(item)
    lane.close()
    finish(*consumers)
    assert seen == sorted(set(seen))
    counts = lane.counts
    assert counts.offered == 20_000 == counts.taken + counts.dropped
    assert counts.taken == len(seen)


def test_a_closed_live_lane_gives_nothing_stale() -> None:
    lane: LiveLane[int] = LiveLane()
    lane.offer(1)
    lane.close()
    lane.close()
    assert lane.take(None) is None
    assert lane.counts.dropped == 1
    with pytest.raises(LaneClosed):
        lane.offer(2)


def test_closing_wakes_who_waits_for_a_live_item() -> None:
    lane: LiveLane[int] = LiveLane()
    result: list[int | None] = []
    waiting = start(lambda: result.append(lane.take(None)))
    lane.close()
    finish(waiting)
    assert result == [None]


@settings(deadline=None, max_examples=30)
@given(
    capacity=st.integers(1, 4),
    producers=st.integers(1, 3),
    consumers=st.integers(1, 3),
    items=st.integers(0, 60),
)
def test_commit_lane_loses_nothing_and_keeps_each_producers_order(
    capacity: int, producers: int, consumers: int, items: int
) -> None:
    lane: CommitLane[tuple[int, int]] = CommitLane(capacity)
    received: list[list[tuple[int, int]]] = [[] for _ in range(consumers)]
    fullest = [0]

    def produce(who: int) -> None:
        for number in range(items):
            assert lane.put((who, number))
            fullest[0] = max(fullest[0], len(lane))

    def consume(where: list[tuple[int, int]]) -> None:
        while (item := lane.take()) is not None:
            where.append(item)

    taking = [start(partial(consume, where)) for where in received]
    giving = [start(partial(produce, who)) for who in range(producers)]
    finish(*giving)
    lane.close()
    finish(*taking)
    everything = sorted(item for where in received for item in where)
    assert everything == [(who, number) for who in range(producers) for number in range(items)]
    for where in received:
        for who in range(producers):
            mine = [number for w, number in where if w == who]
            assert mine == sorted(mine)
    assert fullest[0] <= capacity
    assert lane.finished


def test_a_full_commit_lane_makes_the_producer_wait() -> None:
    lane: CommitLane[int] = CommitLane(2)
    assert lane.put(0)
    assert lane.put(1)
    assert not lane.put(2, timeout_s=0.02)
    blocked = start(lambda: lane.put(2))
    time.sleep(0.05)
    assert blocked.is_alive()
    assert lane.take() == 0
    finish(blocked)
    assert [lane.take(), lane.take()] == [1, 2]
    assert lane.take(0.01) is None
    assert not lane.finished


def test_what_is_in_a_closed_commit_lane_still_comes_out() -> None:
    lane: CommitLane[int] = CommitLane(3)
    lane.put(1)
    lane.put(2)
    lane.close()
    with pytest.raises(LaneClosed):
        lane.put(3)
    assert [lane.take(), lane.take(), lane.take()] == [1, 2, None]
    assert lane.finished


@pytest.mark.parametrize("end", ["close", "abort"])
def test_a_producer_that_waits_is_woken_when_the_lane_ends(end: str) -> None:
    lane: CommitLane[int] = CommitLane(1)
    lane.put(0)
    raised: list[bool] = []

    def put() -> None:
        try:
            lane.put(1)
        except LaneClosed:
            raised.append(True)

    blocked = start(put)
    time.sleep(0.02)
    getattr(lane, end)()
    finish(blocked)
    assert raised == [True]
    assert lane.take() == (0 if end == "close" else None)


def test_a_lane_without_room_makes_no_sense() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        CommitLane(0)

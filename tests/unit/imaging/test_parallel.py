"""Work on several threads: the same answer as on one, and failures that are not lost."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from time import sleep

import cv2
import numpy as np
import pytest

from armicro.app.cores import take_cores
from armicro.imaging import parallel
from armicro.imaging.kernels import dilate_disc, disc, erode_disc
from armicro.imaging.parallel import by_strips, run_all, strips, together


@pytest.fixture(autouse=True)
def cores() -> Iterator[None]:
    before = cv2.getNumThreads()
    yield
    take_cores(0)
    cv2.setNumThreads(before)


def test_several_threads_work_at_once() -> None:
    take_cores(2)
    both_here = threading.Barrier(2, timeout=20)
    run_all([both_here.wait, both_here.wait])


def test_one_thread_is_the_callers() -> None:
    take_cores(1)
    seen: set[str] = set()
    run_all([lambda: seen.add(threading.current_thread().name) for _ in range(8)])
    assert seen == {threading.current_thread().name}


def test_without_a_runner_tasks_run_one_by_one() -> None:
    seen: list[tuple[int, str]] = []
    run_all([lambda i=i: seen.append((i, threading.current_thread().name)) for i in range(5)])  # type: ignore[misc]
    assert seen == [(i, threading.current_thread().name) for i in range(5)]


def test_taking_the_cores_leaves_none_to_opencv() -> None:
    take_cores(3)
    assert cv2.getNumThreads() == 1


def test_results_come_in_the_order_of_the_tasks() -> None:
    take_cores(2)

    def slow() -> str:
        sleep(0.05)
        return "first"

    assert together(slow, lambda: "second", lambda: "third") == ("first", "second", "third")


def test_tasks_may_split_their_work_again() -> None:
    take_cores(2)
    done: list[int] = []

    def many(base: int) -> Callable[[], None]:
        return lambda: run_all([lambda i=i: done.append(base + i) for i in range(5)])  # type: ignore[misc]

    run_all([many(10 * i) for i in range(6)])
    assert sorted(done) == [10 * i + j for i in range(6) for j in range(5)]


@pytest.mark.parametrize("n", [1, 2, 4])
def test_a_failure_ends_the_rest_and_is_raised(n: int) -> None:
    take_cores(n)
    begun: list[int] = []

    def task(i: int) -> None:
        begun.append(i)
        if i == 3:
            raise ValueError("the fourth")
        sleep(0.002)

    with pytest.raises(ValueError, match="the fourth"):
        run_all([lambda i=i: task(i) for i in range(200)])  # type: ignore[misc]
    assert len(begun) < 200
    assert together(lambda: 1, lambda: 2) == (1, 2), "the threads do not work any more"


def test_a_helpers_failure_is_raised_too() -> None:
    take_cores(2)
    meet = threading.Barrier(2, timeout=20)
    caller = threading.current_thread()

    def task() -> None:
        meet.wait()
        if threading.current_thread() is not caller:
            raise ValueError("on another thread")

    with pytest.raises(ValueError, match="on another thread"):
        run_all([task, task])


@pytest.mark.parametrize("shape", [(1, 1), (7, 9000), (500, 40), (1504, 1504), (3008, 3008, 4)])
@pytest.mark.parametrize("halo", [0, 1, 12])
def test_strips_cover_each_row_once_with_its_halo(shape: tuple[int, ...], halo: int) -> None:
    rows = np.arange(shape[0])
    own = [np.arange(0)]
    for mine, around, inner in strips(shape, halo):
        own.append(rows[mine])
        assert np.array_equal(rows[around][inner], rows[mine])
        assert around.start == max(0, mine.start - halo)
        assert around.stop == min(shape[0], mine.stop + halo)
    assert np.array_equal(np.concatenate(own), rows)


def test_a_filter_by_strips_equals_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parallel, "STRIP_PX", 900)
    take_cores(2)
    values = np.random.default_rng(1).integers(0, 256, (211, 97)).astype(np.uint8)
    found = np.zeros_like(values)

    def strip(mine: slice, around: slice, inner: slice) -> None:
        found[mine] = dilate_disc(values[around], 4.3)[inner]

    by_strips(strip, values.shape, 4)
    assert np.array_equal(found, cv2.dilate(values, disc(4.3)))


@pytest.mark.parametrize("radius_px", [0.4, 1.0, 1.5, 2.24, 4.0, 5.896, 8.6, 11.79, 13.0])
def test_a_discs_rectangles_are_the_disc(radius_px: float) -> None:
    values = np.random.default_rng(1).integers(0, 256, (61, 83)).astype(np.uint8)
    assert np.array_equal(dilate_disc(values, radius_px), cv2.dilate(values, disc(radius_px)))
    assert np.array_equal(erode_disc(values, radius_px), cv2.erode(values, disc(radius_px)))

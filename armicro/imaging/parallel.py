"""Work on several cores inside one field, with the same answer whatever their number.

Maps are cut into strips of rows and cells into chunks, always at the same places; threads only decide who
computes which. NumPy and OpenCV let go of Python's lock while they compute. The caller works too, so a task
may itself split its work without waiting for a thread that waits for it. How many threads there are is
OpenCV's own setting: `cv2.setNumThreads(1)` (as evaluations with many processes have it) keeps all of it on
the caller's thread.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache
from threading import Lock
from typing import Any

import cv2

STRIP_PX = 65_536
"""Pixels of a strip: its intermediate maps stay in a core's second-level cache, and OpenCV, which sees too
little work to share, does not call its own threads too."""


def threads() -> int:
    """Return how many threads work on a field, the caller's among them."""
    return max(1, min(int(cv2.getNumThreads()), os.cpu_count() or 1))


@cache
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(max(1, (os.cpu_count() or 1) - 1), thread_name_prefix="field")


class _Queue:
    """Tasks that threads take from until none is left or one has failed."""

    def __init__(self, tasks: Iterable[Callable[[], object]]) -> None:
        self._tasks = iter(tasks)
        self._lock = Lock()

    def drain(self) -> None:
        while True:
            with self._lock:
                task = next(self._tasks, None)
            if task is None:
                return
            try:
                task()
            except BaseException:
                self.stop()
                raise

    def stop(self) -> None:
        with self._lock:
            self._tasks = iter(())


def run_all(tasks: Sequence[Callable[[], object]]) -> None:
    """Run tasks that do not depend on each other; return when all are done.

    Parameters
    ----------
    tasks : sequence of callable
        Each writes to places of its own. Begun in order.

    Raises
    ------
    BaseException
        What a task raised; tasks that have not begun by then are left out.
    """
    helpers = min(threads(), len(tasks)) - 1
    queue = _Queue(tasks)
    if helpers < 1:
        queue.drain()
        return
    futures: list[Future[None]] = [_pool().submit(queue.drain) for _ in range(helpers)]
    try:
        queue.drain()
    except BaseException:
        queue.stop()
        for future in futures:
            future.cancel() or future.exception()
        raise
    # A helper that has not begun by now has nothing left to do.
    for future in futures:
        future.cancel() or future.result()


def together(*tasks: Callable[[], Any]) -> tuple[Any, ...]:
    """Run tasks that do not depend on each other and return what each returned, in their order."""
    found: list[Any] = [None] * len(tasks)

    def kept(index: int) -> None:
        found[index] = tasks[index]()

    run_all([lambda i=i: kept(i) for i in range(len(tasks))])  # type: ignore[misc]
    return tuple(found)


def strips(shape: tuple[int, ...], halo: int = 0) -> Iterator[tuple[slice, slice, slice]]:
    """Cut a map into strips of rows of about `STRIP_PX` pixels.

    Parameters
    ----------
    shape : tuple of int
        Height and width of the map, px.
    halo : int
        Rows that a strip needs of its neighbours, px.

    Yields
    ------
    rows, around, inner : slice
        The strip's own rows; the same with the halo, as far as the map goes; and where the former lie in the
        latter.
    """
    h, w = shape[:2]
    step = max(1, 8 * halo, STRIP_PX // max(1, w))
    for top in range(0, h, step):
        bottom = min(top + step, h)
        first, last = max(0, top - halo), min(h, bottom + halo)
        yield slice(top, bottom), slice(first, last), slice(top - first, bottom - first)


def by_strips(
    work: Callable[[slice, slice, slice], object], shape: tuple[int, ...], halo: int = 0
) -> None:
    """Run `work(rows, around, inner)` for each strip of a map; see `strips`."""
    run_all([lambda s=s: work(*s) for s in strips(shape, halo)])  # type: ignore[misc]

"""All cores for one field: the threads behind `armicro.imaging.parallel`."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Lock

import cv2

from armicro.imaging.parallel import Task, one_by_one, use_runner


class _Queue:
    """Tasks that threads take from until none is left or one has failed."""

    def __init__(self, tasks: Sequence[Task]) -> None:
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


class FieldThreads:
    """A runner of tasks on several threads, the caller's among them.

    NumPy and OpenCV let go of Python's lock while they compute. Since the caller works too, a task may hand
    over tasks of its own without waiting for a thread that waits for it.

    Parameters
    ----------
    n : int
        Threads, at least 1.
    """

    def __init__(self, n: int) -> None:
        self._n = n
        self._pool = ThreadPoolExecutor(max(1, n - 1), thread_name_prefix="field")

    def run(self, tasks: Sequence[Task]) -> None:
        """Run tasks; see `armicro.imaging.parallel.Runner`."""
        helpers = min(self._n, len(tasks)) - 1
        queue = _Queue(tasks)
        futures: list[Future[None]] = [self._pool.submit(queue.drain) for _ in range(helpers)]
        try:
            queue.drain()
        except BaseException:
            for future in futures:
                _ = future.cancel() or future.exception()
            raise
        # A helper that has not begun by now has nothing left to do.
        for future in futures:
            _ = future.cancel() or future.result()


def take_cores(n: int) -> None:
    """Let `n` threads work on a field, and OpenCV have none of its own, in all of this process.

    OpenCV's threads share out each single step and wait busily in between. Beside threads that have whole
    strips to do they only take cores from them.

    Parameters
    ----------
    n : int
        Threads; 0 goes back to the caller's alone and OpenCV's own.
    """
    cv2.setNumThreads(1 if n else -1)
    use_runner(FieldThreads(n).run if n else one_by_one)

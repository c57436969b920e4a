"""What of a field's work is independent, so that several cores may do it at once.

The science knows no thread. It cuts maps into strips of rows and cells into chunks, always at the same
places, and names them as tasks, each of which writes to places of its own. Who runs them is set from outside
(`use_runner`; `armicro.app.cores` has threads), and the answer is the same whoever does. Without that they
run one after the other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

Task = Callable[[], object]
Runner = Callable[[Sequence[Task]], None]
"""Runs tasks, begun in order and perhaps at once; returns when all are done. What a task raises is raised,
and tasks that have not begun by then are left out. A task may hand over tasks of its own."""

STRIP_PX = 65_536
"""Pixels of a strip: its intermediate maps stay in a core's second-level cache."""


def one_by_one(tasks: Sequence[Task]) -> None:
    """Run tasks on the caller's thread: the runner of whoever sets none."""
    for task in tasks:
        task()


class _Used:
    runner: Runner = staticmethod(one_by_one)


def use_runner(runner: Runner) -> None:
    """Set who runs the tasks of all fields in this process."""
    _Used.runner = staticmethod(runner)


def run_all(tasks: Sequence[Task]) -> None:
    """Run tasks that do not depend on each other; return when all are done."""
    _Used.runner(tasks)


def together(*tasks: Callable[[], Any]) -> tuple[Any, ...]:
    """Run tasks that do not depend on each other and return what each returned, in their order."""
    found: list[Any] = [None] * len(tasks)

    def keep(index: int) -> None:
        found[index] = tasks[index]()

    run_all([partial(keep, index) for index in range(len(tasks))])
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


def by_strips(work: Callable[[slice, slice, slice], object], shape: tuple[int, ...], halo: int = 0) -> None:
    """Run `work(rows, around, inner)` for each strip of a map; see `strips`."""
    run_all([partial(work, *strip) for strip in strips(shape, halo)])

"""The two lanes between the camera and the analysis.

The live lane feeds the picture in the eyepiece: it holds one item, a newer one replaces it, and what was
replaced is counted. It may lose frames; it never gives a stale one. The commit lane carries what a person
asked to keep: it loses nothing, keeps the order, and makes the producer wait where the analysis is behind.

Both may be used by any number of threads on either side.
"""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass
from typing import Generic, TypeVar

ItemT = TypeVar("ItemT")


class LaneClosed(Exception):  # noqa: N818 - a state of the lane, not a fault
    """The lane takes nothing more; raised on the producer's side."""


@dataclass(frozen=True, slots=True)
class LiveCounts:
    """What became of the items that were offered to a live lane.

    `offered == taken + dropped + waiting`, at every moment.

    Parameters
    ----------
    offered, taken, dropped : int
        How many items were offered, handed over, and replaced by a newer one or thrown away at closing.
    waiting : int
        0 or 1.
    """

    offered: int
    taken: int
    dropped: int
    waiting: int


class LiveLane(Generic[ItemT]):
    """Capacity one, newest wins.

    `offer` never waits for the consumer; `take` waits up to its timeout. After `close`, an item that still
    waits is dropped, `take` returns None at once and `offer` raises `LaneClosed`.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._items: deque[ItemT] = deque()
        self._offered = self._taken = self._dropped = 0
        self._closed = False

    def offer(self, item: ItemT) -> bool:
        """Put an item in, in place of the one that may wait there.

        Parameters
        ----------
        item : ItemT
            The newest item.

        Returns
        -------
        bool
            Whether an older item was dropped for it.

        Raises
        ------
        LaneClosed
            If the lane is closed.
        """
        with self._changed:
            if self._closed:
                raise LaneClosed
            replaced = bool(self._items)
            self._items.clear()
            self._items.append(item)
            self._offered += 1
            self._dropped += replaced
            self._changed.notify()
            return replaced

    def take(self, timeout_s: float | None = 0.0) -> ItemT | None:
        """Take the waiting item out.

        Parameters
        ----------
        timeout_s : float or None
            How long to wait for one, s; None waits until the lane closes.

        Returns
        -------
        ItemT or None
            The newest item, or None if none came in time or the lane is closed.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._items or self._closed, timeout_s)
            if not self._items:
                return None
            self._taken += 1
            return self._items.popleft()

    def close(self) -> None:
        """Take no more items and wake everyone who waits. May be called twice."""
        with self._changed:
            self._closed = True
            self._dropped += len(self._items)
            self._items.clear()
            self._changed.notify_all()

    @property
    def counts(self) -> LiveCounts:
        """A consistent snapshot of the counts."""
        with self._changed:
            return LiveCounts(self._offered, self._taken, self._dropped, len(self._items))


class CommitLane(Generic[ItemT]):
    """Bounded, lossless, in order.

    `put` waits while the lane is full, `take` while it is empty. After `close`, what is in the lane can still
    be taken; then `take` returns None. `abort` is for a consumer or producer that failed: it empties the lane
    and wakes both sides, so that nobody waits for someone who will never come.

    Parameters
    ----------
    capacity : int
        How many items may wait, at least 1.

    Raises
    ------
    ValueError
        If the capacity is below 1.
    """

    def __init__(self, capacity: int) -> None:
        if capacity < 1:
            raise ValueError(f"capacity: expected at least 1, got {capacity}")
        self._changed = threading.Condition()
        self._items: deque[ItemT] = deque()
        self._capacity = capacity
        self._closed = False

    def put(self, item: ItemT, timeout_s: float | None = None) -> bool:
        """Put an item in, waiting for room.

        Parameters
        ----------
        item : ItemT
            The item.
        timeout_s : float or None
            How long to wait for room, s; None waits as long as it takes.

        Returns
        -------
        bool
            False if there was no room in time; the item is then not in the lane.

        Raises
        ------
        LaneClosed
            If the lane is or becomes closed before the item is in.
        """
        with self._changed:
            room = self._changed.wait_for(
                lambda: self._closed or len(self._items) < self._capacity, timeout_s
            )
            if self._closed:
                raise LaneClosed
            if not room:
                return False
            self._items.append(item)
            self._changed.notify_all()
            return True

    def take(self, timeout_s: float | None = None) -> ItemT | None:
        """Take the oldest item out, waiting for one.

        Parameters
        ----------
        timeout_s : float or None
            How long to wait, s; None waits until an item comes or the lane closes.

        Returns
        -------
        ItemT or None
            None if none came in time, or the lane is closed and empty (`finished` tells which).
        """
        with self._changed:
            self._changed.wait_for(lambda: self._items or self._closed, timeout_s)
            if not self._items:
                return None
            item = self._items.popleft()
            self._changed.notify_all()
            return item

    def close(self) -> None:
        """Take no more items; those inside can still be taken. May be called twice."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def abort(self) -> None:
        """Close and throw away what waits, because the other side will not come for it."""
        with self._changed:
            self._closed = True
            self._items.clear()
            self._changed.notify_all()

    @property
    def finished(self) -> bool:
        """Whether the lane is closed and empty: nothing will ever come out again."""
        with self._changed:
            return self._closed and not self._items

    def __len__(self) -> int:
        """How many items wait."""
        with self._changed:
            return len(self._items)

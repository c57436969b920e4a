"""News to whoever listens: in order, outside every lock of the session."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable

from armicro.session.parts import SessionEvent

News = Callable[[], None]
OnEvent = Callable[[SessionEvent], None]

_MOST_WAITING = 1000
"""Events that may wait for a listener that does not come back; beyond, the oldest go."""


class Outbox:
    """Collects under the session's lock and delivers outside of it, by whichever thread comes along.

    One thread delivers at a time, so events keep their order; a thread that finds another one delivering
    leaves its own news to that one.

    Parameters
    ----------
    on_failure : callable
        Told of what a listener raised; that listener is not called again.
    """

    def __init__(self, on_failure: Callable[[Exception], None]) -> None:
        self._on_failure = on_failure
        self._lock = threading.Lock()
        self._delivering = threading.Lock()
        self._events: deque[SessionEvent] = deque(maxlen=_MOST_WAITING)
        self._changed = False
        self._news: dict[int, News] = {}
        self._listeners: dict[int, OnEvent] = {}
        self._next = 0

    def subscribe(self, news: News) -> Callable[[], None]:
        """Have `news` called on changes; returns how to stop that."""
        return self._add(self._news, news)

    def listen(self, on_event: OnEvent) -> Callable[[], None]:
        """Have `on_event` called with each event; returns how to stop that."""
        return self._add(self._listeners, on_event)

    def put(self, event: SessionEvent | None = None) -> None:
        """Note that something changed, and an event if there is one."""
        with self._lock:
            self._changed = True
            if event is not None:
                self._events.append(event)

    def deliver(self) -> None:
        """Deliver what waits; not under a lock."""
        while self._waiting() and self._delivering.acquire(blocking=False):
            try:
                self._deliver_all()
            finally:
                self._delivering.release()

    def _add(self, where: dict[int, Callable[..., None]], call: Callable[..., None]) -> Callable[[], None]:
        with self._lock:
            key, self._next = self._next, self._next + 1
            where[key] = call

        def stop() -> None:
            with self._lock:
                where.pop(key, None)

        return stop

    def _waiting(self) -> bool:
        with self._lock:
            return self._changed or bool(self._events)

    def _deliver_all(self) -> None:
        while True:
            with self._lock:
                event = self._events.popleft() if self._events else None
                listeners = list(self._listeners.items()) if event is not None else []
                if event is None:
                    changed, self._changed = self._changed, False
                    if not changed:
                        return
                news = list(self._news.items()) if event is None else []
            for key, listener in listeners:
                assert event is not None  # there are listeners only then
                try:
                    listener(event)
                except Exception as error:  # noqa: BLE001 - one that is broken must not stop the instrument
                    self._failed(self._listeners, key, error)
            for key, call in news:
                try:
                    call()
                except Exception as error:  # noqa: BLE001 - as above
                    self._failed(self._news, key, error)

    def _failed(self, where: dict[int, Callable[..., None]], key: int, error: Exception) -> None:
        with self._lock:
            where.pop(key, None)
        self._on_failure(error)

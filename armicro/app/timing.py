"""Times the stages of an analysis; the science itself knows no clock."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager


class StageClock:
    """Adds up the wall time of named stages, for one field and one thread at a time.

    Stages that run inside another count for both.
    """

    def __init__(self) -> None:
        self._ns: dict[str, int] = {}

    @contextmanager
    def __call__(self, name: str) -> Iterator[None]:
        """Time what runs inside the context as part of stage `name`."""
        begin = time.perf_counter_ns()
        try:
            yield
        finally:
            self._ns[name] = self._ns.get(name, 0) + time.perf_counter_ns() - begin

    def take_ms(self) -> dict[str, float]:
        """Return milliseconds by stage and begin anew."""
        taken = {name: ns / 1e6 for name, ns in self._ns.items()}
        self._ns = {}
        return taken

"""What happens, as one JSON object per line, for programs that watch a running instrument."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TextIO

from armicro.contracts.results import Scalar
from armicro.session.parts import EventKind, SessionEvent


class EventLines:
    """Writes events to a stream, each flushed at once; from any thread.

    Parameters
    ----------
    stream : TextIO
        Where to.
    on_gone : callable
        Called when nobody reads there any more; nothing is written from then on.
    """

    def __init__(self, stream: TextIO, on_gone: Callable[[], None]) -> None:
        self._stream = stream
        self._on_gone = on_gone
        self._lock = threading.Lock()
        self._gone = False
        # Taken once: a clock that is set meanwhile must not turn the order of events around.
        self._utc_offset_ns = time.time_ns() - time.monotonic_ns()

    def __call__(self, event: SessionEvent) -> None:
        """Write a session's event; `ScoreChange`s and other notices are no events for programs."""
        if event.kind is not EventKind.NOTICE:
            self.write(str(event.kind), event.t_ns, **event.details)

    def write(self, kind: str, t_ns: int, **details: Scalar) -> None:
        """Write one line; `t_ns` is monotonic."""
        moment = datetime.fromtimestamp((t_ns + self._utc_offset_ns) / 1e9, UTC)
        text = moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        line = json.dumps({"event": kind, "t": text, "t_ns": t_ns, **details}, ensure_ascii=False)
        with self._lock:
            if self._gone:
                return
            try:
                self._stream.write(line + "\n")
                self._stream.flush()
            except OSError:
                self._gone = True
        if self._gone:
            self._on_gone()

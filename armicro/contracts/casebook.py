"""Where a case is kept: pixels and events, durable before anyone is told so."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from armicro.contracts.frame import Frame
from armicro.contracts.results import Scalar


@dataclass(frozen=True, slots=True)
class CaseEvent:
    """One act of a user or of the instrument.

    Parameters
    ----------
    kind : str
        "capture", "remove", "restore", "thresholds", "guideline", "cell", "region", "fault", ...
    details : mapping of str to scalar
        What it was.
    """

    kind: str
    details: Mapping[str, Scalar]


class OpenCase(Protocol):
    """One case that is being worked on; used by one thread at a time.

    Every method returns only when what it did will survive a power cut (where the case is kept on disk), and
    raises `StoreError` where it cannot.
    """

    def keep(self, frame: Frame, press_ns: int) -> int:
        """Keep a captured field's pixels; return its number, from 1, rising by one."""
        ...

    def record(self, event: CaseEvent) -> None:
        """Append an event."""
        ...

    def frame(self, number: int) -> Frame:
        """Return the pixels of a field as they were captured."""
        ...

    def close(self) -> None:
        """Let go of it; may be called twice."""
        ...

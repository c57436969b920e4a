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


@dataclass(frozen=True, slots=True)
class Earlier:
    """What a case holds already when it is opened.

    Parameters
    ----------
    numbers : tuple of int
        Of the fields that are kept, rising.
    settings : str or None
        What was decided about the case last: the newest text under "settings" among its events.
    signed_off : str or None
        When and by whom it was signed off, in words; None while it may be changed.
    """

    numbers: tuple[int, ...] = ()
    settings: str | None = None
    signed_off: str | None = None


MAY_FOLLOW_SIGN_OFF = frozenset(
    {
        "amend", "opened", "closed", "export", "imported", "fault", "recovered", "objective", "settings-lock",
        "verify",
    }
)  # fmt: skip
"""Kinds of events that a case takes after it was signed off: those that change nothing about it."""


class OpenCase(Protocol):
    """One case that is being worked on; used by one thread at a time.

    Every method returns only when what it did will survive a power cut (where the case is kept on disk), and
    raises `StoreError` where it cannot. A case that was signed off (event "sign-off") takes no field, and no
    event but those of `MAY_FOLLOW_SIGN_OFF`, until it is amended (event "amend", with the reason).
    """

    def earlier(self) -> Earlier:
        """Return what the case holds already."""
        ...

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

"""The audit log's hash chain: each event's hash covers the event and the hash before it. Pure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from armicro.contracts.results import Scalar

START = "0" * 64
"""Stands before the first event of a case."""


@dataclass(frozen=True, slots=True)
class LoggedEvent:
    """An event of the log.

    Parameters
    ----------
    seq : int
        Its place in the case, from 1.
    utc : str
        When, ISO 8601.
    who : str
        The user's account.
    kind : str
        What.
    details : str
        JSON with sorted keys, as it was hashed.
    hash : str
        SHA-256, 64 hexadecimal digits.
    """

    seq: int
    utc: str
    who: str
    kind: str
    details: str
    hash: str


def as_json(details: Mapping[str, Scalar]) -> str:
    """Return details as JSON of one form only."""
    return json.dumps(dict(details), sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def link(case: str, previous: str, event: LoggedEvent) -> str:
    """Return the hash that an event has to carry.

    Parameters
    ----------
    case : str
        Name of the case: an event cannot be moved to another one.
    previous : str
        Hash of the event before, `START` for the first.
    event : LoggedEvent
        The event; its own `hash` takes no part.
    """
    parts = [case, previous, event.seq, event.utc, event.who, event.kind, event.details]
    return hashlib.sha256(json.dumps(parts, ensure_ascii=False).encode()).hexdigest()


def first_break(case: str, events: Iterable[LoggedEvent]) -> int | None:
    """Return the place at which a chain breaks; None if it holds.

    Parameters
    ----------
    case : str
        Name of the case.
    events : iterable of LoggedEvent
        All of its events, in order.
    """
    previous = START
    for place, event in enumerate(events, start=1):
        if event.seq != place or event.hash != link(case, previous, event):
            return place
        previous = event.hash
    return None

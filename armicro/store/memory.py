"""A case that lives in memory, for tests, simulations and runs that write their result at the end."""

from __future__ import annotations

from armicro.contracts.casebook import CaseEvent
from armicro.contracts.errors import StoreError
from armicro.contracts.frame import Frame

MOST_FIELDS = 200
MOST_EVENTS = 10_000


class MemoryCase:
    """An `OpenCase` in memory: it survives no power cut.

    Each field holds its frame, 27 MB at 3008²: ten fields are 270 MB. `MOST_FIELDS` and `MOST_EVENTS` bound
    it; a field beyond is refused, of the events the oldest go.

    Parameters
    ----------
    most_fields : int
        How many fields it takes.
    """

    def __init__(self, most_fields: int = MOST_FIELDS) -> None:
        self._most_fields = most_fields
        self._fields: list[tuple[Frame, int]] = []
        self._events: list[CaseEvent] = []
        self._closed = False

    def keep(self, frame: Frame, press_ns: int) -> int:
        """Keep a captured field; see `OpenCase.keep`.

        Raises
        ------
        StoreError
            If it is closed or full.
        """
        self._require_open()
        if len(self._fields) >= self._most_fields:
            raise StoreError(
                f"a case in memory holds {self._most_fields} fields and is full: end it and begin another"
            )
        self._fields.append((frame, press_ns))
        return len(self._fields)

    def record(self, event: CaseEvent) -> None:
        """Append an event."""
        self._require_open()
        self._events.append(event)
        del self._events[:-MOST_EVENTS]

    def frame(self, number: int) -> Frame:
        """Return the pixels of a field.

        Raises
        ------
        StoreError
            If it is closed, or there is no such field.
        """
        self._require_open()
        if not 1 <= number <= len(self._fields):
            raise StoreError(f"the case has no field {number}; it has {len(self._fields)}")
        return self._fields[number - 1][0]

    def close(self) -> None:
        """Let go of all pixels."""
        self._closed = True
        self._fields.clear()

    @property
    def presses_ns(self) -> tuple[int, ...]:
        """When each field was decided on."""
        return tuple(press for _, press in self._fields)

    @property
    def events(self) -> tuple[CaseEvent, ...]:
        """What was recorded, oldest first."""
        return tuple(self._events)

    def _require_open(self) -> None:
        if self._closed:
            raise StoreError("the case is closed")

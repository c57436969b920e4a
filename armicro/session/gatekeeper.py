"""The quality gate's say on captured fields: after they are told and before they count."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace

from armicro.contracts.frame import Frame
from armicro.contracts.results import Scalar
from armicro.imaging.gate import GateLimits
from armicro.session.desk import Desk, OpenBook
from armicro.session.judging import Judgement, judge

_MOST = 2
"""Fields that may wait while others are captured; each holds its frame."""


@dataclass(frozen=True, slots=True)
class Unjudged:
    """A captured field that the gate has not spoken of."""

    book: OpenBook
    number: int
    frame: Frame
    limits: GateLimits


class Gatekeeper:
    """Judges captured fields on the keeper's thread, one after the other.

    A judgement takes as long as writing a field, and longer the more fields there are: captures go before it.
    Until it is there a field has its overlay, but is in no score.

    Parameters
    ----------
    desk : Desk
        Shared state.
    """

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._waiting: deque[Unjudged] = deque()

    def add(self, one: Unjudged) -> None:
        """Take a field in; under the lock, together with its capture."""
        one.book.unjudged.add(one.number)
        self._waiting.append(one)

    @property
    def waits(self) -> bool:
        """Whether there is something to judge."""
        return bool(self._waiting)

    @property
    def behind(self) -> bool:
        """Whether so much waits that captures have to wait for it. In the end all of them come first."""
        return len(self._waiting) > _MOST and not self._desk.is_closed()

    def judge_all(self) -> None:
        """Judge all that wait, before something else goes on."""
        while self._waiting:
            self.judge_next()

    def judge_next(self) -> None:
        """Judge one: leave out what the gate refuses, and count once what is seen twice."""
        one, desk = self._waiting.popleft(), self._desk
        try:
            judgement = self._ask(one)
            if self._take(one, judgement):
                self._tell(one, judgement)
        finally:
            # Only now: what the gate said is recorded before a score that rests on it.
            with desk.lock:
                one.book.unjudged.discard(one.number)
            desk.score_wanted.set()

    def _ask(self, one: Unjudged) -> Judgement:
        desk, book = self._desk, one.book
        with desk.lock:
            choice = book.history.choice
            earlier = tuple(f.number for f in choice.fields if f.number < one.number and not f.removed)
            seen = {n: book.captured[n].coarse for n in earlier if n in book.captured}
        known = {n: c for n, c in seen.items() if c is not None}
        control = None if desk.parts.control is None else desk.parts.control(book.case_id)
        return judge(one.frame, choice.profile.white_rgb, known, one.limits, control)

    def _take(self, one: Unjudged, judgement: Judgement) -> bool:
        desk, book = self._desk, one.book
        with desk.lock:
            captured = book.captured.get(one.number)
            if desk.book is not book or captured is None:
                return False
            # Of "the same place" the gate knows better: how much of it.
            book.captured[one.number] = replace(captured, warnings=judgement.words, coarse=judgement.coarse)
            book.history.find_of(one.number, judgement.applied_to)
            desk.outbox.put()
        return True

    def _tell(self, one: Unjudged, judgement: Judgement) -> None:
        """Tell what was found of a field that is not taken back, and have it recorded."""
        desk, number = self._desk, one.number
        field = next((f for f in one.book.history.choice.fields if f.number == number), None)
        for words in judgement.words if field is not None else ():
            desk.notice(f"Field {number}: {words}")
        if field is not None and field.removed:
            desk.notice(f"Field {number} is left out of the score; restore it with a reason to count it.")
        details: dict[str, Scalar] = {"number": number, "limits": one.limits.name, **judgement.log}
        if not desk.is_closed():
            desk.record_settings("gate", **details)
            return
        # Nothing is handed in any more; what was is recorded already.
        with desk.store_lock:
            one.book.store.record(desk.settings_event("gate", details))

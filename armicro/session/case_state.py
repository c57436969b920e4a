"""What a user has decided about a case, as one frozen value, and the way back to earlier ones.

Every command makes a new value of the old; undoing one is taking the old value up again, so that nothing has
to be written twice, once forwards and once backwards.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from armicro.contracts.errors import InputError
from armicro.contracts.stain import StainProfile
from armicro.imaging.regions import Polygon, Regions
from armicro.scoring.model import Guideline
from armicro.session.edits import Edits

Rings = tuple[tuple[tuple[float, float], ...], ...]


@dataclass(frozen=True, slots=True)
class CaseControl:
    """What the quality gate said of the case's control of the stain: "ok", "warn" or "refuse", and words."""

    verdict: str
    words: str


@dataclass(frozen=True, slots=True)
class FieldChoice:
    """What was decided about a captured field.

    Parameters
    ----------
    number : int
        From 1, as it is kept.
    removed : bool
        Left out of the score.
    edits : tuple of CellEdit
        Cells by hand.
    include, exclude : tuple of tuple of (y, x)
        Polygons in px of the field; see `SetRegions`.
    seen_before : tuple of tuple of (y, x)
        Parts that an earlier field shows: their cells count there.
    refused : str
        Why the quality gate refused it, in words; "" if it did not.
    counted_because : str
        Why it counts although it was refused, or why what an earlier field shows counts, too; in the person's
        words.
    told : tuple of str
        What the quality gate said of it, in words.
    control : CaseControl or None
        What it said of the case's control at the capture; None where it was not asked.
    """

    number: int
    removed: bool = False
    edits: Edits = ()
    include: Rings = ()
    exclude: Rings = ()
    seen_before: Rings = ()
    refused: str = ""
    counted_because: str = ""
    told: tuple[str, ...] = ()
    control: CaseControl | None = None

    @property
    def regions(self) -> Regions | None:
        """Where cells count; None for the whole field. Raises `RegionError` for what is no polygon."""
        exclude = (*self.exclude, *self.seen_before)
        if not self.include and not exclude:
            return None
        return Regions(_polygons(self.include), _polygons(exclude))


def _polygons(rings: Rings) -> tuple[Polygon, ...]:
    return tuple(Polygon((np.asarray(ring, np.float64).reshape(-1, 2),)) for ring in rings)


@dataclass(frozen=True, slots=True)
class CaseChoice:
    """What was decided about a case.

    Parameters
    ----------
    profile : StainProfile
        With the thresholds in force.
    guideline : Guideline
        The rules.
    fields : tuple of FieldChoice
        In the order of the presses.
    """

    profile: StainProfile
    guideline: Guideline
    fields: tuple[FieldChoice, ...] = ()

    def field(self, number: int) -> FieldChoice:
        """Return a field's choice.

        Raises
        ------
        InputError
            If there is no such field.
        """
        for one in self.fields:
            if one.number == number:
                return one
        raise InputError(f"there is no field {number} in this case")

    def with_field(self, changed: FieldChoice) -> CaseChoice:
        """Return the case with one field's choice replaced."""
        return replace(self, fields=tuple(changed if f.number == changed.number else f for f in self.fields))

    def captured(self, number: int) -> CaseChoice:
        """Return the case with a new field at its end."""
        return replace(self, fields=(*self.fields, FieldChoice(number)))


@dataclass(frozen=True, slots=True)
class _Step:
    label: str
    before: CaseChoice
    after: CaseChoice


class History:
    """The present choice, and the ones before and after it; used under the session's lock.

    Parameters
    ----------
    choice : CaseChoice
        What it begins with.
    most_steps : int
        How many steps can be taken back.
    """

    def __init__(self, choice: CaseChoice, most_steps: int) -> None:
        self._choice = choice
        self._done: deque[_Step] = deque(maxlen=most_steps)
        self._undone: list[_Step] = []

    @property
    def choice(self) -> CaseChoice:
        """What holds now."""
        return self._choice

    @property
    def undo_label(self) -> str | None:
        """What would be taken back, in words."""
        return self._done[-1].label if self._done else None

    @property
    def redo_label(self) -> str | None:
        """What would be done again, in words."""
        return self._undone[-1].label if self._undone else None

    def apply(self, label: str, after: CaseChoice) -> bool:
        """Take a new choice; what was undone before is then gone. Returns whether anything changed."""
        if after == self._choice:
            return False
        self._done.append(_Step(label, self._choice, after))
        self._undone.clear()
        self._choice = after
        return True

    def find_of(self, number: int, found: Callable[[FieldChoice], FieldChoice]) -> None:
        """Take in what was found of a field, in every step that knows it.

        It is no act and cannot be taken back: wherever undo and redo lead, it goes with its field.
        """

        def changed(choice: CaseChoice) -> CaseChoice:
            fields = tuple(found(f) if f.number == number else f for f in choice.fields)
            return replace(choice, fields=fields)

        def step(s: _Step) -> _Step:
            return _Step(s.label, changed(s.before), changed(s.after))

        self._choice = changed(self._choice)
        self._done = deque((step(s) for s in self._done), self._done.maxlen)
        self._undone = [step(s) for s in self._undone]

    def adopt(self, choice: CaseChoice) -> None:
        """Go on from a choice that came from elsewhere (a case that is opened again): nothing to undo."""
        self._choice = choice
        self._done.clear()
        self._undone.clear()

    def undo(self) -> str | None:
        """Take the last step back; return what it was."""
        if not self._done:
            return None
        step = self._done.pop()
        self._undone.append(step)
        self._choice = step.before
        return step.label

    def redo(self) -> str | None:
        """Do again what was taken back last; return what it was."""
        if not self._undone:
            return None
        step = self._undone.pop()
        self._done.append(step)
        self._choice = step.after
        return step.label

"""What a report has to say of a field beside its reading: the gate's words, and what a person did."""

from __future__ import annotations

from collections.abc import Iterable

from armicro.session.case_state import CaseControl, FieldChoice


def field_notes(one: FieldChoice) -> tuple[str, ...]:
    """Return what is to be said of a field, in words."""
    # The control is the case's and said there; what it was refused for stands with why it counts.
    elsewhere = one.refused if one.counted_because else ""
    control = "" if one.control is None else one.control.words
    notes = [f"quality gate: {words}" for words in one.told if words not in elsewhere and words != control]
    if one.counted_because:
        refused = f"refused by the quality gate ({one.refused})" if one.refused else "seen in part before"
        notes.append(f"{refused}; counted all the same: {one.counted_because}")
    n = len(one.edits)
    if n:
        reasons = sorted({e.why for e in one.edits if e.why})
        because = f" ({'; '.join(reasons)})" if reasons else ""
        notes.append(f"{'1 cell was' if n == 1 else f'{n} cells were'} changed by hand{because}")
    if one.regions is not None:
        notes.append("only part of the field counts")
    return tuple(notes)


def case_control(fields: Iterable[FieldChoice]) -> CaseControl | None:
    """Return what was said of the case's control when its last counting field was captured, if anything."""
    said = [one.control for one in fields if one.control is not None and not one.removed]
    return said[-1] if said else None

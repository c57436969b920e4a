"""From a command to the case as it is then: pure, so that each can be recorded, undone and done again."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, fields, replace

from armicro.contracts.errors import InputError
from armicro.contracts.results import FovResult, Scalar
from armicro.contracts.stain import StainProfile
from armicro.imaging.regions import require_within
from armicro.scoring.model import Guideline
from armicro.session.case_state import CaseChoice, FieldChoice
from armicro.session.commands import (
    AddCell,
    Command,
    CountOverlap,
    ReclassifyCell,
    RemoveCell,
    RemoveField,
    RestoreField,
    SetGuideline,
    SetRegions,
    SetStainProfile,
    SetThresholds,
)
from armicro.session.edits import CellEdit, EditKind, add, reclassify, remove

CaseCommand = (
    RemoveField
    | RestoreField
    | CountOverlap
    | SetThresholds
    | SetStainProfile
    | SetGuideline
    | ReclassifyCell
    | RemoveCell
    | AddCell
    | SetRegions
)
"""Commands that change what was decided about a case; these can be undone."""

CASE_COMMANDS = (
    RemoveField,
    RestoreField,
    CountOverlap,
    SetThresholds,
    SetStainProfile,
    SetGuideline,
    ReclassifyCell,
    RemoveCell,
    AddCell,
    SetRegions,
)

_KINDS: dict[type[object], str] = {
    RemoveField: "remove",
    RestoreField: "restore",
    CountOverlap: "count-overlap",
    SetThresholds: "thresholds",
    SetStainProfile: "stain-profile",
    SetGuideline: "guideline",
    ReclassifyCell: "cell",
    RemoveCell: "cell",
    AddCell: "cell",
    SetRegions: "region",
}


@dataclass(frozen=True, slots=True)
class Means:
    """What a command may ask for.

    Parameters
    ----------
    load_profile, load_guideline : callable
        By name; raise `InputError`s.
    result_of : callable
        From a field's number to its present result, None if there is none.
    """

    load_profile: Callable[[str], StainProfile]
    load_guideline: Callable[[str], Guideline]
    result_of: Callable[[int], FovResult | None]


def act(command: CaseCommand, choice: CaseChoice, means: Means) -> tuple[str, CaseChoice]:
    """Return what a command does, in words for "undo", and the case as it is then.

    Raises
    ------
    InputError
        If it cannot be done; in words for the user.
    """
    if isinstance(command, SetThresholds):
        profile = replace(choice.profile, thresholds=command.thresholds)
        return "set thresholds", replace(choice, profile=profile)
    if isinstance(command, SetStainProfile):
        profile = means.load_profile(command.name)
        return f"use stain profile {profile.name}", replace(choice, profile=profile)
    if isinstance(command, SetGuideline):
        # The same rules loaded again are the same rules: nothing to undo.
        guideline = means.load_guideline(command.name)
        return f"judge by {guideline.name}", replace(choice, guideline=guideline)
    one = choice.field(command.number)
    if isinstance(command, RemoveField | RestoreField | CountOverlap):
        words, changed = _counted(command, one)
        return words, choice.with_field(changed)
    result = means.result_of(one.number)
    if result is None:
        raise InputError(f"field {one.number} is still being read: try again in a moment")
    if isinstance(command, SetRegions):
        changed = replace(one, include=command.include, exclude=command.exclude)
        if changed.regions is not None:
            require_within(changed.regions, result.shape)
        return f"set regions of field {one.number}", choice.with_field(changed)
    if isinstance(command, ReclassifyCell):
        words = f"change a cell of field {one.number}"
        edits = reclassify(one.edits, result, command.index, command.category, command.why)
    elif isinstance(command, RemoveCell):
        words = f"remove a cell of field {one.number}"
        edits = remove(one.edits, result, command.index, command.why)
    else:
        words = f"add a cell to field {one.number}"
        new = CellEdit(EditKind.ADDED, command.y_px, command.x_px, command.category, command.why)
        edits = add(one.edits, result, new)
    return words, choice.with_field(replace(one, edits=edits))


def _counted(command: RemoveField | RestoreField | CountOverlap, one: FieldChoice) -> tuple[str, FieldChoice]:
    """Return what becomes of whether a field counts."""
    if isinstance(command, RemoveField):
        return f"leave out field {one.number}", replace(one, removed=True)
    if isinstance(command, CountOverlap):
        if not command.why.strip():
            raise InputError("cells that another field shows are counted again only with a reason")
        return f"count all of field {one.number}", replace(one, seen_before=(), counted_because=command.why)
    if one.refused and one.removed and not command.why.strip():
        raise InputError(f"field {one.number} was refused ({one.refused}): to count it, give a reason")
    why = command.why.strip() or one.counted_because
    return f"count field {one.number} again", replace(one, removed=False, counted_because=why)


def act_event(command: Command) -> tuple[str, dict[str, Scalar]]:
    """Return kind and details of a command, as they are recorded with the case."""
    details: dict[str, Scalar] = {"command": type(command).__name__}
    for one in fields(command):
        value = getattr(command, one.name)
        if isinstance(value, SetThresholds | str | int | float | bool) or value is None:
            details[one.name] = value if not isinstance(value, SetThresholds) else None
        elif isinstance(value, tuple):
            details[one.name] = json.dumps(value)
        else:
            for inner in fields(value):
                details[inner.name] = getattr(value, inner.name)
    return _KINDS.get(type(command), type(command).__name__.lower()), details

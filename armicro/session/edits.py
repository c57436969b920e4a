"""What a person says about single cells, laid over any reading of the field.

An edit belongs to a place, not to a row: other thresholds give the same rows again, another stain profile or
detector may give others, and the pathologist's word is kept through both.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np

from armicro.contracts.arrays import F32, frozen
from armicro.contracts.cells import RULES, Category, CellTable, Rule
from armicro.contracts.errors import InputError
from armicro.contracts.results import FovResult
from armicro.imaging.regions import Regions, inside

MATCH_UM = 2.5
"""A nucleus that was read anew is the one that was edited if it lies within this, µm: half a nucleus."""
_BY_HAND = RULES.index(Rule.BY_HAND)


class EditKind(StrEnum):
    """What was done to a cell."""

    RECLASSIFIED = "reclassified"
    REMOVED = "removed"
    ADDED = "added"


@dataclass(frozen=True, slots=True)
class CellEdit:
    """One cell by hand.

    Parameters
    ----------
    kind : EditKind
        What was done.
    y_px, x_px : float
        The nucleus, px of the field.
    category : Category or None
        The person's reading; None for a removed cell.
    why : str
        In the person's words.
    """

    kind: EditKind
    y_px: float
    x_px: float
    category: Category | None = None
    why: str = ""


Edits = tuple[CellEdit, ...]


def edited(result: FovResult, edits: Edits, regions: Regions | None = None) -> FovResult:
    """Lay edits over a reading.

    Parameters
    ----------
    result : FovResult
        The reading.
    edits : tuple of CellEdit
        In any order; no two at one place.
    regions : Regions or None
        Where cells count; asked for those that are added.

    Returns
    -------
    FovResult
        Rows keep their places: a removed cell stays, not counted; added ones, and reclassified ones for which
        the reading has no cell any more, follow at the end in the order of the edits.
    """
    if not edits:
        return result
    table = result.cells
    category, rule, counted = table.category.copy(), table.rule.copy(), table.counted.copy()
    reach_px = MATCH_UM / result.provenance.optics.um_per_px
    extra: list[CellEdit] = []
    for edit in edits:
        row = None if edit.kind is EditKind.ADDED else _row_at(table.yx_px, edit, reach_px)
        if row is None:
            if edit.category is not None:
                extra.append(edit)
            continue
        rule[row] = _BY_HAND
        if edit.category is None:
            counted[row] = False
        else:
            category[row] = edit.category
    cells = replace(table, category=frozen(category), rule=frozen(rule), counted=frozen(counted))
    return replace(result, cells=_extended(cells, extra, regions))


def _row_at(yx_px: F32, edit: CellEdit, reach_px: float) -> int | None:
    if not len(yx_px):
        return None
    d2 = ((yx_px - np.array([edit.y_px, edit.x_px], np.float32)) ** 2).sum(axis=1)
    row = int(np.argmin(d2))
    return row if float(d2[row]) <= reach_px**2 else None


def _extended(cells: CellTable, extra: list[CellEdit], regions: Regions | None) -> CellTable:
    """Append cells of which only place and category are known."""
    if not extra:
        return cells
    n = len(extra)
    yx = np.array([(e.y_px, e.x_px) for e in extra], np.float32)
    new = {
        "yx_px": yx,
        "category": np.array([e.category for e in extra], np.uint8),
        "rule": np.full(n, _BY_HAND, np.uint8),
        "counted": np.ones(n, np.bool_) if regions is None else inside(yx, regions),
    }
    columns = {}
    for name in CellTable.__dataclass_fields__:
        have = getattr(cells, name)
        part = new.get(name)
        if part is None:
            part = np.zeros((n, *have.shape[1:]), have.dtype)
        columns[name] = frozen(np.concatenate([have, part]))
    return CellTable(**columns)


def reclassify(edits: Edits, result: FovResult, index: int, category: Category, why: str) -> Edits:
    """Return the edits with a cell overruled; `index` is its row in `result`, which has the edits in it.

    Raises
    ------
    InputError
        If there is no such row.
    """
    y, x = _place(result, index)
    there = _edit_at(edits, y, x)
    kind = EditKind.ADDED if there is not None and there.kind is EditKind.ADDED else EditKind.RECLASSIFIED
    return (*_without(edits, there), CellEdit(kind, y, x, category, why))


def remove(edits: Edits, result: FovResult, index: int, why: str) -> Edits:
    """Return the edits with a cell taken out; one that was added by hand is simply no longer added.

    Raises
    ------
    InputError
        If there is no such row.
    """
    y, x = _place(result, index)
    there = _edit_at(edits, y, x)
    rest = _without(edits, there)
    if there is not None and there.kind is EditKind.ADDED:
        return rest
    return (*rest, CellEdit(EditKind.REMOVED, y, x, None, why))


def add(edits: Edits, result: FovResult, edit: CellEdit) -> Edits:
    """Return the edits with a cell added.

    Raises
    ------
    InputError
        If it lies outside the field, or a counted cell is there already.
    """
    height, width = result.shape
    if not (-0.5 <= edit.y_px < height - 0.5 and -0.5 <= edit.x_px < width - 0.5):
        raise InputError(f"no cell was added: x {edit.x_px:.0f}, y {edit.y_px:.0f} lies outside the field")
    there = _row_at(result.cells.yx_px, edit, 1.0)
    if there is not None and result.cells.counted[there]:
        raise InputError("no cell was added: there is one already; change its category instead")
    y, x = float(np.float32(edit.y_px)), float(np.float32(edit.x_px))
    return (*edits, replace(edit, y_px=y, x_px=x))


def _place(result: FovResult, index: int) -> tuple[float, float]:
    if not 0 <= index < len(result.cells):
        raise InputError(f"the field has no cell {index}: it has {len(result.cells)}")
    y, x = result.cells.yx_px[index]
    return float(y), float(x)


def _edit_at(edits: Edits, y: float, x: float) -> CellEdit | None:
    """Return the edit of the cell at a place: rows made by an edit lie exactly there, others within reach."""
    return next((e for e in edits if (e.y_px, e.x_px) == (y, x)), None)


def _without(edits: Edits, one: CellEdit | None) -> Edits:
    return tuple(e for e in edits if e is not one)

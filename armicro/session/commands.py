"""What a user can ask of a session: frozen values, so that each can be recorded, undone and done again.

The window, the pedal and the command line speak to a session by these alone.
"""

from __future__ import annotations

from dataclasses import dataclass

from armicro.contracts.cells import Category
from armicro.contracts.stain import DabThresholds


@dataclass(frozen=True, slots=True)
class Capture:
    """Keep the field that is being looked at; `t_ns` is when that was decided, on the monotonic clock."""

    t_ns: int


@dataclass(frozen=True, slots=True)
class Undo:
    """Take the last action back."""


@dataclass(frozen=True, slots=True)
class Redo:
    """Do again what was taken back last."""


@dataclass(frozen=True, slots=True)
class RemoveField:
    """Leave a captured field (its number, from 1) out of the score; it is kept."""

    number: int


@dataclass(frozen=True, slots=True)
class RestoreField:
    """Count a removed field again; one that the quality gate refused only with a reason."""

    number: int
    why: str = ""


@dataclass(frozen=True, slots=True)
class CountOverlap:
    """Count the part of a field, too, that another field shows already; with a reason."""

    number: int
    why: str


@dataclass(frozen=True, slots=True)
class SetThresholds:
    """Read all fields of the case by other thresholds.

    With `preview` it is a handle on its way: shown on the live field and as "before and after", neither
    recorded nor undoable; the one without `preview` that follows is.
    """

    thresholds: DabThresholds
    preview: bool = False


@dataclass(frozen=True, slots=True)
class SetStainProfile:
    """Use another stain profile (its name or path); all fields are read again from their pixels."""

    name: str


@dataclass(frozen=True, slots=True)
class SetGuideline:
    """Judge by another rule set."""

    name: str


@dataclass(frozen=True, slots=True)
class SetObjective:
    """The objective in use, by its name in the optics of the session; None between two of them."""

    name: str | None


@dataclass(frozen=True, slots=True)
class ToggleOverlay:
    """Show or hide the overlay in eyepiece and window."""


@dataclass(frozen=True, slots=True)
class ReclassifyCell:
    """Overrule a cell of a captured field; `index` is its row in the field's `CellTable`."""

    number: int
    index: int
    category: Category
    why: str = ""


@dataclass(frozen=True, slots=True)
class RemoveCell:
    """Say that a cell of a captured field is no tumour cell."""

    number: int
    index: int
    why: str = ""


@dataclass(frozen=True, slots=True)
class AddCell:
    """Add a tumour cell that was missed, y, x in pixels of the field."""

    number: int
    y_px: float
    x_px: float
    category: Category
    why: str = ""


@dataclass(frozen=True, slots=True)
class SetRegions:
    """Count only inside polygons of a captured field; (M, 2) vertices y, x in px as tuples, none for all."""

    number: int
    include: tuple[tuple[tuple[float, float], ...], ...] = ()
    exclude: tuple[tuple[tuple[float, float], ...], ...] = ()


@dataclass(frozen=True, slots=True)
class NewCase:
    """Close the present case and begin another, or go on with one that is kept."""

    case_id: str


@dataclass(frozen=True, slots=True)
class SignOff:
    """Say that the case is done: it is locked as it stands, with its score."""

    note: str = ""


@dataclass(frozen=True, slots=True)
class Amend:
    """Open a case again that was signed off; the reason is recorded, and what it was is kept."""

    reason: str


Command = (
    Capture
    | Undo
    | Redo
    | RemoveField
    | RestoreField
    | CountOverlap
    | SetThresholds
    | SetStainProfile
    | SetGuideline
    | SetObjective
    | ToggleOverlay
    | ReclassifyCell
    | RemoveCell
    | AddCell
    | SetRegions
    | NewCase
    | SignOff
    | Amend
)

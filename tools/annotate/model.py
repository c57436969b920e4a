"""Marked points of one field, and the changes that a reader makes to them.

Nothing here knows a window, a file or a clock. A document is never changed in place: each edit is a `Change`,
plain data that says what was and what is, so that it can be applied, inverted (undo) and tested by itself.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Literal

EDGE_PX = 8
"""A nucleus this near to the crop's edge is cut by it and counts as uncertain (the protocol)."""


class Kind(StrEnum):
    """What a reader takes a nucleus for."""

    TUMOUR = "T"
    OTHER = "O"
    UNCERTAIN = "U"


class Membrane(StrEnum):
    """Membrane staining of a tumour cell by eye; `NOT_SET` where nobody has said yet."""

    INTENSE_COMPLETE = "ic"
    INTENSE_INCOMPLETE = "ii"
    WEAK_COMPLETE = "wc"
    WEAK_INCOMPLETE = "wi"
    FAINT = "fa"
    NONE = "no"
    UNKNOWN = "uk"
    NOT_SET = ""


class State(StrEnum):
    """How far a crop is."""

    OPEN = "open"
    COMPLETE = "complete"


@dataclass(frozen=True, slots=True, order=True)
class Crop:
    """The square part of a field that is marked.

    Parameters
    ----------
    y0, x0 : int
        First row and column, px of the whole image.
    size : int
        Side, px.

    Raises
    ------
    ValueError
        If it begins before the image or has no size.
    """

    y0: int
    x0: int
    size: int

    def __post_init__(self) -> None:
        if self.y0 < 0 or self.x0 < 0 or self.size < 1:
            raise ValueError(f"no crop begins at {self.y0}, {self.x0} with a side of {self.size} px")

    def contains(self, y_px: float, x_px: float) -> bool:
        """Tell whether a point of the image lies in the crop; pixel centres are at whole numbers."""
        return all(-0.5 <= v < self.size - 0.5 for v in (y_px - self.y0, x_px - self.x0))

    def depth_px(self, y_px: float, x_px: float) -> float:
        """Return how far inside the crop's outermost pixels a point lies, px; negative outside."""
        inside = (y_px - self.y0, x_px - self.x0)
        return min(min(v, self.size - 1 - v) for v in inside)

    def clamp(self, y_px: float, x_px: float) -> tuple[float, float]:
        """Return the nearest place inside the crop."""
        return (
            min(max(y_px, self.y0), self.y0 + self.size - 1),
            min(max(x_px, self.x0), self.x0 + self.size - 1),
        )

    @staticmethod
    def around(y_px: float, x_px: float, size: int, shape: tuple[int, int]) -> Crop:
        """Return a crop centred near a point that lies wholly inside an image (height, width)."""
        side = max(1, min(size, *shape))
        y0, x0 = (
            min(max(round(v) - side // 2, 0), n - side) for v, n in zip((y_px, x_px), shape, strict=True)
        )
        return Crop(y0, x0, side)


@dataclass(frozen=True, slots=True)
class Point:
    """A nucleus.

    Parameters
    ----------
    uid : int
        Its name within the crop for as long as the document is open.
    y_px, x_px : float
        Centre, px of the whole image.
    kind : Kind
        What it is.
    membrane : Membrane
        The cell's staining; only tumour nuclei carry one.
    reviewed : bool
        False for a proposal that no reader has looked at.

    Raises
    ------
    ValueError
        If the place is not finite, or a nucleus that is no tumour's carries a category.
    """

    uid: int
    y_px: float
    x_px: float
    kind: Kind
    membrane: Membrane = Membrane.NOT_SET
    reviewed: bool = True

    def __post_init__(self) -> None:
        if not (math.isfinite(self.y_px) and math.isfinite(self.x_px)):
            raise ValueError(f"a point at {self.y_px}, {self.x_px} is nowhere")
        if self.membrane and self.kind is not Kind.TUMOUR:
            raise ValueError(f"a point of kind {self.kind} carries no membrane category")


@dataclass(frozen=True, slots=True)
class Sheet:
    """What is marked in one crop.

    Parameters
    ----------
    state : State
        Whether the reader has declared it complete.
    points : tuple of Point
        In the order of their uids.
    """

    state: State = State.OPEN
    points: tuple[Point, ...] = ()

    def point(self, uid: int) -> Point | None:
        """Return the point of a uid, None where there is none."""
        return next((p for p in self.points if p.uid == uid), None)

    @property
    def unreviewed(self) -> tuple[Point, ...]:
        """The proposals that nobody has looked at."""
        return tuple(p for p in self.points if not p.reviewed)

    @property
    def next_uid(self) -> int:
        """A uid that is free; changes are undone in order, so those of undone points are free too."""
        return max((p.uid for p in self.points), default=0) + 1

    def nearest(self, y_px: float, x_px: float, reach_px: float) -> Point | None:
        """Return the point nearest to a place, None where none lies within `reach_px`."""
        far = [(math.hypot(p.y_px - y_px, p.x_px - x_px), p.uid, p) for p in self.points]
        best = min(far, default=None, key=lambda entry: entry[:2])
        return best[2] if best is not None and best[0] <= reach_px else None


@dataclass(frozen=True, slots=True)
class FieldDocument:
    """All crops of one field.

    Parameters
    ----------
    sheets : dict of Crop to Sheet
        Treated as frozen: `apply` makes a new one.
    """

    sheets: dict[Crop, Sheet] = field(default_factory=dict)

    @property
    def crops(self) -> tuple[Crop, ...]:
        """The crops, top to bottom."""
        return tuple(sorted(self.sheets))


ChangeName = Literal["place", "propose", "add", "remove", "move", "set", "state"]


@dataclass(frozen=True, slots=True)
class Change:
    """One edit: points and state before, points and state after.

    Parameters
    ----------
    name : str
        What kind of edit it is.
    text : str
        For people ("add tumour nucleus").
    crop : Crop
        Where.
    before, after : tuple of Point
        The points that it takes away and those that it puts in their place.
    was, now : State or None
        The crop's state before and after; None where there is no such crop.
    """

    name: ChangeName
    text: str
    crop: Crop
    before: tuple[Point, ...] = ()
    after: tuple[Point, ...] = ()
    was: State | None = State.OPEN
    now: State | None = State.OPEN

    @property
    def inverse(self) -> Change:
        """The change that takes this one back."""
        return replace(self, before=self.after, after=self.before, was=self.now, now=self.was)


def apply(document: FieldDocument, change: Change) -> FieldDocument:
    """Return the document after a change.

    Raises
    ------
    ValueError
        If the document is not as the change found it.
    """
    sheet = document.sheets.get(change.crop)
    if (sheet.state if sheet is not None else None) is not change.was:
        raise ValueError(f"cannot {change.text}: the crop's state is not {change.was}")
    points = {p.uid: p for p in sheet.points} if sheet is not None else {}
    for point in change.before:
        if points.pop(point.uid, None) != point:
            raise ValueError(f"cannot {change.text}: point {point.uid} is not as it was")
    for point in change.after:
        if points.setdefault(point.uid, point) is not point:
            raise ValueError(f"cannot {change.text}: there is a point {point.uid} already")
    sheets = {crop: s for crop, s in document.sheets.items() if crop != change.crop}
    if change.now is not None:
        sheets[change.crop] = Sheet(change.now, tuple(points[uid] for uid in sorted(points)))
    elif points:
        raise ValueError(f"cannot {change.text}: the crop still has points")
    return FieldDocument(sheets)


KIND_WORDS = {Kind.TUMOUR: "tumour", Kind.OTHER: "other", Kind.UNCERTAIN: "uncertain"}


def as_saved(crop: Crop, point: Point) -> Point:
    """Return a point as it is saved: uncertain within `EDGE_PX` of the crop's edge."""
    if point.kind is Kind.UNCERTAIN or crop.depth_px(point.y_px, point.x_px) >= EDGE_PX:
        return point
    return replace(point, kind=Kind.UNCERTAIN, membrane=Membrane.NOT_SET)


def edge_count(crop: Crop, sheet: Sheet) -> int:
    """Count the reviewed points that are saved as uncertain because the crop's edge is near."""
    return sum(p.reviewed and as_saved(crop, p) != p for p in sheet.points)


@dataclass(frozen=True, slots=True)
class Counts:
    """How much is marked, as it is saved.

    Parameters
    ----------
    tumour, other, uncertain : int
        Reviewed points by kind.
    unreviewed : int
        Proposals that nobody has looked at.
    no_category : int
        Reviewed tumour nuclei without a membrane category.
    """

    tumour: int = 0
    other: int = 0
    uncertain: int = 0
    unreviewed: int = 0
    no_category: int = 0

    @property
    def marked(self) -> int:
        """All reviewed points."""
        return self.tumour + self.other + self.uncertain


def counts(crop: Crop, sheet: Sheet) -> Counts:
    """Count a crop's points as they are saved."""
    saved = [as_saved(crop, p) for p in sheet.points if p.reviewed]
    n = {kind: sum(p.kind is kind for p in saved) for kind in Kind}
    bare = sum(p.kind is Kind.TUMOUR and not p.membrane for p in saved)
    return Counts(n[Kind.TUMOUR], n[Kind.OTHER], n[Kind.UNCERTAIN], len(sheet.unreviewed), bare)


def next_unreviewed(sheet: Sheet, after: Point | None, *, back: bool = False) -> Point | None:
    """Return the next proposal to look at, in reading order of bands 50 px high; None where none is left.

    Parameters
    ----------
    sheet : Sheet
        What is marked.
    after : Point or None
        Where the reader is; None begins at the top.
    back : bool
        The previous one instead.
    """

    def order(p: Point) -> tuple[int, float, int]:
        return int(p.y_px // 50), p.x_px, p.uid

    waiting = sorted((p for p in sheet.unreviewed if after is None or p.uid != after.uid), key=order)
    if not waiting:
        return None
    if after is None:
        return waiting[-1] if back else waiting[0]
    ahead = [p for p in waiting if (order(p) < order(after)) == back]
    return (ahead or waiting)[-1 if back else 0]

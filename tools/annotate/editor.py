"""The edits that a reader can make, each as a `Change`; pure, like the model."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from tools.annotate.model import KIND_WORDS, Change, ChangeName, Crop, Kind, Membrane, Point, Sheet, State


@dataclass(frozen=True, slots=True)
class Editor:
    """Makes the changes of one crop; changes nothing itself.

    Parameters
    ----------
    crop : Crop
        The crop.
    sheet : Sheet
        What is marked in it now.
    """

    crop: Crop
    sheet: Sheet

    def _change(
        self, name: ChangeName, text: str, before: tuple[Point, ...], after: tuple[Point, ...]
    ) -> Change:
        state = self.sheet.state
        return Change(name, text, self.crop, before, after, state, state)

    def _have(self, uid: int) -> Point:
        point = self.sheet.point(uid)
        if point is None:
            raise ValueError(f"there is no point {uid}")
        return point

    def add(self, y_px: float, x_px: float, kind: Kind) -> Change:
        """Put a nucleus at a place, to the whole pixel.

        Raises
        ------
        ValueError
            If the place lies outside the crop.
        """
        if not self.crop.contains(y_px, x_px):
            raise ValueError("the place lies outside the crop")
        point = Point(self.sheet.next_uid, *self._whole(y_px, x_px), kind)
        return self._change("add", f"add {KIND_WORDS[kind]} nucleus", (), (point,))

    def _whole(self, y_px: float, x_px: float) -> tuple[float, float]:
        y, x = self.crop.clamp(round(y_px), round(x_px))
        return float(y), float(x)

    def remove(self, uid: int) -> Change:
        """Take a nucleus away."""
        return self._change("remove", "remove nucleus", (self._have(uid),), ())

    def move(self, uid: int, y_px: float, x_px: float) -> Change | None:
        """Move a nucleus, to the whole pixel and not out of the crop; None where it stays."""
        old = self._have(uid)
        y, x = self._whole(y_px, x_px)
        if (y, x) == (old.y_px, old.x_px):
            return None
        new = replace(old, y_px=y, x_px=x, reviewed=True)
        return self._change("move", "move nucleus", (old,), (new,))

    def set_kind(self, uid: int, kind: Kind) -> Change | None:
        """Say what a nucleus is, which also reviews it; None where nothing changes."""
        old = self._have(uid)
        membrane = old.membrane if kind is Kind.TUMOUR else Membrane.NOT_SET
        return self._set(old, replace(old, kind=kind, membrane=membrane, reviewed=True), KIND_WORDS[kind])

    def set_membrane(self, uid: int, membrane: Membrane) -> Change | None:
        """Say how the membrane of a tumour cell is stained; None where nothing changes.

        Raises
        ------
        ValueError
            If the nucleus is no tumour nucleus.
        """
        old = self._have(uid)
        if old.kind is not Kind.TUMOUR:
            raise ValueError("only tumour nuclei carry a membrane category")
        return self._set(old, replace(old, membrane=membrane, reviewed=True), membrane or "no category")

    def review(self, uid: int) -> Change | None:
        """Take a proposal as it is; None where it has been reviewed."""
        old = self._have(uid)
        return self._set(old, replace(old, reviewed=True), "reviewed")

    def _set(self, old: Point, new: Point, what: str) -> Change | None:
        return None if old == new else self._change("set", f"set {what}", (old,), (new,))

    def propose(self, points: Iterable[tuple[float, float, Kind]], apart_px: float) -> Change | None:
        """Add proposals inside the crop that lie farther than `apart_px` from all points; None if none do."""
        uid, new = self.sheet.next_uid, list[Point]()
        for y, x, kind in points:
            if self.crop.contains(y, x) and self.sheet.nearest(y, x, apart_px) is None:
                new.append(Point(uid + len(new), *self._whole(y, x), kind, reviewed=False))
        return self._change("propose", f"propose {len(new)} nuclei", (), tuple(new)) if new else None

    def set_state(self, state: State) -> Change | None:
        """Declare the crop complete, or open it again; None where nothing changes.

        Raises
        ------
        ValueError
            If it still has proposals that nobody has looked at.
        """
        if state is self.sheet.state:
            return None
        if state is State.COMPLETE and self.sheet.unreviewed:
            raise ValueError(f"{len(self.sheet.unreviewed)} proposals are still to be reviewed")
        text = "declare the crop complete" if state is State.COMPLETE else "open the crop again"
        return Change("state", text, self.crop, was=self.sheet.state, now=state)


def place(crop: Crop) -> Change:
    """Return the change that begins a crop."""
    return Change("place", "place crop", crop, was=None, now=State.OPEN)

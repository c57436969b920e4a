"""Outlines drawn by hand on a captured field: where cells count, and where they do not."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from enum import StrEnum

import cv2
import numpy as np

from armicro.contracts.results import FovResult
from armicro.session.commands import SetRegions

Outline = tuple[tuple[float, float], ...]
"""Vertices y, x in px of the field; closed by itself."""

_SMOOTH_PX = 1.5
_SMALLEST_PX2 = 25.0


class Pen(StrEnum):
    """How an outline is drawn."""

    POLYGON = "polygon"
    FREEHAND = "freehand"


@dataclass(slots=True)
class Draft:
    """An outline that is being drawn.

    Parameters
    ----------
    pen : Pen
        How.
    include : bool
        Whether cells inside count (else: do not count).
    vertices : list of (float, float)
        So far, y, x in px.
    """

    pen: Pen
    include: bool
    vertices: list[tuple[float, float]] = field(default_factory=list)

    def add(self, y_px: float, x_px: float) -> None:
        """Add a vertex; one on the spot of the last is left out."""
        if not self.vertices or abs(complex(*self.vertices[-1]) - complex(y_px, x_px)) > 1e-3:
            self.vertices.append((y_px, x_px))

    def back(self) -> None:
        """Take the last vertex back."""
        if self.vertices:
            self.vertices.pop()

    def outline(self, px_per_screen: float) -> Outline | None:
        """Return the finished outline, simplified where it was drawn freely.

        Parameters
        ----------
        px_per_screen : float
            Field px per screen px: a hand is no steadier than a screen pixel or so.

        Returns
        -------
        tuple or None
            None where it encloses nothing to speak of.
        """
        points = np.array(self.vertices, np.float32).reshape(-1, 2)
        if self.pen is Pen.FREEHAND and len(points) > 3:
            smooth = cv2.approxPolyDP(points, _SMOOTH_PX * px_per_screen, True)
            points = smooth.reshape(-1, 2).astype(np.float32)
        if len(points) < 3 or cv2.contourArea(points) < _SMALLEST_PX2 * px_per_screen**2:
            return None
        return tuple((round(float(y), 2), round(float(x), 2)) for y, x in points)


@dataclass(frozen=True, slots=True)
class FieldRegions:
    """The outlines of one field."""

    include: tuple[Outline, ...] = ()
    exclude: tuple[Outline, ...] = ()

    def with_outline(self, outline: Outline, *, include: bool) -> FieldRegions:
        """Return them with one more."""
        if include:
            return FieldRegions((*self.include, outline), self.exclude)
        return FieldRegions(self.include, (*self.exclude, outline))

    def command(self, number: int) -> SetRegions:
        """Return what asks a session for them."""
        return SetRegions(number, self.include, self.exclude)


class RegionBook:
    """Which outlines each field has.

    A session tells which cells count but not by which outlines, and `SetRegions` replaces all of a field's.
    The outlines are therefore remembered by the cells they left counted: when an undo brings those cells
    back, their outlines come back too.
    """

    def __init__(self) -> None:
        self._asked: dict[int, FieldRegions] = {}
        self._known: dict[tuple[int, bytes], FieldRegions] = {}
        self._now: dict[int, FieldRegions] = {}

    def ask(self, number: int, regions: FieldRegions) -> None:
        """Note what was asked for."""
        self._asked[number] = self._now[number] = regions

    def see(self, number: int, result: FovResult | None) -> None:
        """Note what a field's reading counts."""
        if result is None:
            return
        counted = result.cells.counted
        key = number, hashlib.sha256(counted.tobytes()).digest()
        if key not in self._known:
            empty = bool(counted.all()) and number not in self._asked
            self._known[key] = FieldRegions() if empty else self._asked.get(number, FieldRegions())
        self._now[number] = self._known[key]

    def of(self, number: int) -> FieldRegions:
        """Return a field's outlines."""
        return self._now.get(number, FieldRegions())

    def forget(self) -> None:
        """Begin with another case."""
        self._asked.clear()
        self._known.clear()
        self._now.clear()

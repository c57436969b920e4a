"""How an overlay looks: colours, widths, and what each of them stands for.

Every category is told twice, by colour and by shape, so that a reader who sees no colour (or a page
printed in black) still reads it: a full ring is complete, a broken ring incomplete, thick is intense,
thin is weak, a hairline is faint and a dot alone is no staining.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from types import MappingProxyType

from armicro.contracts.cells import Category

Rgb = tuple[int, int, int]

PALETTE: Mapping[Category, Rgb] = MappingProxyType(
    {
        Category.INTENSE_COMPLETE: (255, 40, 40),
        Category.INTENSE_INCOMPLETE: (255, 220, 0),
        Category.WEAK_COMPLETE: (40, 90, 255),
        Category.WEAK_INCOMPLETE: (100, 215, 255),
        Category.FAINT: (255, 255, 255),
        Category.NONE: (255, 255, 255),
    }
)
"""sRGB colour of each category. Intense is warm and weak is cold, complete is deep and incomplete is pale.

Chosen by search: under normal sight and simulated protanopia, deuteranopia and tritanopia (Machado,
Oliveira & Fernandes 2009, severity 1) the closest two are at least 15 CIEDE2000 units apart, and the four
of weak or stronger staining are at least 8 from the browns and blues of stained tissue.
"""

NEUTRAL: Rgb = (150, 150, 150)
"""Colour of whatever takes no part in the score."""


class Label(IntEnum):
    """What a pixel of the label plane shows; where two meet, the greater is seen."""

    CLEAR = 0
    CASING = 1
    OTHER = 2
    EXCLUDED = 3
    NONE = 4
    FAINT = 5
    WEAK_INCOMPLETE = 6
    WEAK_COMPLETE = 7
    INTENSE_INCOMPLETE = 8
    INTENSE_COMPLETE = 9


FIRST_CATEGORY = int(Label.NONE)
"""`Label` of a category is its number plus this."""


@dataclass(frozen=True, slots=True)
class OverlayStyle:
    """How an overlay is drawn.

    Parameters
    ----------
    intense_px, weak_px, faint_px : int
        Width of intense, weak and faint lines, pixels of the drawing; not below 1, not rising.
    brightness : float
        Strength of the whole overlay, 0 (nothing) to 1.
    nuclei : bool
        Whether nuclei are drawn as points.
    contours : bool
        Whether membranes are drawn as lines.
    others : bool
        Whether nuclei that are not counted are marked.
    scale_bar, legend : bool
        Whether they are drawn in the lower corners; left out where the picture is too small for them.
    scale : float
        Drawing pixels per field pixel. Widths and text keep their size, so that a reduced overview is
        drawn crisply rather than shrunk.
    inset_um : float
        How far inside the contour its line runs, µm: the stained membrane stays visible beside it, and
        the lines of two neighbours do not lie on each other.
    text_px : int or None
        Height of letters, pixels of the drawing; None fits it to the drawing.

    Raises
    ------
    ValueError
        If a number is out of its range.
    """

    intense_px: int = 3
    weak_px: int = 2
    faint_px: int = 1
    brightness: float = 1.0
    nuclei: bool = True
    contours: bool = True
    others: bool = True
    scale_bar: bool = True
    legend: bool = True
    scale: float = 1.0
    inset_um: float = 0.6
    text_px: int | None = None

    def __post_init__(self) -> None:
        if not 1 <= self.faint_px <= self.weak_px <= self.intense_px <= 15:
            raise ValueError(
                "line widths must be 1 <= faint_px <= weak_px <= intense_px <= 15, got "
                f"{self.faint_px}, {self.weak_px}, {self.intense_px}"
            )
        if not 0.0 <= self.brightness <= 1.0:
            raise ValueError(f"brightness must be 0 to 1, got {self.brightness:g}")
        if not (math.isfinite(self.scale) and 0.01 <= self.scale <= 16.0):
            raise ValueError(f"scale must be 0.01 to 16 drawing pixels per field pixel, got {self.scale:g}")
        if not (math.isfinite(self.inset_um) and 0.0 <= self.inset_um <= 5.0):
            raise ValueError(f"inset_um must be 0 to 5 µm, got {self.inset_um:g}")
        if self.text_px is not None and not 6 <= self.text_px <= 200:
            raise ValueError(f"text_px must be 6 to 200, got {self.text_px}")

    def drawn_shape(self, shape: tuple[int, int]) -> tuple[int, int]:
        """Height and width of the drawing of a field of `shape` (height, width), px; at least 1 each."""
        height, width = shape
        return max(1, round(height * self.scale)), max(1, round(width * self.scale))

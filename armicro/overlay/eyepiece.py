"""A field's reading as light for the eyepiece: thin bright signs on black, and black is transparent.

The picture is added to what the oculars show, so that nothing in it can darken: no casing, no panel, no
grey. Each cell gets one small sign, told by shape and by colour: a full ring is complete, a broken one
incomplete, thick is intense, thin is weak, four short arcs are faint, a dot is no staining. A ring keeps a
gap to the nucleus inside and to the membrane outside: what is being judged is never covered.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal

import cv2
import numpy as np
import numpy.typing as npt

from armicro.contracts.arrays import F64, I32, U8, Bool
from armicro.contracts.cells import Category, CellTable
from armicro.contracts.results import FovResult
from armicro.overlay.eyepiece_geometry import EyepieceGeometry
from armicro.overlay.labels import runs
from armicro.overlay.style import Rgb

EYEPIECE_PALETTE: Mapping[Category, Rgb] = MappingProxyType(
    {
        Category.INTENSE_COMPLETE: (255, 110, 0),
        Category.INTENSE_INCOMPLETE: (255, 255, 0),
        Category.WEAK_COMPLETE: (0, 140, 255),
        Category.WEAK_INCOMPLETE: (0, 255, 255),
        Category.FAINT: (0, 255, 0),
        Category.NONE: (0, 255, 0),
    }
)
"""sRGB of the added light; the hues of `PALETTE`, so that window and eyepiece speak alike.

Chosen by search for the sum, not for the display: added to stained tissue and to glass behind a splitter of
70 % (thick lines at 80 %, thin ones, whose soft edges take from them, at 60 % of the display's white), the
four of weak or stronger staining differ from what is beneath and from each other by at least 11 CIEDE2000
units under normal sight and simulated protanopia, deuteranopia and tritanopia. The red of `PALETTE` comes
to 7.
"""

Marks = Literal["rings", "contours"]
Outside = Literal["dimmed", "dropped"]

_SUBPIXEL_BITS = 4
_RING_CORNERS = 24
_MIN_RING_PX = 4.0
_RING_UM = (4.5, 7.5)
_RING_SHARE = 0.8
_INTENSE = (Category.INTENSE_COMPLETE, Category.INTENSE_INCOMPLETE)
_STRENGTH = {Category.FAINT: 0.7}
_DIM = 0.35

# Which of a ring's 24 arcs are drawn. Two gaps of 75° are seen even where a ring is 9 px across.
_ARCS: Mapping[Category, Bool] = {
    Category.INTENSE_COMPLETE: np.ones(_RING_CORNERS, bool),
    Category.WEAK_COMPLETE: np.ones(_RING_CORNERS, bool),
    Category.INTENSE_INCOMPLETE: np.abs((np.arange(_RING_CORNERS) + 0.5) % 12 - 6) > 2.5,
    Category.WEAK_INCOMPLETE: np.abs((np.arange(_RING_CORNERS) + 0.5) % 12 - 6) > 2.5,
    Category.FAINT: np.arange(_RING_CORNERS) % 6 < 2,
}
# Least staining of a contour point that is drawn, by category: as in the overlay for reports.
_LEAST_LEVEL = {
    Category.INTENSE_COMPLETE: 0,
    Category.WEAK_COMPLETE: 0,
    Category.INTENSE_INCOMPLETE: 3,
    Category.WEAK_INCOMPLETE: 2,
    Category.FAINT: 1,
}


@dataclass(frozen=True, slots=True)
class EyepieceStyle:
    """How the light looks.

    Parameters
    ----------
    brightness : float
        0 (nothing) to 1.
    line_px : int
        Width of thin lines, display px, 1 to 4; see `thick_px`.
    marks : {"rings", "contours"}
        A small ring around each nucleus, or the contour of the cell where it is stained.
    outside : {"dimmed", "dropped"}
        What becomes of cells outside the visible circle (they show where the circle is set too small).
    none : bool
        Whether cells without staining get their dot.
    text_px : int
        Height of a capital at the rim, display px.

    Raises
    ------
    ValueError
        If a number is out of its range.
    """

    brightness: float = 1.0
    line_px: int = 1
    marks: Marks = "rings"
    outside: Outside = "dropped"
    none: bool = True
    text_px: int = 18

    def __post_init__(self) -> None:
        if not 0.0 <= self.brightness <= 1.0:
            raise ValueError(f"brightness must be 0 to 1, got {self.brightness:g}")
        if not 1 <= self.line_px <= 4:
            raise ValueError(f"line_px must be 1 to 4, got {self.line_px}")
        if not 8 <= self.text_px <= 60:
            raise ValueError(f"text_px must be 8 to 60, got {self.text_px}")

    @property
    def thick_px(self) -> int:
        """Width of thick lines, display px: clearly more than the soft edges add to a thin one."""
        return self.line_px + 2


def draw_cells(result: FovResult, geometry: EyepieceGeometry, style: EyepieceStyle) -> U8:
    """Draw the signs of a field's cells.

    Parameters
    ----------
    result : FovResult
        The reading; cells that take no part in the score are not drawn.
    geometry : EyepieceGeometry
        Of fields of its shape.
    style : EyepieceStyle
        How to draw.

    Returns
    -------
    ndarray of uint8, (H, W, 3)
        RGB of the display; black where nothing is drawn.

    Raises
    ------
    ValueError
        If the geometry is of another shape than the field.
    """
    if geometry.field_shape_px != result.shape:
        raise ValueError(f"geometry: expected fields {result.shape}, got {geometry.field_shape_px}")
    canvas: U8 = np.zeros((*geometry.display_shape_px, 3), np.uint8)
    cells = result.cells
    if not len(cells) or style.brightness == 0:
        return canvas
    window = _window(geometry)
    um_per_px = result.provenance.optics.um_per_px
    shapes = _Shapes(cells, geometry, um_per_px, style, np.array([window[1].start, window[0].start]))
    part = canvas[window]
    for thick in (False, True):
        _draw_width(part, shapes, thick=thick)
    return canvas


class _Shapes:
    """The signs' corners on the display, all projected in one go."""

    def __init__(
        self,
        cells: CellTable,
        geometry: EyepieceGeometry,
        um_per_px: float,
        style: EyepieceStyle,
        origin_xy: npt.NDArray[Any],
    ) -> None:
        seen = geometry.sees(cells.yx_px.astype(np.float64))
        drawn = cells.counted & (seen | (style.outside == "dimmed"))
        if not style.none:
            drawn &= cells.category != Category.NONE
        self.cells, self.style, self.drawn, self.dim = cells, style, drawn, ~seen
        self.centre_xy = geometry.to_display(cells.yx_px.astype(np.float64))[:, ::-1] - origin_xy
        if style.marks == "contours" and cells.contour_um.shape[1] > 0:
            self.corners = self._contours(geometry, um_per_px, origin_xy)
        else:
            self.corners = self._rings(geometry, um_per_px)

    def _rings(self, geometry: EyepieceGeometry, um_per_px: float) -> I32:
        """Corners x, y of rings, twice around, fixed-point, (N, 2 M + 1, 2)."""
        contour = self.cells.contour_um
        radius_um = np.full(len(contour), _RING_UM[0] + 1.0)
        if contour.shape[1] > 0:
            # A long cell's ring has to fit its narrow side: the lower quarter of its distances.
            radius_um = np.clip(np.quantile(contour, 0.25, axis=1) * _RING_SHARE, *_RING_UM)
        radius = np.maximum(radius_um / um_per_px * geometry.scale, _MIN_RING_PX)
        angle = 2 * np.pi * np.arange(_RING_CORNERS) / _RING_CORNERS
        around = np.stack([np.cos(angle), np.sin(angle)], axis=1)
        return _twice(self.centre_xy[:, None] + radius[:, None, None] * around)

    def _contours(self, geometry: EyepieceGeometry, um_per_px: float, origin_xy: npt.NDArray[Any]) -> I32:
        """Corners x, y of contours a little inside the membrane, twice around, fixed-point."""
        contour = self.cells.contour_um
        k = contour.shape[1]
        angle = 2 * np.pi * np.arange(k) / k
        radius = np.maximum(contour - 0.8, 0.6 * contour) / um_per_px
        # Corners lie half-way between points, so that each point's arc is centred on it.
        offset = np.stack([radius * np.sin(angle), radius * np.cos(angle)], axis=2)
        offset = (offset + np.roll(offset, 1, axis=1)) / 2
        yx = geometry.to_display(self.cells.yx_px[:, None].astype(np.float64) + offset)
        return _twice(yx[..., ::-1] - origin_xy)

    def arcs(self, rows: npt.NDArray[np.intp], category: Category) -> Bool:
        """Which arcs of some cells are drawn, (M, K)."""
        k = (self.corners.shape[1] - 1) // 2
        if self.style.marks == "contours" and self.cells.contour_level.shape[1] == k:
            on: Bool = self.cells.contour_level[rows] >= _LEAST_LEVEL[category]
            return on & (self.cells.contour_um[rows] > 0)
        return np.broadcast_to(_ARCS[category], (len(rows), k))


def _twice(xy: F64) -> I32:
    fixed = np.rint(xy * (1 << _SUBPIXEL_BITS)).astype(np.int32)
    return np.concatenate([fixed, fixed, fixed[:, :1]], axis=1)


def _window(geometry: EyepieceGeometry) -> tuple[slice, slice]:
    """Return the rows and columns of the display that can show cells: the black beside them needs no work."""
    corners = geometry.to_display(
        np.array([[0, 0], [0, 1], [1, 0], [1, 1]], np.float64) * (np.array(geometry.field_shape_px) - 1.0)
    )
    low = np.maximum(np.floor(corners.min(axis=0)).astype(int) - 40, 0)
    high = np.minimum(np.ceil(corners.max(axis=0)).astype(int) + 40, geometry.display_shape_px)
    high = np.maximum(high, low)
    return slice(int(low[0]), int(high[0])), slice(int(low[1]), int(high[1]))


def _draw_width(part: U8, shapes: _Shapes, *, thick: bool) -> None:
    """Draw all signs of one line width, in place.

    Lines are drawn one pixel wide and soft, and widened together: OpenCV's own wide soft lines cost ten times
    as much.
    """
    style = shapes.style
    layer: U8 = np.zeros_like(part)
    for category in sorted(Category):
        if (category in _INTENSE) is not thick:
            continue
        mine = shapes.drawn & (shapes.cells.category == category)
        for dim in (True, False):
            rows = np.flatnonzero(mine & (shapes.dim == dim))
            strength = style.brightness * _STRENGTH.get(category, 1.0) * (_DIM if dim else 1.0)
            colour = [round(c * strength) for c in EYEPIECE_PALETTE[category]]
            if category is Category.NONE:
                _dots(layer, shapes.centre_xy[rows], colour)
            elif len(rows):
                _arcs(layer, shapes.corners, rows, shapes.arcs(rows, category), colour)
    width = style.thick_px if thick else style.line_px
    if width > 1:
        layer = cv2.dilate(layer, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (width, width))).astype(
            np.uint8, copy=False
        )
    cv2.max(part, layer, dst=part)


def _arcs(layer: U8, corners: I32, rows: npt.NDArray[np.intp], on: Bool, colour: Sequence[int]) -> None:
    closed = on.all(axis=1)
    rings = list(corners[rows[closed], : on.shape[1]])
    cv2.polylines(layer, rings, True, colour, 1, cv2.LINE_AA, _SUBPIXEL_BITS)
    pieces = runs(corners, on[~closed], rows[~closed])
    cv2.polylines(layer, pieces, False, colour, 1, cv2.LINE_AA, _SUBPIXEL_BITS)


def _dots(layer: U8, centre_xy: F64, colour: Sequence[int]) -> None:
    """Set dots of 2 x 2 px: larger ones would cover the nuclei of a whole negative field."""
    at = np.floor(centre_xy).astype(np.int64)[:, None] + np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
    x, y = at[..., 0].ravel(), at[..., 1].ravel()
    inside = (y >= 0) & (y < layer.shape[0]) & (x >= 0) & (x < layer.shape[1])
    layer[y[inside], x[inside]] = colour

"""Regions of interest: polygons with holes in a field, and which points lie in them.

Coordinates are y, x in pixels of the field with pixel centres at whole numbers, as everywhere else. A ring
is closed by itself: its first vertex is not repeated at its end.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from armicro.contracts.arrays import F32, F64, Bool, frozen, require
from armicro.contracts.errors import RegionError

_CHUNK = 2_000_000
"""Point-edge pairs that are tested at once; bounds the memory of `inside` to some tens of MB."""


@dataclass(frozen=True, slots=True)
class Polygon:
    """An area bounded by rings under the even-odd rule.

    A point belongs to the area if a ray from it crosses the rings an odd number of times. The first ring is
    the outline and the others are holes; the rule gives each ring the same part, so it does not matter how
    they wind. A ring that crosses itself is read by the same rule: both loops of an eight are inside, a part
    that is wound around twice is not.

    Parameters
    ----------
    rings : tuple of ndarray of float64, (K, 2)
        Vertices y, x in px, K >= 3 for each ring.

    Raises
    ------
    RegionError
        If a ring has fewer than three vertices, a coordinate that is not finite, or the outline encloses no
        area.
    """

    rings: tuple[F64, ...]

    def __post_init__(self) -> None:
        if not self.rings:
            raise RegionError("a polygon without a ring encloses no area")
        for ring in self.rings:
            require("Polygon.rings", ring, shape=(None, 2), dtype="f8")
            if len(ring) < 3:
                raise RegionError(f"a ring of {len(ring)} vertices encloses no area: at least 3 are needed")
            if not np.isfinite(ring).all():
                raise RegionError("a vertex is not a finite number")
        if np.ptp(self.rings[0], axis=0).min() <= 0:
            raise RegionError("a polygon encloses no area: all its vertices lie on one line")
        object.__setattr__(self, "rings", tuple(frozen(ring) for ring in self.rings))


@dataclass(frozen=True, slots=True)
class Regions:
    """Where cells are counted.

    Parameters
    ----------
    include : tuple of Polygon
        Cells count inside any of these; empty means the whole field.
    exclude : tuple of Polygon
        Cells never count inside any of these, whatever `include` says.
    """

    include: tuple[Polygon, ...] = ()
    exclude: tuple[Polygon, ...] = ()

    @property
    def polygons(self) -> tuple[Polygon, ...]:
        """All polygons, included ones first."""
        return self.include + self.exclude


def _edges(polygon: Polygon) -> F64:
    """Return the edges (E, 4) as y0, x0, y1, x1 with y0 < y1; level edges, which no level ray crosses, go.

    Each edge points downwards whatever the ring's direction: two polygons that share an edge then compute
    the same side of it to the last bit, and a point between them belongs to exactly one.
    """
    parts = [np.hstack([ring, np.roll(ring, -1, axis=0)]) for ring in polygon.rings]
    edges = np.concatenate(parts)
    upward = edges[:, 0] > edges[:, 2]
    edges[upward] = edges[upward][:, [2, 3, 0, 1]]
    return edges[edges[:, 0] < edges[:, 2]]


def _inside_polygon(yx: F64, polygon: Polygon) -> Bool:
    """Even-odd test of points (N, 2) against one polygon."""
    result = np.zeros(len(yx), dtype=np.bool_)
    outline = np.concatenate(polygon.rings)
    low, high = outline.min(axis=0), outline.max(axis=0)
    near = np.flatnonzero(((yx >= low) & (yx <= high)).all(axis=1))
    y0, x0, y1, x1 = _edges(polygon).T
    step = max(1, _CHUNK // max(1, len(y0)))
    for start in range(0, len(near), step):
        which = near[start : start + step]
        y, x = yx[which, 0, None], yx[which, 1, None]
        level = (y0 <= y) & (y < y1)
        # The ray to greater x meets a downward edge where this cross product is positive.
        meets = (x1 - x0) * (y - y0) - (x - x0) * (y1 - y0) > 0
        result[which] = np.count_nonzero(level & meets, axis=1) % 2 == 1
    return result


def inside(yx_px: F32 | F64, regions: Regions) -> Bool:
    """Tell which points lie where cells are counted.

    The test is exact (no raster is drawn). Borders are half open: a point on a left or upper border belongs
    to the area, one on a right or lower border does not, so areas that share a border share no point. A point
    on the border of an exclusion follows the same rule.

    Parameters
    ----------
    yx_px : ndarray of float, (N, 2)
        Points y, x in px of the field.
    regions : Regions
        The regions.

    Returns
    -------
    ndarray of bool, (N,)
        Inside any included polygon (or none is given) and outside every excluded one.
    """
    yx = np.asarray(yx_px, dtype=np.float64).reshape(-1, 2)
    result = np.full(len(yx), not regions.include)
    for polygon in regions.include:
        result |= _inside_polygon(yx, polygon)
    for polygon in regions.exclude:
        result &= ~_inside_polygon(yx, polygon)
    return result


def _meets_box(polygon: Polygon, low: F64, high: F64) -> bool:
    """Tell whether a polygon's area and a box (corners y, x) have a point in common."""
    corners = np.array([low, high, (low[0], high[1]), (high[0], low[1])])
    if _inside_polygon(corners, polygon).any():
        return True
    # Clip each edge to the box (Liang & Barsky): what remains has to have a beginning before its end.
    for ring in polygon.rings:
        start, along = ring, np.roll(ring, -1, axis=0) - ring
        with np.errstate(divide="ignore", invalid="ignore"):
            a, b = (low - start) / along, (high - start) / along
        enter, leave = np.fmin(a, b), np.fmax(a, b)
        level = along == 0
        within = (start >= low) & (start <= high)
        enter = np.where(level, np.where(within, -np.inf, np.inf), enter)
        leave = np.where(level, np.where(within, np.inf, -np.inf), leave)
        if (np.maximum(enter.max(axis=1), 0) <= np.minimum(leave.min(axis=1), 1)).any():
            return True
    return False


def require_within(regions: Regions, shape: tuple[int, int]) -> None:
    """Check that regions belong to a field.

    A polygon may reach over the field's edge (people draw that way); one that does not touch the field at all
    was drawn on another image.

    Parameters
    ----------
    regions : Regions
        The regions.
    shape : tuple of int
        Height and width of the field, px.

    Raises
    ------
    RegionError
        If a polygon has no point in common with the field.
    """
    low = np.array([-0.5, -0.5])
    high = np.array([shape[0] - 0.5, shape[1] - 0.5])
    for polygon in regions.polygons:
        if not _meets_box(polygon, low, high):
            y0, x0 = polygon.rings[0].min(axis=0)
            y1, x1 = polygon.rings[0].max(axis=0)
            raise RegionError(
                f"a region (x {x0:.0f} to {x1:.0f}, y {y0:.0f} to {y1:.0f}) lies outside the field of "
                f"{shape[1]} × {shape[0]} px: was it drawn on another image?"
            )

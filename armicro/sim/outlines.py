"""Cell outlines as a planar net: every border is sampled once and knows the cells on both its sides."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from scipy.spatial import Voronoi

from armicro.contracts.arrays import F64, I64

STEP_UM = 0.3
"""Greatest length of outline that one sample stands for: half the thinnest membrane."""


class CellShape(IntEnum):
    """Shape of a cell of the net. The last is no tumour cell."""

    ROUND = 0
    POLYGONAL = 1
    COLUMNAR = 2
    LYMPHOCYTE = 3


@dataclass(frozen=True, slots=True)
class Net:
    """Cells with their sampled borders.

    Parameters
    ----------
    shape : ndarray of int64, (C,)
        `CellShape`.
    base_yx : ndarray of float64, (C, 2)
        Unit vector towards the base of a columnar cell, else 0.
    yx_um, normal_yx : ndarray of float64, (S, 2)
        Samples of the borders, µm, and the unit vector across the border there.
    length_um : ndarray of float64, (S,)
        Border that the sample stands for.
    left, right : ndarray of int64, (S,)
        Cells on both sides; right is -1 on a free border.
    angle_left, angle_right : ndarray of float64, (S,)
        Direction of the sample from either cell, radians; it orders the samples around the cell.
    edge : ndarray of int64, (S,)
        Which border, counted up: samples of one border share properties.
    """

    shape: I64
    base_yx: F64
    yx_um: F64
    normal_yx: F64
    length_um: F64
    left: I64
    right: I64
    angle_left: F64
    angle_right: F64
    edge: I64


def merge(nets: list[Net]) -> Net:
    """Join nets into one, renumbering cells and borders.

    Parameters
    ----------
    nets : list of Net
        At least one.

    Returns
    -------
    Net
        All their cells, in order.
    """
    cells = np.cumsum([0, *(len(n.shape) for n in nets)])
    edges = np.cumsum([0, *(int(n.edge.max()) + 1 for n in nets)])

    def joined(pick: Callable[[Net], F64]) -> F64:
        return np.concatenate([pick(n) for n in nets])

    return Net(
        shape=np.concatenate([n.shape for n in nets]),
        base_yx=joined(lambda n: n.base_yx),
        yx_um=joined(lambda n: n.yx_um),
        normal_yx=joined(lambda n: n.normal_yx),
        length_um=joined(lambda n: n.length_um),
        left=np.concatenate([n.left + c for n, c in zip(nets, cells[:-1], strict=True)]),
        right=np.concatenate(
            [np.where(n.right < 0, -1, n.right + c) for n, c in zip(nets, cells[:-1], strict=True)]
        ),
        angle_left=joined(lambda n: n.angle_left),
        angle_right=joined(lambda n: n.angle_right),
        edge=np.concatenate([n.edge + e for n, e in zip(nets, edges[:-1], strict=True)]),
    )


@dataclass(frozen=True, slots=True)
class Ridges:
    """Straight borders between points, before they are sampled and bent.

    Parameters
    ----------
    start, end : ndarray of float64, (E, 2)
        Ends y, x.
    left, right : ndarray of int64, (E,)
        Points on both sides; right is -1 on a free border.
    period : float
        Circumference, if x closes upon itself; else 0.
    """

    start: F64
    end: F64
    left: I64
    right: I64
    period: float = 0.0


def ridges(points: F64, ghosts: F64, alias: I64 | None = None) -> Ridges:
    """Share the plane out between points, and return the borders.

    Parameters
    ----------
    points : ndarray of float64, (N, 2)
        Cells.
    ghosts : ndarray of float64, (M, 2)
        Points around them that take what is not tissue; they must enclose the cells.
    alias : ndarray of int64, (M,), optional
        For a ghost that is a copy of a cell: that cell; else -1.

    Returns
    -------
    Ridges
        Borders with at least one cell; a border to a ghost that is no copy is free.
    """
    n = len(points)
    diagram = Voronoi(np.concatenate([points, ghosts]))
    pairs = np.asarray(diagram.ridge_points, np.int64)
    ends = np.asarray(diagram.ridge_vertices, np.int64)
    left, right = pairs.min(1), pairs.max(1)
    kept = (left < n) & (ends.min(1) >= 0)
    left, right, ends = left[kept], right[kept], ends[kept]
    if alias is not None:
        right = np.where(right < n, right, alias[np.maximum(right - n, 0)])
    else:
        right = np.where(right < n, right, -1)
    vertices = np.asarray(diagram.vertices, np.float64)
    return Ridges(vertices[ends[:, 0]], vertices[ends[:, 1]], left, right)


def centroids(points: F64, borders: Ridges) -> F64:
    """Return the centre of gravity (N, 2) of each point's share."""
    n = len(points)
    weight = np.zeros(n)
    moment = np.zeros((n, 2))
    for side in (borders.left, borders.right):
        real = side >= 0
        cell, a, b = side[real], borders.start[real], borders.end[real]
        p = points[cell]
        area = np.abs((a - p)[:, 0] * (b - p)[:, 1] - (a - p)[:, 1] * (b - p)[:, 0])
        weight += np.bincount(cell, area, n)
        middle = (a + b + p) / 3
        moment += np.stack([np.bincount(cell, area * middle[:, k], n) for k in (0, 1)], -1)
    return moment / weight[:, None]


def sampled(
    points: F64, borders: Ridges, shape: I64, to_plane: Callable[[F64], F64], bulge: float = 0.07
) -> Net:
    """Sample borders finely and carry them into the plane.

    Parameters
    ----------
    points : ndarray of float64, (N, 2)
        The cells' points, in the space of the borders.
    borders : Ridges
        Their borders.
    shape : ndarray of int64, (N,)
        `CellShape`.
    to_plane : callable
        From the space of the borders to the plane, µm, (M, 2) to (M, 2).
    bulge : float
        How far free borders bow outwards, as a share of their length.

    Returns
    -------
    Net
        Without bases. Borders between two lymphocytes, or of one with nothing, are left out.
    """
    left, right = borders.left, borders.right
    is_lymphocyte = np.append(shape == CellShape.LYMPHOCYTE, False)  # the last stands for -1
    swap = is_lymphocyte[left] & (right >= 0)
    left, right = np.where(swap, right, left), np.where(swap, left, right)
    right = np.where(is_lymphocyte[right], -1, right)
    chord = borders.end - borders.start
    kept = ~is_lymphocyte[left] & (np.hypot(*chord.T) > 1e-3)
    left, right, start, chord = left[kept], right[kept], borders.start[kept], chord[kept]

    outward = np.stack([-chord[:, 1], chord[:, 0]], -1)
    away = _wrapped(start + chord / 2 - points[left], borders.period)
    outward *= np.where(right < 0, np.sign((outward * away).sum(1)) * bulge, 0.0)[:, None]

    def at(edge: I64, t: F64) -> F64:
        bow = (4 * t * (1 - t))[:, None] * outward[edge]
        out: F64 = start[edge] + chord[edge] * t[:, None] + bow
        return out

    every = np.arange(len(left))
    knots = np.stack([to_plane(at(every, np.full(len(left), t))) for t in np.linspace(0, 1, 9)])
    longest = 8 * np.hypot(*np.moveaxis(np.diff(knots, axis=0), -1, 0)).max(0)
    count = np.maximum(1, np.ceil(longest / (0.85 * STEP_UM))).astype(np.int64)
    edge = np.repeat(every, count)
    step = np.arange(len(edge)) - np.repeat(np.cumsum(count) - count, count)
    middle = at(edge, (step + 0.5) / count[edge])
    a, b = to_plane(at(edge, step / count[edge])), to_plane(at(edge, (step + 1) / count[edge]))
    length = np.hypot(*(b - a).T)
    from_left = _wrapped(middle - points[left[edge]], borders.period)
    from_right = _wrapped(middle - points[np.maximum(right, 0)[edge]], borders.period)
    tangent = (b - a) / np.maximum(length, 1e-9)[:, None]
    return Net(
        shape=shape,
        base_yx=np.zeros((len(points), 2)),
        yx_um=(a + b) / 2,
        normal_yx=np.stack([-tangent[:, 1], tangent[:, 0]], -1),
        length_um=length,
        left=left[edge],
        right=right[edge],
        angle_left=np.arctan2(from_left[:, 0], from_left[:, 1]),
        angle_right=np.arctan2(from_right[:, 0], from_right[:, 1]),
        edge=edge,
    )


def _wrapped(offset: F64, period: float) -> F64:
    if not period:
        return offset
    x = np.mod(offset[:, 1] + period / 2, period) - period / 2
    return np.stack([offset[:, 0], x], -1)


def round_outline(radius_um: float, waves: F64, phases: F64) -> tuple[F64, F64]:
    """Make a closed, nearly round outline that stays within a circle.

    Parameters
    ----------
    radius_um : float
        Of the circle.
    waves, phases : ndarray of float64, (W,)
        Amplitude (share of the radius) and phase of the harmonics 2, 3, ...

    Returns
    -------
    angle, radius : ndarray of float64, (K + 1,)
        The outline at steps of at most `STEP_UM`, closed: the last point is the first.
    """
    n = math.ceil(2 * math.pi * radius_um / (0.85 * STEP_UM))
    angle = np.linspace(0, 2 * math.pi, n + 1)
    order = np.arange(2, 2 + len(waves))[:, None]
    wave = (waves[:, None] * np.cos(order * angle + phases[:, None])).sum(0)
    radius: F64 = radius_um * (1 + wave) / (1 + float(wave.max()))
    return angle, radius

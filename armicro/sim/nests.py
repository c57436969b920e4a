"""Nests filled with cells: packed polygonal ones, glands of columns around a lumen, loose round ones."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from scipy.spatial import Voronoi, cKDTree

from armicro.contracts.arrays import F64, Bool
from armicro.sim.layout import Nest, NestKind, hexagonal, unit
from armicro.sim.outlines import CellShape, Net, Ridges, centroids, ridges, round_outline, sampled
from armicro.sim.params import TissueParams

COLUMN_SQUEEZE = 0.35
"""Columns are laid out in a strip whose height is squeezed, which keeps their sides nearly parallel."""

MIN_LUMEN_UM = 11.0
"""Least radius of a gland's lumen; columns would meet in a point where it is less."""
FENCE_UM = 7.0
"""How far outside a nest its fence stands: about as far as the outermost cells' centres lie inside."""


@dataclass(frozen=True, slots=True)
class FilledNest:
    """A nest's cells, the points they were grown from (plane, µm) and its lumen, if it has one."""

    net: Net
    seeds_um: F64
    lumen_um: F64 | None = None


def fill(nest: Nest, tissue: TissueParams, rng: np.random.Generator) -> FilledNest | None:
    """Fill a nest with cells.

    Parameters
    ----------
    nest : Nest
        Its contour and kind.
    tissue : TissueParams
        Sizes.
    rng : numpy.random.Generator
        Source of chance.

    Returns
    -------
    FilledNest or None
        None where the nest is too small for its cells.
    """
    if nest.kind is NestKind.GLAND:
        return _gland(nest, tissue, rng)
    if nest.kind is NestKind.LOOSE:
        return _loose(nest, tissue, rng)
    return _solid(nest, tissue, rng)


def _solid(nest: Nest, tissue: TissueParams, rng: np.random.Generator) -> FilledNest | None:
    points = _points_in(nest, rng.uniform(*tissue.cell_um), rng)
    if len(points) < 4:
        return None
    points = _relaxed(points, nest, 2)
    shape = np.full(len(points), int(CellShape.POLYGONAL))
    n_lymphocytes = rng.binomial(len(points), min(1.0, tissue.lymphocyte_share))
    if n_lymphocytes:
        # Between three cells: that is where they squeeze in, and where the room is.
        corners = Voronoi(np.concatenate([points, _around(points, nest)])).vertices
        corners = corners[_inside(corners, nest, 4.0)]
        chosen = corners[rng.permutation(len(corners))[:n_lymphocytes]]
        points = np.concatenate([points, chosen])
        shape = np.concatenate([shape, np.full(len(chosen), int(CellShape.LYMPHOCYTE))])
    borders = ridges(points, _around(points, nest))
    return FilledNest(sampled(points, borders, shape, lambda yx: yx), points)


def _loose(nest: Nest, tissue: TissueParams, rng: np.random.Generator) -> FilledNest | None:
    points = _points_in(nest, rng.uniform(*tissue.cell_um) + 3.5, rng)
    if len(points) < 4:
        return None
    points = _relaxed(points, nest, 4)
    gap = rng.uniform(1.6, 3.0)
    to_next = np.asarray(cKDTree(points).query(points, k=2)[0])[:, 1]
    room = np.minimum((to_next - gap) / 2, 9.0)
    kept = (room > 4.8) & _inside(points, nest, room - 0.5)
    points, room = points[kept], room[kept]
    if not len(points):
        return None
    yx, length, cell, direction = [], [], [], []
    for i, (point, most) in enumerate(zip(points, room, strict=True)):
        angle, radius = round_outline(most, rng.normal(0, 0.05, 3), rng.uniform(0, 2 * math.pi, 3))
        outline = point + radius[:, None] * unit(angle)
        yx.append((outline[1:] + outline[:-1]) / 2)
        length.append(np.hypot(*(outline[1:] - outline[:-1]).T))
        cell.append(np.full(len(angle) - 1, i))
        direction.append((angle[1:] + angle[:-1]) / 2)
    around, left = np.concatenate(direction), np.concatenate(cell)
    net = Net(
        shape=np.full(len(points), int(CellShape.ROUND)),
        base_yx=np.zeros((len(points), 2)),
        yx_um=np.concatenate(yx),
        normal_yx=unit(around),
        length_um=np.concatenate(length),
        left=left,
        right=np.full(len(left), -1),
        angle_left=around,
        angle_right=np.zeros(len(around)),
        edge=left,
    )
    return FilledNest(net, points)


@dataclass(frozen=True, slots=True)
class _Strip:
    """The ring of a gland rolled out: y (squeezed) from base to lumen, x along the middle of the ring."""

    nest: Nest
    around_um: float
    turns: F64
    lengths_um: F64

    @staticmethod
    def along(nest: Nest, depth_um: float) -> _Strip:
        """Roll out a nest's contour, with lengths measured `depth_um` inside it."""
        turns = np.linspace(0, 2 * math.pi, 361)
        middle = (nest.radius_at(turns) - depth_um)[:, None] * unit(turns)
        lengths = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(middle, axis=0).T))])
        return _Strip(nest, float(lengths[-1]), turns, lengths)

    def direction(self, x: F64) -> F64:
        """Return unit vectors away from the gland's centre at x."""
        return unit(self._angle(x))

    def to_plane(self, strip_yx: F64) -> F64:
        """Map points y, x of the strip into the plane, µm."""
        radius = self.nest.radius_at(self._angle(strip_yx[:, 1])) - strip_yx[:, 0] / COLUMN_SQUEEZE
        out: F64 = self.nest.centre_um + radius[:, None] * self.direction(strip_yx[:, 1])
        return out

    def _angle(self, x: F64) -> F64:
        return np.interp(np.mod(x, self.around_um), self.lengths_um, self.turns)


def _gland(nest: Nest, tissue: TissueParams, rng: np.random.Generator) -> FilledNest | None:
    height = min(rng.uniform(*tissue.column_height_um), float(nest.radius_um.min()) - MIN_LUMEN_UM)
    strip = _Strip.along(nest, height / 2)
    around = strip.around_um
    top = height * COLUMN_SQUEEZE
    n = max(10, round(around / rng.uniform(*tissue.column_width_um)))
    x = (np.arange(n) + rng.uniform(-0.2, 0.2, n)) * (around / n)
    y = top * rng.uniform(0.42, 0.58, n)
    # A few columns are two cells, one above the other.
    split = rng.random(n) < 0.1
    lower = np.stack([np.where(split, 0.27 * top, y), x], -1)
    upper = np.stack([np.full(int(split.sum()), 0.76 * top), x[split]], -1)
    between = rng.permutation(n)[: rng.binomial(n, min(1.0, tissue.lymphocyte_share))]
    squeezed_in = np.stack(
        [np.full(len(between), 0.12 * top), (between + 0.5) * (around / n)],
        -1,
    )
    points = np.concatenate([lower, upper, squeezed_in])
    shape = np.full(len(points), int(CellShape.COLUMNAR))
    shape[len(lower) + len(upper) :] = CellShape.LYMPHOCYTE
    net = sampled(points, _strip_ridges(points, top, around), shape, strip.to_plane)
    turn = np.linspace(0, around, 180, endpoint=False)
    lumen = strip.to_plane(np.stack([np.full(180, top), turn], -1))
    return FilledNest(replace(net, base_yx=strip.direction(points[:, 1])), strip.to_plane(points), lumen)


def _strip_ridges(points: F64, top: float, around: float) -> Ridges:
    """Borders in a strip that closes upon itself in x and ends at y = 0 and y = top."""
    reach = min(around, 60.0)
    before = np.flatnonzero(points[:, 1] > around - reach)
    after = np.flatnonzero(points[:, 1] < reach)
    copies = np.concatenate([points[before] - [0, around], points[after] + [0, around]])
    everyone = np.concatenate([points, copies])
    mirrored = np.concatenate([everyone * [-1, 1], everyone * [-1, 1] + [2 * top, 0]])
    # Borders to the copies on the left say the same as those to the copies on the right: drop them.
    drop = -2
    alias = np.concatenate([np.full(len(before), drop), after, np.full(len(mirrored), -1)])
    borders = ridges(points, np.concatenate([copies, mirrored]), alias)
    kept = borders.right != drop
    return Ridges(borders.start[kept], borders.end[kept], borders.left[kept], borders.right[kept], around)


def _points_in(nest: Nest, spacing: float, rng: np.random.Generator) -> F64:
    reach = float(nest.radius_um.max())
    points = hexagonal((2 * reach, 2 * reach), spacing, 0.0, rng.uniform(0, math.pi))
    points = points + rng.uniform(-0.33, 0.33, points.shape) * spacing + nest.centre_um - reach
    points = points[_inside(points, nest, 0.4 * spacing)]
    # A missing point leaves its neighbours more room, so that sizes vary.
    return points[rng.random(len(points)) > 0.05]


def _inside(points: F64, nest: Nest, inset_um: float | F64) -> Bool:
    offset = points - nest.centre_um
    angle = np.arctan2(offset[:, 0], offset[:, 1])
    inside: Bool = np.hypot(*offset.T) < nest.radius_at(angle) - inset_um
    return inside


def _around(points: F64, nest: Nest) -> F64:
    """Make points outside a nest that keep its cells within its contour.

    They are the cells' own, reflected, so that the outermost borders follow the contour, and a fence for
    where no cell is near it.
    """
    offset = points - nest.centre_um
    angle = np.arctan2(offset[:, 0], offset[:, 1])
    distance = np.hypot(*offset.T)
    near = distance > 1e-6
    factor = 2 * nest.radius_at(angle)[near] / distance[near] - 1
    mirrored = nest.centre_um + offset[near] * factor[:, None]
    turns = np.linspace(0, 2 * math.pi, 60, endpoint=False)
    fence = nest.centre_um + (nest.radius_at(turns) + FENCE_UM)[:, None] * unit(turns)
    far = float(nest.radius_um.max()) * 20
    box = nest.centre_um + far * np.array([[-1.0, -1], [-1, 1], [1, -1], [1, 1]])
    return np.concatenate([mirrored, fence, box])


def _relaxed(points: F64, nest: Nest, times: int) -> F64:
    """Move each point to the centre of gravity of its share, some times: evens out the packing."""
    for _ in range(times):
        points = centroids(points, ridges(points, _around(points, nest)))
    return points

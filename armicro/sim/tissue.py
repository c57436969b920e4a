"""Tissue in µm, independent of any pixel: cells, nuclei, stroma, lumens and dirt."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from scipy.spatial import cKDTree

from armicro.contracts.arrays import F64, I64, Bool
from armicro.sim import nests, outlines
from armicro.sim.layout import MARGIN_UM, Nest, NestKind, place_nests, unit
from armicro.sim.outlines import CellShape, Net
from armicro.sim.params import TissueParams
from armicro.sim.rng import stream

MIN_NUCLEUS_RADIUS_UM = 2.1
"""A cell whose nucleus would be narrower than twice this shows none."""
MIN_CLEARANCE = 1.16
"""Least distance from nucleus centre to outline, in nuclear radii: the rim must not touch the membrane."""

CORE_UM = 5.0
"""Nearer than this to its contour, a nest is only where its cells are."""


@dataclass(frozen=True, slots=True)
class Rings:
    """The samples of each cell's outline in order around it (R entries; a shared sample has two).

    Parameters
    ----------
    start : ndarray of int64, (C + 1,)
        Entries of cell c are start[c] to start[c + 1].
    cell, sample : ndarray of int64, (R,)
        Whose entry, and which sample of the net.
    other : ndarray of int64, (R,)
        The cell on the far side; -1 where the border is free.
    share : ndarray of float64, (R,)
        Part of the cell's outline that the entry stands for; sums to 1 per cell.
    """

    start: I64
    cell: I64
    sample: I64
    other: I64
    share: F64


@dataclass(frozen=True, slots=True)
class NucleiShapes:
    """Nuclei as lobed ellipses.

    Parameters
    ----------
    yx_um : ndarray of float64, (N, 2)
        Centres.
    radii_um : ndarray of float64, (N, 2)
        Half axes, the longer first.
    turn : ndarray of float64, (N,)
        Angle of the longer axis from +x towards +y, radians.
    lobes : ndarray of float64, (N, 2)
        Departure from the ellipse: amplitude of the third harmonic, sine and cosine.
    """

    yx_um: F64
    radii_um: F64
    turn: F64
    lobes: F64


@dataclass(frozen=True, slots=True)
class Specks:
    """Dirt: black pigment, brown dirt, blurred debris; centre (N, 2) µm, radius µm and kind 0, 1, 2."""

    yx_um: F64
    radius_um: F64
    kind: I64


@dataclass(frozen=True, slots=True)
class Tissue:
    """Everything that lies on the slide, in µm; 0, 0 is the field's upper left corner.

    Parameters
    ----------
    extent_um : (float, float)
        Height and width of the field; the tissue reaches beyond it.
    net : Net
        Outlines of the cells.
    rings : Rings
        The same, by cell.
    nuclei : NucleiShapes
        One per cell of the net, in the same order.
    has_nucleus : ndarray of bool, (C,)
        Tumour cells that show one: these are counted.
    lymphocytes, spindles : NucleiShapes
        Other nuclei, which must not be counted. Lymphocytes include those inside the epithelium.
    core_um, loose_um : tuple of ndarray (K, 2)
        The inner parts of the packed and columnar nests, and the contours of the loose ones.
    lumen_um : tuple of ndarray (K, 2)
        Outlines of the lumens.
    specks : Specks
        Dirt.
    glass : (float, float, float) or None
        Where the tissue ends: beyond y * a + x * b = c (a, b of length 1; µm) lies glass. None: nowhere.
    """

    extent_um: tuple[float, float]
    net: Net
    rings: Rings
    nuclei: NucleiShapes
    has_nucleus: Bool
    lymphocytes: NucleiShapes
    spindles: NucleiShapes
    core_um: tuple[F64, ...]
    loose_um: tuple[F64, ...]
    lumen_um: tuple[F64, ...]
    specks: Specks
    glass: tuple[float, float, float] | None

    def outline_um(self, cell: int) -> F64:
        """Return a cell's outline (K, 2) y, x, µm, in order around it, not closed."""
        entries = slice(self.rings.start[cell], self.rings.start[cell + 1])
        return self.net.yx_um[self.rings.sample[entries]]


def grow(extent_um: tuple[float, float], params: TissueParams, seed: int, index: int) -> Tissue:
    """Grow the tissue of one field.

    Parameters
    ----------
    extent_um : (float, float)
        Height and width of the field, µm.
    params : TissueParams
        Sizes, shares and densities.
    seed, index : int
        Case and field.

    Returns
    -------
    Tissue
        Equal for equal arguments.
    """
    rng = stream(seed, "tissue", index)
    glass = _glass(extent_um, params.glass_chance, rng)
    places = place_nests(extent_um, params, rng)
    if glass is not None:
        places = tuple(p for p in places if p.centre_um @ glass[:2] < glass[2] - 30)
    bend = _Bend.drawn(rng)
    filled = [(nest, f) for nest in places if (f := nests.fill(nest, params, rng)) is not None]
    net = outlines.merge([f.net for _, f in filled]) if filled else _empty_net()
    seeds = np.concatenate([f.seeds_um for _, f in filled]) if filled else np.zeros((0, 2))
    net = bend.net(net)
    rings = _rings(net)
    nuclei, fits = _nuclei(net, rings, rng)
    has_nucleus = fits & (net.shape != CellShape.LYMPHOCYTE)
    has_nucleus &= rng.random(len(fits)) >= params.anucleate_share
    inside = seeds[net.shape == CellShape.LYMPHOCYTE]
    lymphocytes, spindles = _stroma(extent_um, params, places, inside, rng)
    return Tissue(
        extent_um=extent_um,
        net=net,
        rings=rings,
        nuclei=nuclei,
        has_nucleus=has_nucleus,
        lymphocytes=replace(lymphocytes, yx_um=bend(lymphocytes.yx_um)),
        spindles=replace(spindles, yx_um=bend(spindles.yx_um)),
        core_um=tuple(bend(_contour(p, CORE_UM)) for p in places if p.kind is not NestKind.LOOSE),
        loose_um=tuple(bend(_contour(p, 0.0)) for p in places if p.kind is NestKind.LOOSE),
        lumen_um=tuple(bend(f.lumen_um) for _, f in filled if f.lumen_um is not None),
        specks=_specks(extent_um, params.specks_per_mm2, rng),
        glass=glass,
    )


def _glass(
    extent_um: tuple[float, float], chance: float, rng: np.random.Generator
) -> tuple[float, float, float] | None:
    angle, part, draw = rng.uniform(0, 2 * math.pi), rng.uniform(0.1, 0.4), rng.random()
    if draw >= chance:
        return None
    dy, dx = math.sin(angle), math.cos(angle)
    reach = abs(dy) * extent_um[0] / 2 + abs(dx) * extent_um[1] / 2
    return dy, dx, dy * extent_um[0] / 2 + dx * extent_um[1] / 2 + part * reach


@dataclass(frozen=True, slots=True)
class _Bend:
    """A smooth displacement of the plane: straight borders become curved, and none ever cross."""

    wave: F64
    phase: F64
    push: F64

    @staticmethod
    def drawn(rng: np.random.Generator) -> _Bend:
        # Displacement times wave number stays below 1 in sum, so the plane is bent but never folded.
        length = np.repeat([70.0, 22.0, 9.0], 4)
        amplitude = np.repeat([1.6, 0.55, 0.16], 4)
        angle = rng.uniform(0, 2 * math.pi, 12)
        wave = unit(angle) * (2 * math.pi / length)[:, None]
        turn = rng.uniform(0, 2 * math.pi, 12)
        push = unit(turn) * amplitude[:, None]
        return _Bend(wave, rng.uniform(0, 2 * math.pi, 12), push)

    def __call__(self, yx_um: F64) -> F64:
        out: F64 = yx_um + np.sin(yx_um @ self.wave.T + self.phase) @ self.push
        return out

    def net(self, net: Net) -> Net:
        """Bend outlines: places, and with them lengths and directions."""
        along = np.stack([net.normal_yx[:, 1], -net.normal_yx[:, 0]], -1)
        slope = np.cos(net.yx_um @ self.wave.T + self.phase) * (along @ self.wave.T)
        along = along + slope @ self.push
        stretch = np.hypot(*along.T)
        return replace(
            net,
            yx_um=self(net.yx_um),
            normal_yx=np.stack([-along[:, 1], along[:, 0]], -1) / stretch[:, None],
            length_um=net.length_um * stretch,
        )


def _rings(net: Net) -> Rings:
    n_cells, n_samples = len(net.shape), len(net.left)
    shared = np.flatnonzero(net.right >= 0)
    cell = np.concatenate([net.left, net.right[shared]])
    other = np.concatenate([net.right, net.left[shared]])
    sample = np.concatenate([np.arange(n_samples), shared])
    angle = np.concatenate([net.angle_left, net.angle_right[shared]])
    order = np.lexsort((angle, cell))
    cell, sample, other = cell[order], sample[order], other[order]
    length = net.length_um[sample]
    perimeter = np.bincount(cell, length, n_cells)
    start = np.concatenate([[0], np.cumsum(np.bincount(cell, minlength=n_cells))])
    return Rings(start, cell, sample, other, length / perimeter[cell])


def _nuclei(net: Net, rings: Rings, rng: np.random.Generator) -> tuple[NucleiShapes, Bool]:
    """Place a nucleus in every cell; the second value tells where there was room for one."""
    n = len(net.shape)
    yx = net.yx_um[rings.sample]

    def mean(values: F64) -> F64:
        return np.bincount(rings.cell, rings.share * values, n).astype(np.float64)

    centre = np.stack([mean(yx[:, 0]), mean(yx[:, 1])], -1)
    offset = yx - centre[rings.cell]
    myy, mxx, myx = (mean(offset[:, i] * offset[:, j]) for i, j in ((0, 0), (1, 1), (0, 1)))
    turn = 0.5 * np.arctan2(2 * myx, mxx - myy)
    spread = np.hypot((mxx - myy) / 2, myx)
    # The second moment of an outline is about half the squared half axis.
    long = np.sqrt(2 * np.maximum((mxx + myy) / 2 + spread, 1e-6))
    short = np.sqrt(2 * np.maximum((mxx + myy) / 2 - spread, 1e-6))
    columnar = net.shape == CellShape.COLUMNAR
    radius = np.clip(np.sqrt(long * short) * rng.uniform(0.54, 0.7, n), 2.7, 4.6)
    aspect = np.clip((long / short) ** 0.7 * rng.uniform(0.95, 1.25, n), 1.0, np.where(columnar, 2.2, 1.7))
    turn = turn + rng.normal(0, 0.15, n)
    away = np.where(columnar[:, None], net.base_yx * (0.3 * long * rng.uniform(0.2, 1.6, n))[:, None], 0.0)
    drift = rng.normal(0, 0.09, (n, 2)) * short[:, None]
    centre = centre + away + drift
    radii = np.stack([radius * np.sqrt(aspect), radius / np.sqrt(aspect)], -1)

    offset = yx - centre[rings.cell]
    sin, cos = np.sin(turn)[rings.cell], np.cos(turn)[rings.cell]
    u = (offset[:, 1] * cos + offset[:, 0] * sin) / radii[rings.cell, 0]
    v = (offset[:, 0] * cos - offset[:, 1] * sin) / radii[rings.cell, 1]
    clearance = np.full(n, np.inf)
    np.minimum.at(clearance, rings.cell, np.hypot(u, v))
    radii = radii * np.minimum(1.0, clearance / MIN_CLEARANCE)[:, None]
    fits = np.isfinite(clearance) & (radii[:, 1] >= MIN_NUCLEUS_RADIUS_UM)
    return NucleiShapes(centre, radii, turn, rng.normal(0, 0.03, (n, 2))), fits


def _contour(nest: Nest, inset_um: float) -> F64:
    angle = np.linspace(0, 2 * math.pi, 180, endpoint=False)
    out: F64 = nest.centre_um + (nest.radius_at(angle) - inset_um)[:, None] * unit(angle)
    return out


def _stroma(
    extent_um: tuple[float, float],
    params: TissueParams,
    places: tuple[Nest, ...],
    inside: F64,
    rng: np.random.Generator,
) -> tuple[NucleiShapes, NucleiShapes]:
    """Scatter lymphocytes (in crowds) and spindle nuclei over the stroma."""
    size = np.array(extent_um) + 2 * MARGIN_UM
    mm2 = float(size.prod()) * 1e-6
    n_crowds = max(1, round(mm2 * 40))
    crowds = rng.uniform(-MARGIN_UM, -MARGIN_UM + size, (n_crowds, 2))
    n = rng.poisson(params.lymphocytes_per_mm2 * mm2)
    crowded = rng.random(n) < 0.7
    points = np.where(
        crowded[:, None],
        crowds[rng.integers(0, n_crowds, n)] + rng.normal(0, 22, (n, 2)),
        rng.uniform(-MARGIN_UM, -MARGIN_UM + size, (n, 2)),
    )
    points = _apart(points[_in_stroma(points, places, 4.5)], 6.0)
    lymph = np.concatenate([points, inside])
    k = len(lymph)
    radius = rng.uniform(2.4, 3.1, k)
    lymphocytes = NucleiShapes(
        lymph,
        np.stack([radius * rng.uniform(1.0, 1.12, k), radius], -1),
        rng.uniform(0, math.pi, k),
        rng.normal(0, 0.03, (k, 2)),
    )
    n = rng.poisson(params.spindles_per_mm2 * mm2)
    points = rng.uniform(-MARGIN_UM, -MARGIN_UM + size, (n, 2))
    points = points[_in_stroma(points, places, 3.5)]
    points = _apart(np.concatenate([points, lymph]), 9.0, keep=points)
    turn = _along_nests(points, places) + rng.normal(0, 0.25, len(points))
    spindles = NucleiShapes(
        points,
        np.stack([rng.uniform(3.8, 7.5, len(points)), rng.uniform(1.2, 2.2, len(points))], -1),
        turn,
        rng.normal(0, 0.05, (len(points), 2)),
    )
    return lymphocytes, spindles


def _in_stroma(points: F64, places: tuple[Nest, ...], clearance_um: float) -> Bool:
    free = np.ones(len(points), bool)
    for nest in places:
        offset = points - nest.centre_um
        angle = np.arctan2(offset[:, 0], offset[:, 1])
        free &= np.hypot(*offset.T) > nest.radius_at(angle) + clearance_um
    return free


def _along_nests(points: F64, places: tuple[Nest, ...]) -> F64:
    """Direction of the nearest nest's contour: fibres run along nests."""
    if not places or not len(points):
        return np.zeros(len(points))
    centres = np.stack([nest.centre_um for nest in places])
    _, nearest = cKDTree(centres).query(points)
    offset = points - centres[nearest]
    return np.asarray(np.arctan2(offset[:, 0], offset[:, 1]) + math.pi / 2, np.float64)


def _apart(points: F64, distance_um: float, keep: F64 | None = None) -> F64:
    """Thin points out: of two closer than a distance, the later goes. `keep`: the part to be thinned."""
    pairs = (
        cKDTree(points).query_pairs(distance_um, output_type="ndarray") if len(points) else np.zeros((0, 2))
    )
    gone = np.zeros(len(points), bool)
    if keep is None:
        gone[pairs.max(1).astype(np.int64)] = True
        return points[~gone]
    gone[pairs.min(1).astype(np.int64)] = True
    return keep[~gone[: len(keep)]]


def _specks(extent_um: tuple[float, float], per_mm2: float, rng: np.random.Generator) -> Specks:
    n = rng.poisson(per_mm2 * extent_um[0] * extent_um[1] * 1e-6)
    kind = rng.choice(3, n, p=(0.5, 0.25, 0.25))
    radius = np.where(kind == 2, rng.uniform(4, 10, n), rng.uniform(0.4, 1.6, n))
    return Specks(rng.uniform(0, 1, (n, 2)) * np.array(extent_um), radius, kind)


def _empty_net() -> Net:
    none, points, number = np.zeros(0), np.zeros((0, 2)), np.zeros(0, np.int64)
    return Net(number, points, points, points, none, number, number, none, none, number)

"""The contour of each cell: the closed path around its nucleus that follows the membrane best.

Rays that ask for membrane in a fixed ring miss dented, shared and off-centre membranes. Here every cell is
unrolled into polar coordinates around its nucleus (equal angles, radii in equal ratios, so that a slope means
the same near and far), and dynamic programming finds the closed path of greatest membrane signal that bends
no more than a cell does. Beyond the border to the next nucleus the path pays, so that it keeps to its own
side and yet can lie on the border, where two cells share one membrane.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import cv2
import numpy as np

from armicro.contracts.arrays import F32, I32, I64
from armicro.imaging.parallel import run_all

_CHUNK = 256
"""Cells at a time: what one step of the path search touches then fits a core's second-level cache."""
_SAMPLED = 128
"""Cells that are unrolled at a time, for the same reason."""
_GRID = 32.0
"""Sampling positions are multiples of 1/32 px, cv2's own grid: exact in float32 wherever a tile begins."""


@dataclass(frozen=True, slots=True)
class ContourParams:
    """How contours are looked for.

    Parameters
    ----------
    angles, radii : int
        Samples around a cell and outwards.
    nearest_um, farthest_um : float
        Radii of the innermost and outermost sample, µm.
    steepest : int
        Most radial samples that the path may move from one angle to the next.
    bend_cost : float
        Cost of moving by one radial sample, log10 OD; by two costs four times as much.
    trespass_cost : float
        Cost per µm beyond the border to another nucleus, past `trespass_free_um`, log10 OD.
    trespass_free_um : float
        How far beyond the border a membrane may lie: nuclei sit off centre.
    size_cost : float
        Cost per µm away from `usual_um`, log10 OD: decides only where there is no membrane.
    usual_um : float
        Usual distance from nucleus to membrane, µm.
    signal_cap : float
        Signal beyond this does not attract more, log10 OD.
    """

    angles: int = 48
    radii: int = 28
    nearest_um: float = 1.8
    farthest_um: float = 18.0
    steepest: int = 2
    bend_cost: float = 0.003
    trespass_cost: float = 0.06
    trespass_free_um: float = 1.0
    size_cost: float = 0.002
    usual_um: float = 5.0
    signal_cap: float = 1.0

    @property
    def radii_um(self) -> F32:
        """Sampled radii, (radii,), µm, in equal ratios."""
        return np.geomspace(self.nearest_um, self.farthest_um, self.radii).astype(np.float32)


@dataclass(frozen=True, slots=True)
class Contours:
    """Contours, one row a cell.

    Parameters
    ----------
    radius_um : ndarray of float32, (N, K)
        Distance from the nucleus at each angle, µm.
    length_um : ndarray of float32, (N, K)
        Length of contour that each angle stands for, µm; 0 where it runs outside the field and cannot be
        seen.
    y_px, x_px : ndarray of float32, (N, K)
        Where that is, in pixels of the map.
    """

    radius_um: F32
    length_um: F32
    y_px: F32
    x_px: F32


def border_distance(nuclei_yx: F32, shape: tuple[int, int]) -> F32:
    """Return each pixel's distance to the nearest nucleus, (h, w), px.

    Parameters
    ----------
    nuclei_yx : ndarray of float32, (N, 2)
        All nuclei, y, x in pixels of the map; others than tumour nuclei bound cells too.
    shape : tuple of int
        Height and width of the map, px.
    """
    seeds = np.full(shape, 255, np.uint8)
    yx = np.rint(nuclei_yx).astype(np.int64)
    inside = np.all((yx >= 0) & (yx < np.asarray(shape)), axis=1)
    seeds[yx[inside, 0], yx[inside, 1]] = 0
    if not inside.any():
        return np.full(shape, np.float32(1e6))
    return np.asarray(cv2.distanceTransform(seeds, cv2.DIST_L2, cv2.DIST_MASK_5), np.float32)


def _offsets(params: ContourParams, um_per_px: float) -> tuple[F32, F32]:
    """Return sampling offsets dy, dx, each (K * R,), px, on the sub-pixel grid."""
    angle = np.arange(params.angles) * (2 * np.pi / params.angles)
    radius_px = params.radii_um.astype(np.float64) / um_per_px
    dy, dx = np.outer(np.sin(angle), radius_px), np.outer(np.cos(angle), radius_px)
    return tuple((np.rint(d.ravel() * _GRID) / _GRID).astype(np.float32) for d in (dy, dx))  # type: ignore[return-value]


def best_closed_path(reward: F32, params: ContourParams) -> I32:
    """Find the closed path of greatest reward through each cell's polar picture.

    The path is anchored where a short stretch of arc is worth most, then found by dynamic programming over
    the one turn that leads from the anchor back to it. The anchor belongs to the cell, not to the picture, so
    a turned or mirrored cell is followed alike.

    Parameters
    ----------
    reward : ndarray of float32, (N, K, R)
        What each sample is worth.
    params : ContourParams
        `steepest` and `bend_cost` are used.

    Returns
    -------
    ndarray of int32, (N, K)
        Radial sample at each angle.
    """
    n, k_angles, n_radii = reward.shape
    reach = params.steepest
    start, anchor = _anchor(reward)
    rows = np.arange(n)
    angle = (start[:, None] + np.arange(k_angles)) % k_angles
    bend = np.array([params.bend_cost * s * s for s in range(-reach, reach + 1)], np.float32)[:, None]
    # Cells last: a step along the radius is then a shift of whole rows.
    turned = np.ascontiguousarray(reward[rows[:, None], angle].transpose(1, 2, 0))
    # A guard band on each side stands for "outside": never chosen.
    sums = np.full((k_angles, n_radii + 2 * reach, n), _NEVER)
    sums[0][anchor + reach, rows] = 0
    other = np.empty((n_radii, n), np.float32)
    for t in range(1, k_angles):
        before, best = sums[t - 1], sums[t][reach : reach + n_radii]
        np.copyto(best, before[reach : reach + n_radii])
        for s in range(1, reach + 1):
            inward, outward = (before[first : first + n_radii] for first in (reach - s, reach + s))
            np.maximum(inward, outward, out=other)
            np.subtract(other, bend[reach + s], out=other)
            np.maximum(best, other, out=best)
        np.add(best, turned[t], out=best)
    path = np.empty((n, k_angles), np.int32)
    path[rows, start] = anchor
    at = anchor
    window = np.arange(2 * reach + 1)[:, None]
    for t in range(k_angles - 1, 0, -1):
        candidates = sums[t][at + window, rows] - bend
        at = at + np.argmax(candidates, axis=0) - reach
        path[rows, angle[:, t]] = at
    return path


_NEVER = np.float32(-1e9)
_STRETCH = 3
"""Half the arc, in angles, whose mean reward chooses the anchor."""


def _anchor(reward: F32) -> tuple[I64, I64]:
    """Return angle and radial sample, each (N,), of the stretch of arc that is worth most."""
    n, k_angles, n_radii = reward.shape
    wrapped = np.concatenate([reward[:, -_STRETCH:], reward, reward[:, :_STRETCH]], axis=1)
    stretch = wrapped[:, _STRETCH : _STRETCH + k_angles].copy()
    for s in range(1, _STRETCH + 1):
        # Both neighbours are added together: the sum is then the same from either side.
        stretch += (
            wrapped[:, _STRETCH - s : _STRETCH - s + k_angles]
            + wrapped[:, _STRETCH + s : _STRETCH + s + k_angles]
        )
    at = np.argmax(stretch.reshape(n, -1), axis=1)
    return at // n_radii, at % n_radii


def follow(
    signal_od: F32, nuclei_yx: F32, border_px: F32, um_per_px: float, params: ContourParams
) -> Contours:
    """Follow the membrane around each nucleus.

    Parameters
    ----------
    signal_od : ndarray of float32, (h, w)
        Membrane signal, log10 OD.
    nuclei_yx : ndarray of float32, (N, 2)
        Nuclei to read, y, x in pixels of the map.
    border_px : ndarray of float32, (h, w)
        From `border_distance`, of all nuclei.
    um_per_px : float
        Scale of the map, µm.
    params : ContourParams
        How.

    Returns
    -------
    Contours
        One row a nucleus.
    """
    layers = signal_od, border_px
    dy, dx = _offsets(params, um_per_px)
    centres: F32 = (np.rint(nuclei_yx * np.float32(_GRID)) / np.float32(_GRID)).astype(np.float32)
    n = len(centres)
    path = np.empty((n, params.angles), np.int32)

    def follow_some(first: int, last: int) -> None:
        reward = np.empty((last - first, params.angles, params.radii), np.float32)
        for a in range(first, last, _SAMPLED):
            some = centres[a : min(a + _SAMPLED, last)]
            at = some[:, :1] + dy, some[:, 1:] + dx
            _reward(layers, at, um_per_px, params, out=reward[a - first : a - first + len(some)])
        path[first:last] = best_closed_path(reward, params)

    run_all([partial(follow_some, a, min(a + _CHUNK, n)) for a in range(0, n, _CHUNK)])
    radius = params.radii_um[path]
    slope = (np.roll(radius, -1, axis=1) - np.roll(radius, 1, axis=1)) / 2
    length = np.hypot(radius * np.float32(2 * np.pi / params.angles), slope)
    flat = np.arange(params.angles, dtype=np.int32) * params.radii + path
    y, x = centres[:, :1] + dy[flat], centres[:, 1:] + dx[flat]
    h, w = signal_od.shape
    seen = (y >= 0) & (y <= h - 1) & (x >= 0) & (x <= w - 1)
    return Contours(radius, np.where(seen, length, np.float32(0)), y, x)


def _reward(
    layers: tuple[F32, F32], at: tuple[F32, F32], um_per_px: float, params: ContourParams, out: F32
) -> None:
    """Write what each polar sample is worth, (n, K, R), log10 OD."""
    y, x = at
    # One map after the other: two channels at once take cv2 longer, and every step after it.
    signal, cost = (
        np.asarray(cv2.remap(m, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE), np.float32)
        for m in layers
    )
    radii_um = params.radii_um
    cost = cost.reshape(out.shape)
    cost *= np.float32(-um_per_px)
    cost += radii_um - np.float32(params.trespass_free_um)
    np.maximum(cost, 0, out=cost)
    cost *= np.float32(params.trespass_cost)
    cost += np.float32(params.size_cost) * np.abs(radii_um - np.float32(params.usual_um))
    signal = signal.reshape(out.shape)
    np.minimum(signal, np.float32(params.signal_cap), out=signal)
    np.subtract(signal, cost, out=out)


def sample(values: F32, contours: Contours) -> F32:
    """Read a map (h, w) along contours, bilinearly: (N, K)."""
    if not len(contours.y_px):
        return np.empty(contours.y_px.shape, np.float32)
    # cv2.remap takes at most 32767 rows: reading in chunks keeps that for any number of cells.
    parts = [
        cv2.remap(values, contours.x_px[i : i + 8192], contours.y_px[i : i + 8192], cv2.INTER_LINEAR)
        for i in range(0, len(contours.y_px), 8192)
    ]
    return np.asarray(np.concatenate(parts), np.float32)

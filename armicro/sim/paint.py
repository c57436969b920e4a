"""Tissue and its staining painted as optical density, in µm, on a raster."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np

from armicro.contracts.arrays import F32, F64, Bool
from armicro.sim.backdrop import Looks, backdrop
from armicro.sim.grid import Grid
from armicro.sim.staining import Staining
from armicro.sim.tissue import NucleiShapes, Tissue

FWHM = 2 * math.sqrt(2 * math.log(2))
WIDTHS_UM = (0.64, 0.9, 1.1, 1.5, 2.0)
"""Widths that membranes are painted in; each is rounded to the nearest."""
GRAIN = 0.08
"""Standard deviation of the fine unevenness of a membrane's density, as a share of it."""
THINNEST_UM = 0.12
"""Least standard deviation of a painted membrane's profile."""


@dataclass(frozen=True, slots=True)
class Densities:
    """Painted densities, log10 OD, float32 (h, w); `neutral` takes all colours alike (pigment)."""

    haematoxylin_od: F32
    dab_od: F32
    neutral_od: F32


def paint(
    tissue: Tissue, staining: Staining, grid: Grid, looks: Looks, rng: np.random.Generator
) -> Densities:
    """Paint a field.

    Parameters
    ----------
    tissue : Tissue
        Geometry.
    staining : Staining
        Membranes.
    grid : Grid
        Raster.
    looks : Looks
        The case's looks.
    rng : numpy.random.Generator
        Source of chance for texture.

    Returns
    -------
    Densities
        On the raster, border included.
    """
    haematoxylin, dab = backdrop(tissue, staining.category, grid, looks, rng)
    texture = 0.6 * grid.noise(0.55, rng) + 0.55 * grid.noise(1.3, rng)
    _nuclei(tissue, grid, looks, (haematoxylin, dab, texture), rng)
    lines = membranes(tissue, staining, grid, looks.psf_um)
    lines *= 1 + np.float32(GRAIN) * texture
    np.add(dab, lines, out=dab)
    neutral = np.zeros(grid.shape, np.float32)
    _specks(tissue, grid, (dab, neutral))
    return Densities(haematoxylin, dab, neutral)


def _nuclei(
    tissue: Tissue, grid: Grid, looks: Looks, maps: tuple[F32, F32, F32], rng: np.random.Generator
) -> None:
    n = len(tissue.has_nucleus)
    vesicular = _Look.drawn(n, (0.09, 0.16), (0.05, 0.17), (0.32, 0.25, 0.9), rng)
    _stamp(tissue.nuclei, tissue.has_nucleus, vesicular, (grid, looks.haematoxylin, maps))
    n = len(tissue.lymphocytes.yx_um)
    dark = _Look.drawn(n, (0.28, 0.42), (0.02, 0.06), (0.25, 0.15, 0.5), rng)
    _stamp(tissue.lymphocytes, np.ones(n, bool), dark, (grid, looks.haematoxylin, maps))
    n = len(tissue.spindles.yx_um)
    spindle = _Look.drawn(n, (0.14, 0.30), (0.0, 0.06), (0.25, 0.2, 0.7), rng)
    _stamp(tissue.spindles, np.ones(n, bool), spindle, (grid, looks.haematoxylin, maps))


@dataclass(frozen=True, slots=True)
class _Look:
    """How nuclei are stained: body, rim and nucleoli density, chromatin contrast, softness of the edge."""

    body_od: F64
    rim_od: F64
    chromatin: F64
    soft_um: F64
    nucleoli: F64

    @staticmethod
    def drawn(
        n: int,
        body: tuple[float, float],
        rim: tuple[float, float],
        rest: tuple[float, float, float],
        rng: np.random.Generator,
    ) -> _Look:
        """Draw n of them; `rest` is chromatin contrast, least and greatest softness, µm."""
        chromatin, sharp, soft = rest
        return _Look(
            rng.uniform(*body, n),
            rng.uniform(*rim, n),
            chromatin * rng.uniform(0.7, 1.3, n),
            rng.uniform(sharp, soft, n),
            rng.uniform(-1, 1, (n, 7)),
        )


def _stamp(
    nuclei: NucleiShapes, shown: Bool, look: _Look, onto: tuple[Grid, float, tuple[F32, F32, F32]]
) -> None:
    grid, strength, (haematoxylin, dab, texture) = onto
    centre = grid.to_px(nuclei.yx_um)
    reach = (nuclei.radii_um[:, 0] * 1.15 + 0.6) / grid.px_um
    height, width = grid.shape
    seen = (
        shown & (centre + reach[:, None] > 0).all(1) & (centre - reach[:, None] < np.array(grid.shape)).all(1)
    )
    px = np.float32(grid.px_um)
    for i in np.flatnonzero(seen).tolist():
        cy, cx = centre[i]
        top, left = max(0, int(cy - reach[i])), max(0, int(cx - reach[i]))
        bottom, right = min(height, int(cy + reach[i]) + 2), min(width, int(cx + reach[i]) + 2)
        window = (slice(top, bottom), slice(left, right))
        y = (np.arange(top, bottom, dtype=np.float32) - np.float32(cy))[:, None] * px
        x = (np.arange(left, right, dtype=np.float32) - np.float32(cx))[None, :] * px
        long, short = nuclei.radii_um[i]
        sin, cos = math.sin(nuclei.turn[i]), math.cos(nuclei.turn[i])
        u = (x * np.float32(cos / long)) + (y * np.float32(sin / long))
        v = (y * np.float32(cos / short)) - (x * np.float32(sin / short))
        uu, vv = u * u, v * v
        square = uu + vv
        lobe = np.float32(nuclei.lobes[i, 0]) * v * (3 * uu - vv) + np.float32(nuclei.lobes[i, 1]) * u * (
            uu - 3 * vv
        )
        lobe /= np.maximum(square, np.float32(0.05))  # a harmonic of the angle, not of the distance
        depth = (1 - np.sqrt(square) + lobe) * np.float32(math.sqrt(long * short))
        cover = np.clip(depth / np.float32(look.soft_um[i]) + np.float32(0.5), 0, 1)
        rim = np.exp(-(((depth - np.float32(0.4)) / np.float32(0.33)) ** 2))
        od = np.float32(look.body_od[i]) * (1 + np.float32(look.chromatin[i]) * texture[window])
        od += np.float32(look.rim_od[i]) * rim
        spot = look.nucleoli[i]
        for k in range(1 + (spot[6] > 0)):
            dy, dx = v - np.float32(0.5 * spot[2 * k]), u - np.float32(0.5 * spot[2 * k + 1])
            radius = 0.55 + 0.15 * spot[4 + k]
            od += np.float32(0.22 * look.rim_od[i] / 0.14) * np.exp(
                -((dy * np.float32(short)) ** 2 + (dx * np.float32(long)) ** 2) / np.float32(radius**2)
            )
        target = haematoxylin[window]
        target += cover * (np.float32(strength) * np.maximum(od, np.float32(0.03)) - target)
        dab[window] *= 1 - np.float32(0.6) * cover


def membranes(tissue: Tissue, staining: Staining, grid: Grid, psf_um: float) -> F32:
    """Paint the membranes.

    Each sample is laid down as a point between pixels and spread to the membrane's width, so that lines are
    smooth at any scale and their crest has the stated density once the optics have blurred it.

    Parameters
    ----------
    tissue, staining
        Outlines and what they carry.
    grid : Grid
        Raster.
    psf_um : float
        Standard deviation of the blur in focus, µm.

    Returns
    -------
    ndarray of float32
        DAB, log10 OD.
    """
    out = np.zeros(grid.shape, np.float32)
    stained = staining.od > 0
    nearest = np.abs(staining.width_um[:, None] - np.array(WIDTHS_UM)).argmin(1)
    for k, width_um in enumerate(WIDTHS_UM):
        which = stained & (nearest == k)
        if which.any():
            np.maximum(out, _lines(tissue, staining, which, (grid, width_um, psf_um)), out=out)
    return out


def _two_lines(tissue: Tissue, staining: Staining, which: Bool) -> tuple[F64, F64, F32]:
    """Place, length and density of samples; a border with a gap is laid down on both its sides."""
    net = tissue.net
    split = which & (staining.gap_um > 0)
    single = which & ~split
    aside = net.normal_yx[split] * (staining.gap_um[split, None] / 2)
    return (
        np.concatenate([net.yx_um[single], net.yx_um[split] - aside, net.yx_um[split] + aside]),
        np.concatenate([net.length_um[single], net.length_um[split], net.length_um[split]]),
        np.concatenate([staining.od[single], staining.od[split], staining.od[split]]),
    )


def _lines(tissue: Tissue, staining: Staining, which: Bool, how: tuple[Grid, float, float]) -> F32:
    grid, width_um, psf_um = how
    seen = width_um / FWHM
    sigma_um = math.sqrt(max(seen**2 - psf_um**2, THINNEST_UM**2))
    crest = math.sqrt(sigma_um**2 + psf_um**2) / sigma_um
    # Sharing a point between four pixels blurs it already, with a variance of 1/6 px².
    sigma_px = math.sqrt(max((sigma_um / grid.px_um) ** 2 - 1 / 6, 0.09))
    total_px = math.sqrt(sigma_px**2 + 1 / 6)
    yx_um, length_um, od = _two_lines(tissue, staining, which)
    points = grid.to_px(yx_um)
    length = (length_um / grid.px_um).astype(np.float32)
    od = od * np.float32(crest)
    weight, dense = np.zeros(grid.shape, np.float32), np.zeros(grid.shape, np.float32)
    low = np.floor(points).astype(np.int64)
    part = (points - low).astype(np.float32)
    kept = ((low >= 0) & (low < np.array(grid.shape) - 1)).all(1)
    low, part, length, od = low[kept], part[kept], length[kept], od[kept]
    for dy in (0, 1):
        for dx in (0, 1):
            share = length * np.abs(1 - dy - part[:, 0]) * np.abs(1 - dx - part[:, 1])
            at = (low[:, 0] + dy) * grid.shape[1] + low[:, 1] + dx
            np.add.at(weight.reshape(-1), at, share)
            np.add.at(dense.reshape(-1), at, share * od)
    for plane in (weight, dense):
        cv2.GaussianBlur(plane, (0, 0), sigma_px, dst=plane, borderType=cv2.BORDER_CONSTANT)
    peak = np.float32(math.sqrt(2 * math.pi) * total_px)
    # Where lines meet their weights add up; a junction is no denser than its lines.
    scale = peak / np.maximum(weight * peak, 1)
    dense *= scale
    return dense


def _specks(tissue: Tissue, grid: Grid, onto: tuple[F32, F32]) -> None:
    dab, neutral = onto
    centre = grid.to_px(tissue.specks.yx_um)
    for (cy, cx), radius_um, kind in zip(centre, tissue.specks.radius_um, tissue.specks.kind, strict=True):
        spread = radius_um / grid.px_um
        reach = int(3 * spread) + 1
        top, left = max(0, int(cy) - reach), max(0, int(cx) - reach)
        bottom, right = min(grid.shape[0], int(cy) + reach + 1), min(grid.shape[1], int(cx) + reach + 1)
        if top >= bottom or left >= right:
            continue
        y = (np.arange(top, bottom, dtype=np.float32) - np.float32(cy))[:, None] / np.float32(spread)
        x = (np.arange(left, right, dtype=np.float32) - np.float32(cx))[None, :] / np.float32(spread)
        square = y * y + x * x
        window = (slice(top, bottom), slice(left, right))
        if kind == 0:
            neutral[window] += np.float32(1.1) * np.exp(-(square**2))
        elif kind == 1:
            dab[window] += np.float32(0.5) * np.exp(-(square**2))
        else:
            neutral[window] += np.float32(0.15) * np.exp(-square)

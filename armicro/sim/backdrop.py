"""Everything soft behind nuclei and membranes: cytoplasm, stroma, lumens and glass."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np

from armicro.contracts.arrays import F32, U8
from armicro.sim.grid import Grid
from armicro.sim.outlines import CellShape
from armicro.sim.tissue import Tissue

COARSE_UM = 0.42
"""Pixel on which it is painted before it is enlarged: nothing here is sharper."""
FAR_UM = np.float32(500.0)
"""Distances from the next nest are not told apart beyond this."""
DIRECTIONS = 6
"""Fibres are mixed from so many layers of straight ones."""


@dataclass(frozen=True, slots=True)
class Looks:
    """What a case's slide looks like.

    Parameters
    ----------
    haematoxylin : float
        Strength of the counterstain, 1 for a pale one.
    blush_od : float
        Diffuse brown of the cytoplasm of every tumour cell, log10 OD.
    cytoplasm_od : float
        Diffuse brown of cells with intense membranes, log10 OD; cells with weak ones have half.
    stroma_brown_od : float
        Brown of the stroma, log10 OD.
    psf_um : float
        Blur in focus that membranes' density and width are stated after.
    """

    haematoxylin: float
    blush_od: float
    cytoplasm_od: float
    stroma_brown_od: float
    psf_um: float


_BROWN = np.array([0.0, 0.1, 0.4, 0.5, 0.9, 1.0])
"""By `Category`: part of `cytoplasm_od`."""
_FULL = 250


def backdrop(
    tissue: Tissue, category: U8, grid: Grid, looks: Looks, rng: np.random.Generator
) -> tuple[F32, F32]:
    """Paint the background.

    Parameters
    ----------
    tissue : Tissue
        Geometry.
    category : ndarray of uint8, (C,)
        `Category` of each cell.
    grid : Grid
        Raster.
    looks : Looks
        The case's looks.
    rng : numpy.random.Generator
        Source of chance for texture.

    Returns
    -------
    haematoxylin, dab : ndarray of float32
        log10 OD on the raster.
    """
    factor = max(1, round(COARSE_UM / grid.px_um))
    coarse = grid.coarser(factor)
    areas = _areas(tissue, category, coarse, rng)
    fibres = _stroma(areas, coarse, tissue, rng)
    grain = coarse.noise(1.0, rng)
    inside, out = areas.epithelium, 1 - np.maximum(areas.epithelium, areas.lumen)
    cytoplasm = np.float32(0.042) * areas.tone * (1 + np.float32(0.3) * grain)
    mucus = np.float32(0.012) * np.maximum(coarse.noise(6.0, rng) + 0.4 * grain - 0.6, 0)
    haematoxylin = np.float32(looks.haematoxylin) * (
        cytoplasm * inside + np.float32(0.06) * fibres * out + mucus * areas.lumen
    )
    cloud = 1 + np.float32(0.3) * grain + np.float32(0.25) * coarse.noise(3.0, rng)
    brown = np.maximum(np.float32(looks.blush_od) * areas.tone, np.float32(looks.cytoplasm_od) * areas.brown)
    dab = brown * cloud * inside + np.float32(looks.stroma_brown_od) * fibres * out
    return _enlarged(haematoxylin, factor, grid), _enlarged(dab, factor, grid)


def _enlarged(plane: F32, factor: int, grid: Grid) -> F32:
    size = (plane.shape[1] * factor, plane.shape[0] * factor)
    whole = cv2.resize(np.maximum(plane, 0), size, interpolation=cv2.INTER_LINEAR)
    return np.ascontiguousarray(whole[: grid.shape[0], : grid.shape[1]], np.float32)


@dataclass(frozen=True, slots=True)
class _Areas:
    """Where what lies, 0 to 1, and each cell's own tone (about 1) and brown (0 to 1)."""

    epithelium: F32
    lumen: F32
    pale: F32
    tone: F32
    brown: F32


def _areas(tissue: Tissue, category: U8, coarse: Grid, rng: np.random.Generator) -> _Areas:
    epithelium, lumen, pale, tone, brown = (np.zeros(coarse.shape, np.uint8) for _ in range(5))
    tone[:] = _FULL // 2
    for contour in tissue.core_um:
        coarse.fill(epithelium, contour, 255)
    for contour in tissue.loose_um:
        coarse.fill(pale, contour, 255)
    for outline in tissue.lumen_um:
        coarse.fill(epithelium, outline, 0)
        coarse.fill(lumen, outline, 255)
    n = len(tissue.net.shape)
    tones = np.clip(_FULL / 2 * (1 + 0.22 * rng.standard_normal(n)), 30, _FULL).astype(int)
    browns = np.clip(_FULL * _BROWN[category] * rng.uniform(0.4, 1.0, n), 0, _FULL).astype(int)
    shape = tissue.net.shape
    for c in np.flatnonzero(shape != CellShape.LYMPHOCYTE).tolist():
        outline = tissue.outline_um(c)
        coarse.fill(epithelium, outline, 255)
        coarse.fill(tone, outline, int(tones[c]))
        if browns[c]:
            coarse.fill(brown, outline, int(browns[c]))
        if shape[c] == CellShape.COLUMNAR:
            # Its dome bulges into the lumen.
            coarse.fill(lumen, outline, 0)
    return _Areas(
        epithelium=epithelium.astype(np.float32) / np.float32(255),
        lumen=lumen.astype(np.float32) / np.float32(255),
        pale=pale.astype(np.float32) / np.float32(255),
        tone=tone.astype(np.float32) / np.float32(_FULL / 2),
        brown=cv2.blur(brown, (3, 3)).astype(np.float32) / np.float32(_FULL),
    )


def _stroma(areas: _Areas, coarse: Grid, tissue: Tissue, rng: np.random.Generator) -> F32:
    """Density of the stroma, about 1: wavy fibres along the nests, loose places, clefts at some nests."""
    nests = (areas.epithelium > 0.5).astype(np.uint8)
    # The 5 x 5 mask, because the exact transform rounds differently for different numbers of threads.
    away = cv2.distanceTransform(1 - nests, cv2.DIST_L2, cv2.DIST_MASK_5) * np.float32(coarse.px_um)
    away = np.minimum(away, FAR_UM)  # without any nest it is endless
    fibre = _fibres(away, coarse, rng)
    loose = coarse.noise(28.0, rng)
    out = np.clip(0.75 + 0.42 * fibre + 0.2 * coarse.noise(2.2, rng) + 0.35 * loose, 0.03, 2.4)
    open_ = np.clip(1.5 * coarse.noise(40.0, rng) - 1.0, 0, 1)
    cleft = np.clip(1.5 - away / 1.8, 0, 1) * open_
    out *= (1 - 0.92 * cleft) * (1 - 0.65 * areas.pale)
    if tissue.glass is not None:
        y, x = coarse.axes_um()
        dy, dx, offset = tissue.glass
        beyond = y * np.float32(dy) + x * np.float32(dx) - np.float32(offset)
        beyond += 5 * coarse.noise(35.0, rng) + 1.2 * coarse.noise(6.0, rng)
        out *= np.clip(0.5 - beyond / 1.5, 0, 1)
    result: F32 = out.astype(np.float32)
    return result


def _fibres(away_um: F32, coarse: Grid, rng: np.random.Generator) -> F32:
    """Fibres along the contours of the nests, mean 0, variance about 1."""
    smooth = cv2.GaussianBlur(away_um, (0, 0), 4.0 / coarse.px_um)
    gx, gy = cv2.Sobel(smooth, cv2.CV_32F, 1, 0), cv2.Sobel(smooth, cv2.CV_32F, 0, 1)
    size = gx * gx + gy * gy + np.float32(1e-6)
    # Twice the angle, so that a direction and its opposite are one; along the contour, not across it.
    cos2 = -(gx * gx - gy * gy) / size + 0.7 * coarse.noise(45.0, rng)
    sin2 = -2 * gx * gy / size + 0.7 * coarse.noise(45.0, rng)
    norm = np.sqrt(cos2 * cos2 + sin2 * sin2) + np.float32(1e-6)
    y, x = coarse.axes_um()
    wavy = np.float32(2.2) * coarse.noise(13.0, rng) + np.float32(0.5) * coarse.noise(5.0, rng)
    total = np.zeros(coarse.shape, np.float32)
    weights = np.full(coarse.shape, 1e-3, np.float32)
    for k in range(DIRECTIONS):
        angle = math.pi * k / DIRECTIONS
        sin, cos = np.float32(math.sin(angle)), np.float32(math.cos(angle))
        weight = np.maximum(
            (cos2 * np.float32(math.cos(2 * angle)) + sin2 * np.float32(math.sin(2 * angle))) / norm, 0
        )
        weight *= weight
        lattice = rng.standard_normal((512, 128), dtype=np.float32)
        along = (x * cos + y * sin) / np.float32(16.0)
        across = (y * cos - x * sin + wavy) / np.float32(1.3)
        layer = cv2.remap(lattice, along, across, cv2.INTER_CUBIC, borderMode=cv2.BORDER_WRAP)
        total += weight * layer
        weights += weight * weight
    total /= np.sqrt(weights)
    return total

"""Where the nests of epithelium lie: star-shaped contours with stroma between them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from scipy.spatial import cKDTree

from armicro.contracts.arrays import F64
from armicro.sim.params import TissueParams

CONTOUR_ANGLES = 128
MARGIN_UM = 15.0
"""Tissue goes on this far beyond the field, so that its edge cuts cells as a camera's does."""
MIN_GLAND_UM = 30.0
"""A nest narrower than this in radius has no room for columns around a lumen."""


class NestKind(IntEnum):
    """What fills a nest."""

    SOLID = 0
    GLAND = 1
    LOOSE = 2


@dataclass(frozen=True, slots=True)
class Nest:
    """One group of tumour cells.

    Parameters
    ----------
    kind : NestKind
        Packed cells, a gland of columnar cells, or loose round cells.
    centre_um : ndarray of float64, (2,)
        y, x.
    radius_um : ndarray of float64, (CONTOUR_ANGLES,)
        Distance of the contour from the centre at equal angles from +x towards +y.
    """

    kind: NestKind
    centre_um: F64
    radius_um: F64

    def radius_at(self, angle: F64) -> F64:
        """Interpolate the contour's distance, µm, at any angles in radians."""
        return radius_at(self.radius_um, angle)


def radius_at(radius_um: F64, angle: F64) -> F64:
    """Interpolate a contour given at equal angles.

    Parameters
    ----------
    radius_um : ndarray of float64, (K,)
        Distances at the angles 2πk/K.
    angle : ndarray of float64
        Angles, radians.

    Returns
    -------
    ndarray of float64
        Distances, in the shape of `angle`.
    """
    k = len(radius_um)
    position = np.mod(angle, 2 * math.pi) * (k / (2 * math.pi))
    low = position.astype(np.int64) % k
    part = position - np.floor(position)
    return radius_um[low] * (1 - part) + radius_um[(low + 1) % k] * part


def place_nests(
    extent_um: tuple[float, float], tissue: TissueParams, rng: np.random.Generator
) -> tuple[Nest, ...]:
    """Lay out the nests of a field.

    The plane is shared out between jittered lattice points; each nest is what is left of its share after
    the septum, with the corners rounded off.

    Parameters
    ----------
    extent_um : (float, float)
        Height and width of the field, µm.
    tissue : TissueParams
        Spacing, shares and septum.
    rng : numpy.random.Generator
        Source of chance.

    Returns
    -------
    tuple of Nest
        All that touch the field or its margin.
    """
    pitch = tissue.nest_spacing_um
    centres = hexagonal(extent_um, pitch, 3 * pitch, rng.uniform(0, math.pi))
    centres = centres + rng.uniform(-0.28, 0.28, centres.shape) * pitch
    angle = np.linspace(0, 2 * math.pi, CONTOUR_ANGLES, endpoint=False)
    ray = unit(angle).T
    near = np.asarray(cKDTree(centres).query(centres, k=13)[1])
    nests = []
    for centre, others in zip(centres, centres[near[:, 1:]], strict=True):
        septum = rng.uniform(*tissue.septum_um)
        is_epithelium = rng.random() < tissue.epithelium_share
        draw = rng.random()
        wobble = rng.standard_normal((2, 5)) * (0.05 / np.arange(1.0, 6.0))
        if not is_epithelium or not _reaches(centre, extent_um, pitch):
            continue
        offset = others - centre
        along = offset @ ray
        with np.errstate(divide="ignore"):
            border = np.where(along > 0, (offset**2).sum(1)[:, None] / (2 * along), np.inf).min(0)
        inner = np.maximum(border - septum / 2, 6.0)
        is_gland = draw < tissue.gland_share
        # Columns stand across the contour only where that is nearly round.
        smooth = _low_pass(inner, 2 if is_gland else 6)
        for harmonic in range(1 if is_gland else 5):
            smooth = smooth * (
                1
                + wobble[0, harmonic] * np.cos((harmonic + 2) * angle)
                + wobble[1, harmonic] * np.sin((harmonic + 2) * angle)
            )
        radius = np.minimum(smooth, border - 2.0)
        if not _reaches(centre, extent_um, float(radius.max())):
            continue
        kind = NestKind.SOLID
        if is_gland:
            # A ring of columnar cells needs room for its lumen.
            kind = NestKind.GLAND if radius.min() > MIN_GLAND_UM else NestKind.SOLID
        elif draw < tissue.gland_share + tissue.loose_share:
            kind = NestKind.LOOSE
        nests.append(Nest(kind, centre, radius))
    return tuple(nests)


def unit(angle: F64) -> F64:
    """Return unit vectors (..., 2) y, x at angles from +x towards +y, radians."""
    return np.stack([np.sin(angle), np.cos(angle)], -1)


def hexagonal(extent_um: tuple[float, float], pitch_um: float, margin_um: float, turn: float) -> F64:
    """Make a turned hexagonal lattice over a rectangle.

    Parameters
    ----------
    extent_um : (float, float)
        Height and width, µm; the rectangle begins at 0, 0.
    pitch_um : float
        Distance between neighbours.
    margin_um : float
        How far the lattice reaches beyond the rectangle.
    turn : float
        Angle of the lattice, radians.

    Returns
    -------
    ndarray of float64, (N, 2)
        Points y, x, µm.
    """
    height, width = extent_um
    reach = math.hypot(height, width) / 2 + margin_um * math.sqrt(2)
    rows = math.ceil(reach / (pitch_um * math.sqrt(0.75)))
    columns = math.ceil(reach / pitch_um) + 1
    row, column = np.mgrid[-rows : rows + 1, -columns : columns + 1]
    y = row * (pitch_um * math.sqrt(0.75))
    x = (column + 0.5 * (row % 2)) * pitch_um
    sin, cos = math.sin(turn), math.cos(turn)
    points = np.stack([x * sin + y * cos + height / 2, x * cos - y * sin + width / 2], -1).reshape(-1, 2)
    inside = (
        (points[:, 0] > -margin_um)
        & (points[:, 0] < height + margin_um)
        & (points[:, 1] > -margin_um)
        & (points[:, 1] < width + margin_um)
    )
    return np.ascontiguousarray(points[inside])


def _reaches(centre: F64, extent_um: tuple[float, float], reach: float) -> bool:
    return all(-MARGIN_UM - reach < c < e + MARGIN_UM + reach for c, e in zip(centre, extent_um, strict=True))


def _low_pass(values: F64, harmonics: int) -> F64:
    spectrum = np.fft.rfft(values)
    spectrum[harmonics + 1 :] = 0
    out: F64 = np.fft.irfft(spectrum, len(values))
    return out

"""Stain vectors measured on fields that show both stains, or from picked pixels.

Macenko et al., *A method for normalizing histology slides for quantitative analysis*, ISBI 2009: the optical
densities of two stains lie in a plane through nothing, and the extreme directions in it are the stains.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from armicro.contracts.arrays import F64, U8
from armicro.contracts.errors import CalibrationError
from armicro.contracts.stain import Vector3
from armicro.imaging.scale import reduce_blocks
from armicro.imaging.stain import MIN_STAIN_ANGLE_DEG, optical_density


@dataclass(frozen=True, slots=True)
class MacenkoParams:
    """How stain vectors are measured.

    Parameters
    ----------
    least_od : float
        Paler places are left out: their direction is noise. Length of the density vector, log10 OD.
    darkest_grey : float
        Places with a channel below this are left out: their density is not known.
    percentile : float
        The extreme directions are at this and at 100 less this percentile.
    block_um : float
        Places are means over blocks of this side, µm: smaller than a nucleus or a membrane is long.
    least_places : int
        Fewer of them cannot show two stains.
    brown_share : (float, float)
        Share of the places that must take more blue than red. Without real brown the extreme direction is
        haematoxylin's own scatter: on unstained fields it lay 12 to 20° from DAB.
    least_brown : float
        Blue over red of the DAB found; that of H-DAB is about 3, that of scatter 1 to 1.4.
    """

    least_od: float = 0.25
    darkest_grey: float = 8.0
    percentile: float = 0.5
    block_um: float = 0.5
    least_places: int = 2000
    brown_share: tuple[float, float] = (0.2, 0.98)
    least_brown: float = 1.6


@dataclass(frozen=True, slots=True)
class StainVectors:
    """Stain vectors as measured.

    Parameters
    ----------
    haematoxylin_rgb_od, dab_rgb_od : tuple of 3 floats
        Unit vectors in RGB optical density.
    residual_od : float
        RMS of what neither stain explains, log10 OD; 0 where nothing is left over by construction.
    places : int
        How many places or picked pixels they rest on.
    """

    haematoxylin_rgb_od: Vector3
    dab_rgb_od: Vector3
    residual_od: float
    places: int


def macenko(
    fields: Sequence[U8],
    white_rgb: Vector3 | Sequence[Vector3],
    um_per_px: float,
    params: MacenkoParams = MacenkoParams(),
) -> StainVectors:
    """Measure haematoxylin and DAB on fields that show both.

    Parameters
    ----------
    fields : sequence of ndarray of uint8, (H, W, 3)
        Of one slide or run; those with strong staining tell most.
    white_rgb : tuple of 3 floats, or one for each field
        Grey value of empty glass.
    um_per_px : float
        Scale, µm.
    params : MacenkoParams
        How.

    Returns
    -------
    StainVectors
        Haematoxylin is the one that takes more red, for the blue it takes.

    Raises
    ------
    CalibrationError
        If the fields show too little stain, or one stain only.
    """
    whites = [white_rgb] * len(fields) if isinstance(white_rgb[0], (int, float)) else list(white_rgb)
    factor = max(1, round(params.block_um / um_per_px))
    places = []
    for rgb, white in zip(fields, whites, strict=True):
        coarse = reduce_blocks(rgb, factor)
        od = optical_density(coarse, white).reshape(-1, 3).astype(np.float64)  # type: ignore[arg-type]
        use = (np.linalg.norm(od, axis=1) >= params.least_od) & (
            coarse.reshape(-1, 3).min(axis=1) >= params.darkest_grey
        )
        places.append(od[use])
    od = np.concatenate(places) if places else np.empty((0, 3))
    if len(od) < params.least_places:
        raise CalibrationError(
            f"{len(od)} places are stained strongly enough, {params.least_places} are needed: take fields "
            "with much tissue of a positive control"
        )
    brown = float((od[:, 2] > od[:, 0]).mean())
    if not params.brown_share[0] <= brown <= params.brown_share[1]:
        raise CalibrationError(
            f"{brown:.0%} of the stained places are brown, {params.brown_share[0]:.0%} to "
            f"{params.brown_share[1]:.0%} are needed: the pictures show one stain only; take fields with "
            "blue nuclei and brown membranes"
        )
    # Through nothing: no stain, no density. So of the second moments, not of the covariance.
    plane = np.linalg.eigh(od.T @ od)[1][:, :0:-1]
    if plane[:, 0].sum() < 0:
        plane[:, 0] *= -1
    angle = np.arctan2(od @ plane[:, 1], od @ plane[:, 0])
    ends = np.percentile(angle, [params.percentile, 100 - params.percentile])
    first, second = (plane @ np.array([np.cos(a), np.sin(a)]) for a in ends)
    found = _named(first, second, od)
    if found.dab_rgb_od[2] < params.least_brown * found.dab_rgb_od[0]:
        raise CalibrationError(
            "no place is of pure brown: take fields of a strongly stained positive control, or pick pixels"
        )
    return found


def from_picks(haematoxylin_rgb: U8 | F64, dab_rgb: U8 | F64, white_rgb: Vector3) -> StainVectors:
    """Take stain vectors from picked pixels of pure stain.

    Parameters
    ----------
    haematoxylin_rgb, dab_rgb : ndarray, (N, 3)
        Grey values of pixels with one stain alone.
    white_rgb : tuple of 3 floats
        Grey value of empty glass.

    Returns
    -------
    StainVectors
        The directions of the mean densities.

    Raises
    ------
    CalibrationError
        If picks are as light as glass or of one hue.
    """
    means, n = [], 0
    for name, picked in (("haematoxylin", haematoxylin_rgb), ("DAB", dab_rgb)):
        values = np.maximum(np.asarray(picked, np.float64).reshape(-1, 3), 1)
        od = np.log10(np.asarray(white_rgb, np.float64) / values)
        if not len(od) or np.linalg.norm(od.mean(axis=0)) < 0.05:
            raise CalibrationError(f"the pixels picked for {name} are as light as glass: pick darker ones")
        means.append(od.mean(axis=0))
        n += len(od)
    h, d = (m / np.linalg.norm(m) for m in means)
    _apart(h, d)
    if _redness(h) < _redness(d):
        raise CalibrationError("haematoxylin was picked browner than DAB: were the two mixed up?")
    return StainVectors(_vector(h), _vector(d), 0.0, n)


def angle_deg(a: Vector3, b: Vector3) -> float:
    """Return the angle between two directions, degrees."""
    u, v = np.asarray(a, np.float64), np.asarray(b, np.float64)
    return float(np.degrees(np.arccos(np.clip(u @ v / np.linalg.norm(u) / np.linalg.norm(v), -1, 1))))


def _named(first: F64, second: F64, od: F64) -> StainVectors:
    # A stain takes light; a direction that gives some back in a channel is noise there.
    first, second = (np.maximum(v, 0) / np.linalg.norm(np.maximum(v, 0)) for v in (first, second))
    h, d = sorted((first, second), key=_redness, reverse=True)
    _apart(h, d)
    amounts = np.linalg.lstsq(np.stack([h, d], axis=1), od.T, rcond=None)[0]
    left = od - (np.stack([h, d], axis=1) @ amounts).T
    residual = float(np.sqrt((left**2).sum(axis=1).mean()))
    return StainVectors(_vector(h), _vector(d), residual, len(od))


def _apart(h: F64, d: F64) -> None:
    angle = angle_deg(_vector(h), _vector(d))
    if angle < MIN_STAIN_ANGLE_DEG:
        raise CalibrationError(
            f"the two stains come out only {angle:.1f}° apart: the pictures show one stain only; take fields "
            "with blue nuclei and brown membranes"
        )


def _redness(vector: F64) -> float:
    """How much red a stain takes for the blue it takes, as an angle: large for blue stains."""
    return float(np.arctan2(vector[0], vector[2]))


def _vector(v: F64) -> Vector3:
    return float(v[0]), float(v[1]), float(v[2])

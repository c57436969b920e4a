"""How restless the brown around a cell is, and what contrast a faint membrane must have there.

"Faint, barely perceptible" is perceived against what lies around. A contour seeks what stands out most, so it
strings the grains of a brown cytoplasm together; where brown is both there and coarse, its grains reach the
contrast of a faint membrane, and a faint membrane must stand out more. Where hardly anything stands out, not
even the noise of the camera, a little less contrast is perceived as well.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from armicro.analysis.contour import Contours, sample
from armicro.contracts.arrays import F32, I64, U8, Bool

_PER_OD = 5000.0
"""Steps of the 8 bits that grain is measured in: 0.0002 OD. What stands out by more than 0.051 is cut off
there: a membrane must not count for more than a grain."""
_PER_BROWN_OD = 1000.0
"""Steps of the 8 bits that brown is measured in; what is denser than 0.255 OD counts as that."""
_MOST_STEPS = 80
"""Grain is counted up to this, 0.016 OD, for the same reason."""


@dataclass(frozen=True, slots=True)
class GrainParams:
    """When brown is granular or calm, and what follows.

    Parameters
    ----------
    fine_um, coarse_um : float
        Grain is what differs between means over squares of these sides, µm. The noise of cameras and of JPEG
        is finer, and whole cells are coarser.
    window_um : float
        Side of the square around a nucleus over which it is averaged, µm: the cell and its neighbours, as far
        as they are brown. A lumen beside the cell has no grain and says nothing about it.
    patch_um, patch_od : float
        A place is brown where the mean of a square of this side, µm, is above this, log10 OD.
    least_share : float
        With less than this share of the square brown, it has no grain.
    grain_from_od, grain_step_od : float
        Grain up to the first does not count; beyond, it counts in steps of the second. Log10 OD.
    brown_from_od, brown_step_od : float
        The same for the brown that the contour runs through.
    more_share, most_share : float
        One step of grain in one step of brown asks this share more of contrast; never more than `most_share`.
    calm_below_od, calm_step_od : float
        Where what stands out (counted up to 0.01 OD) is on average less than the first by the second, the
        cell's surroundings are as calm as they can be.
    less_share : float
        This share less contrast is asked there.
    """

    fine_um: float = 3.0
    coarse_um: float = 10.0
    window_um: float = 25.0
    patch_um: float = 5.0
    patch_od: float = 0.02
    least_share: float = 0.1
    grain_from_od: float = 0.006
    grain_step_od: float = 0.002
    brown_from_od: float = 0.005
    brown_step_od: float = 0.02
    more_share: float = 0.4
    most_share: float = 0.8
    calm_below_od: float = 0.0064
    calm_step_od: float = 0.0014
    less_share: float = 0.12


def grain_around(
    maps: tuple[F32, F32], nuclei_yx: F32, um_per_px: float, params: GrainParams
) -> tuple[F32, F32]:
    """Return grain and stir around each nucleus, each (N,), log10 OD; see `asked`.

    Parameters
    ----------
    maps : tuple of ndarray of float32, (h, w)
        DAB, and DAB less all of its surroundings, log10 OD.
    nuclei_yx : ndarray of float32, (N, 2)
        Nuclei, y, x in pixels of the maps.
    um_per_px : float
        Scale of the maps, µm.
    params : GrainParams
        How.
    """
    dab_od, excess_od = maps
    steps = _steps(excess_od, _PER_OD)
    brown = _brown(dab_od, um_per_px, params)
    side = _odd(params.window_um / um_per_px)
    coarse, area = _sums_around(
        np.where(brown, _grain(steps, um_per_px, params), np.uint8(0)), nuclei_yx, side
    )
    seen, _ = _sums_around(brown.view(np.uint8), nuclei_yx, side)
    stir, _ = _sums_around(np.minimum(steps, np.uint8(0.01 * _PER_OD)), nuclei_yx, side)
    grain = np.where(seen >= params.least_share * area, coarse / (np.maximum(seen, 1) * _PER_OD), 0)
    return grain.astype(np.float32), (stir / (area * _PER_OD)).astype(np.float32)


def brown_along(surround_od: F32, contours: Contours) -> F32:
    """Return the brown that contours run through, the mean of the surroundings along them: (N,), log10 OD."""
    under = np.maximum(sample(surround_od, contours), 0)
    seen = contours.length_um
    return np.asarray((under * seen).sum(axis=1) / np.maximum(seen.sum(axis=1), np.float32(1e-6)), np.float32)


def asked(grain_od: F32, brown_od: F32, stir_od: F32, params: GrainParams) -> F32:
    """Return by which factor the contrast that a faint membrane must have differs at each cell.

    Parameters
    ----------
    grain_od, brown_od, stir_od : ndarray of float32, (N,)
        Grain around each cell, brown along its contour, and what stands out around it on average (counted up
        to 0.01 OD), log10 OD.
    params : GrainParams
        How.

    Returns
    -------
    ndarray of float32, (N,)
        From `1 - less_share` to `1 + most_share`; 1 where nothing is special.
    """
    grain = np.maximum(grain_od - params.grain_from_od, 0) / params.grain_step_od
    brown = np.maximum(brown_od - params.brown_from_od, 0) / params.brown_step_od
    more = np.minimum(params.more_share * grain * brown, params.most_share)
    less = params.less_share * np.clip((params.calm_below_od - stir_od) / params.calm_step_od, 0, 1)
    return np.asarray(1 + more - less, np.float32)


def _grain(steps: U8, um_per_px: float, params: GrainParams) -> U8:
    """Return how much means over fine and over coarse squares differ, (h, w), in whole steps."""
    fine, coarse = (_odd(um / um_per_px) for um in (params.fine_um, params.coarse_um))
    rough = cv2.absdiff(cv2.blur(steps, (fine, fine)), cv2.blur(steps, (coarse, coarse)))
    return np.asarray(np.minimum(rough, np.uint8(_MOST_STEPS)), np.uint8)


def _brown(dab_od: F32, um_per_px: float, params: GrainParams) -> Bool:
    """Tell where the tissue is brown, (h, w)."""
    side = _odd(params.patch_um / um_per_px)
    # Whole steps, so that their sums are the same wherever a tile begins.
    mean = cv2.blur(_steps(dab_od, _PER_BROWN_OD), (side, side))
    return np.asarray(mean > np.uint8(round(params.patch_od * _PER_BROWN_OD)), np.bool_)


def _steps(od: F32, per_od: float) -> U8:
    """Return densities in whole steps, from 0 to 255."""
    return np.asarray(cv2.convertScaleAbs(np.maximum(od, 0), alpha=per_od), np.uint8)


def _sums_around(steps: U8, yx_px: F32, side_px: int) -> tuple[I64, I64]:
    """Return the sum of a map over the square around each point, and the square's area, each (N,).

    Sums of whole numbers: they are the same wherever a tile begins and however the field is turned.
    """
    total = cv2.integral(steps)
    h, w = steps.shape
    yx = np.clip(np.rint(yx_px).astype(np.int64), 0, (h - 1, w - 1))
    half = side_px // 2
    (y0, x0), (y1, x1) = np.maximum(yx - half, 0).T, np.minimum(yx + half + 1, (h, w)).T
    sums = total[y1, x1] - total[y0, x1] - total[y1, x0] + total[y0, x0]
    return np.asarray(sums, np.int64), (y1 - y0) * (x1 - x0)


def _odd(px: float) -> int:
    """Return the odd number of pixels nearest to a length."""
    return 2 * round((px - 1) / 2) + 1

"""How granular the brown around a cell is, and how much more contrast a faint membrane needs there.

"Faint, barely perceptible" is perceived against what lies around. A contour seeks what stands out most, so it
strings the grains of a brown cytoplasm together; where brown is both there and coarse, its grains reach the
contrast of a faint membrane. There a faint membrane must stand out more. Where there is little brown, or
where it is smooth, nothing changes: membranes themselves, and the fine noise of a camera or of JPEG, are not
taken for grain.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from armicro.analysis.contour import Contours, sample
from armicro.contracts.arrays import F32

_PER_OD = 5000.0
"""Steps of the 8 bits that grain is measured in: 0.0002 OD; what stands out by more than 0.051 is cut off."""
_MOST_STEPS = 80
"""A difference of more than this, 0.016 OD, counts as this: membranes are no grain."""


@dataclass(frozen=True, slots=True)
class GrainParams:
    """When brown is granular, and what follows.

    Parameters
    ----------
    fine_um, coarse_um : float
        Grain is what differs between means over squares of these sides, µm. Noise of cameras and JPEG is
        finer.
    window_um : float
        Side of the square around a nucleus over which it is averaged, µm: the cell and its neighbours.
    calm_od, grain_od : float
        Grain up to `calm_od` does not count; beyond it, it counts in units of `grain_od`. Log10 OD.
    pale_od, brown_od : float
        The same for the brown that the contour runs through.
    share : float
        How much more contrast is asked at one unit of both, as a share of the faint threshold.
    most : float
        It is never asked more than this share on top.
    """

    fine_um: float = 3.0
    coarse_um: float = 10.0
    window_um: float = 25.0
    calm_od: float = 0.006
    grain_od: float = 0.002
    pale_od: float = 0.015
    brown_od: float = 0.02
    share: float = 0.5
    most: float = 0.55


def grain_map(contrast_od: F32, um_per_px: float, params: GrainParams) -> F32:
    """Return how coarse the density around each pixel is, (h, w), log10 OD.

    Whole numbers throughout, so that neither tiles nor turns change a bit.

    Parameters
    ----------
    contrast_od : ndarray of float32, (h, w)
        DAB less all of its surroundings, log10 OD.
    um_per_px : float
        Scale, µm.
    params : GrainParams
        How.
    """
    steps = cv2.convertScaleAbs(np.maximum(contrast_od, 0), alpha=_PER_OD)
    fine_px, coarse_px, window_px = (
        _odd(um / um_per_px) for um in (params.fine_um, params.coarse_um, params.window_um)
    )
    rough = cv2.absdiff(cv2.blur(steps, (fine_px, fine_px)), cv2.blur(steps, (coarse_px, coarse_px)))
    rough = np.minimum(rough, np.uint8(_MOST_STEPS))
    mean = cv2.boxFilter(rough, cv2.CV_32F, (window_px, window_px))
    return np.asarray(mean, np.float32) / np.float32(_PER_OD)


def asked_more(grain_od: F32, brown_od: F32, params: GrainParams) -> F32:
    """Return by which factor a faint membrane must stand out more, (N,), from 1.

    Parameters
    ----------
    grain_od, brown_od : ndarray of float32, (N,)
        Grain around each cell, and brown along its contour, log10 OD.
    params : GrainParams
        How.
    """
    grain = np.maximum(grain_od - np.float32(params.calm_od), 0) / np.float32(params.grain_od)
    brown = np.maximum(brown_od - np.float32(params.pale_od), 0) / np.float32(params.brown_od)
    more = np.minimum(np.float32(params.share) * grain * brown, np.float32(params.most))
    return np.asarray(1 + more, np.float32)


def faint_factor(
    maps: tuple[F32, F32], nuclei_yx: F32, contours: Contours, um_per_px: float, params: GrainParams
) -> F32:
    """Return `asked_more` of each cell, (N,).

    Parameters
    ----------
    maps : tuple of ndarray of float32, (h, w)
        Contrast (DAB less all of its surroundings) and the surroundings, log10 OD.
    nuclei_yx : ndarray of float32, (N, 2)
        Nuclei, y, x in pixels of the maps.
    contours : Contours
        Their contours.
    um_per_px : float
        Scale of the maps, µm.
    params : GrainParams
        How.
    """
    contrast_od, surround_od = maps
    grain = grain_map(contrast_od, um_per_px, params)
    yx = np.clip(np.rint(nuclei_yx).astype(np.int64), 0, np.asarray(grain.shape) - 1)
    under = np.maximum(sample(surround_od, contours), 0)
    seen = contours.length_um
    brown = (under * seen).sum(axis=1) / np.maximum(seen.sum(axis=1), np.float32(1e-6))
    return asked_more(grain[yx[:, 0], yx[:, 1]], np.asarray(brown, np.float32), params)


def _odd(px: float) -> int:
    """Return the odd number of pixels nearest to a length."""
    return 2 * round((px - 1) / 2) + 1

"""Membrane signal and masks from the DAB density (the paper's section 3.2.1).

Diffuse brown (cytoplasm, nuclei, background) is not membrane, though it is dense; a membrane is a thin ridge.
The signal is therefore the DAB density less a share of what lies around it: the surroundings are a grey
opening, which keeps whatever is wider than a membrane can be and drops what is thinner.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from armicro.contracts.arrays import F32, U8
from armicro.contracts.stain import DabThresholds, StainMaps
from armicro.imaging.kernels import dilate_disc, erode_disc
from armicro.imaging.parallel import by_strips

_U8_PER_OD = 200.0
_U8_ZERO = 20.0


@dataclass(frozen=True, slots=True)
class MembraneParams:
    """How the membrane signal is made.

    Parameters
    ----------
    denoise_sigma_um : float
        Gaussian blur of the DAB density, µm.
    widest_um : float
        What is wider than this is no membrane, µm. Published widths are 0.64, 1.0 and 2.14 µm for 1+, 2+ and
        3+; two apposed 3+ membranes with their blur stay below 5 µm.
    surround_share : float
        Share of the surrounding density that is taken off, 0 (plain density) to 1 (contrast only).
    """

    denoise_sigma_um: float = 0.3
    widest_um: float = 5.0
    surround_share: float = 0.5


def denoised_dab(maps: StainMaps, params: MembraneParams) -> F32:
    """Blur the DAB density, (h, w), log10 OD."""
    sigma_px = params.denoise_sigma_um / maps.um_per_px
    return np.asarray(cv2.GaussianBlur(maps.dab_od, (0, 0), sigma_px), np.float32)


def surroundings(dab_od: F32, um_per_px: float, widest_um: float) -> F32:
    """Return the density around each pixel once everything as thin as a membrane is gone.

    A grey opening with a disc, on 8 bits (0.005 OD steps from -0.1 to 1.175), where it costs milliseconds.

    Parameters
    ----------
    dab_od : ndarray of float32, (h, w)
        Denoised DAB, log10 OD.
    um_per_px : float
        Scale, µm.
    widest_um : float
        Diameter of the disc, µm.

    Returns
    -------
    ndarray of float32, (h, w)
        log10 OD; nowhere above `dab_od` by more than a step.
    """
    radius_px = widest_um / um_per_px / 2
    od_of_step = (np.arange(256, dtype=np.float32) - np.float32(_U8_ZERO)) / np.float32(_U8_PER_OD)
    out = np.empty(dab_od.shape, np.float32)

    def strip(rows: slice, around: slice, inner: slice) -> None:
        steps = np.clip(dab_od[around] * _U8_PER_OD + _U8_ZERO, 0, 255).astype(np.uint8)
        opened = dilate_disc(erode_disc(steps, radius_px), radius_px)
        out[rows] = cv2.LUT(opened[inner], od_of_step)

    by_strips(strip, dab_od.shape, 2 * int(radius_px))
    return out


def membrane_signal(dab_od: F32, surround_od: F32, surround_share: float) -> F32:
    """Return the density that is compared with the thresholds, (h, w), log10 OD."""
    out = np.empty(dab_od.shape, np.float32)

    def strip(rows: slice, around: slice, inner: slice) -> None:  # noqa: ARG001 - needs no neighbours
        np.multiply(np.maximum(surround_od[rows], 0), np.float32(surround_share), out=out[rows])
        np.subtract(dab_od[rows], out[rows], out=out[rows])

    by_strips(strip, dab_od.shape)
    return out


def level_map(signal_od: F32, thresholds: DabThresholds) -> U8:
    """Threshold the membrane signal.

    Parameters
    ----------
    signal_od : ndarray of float32, (h, w)
        From `membrane_signal`.
    thresholds : DabThresholds
        log10 OD.

    Returns
    -------
    ndarray of uint8, (h, w)
        0 none, 1 faint, 2 weak, 3 intense. `level >= 2` is M_weak, `level >= 3` M_intense, so the one always
        contains the other.
    """
    level = (signal_od >= np.float32(thresholds.weak_od)).view(np.uint8) * np.uint8(2)
    level += (signal_od >= np.float32(thresholds.intense_od)).view(np.uint8)
    if thresholds.faint_od is not None:
        faint = (signal_od >= np.float32(thresholds.faint_od)).view(np.uint8)
        level = np.maximum(level, faint)
    return level


_LEAST_RIDGE_OD = 0.04
"""Ridges lower than this are noise and have no width."""


def ridge_width(signal_od: F32, um_per_px: float) -> F32:
    """Return the width of the membrane in each of its pixels, µm: its breadth at half its height.

    Twice the distance to the nearest pixel below half of the local maximum, widened by a pixel's neighbours,
    so that a contour that runs a pixel off the crest reads the crest.

    Parameters
    ----------
    signal_od : ndarray of float32, (h, w)
        From `membrane_signal`.
    um_per_px : float
        Scale, µm.

    Returns
    -------
    ndarray of float32, (h, w)
        µm; 0 where there is no membrane.
    """
    size = 2 * round(1.5 / um_per_px) + 1
    crest = cv2.dilate(signal_od, np.ones((size, size), np.uint8))
    ridge = ((signal_od >= crest * np.float32(0.5)) & (signal_od >= _LEAST_RIDGE_OD)).view(np.uint8)
    half_px = cv2.distanceTransform(ridge, cv2.DIST_L2, cv2.DIST_MASK_3)
    # Where a ridge fills the whole map there is no pixel outside, and the distance has no bound of its own.
    half_px = np.minimum(cv2.dilate(half_px, np.ones((3, 3), np.uint8)), max(signal_od.shape))
    # The distance runs to the centre of the first pixel outside, half a pixel too far on each side.
    return np.asarray(np.maximum(2 * half_px - 1, 0) * np.float32(um_per_px), np.float32)

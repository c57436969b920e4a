"""What the network is asked to answer: Gaussians at nuclei, and where its answer counts."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from armicro.contracts.arrays import F32, F64

_SHARPNESS = 4
"""Overlapping Gaussians are joined by a power mean of this order: nearly their maximum, but smooth."""


@dataclass(frozen=True, slots=True)
class TargetParams:
    """How points become a heat map; lengths in µm.

    Parameters
    ----------
    sigma_um : float
        Standard deviation of the Gaussian at a nucleus.
    uncertain_um : float
        Radius around an uncertain point in which nothing is taught.
    sure_um : float
        Radius around a tumour or other nucleus that is taught all the same.
    rim_um : float
        Width of the strip inside the crop's border that is not taught: a nucleus beyond the border is not
        marked, but reaches in.
    """

    sigma_um: float = 1.4
    uncertain_um: float = 3.5
    sure_um: float = 2.0
    rim_um: float = 1.5


def encode(yx: F64, shape: tuple[int, int], sigma_px: float) -> F32:
    """Draw a Gaussian of height 1 at each point.

    Parameters
    ----------
    yx : ndarray of float64, (N, 2)
        Points in pixels of the map, pixel centres at whole numbers.
    shape : (int, int)
        Height and width of the map.
    sigma_px : float
        Standard deviation.

    Returns
    -------
    ndarray of float32, (H, W)
        The map; its maxima are the points.
    """
    if not len(yx):
        return np.zeros(shape, np.float32)
    factor = -0.5 * _SHARPNESS / sigma_px**2
    # Bounded, so that no product is denormal: those are slow. Two square roots are the fourth root.
    down, across = (
        np.exp(np.maximum(factor * (np.arange(n)[None] - yx[:, k : k + 1]) ** 2, -40)).astype(np.float32)
        for k, n in enumerate(shape)
    )
    # OpenCV's product: NumPy's would start threads of its own, which wait for each other on a busy machine.
    nothing = np.zeros(shape, np.float32)
    powers = cv2.gemm(down, across, 1.0, nothing, 0.0, flags=cv2.GEMM_1_T)
    return np.asarray(np.sqrt(np.sqrt(powers)), np.float32)


def draw_discs(mask: F32, yx: F64, radius_px: float, value: float) -> None:
    """Set discs around points to a value, in place."""
    for y, x in yx:
        centre = round(float(x) * 16), round(float(y) * 16)
        cv2.circle(mask, centre, round(radius_px * 16), (value,), -1, cv2.LINE_8, 4)


def taught(corners: F64, known: F64, uncertain: F64, shape: tuple[int, int], scale: TargetScale) -> F32:
    """Return where the answer counts: 1 inside the crop and away from uncertain points, else 0.

    Parameters
    ----------
    corners : ndarray of float64, (4, 2)
        Corners y, x of the crop in pixels of the map.
    known, uncertain : ndarray of float64, (N, 2)
        Tumour and other nuclei; uncertain points.
    shape : (int, int)
        Height and width of the map.
    scale : TargetScale
        The parameters, and the scale of the map.

    Returns
    -------
    ndarray of float32, (H, W)
        The mask.
    """
    um, params = scale.um_per_px, scale.params
    mask = np.zeros(shape, np.float32)
    polygon = np.rint(corners[:, ::-1] * 16).astype(np.int32)
    cv2.fillConvexPoly(mask, polygon, (1.0,), cv2.LINE_8, 4)
    inside = mask.copy()
    draw_discs(mask, uncertain, params.uncertain_um / um, 0.0)
    draw_discs(mask, known, params.sure_um / um, 1.0)
    cv2.polylines(inside, [polygon], True, (0.0,), max(1, round(2 * params.rim_um / um)), cv2.LINE_8, 4)
    return np.asarray(cv2.min(mask, inside), np.float32)


@dataclass(frozen=True, slots=True)
class TargetScale:
    """Parameters of the targets together with the scale of the heat map, µm per heat map pixel."""

    params: TargetParams
    um_per_px: float

"""Where a point of the camera's picture lies on the eyepiece's display: a homography, fitted and judged.

Points are (N, 2) y, x as everywhere; matrices act on (x, y, 1), as OpenCV's do.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from armicro.contracts.arrays import F64, Bool
from armicro.contracts.errors import AlignmentError

MIN_POINTS = 4


@dataclass(frozen=True, slots=True)
class FitLimits:
    """What a fit must meet.

    Parameters
    ----------
    inlier_px : float
        A pair farther off than this is an outlier, display px.
    max_rms_um, max_um : float
        Greatest RMS and single residual of the pairs that count, µm in the specimen. A ring lies about 1.5 µm
        off the nucleus, so that a greater error would put it onto its neighbour's membrane.
    min_spread : float
        The points must reach over at least this share of the camera's shorter side; what lies outside them
        is extrapolated.
    max_left_out : float
        Greatest share of the pairs that may be outliers: of nine points taken at random, five agree on some
        mapping.
    min_width : float
        Width of the cloud of points relative to its length; below it they lie on a line.
    """

    inlier_px: float = 6.0
    max_rms_um: float = 2.0
    max_um: float = 5.0
    min_spread: float = 0.3
    max_left_out: float = 1 / 3
    min_width: float = 0.1


@dataclass(frozen=True, slots=True)
class HomographyFit:
    """A fit and how good it is.

    Parameters
    ----------
    matrix : ndarray of float64, (3, 3)
        Camera to display, last element 1.
    inliers : ndarray of bool, (N,)
        The pairs it rests on.
    rms_px, max_px : float
        Residual of these, display px.
    rms_um, max_um : float
        The same in the specimen.
    redundant : bool
        Whether more than four pairs count. Four are met exactly, whatever their errors: the residual then
        says nothing.
    """

    matrix: F64
    inliers: Bool
    rms_px: float
    max_px: float
    rms_um: float
    max_um: float
    redundant: bool


def fit_homography(
    camera_yx_px: npt.NDArray[Any],
    display_yx_px: npt.NDArray[Any],
    um_per_px: float,
    camera_shape_px: tuple[int, int],
    limits: FitLimits = FitLimits(),
) -> HomographyFit:
    """Fit the mapping from camera to display.

    Outliers are found by RANSAC; the rest is fitted by least squares on the display.

    Parameters
    ----------
    camera_yx_px, display_yx_px : ndarray, (N, 2)
        The same points y, x in the camera's picture and on the display.
    um_per_px : float
        Of the camera's picture.
    camera_shape_px : tuple of int
        Its height and width.
    limits : FitLimits
        What it must meet.

    Returns
    -------
    HomographyFit
        Within the limits.

    Raises
    ------
    AlignmentError
        In words: too few points, on a line, too close together, contradicting each other, or too far off.
    """
    camera = np.asarray(camera_yx_px, np.float64)
    display = np.asarray(display_yx_px, np.float64)
    if camera.shape != display.shape or camera.ndim != 2 or camera.shape[1:] != (2,):
        raise ValueError(f"pairs: expected two arrays (N, 2), got {camera.shape} and {display.shape}")
    if not (np.isfinite(camera).all() and np.isfinite(display).all()):
        raise AlignmentError("a point has no position: take it again")
    n = len(camera)
    if n < MIN_POINTS:
        raise AlignmentError(f"{n} points are too few: at least {MIN_POINTS} are needed, better 6 or more")
    _well_spread(camera, camera_shape_px, limits)
    inliers = _consensus(camera, display, limits)
    # Without one pair more than the four that any fit meets, there is no telling who is the outlier.
    if not inliers.all() and inliers.sum() <= MIN_POINTS:
        raise AlignmentError(
            f"the {n} points contradict each other by more than {limits.inlier_px:g} px: repeat the alignment"
        )
    if (~inliers).mean() > limits.max_left_out:
        raise AlignmentError(
            f"only {inliers.sum()} of {n} points agree on one mapping to {limits.inlier_px:g} px: repeat the "
            "alignment"
        )
    _well_spread(camera[inliers], camera_shape_px, limits)
    matrix = _least_squares(camera[inliers], display[inliers])
    _keeps_its_sides(matrix, camera_shape_px)
    off_px = np.linalg.norm(apply_homography(matrix, camera[inliers]) - display[inliers], axis=1)
    off_um = off_px * um_per_px / local_scale(matrix, camera[inliers])
    fit = HomographyFit(
        matrix=matrix,
        inliers=inliers,
        rms_px=_rms(off_px),
        max_px=float(off_px.max()),
        rms_um=_rms(off_um),
        max_um=float(off_um.max()),
        redundant=bool(inliers.sum() > MIN_POINTS),
    )
    if fit.rms_um > limits.max_rms_um or fit.max_um > limits.max_um:
        raise AlignmentError(
            f"the points fit to {fit.rms_um:.1f} µm (worst {fit.max_um:.1f} µm), allowed are "
            f"{limits.max_rms_um:g} µm (worst {limits.max_um:g} µm): repeat the alignment"
        )
    return fit


def apply_homography(matrix: F64, yx_px: npt.NDArray[Any]) -> F64:
    """Map points.

    Parameters
    ----------
    matrix : ndarray of float64, (3, 3)
        Acts on (x, y, 1).
    yx_px : ndarray, (..., 2)
        y, x.

    Returns
    -------
    ndarray of float64, (..., 2)
        y, x.
    """
    y, x = yx_px[..., 0].astype(np.float64), yx_px[..., 1].astype(np.float64)
    w = matrix[2, 0] * x + matrix[2, 1] * y + matrix[2, 2]
    out = np.empty((*np.shape(y), 2))
    out[..., 0] = (matrix[1, 0] * x + matrix[1, 1] * y + matrix[1, 2]) / w
    out[..., 1] = (matrix[0, 0] * x + matrix[0, 1] * y + matrix[0, 2]) / w
    return out


def local_scale(matrix: F64, yx_px: npt.NDArray[Any]) -> F64:
    """Tell how much a homography enlarges around points.

    Parameters
    ----------
    matrix : ndarray of float64, (3, 3)
        Acts on (x, y, 1).
    yx_px : ndarray, (..., 2)
        y, x.

    Returns
    -------
    ndarray of float64, (...)
        Display px per camera px: the square root of how areas grow.
    """
    w = matrix[2, 0] * yx_px[..., 1] + matrix[2, 1] * yx_px[..., 0] + matrix[2, 2]
    # The determinant of a homography's Jacobian is that of its matrix over w cubed.
    scale: F64 = np.sqrt(np.abs(np.linalg.det(matrix) / w**3))
    return scale


def inverse(matrix: F64) -> F64:
    """Return the mapping back, scaled so that its last element is 1."""
    back = np.linalg.inv(matrix)
    scaled: F64 = np.asarray(back / back[2, 2], np.float64)
    return scaled


def _rms(values: F64) -> float:
    return float(np.sqrt(np.mean(values**2)))


def _well_spread(yx: F64, shape_px: tuple[int, int], limits: FitLimits) -> None:
    """Refuse points that do not determine a mapping of the whole picture."""
    reach = float(np.ptp(yx, axis=0).max())
    wanted = limits.min_spread * min(shape_px)
    if reach < wanted:
        raise AlignmentError(
            f"the points lie too close together ({reach:.0f} px, at least {wanted:.0f} px are needed): "
            "choose them near the rim of the field"
        )
    # Four points in general position are needed, and there are such exactly when no line holds all but one.
    for left_out in range(len(yx)):
        rest = np.delete(yx, left_out, axis=0)
        length, width = np.linalg.svd(rest - rest.mean(axis=0), compute_uv=False)[:2]
        if width < limits.min_width * length:
            raise AlignmentError("the points lie on a line: choose them all around the field")


def _consensus(camera: F64, display: F64, limits: FitLimits) -> Bool:
    """Find the pairs that agree on one mapping, (N,); those a second look at the fit takes in count too."""
    found, mask = cv2.findHomography(
        camera[:, ::-1].copy(), display[:, ::-1].copy(), cv2.RANSAC, limits.inlier_px, None, 5000, 0.9999
    )
    # The stubs do not say that nothing may be found.
    if found is None or mask.sum() < MIN_POINTS:  # type: ignore[redundant-expr]
        raise AlignmentError("the points fit no mapping at all: repeat the alignment")
    inliers: Bool = mask.ravel().astype(bool)
    again = _least_squares(camera[inliers], display[inliers])
    close: Bool = np.linalg.norm(apply_homography(again, camera) - display, axis=1) <= limits.inlier_px
    return close if close.sum() >= inliers.sum() else inliers


def _least_squares(camera: F64, display: F64) -> F64:
    found, _ = cv2.findHomography(camera[:, ::-1].copy(), display[:, ::-1].copy(), 0)
    if found is None or not np.isfinite(found).all():  # type: ignore[redundant-expr]
        raise AlignmentError("the points fit no mapping at all: repeat the alignment")
    matrix: F64 = np.asarray(found, np.float64)
    scaled: F64 = np.asarray(matrix / matrix[2, 2], np.float64)
    return scaled


def _keeps_its_sides(matrix: F64, shape_px: tuple[int, int]) -> None:
    """Refuse a mapping that folds the picture or bends it as no optics does."""
    height, width = shape_px
    corners = np.array([[0, 0], [0, width - 1], [height - 1, width - 1], [height - 1, 0]], np.float64)
    w = corners[:, 1] * matrix[2, 0] + corners[:, 0] * matrix[2, 1] + matrix[2, 2]
    if (w <= 0.1).any():
        raise AlignmentError("the mapping folds the picture: a point was mistaken for another, repeat")
    scale = local_scale(matrix, corners)
    if scale.max() > 2 * scale.min():
        raise AlignmentError(
            "the mapping is twice as large on one side as on the other: a point was mistaken, repeat"
        )

"""Empty glass: the white point, the evenness of the light, and dust.

The light over a field is smooth, so a polynomial in y and x (each from -1 to 1) describes it: it has no
noise of its own, passes over dust, and fits into a few lines of a text file.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import cv2
import numpy as np
from scipy import ndimage

from armicro.contracts.arrays import F32, F64, U8, Bool
from armicro.contracts.errors import CalibrationError
from armicro.contracts.stain import Vector3

DEGREES = (2, 4, 6, 8)
_GRID = 96
"""Cells along the longer side that the light is fitted on: their means have next to no noise."""


@dataclass(frozen=True, slots=True)
class GlassLimits:
    """What frames of empty glass must meet.

    Parameters
    ----------
    least_frames : int
        Fewer leave too much noise.
    darkest_grey, brightest_grey : float
        Bounds of the mean of a channel, grey levels of 255: below, densities get coarse; above, the camera
        clips.
    clipped_share : float
        Greatest share of pixels at 254 or 255.
    flicker : float
        Greatest difference of a frame's mean from that of all, as a share.
    spots_share : float
        Greatest share of the area that dust may cover; more is tissue or dirt.
    spot_contrast : float
        From this difference from the light on, as a share, a place is a spot.
    uneven_after : float
        What correction may leave, 98 % range over the mean.
    uneven_before : float
        Light that falls off by more cannot be corrected without loss.
    """

    least_frames: int = 4
    darkest_grey: float = 120.0
    brightest_grey: float = 250.0
    clipped_share: float = 0.001
    flicker: float = 0.01
    spots_share: float = 0.02
    spot_contrast: float = 0.03
    uneven_after: float = 0.01
    uneven_before: float = 0.5


@dataclass(frozen=True, slots=True)
class Dust:
    """Spots in the picture of empty glass, the largest first.

    Parameters
    ----------
    yx_px : ndarray of float64, (N, 2)
        Centres.
    radius_px : ndarray of float64, (N,)
        Of a disc of the same area.
    contrast : ndarray of float64, (N,)
        Mean grey over that of the light, less 1; below 0 for what is dark.
    """

    yx_px: F64
    radius_px: F64
    contrast: F64


@dataclass(frozen=True, slots=True)
class FlatField:
    """The light over a field.

    Parameters
    ----------
    shape_px : (int, int)
        Height and width of the camera's picture, px.
    white_rgb : tuple of 3 floats
        Grey value of empty glass where the light is brightest: that of all glass after correction.
    degree : int
        Of the polynomial.
    light : ndarray of float64, (3, T)
        Per channel the coefficients of the light over its brightest value, in the order of `terms`.
    """

    shape_px: tuple[int, int]
    white_rgb: Vector3
    degree: int
    light: F64


@dataclass(frozen=True, slots=True)
class GlassMeasured:
    """What frames of empty glass tell.

    Parameters
    ----------
    flat : FlatField
        The light and the white point.
    dust : Dust
        Spots; they are recorded, not corrected.
    frames : int
        How many were averaged.
    uneven_before, uneven_after : float
        98 % range of the glass over its mean, the worst channel.
    """

    flat: FlatField
    dust: Dust
    frames: int
    uneven_before: float
    uneven_after: float


def terms(y: F64, x: F64, degree: int) -> F64:
    """Return the polynomial's terms (T, ...) at places -1 to 1: x^j y^i by rising degree, then rising i."""
    return np.stack([y**i * x**j for i, j in _exponents(degree)])


def measure_glass(frames: Iterable[U8], limits: GlassLimits = GlassLimits()) -> GlassMeasured:
    """Average frames of empty glass and describe the light.

    Parameters
    ----------
    frames : iterable of ndarray of uint8, (H, W, 3)
        One after the other; not kept.
    limits : GlassLimits
        What they must meet.

    Returns
    -------
    GlassMeasured
        Within the limits.

    Raises
    ------
    CalibrationError
        In words: too few, of different size, clipped, dark, flickering, not empty, or not correctable.
    """
    mean, count = _mean(frames, limits)
    shape = (mean.shape[0], mean.shape[1])
    cells = cell_means(mean)
    light, degree, kept = _fit(cells, limits)
    peak = light_at(light, degree, cells.shape).reshape(-1, 3).max(axis=0)
    white = (float(peak[0]), float(peak[1]), float(peak[2]))
    flat = FlatField(shape, white, degree, light / peak[:, None])
    before = unevenness(cells, kept)
    after = unevenness(cells / light_at(flat.light, degree, cells.shape), kept)
    if before > limits.uneven_before:
        raise CalibrationError(
            f"the light differs by {before:.0%} over the field, at most {limits.uneven_before:.0%} can be "
            "corrected: centre the condenser and open the field diaphragm"
        )
    if after > limits.uneven_after:
        raise CalibrationError(
            f"the glass still differs by {after:.1%} after correction, allowed is {limits.uneven_after:.0%}: "
            "clean the slide and open the field diaphragm beyond the picture"
        )
    return GlassMeasured(flat, _dust(mean, flat, limits), count, before, after)


def gain_map(flat: FlatField) -> F32:
    """Return what a picture is multiplied by, (H, W, 3), at least 1 but for rounding."""
    return (1 / light_at(flat.light, flat.degree, flat.shape_px)).astype(np.float32)


def flatten(rgb: U8, gain: F32) -> U8:
    """Correct a picture for uneven light.

    Parameters
    ----------
    rgb : ndarray of uint8, (H, W, 3)
        As the camera gave it.
    gain : ndarray of float32, (H, W, 3)
        From `gain_map`.

    Returns
    -------
    ndarray of uint8, (H, W, 3)
        With glass at the white point everywhere; 0 stays 0 and what exceeds 255 is 255.

    Raises
    ------
    CalibrationError
        If the shapes differ: the calibration is another camera's or mode's.
    """
    require_shape(rgb, gain.shape[:2])
    return np.asarray(cv2.multiply(rgb, gain, dtype=cv2.CV_8U), np.uint8)


def require_shape(rgb: U8, shape_px: tuple[int, ...]) -> None:
    """Refuse a picture of another size than the flat field's.

    Raises
    ------
    CalibrationError
        With both sizes.
    """
    if rgb.shape[:2] != shape_px:
        raise CalibrationError(
            f"the picture has {rgb.shape[1]} × {rgb.shape[0]} px, the flat field {shape_px[1]} × "
            f"{shape_px[0]}: calibrate this camera mode"
        )


def unevenness(cells: F64, kept: Bool) -> float:
    """Return the 98 % range of the cells that are kept over their mean, of the worst channel."""
    values = cells[kept]
    low, high = np.quantile(values, [0.01, 0.99], axis=0)
    return float(((high - low) / values.mean(axis=0)).max())


def _mean(frames: Iterable[U8], limits: GlassLimits) -> tuple[F32, int]:
    total: F32 | None = None
    means: list[F64] = []
    for rgb in frames:
        require_unclipped(rgb, limits)
        if total is None:
            total = np.zeros(rgb.shape, np.float32)
        elif total.shape != rgb.shape:
            raise CalibrationError(
                f"frame {len(means) + 1} has {rgb.shape[1]} × {rgb.shape[0]} px, the first "
                f"{total.shape[1]} × {total.shape[0]}: take all in one mode of the camera"
            )
        cv2.accumulate(rgb, total)
        means.append(np.asarray(cv2.mean(rgb)[:3], np.float64))
    if total is None or len(means) < limits.least_frames:
        raise CalibrationError(
            f"{len(means)} frames of empty glass are too few: at least {limits.least_frames}, better 16"
        )
    middle = np.mean(means, axis=0)
    flicker = float(np.abs(np.array(means) / middle - 1).max())
    if flicker > limits.flicker:
        raise CalibrationError(
            f"the light changed by {flicker:.1%} between the frames, allowed is {limits.flicker:.0%}: let "
            "the lamp warm up and switch automatic exposure and white balance off"
        )
    return total / np.float32(len(means)), len(means)


def require_unclipped(rgb: U8, limits: GlassLimits) -> None:
    """Refuse a picture that is clipped or too dark to be glass.

    Raises
    ------
    CalibrationError
        With the share of clipped pixels, or the mean.
    """
    clipped = float((rgb >= 254).any(axis=2).mean())
    if clipped > limits.clipped_share:
        raise CalibrationError(
            f"{clipped:.1%} of the picture is clipped (overexposed): lower the exposure until glass is at "
            "about 230"
        )
    mean = cv2.mean(rgb)[:3]
    if min(mean) < limits.darkest_grey or max(mean) > limits.brightest_grey:
        raise CalibrationError(
            f"the picture's mean is {min(mean):.0f} to {max(mean):.0f} by channel, glass should be at "
            f"{limits.darkest_grey:.0f} to {limits.brightest_grey:.0f}: set the exposure and take empty glass"
        )


def cell_means(mean: F32) -> F64:
    """Reduce a picture to means of about square cells, `_GRID` along the longer side."""
    height, width = mean.shape[:2]
    step = max(1, -(-max(height, width) // _GRID))
    size = (max(1, width // step), max(1, height // step))
    return np.asarray(cv2.resize(mean, size, interpolation=cv2.INTER_AREA), np.float64)


def _places(shape: tuple[int, ...]) -> tuple[F64, F64]:
    """Return y and x of the cells' centres, -1 to 1 from edge to edge."""
    y, x = ((np.arange(n) + 0.5) / n * 2 - 1 for n in shape[:2])
    grid_y, grid_x = np.meshgrid(y, x, indexing="ij")
    return grid_y, grid_x


def light_at(light: F64, degree: int, shape: tuple[int, ...]) -> F64:
    """Return the light (H, W, 3) at the cells' centres; the powers of y and x are multiplied once each."""
    y, x = ((np.arange(n) + 0.5) / n * 2 - 1 for n in shape[:2])
    powers_y, powers_x = (np.vander(v, degree + 1, increasing=True) for v in (y, x))
    out = np.empty((len(y), len(x), 3))
    for channel in range(3):
        table = np.zeros((degree + 1, degree + 1))
        for (i, j), value in zip(_exponents(degree), light[channel], strict=True):
            table[i, j] = value
        out[..., channel] = powers_y @ table @ powers_x.T
    return out


def _exponents(degree: int) -> list[tuple[int, int]]:
    return [(i, d - i) for d in range(degree + 1) for i in range(d + 1)]


def _fit(cells: F64, limits: GlassLimits) -> tuple[F64, int, Bool]:
    """Fit the light with the lowest degree that is about as good as the highest.

    Returns
    -------
    light, degree, kept
        Coefficients in grey levels, (3, T), and the cells (h, w) without spots.
    """
    fits = [_fit_degree(cells, degree, limits) for degree in DEGREES]
    spots = min(1 - float(kept.mean()) for _, kept, _ in fits)
    if spots > limits.spots_share:
        raise CalibrationError(
            f"{spots:.0%} of the picture is not smooth, at most {limits.spots_share:.0%} may be: this is not "
            "empty glass, move to a place without tissue, ink or the slip's edge"
        )
    enough = 1.1 * min(uneven for _, _, uneven in fits)
    for degree, (light, kept, uneven) in zip(DEGREES, fits, strict=True):
        if uneven <= enough:
            return light, degree, kept
    raise AssertionError("the best of the fits is always good enough")


def _fit_degree(cells: F64, degree: int, limits: GlassLimits) -> tuple[F64, Bool, float]:
    """Fit one degree, leaving out cells with spots step by step; also what remains uneven."""
    kept: Bool = np.ones(cells.shape[:2], np.bool_)
    design = terms(*_places(cells.shape), degree).reshape(-1, kept.size).T
    light, ratio, again = np.zeros((3, design.shape[1])), np.zeros_like(cells), kept
    for _ in range(6):
        use = kept.ravel()
        solved = np.linalg.lstsq(design[use], cells.reshape(-1, 3)[use], rcond=None)[0]
        light = np.asarray(solved.T, np.float64)
        ratio = cells / np.maximum(light_at(light, degree, cells.shape), 1)
        again = np.asarray((np.abs(ratio - 1) <= limits.spot_contrast / 2).all(axis=2), np.bool_)
        if (again == kept).all() or again.mean() < 0.5:
            break
        kept = again
    return light, again, unevenness(ratio, again) if again.any() else np.inf


def _dust(mean: F32, flat: FlatField, limits: GlassLimits, most: int = 100) -> Dust:
    """Find spots in the mean frame, at half resolution or what leaves about 1500 px."""
    step = max(1, round(max(flat.shape_px) / 1500))
    small = cv2.resize(mean, None, fx=1 / step, fy=1 / step, interpolation=cv2.INTER_AREA)
    small = cv2.GaussianBlur(small, (0, 0), 1.5)
    light = light_at(flat.light, flat.degree, small.shape) * np.asarray(flat.white_rgb)
    ratio = (small / light - 1).mean(axis=2)
    label, n = ndimage.label(np.abs(ratio) > limits.spot_contrast)
    index = np.arange(1, n + 1)
    area = np.bincount(label.ravel(), minlength=n + 1)[1:]
    order = np.argsort(-area, kind="stable")[:most]
    if n == 0:
        return Dust(np.empty((0, 2)), np.empty(0), np.empty(0))
    centre = (np.array(ndimage.center_of_mass(np.abs(ratio), label, index)) + 0.5) * step - 0.5
    contrast = np.asarray(ndimage.mean(ratio, label, index), np.float64)
    radius = np.sqrt(area / np.pi) * step
    return Dust(centre[order], radius[order], contrast[order])

"""The rulings of a stage micrometer: their direction and period, to subpixels.

The direction is the one along which sums over the picture show the lines best. Then the turned picture is cut
into strips across the lines, each line is found in each strip, and one model is fitted to all of them:
position = start + number × period + slope × strip. Short strokes are there in some strips only, and missing
ones leave gaps in the numbers; neither harms.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np
from scipy.signal import find_peaks

from armicro.contracts.arrays import F32, F64, I64, U8, Bool
from armicro.contracts.errors import CalibrationError

_STRIPS = 24


@dataclass(frozen=True, slots=True)
class RulingLimits:
    """What a picture of rulings must meet.

    Parameters
    ----------
    most_tilt_deg : float
        Greatest angle between the lines and an edge of the picture.
    least_lines : int
        Fewer do not make a scale.
    least_contrast : float
        Darkness of the lines in the sum over a strip, as a share of the light.
    least_agreeing : float
        Share of the lines found that must fit one period; tissue gives 0.3 by chance.
    most_residual : float
        RMS distance of these from it, in periods.
    least_period_px : float
        Closer lines run into each other.
    """

    most_tilt_deg: float = 20.0
    least_lines: int = 5
    least_contrast: float = 0.02
    least_agreeing: float = 0.8
    most_residual: float = 0.06
    least_period_px: float = 6.0


@dataclass(frozen=True, slots=True)
class Rulings:
    """Rulings as measured.

    Parameters
    ----------
    period_px : float
        Distance of neighbouring lines, at right angles to them.
    standard_error_px : float
        Of the period, from how the lines scatter around the model.
    tilt_deg : float
        Of the lines from the nearest edge of the picture.
    upright : bool
        Whether the lines run up and down, so that the period is measured along x.
    lines : int
        How many different lines were found.
    residual_px : float
        RMS distance of the lines from the model.
    """

    period_px: float
    standard_error_px: float
    tilt_deg: float
    upright: bool
    lines: int
    residual_px: float


def measure_rulings(rgb: U8, limits: RulingLimits = RulingLimits()) -> Rulings:
    """Find the period of the rulings in a picture of a stage micrometer.

    Parameters
    ----------
    rgb : ndarray of uint8, (H, W, 3)
        Dark lines on light ground, or the other way round.
    limits : RulingLimits
        What it must meet.

    Returns
    -------
    Rulings
        Within the limits.

    Raises
    ------
    CalibrationError
        In words, if there are no rulings, too few, too fine or too tilted.
    """
    grey = _levelled(rgb)
    coarse, upright = _direction(grey, limits)
    picture = grey if upright else np.ascontiguousarray(grey.T)
    tilt_deg = coarse if upright else -coarse
    position, strip = _lines(_turned(picture, tilt_deg), limits)
    number, slope, kept = _model(position, strip, limits)
    # One error per line, not per strip of it: its strips share the ruling machine's error.
    tall = strip - strip.mean()
    square = position - slope * tall
    numbers = np.unique(number[kept])
    if len(numbers) < limits.least_lines:
        raise CalibrationError(
            f"only {len(numbers)} lines were found, at least {limits.least_lines} are needed: use a weaker "
            "objective or a finer stage micrometer"
        )
    means = np.array([square[kept & (number == k)].mean() for k in numbers])
    centred = numbers - numbers.mean()
    fitted = float((centred * means).sum() / (centred**2).sum())
    off = means - means.mean() - fitted * centred
    residual = float(np.sqrt((off**2).mean()))
    scatter = np.sqrt((off**2).sum() / (len(numbers) - 2))
    across = float(np.cos(np.arctan(slope)))
    return Rulings(
        period_px=fitted * across,
        standard_error_px=float(scatter / np.sqrt((centred**2).sum())) * across,
        tilt_deg=float(tilt_deg + np.degrees(np.arctan(slope))) * (1 if upright else -1),
        upright=upright,
        lines=len(numbers),
        residual_px=residual,
    )


def _levelled(rgb: U8) -> F32:
    """Return darkness as a share of the light around, so that lines stand above an even ground."""
    grey = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY).astype(np.float32)
    step = max(1, min(grey.shape) // 128)
    small = cv2.resize(grey, None, fx=1 / step, fy=1 / step, interpolation=cv2.INTER_AREA)
    light = cv2.GaussianBlur(small, (0, 0), 24)
    light = cv2.resize(light, (grey.shape[1], grey.shape[0]), interpolation=cv2.INTER_LINEAR)
    share = 1 - grey / np.maximum(light, 1)
    # Lines are the rarer side: turn them up.
    skew = float(((share - share.mean()) ** 3).mean())
    return np.asarray(share if skew >= 0 else -share, np.float32)


def _turned(picture: F32, tilt_deg: float) -> F32:
    """Turn a picture so that lines tilted by `tilt_deg` stand upright; what comes from outside is NaN."""
    height, width = picture.shape
    turn = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), -tilt_deg, 1.0)
    turned = cv2.warpAffine(
        picture,
        turn,
        (width, height),
        flags=cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=np.nan,
    )
    return np.asarray(turned, np.float32)


def _direction(grey: F32, limits: RulingLimits) -> tuple[float, bool]:
    """Find the tilt from an edge of the picture, degrees, and whether the lines run up and down."""
    step = max(1, min(grey.shape) // 500)
    small = cv2.resize(grey, None, fx=1 / step, fy=1 / step, interpolation=cv2.INTER_AREA)
    best = (-1.0, 0.0, True)
    reach = limits.most_tilt_deg + 2
    for upright in (True, False):
        picture = np.asarray(small if upright else np.ascontiguousarray(small.T), np.float32)
        sign = 1 if upright else -1
        angles = np.arange(-reach, reach + 0.1, 0.5)
        for spacing in (0.5, 0.1):
            shown = [_showing(picture, float(a)) for a in angles]
            top = float(angles[int(np.argmax(shown))])
            best = max(best, (max(shown), sign * top, upright))
            angles = np.arange(top - spacing, top + spacing, spacing / 5)
    _, tilt, upright = best
    if abs(tilt) > limits.most_tilt_deg + 0.5:
        raise CalibrationError(
            f"no rulings within {limits.most_tilt_deg:g}° of the picture's edges: turn the stage micrometer"
        )
    return tilt, upright


def _showing(picture: F32, angle_deg: float) -> float:
    """Tell how well the sums over the columns of the turned middle vary, apart from slow changes."""
    height, width = picture.shape
    turned = _turned(picture, angle_deg)[height // 6 : -(height // 6), width // 6 : -(width // 6)]
    profile = np.nan_to_num(turned).mean(axis=0)
    return float(np.diff(profile).std())


def _lines(turned: F32, limits: RulingLimits) -> tuple[F64, F64]:
    """Find the lines in each strip: position along x and middle of the strip along y, px, (N,) each."""
    height = turned.shape[0]
    edges = np.linspace(0, height, _STRIPS + 1).astype(int)
    profiles: list[tuple[float, F64]] = []
    for top, bottom in pairwise(edges):
        whole = np.flatnonzero(~np.isnan(turned[top:bottom]).any(axis=0))
        if len(whole) > 8 * limits.least_period_px:
            profile = np.full(turned.shape[1], np.nan)
            profile[whole] = turned[top:bottom, whole].mean(axis=0)
            profiles.append(((top + bottom - 1) / 2, profile))
    if not profiles:
        raise CalibrationError("the picture is too small to find rulings in")
    heights = np.concatenate([_peaks(p, limits.least_contrast, limits)[1] for _, p in profiles])
    if len(heights) < limits.least_lines:
        raise CalibrationError("no rulings are to be seen: focus on the lines of the stage micrometer")
    # Lines of one micrometer are about equally dark; what is far weaker is dirt or noise.
    least = max(limits.least_contrast, 0.4 * float(np.quantile(heights, 0.75)))
    position, strip = [], []
    for middle, profile in profiles:
        at, _ = _peaks(profile, least, limits)
        position.append(at)
        strip.append(np.full(len(at), middle))
    return np.concatenate(position), np.concatenate(strip)


def _peaks(profile: F64, least: float, limits: RulingLimits) -> tuple[F64, F64]:
    """Return positions, to subpixels, and prominences of the peaks of a profile; cut ones are left out."""
    valid = np.flatnonzero(~np.isnan(profile))
    first, values = int(valid[0]), profile[valid[0] : valid[-1] + 1]
    smooth = cv2.GaussianBlur(np.ascontiguousarray(values)[None], (0, 0), 0.8)[0]
    found, told = find_peaks(smooth, prominence=least, distance=max(1, int(limits.least_period_px / 2)))
    at, prominence = [], []
    for peak, height, left, right in zip(
        found, told["prominences"], told["left_bases"], told["right_bases"], strict=True
    ):
        # The centre of what stands above half height: the middle of a broad line, whatever its edges do.
        floor = smooth[peak] - height / 2
        a = int(peak)
        while a > left and smooth[a - 1] > floor:
            a -= 1
        b = int(peak)
        while b < right and smooth[b + 1] > floor:
            b += 1
        if a < 2 or b > len(smooth) - 3:
            continue
        weight = smooth[a : b + 1] - floor
        at.append(first + float((np.arange(a, b + 1) * weight).sum() / weight.sum()))
        prominence.append(float(height))
    return np.array(at), np.array(prominence)


def _model(position: F64, strip: F64, limits: RulingLimits) -> tuple[I64, float, Bool]:
    """Fit one period and slope to all lines: each line's number, slope, and which of them agree."""
    period = _first_period(position, strip)
    if period < limits.least_period_px:
        raise CalibrationError(
            f"the lines are {period:.1f} px apart: too fine, use a stronger objective or a coarser micrometer"
        )
    tall = strip - strip.mean()
    slope, start = 0.0, _phase(position, period)
    number = np.zeros(len(position), np.int64)
    kept: Bool = np.zeros(len(position), np.bool_)
    # From the middle of the picture outwards, so that a first period that is a little off loses no count.
    middle, reach = float(np.median(position)), 4.0
    start += period * round((middle - start) / period)
    while True:
        place = (position - start - slope * tall) / period
        number = np.rint(place).astype(np.int64)
        near = (np.abs(number) <= reach) & (np.abs(place - number) < 0.2)
        if near.sum() < limits.least_lines:
            break
        design = np.stack([np.ones(near.sum()), number[near], tall[near]], axis=1)
        solved, _, rank, _ = np.linalg.lstsq(design, position[near], rcond=None)
        if rank < 3 or not 0.8 * period < solved[1] < 1.25 * period:
            break
        start, period, slope = (float(v) for v in solved)
        if reach > np.abs(number).max() + 1:
            kept = near
            break
        reach *= 1.5
    off = (position - start - number * period - slope * tall) / period
    agreeing = float(kept.mean())
    residual = float(np.sqrt((off[kept] ** 2).mean())) if kept.any() else 1.0
    if agreeing < limits.least_agreeing or residual > limits.most_residual:
        raise CalibrationError(
            f"no even rulings: {agreeing:.0%} of {len(position)} lines fit one spacing, "
            f"{limits.least_agreeing:.0%} are needed; photograph the stage micrometer, in focus and clean"
        )
    return number, slope, kept


def _first_period(position: F64, strip: F64) -> float:
    """Estimate the period as the median distance of neighbours in the strips with the most lines."""
    middles, count = np.unique(strip, return_counts=True)
    rich = middles[count >= 0.8 * count.max()]
    steps = np.concatenate([np.diff(np.sort(position[strip == m])) for m in rich])
    if not len(steps):
        raise CalibrationError(
            "only one line is to be seen: use a weaker objective or a finer stage micrometer"
        )
    return float(np.median(steps))


def _phase(position: F64, period: float) -> float:
    """Return where lines begin: the circular mean of the positions near the middle."""
    near = np.abs(position - np.median(position)) < 3 * period
    angle = np.angle(np.exp(2j * np.pi * position[near] / period).mean())
    return float(angle / (2 * np.pi) * period)

"""One thing in the specimen found again after the stage has moved: by its looks, to a part of a pixel."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from armicro.contracts.arrays import F32, F64, U8
from armicro.contracts.errors import AlignmentError

_CANDIDATES = 4
_REACH_PX = 3


@dataclass(frozen=True, slots=True)
class LandmarkLimits:
    """When a thing can be told from everything else.

    Parameters
    ----------
    side_px : int
        Side of the square around it that is compared; odd.
    least_contrast : float
        Least standard deviation in the square, grey levels.
    least_likeness : float
        Least correlation with what was picked, up to 1.
    least_lead : float
        How much more alike the best place has to be than any other.
    """

    side_px: int = 97
    least_contrast: float = 6.0
    least_likeness: float = 0.6
    least_lead: float = 0.05


@dataclass(frozen=True, slots=True)
class Landmark:
    """What a thing looks like: grey values (side, side), float32, with the thing in the middle."""

    grey: F32


def cut_landmark(rgb: U8, yx_px: tuple[float, float], limits: LandmarkLimits = LandmarkLimits()) -> Landmark:
    """Remember what stands at a place.

    Parameters
    ----------
    rgb : ndarray of uint8, (H, W, 3)
        The picture.
    yx_px : tuple of float
        The place y, x; taken to the whole pixel.
    limits : LandmarkLimits
        What it must meet.

    Raises
    ------
    AlignmentError
        If it is too near the picture's rim, or nothing stands out there.
    """
    half = limits.side_px // 2
    y, x = round(yx_px[0]), round(yx_px[1])
    part = rgb[max(0, y - half) : y + half + 1, max(0, x - half) : x + half + 1]
    if part.shape[:2] != (limits.side_px, limits.side_px):
        raise AlignmentError("this is too near the rim of the picture: choose something further inside")
    grey = _grey(part)
    if grey.std() < limits.least_contrast:
        raise AlignmentError("nothing stands out here: choose a dark corner, a speck or the pointer's tip")
    return Landmark(grey)


def find_landmark(rgb: U8, landmark: Landmark, limits: LandmarkLimits = LandmarkLimits()) -> F64:
    """Find a thing again.

    Coarsely by normalised correlation in the reduced picture, then in full around the best places; the peak's
    parabola gives the part of a pixel.

    Parameters
    ----------
    rgb : ndarray of uint8, (H, W, 3)
        Another picture of the same scale and turn.
    landmark : Landmark
        What it looks like.
    limits : LandmarkLimits
        What it must meet.

    Returns
    -------
    ndarray of float64, (2,)
        Where its middle is now, y, x, px.

    Raises
    ------
    AlignmentError
        If it is not in the picture, or several places look like it.
    """
    grey, patch = _grey(rgb), landmark.grey
    side = patch.shape[0]
    if min(grey.shape) < side:
        raise AlignmentError("the picture is too small to find anything in")
    step = max(1, side // 32)
    size = (grey.shape[1] // step, grey.shape[0] // step)
    small = cv2.resize(grey, size, interpolation=cv2.INTER_AREA)
    less = cv2.resize(patch, (side // step, side // step), interpolation=cv2.INTER_AREA)
    coarse = cv2.matchTemplate(small, less, cv2.TM_CCOEFF_NORMED)
    found = [_refined(grey, patch, at, step) for at in _peaks(coarse, less.shape[0] // 2)]
    found.sort(key=lambda f: -f[0])
    best, place = found[0]
    if best < limits.least_likeness:
        raise AlignmentError("it is not in the camera's picture, or not in focus: bring it back, then press")
    if len(found) > 1 and best - found[1][0] < limits.least_lead:
        raise AlignmentError("several places look like it: choose something that is there only once")
    return place


def _grey(rgb: U8) -> F32:
    return np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY), np.float32)


def _peaks(score: cv2.typing.MatLike, apart: int) -> list[tuple[int, int]]:
    """Return the places y, x of the highest peaks that are that far apart."""
    left, places = np.array(score, np.float32), []
    for _ in range(_CANDIDATES):
        y, x = np.unravel_index(int(left.argmax()), left.shape)
        if not np.isfinite(left[y, x]):
            break
        places.append((int(y), int(x)))
        left[
            max(0, int(y) - apart) : int(y) + apart + 1, max(0, int(x) - apart) : int(x) + apart + 1
        ] = -np.inf
    return places


def _refined(grey: F32, patch: F32, coarse_yx: tuple[int, int], step: int) -> tuple[float, F64]:
    """Return likeness and middle of the best place near a coarse one."""
    side, reach = patch.shape[0], step + _REACH_PX
    top, left = (max(0, c * step - reach) for c in coarse_yx)
    bottom = min(grey.shape[0], coarse_yx[0] * step + reach + side + 1)
    right = min(grey.shape[1], coarse_yx[1] * step + reach + side + 1)
    part = grey[top:bottom, left:right]
    score = np.asarray(cv2.matchTemplate(part, patch, cv2.TM_CCOEFF_NORMED), np.float32)
    y, x = (int(v) for v in np.unravel_index(int(score.argmax()), score.shape))
    off_y = _vertex(score[:, x], y)
    off_x = _vertex(score[y], x)
    middle = (side - 1) / 2
    return float(score[y, x]), np.array([top + y + off_y + middle, left + x + off_x + middle])


def _vertex(line: F32, at: int) -> float:
    """Return where the parabola through a peak and its neighbours has its top, from -0.5 to 0.5."""
    if not 0 < at < len(line) - 1:
        return 0.0
    before, peak, after = (float(v) for v in line[at - 1 : at + 2])
    bend = before - 2 * peak + after
    return float(np.clip((before - after) / (2 * bend), -0.5, 0.5)) if bend < 0 else 0.0

"""Which frame belongs to a press of the pedal. Pure.

The rule, for a press at time t, with `before` the last frame whose exposure began before t and `after` the
first whose exposure began at t or later:

1. `after` is captured: its light was collected wholly after the decision.
2. But if the scene changed between the two, the stage was already moving on: what the person looked at when
   pressing is `before`, and that is captured.
3. If there is no `before` (the press comes with the very first frame), `after`; if there is no `after` (the
   press falls into the exposure of the last frame), `before`.
4. One frame is captured once: a press that leads to the frame of an earlier press captures nothing.

In the instrument a live frame that is read already may stand in for the frame that this rule chooses, where
the scene is the same: see `armicro.session.standing_in`.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from armicro.contracts.arrays import F32, U8
from armicro.contracts.frame import Frame

_LOOK_PX = 96
_LEAST_FACTOR = 8
_LOOK_ROWS = 4
"""Scenes are compared at about `_LOOK_PX`, and reduced at least so much: camera noise averages out over the
pixels, a moved stage does not."""

MOVED = 0.25
"""From this `scene_change` on, two frames do not show the same place: about 1 µm of stage movement on tissue.
Shot noise of 5 grey levels comes to 0.06, a blur of 1 µm (sigma) to 0.2."""

_LEAST_CONTRAST = 4.0
"""Grey levels; below this a scene is empty glass, where noise must not pass for movement."""


@dataclass(frozen=True, slots=True)
class Look:
    """A frame's scene, small enough to be kept and compared often.

    Parameters
    ----------
    grey : ndarray of float32, (h, w)
        Grey levels about their mean, at about `_LOOK_PX`.
    shape : tuple of int
        Height and width of the frame, px.
    level : float
        That mean, grey levels.
    """

    grey: F32
    shape: tuple[int, int]
    level: float


def look_at(rgb: U8) -> Look:
    """Reduce a frame's pixels (H, W, 3), RGB, to what of the scene is compared."""
    height, width = rgb.shape[:2]
    factor = max(_LEAST_FACTOR, round(max(height, width) / _LOOK_PX))
    size = (max(1, width // factor), max(1, height // factor))
    # Whole blocks, and of tall ones four rows: many times faster, and a frame comes every 33 ms. Four rows
    # of a block of 16 px or more are still 64 px, over which noise averages out.
    step = max(1, factor // _LOOK_ROWS) if factor >= 2 * _LEAST_FACTOR else 1
    rows = factor // step * step
    blocks = rgb[: size[1] * rows : step, : size[0] * factor]
    small = cv2.resize(blocks, size, interpolation=cv2.INTER_AREA)
    grey = np.asarray(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY), np.float32)
    level = float(grey.mean())
    return Look(grey - np.float32(level), (height, width), level)


def change_between(a: Look, b: Look) -> float:
    """Measure how different two scenes are; see `scene_change`."""
    if a.shape != b.shape:
        return float("inf")
    x, y = a.grey, b.grey
    contrast = max(float(np.sqrt((x * x).mean() / 2 + (y * y).mean() / 2)), _LEAST_CONTRAST)
    return float(np.sqrt(((x - y) ** 2).mean())) / contrast


def scene_change(a_rgb: U8, b_rgb: U8) -> float:
    """Measure how different two frames' scenes are.

    Parameters
    ----------
    a_rgb, b_rgb : ndarray of uint8, (H, W, 3)
        The frames, RGB.

    Returns
    -------
    float
        Root mean square difference of the scenes, brightness aside, in units of their contrast: 0 for the
        same scene, about 1.4 for two unrelated ones; infinite for frames of different size.
    """
    if a_rgb.shape != b_rgb.shape:
        return float("inf")
    return change_between(look_at(a_rgb), look_at(b_rgb))


def frame_of_press(before: Frame | None, after: Frame | None) -> Frame:
    """Return the frame that a press between two frames captures.

    Parameters
    ----------
    before : Frame or None
        The last frame whose exposure began before the press.
    after : Frame or None
        The first frame whose exposure began at the press or later.

    Returns
    -------
    Frame
        One of the two, by the rule of this module.

    Raises
    ------
    ValueError
        If there is neither.
    """
    if after is None:
        if before is None:
            raise ValueError("a press needs at least one frame")
        return before
    if before is None or scene_change(before.rgb, after.rgb) < MOVED:
        return after
    return before

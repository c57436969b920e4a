"""Pictures to align by: margins and circles for the screws, numbered crosses for the measurement."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from armicro.contracts.arrays import F64, I32, U8
from armicro.overlay.eyepiece_rim import ALARM, INK, write_line
from armicro.overlay.style import Rgb

_GAP_PX = 7
_ARM_PX = 34
_MARGINS_PX = (8, 40)
_CIRCLE_STEPS = (0.25, 0.5, 0.75, 1.0)
_FAINT: Rgb = (0, 110, 0)
_CYAN: Rgb = (0, 255, 255)


@dataclass(frozen=True, slots=True)
class TargetCircle:
    """A circle on the display: what is taken for the rim of the eyepiece's field.

    Parameters
    ----------
    yx_px : tuple of float
        Centre y, x, display px.
    radius_px : float
        Its radius, display px.
    """

    yx_px: tuple[float, float]
    radius_px: float


def draw_rings(shape_px: tuple[int, int], circle: TargetCircle, words: str) -> U8:
    """Draw two margins of the display and concentric circles, the outermost where the field is taken to end.

    Parameters
    ----------
    shape_px : tuple of int
        Height and width of the display.
    circle : TargetCircle
        The outermost circle.
    words : str
        What to do, written below the centre.

    Returns
    -------
    ndarray of uint8, (H, W, 3)
        RGB on black.
    """
    canvas: U8 = np.zeros((*shape_px, 3), np.uint8)
    height, width = shape_px
    for margin in _MARGINS_PX:
        last = (width - 1 - margin, height - 1 - margin)
        cv2.rectangle(canvas, (margin, margin), last, _CYAN, 2)
    (y, x), radius = circle.yx_px, circle.radius_px
    for step in _CIRCLE_STEPS:
        colour, thick = (INK, 3) if step == 1.0 else (INK, 1)
        # Sixteenths of a pixel: nudging by half a pixel is then seen.
        centre = (round(x * 16), round(y * 16))
        cv2.circle(canvas, centre, round(radius * step * 16), colour, thick, cv2.LINE_AA, 4)
    _cross(canvas, (y, x), INK)
    write_line(canvas, words, (y + 0.36 * radius, x), 20, INK)
    return canvas


def draw_cross(
    shape_px: tuple[int, int],
    points_yx_px: F64,
    current: int,
    circle: TargetCircle,
    words: str,
    *,
    alarm: bool = False,
) -> U8:
    """Draw one numbered cross to bring a feature to; points that are done or still to come are dots.

    Parameters
    ----------
    shape_px : tuple of int
        Height and width of the display.
    points_yx_px : ndarray of float64, (N, 2)
        All points y, x, display px.
    current : int
        Which is shown as a cross.
    circle : TargetCircle
        The visible circle.
    words : str
        What to do, or what went wrong.
    alarm : bool
        Whether the words tell what went wrong.

    Returns
    -------
    ndarray of uint8, (H, W, 3)
        RGB on black.
    """
    canvas: U8 = np.zeros((*shape_px, 3), np.uint8)
    for i, (y, x) in enumerate(points_yx_px):
        if i != current:
            colour = INK if i < current else _FAINT
            cv2.circle(canvas, (round(x), round(y)), 3, colour, -1 if i < current else 1, cv2.LINE_AA)
    at = (float(points_yx_px[current][0]), float(points_yx_px[current][1]))
    _cross(canvas, at, INK)
    write_line(canvas, str(current + 1), (at[0] - _ARM_PX + 6, at[1] + _ARM_PX - 2), 22, INK)
    _words_away_from(canvas, at[0], circle, [words], ALARM if alarm else INK)
    return canvas


def draw_result(
    shape_px: tuple[int, int],
    found: F64,
    wanted: F64,
    circle: TargetCircle,
    words: Sequence[str],
    *,
    good: bool,
) -> U8:
    """Draw where the fit puts the points, beside where they were shown.

    Parameters
    ----------
    shape_px : tuple of int
        Height and width of the display.
    found, wanted : ndarray of float64, (N, 2)
        Where each point comes to lie, and where its cross stood, y, x in display px; found may be empty.
    circle : TargetCircle
        The visible circle.
    words : sequence of str
        The verdict, a line each.
    good : bool
        Whether it may be accepted.

    Returns
    -------
    ndarray of uint8, (H, W, 3)
        RGB on black; errors are drawn ten times as long as they are.
    """
    canvas: U8 = np.zeros((*shape_px, 3), np.uint8)
    for i, (y, x) in enumerate(wanted):
        cv2.circle(canvas, (round(x), round(y)), 9, INK, 1, cv2.LINE_AA)
        if i < len(found):
            far = wanted[i] + 10 * (found[i] - wanted[i])
            line: I32 = np.rint(np.array([[x, y], far[::-1]]) * 16).astype(np.int32)
            cv2.line(canvas, line[0].tolist(), line[1].tolist(), _CYAN, 2, cv2.LINE_AA, 4)
    _words_away_from(canvas, shape_px[0], circle, words, INK if good else ALARM)
    return canvas


def _cross(canvas: U8, yx: tuple[float, float], colour: Rgb) -> None:
    """Draw a cross that is open in its middle, where the feature has to be seen."""
    y, x = yx
    for dy, dx in ((0, 1), (0, -1), (1, 0), (-1, 0)):
        near = (round((x + dx * _GAP_PX) * 16), round((y + dy * _GAP_PX) * 16))
        far = (round((x + dx * _ARM_PX) * 16), round((y + dy * _ARM_PX) * 16))
        cv2.line(canvas, near, far, colour, 2, cv2.LINE_AA, 4)


def _words_away_from(
    canvas: U8, y_px: float, circle: TargetCircle, words: Sequence[str], colour: Rgb
) -> None:
    """Write lines in the half of the field that the cross does not stand in."""
    (y, x), radius = circle.yx_px, circle.radius_px
    first = y - 0.4 * radius if y_px >= y else y + 0.4 * radius
    for i, line in enumerate(words):
        write_line(canvas, line, (first + i * 34, x), 20, colour)

"""What the view shows of a field: its colours, or one stain alone, at several sizes."""

from __future__ import annotations

from dataclasses import replace
from enum import StrEnum

import cv2
import numpy as np

from armicro.app.profiles import load_stain_profile
from armicro.contracts.arrays import F64, U8
from armicro.contracts.stain import StainProfile, Vector3
from armicro.imaging.stain import optical_density, stain_matrix, unmix

_STRIP = 256
"""Rows that are separated at a time: a large field's densities would not fit beside its pixels."""
_SMALLEST = 512
_STEPS_PER_OD = 128.0


class Look(StrEnum):
    """What is shown."""

    RGB = "RGB"
    HAEMATOXYLIN = "haematoxylin"
    DAB = "DAB"


_GAIN = {Look.HAEMATOXYLIN: 1.6, Look.DAB: 1.2}
"""Stains alone are shown denser than they are: pale chromatin is what a reader looks for here."""


def _ink(vector: F64, gain: float) -> U8:
    """Return the colour (256, 3) of each step of density of one stain on white paper."""
    density = np.arange(256)[:, None] / _STEPS_PER_OD * gain
    return np.rint(255.0 * 10.0 ** -(density * np.maximum(vector, 0.0)[None, :])).astype(np.uint8)


def stain_picture(rgb: U8, white_rgb: Vector3, look: Look, profile: StainProfile | None = None) -> U8:
    """Show one stain alone, in its own colour on white.

    Parameters
    ----------
    rgb : ndarray of uint8, (H, W, 3)
        The field.
    white_rgb : tuple of 3 floats
        Grey value of its empty glass.
    look : Look
        Which stain; RGB returns the field itself.
    profile : StainProfile or None
        Stain vectors; None takes the shipped default.

    Returns
    -------
    ndarray of uint8, (H, W, 3)
        RGB.
    """
    if look is Look.RGB:
        return rgb
    profile = replace(profile or load_stain_profile(), white_rgb=white_rgb)
    matrix = stain_matrix(profile.haematoxylin_rgb_od, profile.dab_rgb_od)
    index = 0 if look is Look.HAEMATOXYLIN else 1
    ink = _ink(matrix[index], _GAIN[look])
    out = np.empty_like(rgb)
    for top in range(0, len(rgb), _STRIP):
        strip = np.ascontiguousarray(rgb[top : top + _STRIP])
        amount = unmix(optical_density(strip, white_rgb), matrix)[..., index]
        steps = np.clip(amount * np.float32(_STEPS_PER_OD), 0, 255).astype(np.uint8)
        out[top : top + _STRIP] = ink[steps]
    return out


def pyramid(rgb: U8) -> tuple[U8, ...]:
    """Return a picture and its halves, until one is small; level k is reduced by 2 ** k along each axis."""
    levels = [np.ascontiguousarray(rgb)]
    while min(levels[-1].shape[:2]) > 2 * _SMALLEST:
        h, w = levels[-1].shape[:2]
        # Whole halves only, so that a pixel of level k is exactly 2 ** k pixels of the field.
        even = levels[-1][: h // 2 * 2, : w // 2 * 2]
        levels.append(np.asarray(cv2.resize(even, (w // 2, h // 2), interpolation=cv2.INTER_AREA), np.uint8))
    return tuple(levels)


def level_for(scale: float, n_levels: int) -> int:
    """Return the level that is drawn at a scale (screen px per field px), never enlarged if it can be."""
    level = 0
    while level + 1 < n_levels and scale * 2 ** (level + 1) <= 1.0:
        level += 1
    return level

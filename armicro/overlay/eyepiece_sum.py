"""What the eye sees: the specimen through the beam splitter, and the display's light added to it."""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np

from armicro.contracts.arrays import F64, I32, U8, require
from armicro.imaging.homography import apply_homography, inverse, local_scale
from armicro.overlay.eyepiece_geometry import EyepieceGeometry

_STEPS = 4095


def simulate_sum(
    camera_rgb: U8,
    overlay_rgb: U8,
    transmission: float,
    geometry: EyepieceGeometry,
    display_gain: float = 1.0,
) -> U8:
    """Simulate the view through the oculars, for a preview and for judging styles without the optics.

    Parameters
    ----------
    camera_rgb : ndarray of uint8, (h, w, 3)
        The field, sRGB.
    overlay_rgb : ndarray of uint8, (H, W, 3)
        What the display shows, sRGB.
    transmission : float
        Share of the specimen's light that the splitter lets through to the eye, 0 to 1.
    geometry : EyepieceGeometry
        How the field lies on the display, and which part the oculars show; the rest is black.
    display_gain : float
        Brightness of the display's white as seen in the oculars, relative to the white of the camera's
        picture; above 0.

    Returns
    -------
    ndarray of uint8, (H, W, 3)
        The sum, sRGB, in pixels of the display. Light adds in linear intensity, not in sRGB values, and the
        eye does not clip where a monitor does: the picture is exposed so that full light on empty glass is
        just white, and keeps the contrasts that are seen.

    Raises
    ------
    ValueError
        If shapes do not fit or a number is out of its range.
    """
    require("camera_rgb", camera_rgb, shape=(*geometry.field_shape_px, 3), dtype="u1")
    require("overlay_rgb", overlay_rgb, shape=(*geometry.display_shape_px, 3), dtype="u1")
    if not 0.0 <= transmission <= 1.0:
        raise ValueError(f"transmission must be 0 to 1, got {transmission:g}")
    if not display_gain > 0:
        raise ValueError(f"display_gain must be above 0, got {display_gain:g}")
    height, width = geometry.display_shape_px
    # A reduction of more than two takes too few pixels in and would flicker: averaged beforehand.
    factor = max(1, int(1 / geometry.scale))
    small, matrix = camera_rgb, geometry.matrix
    if factor > 1:
        h, w = (side // factor for side in geometry.field_shape_px)
        whole = np.ascontiguousarray(camera_rgb[: h * factor, : w * factor])
        small = cv2.resize(whole, (w, h), interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)
        shift = (factor - 1) / 2
        matrix = matrix @ np.array([[factor, 0, shift], [0, factor, shift], [0, 0, 1]])
    specimen = cv2.warpPerspective(small, matrix, (width, height), flags=cv2.INTER_LINEAR).astype(np.uint8)
    return _summed(specimen, overlay_rgb, transmission, display_gain, geometry.rim(1.0))


def sum_in_view(
    view_rgb: U8, light_rgb: U8, geometry: EyepieceGeometry, to_view: F64, transmission: float
) -> U8:
    """Add the display's light to a view of the field, in the view's own pixels.

    Parameters
    ----------
    view_rgb : ndarray of uint8, (h, w, 3)
        A part of the field, at any scale, sRGB.
    light_rgb : ndarray of uint8, (H, W, 3)
        What the display shows, sRGB.
    geometry : EyepieceGeometry
        How the field lies on the display, and which part the oculars show; the rest is black.
    to_view : ndarray of float64, (3, 3)
        From field px to px of the view; acts on (x, y, 1).
    transmission : float
        As in `simulate_sum`.

    Returns
    -------
    ndarray of uint8, (h, w, 3)
        The sum, as `simulate_sum` makes it.
    """
    height, width = view_rgb.shape[:2]
    matrix = to_view @ inverse(geometry.matrix)
    rim = geometry.field_rim()
    corners = np.rint(apply_homography(to_view, rim)[:, None, ::-1]).astype(np.int32)
    y, x = geometry.circle_yx_px
    shrunk = 1 / max(float(local_scale(matrix, geometry.to_display(np.array([y, x])))), 1e-6)
    if shrunk > 1:
        # Thin lines between the pixels that are looked up would be lost: spread over them beforehand.
        light_rgb = cv2.GaussianBlur(light_rgb, (0, 0), 0.4 * shrunk).astype(np.uint8, copy=False)
    light = cv2.warpPerspective(light_rgb, matrix, (width, height), flags=cv2.INTER_LINEAR).astype(np.uint8)
    return _summed(view_rgb, light, transmission, 1.0, corners)


def _summed(specimen: U8, light_rgb: U8, transmission: float, gain: float, stop_xy: I32) -> U8:
    through, light, back = _tables(transmission, gain)
    total = np.minimum(through[specimen] + light[light_rgb], _STEPS)
    seen: U8 = np.take(back, total)
    stop: U8 = np.zeros(specimen.shape[:2], np.uint8)
    cv2.fillPoly(stop, [stop_xy], 255, cv2.LINE_AA)
    return cv2.bitwise_and(seen, cv2.cvtColor(stop, cv2.COLOR_GRAY2RGB)).astype(np.uint8, copy=False)


@lru_cache(maxsize=8)
def _tables(transmission: float, gain: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Tables from sRGB values to linear steps, of specimen and display, and back."""
    value = np.arange(256) / 255
    linear = np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)
    linear = linear / (transmission + gain)
    level = np.arange(_STEPS + 1) / _STEPS
    srgb = np.where(level <= 0.0031308, 12.92 * level, 1.055 * level ** (1 / 2.4) - 0.055)
    return (
        np.rint(linear * transmission * _STEPS).astype(np.uint16),
        np.rint(linear * gain * _STEPS).astype(np.uint16),
        np.rint(srgb * 255).astype(np.uint8),
    )

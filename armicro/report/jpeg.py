"""Pictures as a report embeds them."""

from __future__ import annotations

import cv2

from armicro.contracts.arrays import U8
from armicro.contracts.errors import OutputError

_QUALITY = 84


def jpeg_bytes(rgb: U8, quality: int = _QUALITY) -> bytes:
    """Encode a picture as JPEG.

    Parameters
    ----------
    rgb : ndarray of uint8, (H, W, 3)
        RGB.
    quality : int
        1 to 100.

    Returns
    -------
    bytes
        A JPEG file.

    Raises
    ------
    OutputError
        If it cannot be encoded.
    """
    settings = [cv2.IMWRITE_JPEG_QUALITY, quality]
    done, buffer = cv2.imencode(".jpg", cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR), settings)
    if not done:
        raise OutputError(f"a picture of {rgb.shape[1]} × {rgb.shape[0]} px cannot be encoded as JPEG")
    return buffer.tobytes()


def extent(rgb: U8, um_per_px: float) -> str:
    """Say how much of the specimen a picture shows: "638 × 638 µm"."""
    return f"{rgb.shape[1] * um_per_px:.0f} × {rgb.shape[0] * um_per_px:.0f} µm"

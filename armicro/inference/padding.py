"""What every engine does with a field before and with its heat map after: sides that the network takes."""

from __future__ import annotations

import cv2
import numpy as np

from armicro.contracts.arrays import F32, U8, frozen, require
from armicro.contracts.errors import EngineError
from armicro.inference.manifest import ModelEntry


def padded_shape(shape: tuple[int, int], multiple: int) -> tuple[int, int]:
    """Return the height and width, px, that a field of a shape is filled up to: at least two multiples."""
    h, w = (multiple * max(2, -(-n // multiple)) for n in shape)
    return h, w


def pad_field(rgb: U8, multiple: int) -> U8:
    """Fill a field up by its reflection, below and to the right, so that no coordinate moves.

    Parameters
    ----------
    rgb : ndarray of uint8, (H, W, 3)
        The field; read-only.
    multiple : int
        Sides become multiples of this, px.

    Returns
    -------
    ndarray of uint8, (1, H', W', 3)
        C-contiguous; the field's own memory where nothing has to be done.

    Raises
    ------
    ValueError
        If it is not uint8 (H, W, 3), or has no pixels.
    """
    require("rgb", rgb, shape=(None, None, 3), dtype="u1")
    h, w = rgb.shape[:2]
    if not h or not w:
        raise ValueError(f"rgb: expected at least one pixel, got {rgb.shape}")
    height, width = padded_shape((h, w), multiple)
    if (height, width) != (h, w):
        rgb = np.asarray(
            cv2.copyMakeBorder(rgb, 0, height - h, 0, width - w, cv2.BORDER_REFLECT_101), np.uint8
        )
    return np.ascontiguousarray(rgb)[None]


def crop_heat(heat: F32, shape: tuple[int, int], entry: ModelEntry) -> F32:
    """Cut a heat map back to its field and check it.

    Parameters
    ----------
    heat : ndarray of float32, (1, 2, H' / stride, W' / stride)
        What the network answered.
    shape : tuple of int
        Height and width of the field, px.
    entry : ModelEntry
        The network.

    Returns
    -------
    ndarray of float32, (2, ceil(H / stride), ceil(W / stride))
        Read-only.

    Raises
    ------
    EngineError
        If the answer has another shape or type, or is not finite.
    """
    height, width = padded_shape(shape, entry.multiple)
    expected = (1, 2, height // entry.stride, width // entry.stride)
    if heat.shape != expected or heat.dtype != np.float32:
        raise EngineError(
            f"network {entry.name}: expected a heat map float32 {expected}, got {heat.dtype} {heat.shape}"
        )
    h, w = (-(-n // entry.stride) for n in shape)
    cut: F32 = heat[0, :, :h, :w]
    # One sum finds infinities and not-a-numbers without a mask of the whole map.
    if not np.isfinite(cut.sum(dtype=np.float64)):
        raise EngineError(f"network {entry.name}: its heat map is not finite")
    return frozen(cut)

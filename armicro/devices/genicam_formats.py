"""From a GenICam buffer's bytes to RGB, by the numbers of the Pixel Format Naming Convention (PFNC)."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from armicro.contracts.arrays import U8
from armicro.contracts.errors import DeviceError


@dataclass(frozen=True, slots=True)
class Format:
    """How a pixel format is laid out.

    Parameters
    ----------
    name : str
        Its name in cameras' `PixelFormat`.
    bits : int
        Bits per pixel.
    channels : int
        Values per pixel.
    code : int or None
        OpenCV's conversion to RGB; None where the bytes are RGB already.
    """

    name: str
    bits: int
    channels: int
    code: int | None


# GenICam names a mosaic by its first two pixels, OpenCV's old names by others (RG is its BG). The four-letter
# names mean the first two rows, and cannot be mistaken.
_RGGB, _GRBG = cv2.COLOR_BayerRGGB2RGB, cv2.COLOR_BayerGRBG2RGB
_GBRG, _BGGR = cv2.COLOR_BayerGBRG2RGB, cv2.COLOR_BayerBGGR2RGB

_PIECE = 1 << 15
"""Pairs of pixels unpacked at a time: what fits the processor's cache takes a third of the time."""

FORMATS: dict[int, Format] = {
    0x02180014: Format("RGB8", 24, 3, None),
    0x01080009: Format("BayerRG8", 8, 1, _RGGB),
    0x01080008: Format("BayerGR8", 8, 1, _GRBG),
    0x0108000A: Format("BayerGB8", 8, 1, _GBRG),
    0x0108000B: Format("BayerBG8", 8, 1, _BGGR),
    0x010C0059: Format("BayerRG12p", 12, 1, _RGGB),
    0x010C0057: Format("BayerGR12p", 12, 1, _GRBG),
    0x010C0055: Format("BayerGB12p", 12, 1, _GBRG),
    0x010C0053: Format("BayerBG12p", 12, 1, _BGGR),
    0x02180015: Format("BGR8", 24, 3, cv2.COLOR_BGR2RGB),
    0x02200016: Format("RGBa8", 32, 4, cv2.COLOR_RGBA2RGB),
    0x01080001: Format("Mono8", 8, 1, cv2.COLOR_GRAY2RGB),
}
"""What is understood; the earlier, the better where a camera must be told what to send."""


def copy_lines(
    content: bytes | bytearray, code: int, shape_px: tuple[int, int], padding: int, offset: int
) -> U8:
    """Copy a picture's bytes out of a buffer, without what stands between its lines.

    Parameters
    ----------
    content : bytes-like
        The buffer; whoever owns it may change it afterwards.
    code : int
        PFNC number of the pixel format.
    shape_px : tuple of int
        Height and width.
    padding, offset : int
        Bytes after each line, and before the first.

    Returns
    -------
    ndarray of uint8, 1-D
        The caller's own.

    Raises
    ------
    DeviceError
        If the format is unknown, or the buffer too short.
    """
    form = _known(code)
    height, width = shape_px
    # Packed lines follow each other bit by bit: an odd line of 12-bit pixels ends in the middle of a byte.
    line, rest = divmod(width * form.bits, 8)
    total = -(-height * width * form.bits // 8) if not padding else height * (line + padding)
    if rest and padding:
        raise DeviceError(
            f"lines of {width} px with padding cannot be unpacked from {form.name}: choose an even width"
        )
    if height < 1 or width < 1 or len(content) - offset < total:
        raise DeviceError(
            f"the camera announces {width} × {height} px of {form.name}, {total} bytes, but sends "
            f"{max(0, len(content) - offset)}: close it and open it again"
        )
    flat = np.frombuffer(content, np.uint8, total, offset)
    if padding:
        flat = flat.reshape(height, line + padding)[:, :line].reshape(-1)
    return flat.copy() if np.shares_memory(flat, np.frombuffer(content, np.uint8)) else flat


def to_rgb(flat: U8, code: int, shape_px: tuple[int, int]) -> U8:
    """Turn a picture's bytes, as `copy_lines` gives them, into RGB.

    A colour mosaic is interpolated bilinearly. Of 12 bits the upper 8 are used: all that follows is 8 bit.

    Returns
    -------
    ndarray of uint8, (H, W, 3)
        For RGB8 the same memory as `flat`, else new.
    """
    form = _known(code)
    height, width = shape_px
    if form.bits == 12:
        flat = _upper_8_of_12(flat, height * width)
    picture = flat.reshape((height, width) if form.channels == 1 else (height, width, form.channels))
    if form.code is None:
        return picture
    return np.asarray(cv2.cvtColor(picture, form.code), np.uint8)


def _upper_8_of_12(packed: U8, n: int) -> U8:
    # Two pixels in three bytes, least significant bits first.
    triples = (packed if n % 2 == 0 else np.append(packed, np.uint8(0))).reshape(-1, 3)
    upper = np.empty((len(triples), 2), np.uint8)
    for k in range(0, len(triples), _PIECE):
        first, middle, second = (np.asarray(c, np.uint8) for c in cv2.split(triples[None, k : k + _PIECE]))
        upper[k : k + _PIECE] = cv2.merge([first >> 4 | middle << 4, second])[0]
    return upper.reshape(-1)[:n]


def _known(code: int) -> Format:
    form = FORMATS.get(code)
    if form is None:
        names = ", ".join(f.name for f in FORMATS.values())
        raise DeviceError(
            f"the camera sends pixels of an unknown format (PFNC {code:#010x}): set one of {names}"
        )
    return form

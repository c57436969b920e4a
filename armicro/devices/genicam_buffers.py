"""Pictures out of the library's buffers, and their numbers."""

# ruff: noqa: ANN401 - harvesters has no types

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from armicro.contracts.arrays import U8
from armicro.devices.genicam_formats import copy_lines

_GEV_LAST = 65535
"""GigE Vision 1 counts blocks to here, and goes on with 1."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A complete picture as the camera sent it.

    Parameters
    ----------
    flat : ndarray of uint8, 1-D
        Its bytes; this program's own.
    code : int
        PFNC number of the pixel format.
    shape_px : tuple of int
        Height and width.
    raw_id, stamp_ns : int or None
        The camera's number and time stamp; None where it has none.
    frame_id, t_ns : int
        Our number and the begin of exposure.
    incomplete : int
        Incomplete ones since the camera was opened.
    """

    flat: U8
    code: int
    shape_px: tuple[int, int]
    raw_id: int | None
    stamp_ns: int | None
    frame_id: int = 0
    t_ns: int = 0
    incomplete: int = 0


class FrameCounter:
    """Counts exposures up from 0 by the camera's own numbers, whatever those begin with or wrap at."""

    def __init__(self) -> None:
        self._last_raw: int | None = None
        self._last = -1

    def restarted(self) -> None:
        """Take note that the stream was stopped and started: the camera may begin to count anew."""
        self._last_raw = None

    def number(self, raw: int | None) -> int:
        """Return our number of the exposure that the camera calls `raw`."""
        step = 1
        if raw is not None and self._last_raw is not None:
            step = raw - self._last_raw
            if step <= 0 and _GEV_LAST // 2 < self._last_raw <= _GEV_LAST:
                step += _GEV_LAST
        self._last_raw = raw
        self._last += max(1, step)
        return self._last


def take_picture(buffer: Any) -> Picture:
    """Copy a picture out of a buffer, which is the driver's again afterwards; raises `DeviceError`.

    The buffer's memory is written to again as soon as it is given back, so nothing may point into it.
    The library's own unpacking is passed over: for 12 bits it takes longer than a frame.
    """
    code = int(buffer.pixel_format)
    shape_px = int(buffer.height), int(buffer.width)
    padding, offset = int(_or_none(buffer, "padding_x") or 0), int(_or_none(buffer, "image_offset") or 0)
    flat = copy_lines(buffer.raw_buffer, code, shape_px, padding, offset)
    return Picture(flat, code, shape_px, _or_none(buffer, "frame_id"), _stamp_ns(buffer))


def _stamp_ns(buffer: Any) -> int | None:
    stamp = _or_none(buffer, "timestamp_ns")
    if stamp is not None:
        return stamp
    ticks = _or_none(buffer, "timestamp")
    frequency = _or_none(buffer.parent.parent, "timestamp_frequency")
    return ticks * 1_000_000_000 // frequency if ticks and frequency else None


def _or_none(module: Any, name: str) -> int | None:
    from genicam import gentl

    try:
        return int(getattr(module, name))
    except gentl.GenericException:
        return None

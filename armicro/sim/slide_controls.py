"""The knobs of the simulated slide's camera, and what they do to grey values."""

from __future__ import annotations

import threading
from collections.abc import Callable

import numpy as np

from armicro.contracts.arrays import U8
from armicro.contracts.devices import CameraSettings, PixelFormat
from armicro.contracts.errors import DeviceError
from armicro.contracts.stain import Vector3

NEUTRAL_US = 8000.0
"""Exposure at which, without gain, the picture is as bright as the case was rendered, µs."""

LIMITS: dict[str, tuple[float, float]] = {
    "exposure_us": (50.0, 500_000.0),
    "gain_db": (0.0, 24.0),
    "white_balance": (0.25, 4.0),
    "frame_rate_hz": (0.5, 120.0),
}


def grey_table(settings: CameraSettings) -> U8 | None:
    """Return what a sensor makes of each grey value, (256, 3); None where nothing changes.

    Parameters
    ----------
    settings : CameraSettings
        Exposure, gain and white balance; the sensor is linear and clips at 255.
    """
    factor = (settings.exposure_us or NEUTRAL_US) / NEUTRAL_US * 10 ** ((settings.gain_db or 0.0) / 20)
    rgb = np.array(settings.white_balance or (1.0, 1.0, 1.0)) * factor
    if np.allclose(rgb, 1.0, rtol=0, atol=1e-3):
        return None
    return np.clip(np.rint(np.arange(256)[:, None] * rgb), 0, 255).astype(np.uint8)


class SlideControls:
    """`armicro.contracts.devices.CameraControls` of a simulated slide.

    Parameters
    ----------
    frame_rate_hz : float
        Exposures per second at first.
    changed : callable
        Called with the settings after each change, by the thread that made it.
    """

    def __init__(self, frame_rate_hz: float, changed: Callable[[CameraSettings], None]) -> None:
        self._lock = threading.Lock()
        self._changed = changed
        self._now = CameraSettings(
            exposure_us=NEUTRAL_US,
            gain_db=0.0,
            white_balance=(1.0, 1.0, 1.0),
            frame_rate_hz=_clipped("frame_rate_hz", frame_rate_hz),
            pixel_format=PixelFormat.RGB8,
        )

    def read(self) -> CameraSettings:
        """Return what is set now."""
        return self._now

    def limits(self) -> dict[str, tuple[float, float]]:
        """Return least and greatest values."""
        return dict(LIMITS)

    def apply(self, wanted: CameraSettings) -> CameraSettings:
        """Set what is not None, clipped; raises `DeviceError` for what a simulated camera does not have."""
        if wanted.pixel_format not in (None, PixelFormat.RGB8):
            raise DeviceError(f"the simulated camera sends RGB8 only, not {wanted.pixel_format}")
        if wanted.roi_px is not None or wanted.software_trigger:
            raise DeviceError("the simulated camera has neither a sensor region nor a software trigger")
        with self._lock:
            now = self._now
            self._now = CameraSettings(
                exposure_us=_chosen("exposure_us", wanted.exposure_us, now.exposure_us),
                gain_db=_chosen("gain_db", wanted.gain_db, now.gain_db),
                white_balance=_balance(wanted.white_balance) or now.white_balance,
                frame_rate_hz=_chosen("frame_rate_hz", wanted.frame_rate_hz, now.frame_rate_hz),
                pixel_format=PixelFormat.RGB8,
            )
            self._changed(self._now)
            return self._now


def _clipped(name: str, value: float) -> float:
    least, greatest = LIMITS[name]
    return min(max(float(value), least), greatest)


def _chosen(name: str, wanted: float | None, now: float | None) -> float | None:
    return now if wanted is None else _clipped(name, wanted)


def _balance(wanted: Vector3 | None) -> Vector3 | None:
    if wanted is None:
        return None
    red, green, blue = (_clipped("white_balance", v) for v in wanted)
    return red, green, blue

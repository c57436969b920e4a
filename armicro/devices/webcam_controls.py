"""The knobs of a webcam, in our units, by what each driver interface of OpenCV understands."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeVar

import cv2

from armicro.contracts.devices import CameraSettings, PixelFormat
from armicro.contracts.errors import DeviceError

ResultT = TypeVar("ResultT")


class _Knobs(Protocol):
    """The part of `cv2.VideoCapture` that sets and reads."""

    def get(self, propId: int) -> float:  # noqa: N803 - OpenCV's name
        """Return a property; 0 or -1 where it is not there."""
        ...

    def set(self, propId: int, value: float) -> bool:  # noqa: N803 - OpenCV's name
        """Set a property; false where it is not there."""
        ...


class Ask(Protocol):
    """Has the device's own thread do something with it."""

    def __call__(self, job: Callable[[_Knobs], ResultT]) -> ResultT:
        """Return what the job returns; raises `DeviceError` if the camera is gone."""
        ...


@dataclass(frozen=True, slots=True)
class _Dialect:
    """How a driver interface counts exposure.

    Parameters
    ----------
    to_us, from_us : callable
        From its number to µs and back.
    manual : float
        Value of the property "automatic exposure" that switches it off.
    has : callable
        Whether a number is an exposure, and not what a missing property reads as.
    """

    to_us: Callable[[float], float]
    from_us: Callable[[float], float]
    manual: float
    has: Callable[[float], bool]


_WINDOWS = _Dialect(
    to_us=lambda value: 2.0**value * 1e6,
    from_us=lambda us: float(round(math.log2(max(us, 1.0) / 1e6))),
    manual=0.25,
    has=lambda value: -20 < value < 20 and value != 0,
)
_DIALECTS = {
    "V4L2": _Dialect(
        to_us=lambda value: value * 100,
        from_us=lambda us: float(max(1, round(us / 100))),
        manual=1.0,
        has=lambda value: value > 0,
    ),
    "DSHOW": _WINDOWS,
    "MSMF": _WINDOWS,
}
"""Video4Linux counts 100 µs, Windows powers of two of a second. Others (macOS, files) have no exposure."""


class WebcamControls:
    """`armicro.contracts.devices.CameraControls` of a webcam.

    Gain is in the driver's own steps, for which webcams state no unit; it is passed on as it is. Limits are
    not told by OpenCV.

    Parameters
    ----------
    backend : str
        OpenCV's name of the driver interface.
    ask : callable
        Has the thread that owns the device do something with it.
    """

    def __init__(self, backend: str, ask: Ask) -> None:
        self._dialect = _DIALECTS.get(backend)
        self._ask = ask

    def read(self) -> CameraSettings:
        """Return what is set now; None for what the driver does not have."""
        return self._ask(self._read)

    def limits(self) -> dict[str, tuple[float, float]]:
        """Return nothing: OpenCV does not tell limits."""
        return {}

    def apply(self, wanted: CameraSettings) -> CameraSettings:
        """Set what is not None; raises `DeviceError` for what this webcam does not have."""
        if wanted.pixel_format not in (None, PixelFormat.RGB8):
            raise DeviceError(f"a webcam gives RGB8 only, not {wanted.pixel_format}")
        if wanted.white_balance is not None or wanted.roi_px is not None or wanted.software_trigger:
            raise DeviceError("a webcam has no white balance by colour, no sensor region and no trigger here")
        return self._ask(lambda device: self._apply(device, wanted))

    def _read(self, device: _Knobs) -> CameraSettings:
        exposure = device.get(cv2.CAP_PROP_EXPOSURE)
        gain = device.get(cv2.CAP_PROP_GAIN)
        rate = device.get(cv2.CAP_PROP_FPS)
        dialect = self._dialect
        return CameraSettings(
            exposure_us=dialect.to_us(exposure) if dialect is not None and dialect.has(exposure) else None,
            gain_db=gain if dialect is not None and gain >= 0 else None,
            frame_rate_hz=rate if rate > 0 else None,
            pixel_format=PixelFormat.RGB8,
        )

    def _apply(self, device: _Knobs, wanted: CameraSettings) -> CameraSettings:
        if wanted.exposure_us is not None:
            if self._dialect is None:
                raise DeviceError("this webcam's exposure cannot be set from here: use its maker's program")
            device.set(cv2.CAP_PROP_AUTO_EXPOSURE, self._dialect.manual)
            _set(device, cv2.CAP_PROP_EXPOSURE, self._dialect.from_us(wanted.exposure_us), "exposure")
        if wanted.gain_db is not None:
            _set(device, cv2.CAP_PROP_GAIN, wanted.gain_db, "gain")
        if wanted.frame_rate_hz is not None:
            _set(device, cv2.CAP_PROP_FPS, wanted.frame_rate_hz, "frame rate")
        return self._read(device)


def _set(device: _Knobs, what: int, value: float, name: str) -> None:
    if not device.set(what, value):
        raise DeviceError(f"this webcam's {name} cannot be set from here: use its maker's program")

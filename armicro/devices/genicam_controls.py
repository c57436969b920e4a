"""The knobs of a GenICam camera in our units, by the names of the Standard Features Naming Convention."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeVar

from armicro.contracts.devices import CameraSettings, PixelFormat
from armicro.contracts.errors import DeviceError
from armicro.devices.genicam_features import Features

ResultT = TypeVar("ResultT")

_CHANNELS = ("Red", "Green", "Blue")
_NUMBERS = {"exposure_us": "ExposureTime", "gain_db": "Gain", "frame_rate_hz": "AcquisitionFrameRate"}
_AUTOMATICS = {"exposure_us": "ExposureAuto", "gain_db": "GainAuto"}


class Ask(Protocol):
    """Has the thread that owns the camera do something with it."""

    def __call__(self, job: Callable[[Features], ResultT], *, still: bool = False) -> ResultT:
        """Return what the job returns; `still` stops the stream for it. Raises `DeviceError`."""
        ...


def read_settings(features: Features) -> CameraSettings:
    """Return what is set; None for what the camera does not have."""
    try:
        form = PixelFormat(features.text("PixelFormat") or "")
    except ValueError:
        form = None
    mode = features.text("TriggerMode")
    return CameraSettings(
        exposure_us=features.number("ExposureTime"),
        gain_db=features.number("Gain"),
        white_balance=_white_balance(features),
        frame_rate_hz=features.number("AcquisitionFrameRate"),
        pixel_format=form,
        roi_px=_roi(features),
        software_trigger=None if mode is None else mode == "On",
    )


def free_run(features: Features) -> None:
    """Have it expose by itself, whatever the last program left it at."""
    features.choose("AcquisitionMode", "Continuous")
    features.choose("TriggerSelector", "FrameStart")
    features.choose("TriggerMode", "Off")


class GenicamControls:
    """`armicro.contracts.devices.CameraControls` of a GenICam camera.

    Setting a knob switches its automatic off. Pixel format, region and trigger stop the stream for a moment:
    cameras lock them while they send, and what was made before the change must not be taken for what was not.

    Parameters
    ----------
    ask : callable
        Has the thread that owns the camera do something with it.
    """

    def __init__(self, ask: Ask) -> None:
        self._ask = ask

    def read(self) -> CameraSettings:
        """Return what is set now; raises `DeviceError` if the camera is gone."""
        return self._ask(read_settings)

    def limits(self) -> dict[str, tuple[float, float]]:
        """Return least and greatest values of what the camera has."""
        return self._ask(_limits)

    def apply(self, wanted: CameraSettings) -> CameraSettings:
        """Set what is not None, clipped; raises `DeviceError` for what the camera lacks or refuses."""
        locked = (wanted.pixel_format, wanted.roi_px, wanted.software_trigger)
        still = any(value is not None for value in locked)
        return self._ask(lambda features: _apply(features, wanted), still=still)


def _apply(features: Features, wanted: CameraSettings) -> CameraSettings:
    if wanted.pixel_format is not None and not features.choose("PixelFormat", wanted.pixel_format.value):
        there = ", ".join(features.choices("PixelFormat")) or "nothing else"
        raise DeviceError(f"this camera does not send {wanted.pixel_format}: it offers {there}")
    if wanted.roi_px is not None:
        _set_roi(features, wanted.roi_px)
    if wanted.frame_rate_hz is not None:
        features.switch("AcquisitionFrameRateEnable", on=True)
    for knob, name in _NUMBERS.items():
        value = getattr(wanted, knob)
        if value is None:
            continue
        features.choose(_AUTOMATICS.get(knob, ""), "Off")
        if not features.set_number(name, value):
            raise DeviceError(f"this camera's {name} cannot be set: leave it as it is")
    if wanted.white_balance is not None:
        _set_white_balance(features, wanted.white_balance)
    if wanted.software_trigger is not None:
        _set_trigger(features, on=wanted.software_trigger)
    return read_settings(features)


def _limits(features: Features) -> dict[str, tuple[float, float]]:
    names = _NUMBERS | {"white_balance": "BalanceRatio"}
    found = {knob: features.limits(name) for knob, name in names.items()}
    return {knob: pair for knob, pair in found.items() if pair is not None and pair[0] < pair[1]}


def _white_balance(features: Features) -> tuple[float, float, float] | None:
    factors = []
    for channel in _CHANNELS:
        value = features.number("BalanceRatio") if features.choose("BalanceRatioSelector", channel) else None
        if value is None:
            return None
        factors.append(value)
    return factors[0], factors[1], factors[2]


def _set_white_balance(features: Features, factors: tuple[float, float, float]) -> None:
    features.choose("BalanceWhiteAuto", "Off")
    for channel, factor in zip(_CHANNELS, factors, strict=True):
        there = features.choose("BalanceRatioSelector", channel)
        if not there or not features.set_number("BalanceRatio", factor):
            raise DeviceError("this camera's white balance cannot be set by colour: leave it as it is")


def _roi(features: Features) -> tuple[int, int, int, int] | None:
    height, width = features.number("Height"), features.number("Width")
    if height is None or width is None:
        return None
    y, x = features.number("OffsetY") or 0, features.number("OffsetX") or 0
    return int(y), int(x), int(height), int(width)


def _set_roi(features: Features, roi_px: tuple[int, int, int, int]) -> None:
    y, x, height, width = roi_px
    if (y and features.number("OffsetY") is None) or (x and features.number("OffsetX") is None):
        raise DeviceError("this camera's sensor region cannot be moved: ask for one that begins at 0, 0")
    # Size and offset limit each other: from the corner any size can be had, and then its place.
    features.set_number("OffsetY", 0)
    features.set_number("OffsetX", 0)
    there = features.set_number("Height", height) and features.set_number("Width", width)
    if not there or not (_move(features, "OffsetY", y) and _move(features, "OffsetX", x)):
        raise DeviceError("this camera's sensor region cannot be set: leave it as it is")


def _move(features: Features, name: str, value: int) -> bool:
    return features.set_number(name, value) or value == 0


def _set_trigger(features: Features, *, on: bool) -> None:
    features.choose("TriggerSelector", "FrameStart")
    if on and not features.choose("TriggerSource", "Software"):
        raise DeviceError("this camera has no software trigger: let it run freely")
    if not features.choose("TriggerMode", "On" if on else "Off") and on:
        raise DeviceError("this camera has no software trigger: let it run freely")

"""Webcams: absent, unplugged, hanging; knobs by driver interface; and OpenCV itself with a video."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from armicro.contracts.devices import CameraSettings, PixelFormat
from armicro.contracts.errors import DeviceError
from armicro.contracts.frame import Optics
from armicro.devices.webcam import WebcamCamera, parse_webcam


class FakeDevice:
    """A device of OpenCV's: blue pictures at 200 a second until it is told otherwise."""

    def __init__(self, backend: str = "V4L2", *, there: bool = True) -> None:
        self.backend = backend
        self.there = there
        self.absent = -1.0 if backend == "V4L2" else 0.0
        self.fails = 0
        self.grey = False
        self.hang = threading.Event()
        self.hang.set()
        self.released = 0
        self.values: dict[int, float] = {}
        self.fixed: set[int] = set()
        self.buffer = np.zeros((20, 30, 3), np.uint8)

    def isOpened(self) -> bool:  # noqa: N802 - OpenCV's name
        return self.there

    def read(self) -> tuple[bool, Any]:
        time.sleep(0.005)
        self.hang.wait(10)
        if self.fails:
            self.fails -= 1
            return False, None
        # One buffer, used again and again, as OpenCV may do.
        self.buffer[..., 0] += 1
        return True, self.buffer[..., 0] if self.grey else self.buffer

    def get(self, propId: int) -> float:  # noqa: N803 - OpenCV's name
        return self.values.get(propId, self.absent)

    def set(self, propId: int, value: float) -> bool:  # noqa: N803 - OpenCV's name
        if propId in self.fixed:
            return False
        self.values[propId] = value
        return True

    def getBackendName(self) -> str:  # noqa: N802 - OpenCV's name
        return self.backend

    def release(self) -> None:
        self.released += 1


@pytest.fixture(autouse=True)
def no_thread_left() -> Iterator[None]:
    before = set(threading.enumerate())
    yield
    assert set(threading.enumerate()) <= before


def grab_on(camera: WebcamCamera) -> None:
    """Grab until it raises, which it has to do soon."""
    until = time.monotonic() + 5
    while time.monotonic() < until:
        camera.grab(0.5)


def test_names() -> None:
    assert [parse_webcam(t) for t in ("webcam:0", "Webcam:12", "webcam", "usb", "webcam:x", "slide")] == [
        0, 12, 0, None, None, None,
    ]  # fmt: skip


def test_pictures_are_rgb_its_own_and_of_the_scale_given() -> None:
    device = FakeDevice()
    camera = WebcamCamera(0, Optics(0.25), factory=lambda _: device)
    info = camera.open()
    assert info.name == "Webcam 0 (V4L2)"
    assert not info.simulated
    exposure = camera.grab(1.0)
    assert exposure is not None
    assert exposure.rgb[0, 0, 2] > 0, "blue is last"
    assert exposure.rgb[0, 0, 0] == 0
    assert not np.shares_memory(exposure.rgb, device.buffer)
    assert exposure.optics == Optics(0.25)
    device.grey = True
    time.sleep(0.03)
    grey = camera.grab(1.0)
    assert grey is not None
    assert grey.rgb.shape == (20, 30, 3)
    camera.close()
    assert device.released == 1


def test_an_absent_camera_says_what_to_do() -> None:
    camera = WebcamCamera(3, factory=lambda _: FakeDevice(there=False))
    with pytest.raises(DeviceError, match="webcam 3 is not there, or another program uses it"):
        camera.open()
    silent = FakeDevice()
    silent.fails = 100
    camera = WebcamCamera(3, factory=lambda _: silent)
    with pytest.raises(DeviceError, match="opens but gives no picture"):
        camera.open()
    assert silent.released == 1


def test_single_failures_are_incomplete_and_many_are_an_unplugged_cable() -> None:
    device = FakeDevice()
    camera = WebcamCamera(0, factory=lambda _: device)
    camera.open()
    device.fails = 2
    time.sleep(0.2)
    assert camera.grab(1.0) is not None
    assert camera.health.incomplete == 2
    device.fails = 10_000
    begin = time.monotonic()
    with pytest.raises(DeviceError, match="no more pictures: check its cable"):
        grab_on(camera)
    assert time.monotonic() - begin < 1.0
    camera.close()
    assert device.released == 1
    device.fails = 0
    camera.open()
    assert camera.grab(1.0) is not None, "plugged in again it can be opened again"
    camera.close()


def test_a_read_that_hangs_does_not_hold_up_grabbing() -> None:
    device = FakeDevice()
    camera = WebcamCamera(0, factory=lambda _: device)
    camera.open()
    device.hang.clear()
    time.sleep(0.02)
    camera.grab(0.1)
    begin = time.monotonic()
    assert camera.grab(0.1) is None
    assert time.monotonic() - begin < 0.3
    device.hang.set()
    camera.close()


def test_a_driver_that_raises_is_a_lost_camera() -> None:
    device = FakeDevice()
    camera = WebcamCamera(0, factory=lambda _: device)
    camera.open()
    device.buffer = np.zeros((20, 30, 2), np.uint8)  # no conversion takes two channels
    with pytest.raises(DeviceError, match="its driver failed"):
        grab_on(camera)
    camera.close()


@pytest.mark.parametrize(
    ("backend", "number", "us", "manual"),
    [("V4L2", 80.0, 8000.0, 1.0), ("DSHOW", -7.0, 7812.5, 0.25), ("MSMF", -7.0, 7812.5, 0.25)],
)
def test_exposure_in_the_units_of_each_driver(backend: str, number: float, us: float, manual: float) -> None:
    device = FakeDevice(backend)
    camera = WebcamCamera(0, factory=lambda _: device)
    camera.open()
    controls = camera.controls
    assert controls is not None
    assert controls.read().exposure_us is None, "the driver does not have it"
    now = controls.apply(CameraSettings(exposure_us=8000, gain_db=3, frame_rate_hz=15))
    assert device.values[cv2.CAP_PROP_EXPOSURE] == number
    assert device.values[cv2.CAP_PROP_AUTO_EXPOSURE] == manual
    assert now == CameraSettings(exposure_us=us, gain_db=3, frame_rate_hz=15, pixel_format=PixelFormat.RGB8)
    device.fixed = {cv2.CAP_PROP_GAIN}
    with pytest.raises(DeviceError, match="gain cannot be set from here"):
        controls.apply(CameraSettings(gain_db=5))
    with pytest.raises(DeviceError, match="RGB8 only"):
        controls.apply(CameraSettings(pixel_format=PixelFormat.MONO8))
    camera.close()
    with pytest.raises(DeviceError):
        controls.read()


def test_a_driver_interface_without_exposure_says_so() -> None:
    camera = WebcamCamera(0, factory=lambda _: FakeDevice("AVFOUNDATION"))
    camera.open()
    controls = camera.controls
    assert controls is not None
    with pytest.raises(DeviceError, match="exposure cannot be set from here"):
        controls.apply(CameraSettings(exposure_us=8000))
    camera.close()


def test_opencv_itself_with_a_video_as_device(tmp_path: Path) -> None:
    path = tmp_path / "device.mkv"
    writer = cv2.VideoWriter(str(path), cv2.CAP_FFMPEG, cv2.VideoWriter.fourcc(*"FFV1"), 30.0, (48, 32))
    for k in range(30):
        writer.write(np.full((32, 48, 3), (200, 8 * k, 10), np.uint8))
    writer.release()
    camera = WebcamCamera(str(path), shape_px=(32, 48))
    info = camera.open()
    assert info.shape_px == (32, 48)
    assert camera.controls is not None
    assert camera.controls.limits() == {}
    first = camera.grab(1.0)
    assert first is not None
    np.testing.assert_allclose(first.rgb[0, 0, [0, 2]], [10, 200], atol=3)
    # The end of the file is to OpenCV what a pulled cable is.
    with pytest.raises(DeviceError, match="gives no more pictures"):
        grab_on(camera)
    camera.close()


def test_opencv_itself_without_a_camera(tmp_path: Path) -> None:
    with pytest.raises(DeviceError, match="is not there"):
        WebcamCamera(str(tmp_path / "absent.mkv")).open()

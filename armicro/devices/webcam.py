"""A webcam, or any camera that OpenCV opens, as a `Camera`."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable
from typing import Any, Protocol, TypeVar

import cv2
import numpy as np

from armicro.contracts.arrays import U8
from armicro.contracts.devices import CameraHealth, CameraInfo, Exposure, PixelFormat, Stage
from armicro.contracts.errors import DeviceError
from armicro.contracts.frame import Optics
from armicro.devices.webcam_controls import WebcamControls

ResultT = TypeVar("ResultT")

_GONE_AFTER = 5
"""Failed reads in a row after which the camera counts as unplugged; single ones are damaged pictures."""
_RETRY_S = 0.02
_JOIN_S = 2.0
"""How long closing waits for a read that hangs; drivers give up by themselves after about 10 s."""
_ANSWER_S = 2.0
"""How long a knob waits for the read that is going on, s."""
_NS = 1_000_000_000


class VideoDevice(Protocol):
    """The part of `cv2.VideoCapture` that is used."""

    def isOpened(self) -> bool:  # noqa: N802 - OpenCV's name
        """Tell whether there is a camera."""
        ...

    def read(self) -> tuple[bool, Any]:
        """Wait for the next picture; BGR or grey."""
        ...

    def get(self, propId: int) -> float:  # noqa: N803 - OpenCV's name
        """Return a property."""
        ...

    def set(self, propId: int, value: float) -> bool:  # noqa: N803 - OpenCV's name
        """Set a property; false where it is not there."""
        ...

    def getBackendName(self) -> str:  # noqa: N802 - OpenCV's name
        """Return the driver interface's name, such as V4L2."""
        ...

    def release(self) -> None:
        """Let go of the camera."""
        ...


def open_device(device: int | str) -> VideoDevice:
    """Open a camera by its number, or a stream or video by its address."""
    return cv2.VideoCapture(device)


def parse_webcam(text: str) -> int | None:
    """Return the number in "webcam:0", None where the text names no webcam."""
    found = re.fullmatch(r"webcam(?::(\d{1,3}))?", text.strip().lower())
    return int(found[1] or 0) if found else None


class WebcamCamera:
    """A webcam as a `Camera`; see there for what each method promises.

    OpenCV's read waits as long as the driver likes. So a thread of the adapter's own reads, keeps the newest
    picture only, and works the knobs between two reads; `grab` waits for it no longer than it is told to.

    Parameters
    ----------
    device : int or str
        The camera's number, or what else OpenCV opens (a stream's address).
    optics : Optics or None
        The scale, where it is known already.
    shape_px : tuple of int or None
        Height and width to ask for; the camera may choose others. None leaves its own.
    factory : callable
        Opens a device.
    clock : callable
        Monotonic time, ns.
    """

    def __init__(
        self,
        device: int | str = 0,
        optics: Optics | None = None,
        *,
        shape_px: tuple[int, int] | None = None,
        factory: Callable[[int | str], VideoDevice] = open_device,
        clock: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        self._device = device
        self._optics = optics
        self._shape_px = shape_px
        self._factory = factory
        self._clock = clock
        self._pump: _Pump | None = None
        self._controls: WebcamControls | None = None
        self._taken_id = -1
        self._frames = self._lost = 0

    def open(self) -> CameraInfo:
        """Open the camera and wait for its first picture; raises `DeviceError` with what to do about it."""
        self.close()
        self._taken_id, self._frames, self._lost = -1, 0, 0
        try:
            device = self._factory(self._device)
        except cv2.error as error:
            raise DeviceError(f"{self._name} cannot be opened: {error.err or error}") from error
        if not device.isOpened():
            device.release()
            raise DeviceError(
                f"{self._name} is not there, or another program uses it: check that it is plugged in and "
                f"close other programs that show a camera's picture"
            )
        if self._shape_px is not None:
            device.set(cv2.CAP_PROP_FRAME_HEIGHT, self._shape_px[0])
            device.set(cv2.CAP_PROP_FRAME_WIDTH, self._shape_px[1])
        try:
            backend = device.getBackendName()
            first = _rgb(device)
        except cv2.error as error:
            device.release()
            raise DeviceError(f"{self._name} gives no pictures: {error.err or error}") from error
        if first is None:
            device.release()
            raise DeviceError(f"{self._name} opens but gives no picture: unplug it and plug it in again")
        self._pump = _Pump(device, self._name, self._clock, first)
        self._controls = WebcamControls(backend, self._pump.ask)
        name = f"Webcam {self._device} ({backend})"
        return CameraInfo(name, "", (first.shape[0], first.shape[1]), PixelFormat.RGB8)

    def grab(self, timeout_s: float) -> Exposure | None:
        """Return the newest picture not given yet; raises `DeviceError` if the camera was unplugged."""
        if self._pump is None:
            raise DeviceError(f"{self._name} is not open: open it first")
        newest = self._pump.take(timeout_s)
        if newest is None:
            return None
        frame_id, t_ns, rgb = newest
        self._lost += frame_id - self._taken_id - 1
        self._taken_id = frame_id
        self._frames += 1
        return Exposure(rgb, frame_id, t_ns, self._optics)

    def close(self) -> None:
        """Let go of the camera; a read that hangs is left to let go when it ends."""
        pump, self._pump, self._controls = self._pump, None, None
        if pump is not None:
            pump.close()

    @property
    def health(self) -> CameraHealth:
        """Counts since `open`."""
        incomplete = self._pump.failed_reads if self._pump is not None else 0
        return CameraHealth(self._frames, incomplete, self._lost)

    @property
    def controls(self) -> WebcamControls | None:
        """The knobs while it is open; which of them are there, is the driver's choice."""
        return self._controls

    @property
    def stage(self) -> Stage | None:
        """None: a webcam moves nothing."""
        return None

    @property
    def _name(self) -> str:
        return f"webcam {self._device}"


class _Pump:
    """The thread that reads; it owns the device from here on, and lets go of it when it ends."""

    def __init__(self, device: VideoDevice, name: str, clock: Callable[[], int], first: U8) -> None:
        self._device = device
        self._name = name
        self._clock = clock
        self._changed = threading.Condition()
        self._newest: tuple[int, int, U8] | None = (0, clock(), first)
        self._jobs: list[Callable[[], None]] = []
        self._gone: str | None = None
        self._closing = False
        self.failed_reads = 0
        self._thread = threading.Thread(target=self._run, name="armicro-webcam", daemon=True)
        self._thread.start()

    def take(self, timeout_s: float) -> tuple[int, int, U8] | None:
        """Take the newest picture; raises `DeviceError` once all are taken and the camera is gone."""
        with self._changed:
            self._changed.wait_for(lambda: self._newest is not None or self._gone is not None, timeout_s)
            newest, self._newest = self._newest, None
            if newest is None and self._gone is not None:
                raise DeviceError(self._gone)
            return newest

    def ask(self, job: Callable[[VideoDevice], ResultT]) -> ResultT:
        """Have the reading thread do something with the device between two reads; return what it returns."""
        answers: list[ResultT] = []
        failures: list[cv2.error] = []

        def work() -> None:
            try:
                answers.append(job(self._device))
            except cv2.error as error:
                failures.append(error)

        with self._changed:
            self._jobs.append(work)
            self._changed.wait_for(
                lambda: answers or failures or self._gone is not None or self._closing, _ANSWER_S
            )
            if work in self._jobs:
                self._jobs.remove(work)
        if failures:
            raise DeviceError(f"{self._name} refuses that: {failures[0].err or failures[0]}")
        if not answers:
            raise DeviceError(self._gone or f"{self._name} does not answer")
        return answers[0]

    def close(self) -> None:
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        self._thread.join(_JOIN_S)

    def _run(self) -> None:
        try:
            self._read_on()
        except Exception as error:  # noqa: BLE001 - told to whoever grabs next
            self._end(f"{self._name}: its driver failed: {error}")
        finally:
            self._device.release()

    def _read_on(self) -> None:
        frame_id, failed = 1, 0
        while not self._closing:
            self._work()
            rgb = _rgb(self._device)
            # A webcam tells no time of its own: the picture was made no later than now.
            t_ns = self._clock()
            if rgb is None:
                failed += 1
                if failed >= _GONE_AFTER or not self._device.isOpened():
                    self._end(f"{self._name} gives no more pictures: check its cable")
                    return
                self.failed_reads += 1
                with self._changed:
                    self._changed.wait_for(lambda: self._closing, _RETRY_S)
                continue
            failed = 0
            with self._changed:
                self._newest = (frame_id, t_ns, rgb)
                self._changed.notify_all()
            frame_id += 1

    def _work(self) -> None:
        with self._changed:
            while self._jobs:
                self._jobs.pop(0)()
            self._changed.notify_all()

    def _end(self, why: str) -> None:
        with self._changed:
            self._gone = why
            self._changed.notify_all()


def _rgb(device: VideoDevice) -> U8 | None:
    found, picture = device.read()
    if not found or picture is None or picture.dtype != np.uint8:
        return None
    code = cv2.COLOR_GRAY2RGB if picture.ndim == 2 or picture.shape[2] == 1 else cv2.COLOR_BGR2RGB
    # The conversion makes a new array: OpenCV may use its own again.
    return np.asarray(cv2.cvtColor(picture, code), np.uint8)

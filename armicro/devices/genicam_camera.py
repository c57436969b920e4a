"""A machine-vision camera with a GenTL driver (USB3 Vision, GigE Vision, CoaXPress) as a `Camera`."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path

from armicro.contracts.devices import CameraHealth, CameraInfo, Exposure, Stage
from armicro.contracts.errors import DeviceError
from armicro.contracts.frame import Optics
from armicro.devices.genicam_controls import GenicamControls
from armicro.devices.genicam_formats import to_rgb
from armicro.devices.genicam_producers import find_producers
from armicro.devices.genicam_stream import GenicamStream

_TRIGGER_S = 1.0
"""So long after its exposure a triggered picture is waited for; then it is asked for anew."""


class GenicamCamera:
    """A GenICam camera as a `Camera`; see there for what each method promises.

    With a software trigger, an exposure is made when `grab` is called and none is under way.

    Parameters
    ----------
    serial : str or None
        The camera's serial number; None takes the first.
    producers : sequence of Path
        Its driver, a `.cti` file; none given, those that `GENICAM_GENTL64_PATH` names.
    optics : Optics or None
        The scale, where it is known already.
    clock : callable
        Monotonic time, ns.
    """

    def __init__(
        self,
        serial: str | None = None,
        producers: Sequence[Path] = (),
        optics: Optics | None = None,
        *,
        clock: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        self._serial = serial
        self._producers = tuple(producers)
        self._optics = optics
        self._clock = clock
        self._stream: GenicamStream | None = None
        self._controls: GenicamControls | None = None
        self._taken = (-1, 0)
        self._frames = self._lost = 0
        self._asked_ns: int | None = None

    def open(self) -> CameraInfo:
        """Connect and start streaming; raises `DeviceError` with what to do about it."""
        self.close()
        self._taken, self._frames, self._lost, self._asked_ns = (-1, 0), 0, 0, None
        self._stream = GenicamStream(find_producers(self._producers), self._serial, self._clock)
        self._controls = GenicamControls(self._stream.ask)
        return self._stream.info

    def grab(self, timeout_s: float) -> Exposure | None:
        """Return the newest picture not given yet; raises `DeviceError` once the camera is gone."""
        stream = self._stream
        if stream is None:
            raise DeviceError("the camera is not open: open it first")
        if stream.triggered:
            self._trigger(stream)
        picture = stream.take(timeout_s)
        if picture is None:
            return None
        self._asked_ns = None
        last_id, incomplete = self._taken
        missing = picture.frame_id - last_id - 1 - (picture.incomplete - incomplete)
        self._taken = picture.frame_id, picture.incomplete
        self._lost += max(0, missing)
        self._frames += 1
        rgb = to_rgb(picture.flat, picture.code, picture.shape_px)
        return Exposure(rgb, picture.frame_id, picture.t_ns, self._optics)

    def close(self) -> None:
        """Stop and let go of the camera, also of one that is gone."""
        stream, self._stream, self._controls = self._stream, None, None
        if stream is not None:
            stream.close()

    @property
    def health(self) -> CameraHealth:
        """Counts since `open`."""
        incomplete = self._stream.incomplete if self._stream is not None else 0
        return CameraHealth(self._frames, incomplete, self._lost)

    @property
    def controls(self) -> GenicamControls | None:
        """The knobs while it is open; which of them are there, differs from camera to camera."""
        return self._controls

    @property
    def stage(self) -> Stage | None:
        """None: a camera moves nothing."""
        return None

    def _trigger(self, stream: GenicamStream) -> None:
        now_ns = self._clock()
        if (
            self._asked_ns is not None
            and now_ns - self._asked_ns < _TRIGGER_S * 1e9 + stream.exposure_us * 1e3
        ):
            return
        self._asked_ns = now_ns
        if not stream.ask(lambda features: features.run("TriggerSoftware")):
            raise DeviceError("this camera has no software trigger: let it run freely")

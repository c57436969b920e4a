"""The thread that owns a GenICam camera from opening to closing."""

# ruff: noqa: ANN401 - harvesters has no types

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from armicro.contracts.devices import CameraInfo
from armicro.contracts.errors import DeviceError
from armicro.devices.genicam_buffers import FrameCounter, Picture, take_picture
from armicro.devices.genicam_clock import ExposureClock
from armicro.devices.genicam_controls import free_run
from armicro.devices.genicam_features import Features
from armicro.devices.genicam_formats import FORMATS
from armicro.devices.genicam_producers import connect, disconnect

ResultT = TypeVar("ResultT")

_OPEN_S = 20.0
"""Cameras on a network are looked for up to some seconds per network card."""
_JOIN_S = 5.0
_ANSWER_S = 5.0
_ATTEMPT_S = 0.0002
"""Long enough for one look; the library looks again and again until then, without letting others run."""
_PAUSE_S = 0.001
_ALIVE_S = 0.5
"""After so long without a picture it is looked whether the camera answers: a lost one is merely silent."""
_LATCH_S = 30.0
"""So often the camera's clock is read; at 50 ppm of drift it is 1.5 ms off by then."""
_SIMULATED = {("armicro", "Virtual camera"), ("Machine Vision Games Ltd.", "Viky")}

_one = threading.Semaphore()
"""A producer can be loaded once in a process; the second time it would merely seem to have no camera."""


@dataclass(slots=True)
class _Job:
    """Something to do with the camera between two pictures, and who waits for it."""

    work: Callable[[Features], Any]
    still: bool
    answer: Future[Any]


class GenicamStream:
    """A camera that streams; its own thread does everything with the library.

    That thread is never the main one (the library would take Ctrl+C over), it alone waits where a driver
    hangs, and knobs need no lock.

    Parameters
    ----------
    producers : sequence of Path
        GenTL producers to look in.
    serial : str or None
        Which camera; None for the first.
    clock : callable
        Monotonic time, ns.

    Raises
    ------
    DeviceError
        If the camera cannot be opened.
    """

    def __init__(self, producers: Sequence[Path], serial: str | None, clock: Callable[[], int]) -> None:
        self._producers, self._serial, self._clock = producers, serial, clock
        self._changed = threading.Condition()
        self._newest: Picture | None = None
        self._jobs: list[_Job] = []
        self._gone: str | None = None
        self._closing = False
        self._opened: Future[CameraInfo] = Future()
        self.incomplete = 0
        self.triggered = False
        self.exposure_us = 0.0
        if not _one.acquire(timeout=2.0):
            raise DeviceError(
                "this program holds a GenICam camera already, or its driver hangs: close it first, or "
                "restart the program"
            )
        self._thread = threading.Thread(target=self._run, name="armicro-genicam", daemon=True)
        self._thread.start()
        try:
            self.info = self._opened.result(_OPEN_S)
        except TimeoutError as error:
            self._closing = True
            raise DeviceError(
                f"the camera's driver does not answer within {_OPEN_S:.0f} s: restart the program"
            ) from error
        except DeviceError:
            self._thread.join(_JOIN_S)
            raise

    def take(self, timeout_s: float) -> Picture | None:
        """Take the newest picture; raises `DeviceError` once all are taken and the camera is gone."""
        with self._changed:
            self._changed.wait_for(lambda: self._newest is not None or self._gone is not None, timeout_s)
            newest, self._newest = self._newest, None
            if newest is None and self._gone is not None:
                raise DeviceError(self._gone)
            return newest

    def ask(self, job: Callable[[Features], ResultT], *, still: bool = False) -> ResultT:
        """Have something done with the camera between two pictures; `still` stops the stream for it."""
        answer: Future[ResultT] = Future()
        with self._changed:
            if self._gone is not None or self._closing:
                raise DeviceError(self._gone or "the camera is closed: open it first")
            self._jobs.append(_Job(job, still, answer))
        try:
            return answer.result(_ANSWER_S)
        except TimeoutError as error:
            raise DeviceError(
                f"the camera does not answer within {_ANSWER_S:.0f} s: check its cable"
            ) from error

    def close(self) -> None:
        """End the thread; it lets go of the camera. A driver that hangs is left behind."""
        self._closing = True
        self._thread.join(_JOIN_S)

    def _run(self) -> None:
        harvester = acquirer = None
        try:
            harvester, acquirer = connect(self._producers, self._serial)
            acquirer.add_callback(acquirer.Events.INCOMPLETE_BUFFER, _counting(self))
            features = Features(acquirer.remote_device.node_map)
            info = _prepare(features, acquirer)
            self._refresh(features)
            acquirer.start()
            self._opened.set_result(info)
            self._stream(acquirer, features)
        except DeviceError as error:
            self._end(error)
        except Exception as error:  # noqa: BLE001 - told to whoever waits
            self._end(DeviceError(f"the camera's driver failed ({type(error).__name__}: {_short(error)})"))
        finally:
            if harvester is not None:
                disconnect(harvester, acquirer)
            _one.release()
            self._end(DeviceError("the camera is closed: open it first"))

    def _stream(self, acquirer: Any, features: Features) -> None:
        exposures, counter = ExposureClock(), FrameCounter()
        sign_ns, latch_ns, incomplete = self._clock(), 0, 0
        while not self._closing:
            if self._work(acquirer, features):
                counter.restarted()
            now_ns = self._clock()
            if now_ns >= latch_ns:
                self._latch(features, exposures)
                latch_ns = now_ns + int(_LATCH_S * 1e9)
            found = acquirer.try_fetch(timeout=_ATTEMPT_S, is_raw=True)
            now_ns = self._clock()
            if found is None:
                if self.incomplete != incomplete:
                    incomplete, sign_ns = self.incomplete, now_ns
                elif now_ns - sign_ns > _ALIVE_S * 1e9:
                    _require_alive(acquirer)
                    sign_ns = now_ns
                time.sleep(_PAUSE_S)
                continue
            sign_ns = now_ns
            # A device may have several streams; pictures come from the first.
            for k, buffer in enumerate(found if isinstance(found, list) else [found]):
                if buffer is None:
                    continue
                try:
                    picture = take_picture(buffer) if k == 0 else None
                finally:
                    # Not given back, it is lost for the stream, and with the last one the pictures end.
                    buffer.parent.queue_buffer(buffer)
                if picture is not None:
                    t_ns = exposures.begin_ns(picture.stamp_ns, now_ns, self.exposure_us)
                    frame_id = counter.number(picture.raw_id)
                    self._publish(replace(picture, t_ns=t_ns, frame_id=frame_id, incomplete=self.incomplete))

    def _publish(self, picture: Picture) -> None:
        with self._changed:
            self._newest = picture
            self._changed.notify_all()

    def _work(self, acquirer: Any, features: Features) -> bool:
        """Do what is asked for; true where the stream was stopped for it."""
        with self._changed:
            jobs, self._jobs = self._jobs, []
        stopped = False
        for job in jobs:
            try:
                if job.still:
                    acquirer.stop()
                    stopped = True
                    with self._changed:
                        self._newest = None  # it was made before the change
                try:
                    result = job.work(features)
                finally:
                    if job.still:
                        acquirer.start()
                self._refresh(features)
            except DeviceError as error:
                job.answer.set_exception(error)
            except Exception as error:
                gone = DeviceError(f"the camera does not answer any more ({_short(error)})")
                job.answer.set_exception(gone)
                raise gone from error
            else:
                job.answer.set_result(result)
        return stopped

    def _refresh(self, features: Features) -> None:
        # Not all settings: each costs a way to the camera and back, and a trigger waits for none of them.
        self.exposure_us = features.number("ExposureTime") or 0.0
        self.triggered = features.text("TriggerMode") == "On"

    def _latch(self, features: Features, exposures: ExposureClock) -> None:
        before_ns = self._clock()
        if features.run("TimestampLatch"):
            after_ns = self._clock()
            stamp = features.number("TimestampLatchValue")
            if stamp:
                exposures.measured(before_ns, int(stamp), after_ns)

    def _end(self, why: DeviceError) -> None:
        with self._changed:
            self._gone = self._gone or str(why)
            jobs, self._jobs = self._jobs, []
            self._changed.notify_all()
        for job in jobs:
            job.answer.set_exception(DeviceError(self._gone))
        if not self._opened.done():
            self._opened.set_exception(why)


def _prepare(features: Features, acquirer: Any) -> CameraInfo:
    free_run(features)
    known = [form.name for form in FORMATS.values()]
    form = features.text("PixelFormat") or ""
    if form not in known:
        offered = features.choices("PixelFormat")
        form = next((name for name in known if name in offered), form)
        features.choose("PixelFormat", form)
    height, width = features.number("Height") or 0, features.number("Width") or 0
    device = acquirer.device
    vendor, model = str(device.vendor), str(device.model)
    name = model if model.startswith(vendor) else f"{vendor} {model}"
    return CameraInfo(
        name,
        str(device.serial_number or device.id_),
        (int(height), int(width)),
        form,
        (vendor, model) in _SIMULATED,
    )


def _require_alive(acquirer: Any) -> None:
    """Raise `DeviceError` where the camera is gone.

    The library tells of no loss: fetching just finds nothing, for ever. A read of a register goes to the
    camera and back, and address 0 is there in every transport. That it is refused is an answer, too.
    """
    from genicam import gentl

    refusals = (gentl.InvalidAddressException, gentl.AccessDeniedException, gentl.NotImplementedException,
                gentl.InvalidParameterException, gentl.BusyException)  # fmt: skip
    try:
        acquirer.remote_device.port.read(0, 4)
    except refusals:
        return
    except gentl.GenericException as error:
        raise DeviceError(f"the camera does not answer any more ({_short(error)})") from error


def _counting(stream: GenicamStream) -> Any:
    from harvesters.core import Callback

    class Counting(Callback):  # type: ignore[misc]
        """Counts pictures that the library threw away because a part was missing."""

        def emit(self, context: object = None) -> None:
            """Count one; called on the stream's own thread."""
            del context
            stream.incomplete += 1

    return Counting()


def _short(error: Exception) -> str:
    return str(error).removeprefix("GenTL exception: ").partition(" (Message")[0].rstrip(" .")

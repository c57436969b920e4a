"""The capture thread: drives any camera, hands on its exposures, and tells of its troubles."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import replace

from armicro.contracts.devices import Camera, CameraEvent, CameraEventKind, Exposure
from armicro.contracts.errors import DeviceError, EndOfStream
from armicro.devices.capture_watch import CaptureLimits, CaptureWatch

OnExposure = Callable[[Exposure], object]
OnEvent = Callable[[CameraEvent], object]

_JOIN_S = 5.0
"""How long closing waits for a camera whose driver does not answer."""


class CaptureLoop:
    """Owns the thread that a camera is used from.

    The camera is opened, grabbed from and closed by this thread alone. What goes wrong is told by `on_event`
    within 2 s, in words for people; a camera that is gone or stays silent is closed and opened again until it
    gives pictures. Only the end of a recording, or `close`, ends the thread.

    Parameters
    ----------
    camera : Camera
        The camera; closed, and left to this loop while it runs.
    limits : CaptureLimits, optional
        When it is in trouble, and how often it is tried again.
    clock : callable
        Monotonic time, ns.
    pause : callable or None
        Waits so many seconds before the camera is opened again; None waits until then or until `close`.
    """

    def __init__(
        self,
        camera: Camera,
        limits: CaptureLimits | None = None,
        clock: Callable[[], int] = time.monotonic_ns,
        pause: Callable[[float], object] | None = None,
    ) -> None:
        self._camera = camera
        self._limits = limits if limits is not None else CaptureLimits()
        self._clock = clock
        self._pause = pause
        self._run: _Run | None = None
        self._thread: threading.Thread | None = None

    def start(self, on_exposure: OnExposure, on_event: OnEvent) -> None:
        """Begin; returns at once. A camera that is not there is told by `on_event` and tried again.

        Parameters
        ----------
        on_exposure : callable
            Gets each complete exposure, on the capture thread, with rising `frame_id` also where the camera
            was opened again in between. It should be quick: while it runs, the camera loses exposures. What
            it raises is told as `FAILED`, and the capture goes on.
        on_event : callable
            Gets news, on the capture thread.

        Raises
        ------
        RuntimeError
            If it was started already and not closed.
        """
        if self._thread is not None:
            raise RuntimeError("this capture was started already: close it first")
        self._run = _Run(self._camera, self._limits, self._clock, self._pause, (on_exposure, on_event))
        self._thread = threading.Thread(target=self._run.run, name="armicro-capture", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End the thread and close the camera; no callback comes afterwards. May be called twice.

        Called from a callback, it returns at once and the thread ends right after the callback. A driver that
        does not come back within 5 s is left behind: waiting for it would freeze the program as well.
        """
        if self._run is not None:
            self._run.stop.set()
        thread, self._thread = self._thread, None
        if thread is not None and thread is not threading.current_thread():
            thread.join(_JOIN_S)

    @property
    def running(self) -> bool:
        """Whether the thread is alive; false after the end of a recording."""
        return self._thread is not None and self._thread.is_alive()

    @property
    def failure(self) -> Exception | None:
        """The first thing a callback raised since `start`; the only trace where `on_event` itself fails."""
        return self._run.failure if self._run is not None else None

    @property
    def quiet_s(self) -> float:
        """Seconds since the camera's driver last answered: tells a driver that hangs inside `grab`, s."""
        return (self._clock() - self._run.sign_ns) / 1e9 if self._run is not None else 0.0


class _Run:
    """What happens on the thread from start to close.

    Each start has its own, so that a thread left behind by a hanging driver calls nobody back when it wakes.
    """

    def __init__(
        self,
        camera: Camera,
        limits: CaptureLimits,
        clock: Callable[[], int],
        pause: Callable[[float], object] | None,
        callbacks: tuple[OnExposure, OnEvent],
    ) -> None:
        self.stop = threading.Event()
        self.failure: Exception | None = None
        self.sign_ns = clock()
        self._camera = camera
        self._limits = limits
        self._clock = clock
        self._pause = pause if pause is not None else self.stop.wait
        self._on_exposure, self._on_event = callbacks
        self._watch = CaptureWatch(limits)
        self._failing: str | None = None
        self._last_id = -1
        self._shift = 0

    def run(self) -> None:
        """Drive the camera until it ends or is no longer wanted."""
        retry_s = self._limits.first_retry_s
        while not self.stop.is_set():
            try:
                self._connect_and_stream()
            except EndOfStream as end:
                self._let_go()
                words = f"{str(end).rstrip(' .')}. Open it again to see it once more."
                self._tell([CameraEvent(CameraEventKind.ENDED, words, self._clock(), self._watch.info)])
                return
            except DeviceError as error:
                self._tell(self._watch.lost(str(error), self._clock()))
            except Exception as error:  # noqa: BLE001 - any fault of a driver is a lost camera, told as such
                why = f"its driver failed with {type(error).__name__}: {error}"
                self._tell(self._watch.lost(why, self._clock()))
            self._let_go()
            if self.stop.is_set():
                return
            # What opens and fails at once, again and again, must not be tried without a pause.
            if self._watch.streamed:
                retry_s = self._limits.first_retry_s
            self._pause(retry_s)
            retry_s = min(2 * retry_s, self._limits.longest_retry_s)

    def _connect_and_stream(self) -> None:
        """Return when the camera is to be closed: to be opened again, or for good."""
        self._watch.streamed = False
        info = self._camera.open()
        self._tell(self._watch.connected(info, self._now()))
        while not self.stop.is_set():
            exposure = self._camera.grab(self._limits.grab_timeout_s)
            now_ns = self._now()
            if exposure is not None:
                self._tell(self._watch.saw(exposure, now_ns))
                self._hand_on(exposure)
            self._tell(self._watch.looked(self._camera.health, now_ns))
            if exposure is None and self._watch.wants_reopen(now_ns):
                return

    def _now(self) -> int:
        self.sign_ns = self._clock()
        return self.sign_ns

    def _let_go(self) -> None:
        try:
            self._camera.close()
        except Exception as error:  # noqa: BLE001 - a camera that is gone may fail to close; what matters was told
            self.failure = self.failure or error

    def _hand_on(self, exposure: Exposure) -> None:
        if self.stop.is_set():
            return
        # Most cameras count from 0 again when they are opened again; a number must not come twice.
        if exposure.frame_id + self._shift <= self._last_id:
            self._shift = self._last_id + 1 - exposure.frame_id
        self._last_id = exposure.frame_id + self._shift
        try:
            self._on_exposure(replace(exposure, frame_id=self._last_id) if self._shift else exposure)
        except Exception as error:  # noqa: BLE001 - handed on as news; the capture goes on
            self._failed("a picture", error)
        else:
            self._failing = None
        self._watch.handed_on(self._clock())

    def _tell(self, events: list[CameraEvent]) -> None:
        for event in events:
            if self.stop.is_set():
                return
            try:
                self._on_event(event)
            except Exception as error:  # noqa: BLE001 - handed on as news; the capture goes on
                self._failed(f"the news that the camera is {event.kind.value}", error)

    def _failed(self, at: str, error: Exception) -> None:
        """Tell of a callback that raised: once, not with each of 30 pictures a second."""
        self.failure = self.failure or error
        kind = f"{type(error).__name__}: {error}"
        if kind == self._failing:
            return
        self._failing = kind
        words = (
            f"The program failed at {at} ({kind}). The camera goes on; if this comes again, restart the "
            f"program and report these words."
        )
        try:
            self._on_event(CameraEvent(CameraEventKind.FAILED, words, self._clock(), self._watch.info))
        except Exception as second:  # noqa: BLE001 - whoever listens is broken; `failure` keeps the first error
            error.add_note(f"and told of it, the listener raised {second!r}")

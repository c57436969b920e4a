"""The whole instrument under load: camera, window, analysis, captures and a moving threshold at once.

Run as `python -m armicro.app.live_bench JSON` by `armicro bench --live`; prints JSON. The camera is the
simulated slide at full size and rate, and the window is a real one, drawn off screen where there is no
display; without Qt the same is measured without a window.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil

from armicro.app.cores import take_cores
from armicro.app.detectors import DetectorChoice, make_detector
from armicro.app.machine import usable_cores
from armicro.app.memory import keep_memory
from armicro.app.profiles import DEFAULT_STAIN_PROFILE, load_stain_profile
from armicro.contracts.arrays import U8
from armicro.contracts.devices import CameraHealth, CameraInfo, Exposure
from armicro.contracts.frame import Optics
from armicro.contracts.stain import DabThresholds
from armicro.devices.capture import CaptureLoop
from armicro.imaging.gate import GateLimits, Limit
from armicro.inference.choose import EngineName
from armicro.scoring.guidelines import DEFAULT_GUIDELINE, load_guideline
from armicro.session.commands import Capture, SetThresholds, Undo
from armicro.session.parts import EventKind, SessionEvent, SessionParts
from armicro.session.session import Session
from armicro.sim.slide import SimulatedSlide, SlideParams, case_at
from armicro.store.casebook import CaseBook

_UM_PER_PX = 0.212
_WAIT_S = 120.0
_STEP_UM = 45.0
_PLACES, _EACH = 4, 3
"""Places on the slide, and pictures of each; 27 MB each at 3008²."""
PICTURES = _PLACES * _EACH
_GATE = replace(GateLimits(), overlap=Limit(0.02, 1.01))
"""The quality gate works as it does in `run`, but refuses no place that comes again: there are only four."""
REST_S, SOON_S = 0.8, 0.25
"""For how long the stage has rested when the pedal is pressed: who looks and then presses, and who knows the
way, s."""


@dataclass(frozen=True, slots=True)
class LiveTask:
    """What is measured.

    Parameters
    ----------
    size_px : int
        Side of the camera's frames.
    rate_hz : float
        Frames per second that the camera gives.
    seconds : float
        How long each part lasts.
    fields : int
        How many are captured at rest, and how many soon after a move.
    detector, engine : str
        What finds nuclei.
    """

    size_px: int = 3008
    rate_hz: float = 30.0
    seconds: float = 10.0
    fields: int = 10
    detector: str = "auto"
    engine: str = "auto"


@dataclass(frozen=True, slots=True)
class PressTimes:
    """What became of one press.

    Parameters
    ----------
    rested : bool
        Whether the stage had been at rest for `REST_S`; else for `SOON_S` only.
    from_live : bool
        Whether the live frame was captured that was looked at; else a new exposure.
    captured_ms, overlay_ms : float
        Until its pixels were on disk, and until its overlay was there, ms.
    """

    rested: bool
    from_live: bool
    captured_ms: float
    overlay_ms: float


@dataclass(slots=True)
class LiveResult:
    """What was measured; times in ms, one value per event.

    `cpu_ms_per_s` is what each kind of thread computed per second while nothing was pressed; "engine" are
    the threads that are not armicro's own.
    """

    camera_fps: float = 0.0
    shown_fps: float | None = None
    overlay_fps: float = 0.0
    late_ms: list[float] = field(default_factory=list)
    computed_ms: list[float] = field(default_factory=list)
    presses: list[PressTimes] = field(default_factory=list)
    cpu_ms_per_s: dict[str, float] = field(default_factory=dict)
    rescore_ms: list[float] = field(default_factory=list)
    visible_ms: list[float] = field(default_factory=list)
    peak_mb: float = 0.0
    detector: str = ""


class _Still:
    """A `Camera` that costs what a driver does: it copies pictures of the simulated slide, taken beforehand.

    Rendering them on the way would take a core that at a microscope belongs to the analysis.
    """

    controls = None
    stage = None

    def __init__(self, params: SlideParams) -> None:
        self._rate_hz = params.frame_rate_hz
        self._pictures: list[list[U8]] = []
        slide = SimulatedSlide(5, replace(params, frame_rate_hz=1000.0))
        self._info = slide.open()
        while not slide.rendered:
            time.sleep(0.05)
        for number in range(_PLACES):
            slide.stage.move_by(0.0, _STEP_UM if number else 0.0)
            end = time.monotonic() + 1.0
            while time.monotonic() < end:
                slide.grab(1.0)
            taken = (slide.grab(1.0) for _ in range(_EACH))
            self._pictures.append([e.rgb for e in taken if e is not None])
        slide.close()
        self.place = 0
        self._next, self._frame = 0.0, 0

    def open(self) -> CameraInfo:
        """Begin."""
        self._next = time.monotonic()
        return self._info

    def grab(self, timeout_s: float) -> Exposure | None:
        """Wait for the next picture's time, and copy it."""
        self._next = max(self._next + 1 / self._rate_hz, time.monotonic() - 0.1)
        wait_s = self._next - time.monotonic()
        time.sleep(min(max(wait_s, 0.0), timeout_s))
        t_ns = time.monotonic_ns()
        self._frame += 1
        pictures = self._pictures[self.place]
        return Exposure(pictures[self._frame % len(pictures)].copy(), self._frame, t_ns)

    def close(self) -> None:
        """Nothing is held."""

    @property
    def health(self) -> CameraHealth:
        """Nothing is ever lost."""
        return CameraHealth(self._frame)


class _Rig:
    """An instrument with or without its window, and a way to let it live."""

    def __init__(self, task: LiveTask, folder: Path) -> None:
        params = SlideParams(
            case_at(_UM_PER_PX), (task.size_px, task.size_px), grid=2, frame_rate_hz=task.rate_hz
        )
        self.slide = _Still(params)
        self.book = CaseBook(folder / "cases")
        parts = SessionParts(
            detector=make_detector(DetectorChoice(task.detector, EngineName(task.engine)), lambda _: None),
            load_profile=load_stain_profile,
            load_guideline=load_guideline,
            open_case=self.book.open_case,
            case_id="bench",
            profile=DEFAULT_STAIN_PROFILE,
            guideline=DEFAULT_GUIDELINE,
            objectives={"40x": Optics(_UM_PER_PX, "40x")},
            objective="40x",
            gate=_GATE,
        )
        self.session = Session(parts, self.slide)
        self.events: list[SessionEvent] = []
        self.session.listen(self.events.append)
        self.loop = CaptureLoop(self.slide)
        self.live = self._window(folder)

    def _window(self, folder: Path) -> Callable[[], None]:
        """Make the window; return what lets the event loop run once."""
        self.probe = self.window = None
        if not os.environ.get("DISPLAY") and not os.environ.get("WAYLAND_DISPLAY"):
            os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
        try:
            from PyQt6.QtCore import QCoreApplication
            from PyQt6.QtWidgets import QApplication

            from armicro.ui.hooks import Hooks
            from armicro.ui.jitter import JitterProbe
            from armicro.ui.main_window import MainWindow
            from armicro.ui.memory import Memory
        except ImportError:
            return lambda: time.sleep(0.002)
        self._app = QApplication.instance() or QApplication([])
        self.window = MainWindow(self.session, Hooks(), Memory(folder / "window.ini"))
        self.window.resize(1600, 1000)
        self.window.show()
        self.probe = JitterProbe()

        def live() -> None:
            QCoreApplication.processEvents()
            time.sleep(0.003)

        return live

    def run(self, seconds: float) -> None:
        """Let everything run for a while."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.live()

    def captured(self) -> list[SessionEvent]:
        """Return what was told of captured fields so far."""
        return [e for e in list(self.events) if e.kind is EventKind.CAPTURED]

    def until(self, holds: Callable[[], object]) -> float:
        """Let everything run until something holds; return how long that took, ms."""
        begin = time.perf_counter()
        while not holds():
            if time.perf_counter() - begin > _WAIT_S:
                raise TimeoutError(f"the instrument does not get on: {self.session.snapshot().faults}")
            self.live()
        return 1e3 * (time.perf_counter() - begin)

    def close(self) -> None:
        """Put everything away."""
        if self.window is not None:
            self.window.leave_unasked()
        self.loop.close()
        self.session.close()
        self.book.close()


def measure(task: LiveTask) -> LiveResult:
    """Run the instrument and measure it."""
    found = LiveResult()
    with TemporaryDirectory() as folder:
        rig = _Rig(task, Path(folder))
        session = rig.session
        found.detector = session.snapshot().vitals.engine
        try:
            rig.loop.start(session.on_exposure, session.on_camera_event)
            rig.until(lambda: (v := session.live()) is not None and v.result is not None)
            _live(rig, task, found)
            _captures(rig, task, found)
            _thresholds(rig, found)
        finally:
            rig.close()
    usage = psutil.Process().memory_info()
    found.peak_mb = getattr(usage, "peak_wset", usage.rss) / 1e6
    return found


def _live(rig: _Rig, task: LiveTask, found: LiveResult) -> None:
    """Look on for a while, with the histogram on and the analysis running."""
    before = 0 if rig.window is None else rig.window.parts.picture.frames_shown
    begin, cpu = time.monotonic(), _cpu_s()
    if rig.probe is not None:
        rig.probe.start()
    rig.run(task.seconds)
    took = time.monotonic() - begin
    after = _cpu_s()
    found.cpu_ms_per_s = {k: 1e3 * (s - cpu.get(k, 0.0)) / took for k, s in after.items()}
    if rig.probe is not None and rig.window is not None:
        rig.probe.stop()
        found.late_ms, found.computed_ms = list(rig.probe.late_ms), list(rig.probe.computed_ms)
        found.shown_fps = (rig.window.parts.picture.frames_shown - before) / took
    vitals = rig.session.snapshot().vitals
    found.camera_fps, found.overlay_fps = vitals.fps, vitals.live_fps


def _cpu_s() -> dict[str, float]:
    """Return what each kind of thread has computed so far, s; system time is in it."""
    names = {t.native_id: t.name for t in threading.enumerate()}
    used: dict[str, float] = {}
    for one in psutil.Process().threads():
        name = names.get(one.id, "engine")
        used[name] = used.get(name, 0.0) + one.user_time + one.system_time
    return used


def _captures(rig: _Rig, task: LiveTask, found: LiveResult) -> None:
    session = rig.session
    for n in range(1, 2 * task.fields + 1):
        rested = n <= task.fields
        rig.slide.place = n % _PLACES
        rig.run(REST_S if rested else SOON_S)
        found.presses.append(_press(rig, n, rested=rested))
        # A field is looked at before the stage goes on.
        rig.run(REST_S)
    for _ in range(task.fields):
        session.do(Undo())
    rig.until(lambda: (s := session.snapshot().summary) is not None and s.n_fields == task.fields)


def _press(rig: _Rig, n: int, *, rested: bool) -> PressTimes:
    session, begin = rig.session, time.perf_counter()
    session.do(Capture(time.monotonic_ns()))
    rig.until(lambda: len(rig.captured()) == n)
    captured_ms = 1e3 * (time.perf_counter() - begin)
    rig.until(lambda: session.snapshot().fields[-1].result is not None)
    overlay_ms = 1e3 * (time.perf_counter() - begin)
    return PressTimes(rested, bool(rig.captured()[-1].details["from_live"]), captured_ms, overlay_ms)


def _thresholds(rig: _Rig, found: LiveResult) -> None:
    """Move a threshold back and forth; wait for the visible field and for all captured ones."""
    session = rig.session
    kept = session.snapshot().profile.thresholds
    rig.until(lambda: (v := session.live()) is not None and v.result is not None)
    for k in range(10):
        moved = replace(kept, weak_od=kept.weak_od + 0.004 * (k + 1))
        begin = time.perf_counter()
        session.do(SetThresholds(moved))
        rig.until(lambda moved=moved: _live_by(session, moved))  # type: ignore[misc]
        found.visible_ms.append(1e3 * (time.perf_counter() - begin))
        rig.until(lambda: (c := session.snapshot().change) is not None and c.after is not None)
        found.rescore_ms.append(1e3 * (time.perf_counter() - begin))


def _live_by(session: Session, thresholds: DabThresholds) -> bool:
    """Whether the live overlay is by these thresholds."""
    view = session.live()
    if view is None or view.result is None:
        return False
    return view.result.provenance.parameters["thresholds.weak_od"] == thresholds.weak_od


def main(arguments: list[str]) -> None:
    """Measure one task and print the result."""
    keep_memory()
    take_cores(usable_cores())
    print(json.dumps(asdict(measure(LiveTask(**json.loads(arguments[0]))))))  # noqa: T201 - its one purpose
    sys.stdout.flush()
    # Threads of a driver may still be busy; nothing is left to be written.
    os._exit(0)


if __name__ == "__main__":
    main(sys.argv[1:])

"""The whole instrument under load: camera, window, analysis, captures and a moving threshold at once.

Run as `python -m armicro.app.live_bench JSON` by `armicro bench --live`; prints JSON. The camera is the
simulated slide at full size and rate, and the window is a real one, drawn off screen where there is no
display; without Qt the same is measured without a window.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil

from armicro.app.detectors import DetectorChoice, make_detector
from armicro.app.profiles import DEFAULT_STAIN_PROFILE, load_stain_profile
from armicro.contracts.frame import Optics
from armicro.contracts.stain import DabThresholds
from armicro.devices.capture import CaptureLoop
from armicro.inference.choose import EngineName
from armicro.scoring.guidelines import DEFAULT_GUIDELINE, load_guideline
from armicro.session.commands import Capture, SetThresholds
from armicro.session.parts import SessionParts
from armicro.session.session import Session
from armicro.sim.slide import SimulatedSlide, SlideParams, case_at
from armicro.store.casebook import CaseBook

_UM_PER_PX = 0.212
_WAIT_S = 120.0
_STEP_UM = 45.0


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
        How many are captured.
    detector, engine : str
        What finds nuclei.
    """

    size_px: int = 3008
    rate_hz: float = 30.0
    seconds: float = 10.0
    fields: int = 10
    detector: str = "auto"
    engine: str = "auto"


@dataclass(slots=True)
class LiveResult:
    """What was measured; times in ms, one value per event."""

    camera_fps: float = 0.0
    shown_fps: float | None = None
    overlay_fps: float = 0.0
    late_ms: list[float] = field(default_factory=list)
    computed_ms: list[float] = field(default_factory=list)
    press_to_captured_ms: list[float] = field(default_factory=list)
    press_to_overlay_ms: list[float] = field(default_factory=list)
    rescore_ms: list[float] = field(default_factory=list)
    visible_ms: list[float] = field(default_factory=list)
    peak_mb: float = 0.0
    detector: str = ""


class _Rig:
    """An instrument with or without its window, and a way to let it live."""

    def __init__(self, task: LiveTask, folder: Path) -> None:
        params = SlideParams(
            case_at(_UM_PER_PX), (task.size_px, task.size_px), grid=2, frame_rate_hz=task.rate_hz
        )
        self.slide = SimulatedSlide(5, params)
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
        )
        self.session = Session(parts, self.slide)
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
            time.sleep(0.001)

        return live

    def run(self, seconds: float) -> None:
        """Let everything run for a while."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.live()

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
            rig.until(lambda: rig.slide.rendered)
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
    begin = time.monotonic()
    if rig.probe is not None:
        rig.probe.start()
    rig.run(task.seconds)
    took = time.monotonic() - begin
    if rig.probe is not None and rig.window is not None:
        rig.probe.stop()
        found.late_ms, found.computed_ms = list(rig.probe.late_ms), list(rig.probe.computed_ms)
        found.shown_fps = (rig.window.parts.picture.frames_shown - before) / took
    vitals = rig.session.snapshot().vitals
    found.camera_fps, found.overlay_fps = vitals.fps, vitals.live_fps


def _captures(rig: _Rig, task: LiveTask, found: LiveResult) -> None:
    session = rig.session
    for n in range(1, task.fields + 1):
        rig.slide.stage.move_by(0.0, _STEP_UM if n % 2 else -_STEP_UM)
        rig.run(0.8)
        begin = time.perf_counter()
        session.do(Capture(time.monotonic_ns()))
        rig.until(lambda n=n: len(session.snapshot().fields) == n)  # type: ignore[misc]
        found.press_to_captured_ms.append(1e3 * (time.perf_counter() - begin))
        rig.until(lambda: session.snapshot().fields[-1].result is not None)
        found.press_to_overlay_ms.append(1e3 * (time.perf_counter() - begin))
    rig.until(lambda: (s := session.snapshot().summary) is not None and s.n_fields == task.fields)


def _thresholds(rig: _Rig, found: LiveResult) -> None:
    """Move a threshold back and forth; wait for the visible field and for all captured ones."""
    session = rig.session
    kept = session.snapshot().profile.thresholds
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
    print(json.dumps(asdict(measure(LiveTask(**json.loads(arguments[0]))))))  # noqa: T201 - its one purpose
    sys.stdout.flush()
    # Threads of a driver may still be busy; nothing is left to be written.
    os._exit(0)


if __name__ == "__main__":
    main(sys.argv[1:])

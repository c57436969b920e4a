"""The window brought into each state by what a user does, and photographed."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from PyQt6.QtCore import QCoreApplication, QEvent, Qt
from PyQt6.QtTest import QTest
from PyQt6.QtWidgets import QApplication, QWidget

from armicro.app.detectors import CLASSICAL, DetectorChoice, make_detector
from armicro.app.profiles import DEFAULT_STAIN_PROFILE, load_stain_profile, profile_names
from armicro.contracts.casebook import OpenCase
from armicro.contracts.cells import CATEGORIES
from armicro.contracts.devices import CameraEvent, CameraEventKind
from armicro.contracts.frame import Optics
from armicro.contracts.stain import DabThresholds
from armicro.devices.capture import CaptureLoop
from armicro.devices.image_files import read_image, write_png
from armicro.overlay.eyepiece_geometry import EyepieceGeometry
from armicro.overlay.eyepiece_sum import simulate_sum
from armicro.scoring.guidelines import DEFAULT_GUIDELINE, guideline_names, load_guideline
from armicro.session.commands import RemoveField, SetThresholds
from armicro.session.parts import SessionParts
from armicro.session.session import Session
from armicro.sim.params import parse_mix
from armicro.sim.slide import SimulatedSlide, SlideParams, case_at
from armicro.store.memory import MemoryCase
from armicro.ui.actions import offered
from armicro.ui.eyepiece_window import EyepieceWindow
from armicro.ui.help_dialog import HelpDialog
from armicro.ui.hooks import Hooks
from armicro.ui.main_window import MainWindow
from armicro.ui.memory import Memory
from armicro.ui.theme import fitting_font_px
from tools.screenshots.calibrations import take_calibrations
from tools.screenshots.hands import wait_ms
from tools.screenshots.setup_pages import take_setup

_UM_PER_PX = 0.25
_FRAME_PX = (900, 1200)
_MIX = "intense_complete=0.08,intense_incomplete=0.06,weak_complete=0.24,weak_incomplete=0.22,faint=0.14"
_WAIT_S = 180.0
_PLACES_UM = ((0.0, 0.0), (-110.0, -90.0), (-90.0, 100.0), (110.0, 70.0), (40.0, -60.0))
"""Where fields are captured; all of them away from the slide's mirrored edges."""
SIZES = ((1280, 800), (1920, 1080))
_EYEPIECE_PX = (1920, 1080)
_DIALOGS = ("12-setup", "17-calibrate", "18-daily-check", "20-align")


class Studio:
    """A window over a simulated slide, with hands.

    Parameters
    ----------
    settings : Path
        Where the window keeps its layout; a new file.
    frame_px : tuple of int
        Height and width of the camera's frames.
    frame_rate_hz : float
        Frames per second.
    grid : int
        Fields along each side of the slide.
    """

    def __init__(
        self, settings: Path, frame_px: tuple[int, int] = _FRAME_PX, frame_rate_hz: float = 6.0, grid: int = 3
    ) -> None:
        there = QApplication.instance()
        self.app = there if isinstance(there, QApplication) else QApplication([])
        case = replace(case_at(_UM_PER_PX), mix=parse_mix(_MIX))
        self.slide = SimulatedSlide(5, SlideParams(case, frame_px, grid=grid, frame_rate_hz=frame_rate_hz))
        optics = {"20x": Optics(2 * _UM_PER_PX, "20x"), "40x": Optics(_UM_PER_PX, "40x")}
        parts = SessionParts(
            detector=make_detector(DetectorChoice(CLASSICAL), lambda _: None),
            load_profile=load_stain_profile,
            load_guideline=load_guideline,
            open_case=_memory,
            case_id="26-1187",
            profile=DEFAULT_STAIN_PROFILE,
            guideline=DEFAULT_GUIDELINE,
            objectives=optics,
            objective="40x",
        )
        self.session = Session(parts, self.slide)
        self.loop = CaptureLoop(self.slide)
        guidelines = {name: load_guideline(name).title for name in guideline_names()}
        hooks = Hooks(
            guidelines=guidelines,
            profiles=lambda: profile_names("stain"),
            report=lambda _: None,
            save_profile=lambda _: None,
            eyepiece_window=lambda _: None,
        )
        self.window = MainWindow(self.session, hooks, Memory(settings))
        self.window.show()

    def resize(self, width: int, height: int) -> None:
        """Give the window a size, and the letters and layout that it would begin with on such a screen."""
        self.window.set_font_px(fitting_font_px(height))
        self.window.resize(width, height)
        wait_ms(50)
        self.window.parts.spread()
        wait_ms(50)

    def plug_in(self) -> None:
        """Let the camera give frames, and wait for the first reading."""
        self.loop.start(self.session.on_exposure, self.session.on_camera_event)
        self.until(lambda: self.slide.rendered)
        self.until(lambda: (live := self.session.live()) is not None and live.result is not None)

    def until(self, holds: Callable[[], object]) -> None:
        """Let the window live until something holds."""
        end = time.monotonic() + _WAIT_S
        while not holds():
            if time.monotonic() > end:
                raise TimeoutError(f"this did not come about: {self.session.snapshot()}"[:2000])
            wait_ms(20)

    def capture(self, n: int) -> None:
        """Capture until there are n fields, each at another place."""
        stage = self.session.stage
        while (have := len(self.session.snapshot().fields)) < n:
            if stage is not None:
                (y, x), (to_y, to_x) = stage.position_um, _PLACES_UM[have % len(_PLACES_UM)]
                stage.move_by(to_y - y, to_x - x)
                wait_ms(1200)
            QTest.keyClick(self.window.parts.picture, Qt.Key.Key_Space)  # type: ignore[call-overload]
            self.until(lambda: len(self.session.snapshot().fields) > have)
        self.until(lambda: (s := self.session.snapshot().summary) is not None and s.n_fields >= n)
        self.until(lambda: (live := self.session.live()) is not None and live.result is not None)
        self.until(lambda: not self.session.snapshot().busy)

    def point_at(self, number: int) -> None:
        """Look at a captured field, and at one of its strongest cells."""
        window = self.window
        window.sight.go_to(number)
        self.until(lambda: window.parts.picture.shape is not None)
        result = self.session.snapshot().fields[number - 1].result
        if result is None:
            raise RuntimeError(f"field {number} is not read")
        cells = result.cells
        away = np.abs(cells.yx_px - np.asarray(result.shape, np.float32) / 2).max(axis=1)
        strong = int(np.where(cells.category == CATEGORIES[0], away, np.inf).argmin())
        y, x = cells.yx_px[strong]
        window.parts.picture.zoom(2.2)
        window.parts.picture.centre_on(float(y), float(x))
        window.sight.point_at(float(y), float(x))
        wait_ms(400)

    def hold_handle(self, *, letting_go: bool = False) -> None:
        """Take the handle of "intense" and pull it to the left; let go only if told so."""
        histogram = self.window.parts.stain.histogram
        thresholds = self.session.snapshot().profile.thresholds
        at = histogram.rect().center()
        begin, end = (
            round(histogram.x_of(od)) for od in (thresholds.intense_od, thresholds.intense_od - 0.1)
        )
        at.setX(begin)
        QTest.mousePress(histogram, Qt.MouseButton.LeftButton, pos=at)  # type: ignore[call-overload]
        for x in range(begin, end, -2):
            at.setX(x)
            QTest.mouseMove(histogram, at)  # type: ignore[call-overload]
            wait_ms(15)
        self.until(lambda: (c := self.session.snapshot().change) is not None and c.after is not None)
        if letting_go:
            QTest.mouseRelease(histogram, Qt.MouseButton.LeftButton, pos=at)  # type: ignore[call-overload]
            self.until(lambda: not self.session.snapshot().busy)

    def take(self, path: Path, widget: QWidget | None = None) -> Path:
        """Photograph the window, or another one."""
        wait_ms(700)
        if not (widget or self.window).grab().save(str(path)):
            raise OSError(f"{path} cannot be written")
        return path

    def close(self) -> None:
        """Put everything away."""
        self.window.leave_unasked()
        self.window.deleteLater()
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)
        self.loop.close()
        self.session.close()


def _memory(case_id: str) -> OpenCase:
    del case_id
    return MemoryCase()


def _take_eyepiece(studio: Studio, eyepiece: EyepieceWindow, out: Path) -> Iterator[Path]:
    """Take the eyepiece's display, and what an eye sees through it."""
    studio.until(lambda: eyepiece.shown.result is not None)
    path = studio.take(out / "10-eyepiece-display.png", eyepiece)
    yield path
    live = studio.session.live()
    display = read_image(path, _UM_PER_PX).rgb
    if live is not None:
        geometry = EyepieceGeometry.fitted(live.frame.shape, display.shape[:2])
        seen = out / "10-eyepiece-as-seen.png"
        write_png(seen, simulate_sum(live.frame.rgb, display, 0.7, geometry))
        yield seen


def take_all(out: Path, settings: Path, only: str) -> Iterator[Path]:
    """Take every state at every size; yields the files."""
    studio = Studio(settings)
    window = studio.window

    def take(name: str) -> Iterator[Path]:
        if only in name:
            for width, height in SIZES:
                studio.resize(width, height)
                yield studio.take(out / f"{name}-{width}x{height}.png")

    try:
        window.parts.notices.add("No camera was named: this is the simulated slide. Name one with --camera.")
        yield from take("1-no-camera-yet")
        window.parts.notices.put_away()
        studio.plug_in()
        yield from take("2-live")
        studio.capture(5)
        yield from take("3-five-fields")
        studio.hold_handle()
        yield from take("4-threshold-moving")
        window.parts.stain.histogram.cancel()
        studio.session.do(SetThresholds(DabThresholds(0.16, 0.40, 0.08)))
        studio.until(lambda: not studio.session.snapshot().busy)
        studio.session.do(RemoveField(1))
        yield from take("5-field-left-out")
        studio.point_at(3)
        yield from take("6-cell")
        window.sight.go_live()
        window.parts.picture.fit()
        window.actions_by_name["eyepiece"].trigger()
        yield from take("7-as-in-the-eyepiece")
        window.actions_by_name["eyepiece"].trigger()
        eyepiece = EyepieceWindow(studio.session)
        eyepiece.resize(*_EYEPIECE_PX)
        eyepiece.show()
        if only in "10-eyepiece":
            yield from _take_eyepiece(studio, eyepiece, out)
        window.parts.bottom.setCurrentIndex(1)
        studio.slide.faults.lose(math.inf)
        studio.until(lambda: studio.session.snapshot().faults)
        yield from take("8-unplugged")
        if only in "11-eyepiece-fault":
            studio.until(lambda: eyepiece.shown.rim.fault)
            yield studio.take(out / "11-eyepiece-fault.png", eyepiece)
        eyepiece.close()
        if only in "9-help":
            help_ = HelpDialog(offered(window.hooks), window)
            help_.show()
            yield studio.take(out / "9-help.png", help_)
            help_.close()
        if any(only in name for name in _DIALOGS):
            studio.loop.close()
            studio.session.on_camera_event(
                CameraEvent(CameraEventKind.RECOVERED, "back", time.monotonic_ns())
            )
            yield from take_setup(out)
            yield from take_calibrations(studio.session, out)
    finally:
        studio.close()

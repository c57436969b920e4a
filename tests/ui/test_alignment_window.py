"""The eyepiece aligned in the window: by pedal, space bar and buttons, over a mapping that is known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("PyQt6.QtWidgets", reason="the window needs PyQt6: pip install 'armicro[instrument]'")

from PyQt6.QtCore import QCoreApplication, Qt
from PyQt6.QtTest import QTest

from armicro.app.calibration_files import EyepieceFile
from armicro.app.calibration_store import newest
from armicro.contracts.devices import Gesture, PedalPress
from armicro.devices.serial_pedal import SerialPedal
from armicro.imaging.homography import apply_homography
from armicro.session.alignment import AlignmentStep
from tests.serial_rig import PtyPlug
from tests.ui.calibration_bench import DISPLAY_PX, Bench, Slide, glass, until, wait


class Aligning:
    """The eyepiece's page with a slide under it, and hands at the stage."""

    def __init__(self, bench: Bench) -> None:
        self.bench, self.slide, self.page = bench, Slide(), bench.dialog.alignment
        bench.dialog.go_to(3)
        self.rest()
        self.page.look()
        assert not self.page.start.isEnabled()
        self.page.picture.clicked.emit(*self.slide.at.tolist())
        assert self.page.start.isEnabled()
        self.page.start.click()

    def rest(self) -> None:
        for _ in range(3):
            self.bench.put(self.slide.picture())

    def step(self) -> AlignmentStep | None:
        return None if self.page.alignment is None else self.page.alignment.step

    def current(self) -> int:
        assert self.page.alignment is not None
        return self.page.alignment.current

    def to_cross(self) -> None:
        assert self.page.alignment is not None
        self.slide.bring_under(self.page.alignment.crosses_yx_px[self.current()])
        self.rest()

    def press(self, gesture: Gesture = Gesture.SHORT, source: str = "pedal") -> None:
        self.bench.presses(PedalPress(gesture, self.bench.rig.now_ns + 1, source))
        QCoreApplication.processEvents()

    def take(self) -> None:
        """Press at the next cross, and let the next picture come."""
        n = self.current()
        self.to_cross()
        self.press()
        self.bench.put(self.slide.picture())
        self.page.look()
        until(lambda: self.page.alignment is None or self.current() > n or self.page.alignment.problem)


def test_the_eyepiece_is_aligned_by_foot_and_takes_effect_at_once(bench: Bench) -> None:
    work = Aligning(bench)
    window = bench.hook.window
    assert window is not None
    lit = window.grab().toImage()
    assert any(lit.pixelColor(x, 240).green() > 200 for x in range(lit.width()))
    assert bench.hook.display().calibration is None
    work.press()
    assert work.step() is AlignmentStep.POINTS
    for _ in range(9):
        work.take()
    assert work.step() is AlignmentStep.RESULT
    assert "µm" in work.page.words.text()
    assert bench.rig.session.snapshot().fields == ()
    work.press()
    until(lambda: work.page.alignment is None)
    kept = newest(bench.folder, EyepieceFile, "any")
    assert (kept.camera_shape_px, kept.display_shape_px, kept.pairs) == ((600, 700), DISPLAY_PX, 9)
    assert kept.residual_um is not None
    assert kept.residual_um < 0.1
    corners = np.array([[0, 0], [0, 699], [599, 0], [599, 699]], np.float64)
    off = apply_homography(np.array(kept.matrix), corners) - apply_homography(work.slide.truth, corners)
    assert np.linalg.norm(off, axis=1).max() < 0.6
    calibration = bench.hook.display().calibration
    assert calibration is not None
    assert calibration.identity == kept.identity
    assert "In use now" in work.page.words.text()
    bench.presses(PedalPress(Gesture.SHORT, bench.rig.now_ns + 1, "pedal"))
    bench.put(work.slide.picture())
    bench.rig.until(lambda: len(bench.rig.session.snapshot().fields) == 1)


def test_a_real_pedal_over_a_terminal_takes_points_and_no_field(bench: Bench, tmp_path: Path) -> None:
    plug = PtyPlug(tmp_path)
    plug.plug_in()
    told: list[object] = []

    def at_session_time(press: PedalPress) -> None:
        bench.presses(PedalPress(press.gesture, bench.rig.now_ns + 1, press.source))
        told.append(press)

    pedal = SerialPedal(plug.address)
    links: list[object] = []
    pedal.start(at_session_time, links.append)
    try:
        until(lambda: links)
        work = Aligning(bench)
        plug.send(b"press\n")
        until(lambda: work.step() is AlignmentStep.POINTS)
        for n in range(4):
            work.to_cross()
            plug.send(b"press\n")
            until(lambda n=n: len(told) == n + 2)  # type: ignore[misc]
            QCoreApplication.processEvents()
            bench.put(work.slide.picture())
            work.page.look()
            until(lambda n=n: work.current() == n + 1, f"point {n + 1}")  # type: ignore[misc]
    finally:
        pedal.close()
        plug.pull_out()
    assert bench.rig.session.snapshot().fields == ()


def test_the_space_bar_takes_points_held_takes_back_and_twice_ends(bench: Bench) -> None:
    work = Aligning(bench)
    bench.dialog.activateWindow()
    until(bench.dialog.isActiveWindow)

    def space(hold_ms: int = 0) -> None:
        QTest.keyPress(work.page, Qt.Key.Key_Space)  # type: ignore[call-overload]
        wait(hold_ms / 1000)
        QTest.keyRelease(work.page, Qt.Key.Key_Space)  # type: ignore[call-overload]

    space()
    until(lambda: work.step() is AlignmentStep.POINTS)
    for n in range(5):
        work.to_cross()
        space()
        until(lambda: not work.page.take.isEnabled(), "the press is not heard")
        bench.put(work.slide.picture())
        work.page.look()
        until(lambda n=n: work.current() == n + 1, f"point {n + 1}")  # type: ignore[misc]
    space(hold_ms=700)
    until(lambda: work.current() == 4)
    # Less than the debounce time between them would be one press.
    wait(0.1)
    space()
    wait(0.1)
    space()
    until(lambda: work.step() is AlignmentStep.RESULT)
    assert "whatever their errors" in work.page.words.text()


def test_a_press_while_the_stage_moves_or_the_thing_is_gone_takes_no_point(bench: Bench) -> None:
    work = Aligning(bench)
    work.press()
    work.to_cross()
    work.press()
    work.slide.at = work.slide.at + 60.0
    bench.put(work.slide.picture())
    work.page.look()
    assert "the stage moved" in work.page.words.text()
    assert work.current() == 0
    work.slide.at = np.array([2500.0, 2500.0])
    work.rest()
    work.press()
    bench.put(work.slide.picture())
    work.page.look()
    until(lambda: not work.page.busy)
    assert "not in the camera's picture" in work.page.words.text()
    work.take()
    assert work.current() == 1


def test_cancelled_or_closed_nothing_is_kept_and_pedal_and_eyepiece_are_given_back(bench: Bench) -> None:
    work = Aligning(bench)
    work.press()
    work.page.stop.click()
    assert work.page.alignment is None
    assert "Nothing was kept" in work.page.words.text()
    work.page.start.click()
    assert work.step() is AlignmentStep.CIRCLE
    bench.dialog.go_to(0)
    assert work.page.alignment is None
    work.rest()
    bench.presses(PedalPress(Gesture.SHORT, bench.rig.now_ns + 1, "pedal"))
    bench.put(work.slide.picture())
    bench.rig.until(lambda: len(bench.rig.session.snapshot().fields) == 1)
    window = bench.hook.window
    assert window is not None
    until(lambda: window.shown.result is not None, "the overlay does not come back")
    assert not bench.folder.exists()


def test_arrow_keys_and_plus_fit_the_circle(bench: Bench) -> None:
    work = Aligning(bench)
    assert work.page.alignment is not None
    before = work.page.alignment.circle
    for key in (Qt.Key.Key_Right, Qt.Key.Key_Plus, Qt.Key.Key_Down):
        QTest.keyClick(work.page, key)  # type: ignore[call-overload]
    after = work.page.alignment.circle
    assert after.yx_px == (before.yx_px[0] + 2, before.yx_px[1] + 2)
    assert after.radius_px == before.radius_px + 4


def test_a_plain_place_cannot_be_followed(bench: Bench) -> None:
    bench.dialog.go_to(3)
    bench.put(glass(1))
    page = bench.dialog.alignment
    page.look()
    page.picture.clicked.emit(120.0, 160.0)
    assert "nothing stands out" in page.words.text()
    assert not page.start.isEnabled()

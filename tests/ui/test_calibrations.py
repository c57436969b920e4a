"""The calibrations in the window, on a live picture that is put before the session."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

pytest.importorskip("PyQt6.QtWidgets", reason="the window needs PyQt6: pip install 'armicro[instrument]'")

from PyQt6.QtCore import QCoreApplication, QEvent, Qt
from PyQt6.QtTest import QTest

from armicro.app.calibrating import scale_by_hand
from armicro.app.calibration_desk import Calibrations
from armicro.app.calibration_files import EyepieceFile, FlatFile, ScaleFile
from armicro.app.calibration_store import newest
from armicro.app.profiles import load_optics
from armicro.contracts.arrays import F64, U8, frozen
from armicro.contracts.devices import CameraEventKind, Exposure, Gesture, PedalPress
from armicro.contracts.frame import Optics
from armicro.devices.key_pedal import KeyPedal
from armicro.devices.serial_pedal import SerialPedal
from armicro.imaging.homography import apply_homography, inverse
from armicro.session.alignment import AlignmentStep
from armicro.session.press_switch import PressSwitch
from armicro.ui.calibration_desk import CalibrationDesk
from armicro.ui.calibration_dialog import CalibrationDialog
from armicro.ui.eyepiece_hook import EyepieceHook
from armicro.ui.hooks import Hooks
from tests.serial_rig import PtyPlug
from tests.session_rig import STEP_NS, Rig
from tests.ui.window_rig import WindowRig

OPTICS = Optics(0.25, "40x")
DISPLAY_PX = (480, 640)


def until(holds: Callable[[], object], what: str = "did not come true") -> None:
    end = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < end, what
        QCoreApplication.processEvents()
        time.sleep(0.003)


def wait(seconds: float) -> None:
    """Let the event loop run."""
    end = time.monotonic() + seconds
    until(lambda: time.monotonic() >= end)


def glass(seed: int, level: float = 1.0) -> U8:
    y, x = np.mgrid[-1:1:240j, -1:1:320j]
    mean = (1 - 0.12 * (y**2 + x**2))[..., None] * np.array([236.0, 231.0, 226.0]) * level
    noise = np.random.default_rng(seed).normal(0, 2, mean.shape)
    return frozen(np.clip(np.rint(mean + noise), 0, 255).astype(np.uint8))


def rulings(period_px: float) -> U8:
    profile = 230 - 120 * np.exp(-0.5 * (((np.arange(600) + 7) % period_px - period_px / 2) / 2.5) ** 2)
    grey = np.repeat(profile[None], 500, axis=0)
    turn = cv2.getRotationMatrix2D((300, 250), 2.0, 1.0)
    grey = cv2.warpAffine(grey, turn, (600, 500), borderMode=cv2.BORDER_REPLICATE)[50:450, 100:500]
    return frozen(np.repeat(np.rint(grey).astype(np.uint8)[..., None], 3, axis=2))


class Slide:
    """Tissue-like texture that can be moved, over an eyepiece whose mapping is known."""

    def __init__(self) -> None:
        rng = np.random.default_rng(6)
        grey = np.full((1300, 1500), 225, np.float32)
        for size, depth in ((26, 30), (110, 40), (400, 25)):
            coarse = rng.normal(0, 1, (size, size)).astype(np.float32)
            grey -= depth * np.maximum(cv2.resize(coarse, (1500, 1300), interpolation=cv2.INTER_CUBIC), 0)
        self._grey = np.clip(grey, 5, 250)
        turn = np.radians(6.0)
        c, s = 0.85 * np.cos(turn), 0.85 * np.sin(turn)
        self.truth: F64 = np.array([[c, -s, 60.0], [s, c, -25.0], [1e-5, -2e-5, 1.0]])
        self._rng = rng
        self.at = np.array([300.0, 350.0])

    def bring_under(self, cross_yx: F64) -> None:
        self.at = apply_homography(inverse(self.truth), cross_yx)

    def picture(self) -> U8:
        y, x = self.at - np.array([650.0, 750.0])
        move = np.array([[1, 0, x], [0, 1, y]], np.float64)
        part = cv2.warpAffine(self._grey, move, (700, 600), flags=cv2.INTER_CUBIC)
        part = part + self._rng.normal(0, 2, part.shape)
        return frozen(np.repeat(np.clip(part, 0, 255).astype(np.uint8)[..., None], 3, axis=2))


class Bench:
    """A session, its eyepiece on a window of known size, and the dialog over them."""

    def __init__(self, folder: Path) -> None:
        self.rig = Rig()
        self.presses = PressSwitch(self.rig.session.on_press)
        self.hook = EyepieceHook(self.rig.session, None, None, lambda _: None)
        self.folder = folder
        made = Calibrations(self.rig.session, self.hook.align, folder)
        self.desk = CalibrationDesk(
            kept=made.kept, glass=made.glass, check=made.check, rulings=made.rulings, by_hand=scale_by_hand,
            keep_scale=made.keep_scale, keep_eyepiece=made.keep_eyepiece, divert=self.presses.divert,
            pedal=KeyPedal(self._press, "space bar"), target=self.hook, place=folder,
        )  # fmt: skip
        self.hook(True)
        window = self.hook.window
        assert window is not None
        window.showNormal()
        window.resize(DISPLAY_PX[1], DISPLAY_PX[0])
        self.dialog = CalibrationDialog(self.rig.session, self.desk)
        self.dialog.objective.setText("40x")
        self.dialog.show()

    def _press(self, press: PedalPress) -> None:
        """Press at the session's own time: its clock is a scripted one."""
        self.presses(PedalPress(press.gesture, self.rig.now_ns + 1, press.source))

    def put(self, rgb: U8) -> None:
        """Put a picture before the camera, and let the window see it."""
        self.rig.now_ns += STEP_NS
        self.rig.frame_id += 1
        number = self.rig.frame_id
        self.rig.session.on_exposure(Exposure(rgb, number, self.rig.now_ns, OPTICS))
        until(lambda: (v := self.rig.session.live()) is not None and v.frame.frame_id == number)

    def close(self) -> None:
        self.dialog.reject()
        self.dialog.deleteLater()
        self.hook.close()
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)
        self.rig.session.close()
        assert not [t for t in threading.enumerate() if t.name == "armicro-calibration"]


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, qapp: object) -> Iterator[Bench]:
    del qapp
    monkeypatch.setenv("ARMICRO_INSTRUMENT", str(tmp_path / "instrument.toml"))
    made = Bench(tmp_path / "calibration")
    yield made
    made.close()


# -- light ---------------------------------------------------------------------------------------------------


def take_glass(bench: Bench, level: float = 1.0) -> None:
    page = bench.dialog.glass
    bench.dialog.go_to(1)
    bench.put(glass(0, level))
    until(page.start.isEnabled)
    page.start.click()
    for seed in range(1, 60):
        if page.feed is None:
            break
        bench.put(glass(seed, level))
        page.look()
        QCoreApplication.processEvents()
    until(lambda: page.feed is None)


def test_empty_glass_is_measured_kept_and_checked(bench: Bench) -> None:
    take_glass(bench)
    kept = newest(bench.folder, FlatFile, "40x")
    assert kept.frames == 16
    assert kept.white_rgb == pytest.approx((236, 231, 226), abs=0.8)
    assert "white point" in bench.dialog.glass.words.text()
    assert "--flat-field" in bench.dialog.glass.words.text()
    check = bench.dialog.check
    for level, verdict in ((1.0, "✓"), (0.97, "!"), (0.9, "✕")):
        bench.dialog.go_to(1)
        bench.dialog.go_to(0)
        bench.put(glass(99, level))
        until(check.check.isEnabled)
        check.look()
        check.check.click()
        until(lambda: not check.busy)
        assert check.verdict.text().startswith(verdict)
    assert "white point" in check.words.text()


def test_tissue_is_no_glass_and_nothing_is_kept(bench: Bench) -> None:
    page, slide = bench.dialog.glass, Slide()
    bench.dialog.go_to(1)
    bench.put(slide.picture())
    until(page.start.isEnabled)
    page.start.click()
    while page.feed is not None:
        bench.put(slide.picture())
        page.look()
        QCoreApplication.processEvents()
    assert page.words.objectName() == "warn"
    assert not bench.folder.exists()
    assert page.start.isEnabled()


def test_taking_can_be_cancelled_and_ends_with_the_dialog(bench: Bench) -> None:
    page = bench.dialog.glass
    bench.dialog.go_to(1)
    bench.put(glass(0))
    until(page.start.isEnabled)
    page.start.click()
    page.look()
    assert page.cancel.isEnabled()
    page.cancel.click()
    until(lambda: page.feed is None)
    assert "nothing was kept" in page.words.text()
    page.start.click()
    bench.dialog.reject()
    until(lambda: not bench.dialog.isVisible())
    assert not bench.folder.exists()


def test_without_a_calibration_the_check_says_how_to_make_one(bench: Bench) -> None:
    check = bench.dialog.check
    bench.put(glass(0))
    until(check.check.isEnabled)
    check.check.click()
    until(lambda: not check.busy)
    assert "no calibration of kind flat" in check.words.text()
    assert check.verdict.text() == ""


# -- scale ---------------------------------------------------------------------------------------------------


def test_rulings_give_the_scale_and_the_difference_to_the_one_in_use(bench: Bench) -> None:
    page = bench.dialog.scale
    bench.dialog.go_to(2)
    bench.put(rulings(40.0))
    until(page.measure.isEnabled)
    assert not page.keep.isEnabled()
    page.measure.click()
    until(lambda: page.scale is not None)
    assert page.scale is not None
    assert page.scale.um_per_px == pytest.approx(0.25, rel=0.005)
    assert "In use now" in page.words.text()
    page.more.click()
    until(lambda: not page.busy)
    assert "2 pictures" in page.scale.method
    page.keep.click()
    kept = newest(bench.folder, ScaleFile, "40x")
    assert kept.um_per_px == pytest.approx(0.25, rel=0.005)
    profile = next(bench.folder.glob("optics-*.toml"))
    assert load_optics(str(profile)).objective == "40x"
    assert "--um-per-px" in page.words.text()


def test_without_rulings_it_says_so(bench: Bench) -> None:
    page = bench.dialog.scale
    bench.dialog.go_to(2)
    bench.put(glass(1))
    until(page.measure.isEnabled)
    page.measure.click()
    until(lambda: not page.busy)
    assert "rulings" in page.words.text()
    assert page.scale is None
    assert not page.keep.isEnabled()


def test_a_known_length_between_two_clicks_in_a_picture_that_then_stands_still(bench: Bench) -> None:
    page = bench.dialog.scale
    bench.dialog.go_to(2)
    bench.put(rulings(40.0))
    until(page.measure.isEnabled)
    page.look()
    page.picture.clicked.emit(200.0, 50.0)
    page.picture.clicked.emit(200.0, 90.0)
    still = page.picture.rgb
    bench.put(glass(1))
    page.look()
    assert page.picture.rgb is still
    page.length.setValue(10.0)
    page.hand.click()
    assert "too short" in page.words.text()
    page.picture.clicked.emit(200.0, 50.0)
    page.picture.clicked.emit(200.0, 250.0)
    page.length.setValue(50.0)
    page.hand.click()
    assert page.scale is not None
    assert page.scale.um_per_px == pytest.approx(0.25)
    page.again.click()
    page.look()
    assert page.picture.rgb is not still
    assert page.scale is None


def test_with_an_instrument_set_up_the_scale_is_used_from_the_next_start(
    bench: Bench, tmp_path: Path
) -> None:
    file = tmp_path / "instrument.toml"
    file.write_text(
        'schema = "armicro.instrument/1"\ncamera = "webcam:0"\num_per_px = 0.3\n', encoding="utf-8"
    )
    page = bench.dialog.scale
    bench.dialog.go_to(2)
    bench.put(rulings(40.0))
    until(page.measure.isEnabled)
    page.measure.click()
    until(lambda: page.scale is not None)
    page.keep.click()
    text = file.read_text(encoding="utf-8")
    assert 'camera = "webcam:0"' in text
    assert "um_per_px = 0.25" in text or "um_per_px = 0.249" in text
    assert 'objective = "40x"' in text


# -- eyepiece ------------------------------------------------------------------------------------------------


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


def test_every_page_fits_a_small_screen(bench: Bench) -> None:
    take_glass(bench)
    for place in range(4):
        bench.dialog.go_to(place)
        bench.dialog.resize(1180, 700)
        QCoreApplication.processEvents()
        size = bench.dialog.minimumSizeHint()
        assert (size.width() <= 1180, size.height() <= 700) == (True, True), place
        page = bench.dialog.page
        assert page.minimumSizeHint().height() <= 700, page.title


# -- from the window -----------------------------------------------------------------------------------------


def test_check_and_calibrations_open_from_the_menu_and_go_with_the_window(
    new_window: Callable[..., WindowRig], bench: Bench
) -> None:
    rig = new_window(Hooks(calibration=bench.desk))
    rig.window.actions_by_name["daily_check"].trigger()
    dialog = rig.window.instrument.dialog
    assert isinstance(dialog, CalibrationDialog)
    assert dialog.page is dialog.check
    rig.window.actions_by_name["calibrate"].trigger()
    second = rig.window.instrument.dialog
    assert isinstance(second, CalibrationDialog)
    assert not dialog.isVisible()
    assert second.page is second.glass
    rig.rig.event(CameraEventKind.LOST, "the camera is gone: check its cable")
    until(lambda: "check its cable" in second.glass.picture.words)
    assert not second.glass.start.isEnabled()
    rig.window.leave_unasked()
    assert not second.isVisible()

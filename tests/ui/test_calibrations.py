"""The calibrations in the window, on a live picture that is put before the session."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

pytest.importorskip("PyQt6.QtWidgets", reason="the window needs PyQt6: pip install 'armicro[instrument]'")

from PyQt6.QtCore import QCoreApplication

from armicro.app.calibration_files import FlatFile, ScaleFile
from armicro.app.calibration_store import newest
from armicro.app.profiles import load_optics
from armicro.contracts.devices import CameraEventKind
from armicro.ui.calibration_dialog import CalibrationDialog
from armicro.ui.hooks import Hooks
from tests.ui.calibration_bench import Bench, Slide, glass, rulings, until
from tests.ui.window_rig import WindowRig

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

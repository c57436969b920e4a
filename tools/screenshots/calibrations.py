"""The calibrations brought into each state by what a user does, and photographed."""

from __future__ import annotations

import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
from PyQt6.QtCore import QCoreApplication, QEvent

from armicro.app.calibrating import scale_by_hand
from armicro.app.calibration_desk import Calibrations
from armicro.contracts.arrays import F64, U8
from armicro.contracts.devices import Exposure, Gesture, PedalPress
from armicro.contracts.frame import Optics
from armicro.devices.key_pedal import KeyPedal
from armicro.imaging.homography import apply_homography, inverse
from armicro.session.alignment import AlignmentStep
from armicro.session.press_switch import PressSwitch
from armicro.session.session import Session
from armicro.sim.case import CaseParams, simulate_field
from armicro.ui.calibration_desk import CalibrationDesk
from armicro.ui.calibration_dialog import CalibrationDialog
from armicro.ui.eyepiece_hook import EyepieceHook
from tools.screenshots.hands import FRAME_PX, UM_PER_PX, show, take, until, wait_ms

_PERIOD_MS = 80
_EYEPIECE_PX = (480, 853)


def glass(seed: int) -> U8:
    """Make a picture of empty glass, lit unevenly."""
    y, x = np.mgrid[-1 : 1 : FRAME_PX[0] * 1j, -1 : 1 : FRAME_PX[1] * 1j]
    light = (1 - 0.1 * (y**2 + x**2) + 0.02 * x)[..., None] * np.array([233.0, 231.0, 226.0])
    noise = np.random.default_rng(seed).normal(0, 2, light.shape)
    return np.asarray(np.clip(light + noise, 0, 255), np.uint8)


def micrometer() -> U8:
    """Make a picture of a stage micrometer: a line every 10 µm, tilted a little."""
    height, width = FRAME_PX
    period = 10 / UM_PER_PX
    at = np.arange(width + 400) % period - period / 2
    grey = np.repeat((228 - 140 * np.exp(-0.5 * (at / 3) ** 2))[None], height + 400, axis=0)
    turn = cv2.getRotationMatrix2D(((width + 400) / 2, (height + 400) / 2), 1.5, 1.0)
    turned = cv2.warpAffine(grey, turn, (width + 400, height + 400), borderMode=cv2.BORDER_REPLICATE)
    return np.repeat(turned[200:-200, 200:-200].astype(np.uint8)[..., None], 3, axis=2)


class Bench:
    """A session with no camera but a picture that is put before it, and the desks around it.

    Parameters
    ----------
    session : Session
        Fed until `close`.
    folder : Path
        Where calibrations are kept.
    """

    def __init__(self, session: Session, folder: Path) -> None:
        self.session = session
        self.presses = PressSwitch(session.on_press)
        self._picture: Callable[[int], U8] = glass
        self._stop = threading.Event()
        self._number = 0
        self.eyepiece = EyepieceHook(session, None, None, lambda _: None)
        made = Calibrations(session, self.eyepiece.align, folder)
        self.desk = CalibrationDesk(
            kept=made.kept, glass=made.glass, check=made.check, rulings=made.rulings, by_hand=scale_by_hand,
            keep_scale=made.keep_scale, keep_eyepiece=made.keep_eyepiece, divert=self.presses.divert,
            pedal=KeyPedal(self.presses, "space bar"), target=self.eyepiece, place=folder,
        )  # fmt: skip
        self._thread = threading.Thread(target=self._feed, name="bench", daemon=True)
        self._thread.start()

    def show(self, picture: Callable[[int], U8]) -> None:
        """Put another picture before the camera; it is told the number of the frame."""
        self._picture = picture
        after = self._number + 1
        until(lambda: (v := self.session.live()) is not None and v.frame.frame_id > after, "no new picture")
        wait_ms(400)

    def _feed(self) -> None:
        while not self._stop.wait(_PERIOD_MS / 1000):
            number = self._number
            t_ns, rgb = time.monotonic_ns(), self._picture(number)
            self.session.on_exposure(Exposure(rgb, number, t_ns, Optics(UM_PER_PX, "40x")))
            self._number += 1

    def close(self) -> None:
        """Stop."""
        self._stop.set()
        self._thread.join()
        self.eyepiece.close()


class _Stage:
    """A slide that is moved until a thing covers a cross of a known mapping.

    Parameters
    ----------
    display_px : tuple of int
        Height and width of the eyepiece's display.
    """

    def __init__(self, display_px: tuple[int, int]) -> None:
        side = 1700
        params = CaseParams(um_per_px=UM_PER_PX, shape_px=(side, side), fields=1)
        self._slide = simulate_field(params, 8, 0).rgb
        scale, turn = 0.46 * display_px[0] / 450, np.radians(4)
        c, s = scale * np.cos(turn), scale * np.sin(turn)
        to_middle = np.array([display_px[1] / 2, display_px[0] / 2]) - np.array([[c, -s], [s, c]]) @ (
            600,
            450,
        )
        self._matrix: F64 = np.array([[c, -s, to_middle[0]], [s, c, to_middle[1]], [0, 0, 1]])
        # What a person would choose: the place near the middle that stands out most.
        grey = cv2.cvtColor(self._slide, cv2.COLOR_RGB2GRAY).astype(np.float32)
        spread = cv2.blur(grey**2, (97, 97)) - cv2.blur(grey, (97, 97)) ** 2
        middle = spread[650:1050, 650:1050]
        self._thing = np.array(np.unravel_index(int(middle.argmax()), middle.shape)) + 650.0
        self.at = np.array([450.0, 600.0])

    def picture(self, number: int) -> U8:
        """Return the camera's picture."""
        y, x = self.at - self._thing
        turn = np.array([[1, 0, x], [0, 1, y]], np.float64)
        part = cv2.warpAffine(self._slide, turn, FRAME_PX[::-1], borderMode=cv2.BORDER_REFLECT)
        noise = np.random.default_rng(number).normal(0, 2, part.shape)
        return np.asarray(np.clip(part + noise, 0, 255), np.uint8)

    def bring_under(self, cross_yx: F64) -> None:
        """Move the stage."""
        self.at = apply_homography(inverse(self._matrix), cross_yx)


def take_calibrations(session: Session, out: Path) -> Iterator[Path]:
    """Go through the calibrations."""
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(session, Path(folder))
        try:
            bench.show(glass)
            dialog = CalibrationDialog(session, bench.desk)
            show(dialog)
            until(lambda: dialog.check.live is not None, "no live picture")
            yield from _take_light(dialog, out)
            yield from _take_scale(dialog, bench, out)
            yield from _take_alignment(dialog, bench, out)
            dialog.reject()
            dialog.deleteLater()
            QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)
        finally:
            bench.close()


def _take_light(dialog: CalibrationDialog, out: Path) -> Iterator[Path]:
    dialog.go_to(1)
    until(dialog.glass.start.isEnabled, "the light cannot be measured")
    dialog.glass.start.click()
    until(lambda: dialog.glass.feed is not None and dialog.glass.feed.taken >= 5, "no frames are taken")
    yield take(dialog, out / "17-calibrate-light-taking.png")
    until(lambda: "white point" in dialog.glass.words.text(), "the light is not measured")
    yield take(dialog, out / "17-calibrate-light-kept.png")
    dialog.go_to(0)
    until(dialog.check.check.isEnabled, "no check can be made")
    dialog.check.check.click()
    until(dialog.check.verdict.text, "the check does not end")
    yield take(dialog, out / "18-daily-check.png")


def _take_scale(dialog: CalibrationDialog, bench: Bench, out: Path) -> Iterator[Path]:
    ruled = micrometer()
    bench.show(lambda _: ruled.copy())
    dialog.go_to(2)
    until(dialog.scale.measure.isEnabled, "the scale cannot be measured")
    dialog.scale.measure.click()
    until(lambda: dialog.scale.scale is not None, "no rulings are found")
    yield take(dialog, out / "19-calibrate-scale-lines.png")
    for place in ((450.0, 200.0), (450.0, 1000.0)):
        dialog.scale.picture.clicked.emit(*place)
    dialog.scale.length.setValue(200.0)
    dialog.scale.hand.click()
    yield take(dialog, out / "19-calibrate-scale-by-hand.png")
    dialog.scale.keep.click()


def _take_alignment(dialog: CalibrationDialog, bench: Bench, out: Path) -> Iterator[Path]:
    stage = _Stage(_EYEPIECE_PX)
    bench.show(stage.picture)
    dialog.go_to(3)
    page = dialog.alignment
    until(lambda: page.live is not None, "no live picture")
    page.picture.clicked.emit(*stage.at.tolist())
    bench.eyepiece(True)
    window = bench.eyepiece.window
    if window is None:
        raise RuntimeError("there is no eyepiece window")
    window.showNormal()
    window.resize(_EYEPIECE_PX[1], _EYEPIECE_PX[0])
    wait_ms(200)
    page.start.click()
    if page.alignment is None:
        raise RuntimeError(page.words.text())
    yield take(dialog, out / "20-align-circle.png")
    yield take(window, out / "20-align-circle-eyepiece.png")

    def press(gesture: Gesture = Gesture.SHORT) -> None:
        bench.presses(PedalPress(gesture, time.monotonic_ns(), "pedal"))

    press()
    until(lambda: page.alignment is not None and page.alignment.step is AlignmentStep.POINTS, "no crosses")
    for n in range(9):
        stage.bring_under(page.alignment.crosses_yx_px[n])
        wait_ms(1200)
        press()
        until(lambda: page.alignment is None or page.alignment.current > n, f"point {n + 1}")  # noqa: B023
        if n == 5:
            yield take(dialog, out / "21-align-points.png")
            yield take(window, out / "21-align-points-eyepiece.png")
    yield take(dialog, out / "22-align-result.png")
    yield take(window, out / "22-align-result-eyepiece.png")
    press()
    until(lambda: page.alignment is None, "it is not kept")
    yield take(dialog, out / "23-align-kept.png")

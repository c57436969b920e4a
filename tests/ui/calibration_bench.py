"""A picture before a session, its eyepiece, and the calibrations over them. For tests that found PyQt6."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from PyQt6.QtCore import QCoreApplication, QEvent

from armicro.app.calibrating import scale_by_hand
from armicro.app.calibration_desk import Calibrations
from armicro.contracts.arrays import F64, U8, frozen
from armicro.contracts.devices import Exposure, PedalPress
from armicro.contracts.frame import Optics
from armicro.devices.key_pedal import KeyPedal
from armicro.imaging.homography import apply_homography, inverse
from armicro.session.press_switch import PressSwitch
from armicro.ui.calibration_desk import CalibrationDesk
from armicro.ui.calibration_dialog import CalibrationDialog
from armicro.ui.eyepiece_hook import EyepieceHook
from tests.session_rig import STEP_NS, Rig

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

"""The eyepiece's window over a real session: black at rest, light where something holds, else gone."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pytest

pytest.importorskip("PyQt6.QtWidgets", reason="windows need PyQt6 and its system libraries")

from PyQt6.QtCore import QEvent, Qt
from PyQt6.QtGui import QImage, QKeyEvent
from pytestqt.qtbot import QtBot

from armicro.contracts.arrays import U8
from armicro.contracts.devices import CameraEventKind
from armicro.contracts.eyepiece import ANY_OBJECTIVE, EyepieceCalibration
from armicro.overlay.eyepiece_rim import ALARM
from armicro.session.commands import ToggleOverlay
from armicro.ui.eyepiece_window import EyepieceWindow, screens
from tests.session_rig import MS, Rig

SIZE = (400, 300)


def picture(window: EyepieceWindow) -> U8:
    """Grab what stands on the display, (H, W, 3)."""
    image = window.grab().toImage().convertToFormat(QImage.Format.Format_RGB888)
    bits = image.constBits()
    assert bits is not None
    rows = np.frombuffer(bits.asstring(image.sizeInBytes()), np.uint8).reshape(
        image.height(), image.bytesPerLine()
    )
    return rows[:, : 3 * image.width()].reshape(image.height(), image.width(), 3)


def press(window: EyepieceWindow, key: Qt.Key) -> None:
    window.keyPressEvent(QKeyEvent(QEvent.Type.KeyPress, key, Qt.KeyboardModifier.NoModifier))


@pytest.fixture
def rig() -> Iterator[Rig]:
    made = Rig()
    yield made
    made.session.close()


@pytest.fixture
def window(rig: Rig, qtbot: QtBot) -> Iterator[EyepieceWindow]:
    made = EyepieceWindow(rig.session)
    qtbot.addWidget(made)
    made.resize(*SIZE)
    made.show()
    yield made
    made.close()


def live(rig: Rig, qtbot: QtBot, window: EyepieceWindow) -> None:
    """Rest at a place until its reading is on the display."""
    rig.expose(1)
    rig.expose(1)
    qtbot.waitUntil(lambda: window.shown.result is not None, timeout=10_000)


def test_at_rest_it_is_black(window: EyepieceWindow, qtbot: QtBot) -> None:
    qtbot.wait(100)
    assert not picture(window).any()


def test_a_reading_is_drawn(rig: Rig, window: EyepieceWindow, qtbot: QtBot) -> None:
    live(rig, qtbot, window)
    seen = picture(window)
    assert seen.any()
    assert (seen.max(axis=2) == 0).mean() > 0.5


def soon_black(qtbot: QtBot, window: EyepieceWindow) -> None:
    """Wait until no cell is shown."""
    qtbot.waitUntil(lambda: window.shown.result is None, timeout=2000)


@pytest.mark.parametrize("why", ["moved", "stale", "fault", "switched off"])
def test_what_does_not_hold_any_more_is_gone(
    rig: Rig, window: EyepieceWindow, qtbot: QtBot, why: str
) -> None:
    live(rig, qtbot, window)
    cause: dict[str, Callable[[], object]] = {
        "moved": lambda: rig.expose(2),
        "stale": lambda: setattr(rig, "now_ns", rig.now_ns + 20_000 * MS),
        "fault": lambda: rig.event(CameraEventKind.LOST, "The camera is gone: plug it in again."),
        "switched off": lambda: rig.session.do(ToggleOverlay()),
    }
    cause[why]()
    soon_black(qtbot, window)
    if why == "fault":
        qtbot.waitUntil(lambda: window.shown.rim.fault == "camera lost", timeout=2000)
        assert (picture(window).reshape(-1, 3) == ALARM).all(axis=1).any()
        assert not (picture(window)[..., 1] > 100).any()
    else:
        assert not picture(window).any()


def test_a_capture_flashes(rig: Rig, window: EyepieceWindow, qtbot: QtBot) -> None:
    live(rig, qtbot, window)
    rig.press()
    rig.expose(1)
    qtbot.waitUntil(lambda: window.shown.rim.flash == "field 1", timeout=10_000)
    qtbot.waitUntil(lambda: window.shown.rim.flash == "", timeout=5000)


def test_another_display_than_the_aligned_one_is_told_and_shows_no_cell(rig: Rig, qtbot: QtBot) -> None:
    matrix = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))
    calibration = EyepieceCalibration(
        "e", "1", "e/1", ANY_OBJECTIVE, (96, 128), (1080, 1920), matrix, (48, 64), 40, 0.5,
        "2026-11-01", "2027-11-01", "me",
    )  # fmt: skip
    window = EyepieceWindow(rig.session, calibration)
    qtbot.addWidget(window)
    window.resize(*SIZE)
    window.show()
    rig.expose(1)
    rig.expose(1)
    qtbot.waitUntil(lambda: window.shown.rim.fault == "align eyepiece anew", timeout=10_000)
    assert window.shown.result is None
    window.close()


def test_keys_change_brightness_width_and_signs(window: EyepieceWindow) -> None:
    press(window, Qt.Key.Key_Minus)
    press(window, Qt.Key.Key_W)
    press(window, Qt.Key.Key_C)
    style = window.style_now
    assert (round(style.brightness, 3), style.line_px, style.marks) == (0.9, 2, "contours")
    for _ in range(20):
        press(window, Qt.Key.Key_Minus)
    assert window.style_now.brightness == 0


def test_a_display_that_is_unplugged_is_told_and_the_window_hidden(rig: Rig, qtbot: QtBot) -> None:
    told: list[str] = []
    window = EyepieceWindow(rig.session, gone=told.append)
    qtbot.addWidget(window)
    screen = next(iter(screens().values()))
    window.show_on(screen)
    assert window.isVisible()
    window._screen_removed(screen)
    assert not window.isVisible()
    assert "plug it in again" in told[-1]
    window._screen_added(screen)
    assert window.isVisible()
    assert told[-1] == ""
    window.close()


def test_closing_ends_its_thread(rig: Rig, qtbot: QtBot) -> None:
    import threading

    window = EyepieceWindow(rig.session)
    qtbot.addWidget(window)
    window.show()
    live(rig, qtbot, window)
    window.close()
    assert not [t for t in threading.enumerate() if t.name.startswith("armicro-eyepiece")]

"""The space bar as a pedal: short captures, held switches, twice undoes and captures nothing."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

import pytest

pytest.importorskip("PyQt6.QtWidgets", reason="the window needs PyQt6: pip install 'armicro[instrument]'")

from PyQt6.QtCore import QCoreApplication, QEvent, Qt
from PyQt6.QtGui import QKeyEvent
from PyQt6.QtTest import QTest
from PyQt6.QtWidgets import QDialog

from armicro.contracts.devices import Gesture, PedalPress
from armicro.devices.key_pedal import KeyPedal
from armicro.session.view import SessionState
from armicro.ui.eyepiece_window import EyepieceWindow
from armicro.ui.hooks import Hooks
from tests.session_rig import MS
from tests.ui.window_rig import WindowRig

NewWindow = Callable[..., WindowRig]


def wait(ms: float) -> None:
    """Let the event loop run."""
    end = time.monotonic() + ms / 1000
    while time.monotonic() < end:
        QCoreApplication.processEvents()
        time.sleep(0.005)


class Bar:
    """A window whose space bar is a pedal, at the time of the scripted session; and what was heard."""

    def __init__(self, new_window: NewWindow) -> None:
        self.heard: list[Gesture] = []
        self.rig = new_window(Hooks(pedal=KeyPedal(self._press, "space bar")))

    def _press(self, press: PedalPress) -> None:
        self.heard.append(press.gesture)
        self.rig.session.on_press(replace(press, t_ns=self.rig.rig.now_ns + 10 * MS))

    def press(self, hold_ms: int = 0) -> None:
        """Hold the bar down, with the keyboard's repeats."""
        picture = self.rig.parts.picture
        QTest.keyPress(picture, Qt.Key.Key_Space)  # type: ignore[call-overload]
        end = time.monotonic() + hold_ms / 1000
        while time.monotonic() < end:
            for kind in (QEvent.Type.KeyRelease, QEvent.Type.KeyPress):
                again = QKeyEvent(
                    kind, Qt.Key.Key_Space, Qt.KeyboardModifier.NoModifier, autorep=True, text=" "
                )
                QCoreApplication.sendEvent(picture, again)
            QCoreApplication.processEvents()
            time.sleep(0.02)
        QTest.keyRelease(picture, Qt.Key.Key_Space)  # type: ignore[call-overload]

    def heard_end(self) -> None:
        self.rig.until(lambda: self.heard and self.heard[-1] is not Gesture.BEGAN)


@pytest.fixture
def bar(new_window: NewWindow) -> Bar:
    return Bar(new_window)


def capture(bar: Bar, place: int) -> None:
    n = len(bar.rig.snapshot().fields)
    bar.rig.live(place)
    bar.press()
    bar.rig.rig.expose(place)
    bar.rig.until(lambda: bar.rig.rig.n_scored() == n + 1)


def test_a_short_press_captures(bar: Bar) -> None:
    capture(bar, 1)
    assert bar.heard == [Gesture.BEGAN, Gesture.SHORT]


def test_held_it_switches_the_overlay_and_captures_nothing(bar: Bar) -> None:
    bar.rig.live(1)
    was = bar.rig.snapshot().overlay_on
    bar.press(hold_ms=750)
    bar.rig.rig.expose(1)
    assert bar.heard == [Gesture.BEGAN, Gesture.LONG]
    assert bar.rig.snapshot().overlay_on is not was
    assert bar.rig.snapshot().fields == ()


def test_twice_undoes_the_last_field_and_leaves_none_behind(bar: Bar) -> None:
    capture(bar, 1)
    capture(bar, 2)
    bar.heard.clear()
    bar.rig.live(3)
    bar.press()
    # Less than the debounce time between them would be one press.
    wait(90)
    bar.press(hold_ms=60)
    bar.rig.rig.expose(3)
    bar.heard_end()
    assert bar.heard == [Gesture.BEGAN, Gesture.DOUBLE]
    bar.rig.until(lambda: bar.rig.rig.n_scored() == 1)
    bar.rig.until(lambda: bar.rig.snapshot().state is SessionState.LIVE)
    bar.rig.settle()
    assert [f.number for f in bar.rig.snapshot().fields if not f.removed] == [1]
    assert len(bar.rig.snapshot().fields) <= 2


def test_it_is_heard_in_the_eyepieces_window_too_but_not_in_another_dialog(bar: Bar) -> None:
    bar.rig.live(1)
    eyepiece = EyepieceWindow(bar.rig.session)
    eyepiece.resize(200, 150)
    eyepiece.show()
    other = QDialog(bar.rig.window)
    other.show()
    QTest.keyClick(other, Qt.Key.Key_Space)  # type: ignore[call-overload]
    assert bar.heard == []
    QTest.keyClick(eyepiece, Qt.Key.Key_Space)  # type: ignore[call-overload]
    assert bar.heard == [Gesture.BEGAN]
    bar.rig.rig.expose(1)
    bar.rig.until(lambda: bar.rig.rig.n_scored() == 1)
    eyepiece.close()
    eyepiece.deleteLater()
    other.close()


def test_a_window_that_closes_right_after_a_press_keeps_its_field(bar: Bar) -> None:
    bar.rig.live(1)
    bar.press()
    wait(60)
    assert bar.heard == [Gesture.BEGAN]
    bar.rig.window.leave_unasked()
    assert bar.heard == [Gesture.BEGAN, Gesture.SHORT]

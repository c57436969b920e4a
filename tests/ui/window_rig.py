"""A window over a scripted session, and hands for it. Only for tests that found PyQt6."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from PyQt6.QtCore import QCoreApplication, QEvent, QPoint, Qt
from PyQt6.QtTest import QTest
from PyQt6.QtWidgets import QWidget

from armicro.session.view import SessionSnapshot
from armicro.ui.dialogs import Dialogs, Leaving
from armicro.ui.hooks import Hooks
from armicro.ui.keys import PlainKey
from armicro.ui.main_window import MainWindow
from armicro.ui.memory import Memory
from tests.session_rig import Rig

_LEFT = Qt.MouseButton.LeftButton


class Answers(Dialogs):
    """Answers instead of a person, and notes what was asked."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.leave = Leaving.STAY
        self.path: Path | None = None
        self.word: str | None = None
        self.asked: list[str] = []

    def text(self, title: str, question: str) -> str | None:
        self.asked.append(f"{title}: {question}")
        return self.word

    def kept_case(self, names: Sequence[str]) -> str | None:
        self.asked.append(" ".join(names))
        return self.word

    def report_file(self, suggested: str) -> Path | None:
        self.asked.append(suggested)
        return self.path

    def profile_file(self, suggested: str) -> Path | None:
        self.asked.append(suggested)
        return self.path

    def profile(self, names: Sequence[str]) -> str | None:
        self.asked.append(" ".join(names))
        return self.word

    def leaving(self, lost: str, *, can_report: bool) -> Leaving:
        del can_report
        self.asked.append(lost)
        return self.leave

    def about(self) -> None:
        self.asked.append("about")


class WindowRig:
    """A session, its window and hands.

    Parameters
    ----------
    settings : Path
        Where the window keeps its layout.
    hooks : Hooks
        What the program does for it.
    changes
        Of the session's parts; see `Rig`.
    """

    def __init__(self, settings: Path, hooks: Hooks | None = None, **changes: object) -> None:
        self.threads_before = set(threading.enumerate())
        self.rig = Rig(**changes)  # type: ignore[arg-type]
        self.session = self.rig.session
        hooks = hooks if hooks is not None else Hooks(pedal=PlainKey(self._pedal))
        self.window = MainWindow(self.session, hooks, Memory(settings), Answers)
        assert isinstance(self.window.dialogs, Answers)
        self.answers = self.window.dialogs
        self.window.resize(1280, 800)
        self.window.show()
        # Without a window manager nobody else makes it the active one, and shortcuts need that.
        self.window.activateWindow()
        self.parts = self.window.parts
        self.until(self.window.isActiveWindow)

    def _pedal(self, t_ns: int) -> None:
        """Press at the session's own time: its clock is a scripted one."""
        del t_ns
        self.rig.press()

    def until(self, holds: Callable[[], object], timeout_s: float = 10.0) -> None:
        """Let the event loop run until something holds."""
        end = time.monotonic() + timeout_s
        while not holds():
            if time.monotonic() > end:
                raise AssertionError(f"did not come true; {self.session.snapshot()}"[:2000])
            QCoreApplication.processEvents()
            time.sleep(0.002)

    def snapshot(self) -> SessionSnapshot:
        return self.session.snapshot()

    def live(self, place: int = 0) -> None:
        """Rest at a place until it is read and shown."""
        self.rig.expose(place)
        self.rig.expose(place)

        def read() -> bool:
            view = self.session.live()
            return view is not None and view.result is not None

        self.until(read)
        shown = self.parts.picture.frames_shown
        self.until(lambda: self.parts.picture.frames_shown > shown or self.parts.picture.shape is not None)

    def key(self, key: Qt.Key, modifiers: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> None:
        """Press a key in the window, on the picture."""
        QTest.keyClick(self.parts.picture, key, modifiers)  # type: ignore[call-overload]

    def capture(self, place: int) -> None:
        """Rest at a place and press the space bar, until the score knows the field."""
        n = len(self.snapshot().fields) + 1
        self.live(place)
        self.key(Qt.Key.Key_Space)
        self.rig.expose(place)
        self.until(lambda: self.rig.n_scored() == n)
        self.until(lambda: len(self.parts.fields.cards) == n)

    def settle(self) -> None:
        """Let the window show what the session says."""
        self.until(lambda: not self.snapshot().busy)
        for _ in range(20):
            QCoreApplication.processEvents()
            time.sleep(0.003)
        self.window.refresh()

    def look_at(self, number: int) -> None:
        """Look at a captured field until its pixels are there."""
        self.window.sight.go_to(number)
        self.until(lambda: self.parts.picture.shape is not None)

    def click_cell(self, index: int) -> None:
        """Click on a cell of the field that is looked at."""
        number = self.window.sight.number
        assert number is not None
        result = self.snapshot().fields[number - 1].result
        assert result is not None
        y, x = result.cells.yx_px[index]
        sx, sy = self.parts.picture.viewport.to_screen(float(y), float(x))
        self.click(self.parts.picture, QPoint(round(sx), round(sy)))

    @staticmethod
    def click(widget: QWidget, at: QPoint) -> None:
        QTest.mouseClick(widget, _LEFT, pos=at)  # type: ignore[call-overload]

    def drag_handle(self, from_od: float, to_od: float) -> Callable[[], None]:
        """Take a handle of the histogram and move it; returns how to let go."""
        histogram = self.parts.stain.histogram
        y = histogram.height() // 2
        begin, end = (QPoint(round(histogram.x_of(od)), y) for od in (from_od, to_od))
        QTest.mousePress(histogram, _LEFT, pos=begin)  # type: ignore[call-overload]
        for share in np.linspace(0, 1, 8):
            at = QPoint(round(begin.x() + share * (end.x() - begin.x())), y)
            QTest.mouseMove(histogram, at)  # type: ignore[call-overload]
            QCoreApplication.processEvents()
        return lambda: QTest.mouseRelease(histogram, _LEFT, pos=end)  # type: ignore[call-overload]

    def close(self) -> None:
        self.window.leave_unasked()
        self.window.deleteLater()
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)
        self.session.close()


def no_pedal(hooks: Hooks) -> Hooks:
    """Return hooks under which the space bar speaks to the session itself."""
    return replace(hooks, pedal=None)

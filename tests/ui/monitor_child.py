"""Runs on an X server of its own beside `test_monitors`: monitors come and go while both windows are open."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from PyQt6.QtCore import QCoreApplication
from PyQt6.QtWidgets import QApplication

from armicro.app.window import display_link
from armicro.ui.eyepiece_hook import EyepieceHook
from armicro.ui.hooks import Hooks
from armicro.ui.main_window import MainWindow
from armicro.ui.memory import Memory
from tests.session_rig import Rig

EYE = ("--setmonitor", "EYE", "640/160x480/120+640+0", "none")
PLACE = (640, 0, 640, 480)


def until(holds: Callable[[], object], what: str) -> None:
    """Let the event loop run until something holds."""
    end = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < end, what
        QCoreApplication.processEvents()
        time.sleep(0.005)


def monitors(*options: str) -> None:
    subprocess.run(["xrandr", *options], check=True, capture_output=True, timeout=10)


def main(settings: Path) -> None:
    app = QApplication([])
    rig = Rig()
    hook = EyepieceHook(rig.session, None, "EYE", display_link(rig.session))
    window = MainWindow(rig.session, Hooks(eyepiece_window=hook, eyepiece_at_once=True), Memory(settings))
    window.show()
    eyepiece, banner = hook.window, window.parts.faults
    assert eyepiece is not None

    def names() -> list[str]:
        return [s.name() for s in app.screens()]

    def rest() -> None:
        rig.expose(1)
        rig.expose(1)
        until(lambda: eyepiece.shown.result is not None, "no reading is on the display")

    assert names() == ["MAIN", "EYE"], names()
    rest()
    until(lambda: eyepiece.geometry().getRect() == PLACE, f"it stands at {eyepiece.geometry()}")
    assert not rig.session.snapshot().faults

    monitors("--delmonitor", "EYE")
    until(lambda: names() == ["MAIN"], "Qt saw no removal")
    until(lambda: not eyepiece.isVisible(), "the eyepiece's window stayed, over the operator's")
    assert [(f.source, f.blanks) for f in rig.session.snapshot().faults] == [("display", False)]
    until(banner.isVisible, "the operator is not told")
    assert "EYE" in banner.words.text()
    assert "plug it in again" in banner.words.text()
    assert window.isVisible()
    rig.press()
    rig.expose(1)
    until(lambda: rig.n_scored() == 1, "the session does not go on without the display")

    monitors(*EYE)
    until(lambda: names() == ["MAIN", "EYE"], "Qt saw no new monitor")
    until(eyepiece.isVisible, "the eyepiece's window did not come back")
    until(lambda: eyepiece.geometry().getRect() == PLACE, f"it came back at {eyepiece.geometry()}")
    until(lambda: not rig.session.snapshot().faults, "the fault stayed")
    until(lambda: not banner.isVisible(), "the banner stayed")
    rest()

    hook.close()
    window.leave_unasked()
    rig.session.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
    print("fine")  # noqa: T201 - what the test reads

"""Hands for the photographs of dialogs."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from PyQt6.QtCore import QCoreApplication
from PyQt6.QtGui import QGuiApplication
from PyQt6.QtWidgets import QWidget

from armicro.ui.steps import StepDialog

UM_PER_PX = 0.25
FRAME_PX = (900, 1200)
_SIZE = (1200, 740)


def wait_ms(ms: float) -> None:
    """Let the event loop run."""
    end = time.monotonic() + ms / 1000
    while time.monotonic() < end:
        QCoreApplication.processEvents()
        time.sleep(0.004)


def until(holds: Callable[[], object], what: str) -> None:
    """Let the event loop run until something holds."""
    end = time.monotonic() + 60
    while not holds():
        if time.monotonic() > end:
            raise TimeoutError(what)
        wait_ms(20)


def take(widget: QWidget, path: Path) -> Path:
    """Photograph a widget."""
    wait_ms(400)
    if not widget.grab().save(str(path)):
        raise OSError(f"{path} cannot be written")
    return path


def show(dialog: StepDialog) -> None:
    """Show a dialog at the size that is photographed."""
    screen = QGuiApplication.primaryScreen()
    room = None if screen is None else screen.availableGeometry()
    width, height = _SIZE if room is None else (min(_SIZE[0], room.width()), min(_SIZE[1], room.height()))
    dialog.resize(width, height)
    dialog.show()

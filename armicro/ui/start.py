"""Starts the operator window and stays until it is closed."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType

from PyQt6.QtCore import QTimer
from PyQt6.QtWidgets import QApplication

from armicro.session.view import SessionControl
from armicro.ui.hooks import Hooks
from armicro.ui.main_window import MainWindow
from armicro.ui.memory import Memory, settings_file
from armicro.ui.setup_desk import SetupDesk
from armicro.ui.setup_wizard import SetupWizard
from armicro.ui.theme import apply_theme, fitting_font_px

_OFFERED = "setup_offered"
_LOOK_MS = 100
"""How often it is asked whether the program has to end. Python hears a signal only when it runs."""


def _application() -> QApplication:
    there = QApplication.instance()
    app = there if isinstance(there, QApplication) else QApplication(sys.argv[:1])
    app.setApplicationName("armicro")
    app.setDesktopFileName("armicro")
    return app


def run_setup(desk: SetupDesk, ending: Callable[[], bool], settings: Path | None = None) -> bool:
    """Offer the guided set-up, unless it was skipped before; return whether a choice was kept.

    Parameters
    ----------
    desk, ending, settings
        What it calls on; see `run_window`.
    """
    memory = Memory(settings or settings_file())
    if memory.number(_OFFERED, 0):
        return False
    app = _application()
    screen = app.primaryScreen()
    height = 800 if screen is None else screen.availableGeometry().height()
    apply_theme(app, memory.font_px() or fitting_font_px(height))
    wizard = SetupWizard(desk)
    timer = QTimer()
    timer.timeout.connect(lambda: wizard.reject() if ending() else None)
    timer.start(_LOOK_MS)
    wizard.exec()
    timer.stop()
    wizard.deleteLater()
    if not ending():
        # Skipped or kept: it is not asked for again by itself.
        memory.keep_number(_OFFERED, 1)
    return wizard.kept is not None


def run_window(
    session: SessionControl,
    hooks: Hooks,
    ending: Callable[[], bool],
    notices: Sequence[str] = (),
    settings: Path | None = None,
) -> None:
    """Show the window until the user closes it or the program has to end.

    Parameters
    ----------
    session : SessionControl
        Shown and steered; the caller starts and closes it.
    hooks : Hooks
        What the window can call on.
    ending : callable
        Asked some ten times a second; True closes the window without a question.
    notices : sequence of str
        What the user has to have seen at the start.
    settings : Path, optional
        Where the layout is kept; the user's own file by default.
    """
    app = _application()
    window = MainWindow(session, hooks, Memory(settings or settings_file()))
    for words in notices:
        window.parts.notices.add(words)

    stops: list[BaseException] = []

    def failed(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        """Take an error out of the event loop, which would end the program and the case with it."""
        if not issubclass(kind, Exception):
            stops.append(error)
            window.leave_unasked()
            return
        sys.__excepthook__(kind, error, trace)
        window.parts.notices.add(
            f"The window failed at something ({kind.__name__}: {error}). Captured fields are safe; what is "
            "shown may be incomplete. Write the report, and start again."
        )

    def look() -> None:
        if ending():
            window.leave_unasked()

    timer = QTimer()
    timer.timeout.connect(look)
    timer.start(_LOOK_MS)
    before, sys.excepthook = sys.excepthook, failed
    try:
        window.show()
        app.exec()
    finally:
        sys.excepthook = before
        timer.stop()
        if hooks.eyepiece_window is not None:
            # While Qt is still there: it takes all windows with it.
            hooks.eyepiece_window(False)
        window.shut()
        window.deleteLater()
    if stops:
        raise stops[0]

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

_LOOK_MS = 100
"""How often it is asked whether the program has to end. Python hears a signal only when it runs."""


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
    there = QApplication.instance()
    app = there if isinstance(there, QApplication) else QApplication(sys.argv[:1])
    app.setApplicationName("armicro")
    app.setDesktopFileName("armicro")
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

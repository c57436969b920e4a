"""Everything that can be done with the keyboard, in one table; the space bar as a pedal."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from PyQt6.QtCore import QEvent, QObject, Qt, QTimer
from PyQt6.QtGui import QKeyEvent
from PyQt6.QtWidgets import (
    QAbstractButton,
    QAbstractSpinBox,
    QApplication,
    QLineEdit,
    QPlainTextEdit,
    QWidget,
)

TYPED_IN = (QLineEdit, QPlainTextEdit, QAbstractSpinBox)
"""Widgets that keep their keys."""


@dataclass(frozen=True, slots=True)
class Shortcut:
    """An action of the window.

    Parameters
    ----------
    name : str
        Its name in the code.
    group : str
        The menu it is in.
    text : str
        What the menu says.
    keys : str
        The shortcut, as Qt writes it; "" for none.
    """

    name: str
    group: str
    text: str
    keys: str = ""


ACTIONS: tuple[Shortcut, ...] = (
    Shortcut("new_case", "Case", "&New case…", "Ctrl+N"),
    Shortcut("open_case", "Case", "&Open a kept case…", "Ctrl+O"),
    Shortcut("sign_off", "Case", "&Sign off…", "Ctrl+Return"),
    Shortcut("amend", "Case", "&Amend…"),
    Shortcut("report", "Case", "Write &report…", "Ctrl+R"),
    Shortcut("undo", "Case", "Undo", "Ctrl+Z"),
    Shortcut("redo", "Case", "Redo", "Ctrl+Shift+Z"),
    Shortcut("quit", "Case", "&Close window", "Ctrl+Q"),
    Shortcut("live", "View", "Back to &live", "V"),
    Shortcut("overlay", "View", "&Overlay", "O"),
    Shortcut("eyepiece", "View", "As in the &eyepiece", "E"),
    Shortcut("eyepiece_window", "View", "Eyepiece &window", "Ctrl+E"),
    Shortcut("fit", "View", "&Fit", "F"),
    Shortcut("one_to_one", "View", "&100 %", "Z"),
    Shortcut("zoom_in", "View", "Zoom in", "+"),
    Shortcut("zoom_out", "View", "Zoom out", "-"),
    Shortcut("stain_tab", "View", "Show or hide the stain and camera panel", "T"),
    Shortcut("larger", "View", "Larger text", "Ctrl++"),
    Shortcut("smaller", "View", "Smaller text", "Ctrl+-"),
    Shortcut("full_screen", "View", "Full screen", "F11"),
    Shortcut("previous_field", "Field", "Previous field", "PgUp"),
    Shortcut("next_field", "Field", "Next field", "PgDown"),
    Shortcut("toggle_field", "Field", "Leave out or restore the field", "Ctrl+Backspace"),
    Shortcut("polygon", "Field", "Draw a &polygon", "P"),
    Shortcut("freehand", "Field", "Draw &freehand", "D"),
    Shortcut("exclude", "Field", "Outlines e&xclude", "X"),
    Shortcut("clear_regions", "Field", "&Clear outlines", "Ctrl+Shift+X"),
    Shortcut("add_cell", "Field", "&Add a missed cell", "A"),
    Shortcut("remove_cell", "Field", "Not a tumour cell", "Delete"),
    Shortcut("choose_profile", "Stain", "&Choose profile…", "Ctrl+P"),
    Shortcut("save_profile", "Stain", "&Save profile as…", "Ctrl+S"),
    Shortcut("lock_profile", "Stain", "&Lock settings…", "Ctrl+L"),
    Shortcut("pick_stain", "Stain", "&Pick stain", "K"),
    Shortcut("thresholds", "Stain", "Move thresholds by keyboard", "H"),
    Shortcut("daily_check", "Instrument", "&Daily check…", "Ctrl+D"),
    Shortcut("calibrate", "Instrument", "&Calibrate…", "Ctrl+K"),
    Shortcut("setup", "Instrument", "&Set up…"),
    Shortcut("help", "Help", "&Keys and marks", "F1"),
    Shortcut("about", "Help", "&About"),
)

OTHER_KEYS: tuple[tuple[str, str], ...] = (
    ("Space", "Capture the field"),
    ("Space, held", "Overlay on or off"),
    ("Space, twice", "Undo the last step"),
    ("1 2 3 …", "Objective"),
    ("↑ ↓ ← →", "Move the stage, or the picture (Shift: further)"),
    ("Wheel, drag", "Zoom, move the picture"),
    ("Click", "Why does this cell have its category?"),
    ("Ctrl+1 … Ctrl+6", "Overrule the cell: intense complete … none"),
    ("↑ ↓, then ← →", "In the histogram: choose a handle, move it"),
    ("Enter, Backspace", "Close an outline, take a vertex back"),
    ("Esc", "Leave a tool or a cell"),
)
"""Keys that are no menu entries, and what they do."""


HAS_PEDAL = "armicro_has_pedal"
"""Property of a window whose space bar goes to whatever listens to the bar, such as the eyepiece's."""
_MS = 1_000_000


class KeyContact(Protocol):
    """A key as a pedal's contact: told when it goes down and up, and when time has passed."""

    @property
    def due_ns(self) -> int | None:
        """When `advance` has something to do next, ns; None while nothing is waited for."""
        ...

    def edge(self, t_ns: int, *, down: bool) -> None:
        """Take the key's way down or up, ns."""
        ...

    def advance(self, t_ns: int) -> None:
        """Take notice of the time, ns."""
        ...

    def finish(self) -> None:
        """Nobody listens to the key from now on."""
        ...


class PlainKey:
    """A `KeyContact` that does one thing as it goes down, for windows without a pedal behind them.

    Parameters
    ----------
    pressed : callable
        Told the monotonic time, ns.
    """

    due_ns: int | None = None

    def __init__(self, pressed: Callable[[int], None]) -> None:
        self._pressed = pressed

    def edge(self, t_ns: int, *, down: bool) -> None:
        """Tell the way down."""
        if down:
            self._pressed(t_ns)

    def advance(self, t_ns: int) -> None:
        """Wait for nothing."""

    def finish(self) -> None:
        """Keep nothing back."""


class SpaceBar(QObject):
    """Hands the space bar's way down and up to a contact, without the keyboard's repeats.

    Wherever in its window the focus is, except where text is typed: the foot or hand that captures must not
    have to look for the focus first. A button that has the focus is pressed with Enter instead.

    Parameters
    ----------
    window : QWidget
        Whose keys are heard, once this is the application's event filter.
    contact : KeyContact
        Told.
    """

    def __init__(self, window: QWidget, contact: KeyContact) -> None:
        super().__init__(window)
        self._window, self._contact = window, contact
        self._is_down = False
        self._due = QTimer(self)
        self._due.setSingleShot(True)
        self._due.setTimerType(Qt.TimerType.PreciseTimer)
        self._due.timeout.connect(self._advance)
        app = QApplication.instance()
        if app is not None:
            app.installEventFilter(self)

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:  # noqa: N802 - Qt's name
        """Take the space bar's events out of the stream."""
        if event is None:
            return False
        kind = event.type()
        if kind == QEvent.Type.WindowDeactivate and self._is_down and self._heard(watched):
            # Let go while another window has the keys: nobody would tell.
            self._edge(down=False)
        if kind not in (QEvent.Type.KeyPress, QEvent.Type.KeyRelease) or not isinstance(event, QKeyEvent):
            return False
        if not isinstance(watched, QWidget) or not self._heard(watched.window()):
            return False
        pressed = kind == QEvent.Type.KeyPress
        enter = event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter)
        if enter and pressed and isinstance(watched, QAbstractButton) and not event.isAutoRepeat():
            watched.click()
            return True
        if event.key() != Qt.Key.Key_Space or isinstance(watched, TYPED_IN) or event.modifiers():
            return False
        if not event.isAutoRepeat() and pressed is not self._is_down:
            self._edge(down=pressed)
        return True

    def _heard(self, window: QObject | None) -> bool:
        """Whether a window's keys are heard: its own, and those that have the pedal wherever they are."""
        return window is not None and (window is self._window or bool(window.property(HAS_PEDAL)))

    def end(self) -> None:
        """Listen no more. May be called twice."""
        app = QApplication.instance()
        if app is not None:
            app.removeEventFilter(self)
        self._due.stop()
        # A release that is certain by now counts, however late the timer is.
        self._contact.advance(time.monotonic_ns())
        self._contact.finish()

    def _edge(self, *, down: bool) -> None:
        self._is_down = down
        self._contact.edge(time.monotonic_ns(), down=down)
        self._wait()

    def _advance(self) -> None:
        self._contact.advance(time.monotonic_ns())
        self._wait()

    def _wait(self) -> None:
        due_ns = self._contact.due_ns
        if due_ns is None:
            self._due.stop()
        else:
            self._due.start(max(0, -((time.monotonic_ns() - due_ns) // _MS)))

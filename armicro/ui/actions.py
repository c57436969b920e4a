"""The menus, made from the table of shortcuts."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from PyQt6.QtCore import Qt
from PyQt6.QtGui import QAction, QKeySequence
from PyQt6.QtWidgets import QMainWindow, QMenu

from armicro.session.view import SessionSnapshot
from armicro.ui.cell_inspector import Picked
from armicro.ui.hooks import Hooks
from armicro.ui.keys import ACTIONS
from armicro.ui.live_view import Tool

_CHECKABLE = frozenset(
    {"overlay", "eyepiece", "eyepiece_window", "stain_tab", "full_screen", "polygon", "freehand", "exclude"}
    | {"add_cell", "pick_stain"}
)
_BEFORE_A_LINE = frozenset(
    {"report", "redo", "eyepiece_window", "zoom_out", "stain_tab", "toggle_field", "clear_regions"}
    | {"lock_profile", "calibrate"}
)
_FIELD_ACTIONS = ("toggle_field", "polygon", "freehand", "exclude", "clear_regions", "add_cell")
TOOLS: Mapping[str, Tool] = {
    "polygon": Tool.POLYGON,
    "freehand": Tool.FREEHAND,
    "add_cell": Tool.ADD_CELL,
    "pick_stain": Tool.PICK_STAIN,
}
"""What a click means while these are on."""


def offered(hooks: Hooks) -> frozenset[str]:
    """Return the names of the actions that can do something with these hooks."""
    lacking = {
        "open_case": hooks.cases,
        "report": hooks.report,
        "eyepiece_window": hooks.eyepiece_window,
        "save_profile": hooks.save_profile,
        "lock_profile": hooks.lock_profile,
        "pick_stain": hooks.apply_stain_vector,
        "daily_check": hooks.calibration,
        "calibrate": hooks.calibration,
        "setup": hooks.setup,
    }
    return frozenset(a.name for a in ACTIONS if lacking.get(a.name, True) is not None)


def make_actions(
    window: QMainWindow, hooks: Hooks, deeds: Mapping[str, Callable[[bool], object]]
) -> dict[str, QAction]:
    """Fill a window's menu bar; return its actions by name.

    Parameters
    ----------
    window : QMainWindow
        Whose menu bar.
    hooks : Hooks
        What there is behind the actions; one that could do nothing is left out.
    deeds : mapping of str to callable
        What each action does, told whether it is checked.
    """
    there = offered(hooks)
    menus: dict[str, QMenu] = {}
    actions: dict[str, QAction] = {}
    bar = window.menuBar()
    for shortcut in ACTIONS:
        if shortcut.name not in there:
            continue
        if shortcut.group not in menus and bar is not None:
            menu = bar.addMenu("&" + shortcut.group)
            if menu is not None:
                menus[shortcut.group] = menu
        action = QAction(shortcut.text, window)
        if shortcut.keys:
            action.setShortcut(QKeySequence(shortcut.keys))
            action.setShortcutContext(Qt.ShortcutContext.WindowShortcut)
        action.setCheckable(shortcut.name in _CHECKABLE)
        action.triggered.connect(deeds[shortcut.name])
        menus[shortcut.group].addAction(action)
        if shortcut.name in _BEFORE_A_LINE:
            menus[shortcut.group].addSeparator()
        actions[shortcut.name] = action
    return actions


def show_actions(
    actions: Mapping[str, QAction],
    snap: SessionSnapshot,
    number: int | None,
    tool: Tool,
    picked: Picked | None,
) -> None:
    """Offer what can be done now.

    Parameters
    ----------
    actions : mapping of str to QAction
        By name.
    snap : SessionSnapshot
        The newest state.
    number : int or None
        The captured field that is looked at.
    tool : Tool
        What a click means.
    picked : Picked or None
        The cell that is pointed at.
    """
    for name, label in (("undo", snap.undo_label), ("redo", snap.redo_label)):
        word = name.capitalize()
        text = word if label is None else f"{word}: {label}"
        if actions[name].text() != text:
            actions[name].setText(text)
            actions[name].setToolTip(f"{text} ({actions[name].shortcut().toString()})")
        actions[name].setEnabled(label is not None)
    actions["sign_off"].setEnabled(snap.signed_off is None and snap.summary is not None)
    actions["amend"].setEnabled(snap.signed_off is not None)
    actions["overlay"].setChecked(snap.overlay_on)
    actions["live"].setEnabled(number is not None)
    for name in _FIELD_ACTIONS:
        actions[name].setEnabled(number is not None)
    by_hand = picked is not None and None not in (picked.number, picked.index)
    actions["remove_cell"].setEnabled(by_hand)
    for name in ("previous_field", "next_field"):
        actions[name].setEnabled(bool(snap.fields))
    for name in ("choose_profile", "pick_stain", "lock_profile"):
        if name in actions:
            actions[name].setEnabled(snap.profile_locked_by is None)
    for name, each in TOOLS.items():
        if name in actions:
            actions[name].setChecked(tool is each)

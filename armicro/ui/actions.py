"""The menus, made from the table of shortcuts."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from PyQt6.QtCore import Qt
from PyQt6.QtGui import QAction, QKeySequence
from PyQt6.QtWidgets import QMainWindow, QMenu

from armicro.ui.hooks import Hooks
from armicro.ui.keys import ACTIONS

_CHECKABLE = frozenset(
    {"overlay", "eyepiece", "eyepiece_window", "stain_tab", "full_screen", "polygon", "freehand", "exclude"}
    | {"add_cell", "pick_stain"}
)
_BEFORE_A_LINE = frozenset({"report", "redo", "eyepiece_window", "zoom_out", "stain_tab", "toggle_field"})
_BEFORE_A_LINE_TOO = frozenset({"clear_regions", "lock_profile"})


def offered(hooks: Hooks) -> frozenset[str]:
    """Return the names of the actions that can do something with these hooks."""
    lacking = {
        "report": hooks.report,
        "eyepiece_window": hooks.eyepiece_window,
        "save_profile": hooks.save_profile,
        "lock_profile": hooks.lock_profile,
        "pick_stain": hooks.apply_stain_vector,
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
        if shortcut.name in _BEFORE_A_LINE | _BEFORE_A_LINE_TOO:
            menus[shortcut.group].addSeparator()
        actions[shortcut.name] = action
    return actions

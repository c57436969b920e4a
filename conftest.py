"""Loads the plugin for window tests where Qt can be loaded; elsewhere these skip and all others run.

The plugin refuses to start the whole run where Qt's system libraries are missing, so its automatic loading is
off (`-p no:pytest-qt` in pyproject.toml).
"""

from __future__ import annotations

import os


def _windows_work() -> bool:
    try:
        import PyQt6.QtWidgets  # noqa: F401 - whether it loads is the question
        import pytestqt.plugin  # noqa: F401
    except ImportError:
        return False
    # Without a wish of the caller's, windows are drawn into memory: tests need no display.
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    return True


pytest_plugins = ["pytestqt.plugin"] if _windows_work() else []

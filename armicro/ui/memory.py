"""What the window remembers from one start to the next: its place, its parts' sizes, its letters' size."""

from __future__ import annotations

import os
from pathlib import Path

from platformdirs import user_config_path
from PyQt6.QtCore import QByteArray, QSettings
from PyQt6.QtWidgets import QMainWindow, QSplitter

SETTINGS_VARIABLE = "ARMICRO_WINDOW_SETTINGS"
"""Environment variable with the file in which the layout is kept, instead of the user's own."""


def settings_file() -> Path:
    """Return where the layout is kept."""
    given = os.environ.get(SETTINGS_VARIABLE)
    return Path(given) if given else user_config_path("armicro", appauthor=False) / "window.ini"


class Memory:
    """The layout of a window in a file; what cannot be read is as if it had not been kept.

    Parameters
    ----------
    path : Path
        The file; made when there is something to keep.
    """

    def __init__(self, path: Path) -> None:
        self._settings = QSettings(str(path), QSettings.Format.IniFormat)

    def font_px(self) -> int | None:
        """Return the height of letters that was chosen, px."""
        kept = self.number("font_px", -1)
        return kept if kept > 0 else None

    def number(self, name: str, otherwise: int) -> int:
        """Return a whole number that was kept."""
        try:
            return int(str(self._settings.value(name, otherwise)))
        except ValueError:
            return otherwise

    def keep_number(self, name: str, number: int) -> None:
        """Keep a whole number."""
        self._settings.setValue(name, number)

    def restore(self, window: QMainWindow, splitters: dict[str, QSplitter]) -> bool:
        """Lay a window out as it was left; return whether its place was known."""
        for name, splitter in splitters.items():
            state = self._settings.value(f"splitter/{name}")
            if isinstance(state, QByteArray):
                splitter.restoreState(state)
        geometry = self._settings.value("geometry")
        return isinstance(geometry, QByteArray) and window.restoreGeometry(geometry)

    def keep(self, window: QMainWindow, splitters: dict[str, QSplitter]) -> None:
        """Keep a window's layout."""
        for name, splitter in splitters.items():
            self._settings.setValue(f"splitter/{name}", splitter.saveState())
        self._settings.setValue("geometry", window.saveGeometry())
        self._settings.sync()

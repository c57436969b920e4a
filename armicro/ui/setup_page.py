"""What the pages of the guided set-up have in common."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from PyQt6.QtCore import Qt, pyqtSignal
from PyQt6.QtWidgets import QListWidget, QListWidgetItem

from armicro.session.instrument_choice import InstrumentChoice
from armicro.ui.setup_desk import SetupDesk
from armicro.ui.steps import Page

PLACE = Qt.ItemDataRole.UserRole
"""Where an entry of a list keeps its address."""


class SetupPage(Page):
    """A page that knows the choice so far and changes it.

    Parameters
    ----------
    title, hint : str
        See `Page`.
    desk : SetupDesk
        What can be called on.
    choice : callable
        Returns the choice so far.
    """

    chosen = pyqtSignal(object)
    """Another `InstrumentChoice`."""

    def __init__(
        self, title: str, hint: str, desk: SetupDesk, choice: Callable[[], InstrumentChoice]
    ) -> None:
        super().__init__(title, hint)
        self.desk, self._choice = desk, choice

    @property
    def choice(self) -> InstrumentChoice:
        """What was chosen so far."""
        return self._choice()

    def choose(self, **changes: object) -> None:
        """Choose something else."""
        self.chosen.emit(replace(self.choice, **changes))  # type: ignore[arg-type]
        self.changed.emit()


def listed(box: QListWidget, address: str) -> QListWidgetItem | None:
    """Return the entry of an address; None if there is none."""
    for row in range(box.count()):
        item = box.item(row)
        if item is not None and item.data(PLACE) == address:
            return item
    return None


def listed_item(address: str, words: str) -> QListWidgetItem:
    """Make an entry of a list."""
    item = QListWidgetItem(words)
    item.setData(PLACE, address)
    return item

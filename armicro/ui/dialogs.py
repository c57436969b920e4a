"""What the window asks a person; apart, so that tests can answer."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path

from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import (
    QComboBox,
    QCompleter,
    QFileDialog,
    QInputDialog,
    QLineEdit,
    QMessageBox,
    QWidget,
)

from armicro import __version__
from armicro.contracts.score import RESEARCH_USE_ONLY

_FROM_A_FILE = "From a file…"


class Leaving(StrEnum):
    """What is done about a case that would be lost."""

    REPORT = "report"
    LOSE = "lose"
    STAY = "stay"


class Dialogs:
    """Asks in dialogs; each answer may be None, for "never mind".

    Parameters
    ----------
    parent : QWidget
        The window they belong to.
    """

    def __init__(self, parent: QWidget) -> None:
        self._parent = parent

    def text(self, title: str, question: str) -> str | None:
        """Ask for a line of text."""
        answer, fine = QInputDialog.getText(self._parent, title, question, QLineEdit.EchoMode.Normal)
        return answer.strip() if fine and answer.strip() else None

    def kept_case(self, names: Sequence[str]) -> str | None:
        """Ask which of the kept cases is to be opened; a part of its name narrows the list."""
        box = QInputDialog(self._parent)
        box.setWindowTitle("Open a kept case")
        box.setLabelText("Case (type to search):")
        box.setComboBoxItems(list(names))
        box.setComboBoxEditable(True)
        combo = box.findChild(QComboBox)
        if combo is not None:
            combo.setInsertPolicy(QComboBox.InsertPolicy.NoInsert)
            completer = combo.completer()
            if completer is not None:
                completer.setFilterMode(Qt.MatchFlag.MatchContains)
                completer.setCompletionMode(QCompleter.CompletionMode.PopupCompletion)
        if not box.exec() or box.textValue() not in names:
            return None
        return box.textValue()

    def report_file(self, suggested: str) -> Path | None:
        """Ask where a report is to be written."""
        name, _ = QFileDialog.getSaveFileName(self._parent, "Write report", suggested, "Report (*.html)")
        return Path(name) if name else None

    def profile_file(self, suggested: str) -> Path | None:
        """Ask where a stain profile is to be kept; the file's name becomes the profile's."""
        name, _ = QFileDialog.getSaveFileName(
            self._parent, "Save stain profile as", suggested, "Stain profile (*.toml)"
        )
        return Path(name) if name else None

    def profile(self, names: Sequence[str]) -> str | None:
        """Ask for a stain profile: one of these names, or a file."""
        if names:
            choices = [*names, _FROM_A_FILE]
            question = "All fields are read again by it."
            name, fine = QInputDialog.getItem(self._parent, "Stain profile", question, choices, 0, False)
            if not fine:
                return None
            if name != _FROM_A_FILE:
                return name
        path, _ = QFileDialog.getOpenFileName(self._parent, "Stain profile", "", "Stain profile (*.toml)")
        return path or None

    def leaving(self, lost: str, *, can_report: bool) -> Leaving:
        """Ask what is to become of a case that is not kept anywhere, which `lost` says in words."""
        box = QMessageBox(self._parent)
        box.setIcon(QMessageBox.Icon.Warning)
        box.setWindowTitle("Leave this case?")
        box.setText(lost)
        write = box.addButton("Write report…", QMessageBox.ButtonRole.AcceptRole) if can_report else None
        lose = box.addButton("Lose it", QMessageBox.ButtonRole.DestructiveRole)
        stay = box.addButton("Cancel", QMessageBox.ButtonRole.RejectRole)
        box.setDefaultButton(write or stay)
        box.setEscapeButton(stay)
        box.exec()
        clicked = box.clickedButton()
        if clicked is lose:
            return Leaving.LOSE
        return Leaving.REPORT if write is not None and clicked is write else Leaving.STAY

    def about(self) -> None:
        """Say what this program is."""
        QMessageBox.about(
            self._parent,
            "About armicro",
            f"<b>armicro {__version__}</b><br>HER2 at the eyepiece: scores HER2 immunohistochemistry in real "
            f"time.<br><br>{RESEARCH_USE_ONLY}<br>Free software under the GPL, version 3 or later.",
        )

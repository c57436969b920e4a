"""The line at the window's head: which case, judged by which rules, read by which profile."""

from __future__ import annotations

from PyQt6.QtCore import QSignalBlocker, pyqtSignal
from PyQt6.QtGui import QAction
from PyQt6.QtWidgets import QComboBox, QHBoxLayout, QLabel, QToolButton, QWidget

from armicro.session.view import SessionSnapshot
from armicro.ui.hooks import Hooks


def case_title(case_id: str) -> str:
    """Return a case's name for people; "case" is said once."""
    if not case_id:
        return "No case"
    return case_id[:1].upper() + case_id[1:] if case_id.lower().startswith("case") else f"Case {case_id}"


class Header(QWidget):
    """Case, assay, rule set, profile, undo and redo, and whether all this is simulated."""

    guideline_wanted = pyqtSignal(str)
    assay_wanted = pyqtSignal(str)

    def __init__(self, hooks: Hooks, undo: QAction, redo: QAction, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("header")
        self.case = QLabel()
        self.case.setObjectName("title")
        self.assay = QComboBox()
        self.assay.setAccessibleName("Assay")
        self.assay.setToolTip("What is scored")
        for name, title in hooks.assays.items():
            self.assay.addItem(title, name)
        # A list of one is no choice; it is named beside the rule set by the rule set itself.
        self.assay.setVisible(len(hooks.assays) > 1 and hooks.choose_assay is not None)
        self.assay.activated.connect(lambda: self.assay_wanted.emit(str(self.assay.currentData())))
        self.guideline = QComboBox()
        self.guideline.setAccessibleName("Rule set")
        self.guideline.setToolTip("The rules by which the case is judged")
        for name, title in hooks.guidelines.items():
            self.guideline.addItem(title, name)
        self.guideline.activated.connect(
            lambda: self.guideline_wanted.emit(str(self.guideline.currentData()))
        )
        self.profile = QLabel()
        self.profile.setObjectName("quiet")
        self.simulated = QLabel("SIMULATED")
        self.simulated.setObjectName("badge")
        self.simulated.setToolTip("The pictures are rendered or recorded, not live tissue")
        self.simulated.hide()
        row = QHBoxLayout(self)
        row.setContentsMargins(12, 4, 10, 4)
        row.setSpacing(10)
        row.addWidget(self.case)
        row.addWidget(self.assay)
        row.addWidget(self.guideline)
        row.addWidget(self.profile)
        row.addStretch(1)
        row.addWidget(self.simulated)
        for action in (undo, redo):
            button = QToolButton()
            button.setDefaultAction(action)
            row.addWidget(button)

    def show_session(self, snap: SessionSnapshot) -> None:
        """Show the newest state."""
        signed = " · signed off" if snap.signed_off is not None else ""
        self.case.setText(case_title(snap.case_id) + signed)
        self.case.setToolTip(f"Signed off {snap.signed_off}" if snap.signed_off is not None else "")
        self._choose(self.guideline, snap.guideline)
        self.guideline.setEnabled(snap.profile_locked_by is None)
        lock = " · locked" if snap.profile_locked_by is not None else ""
        self.profile.setText(f"profile {snap.profile.name} {snap.profile.version}{lock}")
        if snap.profile_locked_by is not None:
            self.profile.setToolTip(f"Locked as {snap.profile_locked_by}. {snap.profile.source}")
        else:
            self.profile.setToolTip(snap.profile.source)
        if snap.camera is not None:
            # While the camera is away its fields are still of the same kind.
            self.simulated.setVisible(snap.camera.simulated)

    @staticmethod
    def _choose(box: QComboBox, name: str) -> None:
        with QSignalBlocker(box):
            place = box.findData(name)
            if place < 0:
                box.addItem(name, name)
                place = box.count() - 1
            box.setCurrentIndex(place)

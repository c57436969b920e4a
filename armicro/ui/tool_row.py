"""The row over the picture: what is looked at, objectives or field tools, how it is shown, capture."""

from __future__ import annotations

from collections.abc import Mapping

from PyQt6.QtCore import Qt, pyqtSignal
from PyQt6.QtGui import QAction
from PyQt6.QtWidgets import QHBoxLayout, QLabel, QMenu, QPushButton, QToolButton, QWidget

from armicro.session.view import LiveView, SessionSnapshot, SessionState

SHORT_TEXTS: Mapping[str, str] = {
    "undo": "Undo", "redo": "Redo", "live": "Back to live", "overlay": "Overlay",
    "eyepiece": "As in eyepiece",
    "fit": "Fit", "one_to_one": "100 %", "polygon": "Polygon", "freehand": "Freehand",
    "exclude": "Exclude", "clear_regions": "Clear", "add_cell": "Add cell",
}  # fmt: skip
"""What a button says where a menu says more."""


class ToolRow(QWidget):
    """Buttons for what is done most."""

    objective_wanted = pyqtSignal(object)
    """An objective's name."""
    capture_wanted = pyqtSignal()

    def __init__(self, actions: Mapping[str, QAction], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("tools")
        self.where = QLabel("Live")
        self.where.setObjectName("strong")
        self.scale = QLabel()
        self.scale.setObjectName("quiet")
        self.scale.setToolTip("Pixels of the screen per pixel of the camera")
        self.objectives: dict[str, QPushButton] = {}
        for name, text in SHORT_TEXTS.items():
            if name in actions:
                actions[name].setIconText(text)
                keys = actions[name].shortcut().toString()
                actions[name].setToolTip(
                    actions[name].text().replace("&", "") + (f" ({keys})" if keys else "")
                )
        self._back = self._button(actions["live"])
        outline = QToolButton()
        outline.setText("Outline ▾")
        outline.setToolTip("Count only inside, or not inside, what you draw on the field")
        outline.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        menu = QMenu(outline)
        menu.addActions([actions[n] for n in ("polygon", "freehand", "exclude", "clear_regions")])
        outline.setMenu(menu)
        self._field_tools = [outline, self._button(actions["add_cell"])]
        self._objective_box = QHBoxLayout()
        self._objective_box.setSpacing(3)
        self.capture = QPushButton("Capture (Space)")
        self.capture.setObjectName("capture")
        self.capture.setToolTip("Capture the field that is being looked at (space bar or pedal)")
        self.capture.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.capture.clicked.connect(self.capture_wanted)
        row = QHBoxLayout(self)
        row.setContentsMargins(10, 4, 8, 4)
        row.setSpacing(5)
        row.addWidget(self.where)
        row.addSpacing(6)
        row.addWidget(self._back)
        for tool in self._field_tools:
            row.addWidget(tool)
        row.addLayout(self._objective_box)
        row.addStretch(1)
        row.addWidget(self.scale)
        row.addSpacing(4)
        for name in ("fit", "one_to_one", "overlay", "eyepiece"):
            row.addWidget(self._button(actions[name]))
        row.addSpacing(8)
        row.addWidget(self.capture)

    @staticmethod
    def _button(action: QAction) -> QToolButton:
        button = QToolButton()
        button.setDefaultAction(action)
        button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextOnly)
        return button

    def show_session(self, snap: SessionSnapshot, number: int | None, picture: LiveView | None) -> None:
        """Show the newest state.

        Parameters
        ----------
        snap : SessionSnapshot
            The state.
        number : int or None
            The captured field that is looked at; None is live.
        picture : LiveView or None
            The live picture.
        """
        live = number is None
        self.where.setText(self._live_words(picture) if live else f"Field {number}, captured")
        self._back.setVisible(not live)
        for tool in self._field_tools:
            tool.setVisible(not live)
        if list(self.objectives) != list(snap.objectives):
            self._make_objectives(snap)
        for name, button in self.objectives.items():
            button.setChecked(name == snap.objective)
            button.setVisible(live)
        self.capture.setVisible(live)
        self.capture.setEnabled(snap.state in (SessionState.LIVE, SessionState.CAPTURING))

    @staticmethod
    def _live_words(picture: LiveView | None) -> str:
        """Say why there is no overlay on the live picture, where there is none."""
        if picture is None:
            return "No live picture"
        if picture.moving:
            return "Live, moving"
        return "Live, reading…" if picture.result is None else "Live"

    def _make_objectives(self, snap: SessionSnapshot) -> None:
        for old in self.objectives.values():
            self._objective_box.removeWidget(old)
            old.deleteLater()
        self.objectives = {}
        for key, (name, optics) in enumerate(snap.objectives.items(), start=1):
            button = QPushButton(name)
            button.setCheckable(True)
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            button.setToolTip(f"Objective {name}, {optics.um_per_px:g} µm per pixel ({key})")
            button.setAccessibleName(f"Objective {name}")
            button.clicked.connect(lambda _, chosen=name: self.objective_wanted.emit(chosen))
            self._objective_box.addWidget(button)
            self.objectives[name] = button

    def show_scale(self, scale: float | None) -> None:
        """Show the magnification of the picture on the screen, screen px per frame px."""
        self.scale.setText("" if scale is None else f"{100 * scale:.0f} %")

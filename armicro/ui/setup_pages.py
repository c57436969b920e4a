"""Further pages of the guided set-up: display, objective, and what was chosen."""

from __future__ import annotations

from collections.abc import Callable

from PyQt6.QtCore import Qt
from PyQt6.QtGui import QGuiApplication, QScreen
from PyQt6.QtWidgets import (
    QComboBox,
    QDoubleSpinBox,
    QFormLayout,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QPushButton,
)

from armicro.contracts.frame import MAX_UM_PER_PX, MIN_UM_PER_PX
from armicro.session.instrument_choice import SIMULATED, InstrumentChoice
from armicro.ui.display_test import DisplayTest
from armicro.ui.setup_desk import SetupDesk
from armicro.ui.setup_page import PLACE, SetupPage, listed, listed_item
from armicro.ui.steps import said, words_label


def address_of(screen: QScreen) -> str:
    """Return how a display is named in settings: by its name, or its number where it has none."""
    return screen.name() or str(QGuiApplication.screens().index(screen) + 1)


class DisplayPage(SetupPage):
    """Which display is the beam splitter's."""

    def __init__(self, desk: SetupDesk, choice: Callable[[], InstrumentChoice]) -> None:
        super().__init__(
            "Eyepiece",
            "Choose the display that is seen through the oculars. A test picture tells which one it is.",
            desk,
            choice,
        )
        self.test: DisplayTest | None = None
        self.list = QListWidget()
        self.list.setAccessibleName("Displays")
        self.list.currentItemChanged.connect(self._pick)
        self.show_there = QPushButton("Show a &test picture there")
        self.show_there.setAutoDefault(False)
        self.show_there.setToolTip("Circles and margins over that whole display, for 8 seconds")
        self.show_there.clicked.connect(self.show_test)
        self.words = words_label()
        row = QHBoxLayout()
        row.addWidget(self.show_there)
        row.addStretch()
        self.list.setFixedHeight(9 * self.fontMetrics().height() * 2)
        self.body.addWidget(self.list)
        self.body.addLayout(row)
        self.body.addWidget(self.words)
        self.body.addStretch(1)
        application = QGuiApplication.instance()
        assert isinstance(application, QGuiApplication)
        application.screenAdded.connect(self._fill)
        application.screenRemoved.connect(self._fill)

    def enter(self) -> None:
        """List the displays."""
        self._fill()

    def leave(self) -> None:
        """Put the test picture away."""
        if self.test is not None:
            self.test.close()
            self.test.deleteLater()
            self.test = None

    def _own(self) -> QScreen | None:
        window = self.window()
        return None if window is None else window.screen()

    def _fill(self) -> None:
        own = self._own()
        self.list.blockSignals(True)
        self.list.clear()
        choices = [("", "None: no overlay in the eyepiece for now")]
        for n, screen in enumerate(QGuiApplication.screens(), start=1):
            size = screen.size()
            here = "   (this window is on it)" if screen is own else ""
            name = address_of(screen)
            choices.append((name, f"{n}   {screen.name()}   {size.width()} × {size.height()}{here}"))
        now = self.choice.eyepiece or ""
        if now not in dict(choices):
            choices.append((now, f"{now}   as chosen before; not connected"))
        for name, words in choices:
            self.list.addItem(listed_item(name, words))
        self.list.setCurrentItem(listed(self.list, now))
        self.list.blockSignals(False)
        self._tell()

    def _pick(self, item: QListWidgetItem | None) -> None:
        if item is not None:
            self.leave()
            self.choose(eyepiece=item.data(PLACE) or None)
            self._tell()

    def _tell(self) -> None:
        name, own = self.choice.eyepiece, self._own()
        self.show_there.setEnabled(any(address_of(s) == name for s in QGuiApplication.screens()))
        if own is not None and name == address_of(own):
            said(self.words, "This window is on that display: the overlay would cover it.", warn=True)
        elif name is None:
            said(self.words, "The overlay can be shown later: View, Eyepiece window.")
        else:
            said(self.words, "It is aligned later, with the pedal: menu Instrument, Calibrate.")

    def show_test(self) -> None:
        """Show the test picture on the chosen display."""
        self.leave()
        for screen in QGuiApplication.screens():
            if address_of(screen) == self.choice.eyepiece:
                self.test = DisplayTest(screen, f"{address_of(screen)}: is this the eyepiece?")


class ObjectivePage(SetupPage):
    """Which objective is used, and its scale."""

    def __init__(self, desk: SetupDesk, choice: Callable[[], InstrumentChoice]) -> None:
        super().__init__(
            "Objective",
            "The objective that is used most, and how large a camera pixel is in the specimen with it. "
            "Thresholds in µm and the detector's scale rest on it: a wrong one gives a wrong score.",
            desk,
            choice,
        )
        self.known = QComboBox()
        self.known.setAccessibleName("Known objectives")
        self.known.activated.connect(self._take_known)
        self.name = QLineEdit()
        self.name.setPlaceholderText("40x")
        self.name.setToolTip("What it is called; calibrations are kept by this name")
        self.name.textEdited.connect(self._typed)
        self.scale = QDoubleSpinBox()
        self.scale.setAccessibleName("µm per pixel")
        self.scale.setDecimals(5)
        self.scale.setRange(0.0, MAX_UM_PER_PX)
        self.scale.setSingleStep(0.001)
        self.scale.setSuffix(" µm per pixel")
        self.scale.setSpecialValueText("not given")
        self.scale.setToolTip(f"From {MIN_UM_PER_PX:g} to {MAX_UM_PER_PX:g}; at 40x often 0.1 to 0.25")
        self.scale.valueChanged.connect(self._typed)
        self.words = words_label()
        for widget in (self.known, self.name, self.scale):
            widget.setMaximumWidth(44 * self.fontMetrics().height())
        self.name.setMaximumWidth(18 * self.fontMetrics().height())
        self.scale.setMaximumWidth(18 * self.fontMetrics().height())
        form = QFormLayout()
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        form.setHorizontalSpacing(14)
        form.setVerticalSpacing(8)
        form.addRow("Known", self.known)
        form.addRow("Name", self.name)
        form.addRow("Scale", self.scale)
        self.body.addSpacing(6)
        self.body.addLayout(form)
        self.body.addWidget(self.words)
        self.body.addStretch(1)
        self._objectives = tuple(desk.objectives())

    def enter(self) -> None:
        """Show what is chosen, and what is known."""
        self._objectives = tuple(self.desk.objectives())
        choice = self.choice
        self.known.clear()
        self.known.addItem("choose, or enter it below")
        for objective in self._objectives:
            self.known.addItem(f"{objective.name}, {objective.um_per_px:.5g} µm/px: {objective.words}")
        for widget in (self.name, self.scale):
            widget.blockSignals(True)
        self.name.setText(choice.objective or "")
        self.scale.setValue(choice.um_per_px or 0.0)
        for widget in (self.name, self.scale):
            widget.blockSignals(False)
        self._tell()

    def complete(self) -> bool:
        """Ask for a scale where the camera does not tell it."""
        return self.choice.um_per_px is not None or self.choice.tells_scale

    def _take_known(self, row: int) -> None:
        if row > 0:
            objective = self._objectives[row - 1]
            self.choose(objective=objective.name, um_per_px=objective.um_per_px)
            self.enter()
            self.known.setCurrentIndex(row)

    def _typed(self) -> None:
        value = self.scale.value()
        self.choose(
            objective=self.name.text().strip() or None,
            um_per_px=value if MIN_UM_PER_PX <= value <= MAX_UM_PER_PX else None,
        )
        self._tell()

    def _tell(self) -> None:
        given, choice = self.scale.value(), self.choice
        if given and choice.um_per_px is None:
            reach = f"{MIN_UM_PER_PX:g} to {MAX_UM_PER_PX:g}"
            said(self.words, f"A scale of {given:g} µm per pixel cannot be scored: give {reach}.", warn=True)
            return
        words = self.desk.scale_state(choice)
        said(self.words, words, warn=choice.um_per_px is not None and not words.startswith("Measured"))


class SummaryPage(SetupPage):
    """What was chosen, and where it is kept."""

    def __init__(self, desk: SetupDesk, choice: Callable[[], InstrumentChoice]) -> None:
        super().__init__("Summary", "This is what armicro will start with.", desk, choice)
        self.table = QGridLayout()
        self.table.setHorizontalSpacing(18)
        self.table.setVerticalSpacing(8)
        self.table.setColumnStretch(1, 1)
        self.values: dict[str, QLabel] = {}
        for row, (heading, _) in enumerate(InstrumentChoice().lines()):
            label = QLabel(heading)
            label.setObjectName("quiet")
            self.values[heading] = words_label()
            self.values[heading].setObjectName("strong")
            self.table.addWidget(label, row, 0, Qt.AlignmentFlag.AlignTop)
            self.table.addWidget(self.values[heading], row, 1)
        self.words, self.place = words_label(), words_label()
        self.body.addSpacing(6)
        self.body.addLayout(self.table)
        self.body.addSpacing(8)
        self.body.addWidget(self.words)
        self.body.addWidget(self.place)
        self.body.addStretch(1)

    def enter(self) -> None:
        """Show what was chosen."""
        choice = self.choice
        for heading, words in choice.lines():
            self.values[heading].setText(words)
        state = "" if choice.camera == SIMULATED else self.desk.scale_state(choice)
        said(self.words, state, warn=not state.startswith(("Measured", "The camera")))
        when = " It counts from the next start; what runs now goes on as it is." if self.desk.later else ""
        self.place.setText(
            f"Kept in {self.desk.place}.{when} Options of the command line count more. "
            "The menu Instrument opens this again."
        )

"""The guided set-up: camera, pedal, eyepiece, objective; short, and it can be skipped."""

from __future__ import annotations

from pathlib import Path

from PyQt6.QtGui import QKeyEvent
from PyQt6.QtWidgets import QApplication, QWidget

from armicro.contracts.errors import ArmicroError
from armicro.session.instrument_choice import InstrumentChoice
from armicro.ui.setup_camera import CameraPage
from armicro.ui.setup_desk import SetupDesk
from armicro.ui.setup_pages import DisplayPage, ObjectivePage, SummaryPage
from armicro.ui.setup_pedal import PedalPage
from armicro.ui.steps import StepDialog, said, words_label
from armicro.ui.worker import Worker


class SetupWizard(StepDialog):
    """Asks for the parts of the instrument, tries them, and keeps them.

    Parameters
    ----------
    desk : SetupDesk
        What it can call on.
    parent : QWidget or None
        The window it belongs to.
    """

    def __init__(self, desk: SetupDesk, parent: QWidget | None = None) -> None:
        self._desk = desk
        self.choice = desk.present
        self.kept: Path | None = None
        """Where the choice was kept; None where it was not."""
        self._worker = Worker("armicro-setup")
        self.camera = CameraPage(desk, self._now, self._worker)
        self.pedal = PedalPage(desk, self._now)
        self.display = DisplayPage(desk, self._now)
        self.objective = ObjectivePage(desk, self._now)
        self.summary = SummaryPage(desk, self._now)
        pages = (self.camera, self.pedal, self.display, self.objective, self.summary)
        super().__init__("Set up the instrument", pages, parent)
        for page in pages:
            page.chosen.connect(self._take)
        self._worker.failed.connect(lambda words: said(self.camera.notes, words, warn=True))
        self.problem = words_label()
        self.skip = self._button("Cancel" if desk.later else "&Skip: simulated slide", self.reject)
        self.skip.setToolTip(
            "Leave everything as it was"
            if desk.later
            else "Start with the simulated slide; the menu Instrument opens this again"
        )
        self.foot.addWidget(self.skip)
        self.foot.addWidget(self.problem, 1)
        self.foot.addWidget(self.back)
        self.foot.addWidget(self.next)
        self._fit()
        self.begin()

    def _now(self) -> InstrumentChoice:
        return self.choice

    def _take(self, choice: InstrumentChoice) -> None:
        self.choice = choice

    def _fit(self) -> None:
        screen = QApplication.primaryScreen()
        room = None if screen is None else screen.availableGeometry()
        width, height = (1060, 660) if room is None else (room.width() - 80, room.height() - 80)
        self.resize(min(1060, width), min(660, height))

    def refresh(self) -> None:
        """Offer what can be done now."""
        super().refresh()
        if self._desk.later and self.place == len(self.pages) - 1:
            self.next.setText("&Keep")

    def accept(self) -> None:
        """Keep the choice, and close."""
        try:
            self.kept = self._desk.keep(self.choice)
        except (ArmicroError, OSError, ValueError) as error:
            said(self.problem, str(error), warn=True)
            return
        super().accept()

    def end(self) -> None:
        """Let go of camera and pedal."""
        super().end()
        self._worker.close()

    def keyPressEvent(self, event: QKeyEvent | None) -> None:  # noqa: N802 - Qt's name
        """Keep Enter in a field from ending the dialog; Escape skips."""
        if event is not None and event.text() in ("\r", "\n"):
            event.accept()
            return
        super().keyPressEvent(event)

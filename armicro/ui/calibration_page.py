"""What the pages of the calibrations have in common: the live picture, the objective, one task at a time."""

from __future__ import annotations

from collections.abc import Callable

from PyQt6.QtCore import QTimer
from PyQt6.QtWidgets import QLayout, QPushButton

from armicro.contracts.errors import ArmicroError
from armicro.session.view import LiveView, SessionControl
from armicro.ui.calibration_desk import CalibrationDesk
from armicro.ui.steps import Page, said, words_label
from armicro.ui.still_view import StillView
from armicro.ui.worker import Worker

_LOOK_MS = 60


class Surroundings:
    """What all pages of the calibrations share.

    Parameters
    ----------
    session : SessionControl
        Its live picture is measured on.
    desk : CalibrationDesk
        Measures and keeps.
    worker : Worker
        For what takes long.
    objective : callable
        Returns the objective's name.
    """

    def __init__(
        self,
        session: SessionControl,
        desk: CalibrationDesk,
        worker: Worker,
        objective: Callable[[], str],
    ) -> None:
        self.session, self.desk, self.worker, self.objective = session, desk, worker, objective


class LivePage(Page):
    """A page over the live picture.

    Parameters
    ----------
    title, hint : str
        See `Page`.
    around : Surroundings
        What it works with.
    """

    def __init__(self, title: str, hint: str, around: Surroundings) -> None:
        super().__init__(title, hint)
        self.around = around
        self.live: LiveView | None = None
        self.picture = StillView("Live picture")
        self.words = words_label()
        self.busy = False
        self._timer = QTimer(self)
        self._timer.timeout.connect(self.look)

    def lay_out(self, *rows: QLayout) -> None:
        """Put the picture, then rows of widgets, then the words under each other."""
        self.body.addWidget(self.picture, 1)
        for row in rows:
            self.body.addLayout(row)
        self.body.addWidget(self.words)

    def enter(self) -> None:
        """Look at the live picture."""
        self._timer.start(_LOOK_MS)
        self.look()

    def leave(self) -> None:
        """Look no more."""
        self._timer.stop()

    def look(self) -> None:
        """Take the newest live picture."""
        self.live = self.around.session.live()
        if self.live is None:
            faults = [f.words for f in self.around.session.snapshot().faults if f.blanks]
            self.picture.set_picture(None, faults[0] if faults else "Waiting for a picture…")
        else:
            self.picture.set_picture(self.live.frame.rgb)
        self.seen()

    def seen(self) -> None:
        """Use the newest live picture; nothing by default."""

    def do(self, task: Callable[[], object], then: Callable[[object], None]) -> None:
        """Do a task in a thread of its own; what is wrong with it is said."""

        def tried() -> object:
            try:
                return task()
            except (ArmicroError, OSError) as error:
                return _Failed(str(error))

        def done(result: object) -> None:
            self.busy = False
            if isinstance(result, _Failed):
                said(self.words, result.words, warn=True)
                self.failed()
            else:
                then(result)
            self.refresh()

        self.busy = True
        self.refresh()
        self.around.worker.submit(tried, done)

    def failed(self) -> None:
        """Tidy up after a task that failed; nothing by default."""

    def refresh(self) -> None:
        """Offer what can be done now; nothing by default."""


class _Failed:
    """Why a task failed, in words."""

    def __init__(self, words: str) -> None:
        self.words = words


def push(text: str, tip: str, act: Callable[[], object]) -> QPushButton:
    """Make a button."""
    button = QPushButton(text)
    button.setAutoDefault(False)
    button.setToolTip(tip)
    button.clicked.connect(lambda _: act())
    return button

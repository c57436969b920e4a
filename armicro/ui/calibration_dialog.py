"""The calibrations in the window: daily check, light, pixel size, eyepiece, over the live picture."""

from __future__ import annotations

from PyQt6.QtCore import QEvent, QObject
from PyQt6.QtGui import QKeyEvent
from PyQt6.QtWidgets import QApplication, QLabel, QLineEdit, QWidget

from armicro.session.view import SessionControl
from armicro.ui.alignment_page import AlignmentPage
from armicro.ui.calibration_desk import CalibrationDesk
from armicro.ui.calibration_page import Surroundings
from armicro.ui.calibration_pages import CheckPage, GlassPage
from armicro.ui.keys import TYPED_IN
from armicro.ui.scale_page import ScalePage
from armicro.ui.steering import way_um
from armicro.ui.steps import StepDialog
from armicro.ui.worker import Worker


class CalibrationDialog(StepDialog):
    """Measures the instrument on its live picture.

    Parameters
    ----------
    session : SessionControl
        Whose live picture and stage.
    desk : CalibrationDesk
        Measures and keeps.
    parent : QWidget or None
        The window it belongs to.
    """

    def __init__(self, session: SessionControl, desk: CalibrationDesk, parent: QWidget | None = None) -> None:
        self._session = session
        self._worker = Worker("armicro-calibration")
        self.objective = QLineEdit(_objective(session))
        self.objective.setPlaceholderText("40x")
        self.objective.setToolTip("Calibrations are kept by the objective's name")
        around = Surroundings(session, desk, self._worker, lambda: self.objective.text().strip())
        self.check = CheckPage(around)
        self.glass = GlassPage(around)
        self.scale = ScalePage(around)
        self.alignment = AlignmentPage(around)
        pages = (self.check, self.glass, self.scale, self.alignment)
        super().__init__("Calibrate", pages, parent, free=True)
        place = QLabel(f"Kept in {desk.place}")
        place.setObjectName("quiet")
        self.close_ = self._button("&Close", self.reject)
        self.objective.setFixedWidth(8 * self.fontMetrics().height())
        self.foot.addWidget(QLabel("Objective"))
        self.foot.addSpacing(8)
        self.foot.addWidget(self.objective)
        self.foot.addSpacing(16)
        self.foot.addWidget(place, 1)
        self.foot.addWidget(self.close_)
        self.back.setParent(None)
        self.next.setParent(None)
        screen = QApplication.primaryScreen()
        room = None if screen is None else screen.availableGeometry()
        width, height = (1100, 720) if room is None else (room.width() - 80, room.height() - 60)
        self.resize(min(1200, width), min(800, height))
        app = QApplication.instance()
        if app is not None:
            app.installEventFilter(self)
        self.begin()

    def end(self) -> None:
        """Give everything back."""
        app = QApplication.instance()
        if app is not None:
            app.removeEventFilter(self)
        super().end()
        self._worker.close()

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:  # noqa: N802 - Qt's name
        """Take the arrow keys, before buttons and scroll bars do, wherever nothing is typed."""
        if event is None or event.type() != QEvent.Type.KeyPress or not isinstance(event, QKeyEvent):
            return False
        if not isinstance(watched, QWidget) or watched.window() is not self or isinstance(watched, TYPED_IN):
            return False
        return self._steer(event)

    def _steer(self, event: QKeyEvent) -> bool:
        """Move the circle or the stage; return whether the key does."""
        if self.page is self.alignment and self.alignment.nudge(event.key()):
            return True
        live, stage = self._session.live(), self._session.stage
        if live is None or stage is None:
            return False
        by = way_um(event, live.frame.shape, live.frame.optics.um_per_px)
        if by is not None:
            stage.move_by(*by)
        return by is not None

    def keyPressEvent(self, event: QKeyEvent | None) -> None:  # noqa: N802 - Qt's name
        """Keep Enter in a field from ending the dialog; Escape closes it."""
        if event is not None and event.text() in ("\r", "\n"):
            event.accept()
            return
        super().keyPressEvent(event)


def _objective(session: SessionControl) -> str:
    """Return what is in the light path now, as far as it is known."""
    live = session.live()
    return session.snapshot().objective or ("" if live is None else live.frame.optics.objective)

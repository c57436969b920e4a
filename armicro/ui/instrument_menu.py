"""What the menu Instrument does: set-up and calibrations, one dialog at a time."""

from __future__ import annotations

from PyQt6.QtWidgets import QMainWindow

from armicro.session.view import SessionControl
from armicro.ui.calibration_dialog import CalibrationDialog
from armicro.ui.hooks import Hooks
from armicro.ui.setup_wizard import SetupWizard
from armicro.ui.steps import StepDialog


class InstrumentMenu:
    """Opens the dialogs of the instrument over a window; it goes on beneath them.

    Parameters
    ----------
    window : QMainWindow
        Theirs.
    session : SessionControl
        The instrument.
    hooks : Hooks
        What there is for them.
    """

    def __init__(self, window: QMainWindow, session: SessionControl, hooks: Hooks) -> None:
        self._window, self._session, self._hooks = window, session, hooks
        self.dialog: StepDialog | None = None

    def set_up(self) -> None:
        """Open the guided set-up."""
        if self._hooks.setup is not None:
            self._open(SetupWizard(self._hooks.setup(), self._window))

    def calibrate(self, place: int = 1) -> None:
        """Open the calibrations at a page; the first is the daily check."""
        if self._hooks.calibration is not None:
            dialog = CalibrationDialog(self._session, self._hooks.calibration, self._window)
            dialog.go_to(place)
            self._open(dialog)

    def close(self) -> None:
        """Put the dialog away."""
        dialog, self.dialog = self.dialog, None
        if dialog is not None:
            dialog.reject()
            dialog.deleteLater()

    def _open(self, dialog: StepDialog) -> None:
        self.close()
        self.dialog = dialog
        # Not `exec`: the program has to be able to end while it is open.
        dialog.open()

"""Shows and hides the eyepiece's window for the operator's, on the display that was chosen."""

from __future__ import annotations

from collections.abc import Callable

from PyQt6.QtGui import QGuiApplication, QScreen

from armicro.contracts.arrays import U8
from armicro.contracts.errors import DeviceError
from armicro.contracts.eyepiece import EyepieceCalibration
from armicro.overlay.eyepiece_picture import EyepieceDisplay
from armicro.session.view import SessionControl
from armicro.ui.eyepiece_look import PREVIEW_PX
from armicro.ui.eyepiece_window import EyepieceWindow, screens

_PREVIEW_PX = (960, 540)


class EyepieceHook:
    """What `Hooks.eyepiece_window` calls.

    Without a second display the window is a preview on the only one, never full screen: it would cover what
    the operator works with.

    Parameters
    ----------
    session : SessionControl
        What is shown.
    calibration : EyepieceCalibration or None
        How the camera's picture lies on the display.
    display : str or None
        Name of the display, or its number from 1; None takes the first that is not the operator's.
    gone : callable
        Told in words when the display was unplugged, "" when it is back.
    """

    def __init__(
        self,
        session: SessionControl,
        calibration: EyepieceCalibration | None,
        display: str | None,
        gone: Callable[[str], None],
    ) -> None:
        self._session, self._calibration = session, calibration
        self._display, self._gone = display, gone
        self._window: EyepieceWindow | None = None

    def __call__(self, on: bool) -> None:
        """Show or hide it.

        Raises
        ------
        DeviceError
            If there is no display of that name.
        """
        if not on:
            self.close()
            return
        if self._window is not None and self._window.isVisible():
            return
        screen = self.screen()
        self.close()
        self._window = EyepieceWindow(self._session, self._calibration, gone=self._gone)
        if screen is None:
            self._window.resize(*_PREVIEW_PX)
            self._window.show()
        else:
            self._window.show_on(screen)

    def screen(self) -> QScreen | None:
        """Return the display to be filled; None where there is only the operator's.

        Raises
        ------
        DeviceError
            If there is no display of that name.
        """
        there = screens()
        if self._display is None:
            primary = QGuiApplication.primaryScreen()
            return next((s for s in there.values() if s is not primary), None)
        if self._display in there:
            return there[self._display]
        if self._display.isdecimal() and 1 <= int(self._display) <= len(there):
            return list(there.values())[int(self._display) - 1]
        names = ", ".join(f"{n} {name}" for n, name in enumerate(there, start=1))
        raise DeviceError(f"there is no display {self._display!r}; there are: {names}")

    def align(self, calibration: EyepieceCalibration) -> None:
        """Show the overlay by another alignment from now on."""
        self._calibration = calibration
        if self._window is not None and self._window.isVisible():
            self.close()
            self(True)

    def target_shape_px(self) -> tuple[int, int]:
        """Show the window if it is not shown; return height and width of its display, px.

        Raises
        ------
        DeviceError
            If there is no display of that name.
        """
        self(True)
        assert self._window is not None
        return self._window.display.shape_px

    def show_target(self, rgb: U8 | None) -> None:
        """Show a picture instead of the overlay; None for the overlay again."""
        if self._window is not None:
            self._window.set_target(rgb)

    def display(self) -> EyepieceDisplay:
        """Return the display as it is drawn on: the window's while it is open, else as it would be."""
        if self._window is not None and self._window.isVisible():
            return self._window.display
        shape = PREVIEW_PX if self._calibration is None else self._calibration.display_shape_px
        return EyepieceDisplay(shape, self._calibration)

    @property
    def window(self) -> EyepieceWindow | None:
        """The window, while it is open."""
        return self._window

    def close(self) -> None:
        """Put the window away; may be called twice."""
        if self._window is not None:
            self._window.close()
            self._window.deleteLater()
            self._window = None

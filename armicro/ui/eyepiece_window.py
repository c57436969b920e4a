"""The window on the display of the beam splitter: black, and light only where something holds."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace

from PyQt6.QtCore import QObject, Qt, QTimer, pyqtSignal
from PyQt6.QtGui import QCloseEvent, QGuiApplication, QImage, QKeyEvent, QPainter, QPaintEvent, QScreen
from PyQt6.QtWidgets import QWidget

from armicro.contracts.arrays import U8
from armicro.contracts.eyepiece import ANY_OBJECTIVE, EyepieceCalibration
from armicro.overlay.eyepiece import EyepieceStyle
from armicro.overlay.eyepiece_picture import EyepieceDisplay, draw_eyepiece
from armicro.overlay.eyepiece_rim import Rim
from armicro.overlay.eyepiece_show import EyepieceShow, Shows
from armicro.session.view import SessionControl
from armicro.ui.eyepiece_look import EyepieceLight, sight_of
from armicro.ui.keys import HAS_PEDAL

_LOOK_MS = 40
"""How often the session is looked at: with drawing, what no longer holds is gone well within 200 ms."""
_UNDRAWN: Shows = Shows(None, Rim())
BRIGHTNESS_STEP = 0.1


def screens() -> dict[str, QScreen]:
    """Return the displays by their names, the first one first."""
    return {screen.name(): screen for screen in QGuiApplication.screens()}


class EyepieceWindow(QWidget):
    """Full screen on the display of the beam splitter.

    It looks at the session by a timer, decides what is shown, and draws in a thread of its own; the event
    loop only puts the finished picture up. What no longer holds is taken down at once, before anything new is
    drawn.

    Parameters
    ----------
    session : SessionControl
        What is shown.
    calibration : EyepieceCalibration or None
        How the camera's picture lies on the display; None lays it into the middle, for previews.
    style : EyepieceStyle
        Brightness, line width, signs.
    gone : callable, optional
        Told in words when the display was unplugged, and "" when it is back.
    """

    style_changed = pyqtSignal(object)
    _drawn = pyqtSignal(object, object)

    def __init__(
        self,
        session: SessionControl,
        calibration: EyepieceCalibration | None = None,
        style: EyepieceStyle | None = None,
        gone: Callable[[str], None] | None = None,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(None, Qt.WindowType.FramelessWindowHint)
        if parent is not None:
            parent.destroyed.connect(self.close)
        self.setWindowTitle("armicro eyepiece")
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        # The program ends with the operator's window; this one must not keep it alive.
        self.setAttribute(Qt.WidgetAttribute.WA_QuitOnClose, on=False)
        self.setCursor(Qt.CursorShape.BlankCursor)
        # Full screen it may have the keys: who looks into the oculars must not have to know.
        self.setProperty(HAS_PEDAL, True)
        self._session = session
        self._calibration = calibration
        self._show = EyepieceShow(ANY_OBJECTIVE if calibration is None else calibration.objective)
        self._style = style or EyepieceStyle()
        self._gone = gone
        self._screen_name = ""
        self._image: QImage | None = None
        self._target: U8 | None = None
        self._on_display: Shows = _UNDRAWN
        self._asked: EyepieceLight | None = None
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="armicro-eyepiece")
        self._busy: Future[None] | None = None
        self._drawn.connect(self._put_up)
        self._timer = QTimer(self)
        self._timer.timeout.connect(self.look)
        self._timer.start(_LOOK_MS)
        application = QGuiApplication.instance()
        assert isinstance(application, QGuiApplication)
        application.screenRemoved.connect(self._screen_removed)
        application.screenAdded.connect(self._screen_added)

    # -- for the operator ----------------------------------------------------------------------------------

    def set_target(self, rgb: U8 | None) -> None:
        """Show a picture (H, W, 3) instead of the overlay, to align by; None for the overlay again."""
        self._target = rgb
        self._image, self._on_display, self._asked = None, _UNDRAWN, None
        if rgb is not None:
            self._image = _image(rgb)
        self.update()

    @property
    def style_now(self) -> EyepieceStyle:
        """How it is drawn."""
        return self._style

    def set_style(self, style: EyepieceStyle) -> None:
        """Draw otherwise from now on."""
        self._style = style
        self.style_changed.emit(style)
        self.look()

    @property
    def display(self) -> EyepieceDisplay:
        """The display as it is drawn on now."""
        shape = (max(1, self.height()), max(1, self.width()))
        return EyepieceDisplay(shape, self._calibration, self._style)

    @property
    def shown(self) -> Shows:
        """What stands on the display now."""
        return self._on_display

    def show_on(self, screen: QScreen) -> None:
        """Fill a display."""
        self._screen_name = screen.name()
        self.setScreen(screen)
        self.setGeometry(screen.geometry())
        self.showFullScreen()

    # -- looking and drawing -------------------------------------------------------------------------------

    def look(self) -> None:
        """Look at the session, take down what no longer holds, and have the rest drawn."""
        if self._target is not None:
            return
        snapshot, live = self._session.snapshot(), self._session.live()
        shows = self._show.at(sight_of(snapshot, live), time.monotonic_ns())
        if self._on_display.result is not None and shows.result is None:
            self._image, self._on_display = None, _UNDRAWN
            self.update()
        wanted = EyepieceLight(shows, self.display)
        if wanted.same(self._asked) or (self._busy is not None and not self._busy.done()):
            return
        self._asked = wanted
        if shows.is_empty:
            self._image, self._on_display = None, shows
            self.update()
            return
        frame = None if live is None else live.frame.shape
        self._busy = self._pool.submit(self._draw, wanted, frame)

    def _draw(self, wanted: EyepieceLight, frame: tuple[int, int] | None) -> None:
        """Draw in the window's own thread and hand the picture over."""
        try:
            drawn = draw_eyepiece(wanted.shows, wanted.display, frame)
        except Exception:  # noqa: BLE001 - a picture that cannot be drawn must not leave an older one standing
            failed = Shows(None, Rim(fault="drawing failed"))
            drawn = draw_eyepiece(failed, EyepieceDisplay(wanted.display.shape_px), None)
        self._drawn.emit(drawn.shows, drawn.rgb)

    def _put_up(self, shows: Shows, picture: U8) -> None:
        """Show a picture unless it stopped holding while it was drawn."""
        if self._target is not None:
            return
        if shows.result is not None:
            live = self._session.live()
            if live is None or live.moving or live.result is None:
                self._asked = None
                return
        self._image, self._on_display = _image(picture), shows
        self.update()

    # -- Qt --------------------------------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent | None) -> None:  # noqa: N802 - Qt's name
        """Paint black, and the picture where there is one."""
        del event
        painter = QPainter(self)
        painter.fillRect(self.rect(), Qt.GlobalColor.black)
        if self._image is not None:
            painter.drawImage(self.rect(), self._image)
        painter.end()

    def keyPressEvent(self, event: QKeyEvent | None) -> None:  # noqa: N802 - Qt's name
        """Brightness by + and -, line width by W, signs by C; Escape puts the window away."""
        if event is None:
            return
        style, key = self._style, event.key()
        if key in (Qt.Key.Key_Plus, Qt.Key.Key_Equal):
            self.set_style(replace(style, brightness=min(1.0, style.brightness + BRIGHTNESS_STEP)))
        elif key == Qt.Key.Key_Minus:
            self.set_style(replace(style, brightness=max(0.0, style.brightness - BRIGHTNESS_STEP)))
        elif key == Qt.Key.Key_W:
            self.set_style(replace(style, line_px=style.line_px % 4 + 1))
        elif key == Qt.Key.Key_C:
            self.set_style(replace(style, marks="contours" if style.marks == "rings" else "rings"))
        elif key == Qt.Key.Key_Escape:
            self.close()
        else:
            super().keyPressEvent(event)

    def closeEvent(self, event: QCloseEvent | None) -> None:  # noqa: N802 - Qt's name
        """Stop looking and drawing."""
        self._timer.stop()
        self._pool.shutdown(wait=True, cancel_futures=True)
        super().closeEvent(event)

    def _screen_removed(self, screen: QScreen) -> None:
        """Hide rather than cover the operator's own screen, and say so."""
        if screen.name() == self._screen_name and self.isVisible():
            self.hide()
            if self._gone is not None:
                self._gone(f"The eyepiece display {screen.name()} is gone: plug it in again.")

    def _screen_added(self, screen: QScreen) -> None:
        if screen.name() == self._screen_name and not self.isVisible() and self._timer.isActive():
            self.show_on(screen)
            if self._gone is not None:
                self._gone("")


def _image(rgb: U8) -> QImage:
    height, width = rgb.shape[:2]
    # Copied: a QImage over foreign memory does not keep it alive.
    return QImage(rgb.tobytes(), width, height, 3 * width, QImage.Format.Format_RGB888).copy()

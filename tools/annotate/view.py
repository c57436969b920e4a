"""The picture with its points: zooms, pans, and turns the mouse into wishes. It changes no document."""

from __future__ import annotations

from dataclasses import dataclass

from PyQt6.QtCore import QPointF, QRectF, Qt, pyqtSignal
from PyQt6.QtGui import (
    QColor,
    QEnterEvent,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPixmap,
    QResizeEvent,
    QWheelEvent,
)
from PyQt6.QtWidgets import QWidget

from armicro.contracts.arrays import U8
from tools.annotate.marks import (
    draw_crop,
    draw_grid,
    draw_mark,
    draw_other_crop,
    draw_points,
    draw_selection,
    draw_target,
    mark_radius,
)
from tools.annotate.model import Crop, Point
from tools.annotate.pictures import level_for, pyramid
from tools.annotate.style import BACKGROUND
from tools.annotate.viewport import Viewport

REACH = 12.0
"""A point within this many screen px of the cursor is meant by it."""
_DRAG = 4.0
"""The mouse has to go this far, screen px, before a click becomes a drag."""
_WHEEL_STEP = 1.0015


@dataclass(frozen=True, slots=True)
class Scene:
    """What is drawn over the picture.

    Parameters
    ----------
    crop : Crop or None
        The crop that is being marked.
    points : tuple of Point
        Its points.
    selected : int or None
        Uid of the selected point.
    others : tuple of (Crop, str, bool)
        The field's other crops, what is written beside each, and whether it cannot be opened.
    show_points, show_labels, show_grid : bool
        What is switched on.
    """

    crop: Crop | None = None
    points: tuple[Point, ...] = ()
    selected: int | None = None
    others: tuple[tuple[Crop, str, bool], ...] = ()
    show_points: bool = True
    show_labels: bool = True
    show_grid: bool = False

    def near(self, y_px: float, x_px: float, reach_px: float) -> Point | None:
        """Return the point nearest to a place, None where none lies within reach or points are hidden."""
        if not self.show_points:
            return None
        near = [(abs(complex(p.y_px - y_px, p.x_px - x_px)), p.uid, p) for p in self.points]
        best = min(near, default=None, key=lambda entry: entry[:2])
        return best[2] if best is not None and best[0] <= reach_px else None


class FieldView(QWidget):
    """A field that can be zoomed and panned."""

    add_wanted = pyqtSignal(float, float)
    remove_wanted = pyqtSignal(float, float)
    select_wanted = pyqtSignal(int)
    move_wanted = pyqtSignal(int, float, float)
    nudge_wanted = pyqtSignal(int, int)
    cursor_moved = pyqtSignal()
    zoomed = pyqtSignal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("view")
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMinimumSize(320, 240)
        self.viewport = Viewport()
        self.scene = Scene()
        self.cursor_px: tuple[float, float] | None = None
        """Where the cursor is, y, x in px of the image; None while it is elsewhere."""
        self.target: int | None = None
        """Uid of the point that a key would change now."""
        self._levels: tuple[U8, ...] = ()
        self._shape = (1, 1)
        self._base: tuple[Viewport, QPixmap] | None = None
        self._pressed: tuple[Qt.MouseButton, QPointF] | None = None
        self._dragged: Point | None = None
        self._panning = False
        self._space = False

    # What is shown -----------------------------------------------------------------------------------

    def set_picture(self, rgb: U8 | None) -> None:
        """Show another picture at the same place; None shows nothing."""
        self._levels = () if rgb is None else pyramid(rgb)
        self._shape = (1, 1) if rgb is None else (rgb.shape[0], rgb.shape[1])
        self._base = None
        self._let_go()
        self.update()

    def set_scene(self, scene: Scene) -> None:
        """Draw other points."""
        self.scene = scene
        if self._dragged is not None and scene.near(self._dragged.y_px, self._dragged.x_px, 0.5) is None:
            self._let_go()
        self.update()

    def aim(self, uid: int | None) -> None:
        """Show which point a key would change."""
        if uid != self.target:
            self.target = uid
            self.update()

    def look_at(self, viewport: Viewport) -> None:
        """Show another part of the field."""
        self.viewport = viewport.held(self._shape)
        self.zoomed.emit()
        self.update()

    def fit(self, crop: Crop | None) -> None:
        """Fit a crop, or the whole field."""
        if crop is None:
            height, width = self._shape
            self.look_at(self.viewport.fitted_to(0, 0, height, width, 8))
        else:
            self.look_at(self.viewport.fitted_to(crop.y0, crop.x0, crop.size, crop.size, 24))

    def zoom(self, factor: float) -> None:
        """Zoom around the cursor, or around the middle if the cursor is elsewhere."""
        v = self.viewport
        x, y = (v.width / 2, v.height / 2) if self.cursor_px is None else v.to_screen(*self.cursor_px)
        self.look_at(v.zoomed(factor, x, y))

    def one_to_one(self) -> None:
        """Show one pixel of the field on one pixel of the screen."""
        self.zoom(1.0 / self.devicePixelRatioF() / self.viewport.scale)

    def reveal(self, y_px: float, x_px: float) -> None:
        """Bring a place into view, moving the picture no farther than it must."""
        self.look_at(self.viewport.revealing(y_px, x_px, 22))

    @property
    def middle_px(self) -> tuple[float, float]:
        """The image place y, x that a command without a point is about: the cursor's, or the middle."""
        return self.cursor_px or (self.viewport.y_px, self.viewport.x_px)

    def under_cursor(self) -> Point | None:
        """Return the point that the cursor is at."""
        if self.cursor_px is None:
            return None
        return self.scene.near(*self.cursor_px, REACH / self.viewport.scale)

    # Drawing -----------------------------------------------------------------------------------------

    def _drawn_base(self) -> QPixmap:
        """Return the picture without points; kept, since points change far more often than the place."""
        if self._base is not None and self._base[0] == self.viewport:
            return self._base[1]
        ratio, v = self.devicePixelRatioF(), self.viewport
        pixmap = QPixmap(max(1, round(v.width * ratio)), max(1, round(v.height * ratio)))
        pixmap.setDevicePixelRatio(ratio)
        pixmap.fill(QColor(BACKGROUND))
        if self._levels:
            level = level_for(v.scale * ratio, len(self._levels))
            pixels, step = self._levels[level], 2**level
            h, w = pixels.shape[:2]
            (top, left), (bottom, right) = v.to_picture(0, 0), v.to_picture(v.width, v.height)
            # Whole pixels of the level that the view shows, and where they lie on the screen.
            y0, x0 = max(0, int((top + 0.5) // step) - 1), max(0, int((left + 0.5) // step) - 1)
            y1 = min(h, int((bottom + 0.5) // step) + 2)
            x1 = min(w, int((right + 0.5) // step) + 2)
            if y1 > y0 and x1 > x0:
                sx, sy = v.to_screen(y0 * step - 0.5, x0 * step - 0.5)
                side = step * v.scale
                target = QRectF(sx, sy, (x1 - x0) * side, (y1 - y0) * side)
                data, seen = pixels[y0:y1, x0:x1].tobytes(), (x1 - x0, y1 - y0)
                image = QImage(data, *seen, 3 * seen[0], QImage.Format.Format_RGB888)
                painter = QPainter(pixmap)
                painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
                painter.drawImage(target, image, QRectF(0, 0, *seen))
                painter.end()
        self._base = v, pixmap
        return pixmap

    def paintEvent(self, event: QPaintEvent | None) -> None:  # noqa: N802, ARG002 - Qt's name
        """Draw the picture, the crops and the points."""
        painter = QPainter(self)
        painter.drawPixmap(0, 0, self._drawn_base())
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        v, s = self.viewport, self.scene
        if s.crop is not None:
            draw_crop(painter, v, s.crop)
            if s.show_grid:
                draw_grid(painter, v, s.crop)
        for crop, text, locked in s.others:
            draw_other_crop(painter, v, crop, text, locked=locked)
        if s.crop is not None and s.show_points:
            dragged = self._dragged
            rest = (p for p in s.points if dragged is None or p.uid != dragged.uid)
            draw_points(painter, v, s.crop, rest, labels=s.show_labels)
            self._draw_hands(painter)
        painter.end()

    def _draw_hands(self, painter: QPainter) -> None:
        """Draw what the reader has in hand: the point that is dragged, and the selected one."""
        radius = mark_radius(self.viewport.scale)
        if self._dragged is not None and self.cursor_px is not None:
            place = self.viewport.to_screen(*self.cursor_px)
            draw_mark(painter, self._dragged.kind, place, radius, sure=True)
            draw_selection(painter, place, radius)
            return
        for point in self.scene.points:
            place = self.viewport.to_screen(point.y_px, point.x_px)
            if point.uid == self.target:
                draw_target(painter, place, radius)
            if point.uid == self.scene.selected:
                draw_selection(painter, place, radius)

    def resizeEvent(self, event: QResizeEvent | None) -> None:  # noqa: N802, ARG002 - Qt's name
        """Keep the middle where it is."""
        self.viewport = self.viewport.resized(self.width(), self.height())
        self.zoomed.emit()

    # Mouse and keys ----------------------------------------------------------------------------------

    def _let_go(self) -> None:
        self._pressed, self._dragged, self._panning = None, None, False
        self._show_hand()

    def _show_hand(self) -> None:
        if self._panning:
            self.setCursor(Qt.CursorShape.ClosedHandCursor)
        elif self._space:
            self.setCursor(Qt.CursorShape.OpenHandCursor)
        else:
            self.setCursor(Qt.CursorShape.CrossCursor)

    def wheelEvent(self, event: QWheelEvent | None) -> None:  # noqa: N802 - Qt's name
        """Zoom around the cursor."""
        if event is None:
            return
        turn = event.angleDelta().y() or event.pixelDelta().y()
        at = event.position()
        self.look_at(self.viewport.zoomed(_WHEEL_STEP**turn, at.x(), at.y()))
        event.accept()

    def mousePressEvent(self, event: QMouseEvent | None) -> None:  # noqa: N802 - Qt's name
        """Begin a click, a drag or a pan."""
        if event is None or not self._levels:
            return
        self._track(event.position())
        self._pressed = event.button(), event.position()
        self._panning = event.button() is Qt.MouseButton.MiddleButton or (
            self._space and event.button() is Qt.MouseButton.LeftButton
        )
        self._show_hand()

    def mouseMoveEvent(self, event: QMouseEvent | None) -> None:  # noqa: N802 - Qt's name
        """Follow the cursor; pan or drag while a button is down."""
        if event is None:
            return
        at = event.position()
        if self._pressed is not None:
            button, start = self._pressed
            if self._panning:
                self.look_at(self.viewport.panned(at.x() - start.x(), at.y() - start.y()))
                self._pressed = button, at
            elif button is Qt.MouseButton.LeftButton and self._dragged is None:
                went = abs(complex(at.x() - start.x(), at.y() - start.y()))
                if went >= _DRAG:
                    self._dragged = self.scene.near(
                        *self.viewport.to_picture(start.x(), start.y()), REACH / self.viewport.scale
                    )
        self._track(at)
        if self._dragged is not None:
            self.update()

    def _track(self, at: QPointF) -> None:
        self.cursor_px = self.viewport.to_picture(at.x(), at.y())
        self.cursor_moved.emit()

    def mouseReleaseEvent(self, event: QMouseEvent | None) -> None:  # noqa: N802 - Qt's name
        """Finish a click or a drag."""
        if event is None or self._pressed is None:
            return
        (button, start), dragged, panning = self._pressed, self._dragged, self._panning
        if event.button() is not button:
            return
        self._track(event.position())
        self._let_go()
        y_px, x_px = self.viewport.to_picture(event.position().x(), event.position().y())
        if dragged is not None:
            self.move_wanted.emit(dragged.uid, y_px, x_px)
        elif not panning and abs(complex((event.position() - start).x(), (event.position() - start).y())) < 8:
            self._clicked(event, y_px, x_px)
        self.update()

    def _clicked(self, event: QMouseEvent, y_px: float, x_px: float) -> None:
        if event.button() is Qt.MouseButton.RightButton:
            self.remove_wanted.emit(y_px, x_px)
        elif event.button() is Qt.MouseButton.LeftButton:
            beside = bool(event.modifiers() & Qt.KeyboardModifier.AltModifier)
            point = None if beside else self.scene.near(y_px, x_px, REACH / self.viewport.scale)
            if point is not None:
                self.select_wanted.emit(point.uid)
            else:
                self.add_wanted.emit(y_px, x_px)

    def enterEvent(self, event: QEnterEvent | None) -> None:  # noqa: N802, ARG002 - Qt's name
        """Take the keys as soon as the cursor is over the field."""
        self.setFocus(Qt.FocusReason.MouseFocusReason)

    def keyPressEvent(self, event: QKeyEvent | None) -> None:  # noqa: N802 - Qt's name
        """Hold Space to pan; arrows nudge."""
        if event is None:
            return
        steps = {
            Qt.Key.Key_Up: (-1, 0),
            Qt.Key.Key_Down: (1, 0),
            Qt.Key.Key_Left: (0, -1),
            Qt.Key.Key_Right: (0, 1),
        }
        if event.key() == Qt.Key.Key_Space:
            self._space = True
            self._show_hand()
        elif event.key() in steps:
            dy, dx = steps[Qt.Key(event.key())]
            far = 5 if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else 1
            self.nudge_wanted.emit(dy * far, dx * far)
        else:
            super().keyPressEvent(event)

    def keyReleaseEvent(self, event: QKeyEvent | None) -> None:  # noqa: N802 - Qt's name
        """Let go of Space."""
        if event is not None and event.key() == Qt.Key.Key_Space and not event.isAutoRepeat():
            self._space = False
            self._show_hand()
        else:
            super().keyReleaseEvent(event)

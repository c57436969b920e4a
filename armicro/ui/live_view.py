"""The picture: live or captured, with its overlay. Zooms, pans, and turns the mouse into wishes."""

from __future__ import annotations

from enum import StrEnum

from PyQt6.QtCore import QPointF, QRectF, QSize, Qt, QTimer, pyqtSignal
from PyQt6.QtGui import (
    QColor,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QResizeEvent,
    QWheelEvent,
)
from PyQt6.QtWidgets import QWidget

from armicro.contracts.arrays import F32, U8
from armicro.contracts.results import FovResult
from armicro.ui.eyepiece_look import EyepieceLight
from armicro.ui.regions import Draft, FieldRegions
from armicro.ui.regions import Pen as DraftPen
from armicro.ui.render import Look, Rendered, RenderJob, RenderThread
from armicro.ui.theme import ACCENT, BACKGROUND
from armicro.ui.view_marks import Marks, draw_marks
from armicro.ui.viewport import Viewport

_CLICK_PX = 5.0
_WHEEL_STEP = 1.0015
_BLINK_MS = 450
_FLASH_MS = 220
_FLASH_PX = 4


class Tool(StrEnum):
    """What a click in the picture means."""

    LOOK = "look"
    PICK_STAIN = "pick-stain"
    ADD_CELL = "add-cell"
    POLYGON = "polygon"
    FREEHAND = "freehand"


class PictureView(QWidget):
    """A frame with its overlay, scaled down to the size shown by a thread of its own.

    While a new picture is on its way the last one is moved and stretched to where it belongs, so that
    panning and zooming answer at once.
    """

    clicked = pyqtSignal(float, float)
    """A cell was pointed at: y, x in px of the frame."""
    stain_picked = pyqtSignal(float, float)
    cell_wanted = pyqtSignal(float, float)
    region_drawn = pyqtSignal(object, bool)
    """An `Outline`, and whether it includes."""
    tool_ended = pyqtSignal()
    looked = pyqtSignal()
    """Zoomed, panned or resized."""
    failed = pyqtSignal(str)
    _rendered = pyqtSignal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Picture of the specimen")
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMinimumSize(320, 220)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.viewport = Viewport()
        self.marks = Marks()
        self.tool = Tool.LOOK
        self.frames_shown = 0
        """Pictures that were made and came in time to be shown."""
        self._rgb: U8 | None = None
        self._result: FovResult | None = None
        self._look = Look.SCREEN
        self._light: EyepieceLight | None = None
        self._serial = 0
        self._fitted = True
        self._image: tuple[QImage, Rendered] | None = None
        self._pressed: tuple[Qt.MouseButton, QPointF, QPointF] | None = None
        self._closed = False
        self._blink = QTimer(self)
        self._blink.setSingleShot(True)
        self._blink.timeout.connect(self._end_blink)
        self._flash = QTimer(self)
        self._flash.setSingleShot(True)
        self._flash.timeout.connect(self.update)
        self._rendered.connect(self._take, Qt.ConnectionType.QueuedConnection)  # type: ignore[call-arg]
        self._thread = RenderThread(self._rendered.emit, self.failed.emit)
        self._show_hand()

    # What is shown -----------------------------------------------------------------------------------

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Ask for a good part of a small screen."""
        return QSize(860, 560)

    def set_picture(
        self, rgb: U8 | None, result: FovResult | None, um_per_px: float, *, other_source: bool = False
    ) -> None:
        """Show a frame and its reading.

        Parameters
        ----------
        rgb : ndarray of uint8, (H, W, 3), or None
            The frame, not copied and not written to; None shows nothing.
        result : FovResult or None
            Its reading.
        um_per_px : float
            Its scale, for the scale bar.
        other_source : bool
            Whether it is of another place than the last: that one is then not shown any longer.
        """
        if rgb is self._rgb and result is self._result and not other_source:
            return
        before = None if self._rgb is None else self._rgb.shape
        self._rgb, self._result, self.marks.um_per_px = rgb, result, um_per_px
        if rgb is None or other_source:
            self._serial += 1
            self._image = None
            self.marks.blinking = None
        if rgb is not None and (rgb.shape != before or other_source) and self._fitted:
            self.viewport = self.viewport.fitted((rgb.shape[0], rgb.shape[1]))
            self.looked.emit()
        self._ask()
        if rgb is None:
            self.update()

    @property
    def shape(self) -> tuple[int, int] | None:
        """Height and width of the frame, px."""
        return None if self._rgb is None else (self._rgb.shape[0], self._rgb.shape[1])

    def set_look(self, look: Look) -> None:
        """Show it as on a screen or as in the eyepiece."""
        if look is not self._look:
            self._look = look
            self._ask()

    @property
    def look(self) -> Look:
        """How it is shown."""
        return self._look

    def set_light(self, light: EyepieceLight) -> None:
        """Say what the eyepiece shows of this picture; seen only in the eyepiece's look."""
        if not light.same(self._light):
            self._light = light
            if self._look is Look.EYEPIECE:
                self._ask()

    def select(self, yx_px: tuple[float, float] | None, outline: F32 | None = None) -> None:
        """Point at a cell: its centre y, x and, if known, its contour (K, 2) y, x, px."""
        self.marks.selected, self.marks.outline = yx_px, outline
        self.update()

    def set_regions(self, regions: FieldRegions) -> None:
        """Draw the outlines of a field."""
        if regions != self.marks.regions:
            self.marks.regions = regions
            self.update()

    def set_visible_circle(self, circle: tuple[float, float, float] | None) -> None:
        """Draw what the eyepiece shows: centre y, x and radius, px."""
        self.marks.circle = circle
        self.update()

    def blink(self, yx_px: F32) -> None:
        """Ring cells (N, 2) y, x, px, for a moment and once."""
        if len(yx_px):
            self.marks.blinking = yx_px
            self._blink.start(_BLINK_MS)
            self.update()

    def flash(self) -> None:
        """Light the rim for a moment: a field was captured."""
        self._flash.start(_FLASH_MS)
        self.update()

    def _end_blink(self) -> None:
        self.marks.blinking = None
        self.update()

    def _ask(self) -> None:
        """Have the picture made for the present view."""
        if self._rgb is None or self._closed:
            return
        result = self._result
        step = result.membrane.factor if result is not None and result.membrane is not None else 1
        window = self.viewport.window((self._rgb.shape[0], self._rgb.shape[1]), step)
        if window is not None:
            scale = self.viewport.scale * self.devicePixelRatioF()
            job = RenderJob(self._rgb, result, window, scale, self._look, self._serial, self._light)
            self._thread.submit(job)

    def _take(self, rendered: Rendered) -> None:
        if self._closed or rendered.job.serial != self._serial or self._rgb is None:
            return
        height, width = rendered.bgra.shape[:2]
        # The image borrows the array, which stays beside it; nothing is copied.
        data = rendered.bgra.data
        image = QImage(data, width, height, 4 * width, QImage.Format.Format_RGB32)  # type: ignore[call-overload]
        self._image = image, rendered
        self.frames_shown += 1
        self.update()

    # Where one looks ---------------------------------------------------------------------------------

    def look_at(self, viewport: Viewport, *, fitted: bool = False) -> None:
        """Show another part of the frame."""
        self.viewport = viewport if self.shape is None else viewport.held(self.shape)
        self._fitted = fitted
        self._ask()
        self.looked.emit()
        self.update()

    def fit(self) -> None:
        """Fit the whole frame, and keep it fitted."""
        if self.shape is not None:
            self.look_at(self.viewport.fitted(self.shape), fitted=True)
        self._fitted = True

    def zoom(self, factor: float) -> None:
        """Zoom around the middle."""
        v = self.viewport
        self.look_at(v.zoomed(factor, v.width / 2, v.height / 2))

    def one_to_one(self) -> None:
        """Show one pixel of the frame on one pixel of the screen."""
        self.zoom(1.0 / self.devicePixelRatioF() / self.viewport.scale)

    def centre_on(self, y_px: float, x_px: float) -> None:
        """Bring a place to the middle."""
        v = self.viewport
        x, y = v.to_screen(y_px, x_px)
        self.look_at(v.panned(v.width / 2 - x, v.height / 2 - y))

    # Tools -------------------------------------------------------------------------------------------

    def set_tool(self, tool: Tool, *, include: bool = True) -> None:
        """Choose what a click means."""
        self.tool = tool
        pens = {Tool.POLYGON: DraftPen.POLYGON, Tool.FREEHAND: DraftPen.FREEHAND}
        self.marks.draft = Draft(pens[tool], include) if tool in pens else None
        self._show_hand()
        self.update()

    def finish_region(self) -> None:
        """Close the outline that is being drawn; one that encloses nothing is dropped."""
        draft = self.marks.draft
        if draft is None:
            return
        outline = draft.outline(1.0 / self.viewport.scale)
        self.marks.draft = Draft(draft.pen, draft.include)
        self.update()
        if outline is not None:
            self.region_drawn.emit(outline, draft.include)

    def _show_hand(self) -> None:
        if self._pressed is not None and self.marks.draft is None:
            self.setCursor(Qt.CursorShape.ClosedHandCursor)
        elif self.tool is Tool.LOOK:
            self.setCursor(Qt.CursorShape.ArrowCursor)
        else:
            self.setCursor(Qt.CursorShape.CrossCursor)

    # Drawing -----------------------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent | None) -> None:  # noqa: N802, ARG002 - Qt's name
        """Draw the picture and what lies over it."""
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(BACKGROUND))
        if self._image is not None:
            self._draw_image(painter, *self._image)
        draw_marks(painter, self.viewport, self.marks, self.shape)
        if self._flash.isActive():
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(QColor(ACCENT), 2 * _FLASH_PX))
            painter.drawRect(self.rect())
        painter.end()

    def _draw_image(self, painter: QPainter, image: QImage, rendered: Rendered) -> None:
        v, ratio = self.viewport, self.devicePixelRatioF()
        y, x, height, width = rendered.job.window
        left, top = v.to_screen(y - 0.5, x - 0.5)
        if rendered.job.scale == v.scale * ratio:
            image.setDevicePixelRatio(ratio)
            painter.drawImage(QPointF(round(left * ratio) / ratio, round(top * ratio) / ratio), image)
        else:
            target = QRectF(left, top, width * v.scale, height * v.scale)
            painter.drawImage(target, image, QRectF(0, 0, image.width(), image.height()))

    def resizeEvent(self, event: QResizeEvent | None) -> None:  # noqa: N802, ARG002 - Qt's name
        """Keep the middle, or the fit."""
        self.viewport = self.viewport.resized(self.width(), self.height())
        if self._fitted and self.shape is not None:
            self.viewport = self.viewport.fitted(self.shape)
        self._ask()
        self.looked.emit()

    # Mouse and keys ----------------------------------------------------------------------------------

    def wheelEvent(self, event: QWheelEvent | None) -> None:  # noqa: N802 - Qt's name
        """Zoom around the cursor."""
        if event is None:
            return
        turn = event.angleDelta().y() or event.pixelDelta().y()
        at = event.position()
        self.look_at(self.viewport.zoomed(_WHEEL_STEP**turn, at.x(), at.y()))
        event.accept()

    def mousePressEvent(self, event: QMouseEvent | None) -> None:  # noqa: N802 - Qt's name
        """Begin a click, a pan or a stroke."""
        if event is None or self.shape is None:
            return
        self.setFocus(Qt.FocusReason.MouseFocusReason)
        self._pressed = event.button(), event.position(), event.position()
        if self.tool is Tool.FREEHAND and event.button() is Qt.MouseButton.LeftButton:
            self._add_vertex(event.position())
        self._show_hand()

    def mouseMoveEvent(self, event: QMouseEvent | None) -> None:  # noqa: N802 - Qt's name
        """Pan or draw while a button is down."""
        if event is None:
            return
        at = event.position()
        self.marks.cursor = self.viewport.to_picture(at.x(), at.y())
        if self._pressed is not None:
            button, start, last = self._pressed
            self._pressed = button, start, at
            if self.tool is Tool.FREEHAND and button is Qt.MouseButton.LeftButton:
                self._add_vertex(at)
            elif self._far(start, at) or self._far(start, last):
                self.look_at(self.viewport.panned(at.x() - last.x(), at.y() - last.y()))
            else:
                self._pressed = button, start, last
        elif self.marks.draft is not None:
            self.update()

    def mouseReleaseEvent(self, event: QMouseEvent | None) -> None:  # noqa: N802 - Qt's name
        """Finish a click, a pan or a stroke."""
        if event is None or self._pressed is None or event.button() is not self._pressed[0]:
            return
        button, start, last = self._pressed
        self._pressed = None
        self._show_hand()
        if button is not Qt.MouseButton.LeftButton:
            return
        if self.tool is Tool.FREEHAND:
            self.finish_region()
        elif not self._far(start, event.position()) and not self._far(start, last):
            self._click(event.position())

    def mouseDoubleClickEvent(self, event: QMouseEvent | None) -> None:  # noqa: N802 - Qt's name
        """Close a polygon."""
        if event is not None and self.tool is Tool.POLYGON:
            self.finish_region()

    def keyPressEvent(self, event: QKeyEvent | None) -> None:  # noqa: N802 - Qt's name
        """Close, shorten or drop an outline."""
        if event is None:
            return
        drawing = self.marks.draft is not None and bool(self.marks.draft.vertices)
        if drawing and event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.finish_region()
        elif drawing and self.marks.draft is not None and event.key() == Qt.Key.Key_Backspace:
            self.marks.draft.back()
            self.update()
        else:
            super().keyPressEvent(event)

    @staticmethod
    def _far(a: QPointF, b: QPointF) -> bool:
        return abs(complex(a.x() - b.x(), a.y() - b.y())) > _CLICK_PX

    def _add_vertex(self, at: QPointF) -> None:
        if self.marks.draft is not None:
            self.marks.draft.add(*self.viewport.to_picture(at.x(), at.y()))
            self.update()

    def _click(self, at: QPointF) -> None:
        y_px, x_px = self.viewport.to_picture(at.x(), at.y())
        if self.tool is Tool.POLYGON:
            self._add_vertex(at)
        elif self.tool is Tool.PICK_STAIN:
            self.stain_picked.emit(y_px, x_px)
        elif self.tool is Tool.ADD_CELL:
            self.cell_wanted.emit(y_px, x_px)
        else:
            self.clicked.emit(y_px, x_px)

    def shut(self) -> None:
        """End the thread; the view shows nothing new afterwards. May be called twice."""
        self._closed = True
        self._blink.stop()
        self._flash.stop()
        self._thread.close()

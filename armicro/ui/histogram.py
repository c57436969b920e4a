"""The live histogram of DAB with a handle for each threshold."""

from __future__ import annotations

from dataclasses import replace
from enum import StrEnum

import numpy as np
from PyQt6.QtCore import QPointF, QRectF, QSize, Qt, QTimer, pyqtSignal
from PyQt6.QtGui import QColor, QFocusEvent, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen, QPolygonF
from PyQt6.QtWidgets import QSizePolicy, QWidget

from armicro.contracts.arrays import I64
from armicro.contracts.stain import DabThresholds
from armicro.session.view import HISTOGRAM_OD
from armicro.ui.theme import ACCENT, BACKGROUND, BROWNS, FADED, LINE, QUIET, TEXT

SHOWN_OD = (-0.05, 0.9)
"""What is drawn of the histogram; a membrane is hardly ever denser."""
LEAST_GAP_OD = 0.005
NUDGE_OD, FAR_NUDGE_OD = 0.005, 0.02
_REACH_PX = 10.0
_PREVIEW_MS = 30


class Handle(StrEnum):
    """A threshold that can be moved."""

    FAINT = "faint_od"
    WEAK = "weak_od"
    INTENSE = "intense_od"

    @property
    def word(self) -> str:
        """Its name for people."""
        return self.value.removesuffix("_od")


def moved(thresholds: DabThresholds, handle: Handle, od: float) -> DabThresholds:
    """Return thresholds with one of them moved, held between its neighbours.

    Parameters
    ----------
    thresholds : DabThresholds
        As they are.
    handle : Handle
        Which.
    od : float
        Where to, log10 OD.
    """
    faint = thresholds.faint_od
    if handle is Handle.FAINT:
        low, high = LEAST_GAP_OD, thresholds.weak_od - LEAST_GAP_OD
    elif handle is Handle.WEAK:
        low, high = (faint or 0.0) + LEAST_GAP_OD, thresholds.intense_od - LEAST_GAP_OD
    else:
        low, high = thresholds.weak_od + LEAST_GAP_OD, HISTOGRAM_OD[1]
    return replace(thresholds, **{handle.value: round(min(max(od, low), high), 4)})


class Histogram(QWidget):
    """Draws the histogram; its handles are moved by mouse or arrow keys.

    A handle on its way is told by `previewed`, at most some thirty times a second; letting go is told once
    by `committed`.
    """

    previewed = pyqtSignal(object)
    committed = pyqtSignal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Histogram of DAB density with the thresholds faint, weak and intense")
        self.setToolTip(
            "How much of the live picture has which DAB density (log10 OD; heights are square roots).\n"
            "Drag a handle, or choose one with ↑ ↓ and move it with ← → (Shift: further)."
        )
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.thresholds: DabThresholds | None = None
        self.handle = Handle.WEAK
        """The one that keys move."""
        self._counts: I64 | None = None
        self._locked = False
        self._start: DabThresholds | None = None
        self._by_key = False
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._preview)

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Ask for a low, wide place."""
        return QSize(420, 6 * self.fontMetrics().height())

    def minimumSizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Ask for enough to read the scale."""
        return QSize(220, round(4.5 * self.fontMetrics().height()))

    @property
    def held(self) -> bool:
        """Whether a handle is on its way: what the session says then comes second."""
        return self._start is not None

    def show_counts(self, counts: I64 | None) -> None:
        """Draw another histogram."""
        if counts is not self._counts:
            self._counts = counts
            self.update()

    def show_thresholds(self, thresholds: DabThresholds, *, locked: bool) -> None:
        """Draw the thresholds in force; a handle on its way stays where the hand has it."""
        if locked and self.held:
            self.cancel()
        changed = locked is not self._locked
        self._locked = locked
        if not self.held and thresholds != self.thresholds:
            changed = True
            self.thresholds = thresholds
            if self.handle not in self._handles():
                self.handle = Handle.WEAK
        # Asked with each frame of the camera: drawn only when something is other than before.
        if changed:
            self.update()

    def _handles(self) -> list[Handle]:
        faint = self.thresholds is not None and self.thresholds.faint_od is not None
        return [Handle.FAINT, Handle.WEAK, Handle.INTENSE] if faint else [Handle.WEAK, Handle.INTENSE]

    def _od(self, handle: Handle) -> float:
        return float(getattr(self.thresholds, handle.value))

    # Moving ------------------------------------------------------------------------------------------

    def _move(self, od: float) -> None:
        if self.thresholds is None:
            return
        wanted = moved(self.thresholds, self.handle, od)
        if wanted != self.thresholds:
            self.thresholds = wanted
            self.update()
            if not self._timer.isActive():
                self._timer.start(_PREVIEW_MS)

    def _preview(self) -> None:
        if self.held:
            self.previewed.emit(self.thresholds)

    def _release(self) -> None:
        start, self._start = self._start, None
        self._by_key = False
        self._timer.stop()
        if start is not None and start != self.thresholds:
            self.committed.emit(self.thresholds)
        self.update()

    def cancel(self) -> None:
        """Put a handle that is on its way back to where it came from."""
        if self._start is None:
            return
        start, self._start = self._start, None
        self._by_key = False
        self._timer.stop()
        if start != self.thresholds:
            self.thresholds = start
            # A preview ends with a commit; of what was in force before, it changes nothing.
            self.committed.emit(start)
        self.update()

    # Drawing -----------------------------------------------------------------------------------------

    def _plot(self) -> QRectF:
        letters = self.fontMetrics().height()
        return QRectF(6, letters + 4, self.width() - 12, self.height() - 2 * letters - 6)

    def x_of(self, od: float) -> float:
        """Return where on the widget a density is, px."""
        plot = self._plot()
        return plot.left() + (od - SHOWN_OD[0]) / (SHOWN_OD[1] - SHOWN_OD[0]) * plot.width()

    def _od_at(self, x: float) -> float:
        plot = self._plot()
        return SHOWN_OD[0] + (x - plot.left()) / max(plot.width(), 1.0) * (SHOWN_OD[1] - SHOWN_OD[0])

    def paintEvent(self, event: QPaintEvent | None) -> None:  # noqa: N802, ARG002 - Qt's name
        """Draw bars, scale and handles."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        plot = self._plot()
        painter.fillRect(plot, QColor(BACKGROUND))
        self._draw_bars(painter, plot)
        self._draw_scale(painter, plot)
        if self.thresholds is not None:
            for handle in self._handles():
                self._draw_handle(painter, plot, handle)
        painter.end()

    def _draw_bars(self, painter: QPainter, plot: QRectF) -> None:
        if self._counts is None or not self._counts.any():
            painter.setPen(QColor(QUIET))
            clear = plot.adjusted(plot.width() * 0.55, 0, 0, 0)
            painter.drawText(clear, Qt.AlignmentFlag.AlignCenter, "no live picture to measure")
            return
        edges = np.linspace(*HISTOGRAM_OD, len(self._counts) + 1)
        height = np.sqrt(self._counts / self._counts.max()) * (plot.height() - 2)
        per_od = plot.width() / (SHOWN_OD[1] - SHOWN_OD[0])
        left = plot.left() + (edges - SHOWN_OD[0]) * per_od
        bars: dict[str, list[QRectF]] = {}
        for i in np.flatnonzero((height > 0) & (edges[1:] <= SHOWN_OD[1] + 1e-9)).tolist():
            tall, wide = float(height[i]), float(left[i + 1] - left[i]) + 0.3
            box = QRectF(float(left[i]), plot.bottom() - tall, wide, tall)
            bars.setdefault(self._level_colour(float(edges[i] + edges[i + 1]) / 2), []).append(box)
        painter.setPen(Qt.PenStyle.NoPen)
        for colour, boxes in bars.items():
            painter.setBrush(QColor(colour))
            painter.drawRects(boxes)  # type: ignore[call-overload]

    def _level_colour(self, od: float) -> str:
        t = self.thresholds
        if t is None or self._locked:
            return FADED if self._locked else BROWNS[0]
        level = 3 if od >= t.intense_od else 2 if od >= t.weak_od else 0
        if level == 0 and t.faint_od is not None and od >= t.faint_od:
            level = 1
        return BROWNS[level]

    def _draw_scale(self, painter: QPainter, plot: QRectF) -> None:
        painter.setPen(QColor(QUIET))
        metrics = painter.fontMetrics()
        for tenth in range(0, round(SHOWN_OD[1] * 10) + 1, 1 if plot.width() > 500 else 2):
            x = self.x_of(tenth / 10)
            painter.setPen(QColor(LINE))
            painter.drawLine(QPointF(x, plot.bottom()), QPointF(x, plot.bottom() + 3))
            text = f"{tenth / 10:.1f}"
            painter.setPen(QColor(QUIET))
            left = min(
                x - metrics.horizontalAdvance(text) / 2, self.width() - metrics.horizontalAdvance(text)
            )
            painter.drawText(QPointF(left, plot.bottom() + metrics.ascent() + 2), text)

    def _draw_handle(self, painter: QPainter, plot: QRectF, handle: Handle) -> None:
        x = self.x_of(min(self._od(handle), SHOWN_OD[1]))
        chosen = handle is self.handle and (self.hasFocus() or self.held) and not self._locked
        ink = QColor(FADED if self._locked else ACCENT if chosen else TEXT)
        painter.setPen(
            QPen(ink, 3 if chosen else 2, Qt.PenStyle.DotLine if self._locked else Qt.PenStyle.SolidLine)
        )
        painter.drawLine(QPointF(x, plot.top()), QPointF(x, plot.bottom()))
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(ink)
        top = plot.top()
        painter.drawPolygon(
            QPolygonF([QPointF(x - 6, top - 1), QPointF(x + 6, top - 1), QPointF(x, top + 7)])
        )
        metrics = painter.fontMetrics()
        width = metrics.horizontalAdvance(handle.word)
        left = x - width / 2
        if handle is Handle.FAINT and self.thresholds is not None:
            # Faint and weak lie close together: the left one's name goes to the left.
            left = min(
                left, self.x_of(self.thresholds.weak_od) - metrics.horizontalAdvance("weak") / 2 - width - 8
            )
        painter.setPen(ink)
        painter.drawText(QPointF(min(max(left, 0), self.width() - width), metrics.ascent()), handle.word)

    # Mouse and keys ----------------------------------------------------------------------------------

    def _near(self, x: float) -> Handle | None:
        if self.thresholds is None or self._locked:
            return None
        best = min(self._handles(), key=lambda h: abs(self.x_of(self._od(h)) - x))
        return best if abs(self.x_of(self._od(best)) - x) <= _REACH_PX else None

    def mousePressEvent(self, event: QMouseEvent | None) -> None:  # noqa: N802 - Qt's name
        """Take a handle."""
        if event is None or event.button() is not Qt.MouseButton.LeftButton or self.held:
            return
        near = self._near(event.position().x())
        if near is not None:
            self.handle, self._start = near, self.thresholds
            self.update()

    def mouseMoveEvent(self, event: QMouseEvent | None) -> None:  # noqa: N802 - Qt's name
        """Move the handle that is held."""
        if event is None:
            return
        if self.held and not self._by_key:
            self._move(self._od_at(event.position().x()))
        else:
            over = self._near(event.position().x()) is not None
            self.setCursor(Qt.CursorShape.SizeHorCursor if over else Qt.CursorShape.ArrowCursor)

    def mouseReleaseEvent(self, event: QMouseEvent | None) -> None:  # noqa: N802 - Qt's name
        """Let go."""
        if event is not None and event.button() is Qt.MouseButton.LeftButton and not self._by_key:
            self._release()

    def keyPressEvent(self, event: QKeyEvent | None) -> None:  # noqa: N802 - Qt's name
        """Choose a handle or nudge it."""
        if event is None:
            return
        key = event.key()
        if key == Qt.Key.Key_Escape and self.held:
            self.cancel()
        elif self.thresholds is None or self._locked or key not in (
            Qt.Key.Key_Left, Qt.Key.Key_Right, Qt.Key.Key_Up, Qt.Key.Key_Down,
        ):  # fmt: skip
            super().keyPressEvent(event)
        elif key in (Qt.Key.Key_Up, Qt.Key.Key_Down):
            if not self.held:
                handles = self._handles()
                step = 1 if key == Qt.Key.Key_Up else -1
                self.handle = handles[(handles.index(self.handle) + step) % len(handles)]
                self.update()
        elif not self.held or self._by_key:
            if not self.held:
                self._start, self._by_key = self.thresholds, True
            far = event.modifiers() & Qt.KeyboardModifier.ShiftModifier
            step_od = (FAR_NUDGE_OD if far else NUDGE_OD) * (1 if key == Qt.Key.Key_Right else -1)
            self._move(self._od(self.handle) + step_od)

    def keyReleaseEvent(self, event: QKeyEvent | None) -> None:  # noqa: N802 - Qt's name
        """Let go of a handle that keys moved."""
        if event is None:
            return
        arrow = event.key() in (Qt.Key.Key_Left, Qt.Key.Key_Right)
        if arrow and self._by_key and not event.isAutoRepeat():
            self._release()
        else:
            super().keyReleaseEvent(event)

    def focusOutEvent(self, event: QFocusEvent | None) -> None:  # noqa: N802 - Qt's name
        """Keys that are let go elsewhere are not heard here."""
        if self._by_key:
            self._release()
        super().focusOutEvent(event)
        self.update()

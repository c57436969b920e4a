"""What is looked at: the live picture or a captured field, and the cell that was pointed at."""

from __future__ import annotations

import time
from collections.abc import Callable

from PyQt6.QtCore import QObject, pyqtSignal

from armicro.contracts.cells import CellTable
from armicro.contracts.frame import Frame
from armicro.contracts.results import FovResult
from armicro.overlay.eyepiece_picture import EyepieceDisplay
from armicro.session.commands import Command
from armicro.session.view import CapturedField, LiveView, SessionControl, SessionSnapshot
from armicro.ui.cell_inspector import CellInspector, contour_px, nearest
from armicro.ui.changes import changed_cells
from armicro.ui.eyepiece_look import PREVIEW_PX, EyepieceLights, visible_circle
from armicro.ui.live_view import PictureView, Tool
from armicro.ui.regions import FieldRegions, Outline, RegionBook
from armicro.ui.render import Look
from armicro.ui.worker import Worker

_ASSUMED_UM_PER_PX = 0.25


class Sight(QObject):
    """Brings frames, readings, outlines and evidence into the view and the inspector.

    Parameters
    ----------
    session : SessionControl
        Asked for pixels and told commands.
    worker : Worker
        Reads captured fields: they may have to come from the disk.
    picture : PictureView
        Shows them.
    inspector : CellInspector
        Shows one cell.
    display : callable, optional
        Returns the eyepiece's display, for the view as in the eyepiece.
    """

    changed = pyqtSignal()
    """Something else is looked at: what is shown around it has to follow."""
    cell_opened = pyqtSignal()
    cell_closed = pyqtSignal()

    def __init__(
        self,
        session: SessionControl,
        worker: Worker,
        picture: PictureView,
        inspector: CellInspector,
        display: Callable[[], EyepieceDisplay] | None = None,
    ) -> None:
        super().__init__(picture)
        self._display = display or (lambda: EyepieceDisplay(PREVIEW_PX))
        self._lights = EyepieceLights()
        self._circled: tuple[str | None, tuple[int, int] | None] = (None, None)
        self._session, self._worker = session, worker
        self._picture, self._inspector = picture, inspector
        self.number: int | None = None
        """The captured field that is looked at; None for the live picture."""
        self.outlines_exclude = False
        self._frame: tuple[int, Frame] | None = None
        self._asked: int | None = None
        self._result: FovResult | None = None
        self._um_per_px = _ASSUMED_UM_PER_PX
        self._shown: tuple[str, int | None] | None = None
        self._book = RegionBook()
        self._case = ""
        self._n_fields = 0
        self._last_read: FovResult | None = None
        self._told: FovResult | None = None
        inspector.closed.connect(self.close_cell)
        inspector.command_wanted.connect(self._do)
        picture.clicked.connect(self.point_at)
        picture.cell_wanted.connect(self._miss)
        picture.region_drawn.connect(self._draw)

    def _do(self, command: Command) -> None:
        self._session.do(command)

    # What is looked at -------------------------------------------------------------------------------

    def go_live(self) -> None:
        """Look at the live picture."""
        self._go(None)

    def go_to(self, number: int) -> None:
        """Look at a captured field."""
        self._go(number)

    def _go(self, number: int | None) -> None:
        if number != self.number:
            self.number = number
            self.close_cell()
            self.set_tool(Tool.LOOK)
            self.changed.emit()

    def set_tool(self, tool: Tool) -> None:
        """Choose what a click means; all but looking and stain picking need a captured field."""
        if self.number is None and tool not in (Tool.LOOK, Tool.PICK_STAIN):
            tool = Tool.LOOK
        self._picture.set_tool(tool, include=not self.outlines_exclude)

    def show(self, snap: SessionSnapshot, live: LiveView | None) -> None:
        """Show the newest state."""
        if snap.case_id != self._case:
            self._case, self._frame, self._n_fields, self.number = snap.case_id, None, 0, None
            self._book.forget()
            self.close_cell()
        fields = {f.number: f for f in snap.fields}
        captured, self._n_fields = len(fields) > self._n_fields, len(fields)
        if captured:
            self._picture.flash()
        if self.number is not None and (captured or self.number not in fields):
            # Whoever presses the pedal looks at the specimen, so the screen does too.
            self._go(None)
        for field in snap.fields:
            self._book.see(field.number, field.result)
        other = self._shown != (self._case, self.number)
        self._shown = self._case, self.number
        if self._picture.look is Look.EYEPIECE:
            self._show_light(snap, live, fields.get(self.number or 0))
        if self.number is None:
            self._show_live(snap, live, other=other)
        else:
            self._show_field(snap, fields[self.number], other=other)
        self._show_circle()
        self._follow_cell(moving=live is not None and live.moving)

    def _show_circle(self) -> None:
        """Draw faintly what the oculars show of this picture, where the eyepiece is aligned."""
        shape, calibration = self._picture.shape, self._display().calibration
        key = (None, None) if calibration is None else (calibration.identity, shape)
        if key == self._circled or shape is None:
            return
        self._circled = key
        self._picture.set_visible_circle(None if calibration is None else visible_circle(calibration, shape))

    def set_look(self, look: Look) -> None:
        """Show the picture as on a screen or as in the eyepiece."""
        self._picture.set_look(look)
        self.changed.emit()

    def _show_light(self, snap: SessionSnapshot, live: LiveView | None, field: CapturedField | None) -> None:
        display = self._display()
        if field is None:
            light = self._lights.live(snap, live, display, time.monotonic_ns())
        else:
            light = self._lights.field(snap, field.result, display)
        self._picture.set_light(light)

    def _show_live(self, snap: SessionSnapshot, live: LiveView | None, *, other: bool) -> None:
        self._picture.set_regions(FieldRegions())
        if live is None:
            self._result = None
            self._picture.set_picture(None, None, self._um_per_px)
            return
        self._um_per_px = live.frame.optics.um_per_px
        self._result = live.result
        drawn = live.result if snap.overlay_on else None
        self._picture.set_picture(live.frame.rgb, drawn, self._um_per_px, other_source=other)
        self._blink(live.result, other=other)

    def _show_field(self, snap: SessionSnapshot, field: CapturedField, *, other: bool) -> None:
        self._result = field.result
        self._picture.set_regions(self._book.of(field.number))
        if self._frame is None or self._frame[0] != field.number:
            if self._asked != field.number:
                number = self._asked = field.number
                self._worker.submit(
                    lambda: self._session.field_frame(number), lambda frame: self._take(number, frame)
                )
            self._picture.set_picture(None, None, self._um_per_px)
            self._shown = None
            return
        frame = self._frame[1]
        self._um_per_px = frame.optics.um_per_px
        drawn = field.result if snap.overlay_on else None
        self._picture.set_picture(frame.rgb, drawn, self._um_per_px, other_source=other)
        self._blink(field.result, other=other)

    def _take(self, number: int, frame: object) -> None:
        self._asked = None
        if isinstance(frame, Frame):
            self._frame = number, frame
            self.changed.emit()

    def _blink(self, result: FovResult | None, *, other: bool) -> None:
        """Ring once what other thresholds read otherwise."""
        if other:
            self._last_read = result
        elif result is not None and result is not self._last_read:
            self._picture.blink(changed_cells(self._last_read, result))
            self._last_read = result

    # One cell ----------------------------------------------------------------------------------------

    def point_at(self, y_px: float, x_px: float) -> None:
        """Tell about the cell at a place, or close the inspector where there is none."""
        cells = None if self._result is None else self._result.cells
        index = None if cells is None else nearest(cells, (y_px, x_px), self._um_per_px)
        if cells is None or index is None:
            self.close_cell()
        else:
            self._tell(cells, index)
            self.cell_opened.emit()

    def _tell(self, cells: CellTable, index: int) -> None:
        self._told = self._result
        self._inspector.show_cell(cells, index, self.number)
        y, x = cells.yx_px[index]
        self._picture.select((float(y), float(x)), contour_px(cells, index, self._um_per_px))

    def _follow_cell(self, *, moving: bool) -> None:
        """Keep the evidence of the cell that is pointed at the newest there is."""
        picked = self._inspector.picked
        if picked is None or picked.index is None:
            return
        if picked.number != self.number or (self.number is None and moving):
            self.close_cell()
        elif self._result is not None and self._result is not self._told:
            cells = self._result.cells
            index = nearest(cells, picked.yx_px, self._um_per_px)
            if index is None:
                self.close_cell()
            else:
                self._tell(cells, index)

    def close_cell(self) -> None:
        """Point at no cell."""
        if self._inspector.picked is not None:
            self._inspector.picked = None
            self._picture.select(None)
            self.cell_closed.emit()

    def _miss(self, y_px: float, x_px: float) -> None:
        """Ask what a cell is that was missed."""
        if self.number is not None:
            self._inspector.show_missing(self.number, (y_px, x_px))
            self._picture.select((y_px, x_px))
            self.cell_opened.emit()

    # Outlines ----------------------------------------------------------------------------------------

    def _draw(self, outline: Outline, include: bool) -> None:
        if self.number is not None:
            self._set_regions(self.number, self._book.of(self.number).with_outline(outline, include=include))

    def clear_regions(self) -> None:
        """Count everywhere in the field again."""
        if self.number is not None:
            self._set_regions(self.number, FieldRegions())

    def _set_regions(self, number: int, regions: FieldRegions) -> None:
        self._book.ask(number, regions)
        self._session.do(regions.command(number))

"""The operator window: the parts put together, and what its actions do."""

from __future__ import annotations

import time
from collections.abc import Callable

from PyQt6.QtCore import Qt
from PyQt6.QtGui import QCloseEvent, QKeyEvent, QKeySequence, QShortcut, QShowEvent
from PyQt6.QtWidgets import QApplication, QMainWindow

from armicro.contracts.cells import CATEGORIES
from armicro.contracts.stain import DabThresholds
from armicro.imaging.stain import brightest
from armicro.session.commands import (
    Capture,
    Command,
    Redo,
    RemoveField,
    SetGuideline,
    SetObjective,
    SetThresholds,
    ToggleOverlay,
    Undo,
)
from armicro.session.view import LiveView, SessionControl, SessionSnapshot, SessionState
from armicro.ui.actions import TOOLS, make_actions, offered, show_actions
from armicro.ui.bridge import SessionBridge
from armicro.ui.dialogs import Dialogs
from armicro.ui.header import case_title
from armicro.ui.help_dialog import HelpDialog
from armicro.ui.hooks import Hooks
from armicro.ui.instrument_menu import InstrumentMenu
from armicro.ui.keys import PlainKey, SpaceBar
from armicro.ui.layout import WindowParts
from armicro.ui.leaving import CaseDesk
from armicro.ui.live_view import Tool
from armicro.ui.memory import Memory
from armicro.ui.render import Look
from armicro.ui.sight import Sight
from armicro.ui.stain_pick import measure
from armicro.ui.steering import steer
from armicro.ui.theme import GREATEST_FONT_PX, LEAST_FONT_PX, apply_theme, fitting_font_px
from armicro.ui.worker import Worker


class MainWindow(QMainWindow):
    """Shows a session and steers it.

    Parameters
    ----------
    session : SessionControl
        All that the window knows; it neither starts nor closes it.
    hooks : Hooks
        What the program around does for the window.
    memory : Memory
        Keeps the layout.
    dialogs : callable, optional
        Makes what asks a person.
    """

    def __init__(
        self,
        session: SessionControl,
        hooks: Hooks,
        memory: Memory,
        dialogs: Callable[[MainWindow], Dialogs] | None = None,
    ) -> None:
        super().__init__()
        self.setWindowTitle("armicro")
        self.session, self.hooks, self._memory = session, hooks, memory
        self.dialogs = Dialogs(self) if dialogs is None else dialogs(self)
        self._closed = False
        self._leave_unasked = False
        self._spread = False
        self._font_px = memory.font_px() or self._fitting_font_px()
        self._dress()
        self.actions_by_name = make_actions(self, hooks, self._deeds())
        self.parts = WindowParts(hooks, self.actions_by_name)
        self.setCentralWidget(self.parts)
        self._worker = Worker("armicro-window", self)
        self._cases = CaseDesk(session, hooks, self.dialogs, self._worker)
        picture, inspector = self.parts.picture, self.parts.inspector
        self.sight = Sight(session, self._worker, picture, inspector, hooks.eyepiece_display)
        self.instrument = InstrumentMenu(self, session, hooks)
        self._snap: SessionSnapshot = session.snapshot()
        self._live: LiveView | None = None
        self._connect()
        self._space = SpaceBar(self, hooks.pedal or PlainKey(self._capture))
        for place, category in enumerate(CATEGORIES, start=1):
            key = QShortcut(QKeySequence(f"Ctrl+{place}"), self)
            key.activated.connect(lambda c=category: self.parts.inspector.choose(c))
        self.actions_by_name["stain_tab"].setChecked(True)
        self.parts.bottom.setCurrentIndex(memory.number("bottom_tab", 0))
        if not memory.restore(self, self.parts.splitters):
            self._fit_screen()
        else:
            self._spread = True
        self._bridge = SessionBridge(session, self)
        self._bridge.news.connect(self.refresh)
        self.parts.picture.setFocus()
        self.refresh()
        if hooks.eyepiece_at_once and "eyepiece_window" in self.actions_by_name:
            self.actions_by_name["eyepiece_window"].trigger()

    def _deeds(self) -> dict[str, Callable[[bool], object]]:
        """Return what each action does."""

        def do(command: Callable[[], Command]) -> Callable[[bool], object]:
            return lambda _: self.session.do(command())

        def tool(name: str) -> Callable[[bool], object]:
            return lambda on: self._choose_tool(TOOLS[name] if on else Tool.LOOK)

        return {
            "new_case": lambda _: self._cases.new_case(),
            "open_case": lambda _: self._cases.open_case(),
            "sign_off": lambda _: self._cases.sign_off(),
            "amend": lambda _: self._cases.amend(),
            "report": lambda _: self._cases.write_report(),
            "undo": do(Undo),
            "redo": do(Redo),
            "quit": lambda _: self.close(),
            "live": lambda _: self.sight.go_live(),
            "overlay": do(ToggleOverlay),
            "eyepiece": lambda on: self.sight.set_look(Look.EYEPIECE if on else Look.SCREEN),
            "eyepiece_window": self._show_eyepiece,
            "fit": lambda _: self.parts.picture.fit(),
            "one_to_one": lambda _: self.parts.picture.one_to_one(),
            "zoom_in": lambda _: self.parts.picture.zoom(1.25),
            "zoom_out": lambda _: self.parts.picture.zoom(0.8),
            "stain_tab": self.show_bottom,
            "larger": lambda _: self._resize_text(1),
            "smaller": lambda _: self._resize_text(-1),
            "full_screen": lambda on: self.showFullScreen() if on else self.showNormal(),
            "previous_field": lambda _: self._step_field(-1),
            "next_field": lambda _: self._step_field(1),
            "toggle_field": lambda _: self._toggle_field(),
            "polygon": tool("polygon"),
            "freehand": tool("freehand"),
            "exclude": self._outlines_exclude,
            "clear_regions": lambda _: self.sight.clear_regions(),
            "add_cell": tool("add_cell"),
            "remove_cell": lambda _: self.parts.inspector.remove_cell(),
            "choose_profile": lambda _: self._cases.profile("choose"),
            "save_profile": lambda _: self._cases.profile("save"),
            "lock_profile": lambda _: self._cases.profile("lock"),
            "pick_stain": lambda on: self.parts.stain.set_picking(on=on),
            "thresholds": lambda _: self._to_thresholds(),
            "daily_check": lambda _: self.instrument.calibrate(0),
            "calibrate": lambda _: self.instrument.calibrate(),
            "setup": lambda _: self.instrument.set_up(),
            "help": lambda _: HelpDialog(offered(self.hooks), self).exec(),
            "about": lambda _: self.dialogs.about(),
        }

    def _connect(self) -> None:
        p, do = self.parts, self.session.do
        self.sight.changed.connect(self.refresh)
        self.sight.cell_opened.connect(lambda: self._inspect(on=True))
        self.sight.cell_closed.connect(lambda: self._inspect(on=False))
        p.tools.objective_wanted.connect(lambda name: do(SetObjective(name)))
        p.tools.capture_wanted.connect(lambda: self._capture(time.monotonic_ns()))
        p.header.guideline_wanted.connect(lambda name: do(SetGuideline(name)))
        p.header.assay_wanted.connect(lambda name: self._cases.call(self.hooks.choose_assay, name))
        p.fields.jump_wanted.connect(self.sight.go_to)
        p.fields.remove_wanted.connect(lambda n: do(RemoveField(n)))
        p.fields.restore_wanted.connect(self._restore)
        p.stain.thresholds_wanted.connect(self._set_thresholds)
        p.stain.profile_wanted.connect(self._cases.profile)
        p.stain.pick_wanted.connect(lambda on: self._choose_tool(Tool.PICK_STAIN if on else Tool.LOOK))
        p.stain.vector_applied.connect(
            lambda stain, vector: self._cases.call(self.hooks.apply_stain_vector, stain, vector)
        )
        p.camera.flat_wanted.connect(lambda: self.instrument.calibrate(1))
        p.picture.stain_picked.connect(self._measure_stain)
        p.picture.looked.connect(self._show_scale)
        self._cases.told.connect(p.notices.add)
        for failing in (p.camera, p.picture, self._worker):
            failing.failed.connect(p.notices.add)

    # Showing -----------------------------------------------------------------------------------------

    def refresh(self) -> None:
        """Show the newest state of the session."""
        if self._closed:
            return
        snap, live = self.session.snapshot(), self.session.live()
        self._snap, self._live = snap, live
        p = self.parts
        self.sight.show(snap, live)
        number = self.sight.number
        p.header.show_session(snap)
        p.faults.show_faults(snap.faults)
        p.notices.show_notices(snap.notices)
        p.tools.show_session(snap, number, live)
        held = p.stain.histogram.held
        after = None if snap.change is None else snap.change.after
        if held and after is not None:
            p.score.show_summary(after, preview=True)
        else:
            p.score.show_summary(snap.summary)
        p.fields.show_fields(snap.fields, number)
        p.stain.show_session(snap, live)
        p.camera.set_controls(self.session.camera_controls if snap.camera is not None else None)
        p.status.show_session(snap, live)
        p.waiting.setText(self._waiting_words(snap, live))
        show_actions(self.actions_by_name, snap, self.sight.number, p.picture.tool, p.inspector.picked)
        title = f"armicro · {case_title(snap.case_id)}"
        if self.windowTitle() != title:
            self.setWindowTitle(title)
        self._show_scale()

    def _waiting_words(self, snap: SessionSnapshot, live: LiveView | None) -> str:
        if self.sight.number is not None or live is not None:
            return ""
        if snap.state is SessionState.FAULT:
            return ""
        if snap.objectives and snap.objective is None:
            return "Which objective is it?\nChoose it above the picture."
        return "Waiting for the camera's first picture…"

    def _show_scale(self) -> None:
        picture = self.parts.picture
        scale = picture.viewport.scale * picture.devicePixelRatioF()
        self.parts.tools.show_scale(None if picture.shape is None else scale)

    def _inspect(self, *, on: bool) -> None:
        self.parts.show_inspector(on=on)
        self.refresh()

    # Doing -------------------------------------------------------------------------------------------

    def _capture(self, t_ns: int) -> None:
        self.session.do(Capture(t_ns))

    def _set_thresholds(self, thresholds: DabThresholds, preview: bool) -> None:
        self.session.do(SetThresholds(thresholds, preview))

    def _choose_tool(self, tool: Tool) -> None:
        self.sight.set_tool(tool)
        self.refresh()

    def _outlines_exclude(self, on: bool) -> None:
        self.sight.outlines_exclude = on
        self.sight.set_tool(self.parts.picture.tool)

    def _show_eyepiece(self, on: bool) -> None:
        self._cases.call(self.hooks.eyepiece_window, on)

    def _step_field(self, step: int) -> None:
        numbers = [f.number for f in self._snap.fields]
        if not numbers:
            return
        if self.sight.number in numbers:
            place = min(max(numbers.index(self.sight.number) + step, 0), len(numbers) - 1)
        else:
            place = len(numbers) - 1 if step < 0 else 0
        self.sight.go_to(numbers[place])

    def _restore(self, number: int) -> None:
        for field in self._snap.fields:
            if field.number == number:
                self._cases.restore(field)

    def _toggle_field(self) -> None:
        for field in self._snap.fields:
            if field.number == self.sight.number:
                n = field.number
                if field.removed:
                    self._restore(n)
                else:
                    self.session.do(RemoveField(n))

    def _measure_stain(self, y_px: float, x_px: float) -> None:
        if self._live is not None:
            rgb = measure(self._live.frame.rgb, y_px, x_px)
            if rgb is not None:
                profile = self._snap.profile
                frame = self._live.frame
                white = profile.white_rgb or brightest(frame.rgb, frame.optics.um_per_px)
                self.parts.stain.stain_pick.show_measured(rgb, white, profile)

    def _to_thresholds(self) -> None:
        self.show_bottom(on=True)
        self.parts.bottom.setCurrentWidget(self.parts.stain)
        self.parts.stain.histogram.setFocus()

    def show_bottom(self, on: bool) -> None:
        """Show or hide stain and camera."""
        self.parts.bottom.setVisible(on)
        self.actions_by_name["stain_tab"].setChecked(on)

    # Letters and sizes -------------------------------------------------------------------------------

    @staticmethod
    def _fitting_font_px() -> int:
        screen = QApplication.primaryScreen()
        return fitting_font_px(800 if screen is None else screen.availableGeometry().height())

    def _dress(self) -> None:
        app = QApplication.instance()
        if isinstance(app, QApplication):
            apply_theme(app, self._font_px)

    def set_font_px(self, font_px: int) -> None:
        """Write in letters of another height, px."""
        self._font_px = min(max(font_px, LEAST_FONT_PX), GREATEST_FONT_PX)
        self._dress()

    def _resize_text(self, step: int) -> None:
        self.set_font_px(self._font_px + step)
        self._memory.keep_number("font_px", self._font_px)
        self.refresh()

    def _fit_screen(self) -> None:
        screen = QApplication.primaryScreen()
        if screen is not None:
            size = screen.availableGeometry().size()
            self.resize(min(size.width(), 1920), min(size.height(), 1080))

    def showEvent(self, event: QShowEvent | None) -> None:  # noqa: N802 - Qt's name
        """Lay the parts out where nobody did before."""
        super().showEvent(event)
        if not self._spread:
            self._spread = True
            self.parts.spread()

    # Keys and closing --------------------------------------------------------------------------------

    def keyPressEvent(self, event: QKeyEvent | None) -> None:  # noqa: N802 - Qt's name
        """Choose objectives, move the stage, leave a tool or a cell."""
        if event is None:
            return
        key = event.key()
        place = key - Qt.Key.Key_1
        names = list(self._snap.objectives)
        if key == Qt.Key.Key_Escape:
            if self.parts.picture.tool is not Tool.LOOK:
                self.parts.stain.set_picking(on=False)
            else:
                self.sight.close_cell()
        elif 0 <= place < len(names) and not event.modifiers():
            self.session.do(SetObjective(names[place]))
        elif not steer(event, self.parts.picture, self.session.stage if self.sight.number is None else None):
            super().keyPressEvent(event)

    def leave_unasked(self) -> None:
        """Close without a question: the program ends."""
        self._leave_unasked = True
        self.close()

    def closeEvent(self, event: QCloseEvent | None) -> None:  # noqa: N802 - Qt's name
        """Close, unless something would be lost and the user rather stays."""
        if event is None:
            return
        if not self._closed and not self._leave_unasked and not self._cases.may_leave(self.close, ends=True):
            event.ignore()
            return
        self.shut()
        event.accept()

    def shut(self) -> None:
        """End the window's threads and keep its layout. May be called twice."""
        if self._closed:
            return
        self._closed = True
        self.instrument.close()
        self._memory.keep_number("bottom_tab", self.parts.bottom.currentIndex())
        self._memory.keep(self, self.parts.splitters)
        self._space.end()
        self._bridge.close()
        self.parts.picture.shut()
        self._worker.close()

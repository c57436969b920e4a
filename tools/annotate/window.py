"""The window: puts session, picture and panels together and gives every command its key."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from PyQt6.QtCore import Qt, QTimer
from PyQt6.QtGui import QAction, QCloseEvent, QKeySequence, QResizeEvent
from PyQt6.QtWidgets import (
    QApplication,
    QMainWindow,
    QMessageBox,
    QSplitter,
    QVBoxLayout,
    QWidget,
)

from armicro.contracts.errors import ArmicroError
from tools.annotate.folder import Progress
from tools.annotate.help import HelpPage
from tools.annotate.keys import COMMANDS, Command, look_of
from tools.annotate.model import KIND_WORDS, Crop, Kind, Membrane, Point, State, counts, next_unreviewed
from tools.annotate.notices import Banner, Toast
from tools.annotate.panels import FieldsPanel, MarksPanel, label, state_icon
from tools.annotate.pictures import Look, stain_picture
from tools.annotate.session import Session
from tools.annotate.style import GOOD, SHEET, WARN
from tools.annotate.view import FieldView, Scene

_ZOOM_STEP = 1.25
_PAN_STEP = 80


class AnnotateWindow(QMainWindow):
    """Marks nuclei over a folder of fields.

    Parameters
    ----------
    session : Session
        What is open; the window asks it for every change.
    """

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session
        self.setStyleSheet(SHEET)
        self.resize(1280, 800)
        self.setMinimumSize(900, 600)
        self._look = Look.RGB
        self._shown = {"hide": True, "labels": True, "grid": False}
        self._by_mouse = False
        self._seen_crop: tuple[int | None, Crop | None] = (None, None)
        self.actions_by_name = {c.name: self._action(c) for c in COMMANDS}
        root = session.options.root
        self.fields = FieldsPanel(tuple(p.relative_to(root).as_posix() for p in session.images))
        self.marks = MarksPanel(self.actions_by_name)
        self.view = FieldView()
        self._build()
        self.help = HelpPage(self)
        self.help.hide()
        self._wire()
        self._waiting = list(range(len(session.images)))
        self._lister = QTimer(self)
        self._lister.timeout.connect(self._list_one)
        self._lister.start(0)

    # Building ----------------------------------------------------------------------------------------

    def _action(self, command: Command) -> QAction:
        action = QAction(command.text, self)
        action.setShortcuts([QKeySequence(k) for k in command.keys])
        shown = QKeySequence(command.keys[0]).toString(QKeySequence.SequenceFormat.NativeText)
        action.setToolTip(f"{command.text[:1].upper()}{command.text[1:]} ({shown})")
        action.triggered.connect(partial(self._run, command.name))
        self.addAction(action)
        return action

    def _build(self) -> None:
        self.banner, self.toast = Banner(), Toast(self.view)
        middle = QWidget()
        column = QVBoxLayout(middle)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.banner)
        column.addWidget(self.view, 1)
        split = QSplitter()
        for widget in (self.fields, middle, self.marks):
            split.addWidget(widget)
        split.setStretchFactor(1, 1)
        split.setSizes([228, 820, 232])
        split.setHandleWidth(1)
        self.setCentralWidget(split)
        self.tally, self._place, self._zoom, self._disk = (label("", "quiet") for _ in range(4))
        bar = self.statusBar()
        assert bar is not None
        bar.setSizeGripEnabled(False)
        bar.setContentsMargins(8, 0, 8, 0)
        bar.addWidget(self.tally, 1)
        for widget in (self._place, self._zoom, self._disk):
            bar.addPermanentWidget(widget)
        self._place.setMinimumWidth(150)

    def _wire(self) -> None:
        s, v = self.session, self.view
        s.changed.connect(self._refresh)
        s.saved.connect(self._list_current)
        s.said.connect(self.toast.say)
        s.failed.connect(self.banner.complain)
        v.add_wanted.connect(self._add)
        v.remove_wanted.connect(self._remove_at)
        v.select_wanted.connect(s.select)
        v.move_wanted.connect(self._move)
        v.nudge_wanted.connect(self._nudge)
        v.cursor_moved.connect(self._pointed)
        v.zoomed.connect(self._show_place)
        self.fields.fields.currentRowChanged.connect(self.open_field)
        self.fields.crops.currentRowChanged.connect(self._open_crop)

    def _lay_out(self) -> None:
        wanted = self.help.sizeHint().boundedTo(self.size())
        wanted.setWidth(min(1170, self.width() - 40))
        wanted.setHeight(min(max(wanted.height(), self.help.heightForWidth(wanted.width())), self.height()))
        self.help.resize(wanted)
        self.help.move((self.width() - wanted.width()) // 2, (self.height() - wanted.height()) // 2)

    def resizeEvent(self, event: QResizeEvent | None) -> None:  # noqa: N802 - Qt's name
        """Keep what floats over the picture in its place."""
        super().resizeEvent(event)
        self._lay_out()

    # Fields and crops --------------------------------------------------------------------------------

    def _list_one(self) -> None:
        """Find out how far one field is; one at a time, so that the window stays alive meanwhile."""
        if not self._waiting:
            self._lister.stop()
            return
        self._list(self._waiting.pop(0))

    def _list(self, index: int) -> None:
        try:
            self.fields.show_progress(index, self.session.progress(index))
        except ArmicroError as error:
            self.fields.show_progress(index, None, str(error))

    def _list_current(self) -> None:
        if self.session.index is not None:
            self._list(self.session.index)
        self._show_disk()

    def open_field(self, index: int) -> None:
        """Open a field."""
        if not 0 <= index < len(self.session.images) or index == self.session.index:
            return
        self.banner.put_away()
        QApplication.setOverrideCursor(Qt.CursorShape.WaitCursor)
        try:
            opened = self.session.open(index)
        finally:
            QApplication.restoreOverrideCursor()
        row = self.session.index if self.session.index is not None else -1
        self.fields.fields.blockSignals(True)
        self.fields.fields.setCurrentRow(row)
        self.fields.fields.blockSignals(False)
        if not opened:
            return
        self._show_look()
        self.view.fit(self.session.crop)
        self.setWindowTitle(f"{self.session.images[index].name} — annotate")
        if self.session.field is None:
            self.fields.show_progress(index, None, self.banner.text())
        elif self.session.crop is None:
            self.toast.say(f"Press C to place a crop of {self.session.options.crop_px} px at the cursor")

    def _open_crop(self, row: int) -> None:
        crops = self.session.document.crops
        if 0 <= row < len(crops):
            self.session.choose(crops[row])

    def _turn_crop(self, step: int) -> None:
        crops = self.session.document.crops
        if crops:
            at = crops.index(self.session.crop) if self.session.crop in crops else 0
            self._open_crop((at + step) % len(crops))

    # Showing -----------------------------------------------------------------------------------------

    def _show_look(self) -> None:
        field = self.session.field
        rgb = None if field is None else stain_picture(field.rgb, field.white_rgb, self._look)
        self.view.set_picture(rgb)
        self._refresh()

    def _refresh(self) -> None:
        s, sheet = self.session, self.session.sheet
        others = [(c, self._crop_text(c).splitlines()[1], False) for c in s.document.crops if c != s.crop]
        if s.field is not None:
            others += [(c, "cannot be read", True) for c, _ in s.field.opened.locked]
        scene = Scene(s.crop, sheet.points, s.selected, tuple(others))
        self.view.set_scene(
            replace(
                scene,
                show_points=self._shown["hide"],
                show_labels=self._shown["labels"],
                show_grid=self._shown["grid"],
            )
        )
        if self._seen_crop != (s.index, s.crop):
            self._seen_crop = s.index, s.crop
            self.view.fit(s.crop)
        self._aim()
        self._show_panels()
        self._show_disk()

    def _crop_text(self, crop: Crop) -> str:
        sheet = self.session.document.sheets[crop]
        n = counts(crop, sheet)
        state = "complete" if sheet.state is State.COMPLETE else f"{n.unreviewed} to review"
        return f"y {crop.y0}  x {crop.x0}\n{n.marked} points · {state}"

    def _show_panels(self) -> None:
        s, sheet = self.session, self.session.sheet
        rows = []
        for crop in s.document.crops:
            done = s.document.sheets[crop].state is State.COMPLETE
            rows.append((self._crop_text(crop), state_icon(Progress(1, 0 if done else 1))))
        self.fields.show_crops(rows, s.document.crops.index(s.crop) if s.crop is not None else -1)
        m, n = self.marks, counts(s.crop, sheet) if s.crop is not None else None
        if n is None:
            self.tally.setText("no crop: press C")
            by_kind = dict.fromkeys(Kind, 0)
        else:
            by_kind = {Kind.TUMOUR: n.tumour, Kind.OTHER: n.other, Kind.UNCERTAIN: n.uncertain}
            bare = f" ({n.no_category} without category)" if n.no_category else ""
            state = "complete" if sheet.state is State.COMPLETE else f"{n.unreviewed} to review"
            self.tally.setText(f"T {n.tumour}{bare}   O {n.other}   U {n.uncertain}   ·   {state}")
        m.show_counts(
            by_kind, {c: sum(p.membrane is c for p in sheet.points if p.reviewed) for c in Membrane}
        )
        for kind, button in m.kinds.items():
            button.setChecked(kind is s.kind)
        for look, button in m.looks.items():
            button.setChecked(look is self._look)
        for name, button in m.toggles.items():
            button.setText({"hide": "points"}.get(name, name))
            button.setChecked(self._shown[name])
        m.complete.setChecked(sheet.state is State.COMPLETE)

    def _show_disk(self) -> None:
        saved = self.session.is_saved
        self._disk.setText("saved" if saved else "saving …")
        self._disk.setStyleSheet(f"color: {GOOD if saved else WARN}")

    def _show_place(self) -> None:
        self._zoom.setText(f"{100 * self.view.viewport.scale:.0f} %")
        at, field = self.view.cursor_px, self.session.field
        if at is None or field is None:
            self._place.clear()
            return
        um = field.um_per_px
        self._place.setText(f"y {at[0]:.0f}  x {at[1]:.0f} px   {um:g} µm/px")

    # The point that is meant -------------------------------------------------------------------------

    def _pointed(self) -> None:
        self._by_mouse = True
        self._aim()
        self._show_place()

    def _aim(self) -> None:
        point = self.target()
        self.view.aim(None if point is None else point.uid)

    def target(self) -> Point | None:
        """Return the point that a key is about: what was last pointed at, by mouse or by key."""
        under, selected = self.view.under_cursor(), self.session.point
        if not self.view.scene.show_points:
            return None
        return (under or selected) if self._by_mouse else (selected or under)

    def _go_to(self, point: Point | None) -> None:
        if point is None:
            n = self.session.sheet
            done = n.state is State.COMPLETE or self.session.crop is None
            more = "" if done else ": add what is missing, then Ctrl+Enter"
            self.toast.say(f"Nothing left to review{more}")
            return
        self._by_mouse = False
        self._shown["hide"] = True
        self.session.select(point.uid)
        self.view.reveal(point.y_px, point.x_px)

    # Wishes of the mouse -----------------------------------------------------------------------------

    def _add(self, y_px: float, x_px: float) -> None:
        editor = self.session.editor
        if not self._shown["hide"]:
            self.toast.say("Points are hidden: H shows them")
        elif editor is None:
            self.toast.say("Press C to place a crop first: only a crop that is marked completely can be used")
        elif not editor.crop.contains(y_px, x_px):
            self.toast.say("Outside the crop: nuclei are marked inside it; C places another one here")
        else:
            self.session.do(editor.add(y_px, x_px, self.session.kind))

    def _remove_at(self, y_px: float, x_px: float) -> None:
        point = self.view.scene.near(y_px, x_px, 1.5 * 12 / self.view.viewport.scale)
        self._remove(point)

    def _remove(self, point: Point | None) -> None:
        editor = self.session.editor
        if editor is None or point is None:
            self.toast.say("No point here to remove")
        else:
            self.session.do(editor.remove(point.uid))

    def _move(self, uid: int, y_px: float, x_px: float) -> None:
        if self.session.editor is not None:
            self.session.do(self.session.editor.move(uid, y_px, x_px))

    def _nudge(self, dy: int, dx: int) -> None:
        point, editor = self.session.point, self.session.editor
        if point is None or editor is None:
            self.view.look_at(self.view.viewport.panned(-dx * _PAN_STEP, -dy * _PAN_STEP))
        else:
            self.session.do(editor.move(point.uid, point.y_px + dy, point.x_px + dx), nudge=True)

    # Commands ----------------------------------------------------------------------------------------

    def _run(self, name: str) -> None:
        """Do what a key or button asks for."""
        group, _, detail = name.partition(".")
        simple = self._simple().get(name)
        if simple is not None:
            simple()
        elif group == "kind":
            self._set_kind(Kind(detail))
        elif group == "add":
            self.session.set_kind(Kind(detail))
        elif group == "category":
            self._set_membrane(Membrane(detail))
        elif group == "look":
            self._look = look_of(name)
            self._show_look()
        else:
            self._shown[name] = not self._shown[name]
            self._refresh()

    def _simple(self) -> dict[str, Callable[[], object]]:
        s, v = self.session, self.view
        return {
            "confirm": self._confirm,
            "remove": lambda: self._remove(self.target()),
            "deselect": self._deselect,
            "next": lambda: self._go_to(next_unreviewed(s.sheet, s.point)),
            "previous": lambda: self._go_to(next_unreviewed(s.sheet, s.point, back=True)),
            "crop.next": lambda: self._turn_crop(1),
            "crop.previous": lambda: self._turn_crop(-1),
            "field.next": lambda: self.open_field((s.index if s.index is not None else -1) + 1),
            "field.previous": lambda: self.open_field((s.index or 0) - 1),
            "zoom.in": lambda: v.zoom(_ZOOM_STEP),
            "zoom.out": lambda: v.zoom(1 / _ZOOM_STEP),
            "zoom.one": v.one_to_one,
            "fit": lambda: v.fit(s.crop),
            "fit.field": lambda: v.fit(None),
            "crop.place": lambda: s.place_crop(*v.middle_px),
            "propose": s.propose,
            "complete": s.finish,
            "undo": self._undo,
            "redo": self._redo,
            "save": lambda: self.toast.say("Saved") if s.save() else None,
            "help": self._toggle_help,
        }

    def _undo(self) -> None:
        text = self.session.stack.undoText()
        self.session.stack.undo()
        self.toast.say(f"Undone: {text}" if text else "Nothing to undo")

    def _redo(self) -> None:
        text = self.session.stack.redoText()
        self.session.stack.redo()
        self.toast.say(f"Done again: {text}" if text else "Nothing to do again")

    def _toggle_help(self) -> None:
        self._lay_out()
        self.help.setVisible(not self.help.isVisible())
        self.help.raise_()

    def _deselect(self) -> None:
        if self.help.isVisible():
            self.help.hide()
        else:
            self.session.select(None)

    def _set_kind(self, kind: Kind) -> None:
        point, editor = self.target(), self.session.editor
        if point is None or editor is None:
            self.session.set_kind(kind)
            self.toast.say(f"Clicks add: {KIND_WORDS[kind]}")
        else:
            self.session.do(editor.set_kind(point.uid, kind))

    def _set_membrane(self, membrane: Membrane) -> None:
        point, editor = self.target(), self.session.editor
        if point is None or editor is None:
            self.toast.say("No point here: move the cursor to a tumour nucleus, or Tab to the next")
        elif point.kind is not Kind.TUMOUR:
            self.toast.say("Only tumour nuclei carry a membrane category: T makes this one a tumour nucleus")
        else:
            self.session.do(editor.set_membrane(point.uid, membrane))

    def _confirm(self) -> None:
        point, editor = self.target(), self.session.editor
        if point is not None and editor is not None:
            self.session.do(editor.review(point.uid))
        self._go_to(next_unreviewed(self.session.sheet, point))

    def closeEvent(self, event: QCloseEvent | None) -> None:  # noqa: N802 - Qt's name
        """Save and close; where saving fails, ask."""
        if event is None:
            return
        if self.session.save() or self._gives_up():
            self._lister.stop()
            event.accept()
        else:
            event.ignore()

    def _gives_up(self) -> bool:
        box = QMessageBox(QMessageBox.Icon.Warning, "Not saved", "", parent=self)
        box.setTextFormat(Qt.TextFormat.PlainText)
        box.setText(f"{self.banner.text()}\n\nClose and lose what is not saved?")
        box.setStandardButtons(QMessageBox.StandardButton.Discard | QMessageBox.StandardButton.Cancel)
        box.setDefaultButton(QMessageBox.StandardButton.Cancel)
        return box.exec() == QMessageBox.StandardButton.Discard

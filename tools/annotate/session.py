"""The field that is open: document, undo, selection, saving. No widgets; windows listen to its signals."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from PyQt6.QtCore import QObject, QTimer, pyqtSignal
from PyQt6.QtGui import QUndoCommand, QUndoStack

from armicro.contracts.errors import ArmicroError
from tools.annotate.editor import Editor, place
from tools.annotate.fields import Field, identify, load_field
from tools.annotate.folder import PointsFolder, Progress
from tools.annotate.model import (
    EDGE_PX,
    Change,
    Crop,
    FieldDocument,
    Kind,
    Point,
    Sheet,
    State,
    apply,
    edge_count,
)
from tools.annotate.proposals import APART_UM, Proposer
from tools.annotate.store import ImageId

AUTOSAVE_MS = 1000
_MERGE_MOVES = 1


@dataclass(frozen=True, slots=True)
class Options:
    """How the tool was started.

    Parameters
    ----------
    root : Path
        Folder of the images.
    um_per_px : float or None
        Scale for images that do not tell theirs.
    crop_px : int
        Side of new crops.
    proposer : Proposer or None
        What proposes nuclei.
    """

    root: Path
    um_per_px: float | None = None
    crop_px: int = 400
    proposer: Proposer | None = None


class _Step(QUndoCommand):
    """A change on the undo stack; successive nudges of one point are one step."""

    def __init__(self, session: Session, change: Change, *, nudge: bool) -> None:
        super().__init__(change.text)
        self.change = change
        self._session = session
        self._nudge = nudge

    def id(self) -> int:
        return _MERGE_MOVES if self._nudge else -1

    def mergeWith(self, other: QUndoCommand | None) -> bool:  # noqa: N802 - Qt's name
        if not isinstance(other, _Step) or self.change.after != other.change.before:
            return False
        self.change = replace(self.change, after=other.change.after)
        return True

    def redo(self) -> None:
        self._session.take(self.change)

    def undo(self) -> None:
        self._session.take(self.change.inverse)


class Session(QObject):
    """What is open and what has been done to it.

    Parameters
    ----------
    options : Options
        How the tool was started.
    images : tuple of Path
        The fields.
    folder : PointsFolder
        Where points are.
    """

    changed = pyqtSignal()
    """Points, crops, selection or the kind that clicks add."""
    saved = pyqtSignal()
    said = pyqtSignal(str)
    """Something worth a line for a few seconds."""
    failed = pyqtSignal(str)
    """Something that stays on screen until the reader puts it away."""

    def __init__(self, options: Options, images: tuple[Path, ...], folder: PointsFolder) -> None:
        super().__init__()
        self.options, self.images, self.folder = options, images, folder
        self.index: int | None = None
        self.field: Field | None = None
        self.document = FieldDocument()
        self.crop: Crop | None = None
        self.selected: int | None = None
        self.kind = Kind.TUMOUR
        self.stack = QUndoStack(self)
        self._ids: dict[int, ImageId] = {}
        self._unsaved: set[Crop] = set()
        self._on_edge: dict[Crop, int] = {}
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(AUTOSAVE_MS)
        self._timer.timeout.connect(self.save)

    # Fields ------------------------------------------------------------------------------------------

    def identity(self, index: int) -> ImageId:
        """Return a field's identity; its file is read once."""
        if index not in self._ids:
            self._ids[index] = identify(self.options.root, self.images[index])
        return self._ids[index]

    def progress(self, index: int) -> Progress:
        """Return how far a field is, as it is on disk."""
        return self.folder.progress(self.identity(index).sha256)

    def open(self, index: int) -> bool:
        """Save, and open another field; False where the present one could not be saved and stays open."""
        if not self.save():
            return False
        self.stack.clear()
        self.index, self.field, self.document = index, None, FieldDocument()
        self.crop = self.selected = None
        self._on_edge.clear()
        # Read anew: the file may have been exchanged since it was listed.
        self._ids.pop(index, None)
        try:
            image = self.identity(index)
            self.field = load_field(self.images[index], image, self.folder, self.options.um_per_px)
        except ArmicroError as error:
            self.failed.emit(str(error))
        else:
            self.document = self.field.opened.document
            self.crop = next(iter(self.document.crops), None)
            for note in self.field.notes:
                self.said.emit(note)
            for crop, why in self.field.opened.locked:
                self.failed.emit(f"The crop at {crop.y0}, {crop.x0} is left alone. {why}")
        self.changed.emit()
        return True

    # Editing -----------------------------------------------------------------------------------------

    @property
    def sheet(self) -> Sheet:
        """What is marked in the crop that is open."""
        return self.document.sheets.get(self.crop, Sheet()) if self.crop is not None else Sheet()

    @property
    def editor(self) -> Editor | None:
        """What makes changes to the open crop; None without one."""
        return None if self.crop is None else Editor(self.crop, self.sheet)

    @property
    def point(self) -> Point | None:
        """The selected point."""
        return None if self.selected is None else self.sheet.point(self.selected)

    def select(self, uid: int | None) -> None:
        """Select a point, or nothing."""
        self.selected = uid
        self.changed.emit()

    def choose(self, crop: Crop) -> None:
        """Open another crop of the field."""
        self.crop, self.selected = crop, None
        self.changed.emit()

    def set_kind(self, kind: Kind) -> None:
        """Have clicks add another kind."""
        self.kind = kind
        self.changed.emit()

    def do(self, change: Change | None, *, nudge: bool = False) -> None:
        """Make a change that can be undone; None makes none."""
        if change is not None:
            self.stack.push(_Step(self, change, nudge=nudge))

    def take(self, change: Change) -> None:
        """Apply a change and have it saved soon; called by the undo stack."""
        self.document = apply(self.document, change)
        if change.now is not None:
            self.crop = change.crop
        elif self.crop == change.crop:
            self.crop = next(iter(self.document.crops), None)
        self.selected = change.after[0].uid if len(change.after) == 1 else None
        self._unsaved.add(change.crop)
        if not self._timer.isActive():
            self._timer.start()
        self.changed.emit()

    def place_crop(self, y_px: float, x_px: float) -> None:
        """Begin a crop around a place, in the stead of an empty one, and propose nuclei in it."""
        if self.field is None:
            return
        shape = self.field.rgb.shape[0], self.field.rgb.shape[1]
        crop = Crop.around(y_px, x_px, self.options.crop_px, shape)
        empty = [c for c, s in self.document.sheets.items() if s == Sheet()]
        there = [c for c in self.document.crops if c not in empty]
        there += [c for c, _ in self.field.opened.locked]
        for other in there:
            if all(
                a < b + n and b < a + m
                for a, b, m, n in (
                    (crop.y0, other.y0, crop.size, other.size),
                    (crop.x0, other.x0, crop.size, other.size),
                )
            ):
                self.said.emit(
                    f"A crop here would overlap the one at {other.y0}, {other.x0}: no nucleus counts twice"
                )
                return
        if crop in empty:
            return
        self.stack.beginMacro("place crop")
        for old in empty:
            self.do(place(old).inverse)
        self.do(place(crop))
        self.propose()
        self.stack.endMacro()

    def propose(self) -> None:
        """Propose nuclei where none is marked in the open crop."""
        source, editor = self.options.proposer, self.editor
        if source is None or editor is None or self.field is None:
            if source is None and self.sheet.points:
                self.said.emit("Started with --proposals none: nothing proposes nuclei")
            return
        try:
            found = source.propose(self.field, editor.crop)
        except ArmicroError as error:
            self.failed.emit(str(error))
            return
        change = editor.propose(found, APART_UM / self.field.um_per_px)
        self.do(change)
        n = len(change.after) if change is not None else 0
        self.said.emit(f"{n} proposals from {source.name}: look at each, then add what is missing")

    # Saving ------------------------------------------------------------------------------------------

    @property
    def is_saved(self) -> bool:
        """Whether everything is on disk."""
        return not self._unsaved

    def save(self) -> bool:
        """Save what has changed; False, with the reason on screen, where that failed."""
        self._timer.stop()
        if self.field is None or not self._unsaved:
            return True
        try:
            for crop in sorted(self._unsaved):
                sheet = self.document.sheets.get(crop)
                self.folder.save(self.field.image, self.field.um_per_px, crop, sheet)
                self._unsaved.discard(crop)
                self._tell_edge(crop, sheet)
        except ArmicroError as error:
            self.failed.emit(f"Not saved. {error}")
            return False
        self.saved.emit()
        return True

    def _tell_edge(self, crop: Crop, sheet: Sheet | None) -> None:
        n = edge_count(crop, sheet) if sheet is not None else 0
        known, self._on_edge[crop] = self._on_edge.get(crop, 0), n
        if n > known:
            points = "1 point" if n == 1 else f"{n} points"
            self.said.emit(f"{points} within {EDGE_PX} px of the crop's edge saved as uncertain (U)")

    def finish(self) -> State | None:
        """Declare the open crop complete, or open it again; return the state that it has now."""
        editor = self.editor
        if editor is None:
            return None
        now = State.OPEN if editor.sheet.state is State.COMPLETE else State.COMPLETE
        try:
            self.do(editor.set_state(now))
        except ValueError as error:
            self.said.emit(f"Not yet: {error}. N goes to the next one")
        return self.sheet.state

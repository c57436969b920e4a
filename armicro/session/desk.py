"""What the threads of a session share: one lock, one place of faults and news, one way to settle the state.

Methods whose names begin with "locked" are called under `lock`; nobody outside is called while it is held.
"""

from __future__ import annotations

import itertools
import threading
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from armicro.assays.recipe import Her2IhcRecipe
from armicro.contracts.arrays import U8
from armicro.contracts.casebook import CaseEvent, OpenCase
from armicro.contracts.devices import CameraInfo
from armicro.contracts.errors import StoreError
from armicro.contracts.frame import Frame, Optics
from armicro.contracts.results import FovResult, Scalar
from armicro.contracts.score import CaseSummary
from armicro.contracts.stain import DabThresholds
from armicro.imaging.overlap import Coarse
from armicro.session.capture_rule import Look
from armicro.session.case_state import CaseChoice, FieldChoice, History
from armicro.session.lanes import CommitLane, LaneClosed, LiveLane
from armicro.session.live import LivePicture
from armicro.session.outbox import Outbox
from armicro.session.parts import EventKind, SessionEvent, SessionParts
from armicro.session.presses import PressBook
from armicro.session.rates import Rates
from armicro.session.rescoring import CaseScore, CaseTask, FieldReading, FieldTask
from armicro.session.seen import LiveWork, Seen
from armicro.session.settings_text import choice_of, settings_of, settings_text, with_kept
from armicro.session.states import Facts, Machine
from armicro.session.view import Fault

_KEEPER_JOBS = 256
"""Acts that may wait for the case to be written: commands are recorded in order with the captures."""


@dataclass(frozen=True, slots=True)
class Captured:
    """What is remembered of a captured field's picture."""

    thumbnail: U8
    look: Look
    optics: Optics
    warnings: tuple[str, ...]
    coarse: Coarse | None = None
    scale_words: str = ""


@dataclass(slots=True)
class OpenBook:
    """The case that is open, and all that was made of it. `epoch` tells one case from the next."""

    case_id: str
    store: OpenCase
    history: History
    epoch: int = 0
    captured: dict[int, Captured] = field(default_factory=dict)
    readings: dict[int, FieldReading] = field(default_factory=dict)
    results: dict[int, tuple[FieldTask, FovResult]] = field(default_factory=dict)
    score: CaseScore | None = None
    scales_checked: set[float] = field(default_factory=set)
    fresh: dict[int, Frame] = field(default_factory=dict)
    told: set[int] = field(default_factory=set)
    from_live: dict[int, LiveWork] = field(default_factory=dict)
    """Captured fields whose reading is, or will be, that of a live frame."""
    unjudged: set[int] = field(default_factory=set)
    """Captured fields of which the quality gate has not spoken yet: they are in no score."""
    last_capture_ns: int | None = None
    """Of the frame that the last press led to."""
    last_kept_ns: int | None = None
    """Of the last frame that was captured: that one, or the live frame that stood in for it."""
    coming: tuple[FieldChoice, ...] = ()
    returned: set[int] = field(default_factory=set)
    signed_off: str | None = None
    continued_after: int = 0
    scored: str = ""
    recorded: str = ""

    @property
    def kept_up_to(self) -> int:
        """Greatest number of a field that is kept."""
        return max(self.continued_after, *self.captured) if self.captured else self.continued_after


def with_kept_order(choice: CaseChoice, coming: tuple[FieldChoice, ...]) -> CaseChoice:
    """Return a choice together with fields that are still being read from the disk."""
    if not coming:
        return choice
    fields = sorted((*choice.fields, *coming), key=lambda f: f.number)
    return replace(choice, fields=tuple(fields))


def _require_same(kept: CaseChoice, locked: CaseChoice, locked_by: str) -> None:
    """Raise `StoreError` where a kept case has other settings than the locked ones."""
    same = kept.profile == locked.profile and kept.guideline.name == locked.guideline.name
    if not same:
        raise StoreError(
            f"it was made with other settings ({kept.profile.name} {kept.profile.version}, "
            f"{kept.guideline.name}) than those that are locked as {locked_by}: give it another --case, or "
            "release the lock with a reason: armicro lock release"
        )


def open_book(
    parts: SessionParts, case_id: str, unless_kept: CaseChoice, epoch: int, locked_by: str | None
) -> OpenBook:
    """Open a case: with what was decided about it where it is kept, else as given.

    With `locked_by` the given settings are locked ones: a case that was made with others is not opened.

    Its kept fields are `coming`: their pixels are read by the keeper, one after the other.

    Raises
    ------
    StoreError, GuidelineError
        If it cannot be opened, or was judged by rules that are not here.
    """
    store = parts.open_case(case_id)
    try:
        earlier = store.earlier()
        choice, up_to = unless_kept, 0
        if earlier.settings is not None:
            settings = settings_of(earlier.settings)
            choice, up_to = choice_of(settings, parts.load_guideline), settings.kept_up_to
            if locked_by is not None:
                _require_same(choice, unless_kept, locked_by)
        coming = with_kept(choice, earlier.numbers, up_to).fields
    except BaseException:
        store.close()
        raise
    history = History(replace(choice, fields=()), parts.limits.undo_steps)
    return OpenBook(
        case_id,
        store,
        history,
        epoch,
        coming=coming,
        signed_off=earlier.signed_off,
        continued_after=max(earlier.numbers, default=0),
    )


class Desk:
    """Shared state of a session; see the module."""

    def __init__(self, parts: SessionParts) -> None:
        self.parts = parts
        self.limits = parts.limits
        self.clock = parts.clock
        self.lock = threading.RLock()
        self.store_lock = threading.Lock()
        self.outbox = Outbox(self._listener_failed)
        self.live_lane: LiveLane[Seen] = LiveLane()
        self.keeper_lane: CommitLane[Callable[[], None]] = CommitLane(_KEEPER_JOBS)
        self.score_wanted = threading.Event()
        self.machine = Machine()
        self.faults: dict[str, Fault] = {}
        self.notices: deque[str] = deque(maxlen=self.limits.notices)
        self.live = LivePicture(self.limits)
        self.presses = PressBook(
            round(self.limits.press_wait_s * 1e9), round(self.limits.hold_s * 1e9), self.live.stand_in
        )
        self.serials = itertools.count(1)
        self.rates = Rates()
        choice = CaseChoice(parts.load_profile(parts.profile), parts.load_guideline(parts.guideline))
        self.book = open_book(parts, parts.case_id, choice, 0, parts.profile_locked_by)
        self.locked_by = parts.profile_locked_by
        self.detector_identity = parts.detector.detector.identity
        self.camera: CameraInfo | None = None
        self.overlay_on = True
        self.preview: DabThresholds | None = None
        self.changed_from: DabThresholds | None = None
        self.before_change: CaseSummary | None = None
        self.after_change: CaseScore | None = None
        self.cells_changed = 0
        self.keeping = 0
        self.busy_reading = ""
        self.closing = threading.Event()

    # -- what holds ------------------------------------------------------------------------------------

    @property
    def choice(self) -> CaseChoice:
        """What was decided about the case."""
        return self.book.history.choice

    @property
    def thresholds_shown(self) -> DabThresholds:
        """The thresholds of the live picture: the handle's while it moves, else the profile's."""
        return self.preview or self.choice.profile.thresholds

    def is_closed(self) -> bool:
        """Whether the session is closed or closing."""
        return self.closing.is_set()

    def is_blanked(self) -> bool:
        """Whether a fault is on under which nothing may be shown."""
        return any(f.blanks for f in self.faults.values())

    @property
    def is_simulated(self) -> bool:
        """Whether the camera makes its pictures up."""
        return self.camera is not None and self.camera.simulated

    @property
    def live_holds(self) -> bool:
        """Whether a reading of the live picture is shown now."""
        return not self.is_blanked() and self.live.holding(self.clock(), self.thresholds_shown) is not None

    def reading_key(self) -> tuple[object, ...]:
        """By what fields are to be read now: the profile without its thresholds, and the detector."""
        p = self.choice.profile
        vectors = p.haematoxylin_rgb_od, p.dab_rgb_od
        return (p.name, p.version, *vectors, p.white_rgb, self.detector_identity)

    def recipe(self) -> Her2IhcRecipe:
        """Return how fields are read now."""
        return Her2IhcRecipe(
            self.choice.profile,
            self.parts.detector.detector,
            self.parts.reading,
            self.parts.per_cell,
            self.parts.skeleton,
        )

    def corrected(self, frame: Frame) -> Frame:
        """Return a picture as it is read and kept; raises `CalibrationError` where it cannot be corrected."""
        correct = self.parts.correct
        return frame if correct is None else replace(frame, rgb=correct(frame.rgb))

    def current_reading(self, number: int) -> FieldReading | None:
        """Return a field's reading if it is by what holds now."""
        reading = self.book.readings.get(number)
        return reading if reading is not None and reading.key == self.reading_key() else None

    def locked_take_live(self) -> None:
        """Take the live frame's reading for the captured fields that wait for it, where it is there.

        One that came to nothing, or is by what no longer holds, is no longer waited for: the field is then
        read as any other.
        """
        for number, work in list(self.book.from_live.items()):
            if not work.ended:
                continue
            del self.book.from_live[number]
            if work.kept is None:
                continue
            # The engine may have been replaced while it read: the reading is the one's that finished it.
            key = (*work.key[:-1], work.kept.origin.detector)
            if key != self.reading_key():
                continue
            self.book.readings[number] = FieldReading(next(self.serials), key, work.kept)
            if self.parts.gate is None or work.frame.optics.um_per_px in self.book.scales_checked:
                # Else its pixels are still wanted: its scale is asked for.
                self.book.fresh.pop(number, None)

    def field_task(self, choice: FieldChoice, thresholds: DabThresholds) -> FieldTask | None:
        """Return how a field is to be graded; None if it is not read yet."""
        reading = self.current_reading(choice.number)
        return None if reading is None else FieldTask(choice, reading.serial, thresholds)

    def case_task(self, thresholds: DabThresholds) -> CaseTask | None:
        """Return how the case is to be scored; None while fields wait to be read again.

        A field that was never read is not yet in the score; one that was read by what no longer holds keeps
        the whole case from being scored, since one score cannot rest on two profiles or detectors. Nor is
        there a score before all fields of a case that was opened again are read. A field counts only when the
        quality gate has spoken of it.
        """
        if self.book.coming:
            return None
        tasks = []
        for one in self.choice.fields:
            if one.removed or one.number in self.book.unjudged:
                continue
            task = self.field_task(one, thresholds)
            if task is not None:
                tasks.append(task)
            elif one.number in self.book.readings or one.number in self.book.returned:
                return None
        return CaseTask(self.choice.guideline, tuple(tasks), self.parts.seed)

    @property
    def summary(self) -> CaseSummary | None:
        """The score of what holds now; None until it is there."""
        score = self.book.score
        task = self.case_task(self.choice.profile.thresholds)
        return score.summary if score is not None and score.task.like(task) else None

    def locked_forget_change(self) -> None:
        """Show no "before and after" any more."""
        self.preview = self.changed_from = None
        self.before_change = self.after_change = None
        self.cells_changed = 0

    # -- what happened -----------------------------------------------------------------------------------

    def event(self, kind: EventKind, **details: Scalar) -> None:
        """Put an event out."""
        self.outbox.put(SessionEvent(kind, self.clock(), details))

    def notice(self, words: str) -> None:
        """Tell the user something; the same words twice in a row are told once."""
        with self.lock:
            if self.notices and self.notices[-1] == words:
                return
            self.notices.append(words)
        self.event(EventKind.NOTICE, words=words)

    def raise_fault(self, key: str, words: str, short: str, *, blanks: bool) -> None:
        """Put a fault on; `key` is its source, with what tells two of one source apart after a colon."""
        source = key.partition(":")[0]
        with self.lock:
            before = self.faults.get(key)
            since = before.since_ns if before is not None else self.clock()
            self.faults[key] = Fault(source, words, short, since, blanks)
            if blanks:
                self.locked_blank(words)
            self.locked_settle()
        if before is None or before.words != words:
            self.event(EventKind.FAULT, source=source, words=words)
            self.record("fault", source=source, words=words)

    def raise_store_fault(self, words: str) -> None:
        """Put the fault of the store on; it is not recorded, since that is what fails."""
        with self.lock:
            before = self.faults.get("store")
            since = before.since_ns if before is not None else self.clock()
            self.faults["store"] = Fault("store", words, "case not written", since, blanks=False)
            self.locked_settle()
        if before is None or before.words != words:
            self.event(EventKind.FAULT, source="store", words=words)

    def end_fault(self, key: str, words: str = "") -> None:
        """Take a fault off, if it is on."""
        with self.lock:
            fault = self.faults.pop(key, None)
            if fault is None:
                return
            self.locked_settle()
        words = words or f"{fault.source}: it works again"
        self.event(EventKind.RECOVERED, source=fault.source, words=words)
        self.record("recovered", source=fault.source, words=words)

    def record(self, kind: str, **details: Scalar) -> None:
        """Have an act recorded with the case, after the captures before it."""
        self._record(CaseEvent(kind, details))

    def _record(self, act: CaseEvent) -> None:
        def job() -> None:
            with self.store_lock:
                self.book.store.record(act)

        self.later(job)

    def record_settings(self, kind: str, **details: Scalar) -> None:
        """Have an act recorded together with what holds after it; called without the lock or under it."""
        with self.lock:
            self._record(self.settings_event(kind, details))

    def settings_event(self, kind: str, details: Mapping[str, Scalar]) -> CaseEvent:
        """Return an act together with what holds after it."""
        with self.lock:
            choice = with_kept_order(self.choice, self.book.coming)
            return CaseEvent(kind, {**details, "settings": settings_text(choice, self.book.kept_up_to)})

    def later(self, job: Callable[[], None]) -> bool:
        """Hand a job to the keeper; False (and a notice) if too many wait or the session is closed."""
        try:
            if self.keeper_lane.put(job, timeout_s=0.0):
                return True
        except LaneClosed:
            return False
        self.notice("The case is written too slowly: an act could not be recorded. Check the disk.")
        return False

    def locked_blank(self, words: str) -> None:
        """Drop what is shown and the presses that no frame can answer."""
        self.live.forget_reading()
        dropped = self.presses.blank()
        if dropped:
            self.notice(f"Not captured: {words}")

    def locked_settle(self) -> None:
        """Go to the state that follows from what holds."""
        facts = Facts(
            framed=bool(self.live.recent),
            blanked=self.is_blanked(),
            capturing=bool(len(self.presses) or self.keeping),
            closed=self.is_closed(),
        )
        self.machine.settle(facts)
        self.outbox.put()

    def _listener_failed(self, error: Exception) -> None:
        self.notice(
            f"A part of the program failed at news and gets no more ({type(error).__name__}: {error})"
        )

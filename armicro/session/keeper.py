"""The keeper's thread: it alone writes to the case, in the order in which things happened."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from functools import partial

import cv2
import numpy as np

from armicro import __version__
from armicro.contracts.arrays import U8, frozen
from armicro.contracts.casebook import CaseEvent
from armicro.contracts.errors import ArmicroError, CalibrationError, StoreError
from armicro.contracts.frame import Frame
from armicro.imaging.overlap import coarse
from armicro.session.capture_rule import MOVED, change_between, look_at
from armicro.session.case_state import CaseChoice, FieldChoice
from armicro.session.commands import Amend, SignOff
from armicro.session.desk import Captured, Desk, OpenBook, open_book
from armicro.session.gatekeeper import Gatekeeper, Unjudged
from armicro.session.parts import EventKind
from armicro.session.presses import Chosen
from armicro.session.rescoring import score_words
from armicro.session.settings_text import settings_text

THUMBNAIL_PX = 256
_MOST_FRESH = 3
"""Frames that are held until they are read, so that they need not be read back; 27 MB each at 3008²."""
_WAKE_S = 0.05
"""How often it looks at what has waited too long, s."""


class Keeper:
    """Keeps captured frames, records acts, and notices what nobody else would: that nothing has happened.

    Parameters
    ----------
    desk : Desk
        Shared state.
    tick : callable
        Called about every 50 ms, for what depends on the time.
    """

    def __init__(self, desk: Desk, tick: Callable[[], None]) -> None:
        self._desk = desk
        self._tick = tick
        self._returning: deque[Callable[[], None]] = deque()
        self._gate = Gatekeeper(desk)
        self._thread = threading.Thread(target=self._run, name="armicro-keeper", daemon=True)

    def start(self) -> None:
        """Begin; what the first case holds already is taken up first."""
        self._take_up()
        self._thread.start()

    def join(self) -> None:
        """Wait until everything that was handed in is kept; the lane has to be closed."""
        self._thread.join()

    def capture(self, chosen: Chosen) -> None:
        """Hand in a chosen frame; the caller holds the lock and has counted it in `keeping`."""
        if not self._desk.later(lambda: self._keep(chosen)):
            self._desk.keeping -= 1
            self._desk.notice("Not captured: the case is written too slowly. Press again.")

    def new_case(self, case_id: str) -> None:
        """Hand in the change to another case, after everything before it."""
        self._desk.later(lambda: self._open(case_id))

    def _run(self) -> None:
        desk = self._desk
        while self._gate.waits or not desk.keeper_lane.finished:
            # What comes in now goes before what is only looked at or read back.
            at_once = self._gate.waits or self._returning
            job = None if self._gate.behind else desk.keeper_lane.take(0.0 if at_once else _WAKE_S)
            if job is None and self._gate.waits:
                job = self._gate.judge_next
            elif job is None and self._returning and not desk.is_closed():
                job = self._returning.popleft()
            if job is not None:
                self._guarded(job)
            self._tick()
            desk.outbox.deliver()

    def _guarded(self, job: Callable[[], None]) -> None:
        desk = self._desk
        try:
            job()
        except Exception as error:  # noqa: BLE001 - whatever fails here is a fault of the store, told as such
            why = str(error) if isinstance(error, ArmicroError) else f"{type(error).__name__}: {error}"
            words = f"The case cannot be written: {why}"
            desk.notice(words)
            desk.raise_store_fault(words)

    def _keep(self, chosen: Chosen) -> None:
        desk, limits = self._desk, self._desk.parts.gate
        try:
            try:
                live = chosen.live
                frame = desk.corrected(chosen.seen.frame) if live is None else live.frame
            except CalibrationError as error:
                desk.notice(f"Not captured: {error}")
                return
            with desk.store_lock:
                book = desk.book
                number = book.store.keep(frame, chosen.press_ns)
                book.store.record(_capture_event(number, frame, chosen, simulated=desk.is_simulated))
            thumbnail = _thumbnail(frame.rgb)
            with desk.lock:
                warnings = _repeats(book, chosen)
                look = (chosen.seen if live is None else live.seen).look
                book.captured[number] = Captured(thumbnail, look, frame.optics, warnings)
                book.fresh[number] = frame
                if live is not None:
                    book.from_live[number] = live
                for old in sorted(book.fresh)[:-_MOST_FRESH]:
                    del book.fresh[old]
                book.history.apply(f"capture field {number}", desk.choice.captured(number))
                desk.locked_forget_change()
                for words in warnings:
                    desk.notice(f"Field {number} {words}")
                if limits is not None:
                    self._gate.add(Unjudged(book, number, frame, limits))
                desk.locked_take_live()
            desk.end_fault("store")
            from_live = live is not None
            desk.event(EventKind.CAPTURED, number=number, frame_id=frame.frame_id, from_live=from_live)
            desk.score_wanted.set()
        finally:
            with desk.lock:
                desk.keeping -= 1
                desk.locked_settle()
            desk.outbox.deliver()

    def _open(self, case_id: str) -> None:
        desk = self._desk
        self._guarded(self._gate.judge_all)
        # A new case is another patient: no field, result or undo step of the last one goes along.
        choice = CaseChoice(desk.choice.profile, desk.choice.guideline)
        try:
            book = open_book(desk.parts, case_id, choice, desk.book.epoch + 1, desk.locked_by)
        except ArmicroError as error:
            desk.notice(f"Case {case_id} is not opened: {error}")
            return
        with desk.store_lock, desk.lock:
            old, desk.book = desk.book, book
            desk.locked_forget_change()
            desk.live.forget_reading()
            desk.locked_settle()
            old.store.close()
        self._take_up()
        desk.score_wanted.set()

    def _take_up(self) -> None:
        """Record that the case is open, and hand in the reading of the fields that it holds."""
        desk = self._desk
        with desk.lock:
            book = desk.book
            words = f"Case {book.case_id} is continued (fields kept of it: {len(book.coming)})."
            desk.record_settings(
                "opened",
                version=__version__,
                detector=desk.detector_identity,
                reading=str(desk.parts.reading),
                calibration=desk.parts.calibration_id,
                seed=desk.parts.seed,
                locked=desk.locked_by,
            )
            self._returning = deque(partial(self._take_up_field, book, one) for one in book.coming)
        if book.coming:
            desk.notice(words)
        if book.signed_off is not None:
            desk.notice(f"Case {book.case_id} was signed off {book.signed_off}: amend it to change it.")

    def _take_up_field(self, book: OpenBook, one: FieldChoice) -> None:
        desk = self._desk
        try:
            with desk.store_lock:
                frame = book.store.frame(one.number) if desk.book is book else None
        except StoreError as error:
            desk.notice(f"Field {one.number} cannot be read and is left out: {error}")
            frame = None
        captured = None
        if frame is not None:
            about = coarse(frame.rgb, frame.optics)
            captured = Captured(_thumbnail(frame.rgb), look_at(frame.rgb), frame.optics, (), about)
        with desk.lock:
            if desk.book is not book:
                return
            book.coming = tuple(f for f in book.coming if f.number != one.number)
            if captured is not None:
                book.captured[one.number] = captured
                # What comes back is no news: the program that listens was told of it when it was captured.
                book.told.add(one.number)
                book.returned.add(one.number)
                choice = desk.choice
                fields = sorted((*choice.fields, one), key=lambda f: f.number)
                book.history.adopt(replace(choice, fields=tuple(fields)))
            desk.outbox.put()
        desk.score_wanted.set()

    def sign_off(self, command: SignOff) -> None:
        """Hand in the end of the case, after everything before it."""
        self._desk.later(lambda: self._sign_off(command))

    def _sign_off(self, command: SignOff) -> None:
        desk = self._desk
        self._guarded(self._gate.judge_all)
        with desk.lock:
            book, summary = desk.book, desk.summary
            refusal = _why_not_signed(desk)
            text = settings_text(desk.choice, book.kept_up_to)
            if refusal is None and summary is not None:
                # From here on nothing is changed any more: what is signed is what was looked at.
                book.signed_off = "a moment ago"
        if refusal is not None or summary is None:
            desk.notice(f"Not signed off: {refusal or 'there is no score yet'}.")
            return
        details = {"note": command.note, **score_words(summary), "sha256": book.recorded, "settings": text}
        signed = None
        try:
            with desk.store_lock:
                book.store.record(CaseEvent("sign-off", details))
                signed = book.store.earlier().signed_off
        finally:
            with desk.lock:
                book.signed_off = signed
                desk.outbox.put()
        desk.notice(f"Case {book.case_id} is signed off.")

    def amend(self, command: Amend) -> None:
        """Hand in that a case is opened again."""
        self._desk.later(lambda: self._amend(command))

    def _amend(self, command: Amend) -> None:
        desk = self._desk
        book = desk.book
        if book.signed_off is None:
            desk.notice("The case is not signed off: it can be changed as it is.")
            return
        if not command.reason.strip():
            desk.notice("An amendment needs its reason.")
            return
        with desk.store_lock:
            book.store.record(CaseEvent("amend", {"reason": command.reason}))
        with desk.lock:
            book.signed_off = None
            desk.outbox.put()
        desk.notice(f"Case {book.case_id} may be changed again.")


def _why_not_signed(desk: Desk) -> str | None:
    """Say what keeps the case from being signed off now; None if nothing does."""
    if desk.book.signed_off is not None:
        return f"it was signed off {desk.book.signed_off}"
    if desk.book.coming or desk.book.unjudged or desk.keeping or len(desk.presses):
        return "fields are still being read or written"
    counting = [f for f in desk.choice.fields if not f.removed]
    if not counting:
        return "no field counts"
    if desk.summary is None or desk.summary.n_fields != len(counting) or not desk.book.recorded:
        return "fields are still being read"
    if desk.preview is not None:
        return "a threshold is being moved"
    return None


def _capture_event(number: int, frame: Frame, chosen: Chosen, *, simulated: bool) -> CaseEvent:
    return CaseEvent(
        "capture",
        {
            "number": number,
            "press_ns": chosen.press_ns,
            "frame_id": frame.frame_id,
            "t_ns": frame.t_ns,
            "um_per_px": frame.optics.um_per_px,
            "simulated": simulated,
            "from_live": chosen.live is not None,
        },
    )


def _thumbnail(rgb: U8) -> U8:
    """Make it smaller by halves and then to the size: five times as fast as in one step."""
    if rgb.shape[1] <= THUMBNAIL_PX:
        return frozen(rgb.copy())
    size = (THUMBNAIL_PX, max(1, round(rgb.shape[0] * THUMBNAIL_PX / rgb.shape[1])))
    small = rgb
    while small.shape[1] >= 2 * size[0] and small.shape[0] >= 2 * size[1]:
        half = (small.shape[1] // 2, small.shape[0] // 2)
        small = np.asarray(cv2.resize(small, half, interpolation=cv2.INTER_AREA), np.uint8)
    return frozen(np.asarray(cv2.resize(small, size, interpolation=cv2.INTER_AREA), np.uint8))


def _repeats(book: OpenBook, chosen: Chosen) -> tuple[str, ...]:
    """Warn where the place was captured already: its cells would count twice."""
    optics, look = chosen.seen.frame.optics, chosen.seen.look
    for one in book.history.choice.fields:
        other = book.captured[one.number]
        if not one.removed and other.optics == optics and change_between(other.look, look) < MOVED:
            return (f"shows the same place as field {one.number}: its cells count twice",)
    return ()

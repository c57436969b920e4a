"""The keeper's thread: it alone writes to the case, in the order in which things happened."""

from __future__ import annotations

import threading
from collections.abc import Callable

import cv2
import numpy as np

from armicro.contracts.arrays import U8, frozen
from armicro.contracts.casebook import CaseEvent
from armicro.contracts.errors import ArmicroError
from armicro.session.capture_rule import MOVED, change_between
from armicro.session.case_state import CaseChoice, History
from armicro.session.desk import Captured, Desk, OpenBook
from armicro.session.parts import EventKind
from armicro.session.presses import Chosen

THUMBNAIL_PX = 256
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
        self._thread = threading.Thread(target=self._run, name="armicro-keeper", daemon=True)

    def start(self) -> None:
        """Begin."""
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
        while not desk.keeper_lane.finished:
            job = desk.keeper_lane.take(_WAKE_S)
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
        desk = self._desk
        frame = chosen.seen.frame
        try:
            with desk.store_lock:
                book = desk.book
                number = book.store.keep(frame, chosen.press_ns)
                book.store.record(_capture_event(number, chosen))
            thumbnail = _thumbnail(frame.rgb)
            with desk.lock:
                warnings = _repeats(book, chosen)
                book.captured[number] = Captured(thumbnail, chosen.seen.look, frame.optics, warnings)
                book.history.apply(f"capture field {number}", desk.choice.captured(number))
                desk.locked_forget_change()
                for words in warnings:
                    desk.notice(f"Field {number} {words}")
            desk.end_fault("store")
            desk.event(EventKind.CAPTURED, number=number, frame_id=frame.frame_id)
            desk.score_wanted.set()
        finally:
            with desk.lock:
                desk.keeping -= 1
                desk.locked_settle()

    def _open(self, case_id: str) -> None:
        desk = self._desk
        store = desk.parts.open_case(case_id)
        with desk.store_lock, desk.lock:
            old = desk.book
            # A new case is another patient: no field, result or undo step of the last one goes along.
            choice = CaseChoice(desk.choice.profile, desk.choice.guideline)
            desk.book = OpenBook(case_id, store, History(choice, desk.limits.undo_steps), old.epoch + 1)
            desk.locked_forget_change()
            desk.locked_settle()
            old.store.close()
        desk.score_wanted.set()


def _capture_event(number: int, chosen: Chosen) -> CaseEvent:
    frame = chosen.seen.frame
    return CaseEvent(
        "capture",
        {
            "number": number,
            "press_ns": chosen.press_ns,
            "frame_id": frame.frame_id,
            "t_ns": frame.t_ns,
            "um_per_px": frame.optics.um_per_px,
        },
    )


def _thumbnail(rgb: U8) -> U8:
    height, width = rgb.shape[:2]
    if width <= THUMBNAIL_PX:
        return frozen(rgb.copy())
    size = (THUMBNAIL_PX, max(1, round(height * THUMBNAIL_PX / width)))
    return frozen(np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), np.uint8))


def _repeats(book: OpenBook, chosen: Chosen) -> tuple[str, ...]:
    """Warn where the place was captured already: its cells would count twice."""
    optics, look = chosen.seen.frame.optics, chosen.seen.look
    for one in book.history.choice.fields:
        other = book.captured[one.number]
        if not one.removed and other.optics == optics and change_between(other.look, look) < MOVED:
            return (f"shows the same place as field {one.number}: its cells count twice",)
    return ()

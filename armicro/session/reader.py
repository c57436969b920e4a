"""The analysis thread: it alone uses the detector. Captured fields first, then the newest live frame."""

from __future__ import annotations

import threading
import time
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from functools import partial

from armicro.assays.kept import KeptField, rescore
from armicro.assays.read_field import read_field
from armicro.assays.recipe import Her2IhcRecipe
from armicro.assays.scale_suspicion import scale_suspicion
from armicro.contracts.errors import ArmicroError, EngineError, StoreError
from armicro.contracts.frame import Frame
from armicro.contracts.stages import Stages, no_stages
from armicro.session.desk import Desk
from armicro.session.live import LiveReading
from armicro.session.rescoring import FieldReading
from armicro.session.seen import LiveWork, Seen

_PAUSE_S = 0.003
_IDLE_S = 0.02
"""How long it waits for a live frame before it looks for captured fields again, s."""


class _SupersededError(Exception):
    """A captured field waits, or the stage has moved on: what is read of the live picture is given up."""


@dataclass(slots=True)
class _Failure:
    times: int
    again_ns: int


@dataclass(frozen=True, slots=True)
class _Unread:
    number: int
    epoch: int
    key: tuple[object, ...]
    recipe: Her2IhcRecipe
    words: str


class Reader:
    """Reads captured fields that have no reading by what holds now, and live frames in between.

    What is to be read follows from the state alone: a field that was just captured, one whose reading failed,
    and all fields after a change of profile or engine are found in the same way, in the order of the presses.

    Parameters
    ----------
    desk : Desk
        Shared state.
    """

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._failures: dict[tuple[int, int], _Failure] = {}
        self._thread = threading.Thread(target=self._run, name="armicro-analysis", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def join(self) -> None:
        """Wait until the field that is being read is done; `desk.closing` has to be set."""
        self._thread.join()

    def _run(self) -> None:
        desk = self._desk
        while not desk.is_closed():
            self._heed_detector()
            unread = self._next_unread()
            if unread is not None:
                self._read_captured(unread)
            else:
                self._say_busy("")
                self._suspect_scale_of_live()
                if desk.keeping:
                    # Of no use: a captured field follows at once.
                    time.sleep(_PAUSE_S)
                    continue
                seen = desk.live_lane.take(_IDLE_S)
                if seen is not None:
                    self._read_live(seen)
            desk.outbox.deliver()

    def _heed_detector(self) -> None:
        """Tell what has come up about the engine, and notice if another one has taken over."""
        desk = self._desk
        for words in desk.parts.detector.news():
            desk.notice(words)
        identity = desk.parts.detector.detector.identity
        if identity == desk.detector_identity:
            return
        with desk.lock:
            desk.detector_identity = identity
            again = any(f.number in desk.book.readings for f in desk.choice.fields)
        if again:
            desk.notice(
                f"Nuclei are now found by {identity}: all fields are read again, since one score cannot rest "
                f"on two detectors."
            )
        desk.score_wanted.set()

    def _next_unread(self) -> _Unread | None:
        desk = self._desk
        with desk.lock:
            waiting = desk.book.from_live
            unread = [
                f.number
                for f in desk.choice.fields
                if f.number not in waiting and desk.current_reading(f.number) is None
            ]
            now, epoch = desk.clock(), desk.book.epoch
            for number in unread:
                failed = self._failures.get((epoch, number))
                if failed is not None and now < failed.again_ns:
                    continue
                words = f"reading field {number}"
                if number in desk.book.readings:
                    n = len(desk.choice.fields)
                    words = f"reading field {number} again, {n - len(unread) + 1} of {n}"
                return _Unread(number, epoch, desk.reading_key(), desk.recipe(), words)
        return None

    def _read_captured(self, unread: _Unread) -> None:
        desk = self._desk
        self._say_busy(unread.words)
        desk.outbox.deliver()
        try:
            frame = self._fresh(unread)
            if frame is None:
                with desk.store_lock:
                    store = desk.book.store if desk.book.epoch == unread.epoch else None
                    frame = None if store is None else store.frame(unread.number)
        except StoreError as error:
            self._failed(unread)
            desk.raise_store_fault(f"Field {unread.number} cannot be read back: {error}")
            return
        kept = None if frame is None else self._read(frame, unread.recipe)
        if kept is None:
            self._failed(unread)
            return
        with desk.lock:
            # Another case, or another profile by now: this reading answers a question nobody asks any more.
            if desk.book.epoch != unread.epoch:
                return
            self._failures.pop((unread.epoch, unread.number), None)
            desk.book.fresh.pop(unread.number, None)
            # The engine may have been replaced while it read: the reading is the one's that finished it.
            key = (*unread.key[:-1], kept.origin.detector)
            desk.book.readings[unread.number] = FieldReading(next(desk.serials), key, kept)
        desk.score_wanted.set()
        if desk.parts.gate is not None and frame is not None:
            self._suspect_scale(unread, frame, kept)

    def _suspect_scale(self, unread: _Unread, frame: Frame, kept: KeptField) -> None:
        """Ask once per scale and case whether it can be right; after the field, which must not wait."""
        desk, um_per_px = self._desk, frame.optics.um_per_px
        with desk.lock:
            book = desk.book
            if book.epoch != unread.epoch or um_per_px in book.scales_checked or desk.keeping:
                return
            book.scales_checked.add(um_per_px)
        words = scale_suspicion(frame, kept, unread.recipe.profile, unread.recipe.detector)
        if words is None:
            return
        with desk.lock:
            captured = book.captured.get(unread.number)
            if captured is not None:
                book.captured[unread.number] = replace(captured, scale_words=words)
            desk.outbox.put()
        desk.notice(f"Field {unread.number}: {words}")

    def _fresh(self, unread: _Unread) -> Frame | None:
        """Return a frame that was just captured and is on disk by now; it need not be read back."""
        desk = self._desk
        with desk.lock:
            return desk.book.fresh.get(unread.number) if desk.book.epoch == unread.epoch else None

    def _failed(self, unread: _Unread) -> None:
        limits = self._desk.limits
        failure = self._failures.setdefault((unread.epoch, unread.number), _Failure(0, 0))
        wait_s = min(limits.first_retry_s * 2**failure.times, limits.longest_retry_s)
        failure.times += 1
        failure.again_ns = self._desk.clock() + round(wait_s * 1e9)

    def _suspect_scale_of_live(self) -> None:
        """Ask of the scale of a field whose reading is the live picture's, as of any other."""
        desk = self._desk
        if desk.parts.gate is None or desk.keeping:
            return
        with desk.lock:
            book = desk.book
            found = ((n, f, desk.current_reading(n)) for n, f in book.fresh.items())
            number, frame, reading = next((one for one in found if one[2] is not None), (0, None, None))
            if frame is None or reading is None:
                return
            del book.fresh[number]
            unread = _Unread(number, book.epoch, reading.key, desk.recipe(), "")
        self._suspect_scale(unread, frame, reading.kept)

    def _read_live(self, seen: Seen) -> None:
        desk = self._desk
        with desk.lock:
            if desk.is_blanked():
                return
            recipe, key = desk.recipe(), desk.reading_key()
        try:
            frame = desk.corrected(seen.frame)
        except ArmicroError as error:
            self._engine_failed(str(error))
            return
        work = LiveWork(seen, frame, key)
        with desk.lock:
            desk.live.begin(work)
        kept = self._read(frame, recipe, partial(self._unless_captured, work))
        with desk.lock:
            work.kept, work.ended = kept, True
            if work.captured:
                desk.locked_take_live()
                desk.score_wanted.set()
            thresholds = desk.thresholds_shown
            stale = desk.is_blanked() or desk.reading_key()[:-1] != key[:-1]
        if kept is None or stale:
            return
        result = rescore(kept, thresholds)
        with desk.lock:
            desk.live.read(LiveReading(work, kept, result, thresholds))
            desk.rates.reading(desk.clock(), seen.frame.t_ns)
            if thresholds != desk.thresholds_shown:
                desk.score_wanted.set()
            desk.outbox.put()

    def _unless_captured(self, work: LiveWork, name: str) -> AbstractContextManager[None]:
        """Give a live reading up before its next stage if it is of no use to anyone.

        So it is when a captured field waits that needs another frame, and when the stage has moved on.
        """
        del name
        if (self._desk.keeping or work.left) and not work.captured:
            raise _SupersededError
        return nullcontext()

    def _read(self, frame: Frame, recipe: Her2IhcRecipe, stages: Stages = no_stages) -> KeptField | None:
        """Read a frame; a failure becomes a fault, and the fault ends with the next success."""
        desk = self._desk
        try:
            kept = read_field(frame, recipe, calibration_id=desk.parts.calibration_id, stages=stages)
        except _SupersededError:
            return None
        except EngineError as error:
            self._engine_failed(f"{error} Captured fields are kept and read as soon as it works again.")
        except ArmicroError as error:
            self._engine_failed(str(error))
        except Exception as error:  # noqa: BLE001 - the instrument goes on, and says what broke
            self._engine_failed(
                f"Reading a field failed ({type(error).__name__}: {error}): restart and report it."
            )
        else:
            desk.end_fault("engine", "Fields are read again.")
            return kept
        return None

    def _engine_failed(self, words: str) -> None:
        desk = self._desk
        with desk.lock:
            desk.live.forget_reading()
        # Nothing is shown that it did not read, but fields can still be captured: it does not blank.
        desk.raise_fault("engine", words, "no reading", blanks=False)

    def _say_busy(self, words: str) -> None:
        desk = self._desk
        with desk.lock:
            if desk.busy_reading != words:
                desk.busy_reading = words
                desk.outbox.put()

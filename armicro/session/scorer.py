"""The scoring thread: results and score by the newest settings, the visible field first."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, replace

from armicro.assays.digest import results_sha256
from armicro.assays.kept import KeptField, rescore
from armicro.assays.recipe import reading_version
from armicro.contracts.stain import DabThresholds
from armicro.session.desk import Desk
from armicro.session.live import LiveReading
from armicro.session.parts import EventKind
from armicro.session.rescoring import (
    CaseScore,
    CaseTask,
    FieldTask,
    ScoreBook,
    cells_that_differ,
    score_words,
)


@dataclass(frozen=True, slots=True)
class _Job:
    """What is to be scored, as it was when the job was taken."""

    epoch: int
    live: LiveReading | None
    thresholds: DabThresholds
    shown: DabThresholds
    changed_from: DabThresholds | None
    fields: tuple[FieldTask, ...]
    case: CaseTask | None
    preview: CaseTask | None
    kept: Mapping[int, KeptField]


class Scorer:
    """Grades what is kept, whenever something changed; a newer change ends the work on an older one.

    Parameters
    ----------
    desk : Desk
        Shared state; `score_wanted` wakes it.
    """

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._book = ScoreBook()
        self._thread = threading.Thread(target=self._run, name="armicro-scoring", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def join(self) -> None:
        """Wait for the end; `desk.closing` and `score_wanted` have to be set."""
        self._thread.join()

    def _run(self) -> None:
        desk = self._desk
        while not desk.is_closed():
            desk.score_wanted.wait()
            desk.score_wanted.clear()
            if desk.is_closed():
                return
            try:
                self._do(self._job())
            except Exception as error:  # noqa: BLE001 - the instrument goes on, and says what broke
                words = f"Scoring failed ({type(error).__name__}: {error}): report this."
                desk.raise_fault("engine:scoring", words, "no score", blanks=False)
            desk.outbox.deliver()

    def _job(self) -> _Job:
        desk = self._desk
        with desk.lock:
            thresholds, shown = desk.choice.profile.thresholds, desk.thresholds_shown
            tasks = (desk.field_task(f, thresholds) for f in desk.choice.fields)
            return _Job(
                epoch=desk.book.epoch,
                live=desk.live.reading,
                thresholds=thresholds,
                shown=shown,
                changed_from=desk.changed_from,
                fields=tuple(t for t in tasks if t is not None),
                case=desk.case_task(thresholds),
                preview=None if desk.preview is None else desk.case_task(shown),
                kept={r.serial: r.kept for r in desk.book.readings.values()},
            )

    def _do(self, job: _Job) -> None:
        desk = self._desk
        self._regrade_live(job)
        desk.outbox.deliver()
        for task in job.fields:
            result = self._book.result(task, job.kept[task.serial])
            with desk.lock:
                if desk.book.epoch != job.epoch:
                    return
                desk.book.results[task.choice.number] = (task, result)
                desk.outbox.put()
            if not self._goes_on():
                return
        score = None if job.case is None else self._book.score(job.case, job.kept, self._goes_on)
        if score is not None:
            self._publish(job, score)
        after = None if job.preview is None else self._book.score(job.preview, job.kept, self._goes_on)
        if after is not None:
            with desk.lock:
                if desk.preview == job.shown and desk.book.epoch == job.epoch:
                    desk.after_change = after
                    desk.outbox.put()
        self._book.forget_all_but([*job.fields, *(job.preview.fields if job.preview else ())])
        desk.end_fault("engine:scoring")

    def _goes_on(self) -> bool:
        """Whether nothing newer waits."""
        return not self._desk.score_wanted.is_set()

    def _regrade_live(self, job: _Job) -> None:
        """Grade the live field by the thresholds that are shown, and count what changes by that."""
        desk, live = self._desk, job.live
        if live is None:
            return
        now = live
        if live.thresholds != job.shown:
            now = replace(live, result=rescore(live.kept, job.shown), thresholds=job.shown)
        changed = None
        if job.changed_from is not None:
            changed = cells_that_differ(rescore(live.kept, job.changed_from), now.result)
        with desk.lock:
            desk.live.regraded(live, now)
            if changed is not None:
                desk.cells_changed = changed
            desk.outbox.put()

    def _publish(self, job: _Job, score: CaseScore) -> None:
        desk = self._desk
        new: list[int] = []
        with desk.lock:
            if desk.book.epoch != job.epoch or not score.task.like(desk.case_task(job.thresholds)):
                return
            desk.book.score = score
            new = [n for n in _numbers(score.task) if n not in desk.book.told]
            desk.book.told.update(new)
            if desk.changed_from is not None and desk.preview is None:
                desk.after_change = score
            self._record(job, score)
            desk.outbox.put()
        for number in new:
            desk.event(EventKind.SCORED, number=number, **score_words(score.summary))

    def _record(self, job: _Job, score: CaseScore) -> None:
        """Have the score recorded with the case, where it is another one than before."""
        desk = self._desk
        book, summary = desk.book, score.summary
        if summary is None or book.signed_off is not None:
            return
        sha256 = results_sha256(self._book.result(t, job.kept[t.serial]) for t in score.task.fields)
        guideline = score.task.guideline.name
        if sha256 + guideline == book.scored:
            return
        book.scored, book.recorded = sha256 + guideline, sha256
        desk.record(
            "score",
            **score_words(summary),
            sha256=sha256,
            detector=desk.detector_identity,
            reading_version=reading_version(desk.parts.reading),
            guideline=guideline,
        )


def _numbers(task: CaseTask) -> list[int]:
    return [t.choice.number for t in task.fields]

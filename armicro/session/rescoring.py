"""From what is kept of the fields to results and the score, and no work done twice."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from armicro.assays.kept import KeptField, rescore
from armicro.contracts.results import FovResult
from armicro.contracts.score import CaseSummary
from armicro.contracts.stain import DabThresholds
from armicro.scoring.case import FieldCells, summarise
from armicro.scoring.model import Guideline
from armicro.session.case_state import FieldChoice
from armicro.session.edits import edited


@dataclass(frozen=True, slots=True)
class FieldReading:
    """What was read of a captured field.

    Parameters
    ----------
    serial : int
        Tells readings of the same field apart.
    key : tuple
        By what it was read: stain profile without thresholds, and detector.
    kept : KeptField
        What was traced.
    """

    serial: int
    key: tuple[object, ...]
    kept: KeptField


@dataclass(frozen=True, slots=True)
class FieldTask:
    """A field as it is to be graded: everything that decides its result."""

    choice: FieldChoice
    serial: int
    thresholds: DabThresholds

    @property
    def of(self) -> tuple[object, ...]:
        """What the result depends on; whether the field is left out does not change it."""
        c = self.choice
        return (c.number, c.edits, c.include, c.exclude, c.seen_before, self.serial, self.thresholds)


@dataclass(frozen=True, slots=True)
class CaseTask:
    """A case as it is to be scored."""

    guideline: Guideline
    fields: tuple[FieldTask, ...]
    seed: int

    def like(self, other: CaseTask | None) -> bool:
        """Tell whether another task leads to the same summary."""
        if other is None or self.guideline is not other.guideline:
            return False
        return [t.of for t in self.fields] == [t.of for t in other.fields]


@dataclass(frozen=True, slots=True)
class CaseScore:
    """The summary of a task."""

    task: CaseTask
    summary: CaseSummary | None


@dataclass(slots=True)
class ScoreBook:
    """Grades and scores, and remembers results while they are asked for; used by one thread at a time."""

    _results: dict[tuple[object, ...], FovResult] = field(default_factory=dict)

    def result(self, task: FieldTask, kept: KeptField) -> FovResult:
        """Return a field's result by a task."""
        found = self._results.get(task.of)
        if found is None:
            regions = task.choice.regions
            found = edited(rescore(kept, task.thresholds, regions=regions), task.choice.edits, regions)
            self._results[task.of] = found
        return found

    def score(
        self, task: CaseTask, kept: Mapping[int, KeptField], goes_on: Callable[[], bool]
    ) -> CaseScore | None:
        """Score a case; None if a newer task made it pointless on the way.

        Parameters
        ----------
        task : CaseTask
            What is to be scored; fields left out have no task.
        kept : mapping of int to KeptField
            What was traced, by the reading's serial number.
        goes_on : callable
            Asked before each field.
        """
        results = []
        for one in task.fields:
            if not goes_on():
                return None
            results.append(self.result(one, kept[one.serial]))
        if not results:
            return CaseScore(task, None)
        cells = [FieldCells.of(r) for r in results]
        return CaseScore(task, summarise(cells, task.guideline, seed=task.seed))

    def forget_all_but(self, tasks: Sequence[FieldTask]) -> None:
        """Let go of results that nobody asks for any more."""
        wanted = {t.of for t in tasks}
        self._results = {k: r for k, r in self._results.items() if k in wanted}


def cells_that_differ(a: FovResult, b: FovResult) -> int:
    """Count cells of one field whose category differs between two gradings."""
    return int((a.cells.category != b.cells.category).sum())


def score_words(summary: CaseSummary | None) -> dict[str, str | int | None]:
    """Say a score in a few values, for events."""
    if summary is None:
        return {}
    score = summary.score
    return {
        "score": score.score,
        "status": str(score.status),
        "n_cells": summary.n_cells,
        "n_fields": summary.n_fields,
    }

"""From counts to the guideline's score. Borders are compared in whole cells, never in floating point."""

from __future__ import annotations

import numpy as np

from armicro.contracts.arrays import I64
from armicro.contracts.cells import Category
from armicro.contracts.score import Score, Status
from armicro.scoring.model import Condition, Criterion, Guideline, Remark
from armicro.scoring.wording import cells, percent

NOT_RANKED = -1
"""The rank of a case without tumour cells."""


def ranks(values: I64, n: I64, guideline: Guideline) -> I64:
    """Score many tallies at once.

    Parameters
    ----------
    values : ndarray of int64, (..., K)
        For each of the guideline's criteria, how many cells count for it; where the guideline counts
        clusters, the cells of the largest cluster.
    n : ndarray of int64, (...)
        Tumour cells.
    guideline : Guideline
        The rules.

    Returns
    -------
    ndarray of int64, (...)
        Place of the score in `guideline.scores`; `NOT_RANKED` without tumour cells.
    """
    out = np.where(n > 0, 0, NOT_RANKED).astype(np.int64)
    for k, (criterion, rank) in enumerate(zip(guideline.criteria, guideline.criterion_ranks, strict=True)):
        # At least one cell is always needed, so nothing is met without tumour cells.
        met = values[..., k] >= _needed_each(criterion, n, guideline)
        out = np.where(met, np.maximum(out, rank), out)
    return out


def _needed_each(criterion: Criterion, n: I64, guideline: Guideline) -> I64:
    if criterion.threshold is not None:
        return criterion.threshold.needed_each(n)
    assert guideline.cluster is not None
    return np.full(n.shape, guideline.cluster.cells, np.int64)


def rank_of(values: I64, n: int, guideline: Guideline) -> int:
    """Score one tally: `ranks` for `values` (K,) and `n` tumour cells."""
    return int(ranks(values, np.asarray(n, np.int64), guideline))


def needed(criterion: Criterion, n: int, guideline: Guideline) -> int:
    """Return the smallest value with which a criterion is met among `n` tumour cells."""
    if criterion.threshold is not None:
        return criterion.threshold.needed(n)
    assert guideline.cluster is not None
    return guideline.cluster.cells


def score_at(rank: int, guideline: Guideline) -> str | None:
    """Return the score of a rank; None for `NOT_RANKED`."""
    return None if rank == NOT_RANKED else guideline.scores[rank]


def judge(counts: I64, values: I64, n_fields: int, guideline: Guideline) -> Score:
    """Score a case in words.

    Parameters
    ----------
    counts : ndarray of int64, (6,)
        Tumour cells by `Category`, all fields together.
    values : ndarray of int64, (K,)
        As for `ranks`.
    n_fields : int
        How many fields were captured.
    guideline : Guideline
        The rules.

    Returns
    -------
    Score
        Without a score, and with the reason, where there are no tumour cells.
    """
    n = int(counts.sum())
    if n == 0:
        return _not_assessable(n_fields, guideline)
    rank = rank_of(values, n, guideline)
    score = guideline.scores[rank]
    decided = _deciding(values, n, rank, guideline)

    def holds(when: Condition) -> bool:
        return _holds(when, counts, score, decided)

    return Score(
        score=score,
        status=guideline.status_of(rank),
        reason=_reason(values, n, decided, guideline),
        annotation=next((a.name for a in guideline.annotations if holds(a.when)), None),
        comments=(
            *_few_cells(n, guideline),
            *(_say(r, counts, guideline) for r in guideline.remarks if holds(r.when)),
        ),
        guideline_name=guideline.name,
        guideline_version=guideline.version,
    )


def _not_assessable(n_fields: int, guideline: Guideline) -> Score:
    why = "no field was captured"
    if n_fields:
        why = f"none was found in {n_fields} field{'s' if n_fields > 1 else ''}"
    return Score(
        score=None,
        status=Status.NOT_ASSESSABLE,
        reason=f"cannot be assessed: no tumour cells, because {why}",
        annotation=None,
        comments=(),
        guideline_name=guideline.name,
        guideline_version=guideline.version,
    )


def _deciding(values: I64, n: int, rank: int, guideline: Guideline) -> Criterion | None:
    """Return the first criterion of the score's grade that is met; None at the lowest score."""
    for k, (criterion, leads_to) in enumerate(
        zip(guideline.criteria, guideline.criterion_ranks, strict=True)
    ):
        if leads_to == rank and values[k] >= needed(criterion, n, guideline):
            return criterion
    return None


def _reason(values: I64, n: int, decided: Criterion | None, guideline: Guideline) -> str:
    # At the lowest score the reason is the widest criterion: it counts all stained cells and was not met.
    criterion = decided or max(guideline.criteria, key=lambda c: len(c.categories))
    value = int(values[guideline.criteria.index(criterion)])
    if value == 0:
        return f"no membrane staining in {cells(n)}"
    if criterion.threshold is None:
        least = needed(criterion, n, guideline)
        if decided is None:
            return f"{criterion.staining} in no cluster of {least} tumour cells; the largest has {value}"
        return f"{criterion.staining} in a cluster of {value} tumour cells, at least {least} needed"
    words = criterion.threshold.words if decided else criterion.threshold.missed
    if criterion.threshold is guideline.more_than_none:
        words += _but_not(criterion, guideline)
    share = percent(value, n, criterion.threshold.share)
    return f"{criterion.staining} in {share} % of tumour cells ({value} of {n}), {words}"


def _but_not(criterion: Criterion, guideline: Guideline) -> str:
    """Say which threshold of a higher grade the same cells did not reach."""
    for other in guideline.criteria[: guideline.criteria.index(criterion)]:
        if other.categories == criterion.categories and other.threshold is not None:
            return f" but {other.threshold.missed}"
    return ""


def _holds(when: Condition, counts: I64, score: str, decided: Criterion | None) -> bool:
    if score not in when.scores:
        return False
    if when.decided_by is not None and (decided is None or decided.key != when.decided_by):
        return False
    n, count = int(counts.sum()), count_of(when.categories, counts)
    if when.reached is not None and not when.reached.met(count, n):
        return False
    return when.unless is None or not when.unless.met(count, n)


def _say(remark: Remark, counts: I64, guideline: Guideline) -> str:
    n, count = int(counts.sum()), count_of(remark.when.categories, counts)
    thresholds = (remark.when.reached, remark.when.unless)
    border = next((t.share for t in thresholds if t is not None), None)
    none = guideline.more_than_none
    return remark.text.format(
        count=count,
        total=n,
        percent=percent(count, n, border),
        none="" if none is None else f"at least {none.min_cells} cells and {100 * none.share} %",
    )


def _few_cells(n: int, guideline: Guideline) -> tuple[str, ...]:
    if n >= guideline.reliable_cells:
        return ()
    return (f"Only {cells(n)}: with fewer than {guideline.reliable_cells} the score is uncertain.",)


def count_of(categories: frozenset[Category], counts: I64) -> int:
    """Return how many cells of `counts` (6,), by `Category`, are of some categories."""
    return sum(int(counts[c]) for c in categories)

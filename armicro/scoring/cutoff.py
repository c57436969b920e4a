"""How far a case is from another score: in cells, in percentage points, and by its own spread over fields."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from armicro.contracts.arrays import I64
from armicro.contracts.score import Cutoff, LeaveOneOut
from armicro.scoring.bootstrap import (
    Resamples,
    resample_cells,
    resample_fields,
    share_interval,
    size_interval,
)
from armicro.scoring.borders import Border, nearest
from armicro.scoring.cutoff_words import Findings, Place, settles, text
from armicro.scoring.judge import NOT_RANKED, needed, rank_of, ranks, score_at
from armicro.scoring.model import Guideline

NO_SCORE = "none"
"""The key of `Cutoff.score_shares` for resamples without tumour cells."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a case's score rests on.

    Parameters
    ----------
    field_counts : ndarray of int64, (F, 6)
        Tumour cells by field and `Category`.
    field_values : ndarray of int64, (F, K)
        By field and criterion: how many cells count, or how many the largest cluster has.
    borders : tuple of Border
        Of the present score.
    """

    field_counts: I64
    field_values: I64
    borders: tuple[Border, ...]

    @property
    def field_n(self) -> I64:
        """Tumour cells of each field, (F,)."""
        n: I64 = self.field_counts.sum(axis=1)
        return n


def together(field_values: I64, guideline: Guideline) -> I64:
    """Join the fields' values (F, K) to the case's (K,): sums of cells, or the largest of the clusters."""
    if guideline.cluster is None:
        total: I64 = field_values.sum(axis=0)
        return total
    largest: I64 = field_values.max(axis=0, initial=0)
    return largest


def leave_one_out(evidence: Evidence, guideline: Guideline) -> tuple[LeaveOneOut, ...]:
    """Score the case without each field in turn.

    Parameters
    ----------
    evidence : Evidence
        The case.
    guideline : Guideline
        The rules.

    Returns
    -------
    tuple of LeaveOneOut
        In the order of the fields; empty for a single field.
    """
    values, n = evidence.field_values, evidence.field_n
    fields = len(values)
    if fields < 2:
        return ()
    if guideline.cluster is None:
        others = values.sum(axis=0) - values
    else:
        ordered = np.sort(values, axis=0)
        # Without the field that has the largest cluster the second largest counts; equals stand in for it.
        others = np.where(values == ordered[-1], ordered[-2], ordered[-1])
    found = ranks(others, n.sum() - n, guideline)
    return tuple(LeaveOneOut(i, score_at(int(r), guideline)) for i, r in enumerate(found))


def distance_to_cutoff(evidence: Evidence, guideline: Guideline, resamples: int, seed: int) -> Cutoff:
    """Tell how far a case is from its nearest other score.

    Parameters
    ----------
    evidence : Evidence
        The case; at least one tumour cell.
    guideline : Guideline
        The rules.
    resamples : int
        Of the bootstrap.
    seed : int
        Of its random numbers.

    Returns
    -------
    Cutoff
        The nearest border is the one that the fewest cells cross, upwards or downwards.
    """
    values, n = together(evidence.field_values, guideline), int(evidence.field_n.sum())
    if guideline.cluster is None:
        drawn = resample_cells(evidence.field_counts, guideline, resamples, seed)
    else:
        drawn = resample_fields(evidence.field_values, evidence.field_n, resamples, seed)
    places = tuple(_place(b, values, n, drawn, guideline) for b in evidence.borders)
    border = nearest(evidence.borders)
    if border is None:
        place = _nowhere(values, n, drawn, guideline)
    else:
        place = places[evidence.borders.index(border)]
    score = guideline.scores[rank_of(values, n, guideline)]
    findings = Findings(
        score=score,
        n_cells=n,
        n_fields=len(evidence.field_counts),
        nearest=place,
        places=places,
        score_shares=_score_shares(drawn, guideline),
        resamples=resamples,
        leave_one_out=leave_one_out(evidence, guideline),
        deciding_fields=_deciding_fields(evidence, score, guideline),
    )
    share = place.count / n
    return Cutoff(
        next_score=place.next_score,
        quantity=place.quantity,
        share=share,
        threshold=float(place.threshold),
        distance_points=float(100 * (Fraction(place.count, n) - place.threshold)),
        distance_cells=place.cells,
        interval=place.interval,
        method=_method(guideline, len(evidence.field_counts), resamples),
        seed=seed,
        score_shares=findings.score_shares,
        leave_one_out=findings.leave_one_out,
        text=text(findings, guideline),
        settles=settles(findings, guideline),
        count=place.count,
        needed=place.needed,
    )


def _place(border: Border, values: I64, n: int, drawn: Resamples, guideline: Guideline) -> Place:
    k = border.criterion
    criterion, count = guideline.criteria[k], int(values[k])
    least = needed(criterion, n, guideline)
    if criterion.threshold is None:
        low, high = size_interval(drawn, k)
        threshold, interval, at_least = Fraction(least, n), (low / n, high / n), np.full_like(drawn.n, least)
    else:
        threshold, interval = criterion.threshold.share_of(n), share_interval(drawn, k, count, n)
        at_least = criterion.threshold.needed_each(drawn.n)
    beyond = (drawn.values[:, k] >= at_least) == border.rises
    return Place(
        quantity=criterion.quantity,
        staining=criterion.staining,
        next_score=guideline.scores[border.next_rank],
        rises=border.rises,
        count=count,
        needed=least,
        n=n,
        threshold=threshold,
        interval=interval,
        cells=border.cells,
        exact=border.exact,
        crossed=float(beyond[drawn.n > 0].mean()),
    )


def _nowhere(values: I64, n: int, drawn: Resamples, guideline: Guideline) -> Place:
    """Describe a case from which no other score can be reached: no cluster could arise anywhere."""
    k = len(guideline.criteria) - 1
    criterion = guideline.criteria[k]
    low, high = size_interval(drawn, k)
    least = needed(criterion, n, guideline)
    return Place(
        quantity=criterion.quantity,
        staining=criterion.staining,
        next_score=None,
        rises=True,
        count=int(values[k]),
        needed=least,
        n=n,
        threshold=Fraction(least, n),
        interval=(low / n, high / n),
        cells=0,
        exact=True,
        crossed=0.0,
    )


def _score_shares(drawn: Resamples, guideline: Guideline) -> dict[str, float]:
    found = ranks(drawn.values, drawn.n, guideline)
    names = (NO_SCORE, *guideline.scores)
    times = np.bincount(found - NOT_RANKED, minlength=len(names))
    return {name: float(t / len(found)) for name, t in zip(names, times, strict=True)}


def _deciding_fields(evidence: Evidence, score: str, guideline: Guideline) -> tuple[int, ...]:
    """Return the fields whose own clusters reach the score; empty for shares and at the lowest score."""
    rank = guideline.scores.index(score)
    if guideline.cluster is None or rank == 0:
        return ()
    own = ranks(evidence.field_values, evidence.field_n, guideline)
    return tuple(int(i) for i in np.flatnonzero(own == rank))


def _method(guideline: Guideline, n_fields: int, resamples: int) -> str:
    times = f"{resamples} resamples, 95 % percentile interval"
    if guideline.cluster is not None:
        return (
            f"bootstrap of fields, with replacement; {times} of the largest cluster. "
            "Cells are not drawn anew: they would lose their places"
        )
    if n_fields == 1:
        return (
            f"bootstrap of the cells of a single field, with replacement; {times}; "
            "how fields differ is not covered"
        )
    return (
        f"two-stage bootstrap: fields, then cells within each drawn field, with replacement; {times}; "
        "exact binomial limit where none or all of the cells count"
    )

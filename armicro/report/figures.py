"""The drawings of the report as numbers: bars of the grades, and the nearest cut-off enlarged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from armicro.contracts.cells import CATEGORIES, Category
from armicro.report.models import CaseDocument, CountsDocument
from armicro.report.shown import category_name, per_cent, shown
from armicro.scoring.model import SCORES, Criterion, Guideline
from armicro.scoring.wording import percent

_TICK_CLEARANCE = 3.0
"""Distance from the cut-off within which a tick has no label, per cent of the ruler."""


@dataclass(frozen=True, slots=True)
class Segment:
    """Part of a bar: a category from `start` to `start + width`, per cent of the bar."""

    key: str
    name: str
    start: float
    width: float


@dataclass(frozen=True, slots=True)
class Bar:
    """One criterion of a grade (or one category) as a bar of all tumour cells.

    Parameters
    ----------
    score : str
        The grade, on its first bar; else empty.
    words : str
        What is counted.
    rule : str
        The threshold in words; empty for a category.
    segments : tuple of Segment
        The categories that add up.
    mark : float or None
        The threshold, per cent.
    percent, count : str
        The share and the number of cells.
    met : bool or None
        Whether the threshold is met; None for a category.
    """

    score: str
    words: str
    rule: str
    segments: tuple[Segment, ...]
    mark: float | None
    percent: str
    count: str
    met: bool | None


@dataclass(frozen=True, slots=True)
class Ruler:
    """The nearest cut-off, enlarged; positions are per cent of the ruler's length.

    Parameters
    ----------
    ticks : tuple of (float, str)
        Position and label.
    value, low, high, cutoff : float
        The case, its 95 % interval and the cut-off.
    value_label, interval_label, cutoff_label : str
        The same in words.
    left, right : str
        The scores on either side of the cut-off.
    crosses : bool
        Whether the interval reaches across the cut-off.
    description : str
        The drawing in one sentence, for those who do not see it.
    """

    ticks: tuple[tuple[float, str], ...]
    value: float
    low: float
    high: float
    cutoff: float
    value_label: str
    interval_label: str
    cutoff_label: str
    left: str
    right: str
    crosses: bool
    description: str


def by_category(counts: CountsDocument) -> dict[Category, int]:
    """Return counts by `Category`, in the order of every table."""
    return {c: getattr(counts, c.key) for c in CATEGORIES}


def _segments(counts: dict[Category, int], which: Sequence[Category], n: int) -> tuple[Segment, ...]:
    segments, start = [], 0.0
    for category in which:
        width = 100 * counts[category] / n if n else 0.0
        if width:
            segments.append(Segment(category.key, category_name(category), start, width))
        start += width
    return tuple(segments)


def bars(document: CaseDocument, guideline: Guideline | None) -> tuple[Bar, ...]:
    """Draw every criterion of the rule set, strongest grade first, or every category without one.

    Parameters
    ----------
    document : CaseDocument
        The case.
    guideline : Guideline or None
        Its rule set.

    Returns
    -------
    tuple of Bar
        Empty without tumour cells.
    """
    counts, n = by_category(document.counts), document.n_cells
    if n == 0:
        return ()
    if guideline is None:
        return tuple(
            Bar("", category_name(c), "", _segments(counts, (c,), n), None, percent(k, n), f"{k:,}", None)
            for c, k in counts.items()
        )
    rows = []
    for grade in guideline.grades:
        for i, criterion in enumerate(grade.criteria):
            reached = document.score is not None and SCORES.index(document.score) >= SCORES.index(grade.score)
            bar = _criterion_bar(criterion, counts, guideline, reached=reached)
            rows.append(bar if i else replace(bar, score=grade.score))
    return tuple(rows)


def _criterion_bar(
    criterion: Criterion, counts: dict[Category, int], guideline: Guideline, *, reached: bool
) -> Bar:
    """Draw a criterion; where it asks for a cluster, whether it is met is what the score says."""
    n = sum(counts.values())
    which = [c for c in CATEGORIES if c in criterion.categories]
    count = sum(counts[c] for c in which)
    words = "any staining" if criterion.quantity == "any" else criterion.quantity
    if criterion.threshold is None:
        size = guideline.cluster.cells if guideline.cluster else 0
        rule, mark, met, border = f"in a cluster of at least {size}", None, reached, None
    else:
        border = criterion.threshold.share_of(n)
        rule, mark, met = criterion.threshold.words, 100 * float(border), criterion.threshold.met(count, n)
    return Bar(
        "", words, rule, _segments(counts, which, n), mark, percent(count, n, border), f"{count:,}", met
    )


def ruler(document: CaseDocument, guideline: Guideline | None) -> Ruler | None:
    """Enlarge the axis around the nearest cut-off, the case and its interval.

    Parameters
    ----------
    document : CaseDocument
        The case.
    guideline : Guideline or None
        Its rule set; where it asks for a cluster, the axis is in cells.

    Returns
    -------
    Ruler or None
        None where no other score can be reached.
    """
    cutoff = document.cutoff
    if cutoff is None or cutoff.next_score is None or document.score is None:
        return None
    in_cells = guideline is not None and guideline.cluster is not None
    if in_cells:
        value, edge = float(cutoff.count), float(cutoff.needed)
        low, high = (share * document.n_cells for share in cutoff.interval)
    else:
        value, edge = 100 * cutoff.share, 100 * cutoff.threshold
        low, high = (100 * share for share in cutoff.interval)
    reach = [value, edge, low, high]
    margin = max(0.12 * (max(reach) - min(reach)), 0.5)
    first, last = max(0.0, min(reach) - margin), max(reach) + margin
    if not in_cells:
        last = min(last, 100.0)
    step = next(
        s for s in (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 1e3, 1e4, 1e6) if (last - first) / s <= 8
    )
    unit = "" if in_cells else "\u00a0%"

    def place(at: float) -> float:
        return 100 * (at - first) / (last - first)

    k = -(-first // step)
    ticks = []
    while k * step <= last:
        # The label of the cut-off itself stands below; a tick's would lie under its line.
        near = abs(place(k * step) - place(edge)) < _TICK_CLEARANCE
        ticks.append((place(k * step), "" if near else f"{k * step:g}{unit}"))
        k += 1
    below = SCORES.index(cutoff.next_score) < SCORES.index(document.score)
    left, right = (cutoff.next_score, document.score) if below else (document.score, cutoff.next_score)
    value_label = f"{value:.0f}" if in_cells else per_cent(percent(cutoff.count, document.n_cells))
    interval = f"95 % interval {low:.3g} to {high:.3g}{unit}"
    what = "largest cluster" if in_cells else shown(cutoff.quantity)
    return Ruler(
        ticks=tuple(ticks), value=place(value), low=place(low), high=place(high), cutoff=place(edge),
        value_label=value_label, interval_label=interval, cutoff_label=f"cut-off {edge:.4g}{unit}",
        left=left, right=right, crosses=low <= edge <= high,
        description=f"{what}: {value_label}, {interval}; {left} below and {right} above {edge:.4g}{unit}.",
    )  # fmt: skip

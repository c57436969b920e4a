"""The distance to the cut-off in words, for someone who decides about treatment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import ceil

from armicro.contracts.score import LeaveOneOut
from armicro.scoring.model import Guideline
from armicro.scoring.wording import cells, either, percent

MANY_FIELDS = 50
"""More further fields than anyone would capture: said to be out of reach instead of counted."""

NAMED_FIELDS = 4
"""Up to so many fields are named one by one."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a case stands at one border.

    Parameters
    ----------
    quantity, staining : str
        What is counted, as in `Criterion`.
    next_score : str or None
        The score beyond.
    rises : bool
        Whether it is higher.
    count, needed, n : int
        Cells that count (or of the largest cluster), with how many the criterion is met, tumour cells.
    threshold : Fraction
        The cut-off as a share of `n`.
    interval : tuple of float
        95 %, of the share.
    cells : int
        How many would have to be read otherwise.
    exact : bool
        False where `cells` is a lower bound.
    crossed : float
        Share of the resamples beyond the border, 0 to 1.
    """

    quantity: str
    staining: str
    next_score: str | None
    rises: bool
    count: int
    needed: int
    n: int
    threshold: Fraction
    interval: tuple[float, float]
    cells: int
    exact: bool
    crossed: float


@dataclass(frozen=True, slots=True)
class Findings:
    """All that is said about the distance.

    Parameters
    ----------
    score : str
        The present score.
    n_cells, n_fields : int
        On what it rests.
    nearest : Place
        The nearest border.
    places : tuple of Place
        All borders.
    score_shares : mapping of str to float
        As in `Cutoff`.
    resamples : int
        How many.
    leave_one_out : tuple of LeaveOneOut
        As in `Cutoff`.
    deciding_fields : tuple of int
        Fields, from 0, that have a cluster of the score.
    """

    score: str
    n_cells: int
    n_fields: int
    nearest: Place
    places: tuple[Place, ...]
    score_shares: Mapping[str, float]
    resamples: int
    leave_one_out: tuple[LeaveOneOut, ...]
    deciding_fields: tuple[int, ...]


def text(found: Findings, guideline: Guideline) -> str:
    """Say how far the nearest other score is, and what leaving out a field does."""
    place = found.nearest
    if place.next_score is None:
        least = place.needed
        return f"no {least} tumour cells lie together: no other score can be reached with these cells"
    if guideline.cluster is None:
        where = f"{_share(place)} (95 % interval {_interval(place)})"
    elif place.count:
        where = f"largest cluster with {place.staining}: {cells(place.count)}"
    else:
        where = f"no tumour cell with {place.staining}"
    how_many = f"{place.cells} cell{'' if place.cells == 1 else 's'}"
    if place.rises:
        distance = f", {how_many} short of {place.next_score}"
    elif place.exact:
        distance = f"; {how_many} fewer would make it {place.next_score}"
    else:
        distance = f"; at least {how_many} would have to be read otherwise to make it {place.next_score}"
    return where + distance + _without(found)


def _without(found: Findings) -> str:
    """Say which field decides, if one does."""
    if not found.leave_one_out:
        return ""
    changed: dict[str | None, list[int]] = {}
    for left in found.leave_one_out:
        if left.score != found.score:
            changed.setdefault(left.score, []).append(left.field_index)
    if not changed:
        return f"; leaving out any one field keeps {found.score}"
    parts = []
    for score, fields in changed.items():
        result = "leaves no tumour cells" if score is None else f"makes it {score}"
        parts.append(f"leaving out {_fields(fields)} {result}")
    return "; " + ", ".join(parts)


def _fields(fields: Sequence[int]) -> str:
    if len(fields) > NAMED_FIELDS:
        return f"any one of {len(fields)} fields"
    return f"field {either([str(i + 1) for i in fields])}"


def settles(found: Findings, guideline: Guideline) -> str:
    """Say what more would settle the score.

    Notes
    -----
    The interval narrows with the square root of the number of fields. With F fields, a share d from the
    cut-off and an arm w of the interval towards it, F (w / d)² fields like these bring the cut-off to the end
    of the interval.
    """
    if guideline.cluster is not None:
        return _settles_cluster(found, guideline)
    parts = []
    if found.n_cells < guideline.reliable_cells:
        parts.append(
            f"only {cells(found.n_cells)}: capture more fields, to at least {guideline.reliable_cells} cells"
        )
    if found.n_fields == 1:
        parts.append("one field cannot show how fields differ: capture more")
    certain = found.score_shares[found.score]
    if certain < 1:
        parts.append(_settles_share(found, certain))
    elif parts:
        parts.append(f"every resample gives {found.score}")
    else:
        parts.append(f"nothing more needed: every resample gives {found.score}")
    return "; ".join(parts)


def _settles_share(found: Findings, certain: float) -> str:
    place = max(found.places, key=lambda p: p.crossed)
    low, high = place.interval
    border = float(place.threshold)
    often = percent(round(certain * found.resamples), found.resamples)
    if not low <= border <= high:
        return f"little more needed: {often} % of resamples give {found.score}"
    # The nearest border in cells need not be the one that the resamples cross most: then it is named.
    what = "the interval"
    if place is not found.nearest:
        what = f"{_share(place)} ({_interval(place)})"
    crosses = f"{what} crosses {_plain(place.threshold)} %, {often} % of resamples give {found.score}"
    share = place.count / place.n
    apart = abs(float(Fraction(place.count, place.n) - place.threshold))
    arm = high - share if place.rises else share - low
    if found.n_fields == 1:
        return crosses
    more = ceil(found.n_fields * ((arm / apart) ** 2 - 1)) if apart > 0 else MANY_FIELDS + 1
    if more > MANY_FIELDS:
        return f"{crosses}: too close for more fields like these to settle it"
    more = max(more, 1)
    return (
        f"{crosses}: about {more} more field{'' if more == 1 else 's'} like these would narrow it to one side"
    )


def _settles_cluster(found: Findings, guideline: Guideline) -> str:
    parts = []
    if found.score == guideline.scores[-1]:
        parts.append("nothing more needed: one cluster is enough, and further fields cannot lower the score")
    else:
        parts.append("further fields can only raise the score: capture all tumour in the biopsy")
    if len(found.deciding_fields) == 1 and found.n_fields > 1:
        parts.append(f"the score rests on field {found.deciding_fields[0] + 1} alone: look at it again")
    return "; ".join(parts)


def _share(place: Place) -> str:
    return f"{place.quantity} {percent(place.count, place.n, place.threshold)} %"


def _interval(place: Place) -> str:
    low, high = place.interval
    return f"{100 * low:.1f} to {100 * high:.1f}"


def _plain(share: Fraction) -> str:
    return f"{float(100 * share):.1f}".removesuffix(".0")

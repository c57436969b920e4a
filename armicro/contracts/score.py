"""The score of a case, and how far it is from another."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from armicro.contracts.cells import Category

RESEARCH_USE_ONLY = "Research use only; decision support, the pathologist decides."


class Status(StrEnum):
    """What a score means for the patient's HER2 status by IHC."""

    NEGATIVE = "negative"
    EQUIVOCAL = "equivocal"
    POSITIVE = "positive"
    NOT_ASSESSABLE = "not_assessable"


@dataclass(frozen=True, slots=True)
class Score:
    """The guideline's answer.

    Parameters
    ----------
    score : str or None
        "0", "1+", "2+", "3+"; None where the case cannot be assessed.
    status : Status
        Its meaning.
    reason : str
        One sentence: the criterion that was met with its figures, or why there is no score.
    annotation : str or None
        "low", "ultralow", "null" or None; stands beside the score, never in its place.
    comments : tuple of str
        What the guideline asks to be said (an unusual pattern, say).
    guideline_name, guideline_version : str
        The rule set.
    """

    score: str | None
    status: Status
    reason: str
    annotation: str | None
    comments: tuple[str, ...]
    guideline_name: str
    guideline_version: str


@dataclass(frozen=True, slots=True)
class LeaveOneOut:
    """The score without one field.

    Parameters
    ----------
    field_index : int
        Which field is left out, from 0.
    score : str or None
        The score of the others.
    """

    field_index: int
    score: str | None


@dataclass(frozen=True, slots=True)
class Cutoff:
    """The nearest border at which the score would change.

    Parameters
    ----------
    next_score : str or None
        The score on the other side.
    quantity : str
        What is compared, in the field's words ("complete and intense").
    share, threshold : float
        Its value and the cut-off, 0 to 1; for a rule that asks for a cluster, the largest cluster and the
        cluster asked for, both as shares of all tumour cells.
    distance_points : float
        How far apart they are, percentage points; negative below the cut-off.
    distance_cells : int
        How many cells would have to be read otherwise for the score to change; 0 where no other score can be
        reached (`next_score` is None).
    interval : tuple of float
        95 % interval of `share`, 0 to 1.
    method : str
        How the interval was made.
    seed : int
        Of the resampling.
    score_shares : mapping of str to float
        How often each score came up among the resamples, 0 to 1 ("none" for not assessable).
    leave_one_out : tuple of LeaveOneOut
        The score without each field; empty for a single field.
    text : str
        The distance in words: "14 cells short of 3+; leaving out field 3 makes it 1+".
    settles : str
        What more would settle it, in words.
    count, needed : int
        The same in whole cells: how many count (or lie in the largest cluster), and with how many the cut-off
        is passed.
    """

    next_score: str | None
    quantity: str
    share: float
    threshold: float
    distance_points: float
    distance_cells: int
    interval: tuple[float, float]
    method: str
    seed: int
    score_shares: Mapping[str, float]
    leave_one_out: tuple[LeaveOneOut, ...]
    text: str
    settles: str
    count: int = 0
    needed: int = 0


@dataclass(frozen=True, slots=True)
class CaseSummary:
    """All captured fields of a case together.

    Parameters
    ----------
    counts : mapping of Category to int
        Sums over the fields; proportions are of their total, never means of the fields' own.
    n_fields : int
        How many fields.
    score : Score
        The guideline's answer.
    cutoff : Cutoff or None
        Distance to the next score; None without a score.
    """

    counts: Mapping[Category, int]
    n_fields: int
    score: Score
    cutoff: Cutoff | None

    @property
    def n_cells(self) -> int:
        """Tumour cells in all fields."""
        return sum(self.counts.values())

    @property
    def proportions(self) -> dict[Category, float | None]:
        """Share of each category, 0 to 1; None for each where there are no cells."""
        n = self.n_cells
        return {c: (k / n if n else None) for c, k in self.counts.items()}

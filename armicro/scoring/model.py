"""What a rule set consists of. The sets themselves are data, in `rules/*.toml`."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from armicro.contracts.arrays import I64
from armicro.contracts.cells import Category
from armicro.contracts.score import Status

SCORES: tuple[str, ...] = ("0", "1+", "2+", "3+")
"""Every score there is, weakest first."""


@dataclass(frozen=True, slots=True)
class Threshold:
    """How many of the tumour cells are enough. Whole numbers only, so that a border is a border.

    Parameters
    ----------
    share : Fraction
        Of all tumour cells, 0 to 1.
    strict : bool
        True asks for more than the share, False for at least the share.
    min_cells : int
        At least this many cells besides, 1 or more.
    words, missed : str
        What a reader says where it is met, "more than 10 %", and where it is not, "not more than 10 %".
    """

    share: Fraction
    strict: bool
    min_cells: int
    words: str
    missed: str

    def needed(self, n: int) -> int:
        """Return the smallest count that is enough among `n` tumour cells; may exceed `n`."""
        top, bottom = self.share.numerator, self.share.denominator
        by_share = n * top // bottom + 1 if self.strict else -(-n * top // bottom)
        return max(self.min_cells, by_share)

    def needed_each(self, n: I64) -> I64:
        """Return `needed` for each of many totals, int64 of the shape of `n`."""
        top, bottom = self.share.numerator, self.share.denominator
        by_share = n * top // bottom + 1 if self.strict else -(-n * top // bottom)
        return np.maximum(np.int64(self.min_cells), by_share)

    def met(self, count: int, n: int) -> bool:
        """Return whether `count` of `n` tumour cells are enough; never without tumour cells."""
        return n > 0 and count >= self.needed(n)

    def share_of(self, n: int) -> Fraction:
        """Return the share at which the border lies among `n` cells: a minimum of cells may raise it."""
        return max(self.share, Fraction(self.min_cells, n)) if self.min_cells > 1 else self.share


@dataclass(frozen=True, slots=True)
class ClusterRule:
    """What counts as a cluster of tumour cells.

    Parameters
    ----------
    cells : int
        The smallest cluster, 2 to 5 cells.
    link_um : float
        Two cells whose nuclear centres are at most this far apart are neighbours, µm. A cluster is a
        connected component of neighbours within one field.
    """

    cells: int
    link_um: float


@dataclass(frozen=True, slots=True)
class Criterion:
    """One way of reaching a grade.

    Parameters
    ----------
    key : str
        Its name within the rule set.
    quantity : str
        What is counted, in the field's words: "complete and intense".
    staining : str
        The same for a sentence: "complete and intense membrane staining".
    categories : frozenset of Category
        The cells that count. Grades add up: cells of a higher grade are among them.
    threshold : Threshold or None
        How many are enough; None asks for a cluster of them, as the rule set's `ClusterRule` says.
    """

    key: str
    quantity: str
    staining: str
    categories: frozenset[Category]
    threshold: Threshold | None


@dataclass(frozen=True, slots=True)
class Grade:
    """A score above the lowest and the criteria of which any one is enough.

    Parameters
    ----------
    score : str
        "1+", "2+" or "3+".
    status : Status
        Its meaning.
    criteria : tuple of Criterion
        The first that is met gives the reason.
    """

    score: str
    status: Status
    criteria: tuple[Criterion, ...]


@dataclass(frozen=True, slots=True)
class Condition:
    """When an annotation or a remark is made.

    Parameters
    ----------
    scores : tuple of str
        The scores it belongs to.
    categories : frozenset of Category
        The cells that are counted for it; empty where nothing is counted.
    reached : Threshold or None
        Must be met by them.
    unless : Threshold or None
        Must not be met by them.
    decided_by : str or None
        Key of the criterion that must have given the score.
    """

    scores: tuple[str, ...]
    categories: frozenset[Category] = frozenset()
    reached: Threshold | None = None
    unless: Threshold | None = None
    decided_by: str | None = None


@dataclass(frozen=True, slots=True)
class Annotation:
    """A word beside the score, never in its place.

    Parameters
    ----------
    name : str
        "low", "ultralow" or "null".
    when : Condition
        The first annotation whose condition holds is the case's.
    """

    name: str
    when: Condition


@dataclass(frozen=True, slots=True)
class Remark:
    """A sentence that a score calls for.

    Parameters
    ----------
    text : str
        May hold {count}, {total}, {percent} (of the condition's cells) and {none} (what "more than none"
        asks).
    when : Condition
        When it is said.
    """

    text: str
    when: Condition


@dataclass(frozen=True, slots=True)
class Guideline:
    """A published rule set, as data.

    Parameters
    ----------
    name, version : str
        Stamped on every score.
    title : str
        For people.
    organ : str
        "breast" or "gastric".
    citation : str
        Where the rules are published.
    readings : tuple of str
        How this software reads what the publication leaves open, each with its reason.
    grades : tuple of Grade
        Strongest first.
    base_score : str
        The score where no grade is met.
    base_status : Status
        Its meaning.
    more_than_none : Threshold or None
        What "more than none" asks, so that one false cell is not enough; None where no rule needs it.
    cluster : ClusterRule or None
        Set where clusters are counted instead of shares.
    reliable_cells : int
        Fewer tumour cells than this call for a warning.
    annotations : tuple of Annotation
        Empty where the organ has none.
    remarks : tuple of Remark
        In the order in which they are said.
    """

    name: str
    version: str
    title: str
    organ: str
    citation: str
    readings: tuple[str, ...]
    grades: tuple[Grade, ...]
    base_score: str
    base_status: Status
    more_than_none: Threshold | None
    cluster: ClusterRule | None
    reliable_cells: int
    annotations: tuple[Annotation, ...]
    remarks: tuple[Remark, ...]

    @property
    def scores(self) -> tuple[str, ...]:
        """The scores it can give, weakest first; a score's place here is its rank."""
        return (self.base_score, *(g.score for g in reversed(self.grades)))

    @property
    def criteria(self) -> tuple[Criterion, ...]:
        """All criteria, strongest grade first."""
        return tuple(c for g in self.grades for c in g.criteria)

    @property
    def criterion_ranks(self) -> tuple[int, ...]:
        """The rank that each of `criteria` leads to."""
        top = len(self.grades)
        return tuple(top - i for i, g in enumerate(self.grades) for _ in g.criteria)

    def status_of(self, rank: int) -> Status:
        """Return what the score of a rank means."""
        return self.grades[len(self.grades) - rank].status if rank else self.base_status

    def masks(self) -> I64:
        """Return which categories each criterion counts: int64 (K, 6) of 0 and 1, columns by `Category`."""
        return np.array(
            [[int(c in k.categories) for c in sorted(Category)] for k in self.criteria], dtype=np.int64
        )

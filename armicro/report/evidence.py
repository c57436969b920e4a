"""What the cells of each category measured, over all fields of a case."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from armicro.contracts.arrays import Bool
from armicro.contracts.cells import CATEGORIES, RULES, Category, Rule
from armicro.contracts.results import FovResult

_BY_HAND = RULES.index(Rule.BY_HAND)


@dataclass(frozen=True, slots=True)
class CategoryEvidence:
    """Medians over the tumour cells of one category that take part in the score.

    Parameters
    ----------
    category : Category
        Which.
    n_cells : int
        How many.
    completeness : float or None
        Share of the contour with at least weak membrane, 0 to 1; None without cells.
    membrane_dab_od : float or None
        Mean DAB on the stained part of a contour, log10 OD; None without stained cells.
    membrane_width_um : float or None
        Width of the membrane, µm; None without stained cells.
    n_by_hand : int
        How many of them a person added or set to this category.
    """

    category: Category
    n_cells: int
    completeness: float | None
    membrane_dab_od: float | None
    membrane_width_um: float | None
    n_by_hand: int = 0


def category_evidence(results: Sequence[FovResult]) -> tuple[CategoryEvidence, ...]:
    """Summarise the evidence of a case by category.

    Parameters
    ----------
    results : sequence of FovResult
        The readings of its fields.

    Returns
    -------
    tuple of CategoryEvidence
        One for each category, in the order of every table.
    """
    tables = [r.cells for r in results]
    joined = {
        name: np.concatenate([np.zeros(0), *(getattr(t, name)[t.counted] for t in tables)])
        for name in ("category", "completeness", "membrane_dab_od", "membrane_width_um", "rule")
    }
    rows = []
    for category in CATEGORIES:
        mine = joined["category"] == category
        stained = mine & (joined["membrane_width_um"] > 0)
        rows.append(
            CategoryEvidence(
                category=category,
                n_cells=int(mine.sum()),
                completeness=_median(joined["completeness"], mine),
                membrane_dab_od=_median(joined["membrane_dab_od"], stained),
                membrane_width_um=_median(joined["membrane_width_um"], stained),
                n_by_hand=int((mine & (joined["rule"] == _BY_HAND)).sum()),
            )
        )
    return tuple(rows)


def _median(values: np.ndarray[tuple[int, ...], np.dtype[np.float64]], which: Bool) -> float | None:
    return float(np.median(values[which])) if which.any() else None

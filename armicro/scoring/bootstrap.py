"""How far a share would swing if other fields of the same case had been captured.

Cells of one field are not independent: they share a clone, a stain and a focus. So whole fields are drawn
anew, with replacement, and then the cells within each drawn field (a two-stage bootstrap). Leaving out the
first stage would give intervals that are far too narrow.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from armicro.contracts.arrays import I64
from armicro.scoring.model import Guideline

TAIL = 0.025
"""Of a 95 % interval, on either side."""


@dataclass(frozen=True, slots=True)
class Resamples:
    """Tallies of resampled cases.

    Parameters
    ----------
    values : ndarray of int64, (B, K)
        For each criterion how many cells count for it, or the cells of the largest cluster.
    n : ndarray of int64, (B,)
        Tumour cells.
    """

    values: I64
    n: I64


def resample_cells(field_counts: I64, guideline: Guideline, resamples: int, seed: int) -> Resamples:
    """Draw fields, then cells in each drawn field.

    Parameters
    ----------
    field_counts : ndarray of int64, (F, 6)
        Tumour cells by field and `Category`.
    guideline : Guideline
        A rule set without clusters.
    resamples : int
        How many, B.
    seed : int
        Of the random numbers.

    Returns
    -------
    Resamples
        The same for the fields in any order.
    """
    masks = guideline.masks()
    # Categories that no criterion tells apart are drawn as one: fewer draws, the same distribution.
    patterns, group = np.unique(masks, axis=1, return_inverse=True)
    grouped = np.zeros((len(field_counts), patterns.shape[1]), np.int64)
    np.add.at(grouped.T, group.ravel(), field_counts.T)
    # Sorted, so that the order of capture cannot change the interval.
    grouped = grouped[np.lexsort(grouped.T)]
    rng = np.random.default_rng(seed)
    times = _draw_fields(rng, len(grouped), resamples)
    size = grouped.sum(axis=1)
    share = grouped / np.maximum(size, 1)[:, None]
    share[size == 0, 0] = 1.0
    # A field that was drawn m times gives m times its cells: one draw of them instead of m.
    drawn = rng.multinomial(times * size, share).sum(axis=1)
    return Resamples(drawn @ patterns.T, drawn.sum(axis=1))


def resample_fields(field_values: I64, field_n: I64, resamples: int, seed: int) -> Resamples:
    """Draw fields only: a cluster is a matter of places, and cells drawn anew have none.

    Parameters
    ----------
    field_values : ndarray of int64, (F, K)
        The largest cluster of each field, by criterion.
    field_n : ndarray of int64, (F,)
        Tumour cells of each field.
    resamples : int
        How many, B.
    seed : int
        Of the random numbers.

    Returns
    -------
    Resamples
        The same for the fields in any order.
    """
    rows = np.column_stack([field_values, field_n])
    rows = rows[np.lexsort(rows.T)]
    times = _draw_fields(np.random.default_rng(seed), len(rows), resamples)
    largest = np.where(times[:, :, None] > 0, rows[None, :, :-1], 0).max(axis=1)
    return Resamples(largest, times @ rows[:, -1])


def _draw_fields(rng: np.random.Generator, n_fields: int, resamples: int) -> I64:
    """Draw how often each field takes part in each resample, (B, F); each row sums to F."""
    return rng.multinomial(n_fields, np.full(n_fields, 1 / n_fields), size=resamples)


def share_interval(drawn: Resamples, criterion: int, count: int, n: int) -> tuple[float, float]:
    """Return the 95 % interval of a criterion's share.

    Parameters
    ----------
    drawn : Resamples
        From `resample_cells`.
    criterion : int
        Which.
    count, n : int
        What was counted, of how many tumour cells; `n` above 0.

    Returns
    -------
    tuple of float
        Lower and upper end, 0 to 1: percentiles of the resamples. Where none or all of the cells count,
        drawing again cannot show another, and the end at issue is that of the exact binomial interval
        (Clopper & Pearson 1934).
    """
    some = drawn.n > 0
    low, high = np.quantile(drawn.values[some, criterion] / drawn.n[some], [TAIL, 1 - TAIL])
    exact = TAIL ** (1 / n)
    if count == 0:
        high = max(high, 1 - exact)
    if count == n:
        low = min(low, exact)
    return float(low), float(high)


def size_interval(drawn: Resamples, criterion: int) -> tuple[int, int]:
    """Return the 95 % interval of the largest cluster, in whole cells, from `resample_fields`."""
    low, high = np.quantile(drawn.values[drawn.n > 0, criterion], [TAIL, 1 - TAIL], method="inverted_cdf")
    return int(low), int(high)

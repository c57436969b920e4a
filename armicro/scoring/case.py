"""A case: its fields added up, scored, and placed between the borders of its score."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from armicro.contracts.arrays import F32, I64, U8, require
from armicro.contracts.cells import CATEGORIES, Category, CellTable
from armicro.contracts.score import CaseSummary
from armicro.scoring.borders import cluster_borders, share_borders
from armicro.scoring.clusters import Neighbours, largest_cluster
from armicro.scoring.cutoff import Evidence, distance_to_cutoff, together
from armicro.scoring.judge import judge, rank_of
from armicro.scoring.model import Guideline


@dataclass(frozen=True, slots=True)
class FieldCells:
    """The tumour cells of one field that take part in the score.

    Parameters
    ----------
    yx_um : ndarray of float32, (N, 2)
        Nuclear centres y, x in µm, in the field's own frame.
    category : ndarray of uint8, (N,)
        `Category`.

    Raises
    ------
    ValueError
        If shapes or dtypes do not fit, a category is unknown or a position is not finite.
    """

    yx_um: F32
    category: U8

    def __post_init__(self) -> None:
        n = len(self.category)
        require("FieldCells.category", self.category, shape=(n,), dtype="u1")
        require("FieldCells.yx_um", self.yx_um, shape=(n, 2), dtype="f4")
        if n and int(self.category.max()) >= len(Category):
            raise ValueError(f"FieldCells.category: {int(self.category.max())} is no category")
        if not np.isfinite(self.yx_um).all():
            raise ValueError("FieldCells.yx_um: a position is not finite")

    @staticmethod
    def of(cells: CellTable, um_per_px: float) -> FieldCells:
        """Take the cells of a table that are counted; `um_per_px` is the side of a field pixel, µm."""
        yx_um = (cells.yx_px[cells.counted] * np.float32(um_per_px)).astype(np.float32)
        return FieldCells(yx_um, cells.category[cells.counted])

    def counts(self) -> I64:
        """Count the cells by `Category`, int64 (6,)."""
        return np.bincount(self.category, minlength=len(Category)).astype(np.int64)


def summarise(
    fields: Sequence[FieldCells], guideline: Guideline, *, resamples: int = 2000, seed: int = 0
) -> CaseSummary:
    """Score a case.

    Parameters
    ----------
    fields : sequence of FieldCells
        Every captured field, also one without tumour cells. Counts are summed over the fields, then divided.
    guideline : Guideline
        The rules; see `armicro.scoring.guidelines.load_guideline`.
    resamples : int
        Of the bootstrap, 1 or more.
    seed : int
        Of its random numbers; the same seed gives the same summary, and the order of the fields changes
        nothing but the field numbers in it.

    Returns
    -------
    CaseSummary
        Without tumour cells it has no score and no cut-off, and says why.

    Raises
    ------
    ValueError
        If `resamples` is below 1.
    """
    if resamples < 1:
        raise ValueError(f"resamples: expected 1 or more, got {resamples}")
    field_counts = np.array([f.counts() for f in fields], np.int64).reshape(-1, len(Category))
    counts: I64 = field_counts.sum(axis=0)
    neighbours: list[Neighbours] = []
    if guideline.cluster is None:
        field_values = field_counts @ guideline.masks().T
    else:
        link_um = guideline.cluster.link_um
        neighbours = [Neighbours.of(f.yx_um, link_um) for f in fields]
        field_values = _largest_clusters(fields, neighbours, guideline)
    values = together(field_values, guideline)
    cutoff = None
    n = int(counts.sum())
    if n:
        if guideline.cluster is None:
            borders = share_borders(counts, guideline)
        else:
            placed = [(near, f.category) for near, f in zip(neighbours, fields, strict=True)]
            borders = cluster_borders(placed, rank_of(values, n, guideline), guideline)
        cutoff = distance_to_cutoff(Evidence(field_counts, field_values, borders), guideline, resamples, seed)
    return CaseSummary(
        counts={c: int(counts[c]) for c in CATEGORIES},
        n_fields=len(fields),
        score=judge(counts, values, len(fields), guideline),
        cutoff=cutoff,
    )


def _largest_clusters(
    fields: Sequence[FieldCells], neighbours: Sequence[Neighbours], guideline: Guideline
) -> I64:
    masks = guideline.masks() > 0
    sizes = [
        [largest_cluster(near, mask[field.category]) for mask in masks]
        for field, near in zip(fields, neighbours, strict=True)
    ]
    return np.array(sizes, np.int64).reshape(-1, len(masks))

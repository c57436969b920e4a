"""A case: its fields added up, scored, and placed between the borders of its score."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from armicro.contracts.arrays import F32, I64, U8, Bool, require
from armicro.contracts.cells import CATEGORIES, Category
from armicro.contracts.results import FovResult
from armicro.contracts.score import CaseSummary
from armicro.scoring.borders import cluster_borders, share_borders
from armicro.scoring.clusters import Neighbours, largest_cluster
from armicro.scoring.cutoff import Evidence, distance_to_cutoff, together
from armicro.scoring.judge import judge, rank_of
from armicro.scoring.model import Guideline
from armicro.scoring.unsure import unsure_cells
from armicro.scoring.wording import percent


@dataclass(frozen=True, slots=True)
class FieldCells:
    """The tumour cells of one field that take part in the score.

    Parameters
    ----------
    yx_um : ndarray of float32, (N, 2)
        Nuclear centres y, x in µm, in the field's own frame.
    category : ndarray of uint8, (N,)
        `Category`.
    unsure : ndarray of bool, (N,), or None
        Which of them may as well be faint as unstained; None for none of them.

    Raises
    ------
    ValueError
        If shapes or dtypes do not fit, a category is unknown or a position is not finite.
    """

    yx_um: F32
    category: U8
    unsure: Bool | None = None

    def __post_init__(self) -> None:
        n = len(self.category)
        if self.unsure is not None:
            require("FieldCells.unsure", self.unsure, shape=(n,), dtype="b1")
        require("FieldCells.category", self.category, shape=(n,), dtype="u1")
        require("FieldCells.yx_um", self.yx_um, shape=(n, 2), dtype="f4")
        if n and int(self.category.max()) >= len(Category):
            raise ValueError(f"FieldCells.category: {int(self.category.max())} is no category")
        if not np.isfinite(self.yx_um).all():
            raise ValueError("FieldCells.yx_um: a position is not finite")

    @staticmethod
    def of(result: FovResult) -> FieldCells:
        """Take the cells of a reading that are counted."""
        cells, counted = result.cells, result.cells.counted
        yx_um = (cells.yx_px[counted] * np.float32(result.provenance.optics.um_per_px)).astype(np.float32)
        faint_od = result.provenance.parameters.get("thresholds.faint_od")
        unsure = unsure_cells(cells, faint_od if isinstance(faint_od, float) else None)
        return FieldCells(yx_um, cells.category[counted], unsure[counted])

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
    neighbours = _neighbours(fields, guideline)
    field_values = _values([f.category for f in fields], neighbours, guideline)
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
    score = judge(counts, values, len(fields), guideline)
    doubt = _doubt(fields, neighbours, guideline)
    return CaseSummary(
        counts={c: int(counts[c]) for c in CATEGORIES},
        n_fields=len(fields),
        score=replace(score, comments=(*score.comments, *doubt)),
        cutoff=cutoff,
    )


def _neighbours(fields: Sequence[FieldCells], guideline: Guideline) -> list[Neighbours]:
    """Return who lies beside whom in each field, where the guideline asks for clusters; else nothing."""
    if guideline.cluster is None:
        return []
    link_um = guideline.cluster.link_um
    return [Neighbours.of(f.yx_um, link_um) for f in fields]


def _values(categories: Sequence[U8], neighbours: Sequence[Neighbours], guideline: Guideline) -> I64:
    """Return what the guideline compares of each field, (fields, K), if its cells had these categories."""
    masks = guideline.masks()
    if guideline.cluster is None:
        counts = [np.bincount(c, minlength=len(Category)) for c in categories]
        return np.asarray(np.array(counts, np.int64).reshape(-1, len(Category)) @ masks.T, np.int64)
    sizes = [
        [largest_cluster(near, mask[category]) for mask in masks > 0]
        for category, near in zip(categories, neighbours, strict=True)
    ]
    return np.array(sizes, np.int64).reshape(-1, len(masks))


def _doubt(
    fields: Sequence[FieldCells], neighbours: Sequence[Neighbours], guideline: Guideline
) -> tuple[str, ...]:
    """Say which scores are possible where faint and unstained cells cannot be told apart."""
    n = sum(len(f.category) for f in fields)
    unsure = sum(int(f.unsure.sum()) for f in fields if f.unsure is not None)
    if not unsure:
        return ()

    def if_all_were(category: Category) -> str:
        which = [
            f.category if f.unsure is None else np.where(f.unsure, np.uint8(category), f.category)
            for f in fields
        ]
        values = together(_values(which, neighbours, guideline), guideline)
        return guideline.scores[rank_of(values, n, guideline)]

    low, high = if_all_were(Category.NONE), if_all_were(Category.FAINT)
    if low == high:
        return ()
    words = (
        f"To be looked at by eye: {percent(unsure, n)} % of the tumour cells lie in brown, granular "
        f"cytoplasm, where faint and unstained can hardly be told apart. If all of these were unstained the "
        f"score would be {low}, if all were faint {high}."
    )
    return (words,)

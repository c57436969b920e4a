"""Thresholds fitted jointly to cells that were labelled by eye.

Zhang et al. 2020, section 5.2: the weak and the intense threshold are adjusted together for the best
classification. What is judged is quadratic-weighted kappa; how well the choice carries is judged by leaving
out one image after the other.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import TypeVar

import numpy as np

from armicro.analysis.read_per_cell import PerCellParams, Traces, contour_levels, judge, stained_shares
from armicro.contracts.arrays import F64, I64, U8
from armicro.contracts.errors import CalibrationError
from armicro.contracts.stain import DabThresholds
from armicro.scoring.agreement import confusion, quadratic_kappa

LEAST_CELLS = 50

_Key = TypeVar("_Key", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Labelled:
    """Traced cells with categories by eye.

    Parameters
    ----------
    image : str
        The image they lie in: the unit that is left out.
    truth : ndarray of uint8, (N,)
        `Category`.
    traces : Traces
        Of the same cells.
    """

    image: str
    truth: U8
    traces: Traces


@dataclass(frozen=True, slots=True)
class ThresholdGrid:
    """The thresholds that are tried, log10 OD; `faint_od` empty for the paper's five categories."""

    weak_od: tuple[float, ...] = (0.08, 0.095, 0.11, 0.12, 0.135, 0.15, 0.17, 0.19, 0.22)
    intense_od: tuple[float, ...] = (0.22, 0.26, 0.30, 0.33, 0.36, 0.40, 0.44, 0.50, 0.58)
    faint_od: tuple[float, ...] = (0.04, 0.05, 0.06, 0.07, 0.085)

    def candidates(self) -> tuple[DabThresholds, ...]:
        """Return all that rise."""
        return tuple(
            DabThresholds(weak, intense, faint)
            for faint, weak, intense in product(self.faint_od or (None,), self.weak_od, self.intense_od)
            if weak < intense and (faint is None or faint < weak)
        )


@dataclass(frozen=True, slots=True)
class ThresholdFit:
    """Fitted thresholds and how far to trust them.

    Parameters
    ----------
    thresholds : DabThresholds
        Best on all images.
    kappa : float
        Their agreement on the same images: too good by a little.
    matrix, held_out : ndarray of int64, (6, 6)
        Confusion with these thresholds, and with each image read by thresholds of the others.
    by_image : mapping of str to (DabThresholds, ndarray)
        The thresholds that the other images chose, and the confusion of the image with them.
    weak_od, intense_od : tuple of float
        Axes of the surface.
    surface : ndarray of float64, (weak, intense)
        Kappa at the chosen faint threshold; not a number where the thresholds do not rise.
    """

    thresholds: DabThresholds
    kappa: float
    matrix: I64
    held_out: I64
    by_image: Mapping[str, tuple[DabThresholds, I64]]
    weak_od: tuple[float, ...]
    intense_od: tuple[float, ...]
    surface: F64


def leave_one_out(
    tables: Mapping[str, Mapping[_Key, I64]], goodness: Callable[[I64], float]
) -> dict[str, tuple[_Key, I64]]:
    """Choose for each group what is best on all the others.

    Parameters
    ----------
    tables : mapping of str to mapping
        For each group the confusion matrix of each candidate.
    goodness : callable
        What a confusion matrix is worth.

    Returns
    -------
    dict
        For each group the choice of the others, and the group's own matrix with it.
    """
    out = {}
    for group, own in tables.items():
        others = [table for name, table in tables.items() if name != group]
        best = max(own, key=lambda c: goodness(np.sum([o[c] for o in others], axis=0)))
        out[group] = best, np.asarray(own[best], np.int64)
    return out


def fit_thresholds(
    cells: Sequence[Labelled], grid: ThresholdGrid, params: PerCellParams, tick: Callable[[int], None]
) -> ThresholdFit:
    """Fit all thresholds jointly.

    Parameters
    ----------
    cells : sequence of Labelled
        Of at least two images.
    grid : ThresholdGrid
        What is tried.
    params : PerCellParams
        How cells are read.
    tick : callable
        Told the number of the groups that are done.

    Returns
    -------
    ThresholdFit
        With cross-validation by image.

    Raises
    ------
    CalibrationError
        If there are too few cells, images or categories.
    """
    _enough(cells)
    candidates = grid.candidates()
    by_image: dict[str, dict[DabThresholds, I64]] = {}
    for done, labelled in enumerate(cells):
        table = by_image.setdefault(labelled.image, {})
        for thresholds in candidates:
            table[thresholds] = table.get(thresholds, 0) + _read(labelled, thresholds, params)
        tick(done + 1)
    total = {t: np.sum([table[t] for table in by_image.values()], axis=0) for t in candidates}
    kappa = {t: quadratic_kappa(m) for t, m in total.items()}
    best = max(candidates, key=kappa.__getitem__)
    held_out = leave_one_out(by_image, quadratic_kappa)
    surface = [
        [_kappa_at(kappa, weak, intense, best.faint_od) for intense in grid.intense_od]
        for weak in grid.weak_od
    ]
    return ThresholdFit(
        thresholds=best,
        kappa=kappa[best],
        matrix=np.asarray(total[best], np.int64),
        held_out=np.asarray(np.sum([m for _, m in held_out.values()], axis=0), np.int64),
        by_image=held_out,
        weak_od=grid.weak_od,
        intense_od=grid.intense_od,
        surface=np.array(surface, np.float64),
    )


def at_the_edge(fit: ThresholdFit) -> bool:
    """Whether a better threshold may lie outside what was tried."""
    t = fit.thresholds
    return any(
        od in (axis[0], axis[-1]) for od, axis in ((t.weak_od, fit.weak_od), (t.intense_od, fit.intense_od))
    )


def _kappa_at(
    kappa: Mapping[DabThresholds, float], weak_od: float, intense_od: float, faint_od: float | None
) -> float:
    rises = weak_od < intense_od and (faint_od is None or faint_od < weak_od)
    return kappa[DabThresholds(weak_od, intense_od, faint_od)] if rises else float("nan")


def _read(cells: Labelled, thresholds: DabThresholds, params: PerCellParams) -> I64:
    level, _ = contour_levels(cells.traces, thresholds, params)
    return confusion(cells.truth, judge(stained_shares(level, cells.traces.contours), params))


def _enough(cells: Sequence[Labelled]) -> None:
    truth = np.concatenate([c.truth for c in cells]) if cells else np.empty(0, np.uint8)
    images = len({c.image for c in cells})
    if len(truth) < LEAST_CELLS or images < 2 or len(np.unique(truth)) < 3:
        raise CalibrationError(
            f"{len(truth)} labelled cells of {len(np.unique(truth))} categories in {images} images are too "
            f"few: at least {LEAST_CELLS} cells, 3 categories and 2 images are needed, better 5 images"
        )

"""The default reading: each cell by the membrane along its own contour.

The paper's ordered set rules (section 3.3) let one cell's dilated membrane cover its neighbour. Here a cell
is judged by the share of its own contour that is stained, at each density, as a pathologist does.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import cv2
import numpy as np

from armicro.analysis.contour import ContourParams, Contours, border_distance, follow, sample
from armicro.analysis.grain import GrainParams, asked, brown_along, grain_around
from armicro.analysis.membrane import (
    MembraneParams,
    denoised_dab,
    membrane_signal,
    ridge_width,
    surroundings,
)
from armicro.contracts.arrays import F32, U8, Bool
from armicro.contracts.cells import RULES, Category, CellTable, Rule
from armicro.contracts.stain import DabThresholds, StainMaps
from armicro.imaging.parallel import together


@dataclass(frozen=True, slots=True)
class PerCellParams:
    """Where the shares of a contour are cut.

    Parameters
    ----------
    complete_share, intense_complete_share : float
        From here on a contour is complete; at the intense level a little more is asked, since a contour takes
        the shorter way across a gap, and "complete and intense" decides about treatment.
    core_share : float
        A contour that is faint all around is a complete weak one if at least this share of it is weak: a thin
        membrane pales where it leaves the focal plane. Intense contours get no such allowance.
    intense_share, weak_share, faint_share : float
        From here on a contour is stained at all, at each level.
    gap_angles : int
        Gaps of up to twice this many contour samples are closed at the faint and weak levels: a membrane cut
        obliquely pales for a moment. Not at the intense level.
    membrane : MembraneParams
        How the membrane signal is made.
    contour : ContourParams
        How contours are followed.
    grain : GrainParams
        How the contrast asked of a faint membrane follows what lies around a cell.
    """

    complete_share: float = 0.86
    intense_complete_share: float = 0.87
    core_share: float = 0.65
    intense_share: float = 0.3
    weak_share: float = 0.25
    faint_share: float = 0.3
    gap_angles: int = 1
    membrane: MembraneParams = MembraneParams()
    contour: ContourParams = ContourParams()
    grain: GrainParams = GrainParams()

    @property
    def reach_um(self) -> float:
        """How far a pixel can change a cell's reading, µm: the margin that tiles need."""
        return 2 * self.contour.farthest_um + 2 * self.membrane.widest_um + 4 * self.membrane.denoise_sigma_um


_RULE_OF: U8 = np.array(
    [
        RULES.index(rule)
        for rule in (
            Rule.NO_MEMBRANE,
            Rule.FAINT_MEMBRANE,
            Rule.INCOMPLETE_WEAK,
            Rule.COMPLETE_WEAK,
            Rule.INCOMPLETE_INTENSE,
            Rule.COMPLETE_INTENSE,
        )
    ],
    np.uint8,
)


@dataclass(frozen=True, slots=True)
class Traces:
    """The membrane along each cell's contour, before any threshold: all that re-scoring needs.

    Parameters
    ----------
    contours : Contours
        Where the contours run.
    signal_od, contrast_od, dab_od : ndarray of float32, (N, K)
        Membrane signal, DAB less all of its surroundings, and DAB itself on them, log10 OD. What is barely
        perceptible is perceived by contrast: the faint level is asked of that, so that a brown cytoplasm does
        not pass for faint membrane.
    width_um : ndarray of float32, (N, K)
        Width of the membrane there, µm.
    faint_factor : ndarray of float32, (N,)
        What the faint threshold is multiplied by at this cell: more contrast is asked in granular brown, a
        little less where nothing stirs (`armicro.analysis.grain`).
    """

    contours: Contours
    signal_od: F32
    contrast_od: F32
    dab_od: F32
    width_um: F32
    faint_factor: F32


def trace(maps: StainMaps, tumour_yx: F32, all_yx: F32, params: PerCellParams) -> Traces:
    """Follow each tumour cell's contour and read the maps along it.

    Parameters
    ----------
    maps : StainMaps
        Stain densities.
    tumour_yx : ndarray of float32, (N, 2)
        Tumour nuclei, y, x in pixels of the maps.
    all_yx : ndarray of float32, (M, 2)
        All nuclei, tumour and other: they bound the cells.
    params : PerCellParams
        How.

    Returns
    -------
    Traces
        In the order of `tumour_yx`.
    """
    um = maps.um_per_px

    def signals() -> tuple[F32, F32, F32, F32]:
        dab = denoised_dab(maps, params.membrane)
        around = surroundings(dab, um, params.membrane.widest_um)
        share = params.membrane.surround_share
        return dab, around, membrane_signal(dab, around, share), membrane_signal(dab, around, 1.0)

    # The signals come first: they are cut into strips, of which whoever ends the distances takes some.
    (dab, around, signal, contrast), border = together(
        signals, lambda: border_distance(all_yx, maps.dab_od.shape)
    )
    contours, width, (grain, stir), *crests = together(
        lambda: follow(signal, tumour_yx, border, um, params.contour),
        lambda: ridge_width(signal, um),
        lambda: grain_around((dab, contrast), tumour_yx, um, params.grain),
        lambda: _crest(signal),
        lambda: _crest(contrast),
        lambda: _crest(dab),
    )
    brown, *read = together(
        lambda: brown_along(around, contours),
        *(partial(sample, values, contours) for values in (*crests, width)),
    )
    signal_od, contrast_od, dab_od, width_um = read
    factor = asked(grain, brown, stir, params.grain)
    return Traces(contours, signal_od, contrast_od, dab_od, width_um, factor)


def grade(traces: Traces, yx_px: F32, thresholds: DabThresholds, params: PerCellParams) -> CellTable:
    """Judge traced cells by thresholds; costs little, so that thresholds can be tuned on many fields.

    Parameters
    ----------
    traces : Traces
        From `trace`.
    yx_px : ndarray of float32, (N, 2)
        Nuclear centres as they are to stand in the table.
    thresholds : DabThresholds
        log10 OD of the membrane signal.
    params : PerCellParams
        How.

    Returns
    -------
    CellTable
        In the order of the traces; all cells counted.
    """
    level, asked_od = contour_levels(traces, thresholds, params)
    shares = stained_shares(level, traces.contours)
    category = judge(shares, params)
    stained = (level > 0) & (traces.contours.length_um > 0)
    return CellTable(
        yx_px=yx_px,
        category=category,
        rule=_RULE_OF[category],
        stained_share=shares,
        membrane_dab_od=_mean_where(traces.dab_od, stained),
        membrane_dab_p90_od=_p90_where(traces.dab_od, stained),
        membrane_width_um=_mean_where(traces.width_um, stained),
        faint_asked_od=asked_od,
        contour_um=traces.contours.radius_um,
        contour_level=level,
        counted=np.ones(len(yx_px), np.bool_),
    )


def read_per_cell(
    maps: StainMaps, tumour_yx: F32, all_yx: F32, thresholds: DabThresholds, params: PerCellParams
) -> CellTable:
    """Read the membrane of each tumour cell along its own contour: `trace`, then `grade`.

    Parameters
    ----------
    maps, tumour_yx, all_yx, params
        As in `trace`.
    thresholds : DabThresholds
        As in `grade`.

    Returns
    -------
    CellTable
        In the order of `tumour_yx`, with positions in pixels of the maps; all cells counted.
    """
    return grade(trace(maps, tumour_yx, all_yx, params), tumour_yx, thresholds, params)


def _crest(values: F32) -> F32:
    """Give each pixel the greatest value among itself and its four neighbours.

    A contour runs up to half a pixel beside the crest of a membrane; its own value would be too low.
    """
    return np.asarray(cv2.dilate(values, cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))), np.float32)


def contour_levels(traces: Traces, thresholds: DabThresholds, params: PerCellParams) -> tuple[U8, F32]:
    """Grade contour points (N, K): 0 none, 1 faint, 2 weak, 3 intense; short gaps below intense close.

    Second comes the contrast that was asked of faint membrane, (N,), log10 OD.
    """
    weak = _closed(traces.signal_od >= np.float32(thresholds.weak_od), params.gap_angles)
    level = np.zeros(traces.signal_od.shape, np.uint8)
    asked_od = np.zeros(len(level), np.float32)
    if thresholds.faint_od is not None:
        # A cell with weak membrane is not in doubt: the rest of its contour is asked for the plain threshold.
        sure = _share(weak, traces.contours) >= params.weak_share
        asked_od = np.float32(thresholds.faint_od) * np.where(sure, np.float32(1), traces.faint_factor)
        level[_closed(traces.contrast_od >= asked_od[:, None], params.gap_angles)] = 1
    level[weak] = 2
    level[traces.signal_od >= np.float32(thresholds.intense_od)] = 3
    return level, asked_od


def _closed(stained: Bool, gap_angles: int) -> Bool:
    """Close gaps of up to 2 × `gap_angles` samples around the circle, (N, K)."""
    if not gap_angles:
        return stained
    k = stained.shape[1]
    wrapped = np.concatenate(
        [stained[:, k - 2 * gap_angles :], stained, stained[:, : 2 * gap_angles]], axis=1
    )
    grown = wrapped.copy()
    for s in range(1, gap_angles + 1):
        grown[:, s:] |= wrapped[:, :-s]
        grown[:, :-s] |= wrapped[:, s:]
    closed = grown.copy()
    for s in range(1, gap_angles + 1):
        closed[:, s:] &= grown[:, :-s]
        closed[:, :-s] &= grown[:, s:]
    return closed[:, 2 * gap_angles : 2 * gap_angles + k] | stained


def stained_shares(level: U8, contours: Contours) -> F32:
    """Return the share of each contour's visible length at faint, weak and intense or more, (N, 3)."""
    return np.stack([_share(level >= grade, contours) for grade in (1, 2, 3)], axis=1)


def _share(stained: Bool, contours: Contours) -> F32:
    """Return the share of each contour's visible length that is stained, (N,)."""
    total = np.maximum(contours.length_um.sum(axis=1), np.float32(1e-6))
    return np.asarray(np.where(stained, contours.length_um, 0).sum(axis=1) / total, np.float32)


def judge(shares: F32, params: PerCellParams) -> U8:
    """Turn shares (N, 3) into categories (N,), strongest rule first."""
    faint, weak, intense = shares.T
    # Without a faint level there is nothing below weak that a membrane could pale to.
    paled = (faint >= params.complete_share) & (weak >= params.core_share)
    return np.select(
        [
            intense >= params.intense_complete_share,
            intense >= params.intense_share,
            (weak >= params.complete_share) | paled,
            weak >= params.weak_share,
            faint >= params.faint_share,
        ],
        [
            Category.INTENSE_COMPLETE,
            Category.INTENSE_INCOMPLETE,
            Category.WEAK_COMPLETE,
            Category.WEAK_INCOMPLETE,
            Category.FAINT,
        ],
        Category.NONE,
    ).astype(np.uint8)


def _mean_where(values: F32, which: Bool) -> F32:
    """Mean over the chosen points of each row, 0 where none is: (N,)."""
    n = which.sum(axis=1)
    return np.asarray(np.where(which, values, 0).sum(axis=1) / np.maximum(n, 1), np.float32)


def _p90_where(values: F32, which: Bool) -> F32:
    """90th percentile (lower) over the chosen points of each row, 0 where none is: (N,)."""
    n = which.sum(axis=1)
    ordered = np.sort(np.where(which, values, np.float32(-np.inf)), axis=1)
    k = values.shape[1]
    at = k - np.maximum(n, 1) + np.floor(0.9 * np.maximum(n - 1, 0)).astype(np.int64)
    picked = np.take_along_axis(ordered, at[:, None], axis=1)[:, 0]
    return np.asarray(np.where(n > 0, picked, np.float32(0)), np.float32)

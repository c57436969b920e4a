"""From heat maps to nuclei, and from nuclei to precision and recall against points by eye."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree

from armicro.analysis.peaks import find_peaks
from armicro.contracts.arrays import F32, I64, Bool
from armicro.contracts.cells import NucleusKind
from tools.train.layout import STRIDE
from tools.train.points import Crop

MATCH_UM = 5.0
"""A detection nearer than this to a nucleus has found it (the paper's section 4.1)."""


@dataclass(frozen=True, slots=True)
class PeakParams:
    """How nuclei are read from a heat map.

    Parameters
    ----------
    threshold : float
        Least height of the sum of both channels.
    spacing_um : float
        Two nuclei are farther apart than this.
    bias : float
        A nucleus is a tumour cell's where the tumour channel exceeds the other by at least this.
    """

    threshold: float = 0.4
    spacing_um: float = 3.5
    bias: float = 0.0


@dataclass(frozen=True, slots=True)
class Found:
    """Nuclei in pixels of the model's input.

    Parameters
    ----------
    yx_px : ndarray of float32, (N, 2)
        Centres.
    height : ndarray of float32, (N,)
        Heights of their peaks.
    kind : ndarray of uint8, (N,)
        `NucleusKind`.
    """

    yx_px: F32
    height: F32
    kind: np.ndarray[tuple[int], np.dtype[np.uint8]]


def decode(heat: F32, um_per_px: float, params: PeakParams) -> Found:
    """Read nuclei from a heat map.

    Both channels together say that there is a nucleus, their difference whose: a nucleus that the network
    cannot assign is one nucleus and not none or two.

    Parameters
    ----------
    heat : ndarray of float32, (2, h, w)
        Tumour and other nuclei.
    um_per_px : float
        Scale of the model's input.
    params : PeakParams
        How.

    Returns
    -------
    Found
        The nuclei.
    """
    total = np.asarray(heat[0] + heat[1], np.float32)
    yx, height = find_peaks(total, params.spacing_um / (um_per_px * STRIDE), params.threshold)
    at = np.clip(np.rint(yx).astype(np.int64), 0, np.array(total.shape) - 1)
    lead = heat[0][at[:, 0], at[:, 1]] - heat[1][at[:, 0], at[:, 1]]
    kind = np.where(lead >= params.bias, NucleusKind.TUMOUR, NucleusKind.OTHER).astype(np.uint8)
    scale = np.float32(STRIDE)
    yx_px = ((yx + np.float32(0.5)) * scale - np.float32(0.5)).astype(np.float32)
    return Found(yx_px, height, kind)


@dataclass(frozen=True, slots=True)
class Tally:
    """Counts of one or several crops; `+` adds them.

    Parameters
    ----------
    hit, missed, false : int
        Tumour nuclei found, tumour nuclei not found, detections that are neither found nor uncertain.
    others, others_hit : int
        Other nuclei, and how many of them were called tumour nuclei.
    """

    hit: int = 0
    missed: int = 0
    false: int = 0
    others: int = 0
    others_hit: int = 0

    def __add__(self, more: Tally) -> Tally:
        return Tally(
            self.hit + more.hit,
            self.missed + more.missed,
            self.false + more.false,
            self.others + more.others,
            self.others_hit + more.others_hit,
        )

    @property
    def precision(self) -> float:
        """Share of detections that are tumour nuclei; not a number where there is no detection."""
        return self.hit / (self.hit + self.false) if self.hit + self.false else float("nan")

    @property
    def recall(self) -> float:
        """Share of tumour nuclei that were found; not a number where there is none."""
        return self.hit / (self.hit + self.missed) if self.hit + self.missed else float("nan")

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall; not a number where there is nothing to find nor found."""
        total = 2 * self.hit + self.missed + self.false
        return 2 * self.hit / total if total else float("nan")

    @property
    def others_called_tumour(self) -> float:
        """Share of other nuclei that were called tumour nuclei."""
        return self.others_hit / self.others if self.others else float("nan")


def pair(found_um: F32, truth_um: F32, within_um: float) -> tuple[Bool, Bool]:
    """Pair detections with points one to one, nearest first.

    Parameters
    ----------
    found_um, truth_um : ndarray of float32, (N, 2) and (M, 2)
        Places in µm.
    within_um : float
        Greatest distance of a pair.

    Returns
    -------
    ndarray of bool, (N,) and (M,)
        Which have a partner.
    """
    found, truth = np.zeros(len(found_um), np.bool_), np.zeros(len(truth_um), np.bool_)
    i, j = pair_up(found_um, truth_um, within_um)
    found[i] = truth[j] = True
    return found, truth


def pair_up(found_um: F32, truth_um: F32, within_um: float) -> tuple[I64, I64]:
    """Pair as `pair` does; return the partners' indices, each (P,), nearest pair first."""
    found, truth = np.zeros(len(found_um), np.bool_), np.zeros(len(truth_um), np.bool_)
    pairs = []
    if len(found_um) and len(truth_um):
        tree = cKDTree(found_um)
        near = tree.sparse_distance_matrix(cKDTree(truth_um), within_um, output_type="coo_matrix")
        for k in np.argsort(near.data, kind="stable"):
            i, j = near.row[k], near.col[k]
            if not found[i] and not truth[j]:
                found[i] = truth[j] = True
                pairs.append((i, j))
    i, j = np.array(pairs, np.int64).reshape(-1, 2).T
    return i, j


def _near(places_um: F32, points_um: F32) -> Bool:
    """Return which places (N, 2) have a point (M, 2) nearer than `MATCH_UM`: (N,)."""
    if not len(places_um) or not len(points_um):
        return np.zeros(len(places_um), np.bool_)
    distance, _ = cKDTree(points_um).query(places_um)
    return np.asarray(distance < MATCH_UM, np.bool_)


def tally(tumour_px: F32, crop: Crop) -> Tally:
    """Compare detections with the points of a crop.

    Tumour nuclei are paired first; what is left over near an uncertain point is neither right nor wrong
    (the protocol of the points).

    Parameters
    ----------
    tumour_px : ndarray of float32, (N, 2)
        Detected tumour nuclei in pixels of `crop.rgb`.
    crop : Crop
        The crop.

    Returns
    -------
    Tally
        The counts.
    """
    top, left, bottom, right = crop.box_px
    inside = (tumour_px >= (top, left)).all(1) & (tumour_px < (bottom, right)).all(1)
    um = np.float32(crop.um_per_px)
    found = np.asarray(tumour_px[inside] * um, np.float32)
    right_ones, hit = pair(found, crop.tumour_px * um, MATCH_UM)
    left_over = found[~right_ones]
    _, other_hit = pair(left_over, crop.other_px * um, MATCH_UM)
    doubtful = _near(left_over, crop.uncertain_px * um)
    return Tally(
        hit=int(hit.sum()),
        missed=int((~hit).sum()),
        false=int((~doubtful).sum()),
        others=len(crop.other_px),
        others_hit=int(other_hit.sum()),
    )

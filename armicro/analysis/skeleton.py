"""Skeleton of the membrane and the contours that it closes (the paper's sections 3.2.2 and 3.2.3)."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from skimage.morphology import skeletonize

from armicro.contracts.arrays import U8, Bool


@dataclass(frozen=True, slots=True)
class SkeletonParams:
    """Which closed contours are cells.

    Parameters
    ----------
    least_piece_um2 : float
        Smaller pieces of mask are noise and leave no skeleton, µm².
    least_hole_um2, greatest_hole_um2 : float
        Area that an innermost closed contour encloses if it is a cell's membrane, µm²: below lies noise,
        above a lumen or a gland.
    expand_um : float
        The paper's kernel d: how far from a membrane a nucleus still belongs to it, µm; about the radius of
        a tumour cell.
    """

    least_piece_um2: float = 3.0
    least_hole_um2: float = 20.0
    greatest_hole_um2: float = 450.0
    expand_um: float = 5.0


@dataclass(frozen=True, slots=True)
class MembraneSets:
    """The paper's masks, each (h, w) of bool.

    Parameters
    ----------
    skeleton : ndarray of bool
        C_weak: Zhang-Suen skeleton of M_weak.
    weak_enclosed, intense_enclosed : ndarray of bool
        P_weak,enclosed and P_intense,enclosed: inside innermost closed contours of a cell's size.
    weak_expanded, intense_expanded : ndarray of bool
        P_weak and P_intense: the dilated masks.
    """

    skeleton: Bool
    weak_enclosed: Bool
    intense_enclosed: Bool
    weak_expanded: Bool
    intense_expanded: Bool


def membrane_sets(level: U8, um_per_px: float, params: SkeletonParams) -> MembraneSets:
    """Make the paper's skeleton and masks from a level map.

    Parameters
    ----------
    level : ndarray of uint8, (h, w)
        From `armicro.analysis.membrane.level_map`: >= 2 is M_weak, >= 3 M_intense.
    um_per_px : float
        Scale, µm.
    params : SkeletonParams
        Bounds.

    Returns
    -------
    MembraneSets
        All at the scale of `level`.
    """
    weak = without_specks(level >= 2, params.least_piece_um2 / um_per_px**2)
    intense = weak & (level >= 3)
    skeleton = np.asarray(skeletonize(weak, method="zhang"), np.bool_)  # type: ignore[no-untyped-call]
    bounds_px = (params.least_hole_um2 / um_per_px**2, params.greatest_hole_um2 / um_per_px**2)
    return MembraneSets(
        skeleton=skeleton,
        weak_enclosed=enclosed(skeleton, bounds_px),
        intense_enclosed=enclosed(skeleton & intense, bounds_px),
        weak_expanded=_expanded(weak, params.expand_um / um_per_px),
        intense_expanded=_expanded(intense, params.expand_um / um_per_px),
    )


def without_specks(mask: Bool, least_px: float) -> Bool:
    """Drop 8-connected pieces smaller than `least_px` pixels; they would only fray the skeleton."""
    _, labels, stats, _ = cv2.connectedComponentsWithStats(mask.view(np.uint8), connectivity=8)
    keep = stats[:, cv2.CC_STAT_AREA] >= least_px
    keep[0] = False
    return np.asarray(keep[labels], np.bool_)


def enclosed(skeleton: Bool, bounds_px: tuple[float, float]) -> Bool:
    """Fill innermost closed contours whose area lies within bounds.

    The interior of an innermost closed contour is a hole of the skeleton: a 4-connected piece of its
    background that does not reach the edge of the field.

    Parameters
    ----------
    skeleton : ndarray of bool, (h, w)
        8-connected lines.
    bounds_px : tuple of float
        Least and greatest area, px.

    Returns
    -------
    ndarray of bool, (h, w)
        The holes, without the lines around them.
    """
    background = (~skeleton).view(np.uint8)
    _, labels, stats, _ = cv2.connectedComponentsWithStats(background, connectivity=4)
    area = stats[:, cv2.CC_STAT_AREA]
    left, top = stats[:, cv2.CC_STAT_LEFT], stats[:, cv2.CC_STAT_TOP]
    right, bottom = left + stats[:, cv2.CC_STAT_WIDTH], top + stats[:, cv2.CC_STAT_HEIGHT]
    h, w = skeleton.shape
    inside = (left > 0) & (top > 0) & (right < w) & (bottom < h)
    keep = inside & (area >= bounds_px[0]) & (area <= bounds_px[1])
    keep[0] = False
    return np.asarray(keep[labels], np.bool_)


def coded_skeleton(sets: MembraneSets, level: U8) -> U8:
    """Code the skeleton for drawing, (h, w): see `armicro.contracts.results.MembraneMap.skeleton`."""
    around = np.ones((3, 3), np.uint8)
    weak_closed = cv2.dilate(sets.weak_enclosed.view(np.uint8), around).view(np.bool_)
    intense_closed = cv2.dilate(sets.intense_enclosed.view(np.uint8), around).view(np.bool_)
    coded = sets.skeleton.view(np.uint8) * (np.uint8(1) + weak_closed.view(np.uint8))
    on_intense = sets.skeleton & (level >= 3)
    coded[on_intense] = 3
    coded[on_intense & intense_closed] = 4
    return np.asarray(coded, np.uint8)


def _expanded(mask: Bool, radius_px: float) -> Bool:
    """Dilate by a disc: everything within `radius_px` of the mask, (h, w)."""
    if not mask.any():
        return np.zeros(mask.shape, np.bool_)
    distance = cv2.distanceTransform((~mask).view(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_5)
    return np.asarray(distance <= radius_px, np.bool_)

"""The reading as published: ordered set rules over masks (Zhang et al. 2020, section 3.3)."""

from __future__ import annotations

import numpy as np

from armicro.analysis.skeleton import MembraneSets
from armicro.contracts.arrays import F32, U8, Bool
from armicro.contracts.cells import RULES, Category, Rule


def read_zhang(sets: MembraneSets, tumour_yx: F32) -> tuple[U8, U8]:
    """Classify nuclei by the masks they lie in.

    In the paper's order: intense and complete, intense and incomplete, weak and complete, weak and
    incomplete, no staining. Its item 4 prints P_weak,enclosed again, which item 3 would have emptied; the
    expanded mask P_weak is meant.

    Parameters
    ----------
    sets : MembraneSets
        The masks.
    tumour_yx : ndarray of float32, (N, 2)
        Tumour nuclei, y, x in pixels of the masks.

    Returns
    -------
    category : ndarray of uint8, (N,)
        `Category`; never FAINT, which the paper does not know.
    rule : ndarray of uint8, (N,)
        Index into `RULES`.
    """
    h, w = sets.skeleton.shape
    y = np.clip(np.rint(tumour_yx[:, 0]).astype(np.int64), 0, h - 1)
    x = np.clip(np.rint(tumour_yx[:, 1]).astype(np.int64), 0, w - 1)

    def lies_in(mask: Bool) -> Bool:
        return np.asarray(mask[y, x], np.bool_)

    conditions = [
        lies_in(sets.intense_enclosed),
        lies_in(sets.intense_expanded),
        lies_in(sets.weak_enclosed),
        lies_in(sets.weak_expanded),
    ]
    answers = (
        (Category.INTENSE_COMPLETE, Rule.COMPLETE_INTENSE),
        (Category.INTENSE_INCOMPLETE, Rule.INCOMPLETE_INTENSE),
        (Category.WEAK_COMPLETE, Rule.COMPLETE_WEAK),
        (Category.WEAK_INCOMPLETE, Rule.INCOMPLETE_WEAK),
    )
    category = np.select(conditions, [int(c) for c, _ in answers], int(Category.NONE))
    rule = np.select(conditions, [RULES.index(r) for _, r in answers], RULES.index(Rule.NO_MEMBRANE))
    return category.astype(np.uint8), rule.astype(np.uint8)

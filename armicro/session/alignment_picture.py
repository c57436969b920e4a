"""What stands on the eyepiece's display while it is aligned."""

from __future__ import annotations

import numpy as np

from armicro.contracts.arrays import U8
from armicro.imaging.homography import apply_homography
from armicro.overlay.eyepiece_target import draw_cross, draw_result, draw_rings
from armicro.session.alignment import Alignment, AlignmentStep

_CIRCLE = "thick circle = rim? then press"
_ACCEPT = "short press: accept     long: last point again"
_REPEAT = "long press: last point again"


def alignment_picture(alignment: Alignment) -> U8:
    """Draw the target of an alignment's present step, RGB on black, in the display's own pixels."""
    shape, circle = alignment.display_shape_px, alignment.circle
    crosses, n = alignment.crosses_yx_px, alignment.current
    if alignment.step is AlignmentStep.CIRCLE:
        return draw_rings(shape, circle, _CIRCLE)
    if alignment.step is AlignmentStep.POINTS:
        problem = alignment.problem
        words = _short(problem) if problem else "thing into the cross, then press"
        return draw_cross(shape, crosses, min(n, len(crosses) - 1), circle, words, alarm=bool(problem))
    found = np.empty((0, 2))
    if alignment.fit is not None:
        found = apply_homography(alignment.fit.matrix, alignment.taken_yx_px)
    good = alignment.accepted
    lines = [_short(alignment.words), _ACCEPT if good else _REPEAT]
    return draw_result(shape, found, crosses[:n], circle, lines, good=good)


def _short(words: str) -> str:
    """Keep what comes before the advice: there is little room."""
    return words.partition(":")[0]

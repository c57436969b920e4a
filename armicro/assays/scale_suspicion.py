"""Does a field look as if its scale were said half as large as it is: a weaker objective is in place.

Nuclei of tissue are never so dense, and a network is never surer of them at twice the scale. The opposite, a
scale said twice as large, cannot be told this way.
"""

from __future__ import annotations

import numpy as np

from armicro.assays.kept import KeptField
from armicro.contracts.errors import EngineError
from armicro.contracts.frame import MAX_UM_PER_PX, Frame, Optics
from armicro.contracts.protocols import NucleusDetector
from armicro.contracts.stain import StainProfile
from armicro.imaging.stain import separate

MOST_NUCLEI_PER_MM2 = 28_000.0
"""Of tissue. 48 real fields at their true scale had 8,000 to 26,300, at half of it 16,400 and more."""
SURER_BY = 0.005
"""Of the 48, none was surer at twice its true scale (-0.103 to -0.003); of those said half as large, most."""
_SIDE_PX = 1400
_LEAST_NUCLEI = 30


def scale_suspicion(
    frame: Frame, kept: KeptField, profile: StainProfile, detector: NucleusDetector
) -> str | None:
    """Tell whether a field's scale is suspicious.

    Parameters
    ----------
    frame : Frame
        The field.
    kept : KeptField
        Its reading.
    profile : StainProfile
        By which it was read.
    detector : NucleusDetector
        Which found its nuclei; asked once more, about the field's middle.

    Returns
    -------
    str or None
        What is suspicious, with its number, and what to do; None if nothing is.
    """
    um = frame.optics.um_per_px
    n = len(kept.nuclei.yx_px)
    tissue_mm2 = kept.quality.tissue_share * kept.shape[0] * kept.shape[1] * (um / 1000) ** 2
    if n < _LEAST_NUCLEI or tissue_mm2 <= 0:
        return None
    what_to_do = f"is {um:.3g} µm per pixel right? check the objective"
    if n / tissue_mm2 > MOST_NUCLEI_PER_MM2:
        return f"nuclei are too dense: {n / tissue_mm2:,.0f} per mm² of tissue; {what_to_do}"
    if detector.identity.startswith("classical") or 2 * um > MAX_UM_PER_PX:
        return None
    surer = _surer_at_twice(frame, kept, profile, detector)
    if surer is not None and surer > SURER_BY:
        return f"nuclei look as large as at {2 * um:.3g} µm per pixel; {what_to_do}"
    return None


def _surer_at_twice(
    frame: Frame, kept: KeptField, profile: StainProfile, detector: NucleusDetector
) -> float | None:
    """By how much the median nucleus is surer if the field's middle is read at twice its scale."""
    height, width = frame.shape
    side = min(_SIDE_PX, height, width)
    y, x = (height - side) // 2, (width - side) // 2
    inside = np.all((kept.nuclei.yx_px >= (y, x)) & (kept.nuclei.yx_px < (y + side, x + side)), axis=1)
    middle = np.ascontiguousarray(frame.rgb[y : y + side, x : x + side])
    try:
        twice = detector.detect(middle, separate(middle, Optics(2 * frame.optics.um_per_px), profile))
    except EngineError:
        return None
    if min(int(inside.sum()), len(twice.yx_px)) < _LEAST_NUCLEI:
        return None
    return float(np.median(twice.score) - np.median(kept.nuclei.score[inside]))

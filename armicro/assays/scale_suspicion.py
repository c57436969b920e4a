"""Does a field look as if its scale were said half or twice as large as it is: another objective is in use.

Nuclei are asked for at the scale that was said and at a half or the double of it. At the right one the
network is surer of them, and they stand as far apart as nuclei do.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np
from scipy.spatial import cKDTree

from armicro.assays.kept import KeptField
from armicro.contracts.arrays import F32, Bool
from armicro.contracts.cells import Nuclei
from armicro.contracts.errors import EngineError
from armicro.contracts.frame import MAX_UM_PER_PX, MIN_UM_PER_PX, Frame, Optics
from armicro.contracts.protocols import NucleusDetector
from armicro.contracts.stain import StainProfile
from armicro.imaging.scale import WORKING_UM_PER_PX
from armicro.imaging.stain import separate

MOST_NUCLEI_PER_MM2 = 28_000.0
"""Of tissue. 48 real fields at their true scale had 8,000 to 26,300, at half of it 16,400 and more."""
TWICE_FROM, HALF_UP_TO = -0.05, -0.40
"""Limits of `finer_fits`. It was fitted on 20 fields of four cores and 8 simulated ones, at 40x and 20x:
where the coarser scale is right it is -1.2 to -0.11, where the finer is right mostly above -0.12. For other
cores, seeds and laboratories see `python -m tools.evaluate.gate`, last table."""
_SURER, _APART, _OFFSET = 13.18, 3.683, 6.778
_SIDE_PX = 1400
_SEEN_PX = 1000
"""Sides of the part of the field that is asked about: as it is, and as the network sees it."""
_LEAST_NUCLEI = 30


def finer_fits(fine: Nuclei, coarse: Nuclei, coarse_um_per_px: float) -> float:
    """Compare the nuclei of one picture found at two scales, the coarser twice the finer.

    A linear discriminant of how much surer the finer is of its median nucleus, and of how near to each other
    the coarser finds nuclei: read too large, one nucleus is several.

    Parameters
    ----------
    fine, coarse : Nuclei
        Found at either scale, at least two each; y, x in px of the picture.
    coarse_um_per_px : float
        The coarser scale, µm.

    Returns
    -------
    float
        The greater the more the finer scale fits.
    """
    surer = float(np.median(fine.score) - np.median(coarse.score))
    nearest_px = cKDTree(coarse.yx_px).query(coarse.yx_px, k=2)[0][:, 1]
    apart_um = max(float(np.median(nearest_px)) * coarse_um_per_px, 0.1)
    return _SURER * surer - _APART * float(np.log(apart_um)) + _OFFSET


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
        Which found its nuclei; asked up to twice more, about a part of the field.

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
    if detector.identity.startswith("classical"):
        return None
    parts = _Parts(frame, kept, profile, detector)
    half = parts.at(0.5)
    if half is not None and finer_fits(half.other, half.as_read, um) > TWICE_FROM:
        return f"nuclei look as large as at {um / 2:.3g} µm per pixel; {what_to_do}"
    twice = parts.at(2.0)
    if twice is not None and finer_fits(twice.as_read, twice.other, 2 * um) < HALF_UP_TO:
        return f"nuclei look as large as at {2 * um:.3g} µm per pixel; {what_to_do}"
    return None


@dataclass(frozen=True, slots=True)
class _Pair:
    """Nuclei of one part of a field, as it was read and at another scale."""

    as_read: Nuclei
    other: Nuclei


class _Parts:
    """Parts of a field, read at other scales than the one that was said."""

    def __init__(
        self, frame: Frame, kept: KeptField, profile: StainProfile, detector: NucleusDetector
    ) -> None:
        self._frame, self._nuclei = frame, kept.nuclei
        self._profile, self._detector = profile, detector

    def at(self, factor: float) -> _Pair | None:
        """Return the nuclei of a part at so many times the scale; None if that is none, or they are few."""
        um_per_px = factor * self._frame.optics.um_per_px
        if not MIN_UM_PER_PX <= um_per_px <= MAX_UM_PER_PX:
            return None
        seen_side = int(_SEEN_PX * WORKING_UM_PER_PX / um_per_px)
        corner, side = self._fullest(min(_SIDE_PX, seen_side, *self._frame.shape))
        as_read = self._nuclei.take(_inside(self._nuclei.yx_px, corner, side))
        if len(as_read.yx_px) < _LEAST_NUCLEI:
            return None
        (y, x), rgb = corner, self._frame.rgb
        part = np.ascontiguousarray(rgb[y : y + side, x : x + side])
        try:
            found = self._detector.detect(part, separate(part, Optics(um_per_px), self._profile))
        except EngineError:
            return None
        return _Pair(as_read, found) if len(found.yx_px) >= _LEAST_NUCLEI else None

    def _fullest(self, side: int) -> tuple[tuple[int, int], int]:
        """Return the corner of the part with the most nuclei, at steps of half its side, and the side."""
        height, width = self._frame.shape
        step = max(1, side // 2)
        corners = product(range(0, height - side + 1, step), range(0, width - side + 1, step))
        best = max(corners, key=lambda c: int(_inside(self._nuclei.yx_px, c, side).sum()))
        return best, side


def _inside(yx_px: F32, corner: tuple[int, int], side: int) -> Bool:
    """Return which of the points (N, 2) lie in a square."""
    return np.asarray(np.all((yx_px >= corner) & (yx_px < (corner[0] + side, corner[1] + side)), axis=1))

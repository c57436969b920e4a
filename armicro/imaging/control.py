"""Density of control slides: what carries thresholds from one staining run to the next."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from armicro.contracts.arrays import U8
from armicro.contracts.errors import CalibrationError
from armicro.contracts.frame import Optics
from armicro.contracts.stain import DabThresholds, StainProfile
from armicro.imaging.stain import separate

PERCENTILE = 95.0
LEAST_SPAN_OD = 0.05
"""A positive control must stand out from the negative one, or from nothing, by this, log10 OD."""
MOST_FACTOR = 2.0
"""A run that differs by more is not a matter of thresholds: the staining failed."""


def control_density(
    fields: Sequence[U8], optics: Optics, profile: StainProfile, percentile: float = PERCENTILE
) -> float:
    """Measure the DAB of a control's tissue.

    Parameters
    ----------
    fields : sequence of ndarray of uint8, (H, W, 3)
        Fields of the control, each time of the same tissue.
    optics : Optics
        Their scale.
    profile : StainProfile
        Stain vectors and white point.
    percentile : float
        Of the pixels with stain of either kind.

    Returns
    -------
    float
        log10 OD.

    Raises
    ------
    CalibrationError
        If the fields show hardly any tissue.
    """
    values = []
    for rgb in fields:
        maps = separate(rgb, optics, profile)
        stained = maps.haematoxylin_od + np.maximum(maps.dab_od, 0) > 0.05
        values.append(maps.dab_od[stained])
    dab = np.concatenate(values) if values else np.empty(0, np.float32)
    if len(dab) < 1000:
        raise CalibrationError("the control's pictures show hardly any tissue: take fields full of it")
    return float(np.percentile(dab, percentile))


def control_factor(
    positive_od: float, reference_od: float, negative_od: float | None, reference_negative_od: float | None
) -> float:
    """Return how much more DAB a run has than the reference's, background taken off where both know it.

    Raises
    ------
    CalibrationError
        If a control is unstained, or the runs differ by more than `MOST_FACTOR`.
    """
    both = negative_od is not None and reference_negative_od is not None
    now = positive_od - (negative_od if both and negative_od is not None else 0)
    then = reference_od - (reference_negative_od if both and reference_negative_od is not None else 0)
    if min(now, then) < LEAST_SPAN_OD:
        raise CalibrationError(
            f"the positive control has {positive_od:.3f} OD of DAB (reference {reference_od:.3f}), at least "
            f"{LEAST_SPAN_OD:g} above the negative are needed: the staining failed or it is another slide"
        )
    factor = now / then
    if not 1 / MOST_FACTOR <= factor <= MOST_FACTOR:
        raise CalibrationError(
            f"this run has {factor:.2f} times the reference's DAB; beyond {MOST_FACTOR:g} times no threshold "
            "makes up for it: stain again"
        )
    return factor


def scaled(thresholds: DabThresholds, factor: float) -> DabThresholds:
    """Return thresholds for a run with so many times the DAB."""
    faint = None if thresholds.faint_od is None else round(thresholds.faint_od * factor, 4)
    return DabThresholds(
        round(thresholds.weak_od * factor, 4), round(thresholds.intense_od * factor, 4), faint
    )

"""Whether a frame of empty glass is still as the calibration has it: the check of every morning."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from armicro.contracts.arrays import U8
from armicro.imaging.glass import (
    FlatField,
    GlassLimits,
    cell_means,
    light_at,
    require_shape,
    require_unclipped,
    unevenness,
)


@dataclass(frozen=True, slots=True)
class DriftLimits:
    """From where a drift is worth a warning, and from where nothing should be scored.

    Parameters
    ----------
    white : (float, float)
        Change of the white point, as a share: 2 % are 0.009 and 5 % 0.022 log10 OD, against a faint
        threshold of about 0.06.
    colour : (float, float)
        Change of a channel against the mean of all: it turns the stain vectors.
    uneven : (float, float)
        98 % range over the mean that correction leaves.
    spots : (float, float)
        Share of the field that dust covers.
    """

    white: tuple[float, float] = (0.02, 0.05)
    colour: tuple[float, float] = (0.01, 0.03)
    uneven: tuple[float, float] = (0.015, 0.03)
    spots: tuple[float, float] = (0.002, 0.02)


@dataclass(frozen=True, slots=True)
class Drift:
    """How a frame of empty glass differs from the calibration.

    Parameters
    ----------
    white, colour : float
        Signed where it is one number for all channels; the largest change of a channel for colour.
    uneven, spots : float
        See `DriftLimits`.
    verdict : str
        "ok", "warn" or "refuse".
    reasons : tuple of str
        What is beyond its limits, in words.
    """

    white: float
    colour: float
    uneven: float
    spots: float
    verdict: str = "ok"
    reasons: tuple[str, ...] = ()


def glass_drift(frame: U8, flat: FlatField, limits: DriftLimits = DriftLimits()) -> Drift:
    """Compare a frame of empty glass with the calibration.

    Parameters
    ----------
    frame : ndarray of uint8, (H, W, 3)
        As the camera gave it.
    flat : FlatField
        The calibration.
    limits : DriftLimits
        What counts as drift.

    Returns
    -------
    Drift
        Figures and verdict.

    Raises
    ------
    CalibrationError
        If the picture is of another size or clipped.
    """
    require_shape(frame, flat.shape_px)
    require_unclipped(frame, GlassLimits())
    cells = cell_means(frame.astype(np.float32))
    even = cells / light_at(flat.light, flat.degree, cells.shape)
    typical = np.median(even.reshape(-1, 3), axis=0)
    change = typical / np.asarray(flat.white_rgb) - 1
    off = np.asarray((np.abs(even / typical - 1) > GlassLimits().spot_contrast).any(axis=2), np.bool_)
    figures = {
        "white": float(change.mean()),
        "colour": float(np.abs((1 + change) / (1 + change).mean() - 1).max()),
        "uneven": unevenness(even, np.logical_not(off)) if not off.all() else 1.0,
        "spots": float(off.mean()),
    }
    words = {
        "white": ("the white point changed by", "set lamp and exposure as at the calibration"),
        "colour": ("the colour of the light changed by", "check filters, lamp voltage and white balance"),
        "uneven": ("the glass is uneven by", "centre the condenser"),
        "spots": ("dust or tissue covers", "move to empty glass, clean"),
    }
    level, reasons = 0, []
    for name, value in figures.items():
        warn, refuse = getattr(limits, name)
        if abs(value) > warn:
            level = max(level, 2 if abs(value) > refuse else 1)
            what, advice = words[name]
            reasons.append(f"{what} {value:.1%}, allowed {warn:.1%}: {advice}")
    return Drift(**figures, verdict=("ok", "warn", "refuse")[level], reasons=tuple(reasons))

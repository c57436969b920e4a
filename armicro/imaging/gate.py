"""May a field be counted: each check says ok, warn or refuse, with number, limit and what to do. Pure.

A field that is refused is kept and left out of the score until a person counts it, with a reason. Limits are
data, so that a laboratory can set its own; the shipped ones were chosen on real cores and simulated fields
(`python -m tools.evaluate.gate`).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

import cv2
import numpy as np

from armicro.contracts.arrays import F32, U8
from armicro.contracts.frame import Optics
from armicro.contracts.stain import Vector3
from armicro.imaging.glass_dab import dab_on_glass
from armicro.imaging.quality import assess
from armicro.imaging.stain import brightest


class Verdict(StrEnum):
    """What a check says."""

    OK = "ok"
    WARN = "warn"
    REFUSE = "refuse"


@dataclass(frozen=True, slots=True)
class Limit:
    """Where a check begins to warn and to refuse; rising if `refuse` is above `warn`, else falling."""

    warn: float
    refuse: float

    def verdict(self, value: float) -> Verdict:
        """Judge a value."""
        sign = 1.0 if self.refuse >= self.warn else -1.0
        if sign * value > sign * self.refuse:
            return Verdict.REFUSE
        return Verdict.WARN if sign * value > sign * self.warn else Verdict.OK


@dataclass(frozen=True, slots=True)
class GateLimits:
    """The limits of all checks.

    Parameters
    ----------
    sharpness : Limit
        `Quality.focus`, 0 to 1. Real cores have 0.50 to 0.66; a blur of 0.8 µm (sigma) leaves 0.26 to 0.32,
        one of 1.2 µm about 0.2, one of 2 µm 0.15.
    smear : Limit
        Fine detail along a direction over that across it. Real cores have 0.63 to 0.92; a motion of 2 µm
        during the exposure leaves 0.28 to 0.73, one of 4 µm 0.14 to 0.42.
    dark, bright : Limit
        Share of pixels at the lower and the upper end of the sensor.
    tissue : Limit
        Share of the field that is tissue.
    cast : Limit
        Colour of empty glass: log10 of its brightest over its palest channel, or how far that has moved from
        the calibrated white point.
    light : Limit
        log10 of how much darker or brighter empty glass is than calibrated.
    dim : Limit
        Grey value of empty glass, where no white point was calibrated.
    brown : Limit
        DAB on empty glass, log10 OD; see `dab_on_glass`. Real cores have 0.02 to 0.06, brown grains over 3 %
        of the field leave 0.10 and more.
    overlap : Limit
        Share of the field that was captured before.
    control : Limit
        Age of the newest control of the stain, days. A laboratory may have it refuse, too.
    name : str
        Of this set, for the log.
    """

    sharpness: Limit = Limit(0.25, 0.18)
    smear: Limit = Limit(0.55, 0.43)
    dark: Limit = Limit(0.01, 0.05)
    bright: Limit = Limit(0.25, 0.60)
    tissue: Limit = Limit(0.10, 0.02)
    cast: Limit = Limit(0.06, 0.15)
    light: Limit = Limit(0.05, 0.15)
    dim: Limit = Limit(140.0, 80.0)
    brown: Limit = Limit(0.07, 0.15)
    overlap: Limit = Limit(0.02, 0.90)
    control: Limit = Limit(0.0, math.inf)
    name: str = "shipped"


@dataclass(frozen=True, slots=True)
class Check:
    """What one check says.

    Parameters
    ----------
    name : str
        Field of `GateLimits`.
    verdict : Verdict
        Ok, warn or refuse.
    value : float
        What was measured.
    limit : float
        The limit that was missed, or the one that would warn.
    words : str
        For the user, with what to do.
    """

    name: str
    verdict: Verdict
    value: float
    limit: float
    words: str


_WORDS: dict[str, tuple[str, Callable[[float], str]]] = {
    "sharpness": ("out of focus: sharpness {v}, at least {l}; focus and press again", "{:.2f}".format),
    "smear": (
        "smeared: the stage moved during the exposure ({v}, at least {l}); rest and press again",
        "{:.2f}".format,
    ),
    "dark": ("underexposed: {v} of the pixels are black, at most {l}; raise the exposure", "{:.1%}".format),
    "bright": (
        "overexposed: {v} of the pixels are at the sensor's limit, at most {l}; lower the exposure",
        "{:.0%}".format,
    ),
    "tissue": ("little tissue: {v} of the field, at least {l}; move to tumour", "{:.0%}".format),
    "cast": ("colour cast: empty glass is off white by {v} OD, at most {l}; white-balance", "{:.2f}".format),
    "light": ("the light has changed by {v} OD, at most {l}; check lamp and white point", "{:.2f}".format),
    "dim": ("dim: empty glass has grey value {v}, at least {l}; raise light or exposure", "{:.0f}".format),
    "brown": (
        "brown on empty glass: {v} OD of DAB where there is no tissue, at most {l}; look for precipitate",
        "{:.2f}".format,
    ),
    "overlap": ("{v} of the field was captured before; that part counts once", "{:.0%}".format),
}


def check(name: str, value: float, limits: GateLimits) -> Check:
    """Judge one value by its name."""
    limit: Limit = getattr(limits, name)
    verdict = limit.verdict(value)
    missed = limit.refuse if verdict is Verdict.REFUSE else limit.warn
    words, shown = _WORDS[name]
    return Check(name, verdict, value, missed, words.format(v=shown(value), l=shown(missed)))


def gate(
    rgb: U8, optics: Optics, white_rgb: Vector3 | None = None, limits: GateLimits = GateLimits()
) -> tuple[Check, ...]:
    """Judge a field by its pixels.

    Parameters
    ----------
    rgb : ndarray of uint8, (H, W, 3)
        The field as the camera gave it.
    optics : Optics
        Its scale.
    white_rgb : tuple of 3 floats or None
        The calibrated grey value of empty glass; None where there is none.
    limits : GateLimits
        The limits.

    Returns
    -------
    tuple of Check
        All that could be measured. Sharpness and smear say nothing of a field without tissue and are left
        out there, the light of one without glass and what lies on it.
    """
    estimated = brightest(rgb, optics.um_per_px)
    quality = assess(rgb, optics, estimated)
    values = {
        "dark": quality.saturated_share,
        "bright": float(np.mean((rgb[::8, ::8] >= 254).any(axis=2))),
        "tissue": quality.tissue_share,
    }
    if limits.tissue.verdict(quality.tissue_share) is not Verdict.REFUSE:
        values["sharpness"] = quality.focus
        values["smear"] = smear(rgb, optics)
    brown = dab_on_glass(rgb, optics, estimated, white_rgb)
    if brown is not None:
        values["brown"] = brown
    if quality.tissue_share < _LEAST_GLASS:
        values |= _light(estimated, white_rgb)
    return tuple(check(name, value, limits) for name, value in values.items())


_LEAST_GLASS = 0.95
"""A field with more tissue than this shows no glass to measure the light on."""


def _light(estimated: Vector3, calibrated: Vector3 | None) -> dict[str, float]:
    """Compare empty glass with what was calibrated, or with white."""
    now = np.log10(np.array(estimated))
    if calibrated is None:
        return {"cast": float(np.ptp(now)), "dim": float(max(estimated))}
    moved = now - np.log10(np.array(calibrated))
    return {"cast": float(np.ptp(moved)), "light": float(np.abs(moved.mean()))}


def worst(checks: tuple[Check, ...]) -> Verdict:
    """Return the worst verdict; ok for no check."""
    verdicts = {c.verdict for c in checks}
    for verdict in (Verdict.REFUSE, Verdict.WARN):
        if verdict in verdicts:
            return verdict
    return Verdict.OK


_FINE_UM, _FAR_UM, _BASE_UM, _BROAD_UM = 0.5, 8.0, 0.3, 2.0
_SMEAR_SIDE_PX = 1024
_DIRECTIONS = ((0.0, 1.0), (1.0, 0.0), (1.0, 1.0), (1.0, -1.0))


def smear(rgb: U8, optics: Optics) -> float:
    """Measure whether fine detail is missing along one direction.

    Parameters
    ----------
    rgb : ndarray of uint8, (H, W, 3)
        The field; its middle is looked at.
    optics : Optics
        Its scale.

    Returns
    -------
    float
        Energy of steps of 0.5 µm relative to steps of 8 µm, along over across: the least of both pairs of
        directions, 0 to 1.
    """
    h, w = rgb.shape[:2]
    side = min(_SMEAR_SIDE_PX, h, w)
    y, x = (h - side) // 2, (w - side) // 2
    green = np.ascontiguousarray(rgb[y : y + side, x : x + side, 1]).astype(np.float32)
    um = optics.um_per_px
    base = cv2.GaussianBlur(green, (0, 0), max(_BASE_UM / um, 0.3))
    broad = cv2.GaussianBlur(green, (0, 0), _BROAD_UM / um)
    shares = []
    for direction in _DIRECTIONS:
        length = float(np.hypot(*direction))
        fine, coarse = (_steps(direction, step_um / um / length) for step_um in (_FINE_UM, _FAR_UM))
        energy = _energy(np.asarray(broad, np.float32), coarse)
        shares.append(_energy(np.asarray(base, np.float32), fine) / energy if energy > 1e-6 else 0.0)
    pairs = (shares[0], shares[1]), (shares[2], shares[3])
    return min((min(p) / max(p) if max(p) > 0 else 1.0) for p in pairs)


def _steps(direction: tuple[float, float], step_px: float) -> tuple[int, int]:
    step = max(1, round(step_px))
    return int(direction[0]) * step, int(direction[1]) * step


def _energy(grey: F32, step: tuple[int, int]) -> float:
    """Mean square of the differences over a step y, x."""
    dy, dx = step
    h, w = grey.shape
    if abs(dy) >= h or abs(dx) >= w:
        return 0.0
    a = grey[dy:, max(dx, 0) : w + min(dx, 0)]
    b = grey[: h - dy, max(-dx, 0) : w - max(dx, 0)]
    return float(np.mean((a - b) ** 2))

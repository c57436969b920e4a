"""The quality gate on real and simulated fields: what it says of good ones, and of faults of rising strength.

    python -m tools.evaluate.gate

Real fields are tiles of 330 µm of the shared cores with at least a third of tissue, simulated ones of all
mixes at 20x and 40x. "Refused" and "warned" are shares of the fields; the limits were chosen on the first
four cores and one seed, the others are listed apart.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import cv2
import numpy as np

from armicro.app.detectors import DetectorChoice, make_detector
from armicro.app.profiles import load_stain_profile
from armicro.assays.read_field import read_field
from armicro.assays.recipe import Her2IhcRecipe
from armicro.assays.scale_suspicion import scale_suspicion
from armicro.contracts.arrays import F32, U8
from armicro.contracts.frame import MAX_UM_PER_PX, Frame, Optics
from armicro.devices.image_files import read_image
from armicro.imaging.gate import GateLimits, Limit, Verdict, gate
from armicro.imaging.gate_control import ControlSeen, control_check
from armicro.imaging.stain import brightest
from armicro.sim.case import simulate_field
from armicro.sim.params import PRESETS, CaseParams
from tools.evaluate.shared import SHARED_DATA, need

CORE_UM_PER_PX = 0.23
_SIDE_PX = 1440
_LEAST_TISSUE = 0.33
_DAB = (0.268, 0.570, 0.776)
Spoil = Callable[[U8, float], U8]


@dataclass(frozen=True, slots=True)
class Field:
    """A field, and which group it is listed with."""

    group: str
    rgb: U8
    um_per_px: float


def real_fields() -> Iterator[Field]:
    """Cut the shared cores into fields."""
    for number, path in enumerate(sorted((SHARED_DATA / "her2_tma").glob("*.*"))):
        rgb = read_image(path, CORE_UM_PER_PX).rgb
        group = "cores 1 to 4" if number < 4 else "cores 5 to 8"
        for y in range(0, rgb.shape[0] - _SIDE_PX + 1, _SIDE_PX):
            for x in range(0, rgb.shape[1] - _SIDE_PX + 1, _SIDE_PX):
                part = np.ascontiguousarray(rgb[y : y + _SIDE_PX, x : x + _SIDE_PX])
                checks = {c.name: c.value for c in gate(part, Optics(CORE_UM_PER_PX))}
                if checks["tissue"] >= _LEAST_TISSUE:
                    yield Field(group, part, CORE_UM_PER_PX)


def simulated_fields(seed: int = 11) -> Iterator[Field]:
    """Render a field of each mix at both objectives."""
    for mix in sorted(PRESETS):
        for um_per_px in (0.212, 0.424):
            side = round(330 / um_per_px)
            rgb = simulate_field(CaseParams(PRESETS[mix], um_per_px, (side, side), 1), seed, 0).rgb
            yield Field("simulated", rgb, um_per_px)


def _blur(sigma_um: float) -> Spoil:
    return lambda rgb, um: np.asarray(cv2.GaussianBlur(rgb, (0, 0), sigma_um / um), np.uint8)


def _move(length_um: float) -> Spoil:
    def spoil(rgb: U8, um: float) -> U8:
        n = max(1, round(length_um / um))
        return np.asarray(cv2.filter2D(rgb, -1, np.ones((1, n), np.float32) / n), np.uint8)

    return spoil


def _gain(*factors: float) -> Spoil:
    return lambda rgb, _: (rgb * np.array(factors, np.float32)).clip(0, 255).astype(np.uint8)


def _brown(density_od: F32) -> F32:
    """Return by what (H, W, 3) a picture's light is multiplied under DAB of a density (H, W)."""
    vector = np.array(_DAB) / np.linalg.norm(_DAB)
    return np.asarray(10.0 ** (-density_od[..., None] * vector), np.float32)


def _haze(od: float) -> Spoil:
    return lambda rgb, _: (rgb * _brown(np.full((1, 1), od, np.float32))).clip(0, 255).astype(np.uint8)


def _grains(share: float) -> Spoil:
    """Strew grains of 4 µm and 0.5 OD over a share of the field."""

    def spoil(rgb: U8, um: float) -> U8:
        h, w = rgb.shape[:2]
        radius = 2.0 / um
        grains = np.zeros((h, w), np.float32)
        places = np.random.default_rng(1).uniform(0, 1, (round(share * h * w / (np.pi * radius**2)), 2))
        for y, x in places * (h, w):
            cv2.circle(grains, (int(x), int(y)), max(1, round(radius)), (0.5,), -1)
        soft = np.asarray(cv2.GaussianBlur(grains, (0, 0), 0.4 / um), np.float32)
        return (rgb * _brown(soft)).clip(0, 255).astype(np.uint8)

    return spoil


FAULTS: dict[str, tuple[str, Spoil]] = {
    "none": ("", lambda rgb, _: rgb),
    **{f"blur {s:g} µm": ("sharpness", _blur(s)) for s in (0.5, 0.8, 1.2, 1.6, 2.0, 3.0)},
    **{f"motion {s:g} µm": ("smear", _move(s)) for s in (1, 2, 4, 8)},
    **{f"exposure × {s:g}": ("bright", _gain(s, s, s)) for s in (1.1, 1.3, 1.6)},
    **{f"exposure × {s:g}": ("dim", _gain(s, s, s)) for s in (0.7, 0.5, 0.3)},
    **{f"blue × {s:g}": ("cast", _gain(1, 1, s)) for s in (0.93, 0.85, 0.7)},
    **{f"brown grains on {s:g} %": ("brown", _grains(s / 100)) for s in (1, 3, 10)},
    **{f"brown haze {s:g} OD, calibrated": ("brown", _haze(s)) for s in (0.02, 0.05, 0.1, 0.2)},
}
_CALIBRATED = "calibrated"
"""Faults that are told only against a calibrated light: here that of the field before it was spoilt."""


def main() -> None:
    """Print the table."""
    need(SHARED_DATA)
    fields = [*real_fields(), *simulated_fields()]
    groups = list(dict.fromkeys(f.group for f in fields))
    counts = ", ".join(f"{sum(f.group == g for f in fields)} of {g}" for g in groups)
    print(f"{len(fields)} fields: {counts}. Each cell: refused / warned, %.\n")
    print(f"| fault | check | {' | '.join(groups)} |\n| --- | --- |{' ---: |' * len(groups)}")
    for fault, (name, spoil) in FAULTS.items():
        cells = []
        for group in groups:
            of_group = [f for f in fields if f.group == group]
            told = (_said(f, name, spoil, calibrated=_CALIBRATED in fault) for f in of_group)
            said = [s for s in told if s is not None]
            refused, warned = (100 * np.mean([s is v for s in said]) for v in (Verdict.REFUSE, Verdict.WARN))
            some = f" of {len(said)}" if len(said) < len(of_group) else ""
            cells.append(f"{refused:.0f} / {warned:.0f}{some}")
        print(f"| {fault} | {name or 'any'} | {' | '.join(cells)} |", flush=True)
    controls()
    scales()


def controls() -> None:
    """Print what is said of a case by the age of its control, as shipped and where a laboratory refuses."""
    strict = GateLimits(control=Limit(0.0, 1.0))
    print("\n| newest control | as shipped | refused above one day | the same, with a reason |")
    print("| --- | --- | --- | --- |")
    for age in (0, 1, 2, 30, None):
        seen = ControlSeen("", age)
        excused = ControlSeen("", age, "the block is used up")
        asked = ((seen, GateLimits()), (seen, strict), (excused, strict))
        said = [control_check(*one) for one in asked]
        when = "none" if age is None else f"{age} days"
        print(f"| {when} | {' | '.join(c.verdict.value for c in said)} |")


def scales() -> None:
    """Print how often a scale is suspected: said half as large as it is, as it is, and twice as large."""
    detector = make_detector(DetectorChoice(), print).detector
    profile = load_stain_profile()
    recipe = Her2IhcRecipe(profile, detector)
    print("\n| fields | scale said × 0.5 | as it is | × 2 |\n| --- | ---: | ---: | ---: |")
    for group, fields in scale_fields().items():
        cells = []
        for factor in (0.5, 1.0, 2.0):
            said = []
            for field in fields:
                if 0.1 <= field.um_per_px * factor <= MAX_UM_PER_PX:
                    frame = Frame(field.rgb, 0, 0, Optics(field.um_per_px * factor), "evaluated")
                    kept = read_field(frame, recipe)
                    said.append(scale_suspicion(frame, kept, profile, detector) is not None)
            cells.append(f"{sum(said)} of {len(said)}")
        print(f"| {group} | {' | '.join(cells)} |", flush=True)


_LIMITS_FROM = 4
"""So many cores and the first seed set the limits of the scale; the others are listed apart."""


def scale_fields() -> dict[str, list[Field]]:
    """Return the five fields of each core with the most tissue, also halved to 20x, and others."""
    best: dict[str, list[Field]] = {}
    for number, path in enumerate(sorted((SHARED_DATA / "her2_tma").glob("*.*"))):
        rgb = read_image(path, CORE_UM_PER_PX).rgb
        group = f"cores {'1 to 4' if number < _LIMITS_FROM else '5 to 8'}"
        for y, x in _richest(rgb):
            part = np.ascontiguousarray(rgb[y : y + _SCALE_PX, x : x + _SCALE_PX])
            best.setdefault(f"{group}, 40x", []).append(Field("40x", part, CORE_UM_PER_PX))
            best.setdefault(f"{group}, halved to 20x", []).append(
                Field("20x", _halved(part), 2 * CORE_UM_PER_PX)
            )
    seeds = {"simulated, seed of the limits": (3,), "simulated, other seeds": (41, 42)}
    simulated = {name: [f for s in of for f in simulated_fields(s)] for name, of in seeds.items()}
    return dict(sorted(best.items())) | {"other laboratories": list(foreign_fields())} | simulated


_SCALE_PX = 1400


def _richest(rgb: U8, most: int = 5) -> list[tuple[int, int]]:
    """Return the corners of the parts with the most tissue that do not overlap by more than half a side."""
    places = [
        (float((rgb[y : y + _SCALE_PX : 16, x : x + _SCALE_PX : 16].mean(axis=2) < 225).mean()), y, x)
        for y in range(0, rgb.shape[0] - _SCALE_PX + 1, 700)
        for x in range(0, rgb.shape[1] - _SCALE_PX + 1, 700)
    ]
    chosen: list[tuple[int, int]] = []
    for _, y, x in sorted(places, reverse=True):
        if len(chosen) < most and not any(abs(y - a) < 700 and abs(x - b) < 700 for a, b in chosen):
            chosen.append((y, x))
    return chosen


def foreign_fields() -> Iterator[Field]:
    """Cut pictures of other laboratories, scanners and cameras into fields."""
    files = {
        "ki67_fields/OS-2-ndpi.png": 0.2271, "ki67_fields/OS-2-vsi.png": 0.3461,
        "ki67_camera/Ki6720x_blue_filter.tif": 0.5, "ihc_misc/ihc.png": 0.5,
    }  # fmt: skip
    for name, um_per_px in files.items():
        rgb = read_image(SHARED_DATA / name, um_per_px).rgb
        side = min(round(_SCALE_PX * CORE_UM_PER_PX / um_per_px), *rgb.shape[:2])
        for y in range(0, rgb.shape[0] - side + 1, side):
            for x in range(0, rgb.shape[1] - side + 1, side):
                part = np.ascontiguousarray(rgb[y : y + side, x : x + side])
                yield Field("foreign", part, um_per_px)


def _halved(rgb: U8) -> U8:
    return np.asarray(cv2.resize(rgb, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA), np.uint8)


def _said(field: Field, name: str, spoil: Spoil, *, calibrated: bool) -> Verdict | None:
    """Return what one check says of a spoilt field, or the worst of all where none is named.

    None where the check cannot be made: there is no glass in the field.
    """
    white = brightest(field.rgb, field.um_per_px) if calibrated else None
    checks = gate(spoil(field.rgb, field.um_per_px), Optics(field.um_per_px), white)
    verdicts = [c.verdict for c in checks if not name or c.name == name]
    if name == "brown" and not verdicts:
        return None
    return max(verdicts, key=list(Verdict).index, default=Verdict.OK)


if __name__ == "__main__":
    main()

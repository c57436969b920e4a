"""The quality gate on real and simulated fields: what it says of good ones, and of faults of rising strength.

    python -m tools.evaluate.gate

Real fields are tiles of 330 µm of the shared cores with at least a third of tissue, simulated ones of all
mixes at 20x and 40x. "Refused" and "warned" are shares of the fields; the limits were chosen on the first
four cores, the others are listed apart.
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
from armicro.contracts.arrays import U8
from armicro.contracts.frame import MAX_UM_PER_PX, Frame, Optics
from armicro.devices.image_files import read_image
from armicro.imaging.gate import Verdict, gate
from armicro.sim.case import simulate_field
from armicro.sim.params import PRESETS, CaseParams
from tools.evaluate.shared import SHARED_DATA, need

CORE_UM_PER_PX = 0.23
_SIDE_PX = 1440
_LEAST_TISSUE = 0.33
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


def simulated_fields() -> Iterator[Field]:
    """Render a field of each mix at both objectives."""
    for mix in sorted(PRESETS):
        for um_per_px in (0.212, 0.424):
            side = round(330 / um_per_px)
            rgb = simulate_field(CaseParams(PRESETS[mix], um_per_px, (side, side), 1), 11, 0).rgb
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


FAULTS: dict[str, tuple[str, Spoil]] = {
    "none": ("", lambda rgb, _: rgb),
    **{f"blur {s:g} µm": ("sharpness", _blur(s)) for s in (0.5, 0.8, 1.2, 1.6, 2.0, 3.0)},
    **{f"motion {s:g} µm": ("smear", _move(s)) for s in (1, 2, 4, 8)},
    **{f"exposure × {s:g}": ("bright", _gain(s, s, s)) for s in (1.1, 1.3, 1.6)},
    **{f"exposure × {s:g}": ("dim", _gain(s, s, s)) for s in (0.7, 0.5, 0.3)},
    **{f"blue × {s:g}": ("cast", _gain(1, 1, s)) for s in (0.93, 0.85, 0.7)},
}


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
            said = [_said(f, name, spoil) for f in fields if f.group == group]
            refused, warned = (100 * np.mean([s is v for s in said]) for v in (Verdict.REFUSE, Verdict.WARN))
            cells.append(f"{refused:.0f} / {warned:.0f}")
        print(f"| {fault} | {name or 'any'} | {' | '.join(cells)} |", flush=True)
    scales()


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


def scale_fields() -> dict[str, list[Field]]:
    """Return the three fields of each core with the most tissue, also halved to 20x, and simulated ones."""
    best: list[Field] = []
    for path in sorted((SHARED_DATA / "her2_tma").glob("*.*")):
        rgb = read_image(path, CORE_UM_PER_PX).rgb
        places = [
            (float((rgb[y : y + 1400 : 16, x : x + 1400 : 16].mean(axis=2) < 225).mean()), y, x)
            for y in range(0, rgb.shape[0] - 1399, 700)
            for x in range(0, rgb.shape[1] - 1399, 700)
        ]
        for _, y, x in sorted(places, reverse=True)[:3]:
            part = np.ascontiguousarray(rgb[y : y + 1400, x : x + 1400])
            best.append(Field("40x", part, CORE_UM_PER_PX))
    halved = [Field("20x", _halved(f.rgb), 2 * f.um_per_px) for f in best]
    return {"cores, 40x": best, "cores, halved to 20x": halved, "simulated": list(simulated_fields())}


def _halved(rgb: U8) -> U8:
    return np.asarray(cv2.resize(rgb, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA), np.uint8)


def _said(field: Field, name: str, spoil: Spoil) -> Verdict:
    """Return what one check says of a spoilt field, or the worst of all where none is named."""
    checks = gate(spoil(field.rgb, field.um_per_px), Optics(field.um_per_px))
    verdicts = [c.verdict for c in checks if not name or c.name == name]
    return max(verdicts, key=list(Verdict).index, default=Verdict.OK)


if __name__ == "__main__":
    main()

"""Simulated cases with known truth: proportions and scores, given true nuclei and with the detector.

    python -m tools.evaluate.simulated --seeds 20

Each case has a few fields of a typical mix, at 20x and 40x, and is read in several ways: both readings, with
true nuclei and with each detector. The truth leaves nothing out: cells cut by the field's edge count.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import cache

import cv2
import numpy as np

from armicro.assays.her2_ihc import Her2IhcRecipe, Reading, analyse
from armicro.contracts.arrays import F32, F64, U8
from armicro.contracts.cells import CATEGORIES, Category, Nuclei, NucleusKind
from armicro.contracts.frame import Frame, Optics
from armicro.contracts.protocols import NucleusDetector
from armicro.contracts.stain import StainMaps
from armicro.scoring.case import FieldCells, summarise
from armicro.scoring.guidelines import load_guideline
from armicro.sim.case import CaseParams, SimulatedField, parse_mix, simulate_case
from tools.evaluate.shared import default_profile, detector_named, table

GUIDELINE = "asco-cap-2018-breast"
CLEAR_POINTS = 3.0
"""A case whose truth lies this far from every cut-off has a score that a reading must not miss."""
MIXES = ("0", "1+", "2+", "3+", "gastric-3+")
SCALES = {"40x": (0.212, 1504), "20x": (0.424, 1024)}


@dataclass(frozen=True, slots=True)
class TrueNuclei:
    """The nuclei as the simulator knows them, behind the detector's Protocol."""

    field: SimulatedField

    @property
    def identity(self) -> str:
        """Name."""
        return "simulated-truth"

    @property
    def reach_um(self) -> float:
        """Margin, µm."""
        return 0.0

    def detect(self, rgb: U8, maps: StainMaps) -> Nuclei:  # noqa: ARG002 - the Protocol's signature
        """Return the field's own nuclei."""
        tumour, other = self.field.truth.yx_px, self.field.others_yx_px
        kind = np.repeat(
            np.array([NucleusKind.TUMOUR, NucleusKind.OTHER], np.uint8), [len(tumour), len(other)]
        )
        yx = np.concatenate([tumour, other]).astype(np.float32)
        return Nuclei(yx, np.ones(len(yx), np.float32), kind)


@dataclass(frozen=True, slots=True)
class Outcome:
    """One case read one way: errors of the proportions in points, and the scores."""

    objective: str
    mix: str
    way: str
    errors: tuple[float, ...]
    truth: str | None
    answer: str | None
    clear: bool


def read_case(objective: str, mix: str, seed: int, n_fields: int, names: tuple[str, ...]) -> list[Outcome]:
    """Simulate and read one case in all ways."""
    cv2.setNumThreads(1)
    detectors = {name: _detector(name) for name in names}
    um, side = SCALES[objective]
    params = CaseParams(mix=parse_mix(mix), um_per_px=um, shape_px=(side, side), fields=n_fields)
    guideline = load_guideline(GUIDELINE)
    profile = default_profile()
    true_cells: list[FieldCells] = []
    read: dict[str, list[FieldCells]] = {}
    for field in simulate_case(params, seed):
        frame = Frame(field.rgb, field.index, 0, Optics(um), "simulated")
        true_cells.append(_cells(field.truth.yx_px, field.truth.category, um))
        for reading in Reading:
            for name, detector in {"true nuclei": TrueNuclei(field), **detectors}.items():
                recipe = Her2IhcRecipe(profile, detector, reading)
                cells = analyse(frame, replace(recipe, tile_px=1 << 20)).cells
                read.setdefault(f"{reading}, {name}", []).append(_cells(cells.yx_px, cells.category, um))
    truth = summarise(true_cells, guideline)
    share = _shares(true_cells)
    outcomes = []
    for way, fields in read.items():
        answer = summarise(fields, guideline)
        errors = tuple(float(e) for e in 100 * (_shares(fields) - share))
        outcomes.append(
            Outcome(objective, mix, way, errors, truth.score.score, answer.score.score, _is_clear(share))
        )
    return outcomes


@cache
def _detector(name: str) -> NucleusDetector:
    return detector_named(name)


def _cells(yx_px: F32, category: U8, um: float) -> FieldCells:
    return FieldCells((yx_px * np.float32(um)).astype(np.float32), category)


def _shares(fields: list[FieldCells]) -> F64:
    """Return the proportions over all fields, none first: (6,)."""
    n = np.bincount(np.concatenate([f.category for f in fields]), minlength=len(Category))
    return np.asarray(n / max(1, n.sum()), np.float64)


def _is_clear(share: F64) -> bool:
    """Tell whether every quantity that the breast rule compares is far enough from its cut-off."""
    by = {c: float(share[c]) for c in Category}
    intense = by[Category.INTENSE_COMPLETE]
    complete = intense + by[Category.WEAK_COMPLETE] + by[Category.INTENSE_INCOMPLETE]
    stained = 1 - by[Category.NONE]
    far = CLEAR_POINTS / 100
    # A little intense complete staining makes 2+ on its own: nought or clearly some.
    decided = intense > 0.1 + far or complete > 0.1 + far or intense == 0
    return decided and all(abs(q - 0.1) >= far for q in (intense, complete, stained))


def cases(seeds: int, first: int) -> Iterator[tuple[str, str, int]]:
    """Yield objective, mix and seed of each case."""
    for seed in range(first, first + seeds):
        for objective in SCALES:
            for mix in MIXES:
                yield objective, mix, seed


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--first-seed", type=int, default=1000)
    parser.add_argument("--fields", type=int, default=3)
    parser.add_argument("--detector", action="append", help="as for armicro score; may be repeated")
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    todo = list(cases(options.seeds, options.first_seed))
    with ProcessPoolExecutor(options.workers) as pool:
        names = tuple(options.detector or ("auto", "classical"))
        n = len(todo)
        parts = pool.map(read_case, *zip(*todo, strict=True), [options.fields] * n, [names] * n)
        outcomes = [o for part in parts for o in part]
    order = [int(c) for c in CATEGORIES]
    rows = []
    for way in dict.fromkeys(o.way for o in outcomes):
        for objective in (*SCALES, "both"):
            chosen = [o for o in outcomes if o.way == way and objective in (o.objective, "both")]
            errors = np.abs(np.array([o.errors for o in chosen]))
            clear = [o for o in chosen if o.clear]
            right = sum(o.truth == o.answer for o in clear)
            means = [f"{e:.2f}" for e in errors.mean(axis=0)[order]]
            rows.append(
                [
                    f"{way}, {objective}",
                    len(chosen),
                    *means,
                    f"{errors.mean():.2f}",
                    f"{right} of {len(clear)}",
                ]
            )
    head = ["mean absolute error, points", "cases", *(c.key for c in CATEGORIES), "all", "score right"]
    print(table(head, rows), "\n")
    wrong = [o for o in outcomes if o.clear and o.truth != o.answer and o.way.startswith("per-cell")]
    print("\n".join(f"- {o.way}: {o.objective} {o.mix}: truth {o.truth}, read {o.answer}" for o in wrong))


if __name__ == "__main__":
    main()

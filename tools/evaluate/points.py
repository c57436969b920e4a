"""Membrane categories against points by eye: at marked nuclei, thresholds tuned on other cores only.

    python -m tools.evaluate.points

For each core the thresholds are chosen on all the other cores, from a coarse grid, for the best sum of
quadratic-weighted kappa and share within one class; then the core is read with them. The default profile's
own figure stands beside it; its thresholds have seen all cores.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path

import numpy as np

from armicro.analysis.membrane import denoised_dab, level_map, membrane_signal, surroundings
from armicro.analysis.read_per_cell import PerCellParams, Traces, grade, trace
from armicro.analysis.read_zhang import read_zhang
from armicro.analysis.skeleton import SkeletonParams, membrane_sets
from armicro.analysis.threshold_fit import leave_one_out
from armicro.contracts.arrays import F32, I64, U8
from armicro.contracts.stain import DabThresholds, StainProfile
from armicro.imaging.scale import to_working
from tools.evaluate.shared import (
    EYE,
    OWN_POINTS,
    SHARED_DATA,
    Crop,
    confusion,
    confusion_table,
    crops,
    default_profile,
    interval,
    need,
    quadratic_kappa,
    table,
    within_one,
)

PARAMS = PerCellParams()
FAINT = (0.05, 0.06, 0.07, 0.085)
WEAK = (0.11, 0.135, 0.16, 0.19)
INTENSE = (0.30, 0.35, 0.40, 0.44, 0.50)
RESAMPLES = 1000


@dataclass(frozen=True, slots=True)
class Marked:
    """The tumour nuclei of a crop that have a category."""

    crop: Crop
    yx: F32
    truth: U8
    traces: Traces


def marked(crop: Crop) -> Marked | None:
    """Trace the marked tumour cells of a crop; None where none has a category."""
    which = (crop.kind == "T") & np.isin(crop.category, list(EYE))
    if not which.any():
        return None
    factor = crop.maps.factor
    yx = to_working(crop.yx_px[which], factor)
    truth = np.array([EYE[c] for c in crop.category[which]], np.uint8)
    return Marked(crop, yx, truth, trace(crop.maps, yx, to_working(crop.yx_px, factor), PARAMS))


def per_cell(cells: Marked, thresholds: DabThresholds) -> I64:
    """Return the confusion matrix of the per-cell reading."""
    return confusion(cells.truth, grade(cells.traces, cells.yx, thresholds, PARAMS).category)


def published(cells: Marked, thresholds: DabThresholds) -> I64:
    """Return the confusion matrix of the published reading, which knows no faint cells."""
    maps = cells.crop.maps
    dab = denoised_dab(maps, PARAMS.membrane)
    around = surroundings(dab, maps.um_per_px, PARAMS.membrane.widest_um)
    level = level_map(membrane_signal(dab, around, PARAMS.membrane.surround_share), thresholds)
    answer, _ = read_zhang(membrane_sets(level, maps.um_per_px, SkeletonParams()), cells.yx)
    return confusion(cells.truth, answer)


def goodness(matrix: I64) -> float:
    """Return what thresholds are tuned for."""
    return quadratic_kappa(matrix) + within_one(matrix)


def leave_one_core_out(
    by_core: Mapping[str, list[dict[DabThresholds, I64]]],
) -> dict[str, tuple[DabThresholds, I64]]:
    """Choose thresholds on the other cores and read each core with them."""
    total = {
        core: {t: np.asarray(np.sum([m[t] for m in crops_], axis=0), np.int64) for t in crops_[0]}
        for core, crops_ in by_core.items()
    }
    return leave_one_out(total, goodness)


def bootstrap(matrices: list[I64], seed: int = 0) -> tuple[tuple[float, float], tuple[float, float]]:
    """Return 95 % intervals of kappa and within-one, resampling crops (cells of one crop are alike)."""
    rng = np.random.default_rng(seed)
    stack = np.stack(matrices)
    draws = rng.integers(0, len(stack), (RESAMPLES, len(stack)))
    sums = [stack[d].sum(axis=0) for d in draws]
    kappas = np.array([quadratic_kappa(m) for m in sums])
    return interval(kappas), interval(np.array([within_one(m) for m in sums]))


def report(title: str, matrices: list[I64]) -> str:
    """Return figures and the confusion matrix of a reading."""
    total = np.asarray(np.sum(matrices, axis=0), np.int64)
    kappa, near = bootstrap(matrices)
    exact = np.trace(total) / total.sum()
    return (
        f"### {title}\n\n{int(total.sum())} cells: quadratic-weighted κ {quadratic_kappa(total):.3f} "
        f"({kappa[0]:.3f} to {kappa[1]:.3f}), within one class {within_one(total):.3f} "
        f"({near[0]:.3f} to {near[1]:.3f}), exact {exact:.3f}.\n\n{confusion_table(total)}\n"
    )


def row_of(core: str, thresholds: DabThresholds, matrix: I64) -> list[object]:
    """Return a core's row of the table."""
    used = f"{thresholds.faint_od} / {thresholds.weak_od} / {thresholds.intense_od}"
    kappa, near = f"{quadratic_kappa(matrix):.3f}", f"{within_one(matrix):.3f}"
    return [core, int(matrix.sum()), kappa, near, used]


def print_tables(cells: list[Marked], profile: StainProfile) -> None:
    """Print agreement with the eye for both readings, thresholds tuned on other cores and by default."""
    grid = [DabThresholds(w, i, f) for f, w, i in product(FAINT, WEAK, INTENSE)]
    five = [replace(t, faint_od=None) for t in grid if t.faint_od == FAINT[0]]
    for title, candidates, read in (
        ("per-cell", grid, per_cell),
        ("zhang-2020", five, published),
    ):
        by_core: dict[str, list[dict[DabThresholds, I64]]] = {}
        for m in cells:
            by_core.setdefault(m.crop.core, []).append({t: read(m, t) for t in candidates})
        chosen = leave_one_core_out(by_core)
        held_out = [crop_[chosen[core][0]] for core, list_ in by_core.items() for crop_ in list_]
        print(report(f"`{title}`, thresholds tuned on other cores", held_out))
        rows = [row_of(core, t, m) for core, (t, m) in sorted(chosen.items())]
        print(table(["core", "cells", "κ", "within one", "faint / weak / intense"], rows), "\n")
        default = profile.thresholds if title == "per-cell" else replace(profile.thresholds, faint_od=None)
        print(report(f"`{title}`, default profile", [read(m, default) for m in cells]))


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--data", type=Path, default=SHARED_DATA, help="folder of the shared images")
    parser.add_argument("--own", action="store_true", help="add the points under tests/data/nuclei")
    options = parser.parse_args()
    data = need(options.data)
    profile = default_profile()
    folders = [data / "points", *([OWN_POINTS] if options.own else [])]
    cells = [m for c in crops(data, profile, folders) if (m := marked(c)) is not None]

    print_tables(cells, profile)


if __name__ == "__main__":
    main()

"""How far a membrane stands out where the cytoplasm is brown, in real and in simulated cells.

    python -m tools.evaluate.brown

The contrast that is reached on 30 % of a cell's contour, by the brown that the contour runs through, for
cells whose category is known: by eye on the shared images, by truth in simulated fields. If the brown of a
membrane comes on top of the cytoplasm's, contrast does not fall where the cytoplasm is browner.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from armicro.analysis.contour import sample
from armicro.analysis.membrane import denoised_dab, surroundings
from armicro.analysis.read_per_cell import Traces, trace
from armicro.contracts.arrays import F64, U8
from armicro.contracts.cells import Category
from armicro.contracts.frame import Optics
from armicro.contracts.stain import StainMaps
from armicro.imaging.scale import to_working
from armicro.imaging.stain import estimate_white, separate
from armicro.sim.case import CaseParams, parse_mix, simulate_case
from tools.evaluate.points import PARAMS, marked
from tools.evaluate.shared import OWN_POINTS, SHARED_DATA, crops, default_profile, need, table
from tools.evaluate.simulated import SCALES

BROWN_OD = (0.0, 0.01, 0.02, 0.03, 0.045, 0.06)
REACHED_ON = 0.3
"""Share of the contour; a cell is faint from here."""
FEWEST = 6
"""Fewer cells are not shown."""
MIXES = ("1+", "2+")

Cells = tuple[U8, F64, F64]
"""Category, brown under the contour and contrast on it, log10 OD, each (N,)."""


def look(maps: StainMaps, traces: Traces) -> tuple[F64, F64]:
    """Return brown under the contours and contrast on them, each (N,), log10 OD."""
    dab = denoised_dab(maps, PARAMS.membrane)
    around = surroundings(dab, maps.um_per_px, PARAMS.membrane.widest_um)
    brown = np.maximum(sample(around, traces.contours), 0).mean(axis=1)
    return np.asarray(brown, np.float64), np.quantile(traces.contrast_od, 1 - REACHED_ON, axis=1)


def real(data: Path) -> Iterator[Cells]:
    """Yield the marked cells of each crop."""
    for crop in crops(data, default_profile(), [data / "points", OWN_POINTS]):
        if (cells := marked(crop)) is not None:
            yield cells.truth, *look(crop.maps, cells.traces)


def simulated(seeds: range) -> Iterator[Cells]:
    """Yield the cells of simulated fields."""
    profile = default_profile()
    for seed in seeds:
        for um, side in SCALES.values():
            for mix in MIXES:
                params = CaseParams(mix=parse_mix(mix), um_per_px=um, shape_px=(side, side), fields=1)
                for field in simulate_case(params, seed):
                    white = profile.white_rgb or estimate_white(field.rgb, um)
                    maps = separate(field.rgb, Optics(um), replace(profile, white_rgb=white))
                    tumour, other = (
                        np.asarray(to_working(yx, maps.factor), np.float32)
                        for yx in (field.truth.yx_px, field.others_yx_px)
                    )
                    traces = trace(maps, tumour, np.concatenate([tumour, other]), PARAMS)
                    yield field.truth.category, *look(maps, traces)


def row(name: str, category: Category, cells: Cells) -> list[object]:
    """Return the median contrast of a category's cells by brown."""
    kind, brown, contrast = cells
    out: list[object] = [f"{category.key}, {name}"]
    for low, high in zip(BROWN_OD, (*BROWN_OD[1:], np.inf), strict=True):
        chosen = contrast[(kind == category) & (brown >= low) & (brown < high)]
        out.append(f"{np.median(chosen):.3f} ({len(chosen)})" if len(chosen) >= FEWEST else "")
    return out


def _joined(fields: Iterator[Cells]) -> Cells:
    kind, brown, contrast = zip(*fields, strict=True)
    return np.concatenate(kind), np.concatenate(brown), np.concatenate(contrast)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--data", type=Path, default=SHARED_DATA, help="folder of the shared images")
    parser.add_argument("--first-seed", type=int, default=6000)
    parser.add_argument("--seeds", type=int, default=12)
    options = parser.parse_args()
    seeds = range(options.first_seed, options.first_seed + options.seeds)
    sources = {"real": real(need(options.data)), "simulated": simulated(seeds)}
    joined = {name: _joined(cells) for name, cells in sources.items()}
    head = ["contrast by brown under the contour", *(f"from {od:g} OD" for od in BROWN_OD)]
    shown = (Category.NONE, Category.FAINT, Category.WEAK_INCOMPLETE, Category.WEAK_COMPLETE)
    print(table(head, [row(name, c, cells) for c in shown for name, cells in joined.items()]))


if __name__ == "__main__":
    main()

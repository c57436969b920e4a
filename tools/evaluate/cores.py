"""The shared HER2 cores as whole cases: score, proportions and warnings.

python -m tools.evaluate.cores
"""

from __future__ import annotations

import argparse
from pathlib import Path

from armicro.assays.her2_ihc import Her2IhcRecipe, Reading, analyse
from armicro.contracts.cells import CATEGORIES
from armicro.contracts.frame import Frame, Optics
from armicro.scoring.case import FieldCells, summarise
from armicro.scoring.guidelines import load_guideline
from tools.evaluate.shared import SHARED_DATA, default_profile, detector_named, need, read_rgb, table

UM_PER_PX = 0.23
"""Nominal; the source states none."""


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--data", type=Path, default=SHARED_DATA, help="folder of the shared images")
    parser.add_argument("--detector", default="auto", help="as for armicro score")
    options = parser.parse_args()
    detector = detector_named(options.detector)
    folder = need(options.data) / "her2_tma"
    profile = default_profile()
    head = ["core", "reading", "cells", *(f"{c.key} %" for c in CATEGORIES), "gastric", "breast", "warnings"]
    rows = []
    for path in sorted(folder.iterdir()):
        frame = Frame(read_rgb(path), 0, 0, Optics(UM_PER_PX), path.name)
        for reading in Reading:
            result = analyse(frame, Her2IhcRecipe(profile, detector, reading))
            cells = [FieldCells.of(result)]
            scores = [
                summarise(cells, load_guideline(name)).score.score
                for name in ("gastric-2016-resection", "asco-cap-2018-breast")
            ]
            n = max(1, len(result.cells))
            shares = [f"{100 * k / n:.1f}" for k in result.counts().values()]
            warnings = "; ".join(result.quality.warnings)
            rows.append([path.name[:6], str(reading), len(result.cells), *shares, *scores, warnings])
    print(table(head, rows))


if __name__ == "__main__":
    main()

"""Two readings of the same tissue: how far two readers agree, which bounds what a detector can be asked.

    python -m tools.evaluate.readers

The second readings lie under `tests/data/nuclei/second_reading`, named like the crops of the first; where two
crops overlap, each reader's points in the common part are compared, once in either direction.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from armicro.contracts.arrays import F32
from tools.evaluate.shared import (
    EYE,
    MATCH_UM,
    OWN_POINTS,
    confusion,
    nearest_pairs,
    quadratic_kappa,
    table,
    within_one,
)

SIZE_PX = 400
RIM_PX = 8
"""Near a crop's edge the protocol has every point uncertain."""
UM_PER_PX = 0.23


@dataclass(frozen=True, slots=True)
class Reading:
    """One reader's points on a crop, in pixels of the whole image."""

    stem: str
    corner: tuple[int, int]
    yx_px: F32
    kind: list[str]
    category: list[str]


def load(path: Path) -> Reading:
    """Read a file of points; its name tells the crop's corner."""
    stem, y0, x0 = path.stem.rsplit("_", 2)
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    yx = np.array([[float(r["y_px"]), float(r["x_px"])] for r in rows], np.float32).reshape(-1, 2)
    return Reading(stem, (int(y0), int(x0)), yx, [r["kind"] for r in rows], [r["category"] for r in rows])


def common(a: Reading, b: Reading) -> tuple[int, int, int, int] | None:
    """Return the part that both crops show, without their rims: y0, y1, x0, x1; None where there is none."""
    y0, x0 = (max(a.corner[i], b.corner[i]) + RIM_PX for i in (0, 1))
    y1, x1 = (min(a.corner[i], b.corner[i]) + SIZE_PX - RIM_PX for i in (0, 1))
    return (y0, y1, x0, x1) if a.stem == b.stem and y1 - y0 > 50 and x1 - x0 > 50 else None


def inside(reading: Reading, part: tuple[int, int, int, int], kind: str) -> tuple[F32, list[str]]:
    """Return the points of one kind within a part, and their categories."""
    y0, y1, x0, x1 = part
    keep = [
        i
        for i, (y, x) in enumerate(reading.yx_px)
        if y0 <= y < y1 and x0 <= x < x1 and reading.kind[i] == kind
    ]
    return reading.yx_px[keep], [reading.category[i] for i in keep]


def main() -> None:
    """Print the table."""
    rows = []
    for path in sorted((OWN_POINTS / "second_reading").glob("*.csv")):
        second = load(path)
        for other in sorted(OWN_POINTS.glob(f"{second.stem}_*.csv")):
            first = load(other)
            part = common(first, second)
            if part is None:
                continue
            (yx_a, cat_a), (yx_b, cat_b) = inside(first, part, "T"), inside(second, part, "T")
            pairs = nearest_pairs(yx_a, yx_b, MATCH_UM / UM_PER_PX)
            both = [(EYE[cat_a[i]], EYE[cat_b[j]]) for i, j in pairs if cat_a[i] in EYE and cat_b[j] in EYE]
            truth, answer = (np.array(c, np.uint8) for c in zip(*both, strict=True))
            matrix = confusion(truth, answer)
            f1 = 2 * len(pairs) / (len(yx_a) + len(yx_b))
            figures = f"{f1:.3f}", f"{quadratic_kappa(matrix):.3f}", f"{within_one(matrix):.3f}"
            rows.append([f"{other.stem}: {part}", len(yx_a), len(yx_b), *figures])
    head = ["common part (y0, y1, x0, x1)", "nuclei, first", "second", "F1", "κ of categories", "within one"]
    print(table(head, rows))


if __name__ == "__main__":
    main()

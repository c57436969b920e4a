"""Fields made by hand: round cells on a grid, read-only, of every category."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest

from armicro.contracts.arrays import frozen
from armicro.contracts.cells import Category, CellTable, Nuclei, NucleusKind
from armicro.contracts.frame import Optics
from armicro.contracts.results import FovResult, MembraneMap, Provenance, Quality

K = 64
UM_PER_PX = 0.25
LEVEL = {
    Category.NONE: 0,
    Category.FAINT: 1,
    Category.WEAK_INCOMPLETE: 2,
    Category.WEAK_COMPLETE: 2,
    Category.INTENSE_INCOMPLETE: 3,
    Category.INTENSE_COMPLETE: 3,
}

MakeField = Callable[..., FovResult]


@pytest.fixture
def make_field() -> MakeField:
    """Build a field from cells as (y, x, category); incomplete cells are stained from angle 0 to 180°."""

    def make(
        cells: Sequence[tuple[float, float, Category]],
        shape: tuple[int, int] = (200, 300),
        radius_um: float = 7.5,
        counted: Sequence[bool] | None = None,
        others: Sequence[tuple[float, float]] = (),
        membrane: MembraneMap | None = None,
        contours: bool = True,
    ) -> FovResult:
        n = len(cells)
        category = np.array([c for _, _, c in cells], np.uint8)
        level = np.zeros((n, K if contours else 0), np.uint8)
        for row, (_, _, c) in enumerate(cells):
            complete = c in (Category.WEAK_COMPLETE, Category.INTENSE_COMPLETE)
            level[row, : K if complete else K // 2] = LEVEL[c]
        share = np.stack([(level >= t).sum(1) / K for t in (1, 2, 3)], 1).astype(np.float32)
        zeros = frozen(np.zeros(n, np.float32))
        table = CellTable(
            yx_px=frozen(np.array([(y, x) for y, x, _ in cells], np.float32).reshape(n, 2)),
            category=frozen(category),
            rule=frozen(np.zeros(n, np.uint8)),
            stained_share=frozen(share),
            membrane_dab_od=zeros,
            membrane_dab_p90_od=zeros,
            membrane_width_um=zeros,
            faint_asked_od=zeros,
            contour_um=frozen(np.full(level.shape, radius_um, np.float32)),
            contour_level=frozen(level),
            counted=frozen(np.ones(n, bool) if counted is None else np.array(counted, bool)),
        )
        points = frozen(np.array(others, np.float32).reshape(len(others), 2))
        provenance = Provenance(
            "0", 0, 0, "made by hand", Optics(UM_PER_PX), "profile 1", "none", "detector 1", "reading 1", {}
        )
        return FovResult(
            shape, table, Nuclei.at(points, NucleusKind.OTHER), membrane, Quality(1, 0, 1), provenance
        )

    return make

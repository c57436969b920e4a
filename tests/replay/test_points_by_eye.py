"""Agreement with points by eye, with thresholds tuned on other cores; skipped without the shared images."""

from __future__ import annotations

import numpy as np
import pytest

from armicro.contracts.arrays import I64
from armicro.contracts.stain import DabThresholds
from tools.evaluate.points import FAINT, INTENSE, WEAK, leave_one_core_out, marked, per_cell
from tools.evaluate.shared import SHARED_DATA, crops, default_profile, quadratic_kappa, within_one

pytestmark = [
    pytest.mark.shared_data,
    pytest.mark.slow,
    pytest.mark.skipif(
        not (SHARED_DATA / "points").is_dir(), reason="the shared real images are not beside the checkout"
    ),
]


def test_held_out_agreement_is_that_of_a_second_reader() -> None:
    grid = [DabThresholds(w, i, f) for f in FAINT[:2] for w in WEAK[:3] for i in INTENSE[1:4]]
    by_core: dict[str, list[dict[DabThresholds, I64]]] = {}
    for crop in crops(SHARED_DATA, default_profile(), [SHARED_DATA / "points"]):
        cells = marked(crop)
        if cells is not None:
            by_core.setdefault(cells.crop.core, []).append({t: per_cell(cells, t) for t in grid})
    matrix = np.sum([m for _, m in leave_one_core_out(by_core).values()], axis=0)
    assert matrix.sum() > 800
    assert quadratic_kappa(matrix) >= 0.82
    assert within_one(matrix) >= 0.90

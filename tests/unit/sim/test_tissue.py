from __future__ import annotations

import cv2
import numpy as np
import pytest

from armicro.sim.case import TissueParams
from armicro.sim.outlines import STEP_UM, CellShape
from armicro.sim.tissue import MIN_CLEARANCE, Tissue, grow


def contains(outline_um: np.ndarray, point_um: np.ndarray) -> bool:
    return cv2.pointPolygonTest(outline_um.astype(np.float32), [float(v) for v in point_um], False) > 0


def counted(tissue: Tissue) -> list[int]:
    return np.flatnonzero(tissue.has_nucleus).tolist()


def test_rings_are_closed_chains_of_neighbouring_samples(tissue: Tissue) -> None:
    for cell in counted(tissue):
        outline = tissue.outline_um(cell)
        step = np.hypot(*(np.roll(outline, -1, 0) - outline).T)
        assert step.max() < 3 * STEP_UM
        share = tissue.rings.share[tissue.rings.start[cell] : tissue.rings.start[cell + 1]]
        assert share.sum() == pytest.approx(1.0)


def test_nuclei_lie_whole_inside_their_own_cell_and_in_no_other(tissue: Tissue) -> None:
    nuclei = tissue.nuclei
    outlines = {c: tissue.outline_um(c) for c in counted(tissue)}
    middle = np.array([o.mean(0) for o in outlines.values()])
    cells = np.array(list(outlines))
    for cell, outline in outlines.items():
        centre = nuclei.yx_um[cell]
        near = cells[np.hypot(*(middle - centre).T) < 30]
        assert [c for c in near.tolist() if contains(outlines[c], centre)] == [cell]
        away = np.hypot(*(outline - centre).T).min()
        assert away >= 0.99 * nuclei.radii_um[cell, 1] * MIN_CLEARANCE


def test_sizes_are_those_of_tumour_cells(tissue: Tissue) -> None:
    cells = counted(tissue)
    diameter = 2 * np.sqrt(tissue.nuclei.radii_um[cells].prod(1))
    assert 5.5 < np.median(diameter) < 9.0
    area = np.array([cv2.contourArea(tissue.outline_um(c).astype(np.float32)) for c in cells])
    across = 2 * np.sqrt(area / np.pi)
    assert 10 < np.median(across) < 16
    columnar = [c for c in cells if tissue.net.shape[c] == CellShape.COLUMNAR]
    packed = [c for c in cells if tissue.net.shape[c] == CellShape.POLYGONAL]

    def elongation(cell: int) -> float:
        (_, sides, _) = cv2.minAreaRect(tissue.outline_um(cell).astype(np.float32))
        return max(sides) / min(sides)

    assert 1.9 < np.median([elongation(c) for c in columnar]) < 3.5
    assert np.median([elongation(c) for c in packed]) < 1.6


def test_all_three_shapes_and_lymphocytes_inside_the_epithelium_occur(tissue: Tissue) -> None:
    assert set(tissue.net.shape.tolist()) == {int(s) for s in CellShape}


def test_no_counted_nucleus_lies_in_a_lumen_and_no_other_one_in_a_tumour_cell(tissue: Tissue) -> None:
    outlines = [tissue.outline_um(c) for c in counted(tissue)]
    middle = np.array([o.mean(0) for o in outlines])
    for lumen in tissue.lumen_um:
        # Domes reach over the lumen's contour; nuclei do not.
        assert not any(contains(lumen, tissue.nuclei.yx_um[c]) for c in counted(tissue))
    for other in np.concatenate([tissue.lymphocytes.yx_um, tissue.spindles.yx_um]):
        near = np.flatnonzero(np.hypot(*(middle - other).T) < 30).tolist()
        assert not any(contains(outlines[i], other) for i in near)


def test_shared_borders_know_both_cells(tissue: Tissue) -> None:
    net, rings = tissue.net, tissue.rings
    twice = np.bincount(rings.sample, minlength=len(net.left))
    assert (twice == np.where(net.right >= 0, 2, 1)).all()
    ours = np.where(rings.cell == net.left[rings.sample], net.right[rings.sample], net.left[rings.sample])
    assert (rings.other == ours).all()
    packed = (net.shape == CellShape.POLYGONAL)[rings.cell]
    assert rings.share[packed & (rings.other >= 0)].sum() > 0.6 * rings.share[packed].sum()


def test_a_field_without_epithelium_has_no_cells() -> None:
    bare = grow((100.0, 100.0), TissueParams(epithelium_share=0.0), seed=1, index=0)
    assert len(bare.has_nucleus) == 0
    assert len(bare.spindles.yx_um) > 0

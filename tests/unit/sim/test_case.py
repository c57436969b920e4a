from __future__ import annotations

import csv
import io
import json
from dataclasses import replace

import cv2
import numpy as np
import pytest

from armicro.contracts.cells import CATEGORIES, Category
from armicro.sim.case import (
    EDGE_UM,
    TRUTH_COLUMNS,
    CaseParams,
    OpticsParams,
    SimulatedField,
    StainingParams,
    TissueParams,
    build_scene,
    case_truth,
    simulate_case,
    simulate_field,
    truth_csv,
)
from armicro.sim.staining import category_of


def test_same_seed_same_bytes_whatever_the_threads(params: CaseParams, field: SimulatedField) -> None:
    threads = cv2.getNumThreads()
    try:
        for n in (1, 4):
            cv2.setNumThreads(n)
            again = simulate_field(params, seed=8, index=0)
            assert again.rgb.tobytes() == field.rgb.tobytes()
            assert again.truth.stained_share.tobytes() == field.truth.stained_share.tobytes()
    finally:
        cv2.setNumThreads(threads)


def test_other_seeds_and_fields_are_other_tissue(params: CaseParams, field: SimulatedField) -> None:
    for seed, index in ((6, 0), (8, 1)):
        other = simulate_field(params, seed, index)
        assert other.truth.yx_px.tobytes() != field.truth.yx_px.tobytes()
        assert (other.rgb != field.rgb).mean() > 0.5


def test_a_case_is_its_fields(params: CaseParams, field: SimulatedField) -> None:
    fields = list(simulate_case(params, seed=8))
    assert [f.index for f in fields] == [0, 1]
    assert fields[0].rgb.tobytes() == field.rgb.tobytes()


def test_truth_is_the_same_in_um_at_two_scales() -> None:
    fine = CaseParams(um_per_px=0.212, shape_px=(800, 1000))
    coarse = replace(fine, um_per_px=0.424, shape_px=(400, 500))
    a, b = (simulate_field(p, seed=9, index=1) for p in (fine, coarse))
    assert len(a.truth) == len(b.truth) > 50
    np.testing.assert_allclose((a.truth.yx_px + 0.5) * 0.212, (b.truth.yx_px + 0.5) * 0.424, atol=1e-3)
    np.testing.assert_array_equal(a.truth.category, b.truth.category)
    np.testing.assert_array_equal(a.truth.stained_share, b.truth.stained_share)
    # The pictures show the same, too.
    small = cv2.resize(a.rgb, (500, 400), interpolation=cv2.INTER_AREA).astype(float)
    assert np.corrcoef(small.ravel(), b.rgb.ravel().astype(float))[0, 1] > 0.95


def test_the_picture_has_the_asked_shape_and_truth_lies_inside(field: SimulatedField) -> None:
    height, width = 720, 800
    assert field.rgb.shape == (height, width, 3)
    assert field.rgb.dtype == np.uint8
    assert len(field.truth) > 100
    for points in (field.truth.yx_px, field.others_yx_px):
        assert (points >= -0.5).all()
        assert (points < np.array([height, width]) - 0.5).all()
    to_edge = np.minimum(field.truth.yx_px + 0.5, np.array([height, width]) - 0.5 - field.truth.yx_px).min(1)
    np.testing.assert_array_equal(field.truth.edge, to_edge * field.um_per_px < EDGE_UM)
    np.testing.assert_array_equal(field.truth.category, category_of(field.truth.stained_share))


def test_nuclei_stand_out_blue_where_the_truth_says(field: SimulatedField) -> None:
    """The truth belongs to the picture: at its points it is darker in red than the median pixel."""
    y, x = np.round(field.truth.yx_px).astype(int).clip(0).T
    red = cv2.blur(field.rgb[..., 0], (5, 5))
    assert np.median(red[y, x]) < np.median(red) - 15
    moved = np.roll(red, 40, axis=1)
    assert np.median(moved[y, x]) > np.median(red[y, x]) + 10


def test_unstained_cases_hold_no_dense_brown() -> None:
    clean = CaseParams(
        mix={Category.NONE: 1.0},
        um_per_px=0.25,
        shape_px=(600, 600),
        tissue=TissueParams(specks_per_mm2=0.0),
        staining=StainingParams(blush_chance=0.0),
    )
    scene = build_scene(clean, seed=2, index=0)
    assert (scene.staining.level == 0).all()
    assert set(scene.truth.category.tolist()) == {int(Category.NONE)}
    # Brown takes blue light before red.
    assert (scene.mean_rgb[..., 2] - scene.mean_rgb[..., 0]).min() > -25


def test_the_csv_tells_each_cell(field: SimulatedField) -> None:
    rows = list(csv.DictReader(io.StringIO(truth_csv(field))))
    assert len(rows) == len(field.truth)
    assert tuple(rows[0]) == TRUTH_COLUMNS
    for row, category, yx in zip(rows, field.truth.category, field.truth.yx_px, strict=True):
        assert row["category"] == Category(int(category)).key
        assert float(row["y_px"]) == pytest.approx(yx[0], abs=0.006)
        assert float(row["x_um"]) == pytest.approx(yx[1] * field.um_per_px, abs=0.002)


def test_the_case_truth_sums_counts_and_says_it_is_simulated(params: CaseParams) -> None:
    fields = list(simulate_case(params, seed=8))
    told = json.loads(json.dumps(case_truth(params, 8, fields)))
    assert told["simulated"] is True
    assert told["seed"] == 8
    assert list(told["counts"]) == [c.key for c in CATEGORIES]
    assert told["n_cells"] == sum(len(f.truth) for f in fields) == sum(told["counts"].values())
    assert sum(told["proportions"].values()) == pytest.approx(1.0)
    for key, share in told["mix"].items():
        assert told["proportions"][key] == pytest.approx(share, abs=0.02)
    assert told["parameters"]["tissue"]["nest_spacing_um"] == params.tissue.nest_spacing_um


def test_a_case_without_cells_has_no_proportions() -> None:
    bare = CaseParams(um_per_px=0.25, shape_px=(200, 200), tissue=TissueParams(epithelium_share=0.0))
    field = simulate_field(bare, seed=1, index=0)
    assert len(field.truth) == 0
    told = case_truth(bare, 1, [field])
    assert told["n_cells"] == 0
    assert set(told["proportions"].values()) == {None}
    assert truth_csv(field).count("\n") == 1


def test_every_option_of_the_optics_at_once(params: CaseParams) -> None:
    optics = OpticsParams(defocus_um=0.4, uneven=0.3, full_well=3000, bayer=True)
    rough = simulate_field(replace(params, optics=optics, shape_px=(401, 403)), seed=8, index=0)
    assert rough.rgb.shape == (401, 403, 3)

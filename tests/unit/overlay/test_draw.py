from collections.abc import Callable
from dataclasses import replace
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from armicro.contracts.arrays import F64, U8, Bool, frozen
from armicro.contracts.cells import Category
from armicro.contracts.results import FovResult, MembraneMap
from armicro.imaging import parallel
from armicro.overlay.draw import compose, draw_overlay, straight_alpha
from armicro.overlay.labels import runs
from armicro.overlay.style import NEUTRAL, PALETTE, OverlayStyle

MakeField = Callable[..., FovResult]
PLAIN = OverlayStyle(legend=False, scale_bar=False)
ALL = [(50.0 + 100 * (i // 3), 50.0 + 100 * (i % 3), c) for i, c in enumerate(Category)]
UM_PER_PX = 0.25


def near(rgba: U8, rgb: tuple[int, int, int]) -> Bool:
    """Where the overlay shows about a colour at full strength."""
    alike: Bool = (np.abs(rgba[..., :3].astype(int) - rgb).max(-1) < 60) & (rgba[..., 3] > 200)
    return alike


def on_ring(rgba: U8, centre: tuple[float, float], radius_px: float, degrees: F64) -> Bool:
    """Whether something of the overlay's lines is within 2 px of a ring's points."""
    found = []
    for angle in np.deg2rad(degrees):
        y, x = round(centre[0] + radius_px * np.sin(angle)), round(centre[1] + radius_px * np.cos(angle))
        found.append(bool((rgba[y - 2 : y + 3, x - 2 : x + 3, 3] > 150).any()))
    return np.array(found)


def test_nothing_found_draws_nothing(make_field: MakeField) -> None:
    rgba = draw_overlay(make_field([]), PLAIN)
    assert rgba.shape == (200, 300, 4)
    assert rgba.dtype == np.uint8
    assert not rgba.any()


def test_colours_never_exceed_alpha(make_field: MakeField) -> None:
    field = make_field(ALL, others=[(100, 100)], counted=[True] * 5 + [False])
    for style in (OverlayStyle(), OverlayStyle(brightness=0.4)):
        rgba = draw_overlay(field, style)
        assert (rgba[..., :3].max(-1) <= rgba[..., 3]).all()


def test_same_result_same_picture(make_field: MakeField) -> None:
    field = make_field(ALL)
    assert np.array_equal(draw_overlay(field), draw_overlay(field))


@pytest.mark.parametrize("category", [Category.INTENSE_COMPLETE, Category.WEAK_COMPLETE])
def test_complete_is_a_full_ring_inside_the_contour(make_field: MakeField, category: Category) -> None:
    rgba = draw_overlay(make_field([(100, 150, category)]), PLAIN)
    inset_radius_px = (7.5 - PLAIN.inset_um) / UM_PER_PX
    assert on_ring(rgba, (100, 150), inset_radius_px, np.arange(0.0, 360, 5)).all()
    assert near(rgba, PALETTE[category]).sum() > 300


@pytest.mark.parametrize("category", [Category.INTENSE_INCOMPLETE, Category.WEAK_INCOMPLETE, Category.FAINT])
def test_incomplete_is_drawn_where_it_is_stained_only(make_field: MakeField, category: Category) -> None:
    rgba = draw_overlay(make_field([(100, 150, category)]), PLAIN)
    radius_px = (7.5 - PLAIN.inset_um) / UM_PER_PX
    assert on_ring(rgba, (100, 150), radius_px, np.arange(8.0, 172, 4)).all()
    assert not on_ring(rgba, (100, 150), radius_px, np.arange(190.0, 350, 4)).any()


def test_a_gap_in_a_complete_ring_is_closed_by_a_hairline(make_field: MakeField) -> None:
    field = make_field([(100, 150, Category.WEAK_COMPLETE)])
    level = field.cells.contour_level.copy()
    level[:, :8] = 0
    gap = replace(field, cells=replace(field.cells, contour_level=level))
    ring, gapped = draw_overlay(field, PLAIN), draw_overlay(gap, PLAIN)
    assert on_ring(gapped, (100, 150), 27.6, np.arange(0.0, 360, 5)).all()
    thin = near(gapped, PALETTE[Category.WEAK_COMPLETE]).sum()
    assert 0 < thin < near(ring, PALETTE[Category.WEAK_COMPLETE]).sum()


def test_weak_arcs_of_an_intense_cell_are_thin(make_field: MakeField) -> None:
    field = make_field([(100, 150, Category.INTENSE_COMPLETE)])
    level = field.cells.contour_level.copy()
    level[:, 32:] = 2
    mixed = replace(field, cells=replace(field.cells, contour_level=level))
    rgba = near(draw_overlay(mixed, replace(PLAIN, nuclei=False)), PALETTE[Category.INTENSE_COMPLETE])
    # Angle 0 is +x and angles turn towards +y, so the first half of the ring lies below the centre.
    assert rgba[101:].sum() > 1.3 * rgba[:99].sum() > 0


def test_an_intense_incomplete_cell_looks_broken_though_weakly_stained_all_around(
    make_field: MakeField,
) -> None:
    field = make_field([(100, 150, Category.INTENSE_INCOMPLETE)])
    level = np.maximum(field.cells.contour_level, 2)
    around = replace(field, cells=replace(field.cells, contour_level=level))
    assert np.array_equal(draw_overlay(around, PLAIN), draw_overlay(field, PLAIN))


def test_thick_is_intense_and_thin_is_weak(make_field: MakeField) -> None:
    def area(category: Category) -> int:
        field = make_field([(100, 150, category)])
        return int((draw_overlay(field, PLAIN)[..., 3] > 200).sum())

    assert area(Category.INTENSE_COMPLETE) > 1.3 * area(Category.WEAK_COMPLETE)
    assert area(Category.INTENSE_INCOMPLETE) > 1.3 * area(Category.WEAK_INCOMPLETE)
    assert area(Category.WEAK_INCOMPLETE) > 1.3 * area(Category.FAINT) > area(Category.NONE) > 0


def test_the_cell_between_nucleus_and_membrane_stays_free(make_field: MakeField) -> None:
    alpha = draw_overlay(make_field([(100, 150, Category.INTENSE_COMPLETE)]), PLAIN)[..., 3]
    y, x = np.mgrid[:200, :300]
    away = np.hypot(y - 100, x - 150)
    assert not alpha[(away > 6) & (away < 22)].any()
    assert not alpha[away > 34].any()


def test_no_staining_is_a_dot(make_field: MakeField) -> None:
    rgba = draw_overlay(make_field([(100, 150, Category.NONE)]), PLAIN)
    rows, columns = np.nonzero(rgba[..., 3])
    assert max(np.ptp(rows), np.ptp(columns)) <= 9
    assert rgba[100, 150].tolist() == [*PALETTE[Category.NONE], 255]


def test_excluded_cells_are_grey(make_field: MakeField) -> None:
    rgba = draw_overlay(make_field([(100, 150, Category.INTENSE_COMPLETE)], counted=[False]), PLAIN)
    shown = rgba[..., :3][rgba[..., 3] > 0].astype(int)
    assert np.ptp(shown, axis=-1).max() <= 1
    assert near(rgba, NEUTRAL).any()


def test_others_are_small_and_can_be_left_out(make_field: MakeField) -> None:
    field = make_field([], others=[(100, 150)])
    assert 0 < (draw_overlay(field, PLAIN)[..., 3] > 0).sum() <= 60
    assert not draw_overlay(field, replace(PLAIN, others=False)).any()


def test_nuclei_and_contours_can_be_left_out(make_field: MakeField) -> None:
    field = make_field(ALL)
    assert not draw_overlay(field, replace(PLAIN, nuclei=False, contours=False)).any()
    lines = draw_overlay(field, replace(PLAIN, nuclei=False))
    points = draw_overlay(field, replace(PLAIN, contours=False))
    assert lines.any()
    assert points.any()
    assert not lines[100 - 4 : 100 + 5, 148:153].any()


def test_brightness_dims_and_zero_is_blank(make_field: MakeField) -> None:
    field = make_field(ALL)
    full, half = draw_overlay(field), draw_overlay(field, OverlayStyle(brightness=0.5))
    assert np.abs(half.astype(int) * 2 - full).max() <= 1
    assert not draw_overlay(field, OverlayStyle(brightness=0.0)).any()


def test_cells_at_and_beyond_the_edge_are_cut_off(make_field: MakeField) -> None:
    cells = [
        (0, 0, Category.INTENSE_COMPLETE),
        (199, 299, Category.NONE),
        (-500, 900, Category.WEAK_COMPLETE),
    ]
    rgba = draw_overlay(make_field(cells, others=[(-1, 4), (199, 299)]), PLAIN)
    assert rgba.shape == (200, 300, 4)
    assert rgba.any()


def test_contours_of_no_length_are_not_drawn(make_field: MakeField) -> None:
    field = make_field([(100, 150, Category.INTENSE_COMPLETE)], radius_um=0.0)
    assert not draw_overlay(field, replace(PLAIN, nuclei=False)).any()


@pytest.mark.parametrize("scale", [0.37, 2.0])
def test_scale_sets_the_size_but_not_the_width_of_lines(make_field: MakeField, scale: float) -> None:
    style = replace(PLAIN, scale=scale, nuclei=False)
    rgba = draw_overlay(make_field([(100, 150, Category.INTENSE_COMPLETE)]), style)
    assert rgba.shape == (round(200 * scale), round(300 * scale), 4)
    radius = (7.5 - style.inset_um) / UM_PER_PX * scale
    centre = ((100.5) * scale - 0.5, (150.5) * scale - 0.5)
    assert on_ring(rgba, centre, radius, np.arange(0.0, 360, 10)).all()
    area = (rgba[..., :3].max(-1) > 128).sum()
    assert area == pytest.approx(2 * np.pi * radius * style.intense_px, rel=0.25)


def test_strips_leave_no_seam(make_field: MakeField, monkeypatch: pytest.MonkeyPatch) -> None:
    field = make_field(ALL, others=[(100, 100)])
    whole = draw_overlay(field)
    for rows in (7, 64, 1000):
        monkeypatch.setattr(parallel, "STRIP_PX", rows * field.shape[1])
        assert np.array_equal(draw_overlay(field), whole)


def skeleton_field(make_field: MakeField, scale_cells: bool = True) -> FovResult:
    skeleton = np.zeros((100, 150), np.uint8)
    skeleton[20, 10:40], skeleton[40, 10:40], skeleton[60, 10:40], skeleton[80, 10:40] = 1, 2, 3, 4
    membrane = MembraneMap(frozen(np.zeros_like(skeleton)), frozen(skeleton), 0.5, 2)
    cells = [(100.0, 200.0 + 25 * i, c) for i, c in enumerate(Category)] if scale_cells else []
    return make_field(cells, membrane=membrane, contours=False, shape=(200, 360))


def test_without_contours_the_skeleton_is_drawn(make_field: MakeField) -> None:
    rgba = draw_overlay(skeleton_field(make_field, scale_cells=False), PLAIN)
    order = [
        Category.WEAK_INCOMPLETE,
        Category.WEAK_COMPLETE,
        Category.INTENSE_INCOMPLETE,
        Category.INTENSE_COMPLETE,
    ]
    for i, category in enumerate(order):
        # Row r of the map covers rows 2 r and 2 r + 1 of the field.
        rows = np.all(near(rgba[40 * i + 37 : 40 * i + 46, 22:78], PALETTE[category]), axis=1, keepdims=True)
        assert rows[3:5].any()
        assert 1 <= rows.sum() <= 4
    assert not rgba[:, 100:].any()


@pytest.mark.parametrize("scale", [0.4, 0.5, 1.7])
def test_the_skeleton_holds_together_at_every_scale(make_field: MakeField, scale: float) -> None:
    rgba = draw_overlay(skeleton_field(make_field, scale_cells=False), replace(PLAIN, scale=scale))
    row = round(161 * scale)
    columns = rgba[row - 1 : row + 2, round(22 * scale) : round(78 * scale), 0].max(axis=0)
    assert (columns > 150).all()


def test_without_contours_nuclei_take_the_shape_of_their_category(make_field: MakeField) -> None:
    rgba = draw_overlay(skeleton_field(make_field), PLAIN)
    size = [(rgba[85:116, 188 + 25 * i : 213 + 25 * i, 3] > 0).sum() for i in range(len(Category))]
    assert size[Category.NONE] < size[Category.FAINT] < size[Category.WEAK_INCOMPLETE]
    assert size[Category.WEAK_INCOMPLETE] < size[Category.WEAK_COMPLETE] < size[Category.INTENSE_COMPLETE]


@given(st.integers(1, 5), st.integers(2, 12), st.randoms(use_true_random=False))
def test_runs_are_the_arcs_that_are_on(n: int, k: int, random: Random) -> None:
    on = np.array([[random.random() < 0.5 for _ in range(k)] for _ in range(n)])
    on[on.all(axis=1), 0] = False
    corner = np.arange(k)
    corners = np.zeros((n, 2 * k + 1, 2), np.int32)
    corners[..., 0] = np.arange(n)[:, None]
    corners[..., 1] = np.concatenate([corner, corner, [0]])
    found = np.zeros_like(on)
    for run in runs(corners, on, np.arange(n)):
        assert (np.diff(run[:, 1]) % k == 1 % k).all()
        assert not found[run[0, 0], run[:-1, 1]].any()
        found[run[0, 0], run[:-1, 1]] = True
    assert np.array_equal(found, on)


def test_compose_keeps_what_is_under_a_clear_overlay() -> None:
    rng = np.random.default_rng(1)
    rgb = frozen(rng.integers(0, 256, (130, 40, 3), dtype=np.uint8))
    assert np.array_equal(compose(rgb, frozen(np.zeros((130, 40, 4), np.uint8))), rgb)


def test_compose_blends_by_alpha() -> None:
    rgb = np.full((3, 3, 3), 200, np.uint8)
    rgba = np.zeros((3, 3, 4), np.uint8)
    rgba[0, 0], rgba[1, 1] = (255, 0, 0, 255), (0, 64, 0, 128)
    out = compose(rgb, rgba)
    assert out[0, 0].tolist() == [255, 0, 0]
    assert out[1, 1].tolist() == [100, 164, 100]
    assert out[2, 2].tolist() == [200, 200, 200]


def test_shapes_that_do_not_fit_are_refused() -> None:
    rgb, rgba = np.zeros((4, 4, 3), np.uint8), np.zeros((4, 5, 4), np.uint8)
    with pytest.raises(ValueError, match=r"expected uint8 \(4, 4, 4\), got uint8 \(4, 5, 4\)"):
        compose(rgb, rgba)


def test_straight_alpha_gives_back_the_colour() -> None:
    colour = np.array(PALETTE[Category.INTENSE_COMPLETE])
    rgba = np.zeros((1, 256, 4), np.uint8)
    rgba[0, :, 3] = np.arange(256)
    rgba[0, :, :3] = np.rint(colour * np.arange(256)[:, None] / 255)
    straight = straight_alpha(frozen(rgba))
    assert np.array_equal(straight[..., 3], rgba[..., 3])
    assert np.abs(straight[0, 40:, :3].astype(int) - colour).max() <= 6
    assert not straight[0, 0].any()

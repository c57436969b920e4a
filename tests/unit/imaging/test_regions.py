"""Regions: the even-odd test, its borders, holes, exclusions, and regions of another image."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from armicro.contracts.arrays import F64, frozen
from armicro.contracts.errors import RegionError
from armicro.imaging.regions import Polygon, Regions, inside, require_within


def ring(*yx: tuple[float, float]) -> F64:
    return np.array(yx, dtype=np.float64)


def box(y0: float, x0: float, y1: float, x1: float) -> F64:
    return ring((y0, x0), (y0, x1), (y1, x1), (y1, x0))


POINTS = hnp.arrays(np.float64, (40, 2), elements=st.floats(-20, 120, allow_nan=False))
GRID = np.argwhere(np.ones((100, 100), bool)).astype(np.float64)


def test_no_regions_means_everywhere() -> None:
    assert inside(GRID, Regions()).all()


def test_a_box_holds_its_left_and_upper_border_only() -> None:
    found = inside(GRID, Regions((Polygon((box(10, 20, 30, 50),)),))).reshape(100, 100)
    expected = np.zeros((100, 100), bool)
    expected[10:30, 20:50] = True
    np.testing.assert_array_equal(found, expected)


def test_hole_and_exclusion_take_away() -> None:
    ringed = Polygon((box(0, 0, 60, 60), box(20, 20, 40, 40)))
    out = Polygon((box(50, 0, 60, 60),))
    points = ring((10, 10), (30, 30), (55, 10), (70, 70))
    assert inside(points, Regions((ringed,), (out,))).tolist() == [True, False, False, False]
    assert inside(points, Regions((), (out,))).tolist() == [True, True, False, True]


def test_an_eight_is_inside_in_both_loops_and_a_double_winding_is_not() -> None:
    eight = Polygon((ring((0, 0), (0, 10), (20, 0), (20, 10)),))
    assert inside(ring((2, 5), (18, 5), (10, 1)), Regions((eight,))).tolist() == [True, True, False]
    twice = np.concatenate([box(0, 0, 30, 30), box(5, 5, 15, 15)])
    assert inside(ring((20, 20), (10, 10)), Regions((Polygon((twice,)),))).tolist() == [True, False]


@given(POINTS)
def test_areas_that_share_a_border_share_no_point_and_leave_none_out(points: F64) -> None:
    # Two triangles of one box, whose common edge is slanted and has awkward coordinates.
    a = Polygon((ring((0.1, 0.3), (0.1, 99.7), (97.3, 99.7)),))
    b = Polygon((ring((0.1, 0.3), (97.3, 99.7), (97.3, 0.3)),))
    whole = Polygon((box(0.1, 0.3, 97.3, 99.7),))
    on_edge = np.linspace(0, 1, 30)[:, None] * np.array([[97.2, 99.4]]) + [[0.1, 0.3]]
    points = np.concatenate([points, on_edge])
    in_a, in_b = inside(points, Regions((a,))), inside(points, Regions((b,)))
    assert not (in_a & in_b).any()
    np.testing.assert_array_equal(in_a | in_b, inside(points, Regions((whole,))))


@given(
    hnp.arrays(np.float64, (9, 2), elements=st.integers(0, 50).map(float)), st.integers(0, 8), st.booleans()
)
def test_winding_and_first_vertex_do_not_matter(vertices: F64, shift: int, turn: bool) -> None:
    if np.ptp(vertices, axis=0).min() <= 0:
        return
    other = np.roll(vertices[::-1] if turn else vertices, shift, axis=0)
    np.testing.assert_array_equal(
        inside(GRID, Regions((Polygon((vertices,)),))),
        inside(GRID, Regions((Polygon((np.ascontiguousarray(other),)),))),
    )


@given(POINTS)
def test_agrees_with_the_formula_of_a_circle(points: F64) -> None:
    angle = np.linspace(0, 2 * np.pi, 2000, endpoint=False)
    circle = np.stack([50 + 40 * np.sin(angle), 50 + 40 * np.cos(angle)], axis=1)
    radius = np.hypot(points[:, 0] - 50, points[:, 1] - 50)
    clear = np.abs(radius - 40) > 0.01
    found = inside(points, Regions((Polygon((circle,)),)))
    np.testing.assert_array_equal(found[clear], radius[clear] < 40)


def test_reads_float32_and_writes_nothing() -> None:
    points = frozen(GRID.astype(np.float32))
    assert inside(points, Regions((Polygon((frozen(box(0, 0, 10, 10)),)),))).sum() == 100


def test_no_points_give_no_answers() -> None:
    assert inside(np.empty((0, 2)), Regions((Polygon((box(0, 0, 9, 9),)),))).shape == (0,)


@pytest.mark.parametrize(
    ("vertices", "message"),
    [
        (ring((0, 0), (1, 1)), "at least 3"),
        (ring((0, 0), (0, 5), (0, 9)), "no area"),
        (ring((0, 0), (0, np.nan), (4, 9)), "finite"),
    ],
)
def test_a_ring_without_area_is_refused(vertices: F64, message: str) -> None:
    with pytest.raises(RegionError, match=message):
        Polygon((vertices,))


@pytest.mark.parametrize(
    "outline",
    [
        box(-5, -5, 200, 300),  # the whole field inside the region
        box(10, 10, 20, 20),  # the region inside the field
        box(-50, 40, 150, 60),  # a band across: no vertex inside, no corner covered
        ring((-10, 50), (50, -10), (50, -50)),  # cuts a corner
    ],
)
def test_regions_that_touch_the_field_pass(outline: F64) -> None:
    require_within(Regions((Polygon((outline,)),)), (100, 120))


@pytest.mark.parametrize(
    "outline",
    [
        box(100, 0, 110, 10),
        box(0, 500, 10, 600),
        ring((-80, 80), (60, -70), (-50, -60)),  # its bounding box overlaps, its area does not
    ],
)
@pytest.mark.parametrize("excluded", [False, True])
def test_a_region_of_another_image_is_refused(outline: F64, excluded: bool) -> None:
    polygon = (Polygon((outline,)),)
    regions = Regions((), polygon) if excluded else Regions(polygon)
    with pytest.raises(RegionError, match="outside the field of 120 × 100 px"):
        require_within(regions, (100, 120))

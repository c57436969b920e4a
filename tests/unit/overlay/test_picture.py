from collections.abc import Callable

import numpy as np
import pytest

from armicro.contracts.arrays import frozen
from armicro.contracts.cells import Category
from armicro.contracts.results import FovResult, MembraneMap
from armicro.overlay.picture import CROP_UM, OVERVIEW_PX, best_window, cut, field_picture

MakeField = Callable[..., FovResult]
NONE, STRONG = Category.NONE, Category.INTENSE_COMPLETE


def test_the_window_lies_where_most_cells_are(make_field: MakeField) -> None:
    crowd = [(700.0 + 20 * i, 900.0 + 20 * j, NONE) for i in range(5) for j in range(5)]
    field = make_field([(50, 50, NONE), (60, 90, NONE), *crowd], shape=(1000, 1200))
    y, x, height, width = best_window(field, 200)
    assert (height, width) == (200, 200)
    assert y <= 700
    assert y + 200 > 780
    assert x <= 900
    assert x + 200 > 980


def test_stained_cells_count_twice(make_field: MakeField) -> None:
    unstained = [(100.0, 100.0 + 10 * i, NONE) for i in range(3)]
    stained = [(800.0, 900.0 + 10 * i, STRONG) for i in range(2)]
    y, x, *_ = best_window(make_field([*unstained, *stained], shape=(1000, 1200)), 100)
    assert y > 700
    assert x > 800


def test_cells_that_take_no_part_are_passed_over(make_field: MakeField) -> None:
    cells = [(100, 100, STRONG), (100, 120, STRONG), (800, 800, NONE)]
    y, *_ = best_window(make_field(cells, shape=(1000, 1200), counted=[False, False, True]), 100)
    assert y > 600


def test_without_cells_the_middle_is_shown(make_field: MakeField) -> None:
    assert best_window(make_field([], shape=(1000, 1200)), 200) == (400, 500, 200, 200)


def test_the_window_is_no_larger_than_the_field(make_field: MakeField) -> None:
    assert best_window(make_field([(5, 5, STRONG)], shape=(90, 300)), 400) == (0, 0, 90, 300)


def test_the_window_begins_on_a_pixel_of_the_membrane_map(make_field: MakeField) -> None:
    rng = np.random.default_rng(3)
    plane = frozen(np.zeros((334, 334), np.uint8))
    for _ in range(20):
        cells = [(float(y), float(x), STRONG) for y, x in rng.uniform(0, 1000, (9, 2))]
        field = make_field(cells, shape=(1000, 1000), membrane=MembraneMap(plane, plane, 0.75, 3))
        y, x, *_ = best_window(field, 101)
        assert (y % 3, x % 3) == (0, 0)


def test_a_cut_result_lies_as_the_cut_picture_does(make_field: MakeField) -> None:
    skeleton = np.zeros((100, 150), np.uint8)
    skeleton[30, 40] = 4
    membrane = MembraneMap(frozen(np.zeros_like(skeleton)), frozen(skeleton), 0.5, 2)
    part = cut(make_field([(62, 84, STRONG)], membrane=membrane, others=[(70, 90)]), (50, 60, 41, 60))
    assert part.shape == (41, 60)
    assert part.cells.yx_px.tolist() == [[12, 24]]
    assert part.others.yx_px.tolist() == [[20, 30]]
    assert part.membrane is not None
    assert part.membrane.skeleton.shape == (21, 30)
    assert part.membrane.skeleton[5, 10] == 4


@pytest.mark.parametrize("shape", [(300, 500), (1400, 2100)])
def test_pictures_show_the_field_and_its_best_part(make_field: MakeField, shape: tuple[int, int]) -> None:
    rng = np.random.default_rng(4)
    rgb = frozen(rng.integers(150, 256, (*shape, 3), dtype=np.uint8))
    picture = field_picture("a.png", rgb, make_field([(150, 250, STRONG)], shape=shape))
    assert max(picture.plain.shape) == min(max(shape), OVERVIEW_PX)
    assert picture.um_per_px * picture.plain.shape[1] == pytest.approx(0.25 * shape[1], rel=0.01)
    side_px = min(round(CROP_UM / 0.25), *shape)
    assert picture.crop_um_per_px * picture.crop_plain.shape[0] == pytest.approx(0.25 * side_px, rel=0.01)
    for plain, overlaid in ((picture.plain, picture.overlaid), (picture.crop_plain, picture.crop_overlaid)):
        changed = (plain != overlaid).any(-1)
        assert 0 < changed.mean() < 0.2


def test_a_picture_of_another_field_is_refused(make_field: MakeField) -> None:
    with pytest.raises(ValueError, match=r"expected uint8 \(200, 300, 3\)"):
        field_picture("a.png", np.zeros((9, 9, 3), np.uint8), make_field([]))

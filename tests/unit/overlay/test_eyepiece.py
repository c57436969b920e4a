"""Light for the eyepiece: black is transparent, what is stale is not shown, shapes tell categories."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from armicro.contracts.arrays import F32, U8
from armicro.contracts.cells import CATEGORIES, Category
from armicro.contracts.errors import AlignmentError
from armicro.contracts.eyepiece import ANY_OBJECTIVE, EyepieceCalibration
from armicro.contracts.results import FovResult
from armicro.overlay.eyepiece import EYEPIECE_PALETTE, EyepieceStyle, draw_cells
from armicro.overlay.eyepiece_damping import damp
from armicro.overlay.eyepiece_geometry import EyepieceGeometry
from armicro.overlay.eyepiece_picture import EyepieceDisplay, draw_eyepiece
from armicro.overlay.eyepiece_rim import ALARM, INK, Rim, draw_rim, read_out, write_line
from armicro.overlay.eyepiece_show import FLASH_NS, EyepieceShow, Shows, Sight
from armicro.overlay.eyepiece_sum import simulate_sum, sum_in_view
from armicro.scoring.case import FieldCells, summarise
from armicro.scoring.guidelines import load_guideline

DISPLAY = (400, 640)
FIELD = (200, 300)
GEOMETRY = EyepieceGeometry.fitted(FIELD, DISPLAY)

ResultWith = Callable[[list[Category], list[tuple[float, float]]], FovResult]


@pytest.fixture
def result_with(make_field: Callable[..., FovResult]) -> ResultWith:
    return lambda categories, yx: make_field([(y, x, c) for (y, x), c in zip(yx, categories, strict=True)])


def ink(canvas: U8) -> F32:
    brightest: F32 = canvas.max(axis=2).astype(np.float32)
    return brightest


def test_nothing_is_black(result_with: ResultWith) -> None:
    empty = result_with([], [])
    assert not draw_cells(empty, GEOMETRY, EyepieceStyle()).any()
    one = result_with([Category.INTENSE_COMPLETE], [(100, 150)])
    assert not draw_cells(one, GEOMETRY, EyepieceStyle(brightness=0)).any()


@pytest.mark.parametrize("category", CATEGORIES)
def test_each_category_is_drawn_around_its_nucleus_in_its_colour(
    category: Category, result_with: ResultWith
) -> None:
    canvas = draw_cells(result_with([category], [(100, 150)]), GEOMETRY, EyepieceStyle())
    ys, xs = np.nonzero(ink(canvas))
    y, x = GEOMETRY.to_display(np.array([100.0, 150.0]))
    assert abs(ys.mean() - y) < 1.5
    assert abs(xs.mean() - x) < 1.5
    brightest = canvas[ink(canvas) == ink(canvas).max()][0].astype(float)
    wanted = np.array(EYEPIECE_PALETTE[category], float)
    assert np.allclose(brightest / brightest.max(), wanted / wanted.max(), atol=0.1)
    centre = canvas[round(y) - 1 : round(y) + 3, round(x) - 1 : round(x) + 3]
    assert centre.any() == (category is Category.NONE)


def test_shapes_tell_categories_without_colour(result_with: ResultWith) -> None:
    area = {
        c: int((ink(draw_cells(result_with([c], [(100, 150)]), GEOMETRY, EyepieceStyle())) > 60).sum())
        for c in CATEGORIES
    }
    assert area[Category.INTENSE_COMPLETE] > 1.3 * area[Category.INTENSE_INCOMPLETE]
    assert area[Category.INTENSE_COMPLETE] > 1.5 * area[Category.WEAK_COMPLETE]
    assert area[Category.WEAK_COMPLETE] > 1.3 * area[Category.WEAK_INCOMPLETE]
    assert area[Category.WEAK_INCOMPLETE] > area[Category.FAINT] > area[Category.NONE] > 0


def test_cells_outside_the_visible_circle_are_dropped_or_dim(result_with: ResultWith) -> None:
    outside = result_with([Category.INTENSE_COMPLETE], [(10, 10)])
    assert not draw_cells(outside, GEOMETRY, EyepieceStyle()).any()
    dim = draw_cells(outside, GEOMETRY, EyepieceStyle(outside="dimmed"))
    assert 0 < dim.max() < 128


def test_uncounted_cells_are_not_drawn(result_with: ResultWith) -> None:
    one = result_with([Category.INTENSE_COMPLETE], [(100, 150)])
    cells = replace(one.cells, counted=np.zeros(1, np.bool_))
    assert not draw_cells(replace(one, cells=cells), GEOMETRY, EyepieceStyle()).any()


def test_a_field_of_another_shape_is_refused(result_with: ResultWith) -> None:
    with pytest.raises(ValueError, match="geometry"):
        draw_cells(result_with([], []), EyepieceGeometry.fitted((100, 100), DISPLAY), EyepieceStyle())


def test_a_calibration_maps_and_refuses_another_format() -> None:
    matrix = ((0.9, 0.05, 12.0), (-0.05, 0.9, 30.0), (1e-5, -2e-5, 1.0))
    calibration = EyepieceCalibration(
        "e", "1", "e/1", ANY_OBJECTIVE, FIELD, DISPLAY, matrix, (100, 150), 90, 0.5,
        "2026-11-01", "2027-11-01", "me",
    )  # fmt: skip
    whole = EyepieceGeometry.of(calibration, FIELD)
    half = EyepieceGeometry.of(calibration, (100, 150))
    at = np.array([[50.0, 70.0], [120.0, 31.0]])
    np.testing.assert_allclose(whole.to_field(whole.to_display(at)), at, atol=1e-9)
    # The centre of a binned pixel lies between the four that it was made of.
    np.testing.assert_allclose(half.to_display(at), whole.to_display(2 * at + 0.5), atol=1e-9)
    with pytest.raises(AlignmentError, match="align again"):
        EyepieceGeometry.of(calibration, (200, 200))


def test_the_rim_tells_a_fault_even_when_dark() -> None:
    canvas = np.zeros((*DISPLAY, 3), np.uint8)
    draw_rim(canvas, Rim(fault="camera lost"), GEOMETRY, EyepieceStyle(brightness=0))
    assert canvas[..., 0].max() >= 120
    assert not canvas[..., 1:].any()
    assert ALARM[0] == 255


def test_the_line_stays_in_the_lower_third_and_the_middle_is_free() -> None:
    canvas = np.zeros((*DISPLAY, 3), np.uint8)
    rim = Rim(line="2+   IC 8.4 %   6 fields", research_use=True)
    draw_rim(canvas, rim, GEOMETRY, EyepieceStyle(text_px=12))
    y, x, radius = GEOMETRY.display_circle
    yy, xx = np.nonzero(ink(canvas))
    assert (np.hypot(yy - y, xx - x) > 0.7 * radius).all()
    assert (canvas.reshape(-1, 3) @ np.array([1, 0, 1]) == 0).all()
    assert INK == (0, 255, 0)


def test_the_read_out_names_the_cut_off() -> None:
    cells = FieldCells(np.zeros((100, 2), np.float32), np.repeat([5, 0], [8, 92]).astype(np.uint8))
    line = read_out(summarise([cells], load_guideline("asco-cap-2018-breast"), seed=0))
    assert line.startswith("2+   IC 8.0 %  (3+ at > 10 %)")
    assert line.endswith("1 field · 100 cells")
    assert read_out(None) == ""


def test_the_sum_is_the_specimen_where_the_display_is_black() -> None:
    rgb = np.full((*FIELD, 3), 200, np.uint8)
    dark = np.zeros((*DISPLAY, 3), np.uint8)
    seen = simulate_sum(rgb, dark, 1.0, GEOMETRY, 1e-6)
    y, x, _ = GEOMETRY.display_circle
    assert np.abs(seen[round(y), round(x)].astype(int) - 200).max() <= 2
    assert not seen[0, 0].any()
    bright = dark.copy()
    bright[round(y), round(x)] = 255
    assert (simulate_sum(rgb, bright, 0.7, GEOMETRY)[round(y), round(x)] > seen[round(y), round(x)]).all()


def test_no_sign_of_the_read_out_is_written_as_a_box() -> None:
    def written(text: str) -> U8:
        canvas: U8 = np.zeros((60, 400, 3), np.uint8)
        write_line(canvas, text, (30, 200), 24, INK)
        return canvas

    box = written("\uffff")
    for sign in "≥≤µ×–…<>%·°":
        assert not np.array_equal(written(sign), box), sign
    assert np.array_equal(written("IC ≥ 10 %"), written("IC >= 10 %"))


def test_the_operators_view_is_the_display_seen_from_the_field(result_with: ResultWith) -> None:
    rng = np.random.default_rng(3)
    rgb = rng.integers(90, 250, (*FIELD, 3), dtype=np.uint8)
    field = result_with([Category.INTENSE_COMPLETE, Category.WEAK_INCOMPLETE], [(100, 150), (60, 200)])
    shows = Shows(field, Rim("2+   1 field", research_use=True))
    same = EyepieceDisplay(FIELD)
    drawn = draw_eyepiece(shows, same, FIELD)
    # Display, field and view of one size: what the operator sees is then the sum itself, to the pixel.
    view = sum_in_view(rgb, drawn.rgb, drawn.geometry, np.eye(3), 0.7)
    assert np.abs(view.astype(int) - simulate_sum(rgb, drawn.rgb, 0.7, drawn.geometry)).max() <= 1


def test_light_on_the_operators_view_lies_where_the_alignment_puts_it() -> None:
    turn = np.radians(10)
    matrix = np.array([[1.5 * np.cos(turn), -1.5 * np.sin(turn), 90.0],
                       [1.5 * np.sin(turn), 1.5 * np.cos(turn), 20.0], [1e-5, 0, 1]])  # fmt: skip
    geometry = EyepieceGeometry(matrix, FIELD, DISPLAY, (99.5, 149.5), 95.0)
    for place in ((60.0, 120.0), (120.0, 190.0)):
        light: U8 = np.zeros((*DISPLAY, 3), np.uint8)
        y, x = geometry.to_display(np.array(place))
        light[round(y) - 2 : round(y) + 3, round(x) - 2 : round(x) + 3] = 255
        grey = np.full((100, 150, 3), 60, np.uint8)
        half = np.array([[0.5, 0, -0.25], [0, 0.5, -0.25], [0, 0, 1]])
        seen = ink(sum_in_view(grey, light, geometry, half, 0.7))
        ys, xs = np.nonzero(seen > seen[50, 75] + 30)
        assert np.hypot(2 * ys.mean() + 0.5 - place[0], 2 * xs.mean() + 0.5 - place[1]) < 1.5
        assert not seen[0, 0]


def test_an_alignment_that_does_not_fit_shows_no_cell_and_says_so(result_with: ResultWith) -> None:
    as_it_is = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))
    calibration = EyepieceCalibration(
        "e", "1", "e/1", ANY_OBJECTIVE, FIELD, (480, 640), as_it_is, (100, 150), 90,
        0.5, "2026-11-01", "2027-11-01", "me",
    )  # fmt: skip
    shows = Shows(result_with([Category.INTENSE_COMPLETE], [(100, 150)]), Rim("1 field"))
    fitting = draw_eyepiece(shows, EyepieceDisplay((480, 640), calibration), FIELD)
    assert fitting.shows is shows
    assert fitting.rgb.any()
    other = draw_eyepiece(shows, EyepieceDisplay(DISPLAY, calibration), FIELD)
    assert (other.shows.result, other.shows.rim.fault) == (None, "align eyepiece anew")
    assert not (other.rgb[..., 1] > 100).any()


# -- damping


def test_a_category_changes_only_when_two_readings_agree(result_with: ResultWith) -> None:
    at = [(100.0, 150.0)]
    faint, weak = result_with([Category.FAINT], at), result_with([Category.WEAK_COMPLETE], at)
    shown, memory = damp(faint, None)
    assert shown.cells.category[0] == Category.FAINT
    shown, memory = damp(weak, memory)
    assert shown.cells.category[0] == Category.FAINT
    shown, memory = damp(faint, memory)
    assert shown.cells.category[0] == Category.FAINT
    shown, memory = damp(weak, memory)
    shown, memory = damp(weak, memory)
    assert shown.cells.category[0] == Category.WEAK_COMPLETE


# -- what is shown


def test_what_no_longer_holds_is_not_shown(result_with: ResultWith) -> None:
    one = result_with([Category.FAINT], [(100, 150)])
    show = EyepieceShow()
    assert show.at(Sight(result=one), 0).result is not None
    assert show.at(Sight(result=None), 1).is_empty
    assert show.at(Sight(result=one, wanted=False), 2).is_empty
    shows = show.at(Sight(result=one, blanked=True, fault="camera lost"), 3)
    assert (shows.result, shows.rim) == (None, Rim(fault="camera lost"))


def test_another_objective_than_the_aligned_one_is_refused(result_with: ResultWith) -> None:
    show = EyepieceShow("40x")
    one = result_with([Category.FAINT], [(100, 150)])
    assert show.at(Sight(result=one, objective="40x"), 0).result is not None
    shows = show.at(Sight(result=one, objective="20x"), 1)
    assert shows.result is None
    assert "aligned for 40x" in shows.rim.fault


def test_a_captured_field_is_told_for_a_moment() -> None:
    show = EyepieceShow()
    assert show.at(Sight(captured=4), 0).rim.flash == ""
    assert show.at(Sight(captured=5), 10).rim.flash == "field 5"
    assert show.at(Sight(captured=5), FLASH_NS).rim.flash == "field 5"
    assert show.at(Sight(captured=5), 11 + FLASH_NS).rim.flash == ""
    assert show.at(Sight(captured=4), 12 + FLASH_NS).rim.flash == ""


def test_a_reading_is_damped_once_however_often_it_is_looked_at(result_with: ResultWith) -> None:
    at = [(100.0, 150.0)]
    faint, weak = result_with([Category.FAINT], at), result_with([Category.WEAK_COMPLETE], at)
    show = EyepieceShow()
    show.at(Sight(result=faint), 0)
    for now in range(1, 5):
        shown = show.at(Sight(result=weak), now).result
        assert shown is not None
        assert shown.cells.category[0] == Category.FAINT

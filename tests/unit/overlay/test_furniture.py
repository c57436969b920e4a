from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from armicro.contracts.cells import CATEGORIES, Category
from armicro.contracts.results import FovResult
from armicro.overlay import OverlayStyle, draw_legend, draw_overlay, draw_scale_bar
from armicro.overlay.furniture import micrometre_sign, paste
from armicro.overlay.glyphs import category_glyph, cross, disc
from armicro.overlay.style import PALETTE

MakeField = Callable[..., FovResult]


@given(st.floats(0.05, 3.0), st.integers(200, 4000))
def test_the_scale_bar_is_of_a_round_length_and_exact(um_per_px: float, width: int) -> None:
    panel = draw_scale_bar(OverlayStyle(), um_per_px, (width, width))
    bar = (panel[panel.shape[0] // 2 :, :, 0] == 255).sum(axis=1).max()
    lengths = np.array([5, 10, 20, 25, 50, 100, 200, 250, 500, 1000])
    assert np.abs(lengths / um_per_px - bar).min() <= 0.51


def test_the_legend_shows_every_category_in_its_colour() -> None:
    panel = draw_legend(OverlayStyle(), dict.fromkeys(CATEGORIES, 1234))
    for category in Category:
        assert (panel[..., :3] == PALETTE[category]).all(-1).sum() >= 10


def test_counts_widen_the_legend() -> None:
    style = OverlayStyle()
    assert draw_legend(style, dict.fromkeys(CATEGORIES, 5)).shape[1] > draw_legend(style).shape[1]


def test_letters_grow_with_the_picture() -> None:
    style = OverlayStyle()
    assert draw_legend(style, None, 3000).shape[0] > 2 * draw_legend(style, None, 800).shape[0]
    assert (
        draw_legend(OverlayStyle(text_px=14), None, 3000).shape
        == draw_legend(OverlayStyle(text_px=14), None, 800).shape
    )


def test_a_panel_is_left_out_of_a_picture_that_is_too_small() -> None:
    style = OverlayStyle()
    panel = draw_legend(style)
    small = np.zeros((panel.shape[0] + 30, panel.shape[1] + 30, 4), np.uint8)
    paste(small, panel, "bottom-left", style)
    assert not small.any()


@pytest.mark.parametrize(
    ("corner", "columns"), [("bottom-left", slice(0, 500)), ("bottom-right", slice(500, 1000))]
)
def test_panels_lie_in_their_corner(corner: str, columns: slice) -> None:
    style = OverlayStyle(text_px=12)
    rgba = np.zeros((800, 1000, 4), np.uint8)
    paste(rgba, draw_legend(style), corner, style)  # type: ignore[arg-type]  # one of the two, by parametrize
    assert rgba[400:, columns].any()
    assert rgba.any(axis=-1).sum() == rgba[400:, columns].any(axis=-1).sum()


def test_a_panel_covers_but_does_not_erase_what_is_under_it() -> None:
    style = OverlayStyle(text_px=12)
    rgba = np.full((800, 1000, 4), 255, np.uint8)
    paste(rgba, draw_legend(style), "bottom-left", style)
    assert (rgba[..., 3] == 255).all()
    assert (rgba[..., 0] < 100).any()


def test_legend_and_scale_bar_can_be_left_out(make_field: MakeField) -> None:
    field = make_field([], shape=(900, 1200))
    assert draw_overlay(field).any()
    assert not draw_overlay(field, OverlayStyle(legend=False, scale_bar=False)).any()


def test_micrometres_have_a_sign() -> None:
    assert micrometre_sign() in {"µm", "um"}


def test_full_glyphs_are_closed_and_broken_ones_are_not() -> None:
    style = OverlayStyle()

    def angles(category: Category) -> int:
        y, x = category_glyph(category, style).T
        return len(np.unique(np.round(np.rad2deg(np.arctan2(y, x)) / 15)))

    assert angles(Category.WEAK_COMPLETE) >= 24
    assert angles(Category.WEAK_INCOMPLETE) < 24
    assert len(category_glyph(Category.INTENSE_COMPLETE, style)) > len(
        category_glyph(Category.WEAK_COMPLETE, style)
    )


def test_marks_are_centred() -> None:
    for glyph in (disc(3), disc(5), cross(3), *(category_glyph(c, OverlayStyle()) for c in Category)):
        assert (glyph.min(axis=0) == -glyph.max(axis=0)).all()

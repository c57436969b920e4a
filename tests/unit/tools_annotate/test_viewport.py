from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.annotate.viewport import GREATEST_SCALE, LEAST_SCALE, Viewport

places = st.floats(-5000, 5000)
views = st.builds(
    Viewport,
    st.floats(100, 4000),
    st.floats(100, 3000),
    st.floats(LEAST_SCALE, GREATEST_SCALE),
    places,
    places,
)


@given(views, places, places)
def test_screen_and_image_are_inverse(view: Viewport, y: float, x: float) -> None:
    assert view.to_picture(*view.to_screen(y, x)) == pytest.approx((y, x), abs=1e-6)


@given(views, st.floats(0.01, 100), st.floats(0, 1), st.floats(0, 1))
def test_zooming_keeps_the_place_under_the_cursor(view: Viewport, factor: float, u: float, v: float) -> None:
    x, y = u * view.width, v * view.height
    zoomed = view.zoomed(factor, x, y)
    assert LEAST_SCALE <= zoomed.scale <= GREATEST_SCALE
    assert zoomed.to_screen(*view.to_picture(x, y)) == pytest.approx((x, y), abs=1e-3)


@given(views, places, places)
def test_revealing_brings_a_place_inside_and_leaves_the_scale(view: Viewport, y: float, x: float) -> None:
    shown = view.revealing(y, x, 20)
    at_x, at_y = shown.to_screen(y, x)
    assert shown.scale == view.scale
    assert 19.9 <= at_x <= view.width - 19.9
    assert 19.9 <= at_y <= view.height - 19.9
    assert shown.revealing(y, x, 20).to_picture(0, 0) == pytest.approx(shown.to_picture(0, 0), abs=1e-6)


def test_fitting_shows_the_whole_rectangle() -> None:
    view = Viewport(800, 600).fitted_to(100, 200, 400, 400, 20)
    assert view.to_screen(99.5, 199.5) == pytest.approx((120, 20))
    assert view.to_screen(499.5, 599.5) == pytest.approx((680, 580))

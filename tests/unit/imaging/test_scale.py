"""Working scale and coordinates."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from armicro.contracts.errors import ScaleError
from armicro.contracts.frame import Optics
from armicro.imaging.scale import reduce_blocks, to_field, to_working, working_factor


@pytest.mark.parametrize(
    ("um_per_px", "factor"), [(0.212, 2), (0.23, 2), (0.25, 2), (0.33, 1), (0.424, 1), (0.5, 1), (0.12, 4)]
)
def test_factor_by_objective(um_per_px: float, factor: int) -> None:
    assert working_factor(Optics(um_per_px)) == factor


@given(st.floats(0.05, 0.75))
def test_working_scale_keeps_membranes_visible(um_per_px: float) -> None:
    assert um_per_px * working_factor(Optics(um_per_px)) <= 0.75


@pytest.mark.parametrize("bad", [0.0, -0.2, 10.0, float("nan"), float("inf")])
def test_impossible_scales_are_refused(bad: float) -> None:
    with pytest.raises(ScaleError):
        Optics(bad)


def test_blocks_are_averaged() -> None:
    rgb = np.arange(4 * 6 * 3, dtype=np.uint8).reshape(4, 6, 3)
    expected = rgb.reshape(2, 2, 3, 2, 3).astype(float).mean(axis=(1, 3))
    np.testing.assert_allclose(reduce_blocks(rgb, 2), expected, atol=0.51)


def test_incomplete_blocks_are_left_out() -> None:
    assert reduce_blocks(np.zeros((7, 9, 3), np.uint8), 2).shape == (3, 4, 3)


@given(st.integers(1, 4), st.floats(0, 20000, width=32), st.floats(0, 20000, width=32))
def test_coordinates_come_back(factor: int, y: float, x: float) -> None:
    yx = np.array([[y, x]], np.float32)
    np.testing.assert_allclose(to_field(to_working(yx, factor), factor), yx, atol=0.01)


def test_the_centre_of_a_block_is_its_working_pixel() -> None:
    np.testing.assert_allclose(to_working(np.array([[0.5, 2.5]], np.float32), 2), [[0.0, 1.0]])

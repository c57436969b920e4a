"""Peaks of a heat map."""

from __future__ import annotations

import cv2
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from armicro.analysis.peaks import find_peaks
from armicro.contracts.arrays import F32


def heat_of(points: list[tuple[float, float]], shape: tuple[int, int] = (60, 80), sigma: float = 2.5) -> F32:
    """Render points (y, x) as Gaussians."""
    y, x = np.mgrid[: shape[0], : shape[1]]
    out = np.zeros(shape)
    for py, px in points:
        out = np.maximum(out, np.exp(-((y - py) ** 2 + (x - px) ** 2) / (2 * sigma**2)))
    return out.astype(np.float32)


@settings(max_examples=50)
@given(st.floats(5, 54), st.floats(5, 74))
def test_encode_and_decode_return_the_point(y: float, x: float) -> None:
    yx, height = find_peaks(heat_of([(y, x)]), 5, 0.5)
    assert len(yx) == 1
    assert np.abs(yx[0] - (y, x)).max() < 0.1
    assert height[0] > 0.9


def test_a_plateau_is_one_peak() -> None:
    heat = np.zeros((20, 20), np.float32)
    heat[5:8, 5:8] = 1
    assert len(find_peaks(heat, 4, 0.5)[0]) == 1


def test_of_two_near_peaks_the_higher_stays() -> None:
    heat = np.maximum(heat_of([(20, 20)]), 0.8 * heat_of([(20, 24)]))
    yx, _ = find_peaks(heat, 8, 0.1)
    assert len(yx) == 1
    assert abs(yx[0, 1] - 20) < 1


def test_peaks_come_in_reading_order() -> None:
    yx, _ = find_peaks(heat_of([(40, 10), (10, 70), (10, 10)]), 5, 0.5)
    assert yx.round().tolist() == [[10, 10], [10, 70], [40, 10]]


def test_nothing_above_the_threshold() -> None:
    yx, height = find_peaks(np.zeros((9, 9), np.float32), 3, 0.1)
    assert yx.shape == (0, 2)
    assert height.shape == (0,)


def test_turning_the_map_turns_the_peaks() -> None:
    rng = np.random.default_rng(1)
    heat = np.asarray(cv2.GaussianBlur(rng.normal(size=(64, 64)).astype(np.float32), (0, 0), 2), np.float32)
    yx, _ = find_peaks(heat, 4, 0.05)
    turned, _ = find_peaks(np.ascontiguousarray(heat.T), 4, 0.05)
    assert sorted(map(tuple, yx.tolist())) == sorted((x, y) for y, x in turned.tolist())

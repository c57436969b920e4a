"""A thing is found again after the stage moved, to a tenth of a pixel, or its absence is told."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from armicro.contracts.arrays import U8, frozen
from armicro.contracts.errors import AlignmentError
from armicro.imaging.landmark import cut_landmark, find_landmark


def specimen(seed: int, side: int = 900) -> U8:
    """Texture like tissue at several scales, no two places alike."""
    rng = np.random.default_rng(seed)
    grey = np.full((side, side), 200, np.float32)
    for size, depth in ((12, 50), (60, 40), (220, 25)):
        coarse = rng.normal(0, 1, (size, size)).astype(np.float32)
        grey -= depth * np.maximum(cv2.resize(coarse, (side, side), interpolation=cv2.INTER_CUBIC), 0)
    return np.repeat(np.clip(grey, 5, 250).astype(np.uint8)[..., None], 3, axis=2)


def moved(rgb: U8, dy: float, dx: float, seed: int) -> U8:
    shift = np.array([[1, 0, dx], [0, 1, dy]], np.float64)
    size = (rgb.shape[1], rgb.shape[0])
    out = cv2.warpAffine(rgb, shift, size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT)
    noise = np.random.default_rng(seed).normal(0, 3, rgb.shape)
    return frozen(np.clip(out + noise, 0, 255).astype(np.uint8))


@pytest.mark.parametrize("shift", [(0.0, 0.0), (-210.4, 133.25), (87.5, -301.75), (250.2, 260.9)])
def test_it_is_found_to_a_fifth_of_a_pixel(shift: tuple[float, float]) -> None:
    rgb = frozen(specimen(1))
    place = (450, 455)
    landmark = cut_landmark(rgb, place)
    found = find_landmark(moved(rgb, *shift, seed=9), landmark)
    assert np.abs(found - np.array(place) - shift).max() < 0.2


def test_what_has_left_the_picture_is_not_found() -> None:
    landmark = cut_landmark(specimen(1), (450, 450))
    with pytest.raises(AlignmentError, match="not in the camera's picture"):
        find_landmark(specimen(2), landmark)


def test_what_is_there_twice_is_refused() -> None:
    rgb = specimen(3)
    rgb[100:260, 500:660] = rgb[400:560, 200:360]
    landmark = cut_landmark(rgb, (480, 280))
    with pytest.raises(AlignmentError, match="several places"):
        find_landmark(rgb, landmark)


def test_plain_places_and_the_rim_are_no_landmarks() -> None:
    glass = np.full((400, 400, 3), 230, np.uint8)
    with pytest.raises(AlignmentError, match="nothing stands out"):
        cut_landmark(glass, (200, 200))
    with pytest.raises(AlignmentError, match="rim"):
        cut_landmark(glass, (20, 200))
    with pytest.raises(AlignmentError, match="too small"):
        find_landmark(specimen(1)[:60, :60], cut_landmark(specimen(1), (450, 450)))

"""Which frame a press captures."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from armicro.contracts.arrays import U8
from armicro.contracts.frame import Frame, Optics
from armicro.session.capture_rule import MOVED, frame_of_press, scene_change


def frame(rgb: U8, frame_id: int) -> Frame:
    return Frame(rgb, frame_id, frame_id, Optics(0.25), "test")


def test_the_same_place_with_other_noise_has_not_moved(make_scene: Callable[..., U8]) -> None:
    assert scene_change(make_scene(1, 1), make_scene(1, 2)) < MOVED / 2


def test_another_place_has_moved(make_scene: Callable[..., U8]) -> None:
    assert scene_change(make_scene(1), make_scene(2)) > 2 * MOVED


def test_a_shift_of_a_cell_is_a_move_and_a_lamp_that_flickers_is_none(make_scene: Callable[..., U8]) -> None:
    rgb = make_scene(1)
    assert scene_change(rgb, np.roll(rgb, 12, axis=1)) > MOVED
    brighter = (rgb.astype(int) + 8).clip(0, 255).astype(np.uint8)
    assert scene_change(rgb, brighter) < MOVED / 2


def test_noise_on_empty_glass_is_no_move() -> None:
    rng = np.random.default_rng(0)
    a, b = (rng.normal(240, 3, (96, 128, 3)).clip(0, 255).astype(np.uint8) for _ in range(2))
    assert scene_change(a, b) < MOVED


def test_the_measure_is_symmetric_and_zero_for_itself(make_scene: Callable[..., U8]) -> None:
    a, b = make_scene(1), make_scene(2)
    assert scene_change(a, a) == 0
    assert scene_change(a, b) == pytest.approx(scene_change(b, a))


def test_frames_of_different_size_show_different_scenes(make_scene: Callable[..., U8]) -> None:
    assert scene_change(make_scene(1), make_scene(1)[:50]) == float("inf")


def test_at_rest_the_frame_after_the_press_is_captured(make_scene: Callable[..., U8]) -> None:
    before, after = frame(make_scene(1, 1), 1), frame(make_scene(1, 2), 2)
    assert frame_of_press(before, after) is after


def test_when_the_stage_was_leaving_the_frame_looked_at_is_captured(make_scene: Callable[..., U8]) -> None:
    before, after = frame(make_scene(1), 1), frame(make_scene(2), 2)
    assert frame_of_press(before, after) is before


def test_at_the_ends_of_a_recording_there_is_only_one_choice(make_scene: Callable[..., U8]) -> None:
    only = frame(make_scene(1), 0)
    assert frame_of_press(None, only) is only
    assert frame_of_press(only, None) is only
    with pytest.raises(ValueError, match="at least one frame"):
        frame_of_press(None, None)

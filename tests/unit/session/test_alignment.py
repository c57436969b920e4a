"""The alignment with the pedal, over a simulated eyepiece whose mapping is known."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import pytest

from armicro.contracts.arrays import F64, U8
from armicro.contracts.devices import Gesture
from armicro.contracts.errors import AlignmentError
from armicro.imaging.homography import FitLimits, apply_homography, inverse
from armicro.imaging.landmark import cut_landmark, find_landmark
from armicro.session.alignment import AROUND, Alignment, AlignmentStep, CameraMode
from armicro.session.alignment_picture import alignment_picture

DISPLAY = (480, 640)
CAMERA = CameraMode((1000, 1200), 0.25)
SHORT, LONG, DOUBLE = Gesture.SHORT, Gesture.LONG, Gesture.DOUBLE


def truth() -> F64:
    """A mapping as of a tilted, turned display: camera to display."""
    turn = np.radians(7.0)
    c, s = 0.48 * np.cos(turn), 0.48 * np.sin(turn)
    matrix: F64 = np.array([[c, -s, 70.0], [s, c, -40.0], [2e-5, -3e-5, 1.0]])
    return matrix


def under(cross_yx: F64) -> F64:
    """Where in the camera's picture a thing stands that covers a cross."""
    return apply_homography(inverse(truth()), cross_yx)


def step(alignment: Alignment) -> AlignmentStep:
    """Its step, read anew: a press changes it."""
    return alignment.step


def at_points() -> Alignment:
    alignment = Alignment(DISPLAY)
    alignment.press(SHORT)
    assert step(alignment) is AlignmentStep.POINTS
    return alignment


def take(alignment: Alignment, n: int, error_px: Sequence[tuple[float, float]] = ()) -> None:
    for k in range(n):
        off = error_px[k] if k < len(error_px) else (0.0, 0.0)
        y, x = under(alignment.crosses_yx_px[alignment.current]) + np.array(off)
        assert alignment.needs_place(SHORT)
        alignment.take((float(y), float(x)), CAMERA)


def off_px(alignment: Alignment) -> float:
    """Greatest error of the found mapping over the camera's picture, display px."""
    assert alignment.fit is not None
    corners = np.array([[0, 0], [0, 1199], [999, 0], [999, 1199], [500, 600]], np.float64)
    found = apply_homography(alignment.fit.matrix, corners)
    return float(np.linalg.norm(found - apply_homography(truth(), corners), axis=1).max())


def test_nine_presses_find_the_mapping_and_a_tenth_accepts_it() -> None:
    alignment = at_points()
    take(alignment, AROUND + 1)
    assert step(alignment) is AlignmentStep.RESULT
    assert alignment.accepted
    assert off_px(alignment) < 0.01
    assert "0.0 µm" in alignment.words
    alignment.press(SHORT)
    assert step(alignment) is AlignmentStep.DONE
    (y, x), radius = alignment.circle_in_camera
    back = apply_homography(truth(), np.array([y, x]))
    assert np.abs(back - np.array(alignment.circle.yx_px)).max() < 0.1
    assert radius == pytest.approx(alignment.circle.radius_px / 0.48, rel=0.05)


def test_a_point_that_contradicts_is_left_out_and_the_mapping_stays() -> None:
    alignment = at_points()
    take(alignment, AROUND + 1, [(0, 0), (0, 0), (60.0, -50.0)])
    assert alignment.accepted
    assert "1 left out" in alignment.words
    assert off_px(alignment) < 0.01


def test_an_unsteady_hand_is_told_and_refused_above_the_limit() -> None:
    rng = np.random.default_rng(4)
    steady, unsteady = at_points(), at_points()
    small, large = (tuple(map(tuple, rng.normal(0, s, (AROUND + 1, 2)))) for s in (1.5, 30.0))
    take(steady, AROUND + 1, small)
    take(unsteady, AROUND + 1, large)
    assert steady.fit is not None
    assert 0.1 < steady.fit.rms_um < 2.0
    assert step(unsteady) is AlignmentStep.RESULT
    assert not unsteady.accepted
    assert "repeat" in unsteady.words
    unsteady.press(SHORT)
    assert step(unsteady) is AlignmentStep.RESULT
    with pytest.raises(AlignmentError):
        _ = unsteady.circle_in_camera


def test_five_of_nine_points_that_agree_are_no_alignment() -> None:
    alignment = at_points()
    off = [(0.0, 0.0)] * 5 + [(150.0, 40.0), (-120.0, 130.0), (30.0, -160.0), (90.0, 170.0)]
    take(alignment, AROUND + 1, off)
    assert not alignment.accepted
    assert "only 5 of 9 points agree" in alignment.words


def test_a_residual_above_the_limit_is_refused_with_both_figures() -> None:
    rough = tuple(map(tuple, np.random.default_rng(4).normal(0, 4.0, (AROUND + 1, 2))))
    strict = Alignment(DISPLAY, FitLimits(max_rms_um=0.5, max_um=1.0))
    strict.press(SHORT)
    take(strict, AROUND + 1, rough)
    assert step(strict) is AlignmentStep.RESULT
    assert not strict.accepted
    assert "allowed are 0.5 µm" in strict.words


def test_a_long_press_takes_the_last_point_back_also_from_the_result() -> None:
    alignment = at_points()
    take(alignment, 3, [(0, 0), (0, 0), (80.0, 0.0)])
    alignment.press(LONG)
    assert alignment.current == 2
    take(alignment, AROUND + 1 - 2)
    assert step(alignment) is AlignmentStep.RESULT
    alignment.press(LONG)
    assert (step(alignment), alignment.current) == (AlignmentStep.POINTS, AROUND)
    take(alignment, 1)
    assert off_px(alignment) < 0.01
    fresh = at_points()
    fresh.press(LONG)
    assert fresh.current == 0


def test_a_double_press_ends_early_with_four_points_or_more() -> None:
    alignment = at_points()
    take(alignment, 3)
    alignment.press(DOUBLE)
    assert step(alignment) is AlignmentStep.POINTS
    assert "too few" in alignment.words
    take(alignment, 1)
    alignment.press(DOUBLE)
    assert step(alignment) is AlignmentStep.RESULT
    assert "whatever their errors" in alignment.words
    assert off_px(alignment) < 0.01


def test_the_residual_so_far_is_told_from_the_fifth_point_on() -> None:
    alignment = at_points()
    take(alignment, 4)
    assert "so far" not in alignment.words
    take(alignment, 1)
    assert "so far 0.0 µm" in alignment.words


def test_another_objective_in_between_takes_no_point() -> None:
    alignment = at_points()
    take(alignment, 2)
    alignment.take((500.0, 500.0), CameraMode(CAMERA.shape_px, 0.5))
    assert alignment.current == 2
    assert "objective changed" in alignment.words


def test_the_circle_can_be_fitted_to_the_rim_before_the_first_point_only() -> None:
    alignment = Alignment(DISPLAY)
    before = alignment.circle
    alignment.nudge(dy_px=5, dx_px=-8, grow_px=12)
    assert alignment.circle.yx_px == (before.yx_px[0] + 5, before.yx_px[1] - 8)
    assert alignment.circle.radius_px == before.radius_px + 12
    alignment.nudge(grow_px=-1e6)
    assert alignment.circle.radius_px > 0
    alignment.press(SHORT)
    fixed = alignment.circle
    alignment.nudge(dy_px=5)
    assert alignment.circle == fixed


def test_each_step_has_a_picture_of_the_displays_size() -> None:
    alignment = Alignment(DISPLAY)
    pictures = [alignment_picture(alignment)]
    alignment.press(SHORT)
    pictures.append(alignment_picture(alignment))
    alignment.refuse("it is not in the camera's picture, or not in focus: bring it back, then press")
    pictures.append(alignment_picture(alignment))
    take(alignment, AROUND + 1)
    pictures.append(alignment_picture(alignment))
    for one in pictures:
        assert one.shape == (*DISPLAY, 3)
        assert one.any()
    red = [(p[..., 0].astype(int) - p[..., 1] > 150).any() for p in pictures]
    assert red == [False, False, True, False]


def test_with_pictures_the_whole_way_from_press_to_mapping() -> None:
    """The stage is moved until the thing covers each cross; where it stands is read from the picture."""
    rng = np.random.default_rng(5)
    grey = np.full((2200, 2600), 225, np.float32)
    for size, depth in ((40, 30), (160, 40), (600, 25)):
        coarse = rng.normal(0, 1, (size, size)).astype(np.float32)
        grey -= depth * np.maximum(cv2.resize(coarse, (2600, 2200), interpolation=cv2.INTER_CUBIC), 0)
    slide = np.clip(grey, 5, 250)
    thing = np.array([1100.0, 1300.0])

    def seen(at_yx: F64) -> U8:
        """The camera's picture with the thing at a place."""
        y, x = at_yx - thing
        turn = np.array([[1, 0, x], [0, 1, y]], np.float64)
        part = cv2.warpAffine(slide, turn, (1200, 1000), flags=cv2.INTER_CUBIC)
        part = part + rng.normal(0, 2, part.shape)
        return np.repeat(np.clip(part, 0, 255).astype(np.uint8)[..., None], 3, axis=2)

    landmark = cut_landmark(seen(np.array([480.0, 610.0])), (480, 610))
    alignment = at_points()
    while step(alignment) is AlignmentStep.POINTS:
        picture = seen(under(alignment.crosses_yx_px[alignment.current]))
        y, x = find_landmark(picture, landmark)
        alignment.take((float(y), float(x)), CAMERA)
    assert alignment.accepted
    assert off_px(alignment) < 0.3
    assert alignment.fit is not None
    assert alignment.fit.rms_um < 0.1

"""Membrane signal, masks, skeleton and the published rules."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from armicro.analysis.membrane import level_map, membrane_signal, ridge_width, surroundings
from armicro.analysis.read_zhang import read_zhang
from armicro.analysis.skeleton import SkeletonParams, coded_skeleton, enclosed, membrane_sets, without_specks
from armicro.contracts.arrays import F32, U8
from armicro.contracts.cells import Category
from armicro.contracts.errors import ProfileError
from armicro.contracts.stain import DabThresholds

UM = 0.44
THRESHOLDS = DabThresholds(0.13, 0.42, 0.07)
PARAMS = SkeletonParams()


def ring(od: float, arc_deg: tuple[int, int] = (0, 360), radius_px: int = 14) -> F32:
    image = np.zeros((101, 101), np.float32)
    cv2.ellipse(image, (50, 50), (radius_px, radius_px), 0, *arc_deg, od, 3)
    return image


def test_diffuse_brown_is_mostly_taken_off_and_a_ridge_stays() -> None:
    dab = np.full((101, 101), 0.2, np.float32)
    dab[:, 50:52] = 0.5
    signal = membrane_signal(dab, surroundings(dab, UM, 5.0), 0.5)
    assert signal[50, 20] == pytest.approx(0.1, abs=0.01)
    assert signal[50, 50] == pytest.approx(0.4, abs=0.01)


@given(st.floats(0.01, 0.3), st.floats(0.01, 0.3), st.floats(0.01, 0.5))
def test_intense_lies_within_weak_within_faint(a: float, b: float, c: float) -> None:
    thresholds = DabThresholds(a + b, a + b + c, a)
    signal = np.linspace(-0.2, 1.2, 500, dtype=np.float32)[None]
    level = level_map(signal, thresholds)
    assert (np.diff(level[0].astype(int)) >= 0).all()
    for grade, od in ((1, a), (2, a + b), (3, a + b + c)):
        np.testing.assert_array_equal(level >= grade, signal >= np.float32(od))


def test_without_a_faint_threshold_there_is_no_faint_level() -> None:
    signal = np.array([[0.1, 0.2, 0.5]], np.float32)
    assert level_map(signal, DabThresholds(0.13, 0.42)).tolist() == [[0, 2, 3]]


@pytest.mark.parametrize(("weak", "intense", "faint"), [(0.4, 0.4, None), (0.5, 0.4, None), (0.1, 0.4, 0.1)])
def test_thresholds_must_rise(weak: float, intense: float, faint: float | None) -> None:
    with pytest.raises(ProfileError, match="rise"):
        DabThresholds(weak, intense, faint)


def test_width_of_a_line() -> None:
    signal = np.zeros((81, 81), np.float32)
    signal[:, 38:43] = 0.5
    width = ridge_width(signal, UM)
    assert width[40, 40] == pytest.approx(5 * UM, rel=0.25)
    assert width[40, 10] == 0


def level_of(od: F32) -> U8:
    return level_map(od, THRESHOLDS)


def at_centre(od: F32) -> Category:
    sets = membrane_sets(level_of(od), UM, PARAMS)
    category, _ = read_zhang(sets, np.array([[50, 50]], np.float32))
    return Category(int(category[0]))


@pytest.mark.parametrize(
    ("od", "arc", "radius_px", "expected"),
    [
        (0.6, (0, 360), 14, Category.INTENSE_COMPLETE),
        (0.2, (0, 360), 14, Category.WEAK_COMPLETE),
        (0.6, (0, 300), 10, Category.INTENSE_INCOMPLETE),
        (0.2, (0, 300), 10, Category.WEAK_INCOMPLETE),
        (0.1, (0, 360), 14, Category.NONE),
        (0.6, (0, 360), 48, Category.NONE),
    ],
    ids=["intense ring", "weak ring", "intense arc", "weak arc", "below weak", "a lumen is no cell"],
)
def test_the_published_rules(od: float, arc: tuple[int, int], radius_px: int, expected: Category) -> None:
    assert at_centre(ring(od, arc, radius_px)) is expected


def test_a_hole_at_the_edge_of_the_field_is_not_closed() -> None:
    skeleton = np.zeros((40, 40), np.bool_)
    skeleton[10, :20] = skeleton[30, :20] = True
    skeleton[10:31, 20] = True
    assert not enclosed(skeleton, (10, 1e5)).any()


def test_specks_leave_no_skeleton() -> None:
    mask = np.zeros((40, 40), np.bool_)
    mask[5:7, 5:7] = True
    mask[20, 5:35] = True
    kept = without_specks(mask, 10)
    assert not kept[5:7, 5:7].any()
    assert kept[20, 5:35].all()


def test_the_drawn_skeleton_tells_open_from_closed() -> None:
    closed = coded_skeleton(membrane_sets(level_of(ring(0.6)), UM, PARAMS), level_of(ring(0.6)))
    broken = coded_skeleton(membrane_sets(level_of(ring(0.2, (0, 300))), UM, PARAMS), level_of(ring(0.2)))
    assert set(np.unique(closed)) == {0, 4}
    assert set(np.unique(broken)) == {0, 1}


def test_an_empty_field() -> None:
    sets = membrane_sets(np.zeros((30, 30), np.uint8), UM, PARAMS)
    assert not any(getattr(sets, name).any() for name in ("skeleton", "weak_enclosed", "weak_expanded"))

"""Matching of detections with points by eye."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from tools.train.points import Crop
from tools.train.score import MATCH_UM, Tally, pair, tally

NOTHING = np.empty((0, 2), np.float32)
places = st.integers(0, 12).flatmap(lambda n: arrays(np.float32, (n, 2), elements=st.floats(0, 40, width=32)))


def crop(tumour: object = (), other: object = (), uncertain: object = ()) -> Crop:
    points = [np.array(p, np.float32).reshape(-1, 2) for p in (tumour, other, uncertain)]
    return Crop("c", "c.png", np.zeros((100, 100, 3), np.uint8), 0.5, (-0.5, -0.5, 99.5, 99.5), *points)


@given(places, places)
def test_pairs_are_one_to_one_and_near(found: np.ndarray, truth: np.ndarray) -> None:
    a, b = pair(found, truth, MATCH_UM)
    assert a.sum() == b.sum()
    near = np.linalg.norm(found[:, None] - truth[None], axis=2) <= MATCH_UM * 1.0001
    if a.any():
        assert near[a].any(1).all()
    assert not near[~a][:, ~b].any() or near[~a][:, ~b].size == 0 or _all_at_the_border(found[~a], truth[~b])


def _all_at_the_border(found: np.ndarray, truth: np.ndarray) -> bool:
    distance = np.linalg.norm(found[:, None].astype(np.float64) - truth[None], axis=2)
    return bool((distance > MATCH_UM * 0.9999).all())


def test_the_nearest_is_paired_first() -> None:
    a, b = pair(np.array([(0, 0), (0, 3)], np.float32), np.array([(0, 4)], np.float32), 5.0)
    assert a.tolist() == [False, True]
    assert b.tolist() == [True]


def test_perfect_detections() -> None:
    c = crop(tumour=[(10, 10), (50, 50)], other=[(80, 80)])
    assert tally(c.tumour_px, c) == Tally(hit=2, missed=0, false=0, others=1, others_hit=0)


def test_second_detection_of_a_nucleus_is_false() -> None:
    c = crop(tumour=[(50, 50)])
    t = tally(np.array([(50, 50), (50, 54)], np.float32), c)
    assert (t.hit, t.false) == (1, 1)


def test_uncertain_points_excuse_what_is_left_over_only() -> None:
    c = crop(tumour=[(50, 50)], uncertain=[(50, 54), (90, 10)])
    t = tally(np.array([(50, 53), (90, 12)], np.float32), c)
    assert (t.hit, t.missed, t.false) == (1, 0, 0)


def test_other_nucleus_called_tumour_is_false_and_named() -> None:
    c = crop(tumour=[(10, 10)], other=[(50, 50), (90, 90)])
    t = tally(np.array([(51, 50)], np.float32), c)
    assert (t.hit, t.missed, t.false, t.others, t.others_hit) == (0, 1, 1, 2, 1)
    assert t.others_called_tumour == 0.5


def test_detections_outside_the_crop_do_not_count() -> None:
    c = crop()
    assert tally(np.array([(-3, 50), (50, 120)], np.float32), c).false == 0


def test_figures_of_nothing_are_not_numbers() -> None:
    t = tally(NOTHING, crop())
    assert all(math.isnan(v) for v in (t.f1, t.precision, t.recall, t.others_called_tumour))


@given(st.lists(st.builds(Tally, *[st.integers(0, 50)] * 5), max_size=5))
def test_counts_add_up(counts: list[Tally]) -> None:
    both = sum(counts, Tally())
    assert both.hit == sum(t.hit for t in counts)
    if both.hit:
        assert math.isclose(both.f1, 2 / (1 / both.precision + 1 / both.recall))

"""Heat maps and masks, against the peak finder that reads them."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tools.train.layout import STRIDE
from tools.train.score import PeakParams, decode
from tools.train.targets import TargetParams, TargetScale, encode, taught

SCALE = TargetScale(TargetParams(), 0.92)
SQUARE = np.array([(10.0, 10.0), (10.0, 50.0), (50.0, 50.0), (50.0, 10.0)])
NOTHING = np.empty((0, 2))


@given(
    st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=1, max_size=12, unique=True),
    st.floats(-2.0, 2.0),
    st.floats(-2.0, 2.0),
)
def test_nuclei_are_read_where_they_were_drawn(cells: list[tuple[int, int]], dy: float, dx: float) -> None:
    yx = np.array(cells, np.float64) * 9 + (6 + dy, 6 + dx)
    tumour = encode(yx, (60, 60), 1.5)
    found = decode(np.stack([tumour, np.zeros_like(tumour)]), 0.46, PeakParams())
    wanted = (yx[np.lexsort(yx.T[::-1])] + 0.5) * STRIDE - 0.5
    order = np.lexsort(found.yx_px.T[::-1])
    assert len(found.yx_px) == len(yx)
    assert np.all(found.kind == 0)
    distance = np.linalg.norm(found.yx_px[order][:, None] - wanted[None], axis=2)
    assert distance.min(1).max() < 0.3
    assert distance.min(0).max() < 0.3


def test_close_neighbours_stay_two() -> None:
    tumour = encode(np.array([(20.0, 20.0), (20.0, 24.5)]), (40, 48), 1.52)
    found = decode(np.stack([tumour, np.zeros_like(tumour)]), 0.46, PeakParams())
    assert len(found.yx_px) == 2


def test_heat_is_one_at_a_nucleus_and_nothing_far_away() -> None:
    heat = encode(np.array([(8.0, 9.0)]), (20, 24), 1.5)
    assert heat[8, 9] == 1
    assert heat[19, 23] < 1e-6
    assert encode(NOTHING, (4, 6), 1.5).max() == 0


def test_kind_follows_the_greater_channel() -> None:
    one, two = encode(np.array([(8.0, 8.0)]), (32, 32), 1.5), encode(np.array([(24.0, 24.0)]), (32, 32), 1.5)
    found = decode(
        np.stack([one * np.float32(0.6) + two * np.float32(0.2), two * np.float32(0.5)]), 0.46, PeakParams()
    )
    assert found.kind.tolist() == [0, 1]


def test_a_nucleus_that_cannot_be_assigned_is_one_nucleus() -> None:
    heat = encode(np.array([(8.0, 8.0)]), (16, 16), 1.5) * np.float32(0.3)
    found = decode(np.stack([heat, heat]), 0.46, PeakParams(threshold=0.5))
    assert len(found.yx_px) == 1


def test_nothing_is_taught_outside_the_crop_nor_on_its_rim() -> None:
    mask = taught(SQUARE, NOTHING, NOTHING, (60, 60), SCALE)
    assert mask[30, 30] == 1
    assert mask[:10].max() == mask[:, :10].max() == mask[51:].max() == 0
    assert mask[30, 11] == 0
    assert mask[30, 14] == 1


def test_uncertain_points_are_not_taught_but_sure_neighbours_are() -> None:
    doubt, sure = np.array([(30.0, 30.0)]), np.array([(30.0, 33.0)])
    mask = taught(SQUARE, sure, doubt, (60, 60), SCALE)
    assert mask[30, 30 - 3] == 0
    assert mask[30, 33] == 1
    assert mask[30, 38] == 1


def test_sure_points_outside_the_crop_teach_nothing() -> None:
    assert taught(SQUARE, np.array([(4.0, 4.0)]), NOTHING, (60, 60), SCALE)[:9].max() == 0

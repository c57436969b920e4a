"""Heat maps to nuclei: places, kinds, scales; over a model that draws what it is told."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from armicro.analysis.detect_heatmap import (
    HeatmapDetector,
    HeatmapParams,
    nuclei_of,
    quarters,
    resample,
)
from armicro.contracts.arrays import F32, U8, frozen
from armicro.contracts.cells import NucleusKind
from armicro.contracts.frame import MAX_UM_PER_PX, Optics
from armicro.contracts.stain import StainMaps
from armicro.imaging.scale import working_factor
from tools.train.score import PeakParams, decode
from tools.train.targets import encode

PARAMS = HeatmapParams(peak_threshold=0.4, peak_spacing_um=3.5, tumour_bias=0.0, reach_px=20)
UM = 0.46


class BrightSpots:
    """A model whose heat map is the brightness of red and of blue, at half the resolution."""

    identity = "spots/1"
    um_per_px = UM
    stride = 2

    def __init__(self) -> None:
        self.seen: list[tuple[int, ...]] = []

    def predict(self, rgb: U8) -> F32:
        self.seen.append(rgb.shape)
        assert not rgb.flags.writeable
        h, w = rgb.shape[:2]
        even = cv2.copyMakeBorder(rgb, 0, h % 2, 0, w % 2, cv2.BORDER_REFLECT)
        half = cv2.resize(even, (even.shape[1] // 2, even.shape[0] // 2), interpolation=cv2.INTER_AREA)
        return np.ascontiguousarray(half[..., [0, 2]].transpose(2, 0, 1).astype(np.float32) / 255)


def maps_of(shape: tuple[int, int], um_per_px: float) -> StainMaps:
    factor = working_factor(Optics(um_per_px))
    blank = np.zeros((shape[0] // factor, shape[1] // factor), np.float32)
    return StainMaps(blank, blank, um_per_px * factor, factor, (245.0, 245.0, 245.0))


def spots(places: list[tuple[float, float, int]], shape: tuple[int, int], um_per_px: float) -> U8:
    """Draw Gaussians of 1.6 µm, in the colour channel given."""
    rgb = np.zeros((*shape, 3), np.uint8)
    for y, x, channel in places:
        rgb[..., channel] = np.maximum(
            rgb[..., channel], 250 * encode(np.array([[y, x]]), shape, 1.6 / um_per_px)
        )
    return frozen(rgb)


@pytest.mark.parametrize("um_per_px", [0.12, 0.17, 0.212, 0.25, 0.29, 0.30, 0.37, 0.424, 0.5, 0.6, 0.75])
def test_places_come_back_in_pixels_of_the_field(um_per_px: float) -> None:
    step = 14 / um_per_px
    shape = (round(5 * step) + 1, round(4 * step))
    wanted = [
        ((i + 0.6) * step, (j + 0.7) * step, 0 if (i + j) % 2 else 2) for i in range(4) for j in range(3)
    ]
    model = BrightSpots()
    found = HeatmapDetector(model, PARAMS).detect(spots(wanted, shape, um_per_px), maps_of(shape, um_per_px))
    assert len(found) == len(wanted)
    for y, x, channel in wanted:
        distance_um = np.hypot(*(found.yx_px - np.array([y, x])).T) * um_per_px
        nearest = int(distance_um.argmin())
        assert distance_um[nearest] < 0.25
        assert found.kind[nearest] == (NucleusKind.TUMOUR if channel == 0 else NucleusKind.OTHER)


@given(st.floats(0.05, MAX_UM_PER_PX))
def test_the_network_sees_a_scale_near_its_own(um_per_px: float) -> None:
    working = um_per_px * working_factor(Optics(um_per_px))
    seen = working * 4 / quarters(working, UM)
    assert 1 / 1.18 < seen / UM < 1.18


@pytest.mark.parametrize("um_per_px", [0.424, 0.453, 0.46, 0.5])
def test_usual_scales_are_not_resampled(um_per_px: float) -> None:
    rgb = np.zeros((64, 96, 3), np.uint8)
    assert quarters(um_per_px, UM) == 4
    assert resample(rgb, 4) is rgb


@given(st.sampled_from([2, 3, 5, 6, 7]), st.integers(0, 2), st.integers(0, 2**32 - 1))
def test_resampling_does_not_depend_on_where_a_tile_begins(step: int, tile: int, seed: int) -> None:
    rgb = np.random.default_rng(seed).integers(0, 256, (64, 320, 3)).astype(np.uint8)
    whole, part = resample(rgb, step), resample(rgb[:, 64 * tile : 64 * tile + 128], step)
    begin = 16 * step * tile
    # Beside the cut a pixel beyond it takes part.
    left, right = 2, part.shape[1] - 2
    assert np.array_equal(part[:, left:right], whole[:, begin + left : begin + right])


def test_one_nucleus_seen_in_both_channels_is_one() -> None:
    heat = np.zeros((2, 40, 40), np.float32)
    heat[0] = 0.5 * encode(np.array([[20.0, 20.0]]), (40, 40), 1.6)
    heat[1] = 0.45 * encode(np.array([[20.0, 21.0]]), (40, 40), 1.6)
    yx, height, kind = nuclei_of(frozen(heat), 0.92, PARAMS)
    assert len(yx) == 1
    assert height[0] > 0.8
    assert kind[0] == NucleusKind.TUMOUR


def test_the_bias_decides_about_doubtful_ones() -> None:
    heat = np.zeros((2, 40, 40), np.float32)
    heat[0] = 0.6 * encode(np.array([[20.0, 20.0]]), (40, 40), 1.6)
    heat[1] = 0.4 * encode(np.array([[20.0, 20.0]]), (40, 40), 1.6)
    kinds = [
        nuclei_of(heat, 0.92, HeatmapParams(0.4, 3.5, bias, 20))[2].tolist() for bias in (-0.1, 0.1, 0.3)
    ]
    assert kinds == [[NucleusKind.TUMOUR], [NucleusKind.TUMOUR], [NucleusKind.OTHER]]


def test_reads_heat_maps_as_the_training_does() -> None:
    rng = np.random.default_rng(4)
    heat = np.stack([encode(rng.uniform(2, 118, (60, 2)), (120, 120), 1.5) for _ in range(2)])
    heat += rng.normal(0, 0.02, heat.shape).astype(np.float32)
    trained = decode(heat, UM, PeakParams(0.4, 3.5, 0.05))
    yx, height, kind = nuclei_of(heat, UM * 2, HeatmapParams(0.4, 3.5, 0.05, 20))
    assert len(yx) > 50
    assert np.array_equal((yx + 0.5) * 2 - 0.5, trained.yx_px)
    assert np.array_equal(height, trained.height)
    assert np.array_equal(kind, trained.kind)


@pytest.mark.parametrize("shape", [(1, 1), (3, 64), (64, 64)])
def test_an_empty_field_has_no_nuclei(shape: tuple[int, int]) -> None:
    rgb = frozen(np.zeros((*shape, 3), np.uint8))
    assert len(HeatmapDetector(BrightSpots(), PARAMS).detect(rgb, maps_of(shape, UM))) == 0


def test_nothing_is_found_beyond_the_rim() -> None:
    shape = (65, 77)
    rgb = spots([(64.4, 30.0, 0), (30.0, 76.4, 2)], shape, 0.60)
    found = HeatmapDetector(BrightSpots(), PARAMS).detect(rgb, maps_of(shape, 0.60))
    assert (found.yx_px < np.array(shape) - 0.5).all()


def test_a_heat_map_of_one_channel_is_refused() -> None:
    with pytest.raises(ValueError, match="heat: expected"):
        nuclei_of(np.zeros((1, 8, 8), np.float32), 0.92, PARAMS)


def test_a_pale_counterstain_is_evened_before_the_network_sees_it() -> None:
    class Keeps(BrightSpots):
        last: U8

        def predict(self, rgb: U8) -> F32:
            self.last = rgb.copy()
            return super().predict(rgb)

    rgb = np.full((64, 64, 3), 200, np.uint8)
    haematoxylin = np.full((64, 64), 0.03, np.float32)
    maps = StainMaps(haematoxylin, np.zeros_like(haematoxylin), 0.44, 1, (245.0, 245.0, 245.0), 0.03)
    model = Keeps()
    HeatmapDetector(model, replace(PARAMS, counterstain_od=0.06)).detect(frozen(rgb), maps)
    assert (model.last < rgb).all()
    HeatmapDetector(model, PARAMS).detect(frozen(rgb), maps)
    np.testing.assert_array_equal(model.last, rgb)

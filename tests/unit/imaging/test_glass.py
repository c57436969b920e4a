"""Empty glass: known vignetting with noise is corrected, dust is found, what is not glass is refused."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from armicro.contracts.arrays import F64, U8, frozen
from armicro.contracts.errors import CalibrationError
from armicro.imaging.glass import FlatField, flatten, gain_map, measure_glass, terms
from armicro.imaging.glass_drift import glass_drift
from armicro.sim.case import CaseParams, simulate_field

SHAPE = (480, 640)
WHITE = (236.0, 231.0, 226.0)


def vignetting(shape: tuple[int, int] = SHAPE, strength: float = 0.7, side: float = 0.05) -> F64:
    """Light that falls with the fourth power of a cosine around a point off the middle, and to one side."""
    y = (np.arange(shape[0]) / shape[0] - 0.46)[:, None]
    x = (np.arange(shape[1]) / shape[1] - 0.57)[None]
    light: F64 = np.cos(np.arctan(strength * np.hypot(y, x))) ** 4 * (1 + side * x)
    return np.asarray(light / light.max(), np.float64)


def shot(light: F64, seed: int, white: tuple[float, float, float] = WHITE, full_well: float = 15000.0) -> U8:
    mean = light[..., None] * np.array(white)
    noise = np.random.default_rng(seed).standard_normal(mean.shape) * np.sqrt(mean * 255 / full_well)
    return frozen(np.clip(np.rint(mean + noise), 0, 255).astype(np.uint8))


def spotted(light: F64, y: int, x: int, radius: int, contrast: float) -> F64:
    out = light.copy()
    rows, columns = np.ogrid[: light.shape[0], : light.shape[1]]
    out[(rows - y) ** 2 + (columns - x) ** 2 <= radius**2] *= 1 + contrast
    return out


@pytest.fixture(scope="module")
def flat() -> FlatField:
    return measure_glass(shot(vignetting(), seed) for seed in range(8)).flat


@pytest.mark.parametrize("strength", [0.2, 0.5, 0.7])
def test_vignetting_is_corrected_to_one_per_cent(strength: float) -> None:
    light = vignetting(strength=strength)
    found = measure_glass(shot(light, seed) for seed in range(8))
    assert found.uneven_after <= 0.01
    assert found.flat.white_rgb == pytest.approx(WHITE, abs=0.6)
    # A frame that took no part, judged without the module's own measure: block means of 16 px.
    even = flatten(shot(light, 99), gain_map(found.flat)).astype(np.float32)
    blocks = cv2.resize(even, (SHAPE[1] // 16, SHAPE[0] // 16), interpolation=cv2.INTER_AREA)
    assert float((np.ptp(blocks, axis=(0, 1)) / blocks.mean(axis=(0, 1))).max()) <= 0.01
    before = cv2.resize(shot(light, 99).astype(np.float32), (40, 30), interpolation=cv2.INTER_AREA)
    assert float((np.ptp(before, axis=(0, 1)) / before.mean(axis=(0, 1))).max()) > 0.02


def test_dust_is_found_where_it_is_and_does_not_bend_the_light() -> None:
    light = spotted(spotted(vignetting(), 120, 500, 9, -0.25), 350, 100, 6, 0.12)
    found = measure_glass(shot(light, seed) for seed in range(8))
    assert found.dust.yx_px == pytest.approx(np.array([[120, 500], [350, 100]]), abs=1)
    assert found.dust.radius_px == pytest.approx([9, 6], rel=0.25)
    assert found.dust.contrast[0] == pytest.approx(-0.2, abs=0.08)
    assert found.dust.contrast[1] > 0.04
    clean = measure_glass(shot(vignetting(), seed) for seed in range(8)).flat
    assert gain_map(found.flat) == pytest.approx(gain_map(clean), rel=0.01)


def test_what_is_not_empty_glass_is_refused() -> None:
    tissue = simulate_field(CaseParams(um_per_px=0.424, shape_px=SHAPE, fields=1), 3, 0).rgb
    with pytest.raises(CalibrationError, match="not empty glass"):
        measure_glass([tissue] * 4)
    half = shot(vignetting(), 0).copy()
    half[:, :320] = tissue[:, :320]
    with pytest.raises(CalibrationError, match="not empty glass"):
        measure_glass([half] * 4)


@pytest.mark.parametrize(
    ("frames", "message"),
    [
        ([shot(vignetting(), s) for s in range(3)], "too few"),
        ([], "too few"),
        ([shot(vignetting(), s, (262, 250, 240)) for s in range(4)], "overexposed"),
        ([shot(vignetting(), s, (90, 95, 80)) for s in range(4)], "mean is"),
        ([shot(vignetting() * (1 - 0.02 * s), s) for s in range(4)], "light changed"),
        ([shot(vignetting((480, 640 - 40 * s)), s) for s in range(4)], "one mode of the camera"),
        ([shot(vignetting(strength=1.0), s) for s in range(4)], "differs by"),
    ],
)
def test_frames_that_cannot_serve_are_refused_in_words(frames: list[U8], message: str) -> None:
    with pytest.raises(CalibrationError, match=message):
        measure_glass(frames)


def test_a_picture_of_another_mode_is_not_corrected(flat: FlatField) -> None:
    with pytest.raises(CalibrationError, match="calibrate this camera mode"):
        flatten(np.zeros((10, 10, 3), np.uint8), gain_map(flat))


def test_the_same_light_has_not_drifted(flat: FlatField) -> None:
    drift = glass_drift(shot(vignetting(), 77), flat)
    assert (drift.verdict, drift.reasons) == ("ok", ())
    assert abs(drift.white) < 0.002
    assert drift.colour < 0.002


@pytest.mark.parametrize(
    ("frame", "verdict", "reason"),
    [
        (shot(vignetting() * 0.97, 5), "warn", "white point changed by -3"),
        (shot(vignetting() * 0.93, 5), "refuse", "white point changed by -7"),
        (shot(vignetting(), 5, (236, 231, 219)), "warn", "colour"),
        (shot(vignetting(), 5, (236, 231, 205)), "refuse", "colour"),
        (shot(vignetting(side=0.09), 5), "refuse", "uneven"),
        (shot(spotted(vignetting(), 200, 200, 20, -0.2), 5), "warn", "dust or tissue"),
        (shot(spotted(vignetting(), 200, 200, 60, -0.2), 5), "refuse", "dust or tissue"),
    ],
)
def test_drift_is_told_by_what_drifted(flat: FlatField, frame: U8, verdict: str, reason: str) -> None:
    drift = glass_drift(frame, flat)
    assert drift.verdict == verdict
    assert any(reason in text for text in drift.reasons)


def test_terms_are_counted_as_the_file_counts_them() -> None:
    y, x = np.array(0.5), np.array(-0.25)
    assert terms(y, x, 2) == pytest.approx([1, -0.25, 0.5, 0.0625, -0.125, 0.25])

"""Rulings of a stage micrometer: simulated ones are measured to half a per cent, other pictures refused."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
import pytest

from armicro.contracts.arrays import U8, frozen
from armicro.contracts.errors import CalibrationError
from armicro.imaging.rulings import measure_rulings
from armicro.sim.case import CaseParams, simulate_field


@dataclass(frozen=True)
class Ruled:
    """A simulated stage micrometer: every fifth and tenth stroke longer, some missing, the light uneven."""

    period_px: float = 40.3
    tilt_deg: float = 3.0
    upright: bool = True
    shape: tuple[int, int] = (560, 720)
    width: float = 0.2
    blur_px: float = 2.0
    missing: float = 0.15
    noise: float = 6.0
    ink: float = 0.6
    seed: int = 0


def draw(r: Ruled) -> U8:
    rng = np.random.default_rng(r.seed)
    h, w = r.shape
    y, x = np.mgrid[:h, :w].astype(np.float64)
    y, x = y - (h - 1) / 2, x - (w - 1) / 2
    c, s = np.cos(np.radians(r.tilt_deg)), np.sin(np.radians(r.tilt_deg))
    across, along = (x * c + y * s, y * c - x * s) if r.upright else (y * c + x * s, x * c - y * s)
    across = across + rng.uniform(0, r.period_px)
    number = np.rint(across / r.period_px)
    dark = np.clip(r.width * r.period_px / 2 - np.abs(across - number * r.period_px) + 0.5, 0, 1)
    reach = np.where(number % 10 == 0, 0.45, np.where(number % 5 == 0, 0.36, 0.28)) * min(h, w)
    dark *= np.clip(reach - np.abs(along - 0.05 * h) + 0.5, 0, 1)
    for k in np.unique(number):
        if k % 5 and rng.random() < r.missing:
            dark[number == k] = 0
    light = 235 * (1 - 0.4 * ((x / w) ** 2 + (y / h) ** 2))
    grey = cv2.GaussianBlur(light * (1 - r.ink * dark), (0, 0), r.blur_px)
    rgb = grey[..., None] + rng.standard_normal((h, w, 3)) * r.noise
    return frozen(np.clip(np.rint(rgb), 0, 255).astype(np.uint8))


@pytest.mark.parametrize(
    "ruled",
    [
        Ruled(),
        Ruled(upright=False, tilt_deg=-7.3, seed=1),
        Ruled(tilt_deg=19.7, seed=2),
        Ruled(tilt_deg=-19.8, upright=False, seed=3),
        Ruled(tilt_deg=0.0, seed=4),
        Ruled(period_px=13.7, blur_px=2.0, seed=5),
        Ruled(period_px=88.2, seed=6),
        Ruled(blur_px=8.0, seed=7),
        Ruled(noise=20, seed=8),
        Ruled(missing=0.4, seed=9),
        Ruled(ink=0.12, seed=10),
        Ruled(width=0.05, blur_px=1.0, seed=11),
        Ruled(width=0.5, seed=12),
    ],
)
def test_the_period_is_found_to_half_a_per_cent(ruled: Ruled) -> None:
    found = measure_rulings(draw(ruled))
    assert found.period_px == pytest.approx(ruled.period_px, rel=0.005)
    assert found.upright == ruled.upright
    assert abs(found.tilt_deg) == pytest.approx(abs(ruled.tilt_deg), abs=0.3)
    assert found.standard_error_px < 0.002 * ruled.period_px


def test_light_lines_on_dark_ground_serve_as_well() -> None:
    assert measure_rulings(255 - draw(Ruled())).period_px == pytest.approx(40.3, rel=0.005)


def test_the_standard_error_covers_what_strokes_that_are_off_do() -> None:
    """Rulings cut unevenly: the error told is about the error made."""
    rng = np.random.default_rng(5)
    errors = []
    for _ in range(12):
        grey = np.full((200, 700), 230.0)
        at = 30 + 32.0 * np.arange(20) + rng.normal(0, 0.8, 20)
        for one in at:
            grey -= 120 * np.exp(-0.5 * ((np.arange(700) - one) / 2.5) ** 2)[None]
        found = measure_rulings(np.repeat(np.rint(grey).astype(np.uint8)[..., None], 3, axis=2))
        errors.append((found.period_px - 32.0) / found.standard_error_px)
    assert 0.5 < float(np.std(errors)) < 2.0


@pytest.mark.parametrize("seed", [1, 4, 8])
def test_tissue_has_no_rulings(seed: int) -> None:
    rgb = simulate_field(CaseParams(um_per_px=0.424, shape_px=(500, 500), fields=1), seed, 0).rgb
    with pytest.raises(CalibrationError):
        measure_rulings(rgb)


@pytest.mark.parametrize("grey", ["even", "noise", "one line", "uneven lines", "far too tilted"])
def test_pictures_without_rulings_are_refused(grey: str) -> None:
    rng = np.random.default_rng(2)
    rgb = np.full((400, 500, 3), 230, np.uint8)
    if grey == "noise":
        rgb = rng.integers(150, 250, rgb.shape).astype(np.uint8)
    elif grey == "one line":
        rgb[:, 240:250] = 60
    elif grey == "uneven lines":
        for x in np.cumsum(rng.uniform(15, 60, 12)).astype(int):
            rgb[:, x : x + 6] = 60
    elif grey == "far too tilted":
        rgb = draw(replace(Ruled(), tilt_deg=35.0))
    with pytest.raises(CalibrationError):
        measure_rulings(rgb)

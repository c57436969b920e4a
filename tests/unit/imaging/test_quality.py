"""Quality of a field: each fault is noticed, a good field is not blamed."""

from __future__ import annotations

import cv2
import numpy as np

from armicro.contracts.arrays import U8
from armicro.contracts.frame import Optics
from armicro.imaging.quality import assess

WHITE = (240.0, 240.0, 240.0)


def field(seed: int = 0) -> U8:
    """Dark grains of a micrometre on grey tissue."""
    rng = np.random.default_rng(seed)
    noise = cv2.GaussianBlur(rng.normal(0, 1, (600, 600)).astype(np.float32), (0, 0), 1.2)
    grey = 180 + 60 * noise / noise.std() / 3
    return np.repeat(np.clip(grey, 1, 254).astype(np.uint8)[..., None], 3, axis=2)


def test_a_sharp_field_has_no_warning() -> None:
    assert assess(field(), Optics(0.23), WHITE).warnings == ()


def test_blur_lowers_focus_until_it_is_said() -> None:
    focus, said = [], False
    for sigma_px in (0.1, 2.0, 4.0, 8.0):
        quality = assess(cv2.GaussianBlur(field(), (0, 0), sigma_px).astype(np.uint8), Optics(0.23), WHITE)
        focus.append(quality.focus)
        said = any("focus" in w for w in quality.warnings)
    assert focus == sorted(focus, reverse=True)
    assert said


def test_glass_is_little_tissue() -> None:
    rgb = np.full((600, 600, 3), 239, np.uint8)
    rgb[:40, :40] = 150
    assert any("little tissue" in w for w in assess(rgb, Optics(0.23), WHITE).warnings)


def test_focus_is_measured_where_the_tissue_is() -> None:
    rgb = np.full((2400, 2400, 3), 239, np.uint8)
    rgb[-600:, -600:] = field()
    assert assess(rgb, Optics(0.23), WHITE).focus > 0.8 * assess(field(), Optics(0.23), WHITE).focus


def test_clipping_is_said() -> None:
    rgb = field()
    rgb[:200] = 0
    quality = assess(rgb, Optics(0.23), WHITE)
    assert quality.saturated_share > 0.3
    assert any("clipped" in w for w in quality.warnings)


def test_a_tiny_field_is_no_error() -> None:
    assert assess(np.full((3, 2, 3), 200, np.uint8), Optics(0.23), WHITE).tissue_share >= 0

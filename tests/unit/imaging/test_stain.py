"""Optical density and stain separation."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from armicro.contracts.errors import ProfileError
from armicro.contracts.frame import Optics
from armicro.contracts.stain import DabThresholds, StainProfile
from armicro.imaging.stain import (
    estimate_counterstain,
    estimate_white,
    even_counterstain,
    mix,
    optical_density,
    separate,
    stain_matrix,
    unmix,
)

H, D = (0.65111, 0.70119, 0.29049), (0.26917, 0.56824, 0.77759)
PROFILE = StainProfile("test", "1", H, D, DabThresholds(0.13, 0.42, 0.07), (240.0, 241.0, 245.0))

amounts = hnp.arrays(np.float32, (5, 7, 3), elements=st.floats(-0.5, 2.0, width=32))


@given(amounts)
def test_unmix_inverts_mix(stains: np.ndarray) -> None:
    matrix = stain_matrix(H, D)
    np.testing.assert_allclose(unmix(mix(stains, matrix), matrix), stains, atol=2e-5)


def test_density_is_log10_of_white_over_value() -> None:
    rgb = np.array([[[240, 120, 24]]], np.uint8)
    od = optical_density(rgb, (240.0, 240.0, 240.0))
    np.testing.assert_allclose(od[0, 0], [0.0, np.log10(2), 1.0], atol=1e-6)


def test_black_has_a_finite_density() -> None:
    assert np.isfinite(optical_density(np.zeros((2, 2, 3), np.uint8), (255.0, 255.0, 255.0))).all()


def test_a_pure_stain_is_found_with_its_amount() -> None:
    """Light through DAB of density 0.5 and nothing else, as Beer and Lambert have it."""
    unit = np.asarray(D) / np.linalg.norm(D)
    rgb = np.rint(np.array([240.0, 241.0, 245.0]) * 10 ** (-0.5 * unit)).astype(np.uint8)
    maps = separate(np.broadcast_to(rgb, (8, 8, 3)).copy(), Optics(0.44), PROFILE)
    np.testing.assert_allclose(maps.dab_od, 0.5, atol=0.01)
    np.testing.assert_allclose(maps.haematoxylin_od, 0.0, atol=0.01)


def test_the_picture_is_not_written_to() -> None:
    rgb = np.random.default_rng(0).integers(0, 256, (64, 48, 3), np.uint8)
    rgb.flags.writeable = False
    before = rgb.copy()
    separate(rgb, Optics(0.22), PROFILE)
    np.testing.assert_array_equal(rgb, before)


def test_maps_are_read_only() -> None:
    maps = separate(np.full((16, 16, 3), 200, np.uint8), Optics(0.22), PROFILE)
    with pytest.raises(ValueError, match="read-only"):
        maps.dab_od[0, 0] = 1


@pytest.mark.parametrize(("h", "d"), [((0.0, 0.0, 0.0), D), (D, D), (D, (0.27, 0.57, 0.77))])
def test_vectors_that_cannot_be_told_apart_are_refused(
    h: tuple[float, float, float], d: tuple[float, float, float]
) -> None:
    with pytest.raises(ProfileError):
        stain_matrix(h, d)


def test_vectors_may_have_any_length() -> None:
    longer = (H[0] * 7, H[1] * 7, H[2] * 7)
    np.testing.assert_allclose(stain_matrix(longer, D), stain_matrix(H, D))


def test_white_is_that_of_the_glass() -> None:
    rgb = np.full((600, 600, 3), (180, 150, 170), np.uint8)
    rgb[:100] = (243, 241, 246)
    np.testing.assert_allclose(estimate_white(rgb, 0.23), (243, 241, 246), atol=1)


def test_a_dark_picture_does_not_pass_for_glass() -> None:
    assert min(estimate_white(np.full((50, 50, 3), 20, np.uint8), 0.23)) >= 160


def tissue(haematoxylin_od: float, side: int = 200) -> np.ndarray:
    """Discs of haematoxylin on glass, a third of the field, and a bar of DAB."""
    rng = np.random.default_rng(5)
    stains = np.zeros((side, side, 3), np.float32)
    y, x = np.mgrid[:side, :side]
    for cy, cx in rng.uniform(0, side, (60, 2)):
        stains[(y - cy) ** 2 + (x - cx) ** 2 < 8**2, 0] = haematoxylin_od
    stains[:, 90:100, 1] = 0.4
    od = mix(stains, stain_matrix(H, D))
    return np.rint(np.array([240.0, 241.0, 245.0]) * 10.0 ** -od.astype(np.float64)).astype(np.uint8)


@pytest.mark.parametrize("od", [0.03, 0.11, 0.3, 0.66])
def test_the_counterstain_is_measured(od: float) -> None:
    assert estimate_counterstain(tissue(od), 0.44, PROFILE) == pytest.approx(od, rel=0.15)


def test_glass_has_no_counterstain_and_stays() -> None:
    glass = np.full((64, 64, 3), (240, 241, 245), np.uint8)
    maps = separate(glass, Optics(0.44), PROFILE)
    assert maps.counterstain_od == 0
    assert even_counterstain(glass, maps, 0.11) is glass


@pytest.mark.parametrize("od", [0.03, 0.06, 0.2, 0.27])
def test_an_evened_field_has_the_counterstain_that_was_wanted_and_keeps_its_brown(od: float) -> None:
    rgb = tissue(od)
    rgb.flags.writeable = False
    before = separate(rgb, Optics(0.44), PROFILE)
    shown = even_counterstain(rgb, before, 0.11)
    after = separate(shown, Optics(0.44), PROFILE)
    assert after.counterstain_od == pytest.approx(0.11, rel=0.15)
    bar = before.haematoxylin_od[:, 94:96] < 0.01
    np.testing.assert_allclose(after.dab_od[:, 94:96][bar], before.dab_od[:, 94:96][bar], atol=0.02)


def test_a_part_of_a_field_is_evened_as_the_whole_is() -> None:
    rgb = tissue(0.04)
    maps = separate(rgb, Optics(0.44), PROFILE)
    whole = even_counterstain(rgb, maps, 0.11)
    part = np.ascontiguousarray(rgb[37:, 51:])
    of_part = separate(part, Optics(0.44), PROFILE, maps.counterstain_od)
    np.testing.assert_array_equal(even_counterstain(part, of_part, 0.11), whole[37:, 51:])


def test_a_change_of_the_counterstain_is_bounded() -> None:
    rgb = tissue(0.025)
    maps = separate(rgb, Optics(0.44), PROFILE)
    shown = even_counterstain(rgb, maps, 1.0)
    assert separate(shown, Optics(0.44), PROFILE).counterstain_od < 4.6 * maps.counterstain_od

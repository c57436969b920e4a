"""Stain vectors are found on simulated fields of known ones and from picks; controls carry thresholds."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from armicro.contracts.arrays import U8
from armicro.contracts.errors import CalibrationError
from armicro.contracts.frame import Optics
from armicro.contracts.stain import DabThresholds, StainProfile, Vector3
from armicro.imaging.control import control_density, control_factor, scaled
from armicro.imaging.stain import mix, optical_density, stain_matrix, unmix
from armicro.imaging.stain_vectors import angle_deg, from_picks, macenko
from armicro.sim.case import CaseParams, case_looks, simulate_field
from armicro.sim.params import OpticsParams, parse_mix

PALE: Vector3 = (0.75, 0.62, 0.22)
PROFILE = StainProfile(
    "p", "1", (0.651, 0.701, 0.290), (0.269, 0.568, 0.778), DabThresholds(0.135, 0.44, 0.06)
)


def case(stain_mix: str, um: float, haematoxylin: Vector3) -> CaseParams:
    optics = OpticsParams(stain_jitter_deg=4.0, haematoxylin_rgb_od=haematoxylin)
    return CaseParams(mix=parse_mix(stain_mix), um_per_px=um, shape_px=(560, 560), fields=1, optics=optics)


@pytest.mark.parametrize(
    ("seed", "stain_mix", "um", "haematoxylin"),
    [
        (101, "3+", 0.212, (0.651, 0.701, 0.290)),
        (102, "3+", 0.424, PALE),
        (103, "2+", 0.212, PALE),
        (104, "2+", 0.424, (0.651, 0.701, 0.290)),
        (105, "3+", 0.424, (0.651, 0.701, 0.290)),
        (106, "2+", 0.424, PALE),
    ],
)
def test_known_vectors_are_found_within_three_degrees(
    seed: int, stain_mix: str, um: float, haematoxylin: Vector3
) -> None:
    params = case(stain_mix, um, haematoxylin)
    lens = case_looks(params, seed)[1]
    found = macenko([simulate_field(params, seed, 0).rgb], lens.white_rgb, um)
    assert angle_deg(found.haematoxylin_rgb_od, lens.haematoxylin_rgb_od) < 3
    assert angle_deg(found.dab_rgb_od, lens.dab_rgb_od) < 3
    assert found.residual_od < 0.05


def test_one_stain_alone_or_glass_is_refused() -> None:
    rng = np.random.default_rng(0)
    amount = rng.uniform(0.2, 0.8, (200, 200, 1))
    brown = 240 * 10 ** (-amount * np.array(PROFILE.dab_rgb_od)) + rng.normal(0, 1, (200, 200, 3))
    with pytest.raises(CalibrationError, match="one stain only"):
        macenko([np.clip(brown, 0, 255).astype(np.uint8)], (240, 240, 240), 0.5)
    with pytest.raises(CalibrationError, match="stained strongly enough"):
        macenko([np.full((200, 200, 3), 238, np.uint8)], (240, 240, 240), 0.5)


@pytest.mark.parametrize("seed", [5, 7, 8, 9])
def test_an_unstained_field_gives_no_vectors(seed: int) -> None:
    params = CaseParams(mix=parse_mix("0"), um_per_px=0.424, shape_px=(480, 480), fields=1)
    with pytest.raises(CalibrationError):
        macenko([simulate_field(params, seed, 0).rgb], case_looks(params, seed)[1].white_rgb, 0.424)


def test_a_grey_third_of_the_places_is_not_taken_for_dab() -> None:
    """Blue tissue with grey pigment: enough places take more blue than red, none of them is brown."""
    rng = np.random.default_rng(1)
    amount = rng.uniform(0.3, 0.7, (200, 200, 1))
    grey = np.array([0.55, 0.57, 0.61])
    od = amount * np.where(np.arange(200)[:, None, None] < 60, grey, np.array(PROFILE.haematoxylin_rgb_od))
    rgb = np.clip(240 * 10**-od + rng.normal(0, 1, od.shape), 0, 255).astype(np.uint8)
    with pytest.raises(CalibrationError, match="pure brown"):
        macenko([rgb], (240, 240, 240), 0.5)


def test_picked_pixels_give_their_directions() -> None:
    white = (240.0, 238.0, 235.0)
    h, d = (
        np.array([np.array(white) * 10 ** (-a * np.array(v)) for a in (0.3, 0.6)])
        for v in (PROFILE.haematoxylin_rgb_od, PROFILE.dab_rgb_od)
    )
    found = from_picks(h, d, white)
    assert angle_deg(found.haematoxylin_rgb_od, PROFILE.haematoxylin_rgb_od) < 0.01
    assert angle_deg(found.dab_rgb_od, PROFILE.dab_rgb_od) < 0.01
    with pytest.raises(CalibrationError, match="mixed up"):
        from_picks(d, h, white)
    with pytest.raises(CalibrationError, match="light as glass"):
        from_picks(np.array([white]), d, white)
    with pytest.raises(CalibrationError, match="apart"):
        from_picks(h, h, white)


def restained(rgb: U8, white: Vector3, factor: float) -> U8:
    """The same field with so many times the DAB."""
    matrix = stain_matrix(PROFILE.haematoxylin_rgb_od, PROFILE.dab_rgb_od)
    amounts = unmix(optical_density(rgb, white), matrix)
    amounts[..., 1] *= factor
    return np.clip(np.rint(np.array(white) * 10 ** -mix(amounts, matrix)), 0, 255).astype(np.uint8)


@pytest.mark.parametrize("factor", [0.7, 1.3])
def test_a_control_tells_how_much_more_dab_a_run_has(factor: float) -> None:
    params = CaseParams(
        mix=parse_mix("3+"),
        um_per_px=0.424,
        shape_px=(480, 480),
        fields=1,
        optics=OpticsParams(stain_jitter_deg=0),
    )
    rgb, white = simulate_field(params, 7, 0).rgb, case_looks(params, 7)[1].white_rgb
    profile = replace(PROFILE, white_rgb=white)
    then = control_density([rgb], Optics(0.424), profile)
    now = control_density([restained(rgb, white, factor)], Optics(0.424), profile)
    found = control_factor(now, then, None, None)
    assert found == pytest.approx(factor, rel=0.06)
    carried = scaled(PROFILE.thresholds, found)
    assert carried.weak_od == pytest.approx(PROFILE.thresholds.weak_od * factor, rel=0.06)


def test_factors_take_background_off_and_refuse_what_failed() -> None:
    assert control_factor(0.5, 0.4, 0.1, 0.1) == pytest.approx(4 / 3)
    assert control_factor(0.5, 0.4, 0.1, None) == pytest.approx(1.25)
    with pytest.raises(CalibrationError, match="staining failed"):
        control_factor(0.03, 0.4, None, None)
    with pytest.raises(CalibrationError, match="stain again"):
        control_factor(0.9, 0.4, None, None)
    with pytest.raises(CalibrationError, match="hardly any tissue"):
        control_density([np.full((100, 100, 3), 240, np.uint8)], Optics(0.5), PROFILE)

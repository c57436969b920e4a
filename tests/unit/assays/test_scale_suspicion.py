"""A scale that is said half or twice as large as it is."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from armicro.analysis.detect_classical import ClassicalDetector
from armicro.app.profiles import load_stain_profile
from armicro.assays.kept import KeptField
from armicro.assays.read_field import read_field
from armicro.assays.recipe import Her2IhcRecipe
from armicro.assays.scale_suspicion import scale_suspicion
from armicro.contracts.arrays import U8
from armicro.contracts.cells import Nuclei
from armicro.contracts.frame import MAX_UM_PER_PX, Frame, Optics
from armicro.contracts.stain import StainMaps
from armicro.sim.case import simulate_field
from armicro.sim.params import PRESETS, CaseParams

PROFILE = load_stain_profile()


@dataclass
class SureAt:
    """Finds nuclei some 9 µm apart at the scale it likes, and is the surer the nearer the scale is to it.

    Read too large a nucleus is taken for four, read too small four are taken for one.
    """

    likes_um_per_px: float
    identity: str = "network/1"
    reach_um: float = 1.0
    apart_um: float = 9.0

    def detect(self, rgb: U8, maps: StainMaps) -> Nuclei:
        h, w = rgb.shape[:2]
        off = np.log2(maps.um_per_px / maps.factor / self.likes_um_per_px)
        step = round(self.apart_um / self.likes_um_per_px * 2.0**-off)
        yx = np.stack(np.meshgrid(np.arange(9, h, step), np.arange(9, w, step), indexing="ij"), -1)
        nuclei = Nuclei.at(yx.reshape(-1, 2).astype(np.float32))
        return replace(nuclei, score=np.full(len(nuclei.yx_px), 0.9 - 0.1 * abs(off), np.float32))


def field(um_per_px: float) -> Frame:
    rgb = simulate_field(CaseParams(PRESETS["2+"], 0.25, (900, 900), 1), 3, 0).rgb
    return Frame(rgb, 0, 0, Optics(um_per_px), "made up")


def reading(frame: Frame, detector: SureAt) -> KeptField:
    return read_field(frame, Her2IhcRecipe(PROFILE, detector))


def test_a_network_that_is_surer_at_twice_the_scale_is_told() -> None:
    frame, detector = field(0.25), SureAt(0.5)
    words = scale_suspicion(frame, reading(frame, detector), PROFILE, detector)
    assert words is not None
    assert "0.5 µm per pixel" in words
    assert "check the objective" in words


def test_a_network_that_is_surer_at_half_the_scale_is_told() -> None:
    frame, detector = field(0.5), SureAt(0.25)
    words = scale_suspicion(frame, reading(frame, detector), PROFILE, detector)
    assert words is not None
    assert "as large as at 0.25 µm per pixel" in words


def test_a_scale_that_fits_is_not() -> None:
    frame, detector = field(0.25), SureAt(0.25)
    assert scale_suspicion(frame, reading(frame, detector), PROFILE, detector) is None


def test_scales_beyond_what_is_read_are_not_asked_for() -> None:
    frame, detector = field(0.5), SureAt(0.5)
    assert 2 * frame.optics.um_per_px > MAX_UM_PER_PX
    assert scale_suspicion(frame, reading(frame, detector), PROFILE, detector) is None


def test_nuclei_that_are_too_dense_are_told_whoever_found_them() -> None:
    frame, detector = field(0.1), SureAt(0.1, apart_um=4.0)
    words = scale_suspicion(frame, reading(frame, detector), PROFILE, detector)
    assert words is not None
    assert "too dense" in words


def test_the_classical_detector_is_not_asked_twice() -> None:
    frame = field(0.25)
    kept = read_field(frame, Her2IhcRecipe(PROFILE, ClassicalDetector()))
    assert scale_suspicion(frame, kept, PROFILE, ClassicalDetector()) is None

"""A scale that is said half as large as it is."""

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
from armicro.contracts.frame import Frame, Optics
from armicro.contracts.stain import StainMaps
from armicro.sim.case import simulate_field
from armicro.sim.params import PRESETS, CaseParams

PROFILE = load_stain_profile()


@dataclass
class SureAt:
    """Finds nuclei on a grid, and is the surer the nearer the scale is to the one it likes."""

    likes_um_per_px: float
    identity: str = "network/1"
    reach_um: float = 1.0

    def detect(self, rgb: U8, maps: StainMaps) -> Nuclei:
        h, w = rgb.shape[:2]
        yx = np.stack(np.meshgrid(np.arange(20, h, 40), np.arange(20, w, 40), indexing="ij"), -1)
        nuclei = Nuclei.at(yx.reshape(-1, 2).astype(np.float32))
        away = abs(np.log2(maps.um_per_px / maps.factor / self.likes_um_per_px))
        return replace(nuclei, score=np.full(len(nuclei.yx_px), 0.9 - 0.1 * away, np.float32))


def field(um_per_px: float) -> Frame:
    rgb = simulate_field(CaseParams(PRESETS["2+"], 0.25, (600, 600), 1), 3, 0).rgb
    return Frame(rgb, 0, 0, Optics(um_per_px), "made up")


def reading(frame: Frame, detector: SureAt) -> KeptField:
    return read_field(frame, Her2IhcRecipe(PROFILE, detector))


def test_a_network_that_is_surer_at_twice_the_scale_is_told() -> None:
    frame, detector = field(0.25), SureAt(0.5)
    words = scale_suspicion(frame, reading(frame, detector), PROFILE, detector)
    assert words is not None
    assert "0.5 µm per pixel" in words
    assert "check the objective" in words


def test_a_scale_that_fits_is_not() -> None:
    frame, detector = field(0.25), SureAt(0.25)
    assert scale_suspicion(frame, reading(frame, detector), PROFILE, detector) is None


def test_nuclei_that_are_too_dense_are_told_whoever_found_them() -> None:
    frame, detector = field(0.1), SureAt(0.1)
    words = scale_suspicion(frame, reading(frame, detector), PROFILE, detector)
    assert words is not None
    assert "too dense" in words


def test_the_classical_detector_is_not_asked_twice() -> None:
    frame = field(0.25)
    kept = read_field(frame, Her2IhcRecipe(PROFILE, ClassicalDetector()))
    assert scale_suspicion(frame, kept, PROFILE, ClassicalDetector()) is None

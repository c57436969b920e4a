"""The classical detector on drawn nuclei."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from armicro.analysis.detect_classical import ClassicalDetector
from armicro.contracts.arrays import F32
from armicro.contracts.cells import NucleusKind
from armicro.contracts.stain import StainMaps

UM = 0.44
RGB = np.zeros((1, 1, 3), np.uint8)
PLACES = [(30, 30), (30, 60), (55, 45), (80, 30), (85, 75)]


def maps_of(places: list[tuple[int, int]], radius_um: float = 3.0, cytoplasm_od: float = 0.06) -> StainMaps:
    h: F32 = np.full((120, 120), cytoplasm_od, np.float32)
    for y, x in places:
        cv2.circle(h, (x, y), round(radius_um / UM), 0.25, -1)
    return StainMaps(
        np.asarray(cv2.GaussianBlur(h, (0, 0), 1.0), np.float32),
        np.zeros_like(h),
        UM,
        1,
        (240.0, 240.0, 240.0),
    )


@pytest.mark.parametrize("radius_um", [2.2, 3.0, 4.0])
def test_nuclei_are_found_where_they_are(radius_um: float) -> None:
    nuclei = ClassicalDetector().detect(RGB, maps_of(PLACES, radius_um))
    tumour = nuclei.of_kind(NucleusKind.TUMOUR).yx_px
    for place in PLACES:
        assert np.hypot(*(tumour - np.array(place, np.float32)).T).min() * UM < 2.0


def test_nuclei_in_pale_surroundings_are_not_tumour() -> None:
    nuclei = ClassicalDetector().detect(RGB, maps_of(PLACES, 2.2, cytoplasm_od=0.0))
    assert len(nuclei) >= len(PLACES)
    assert (nuclei.kind == NucleusKind.OTHER).all()


def test_a_white_hole_ringed_by_brown_is_no_nucleus() -> None:
    blank = maps_of([], cytoplasm_od=0.0)
    dab = np.zeros((120, 120), np.float32)
    cv2.circle(dab, (60, 60), 14, 0.8, 3)
    nuclei = ClassicalDetector().detect(RGB, StainMaps(blank.haematoxylin_od, dab, UM, 1, blank.white_rgb))
    near = np.hypot(*(nuclei.yx_px - 60).T) < 8 if len(nuclei) else np.zeros(0)
    assert not near.any()


def test_glass_has_no_nuclei() -> None:
    assert len(ClassicalDetector().detect(RGB, maps_of([], cytoplasm_od=0.0))) == 0


def test_its_identity_names_it() -> None:
    assert ClassicalDetector().identity.startswith("classical/")

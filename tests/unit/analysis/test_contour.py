"""Contours against drawn membranes."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from armicro.analysis.contour import ContourParams, border_distance, follow, sample
from armicro.contracts.arrays import F32

UM = 0.44
PARAMS = ContourParams()


def canvas() -> F32:
    return np.zeros((121, 121), np.float32)


def ellipse(
    at: tuple[float, float],
    axes_um: tuple[float, float],
    arc_deg: tuple[int, int] = (0, 360),
    od: float = 0.6,
) -> F32:
    """Draw a membrane 1 µm wide around y, x (px) and blur it as a microscope does."""
    big = cv2.ellipse(
        np.zeros((121 * 8, 121 * 8), np.float32),
        (int((at[1] + 0.5) * 8), int((at[0] + 0.5) * 8)),
        (int(axes_um[0] / UM * 8), int(axes_um[1] / UM * 8)),
        0, *arc_deg, od, int(1.0 / UM * 8),
    )  # fmt: skip
    return cv2.GaussianBlur(cv2.resize(big, (121, 121), interpolation=cv2.INTER_AREA), (0, 0), 0.7).astype(
        "f4"
    )


def stained_share(signal: F32, nuclei: list[tuple[float, float]]) -> F32:
    yx = np.array(nuclei, np.float32)
    contours = follow(signal, yx, border_distance(yx, (121, 121)), UM, PARAMS)
    on = sample(signal, contours) > 0.15
    return np.asarray((on * contours.length_um).sum(axis=1) / contours.length_um.sum(axis=1), np.float32)


@pytest.mark.parametrize("offset_um", [0.0, 1.0, 2.0])
def test_a_ring_is_complete_wherever_the_nucleus_sits(offset_um: float) -> None:
    assert stained_share(ellipse((60, 60), (6, 6)), [(60 + offset_um / UM, 60)])[0] > 0.95


def test_the_contour_lies_on_the_ring() -> None:
    yx = np.array([[60, 60]], np.float32)
    signal = ellipse((60, 60), (6, 6))
    contours = follow(signal, yx, border_distance(yx, (121, 121)), UM, PARAMS)
    np.testing.assert_allclose(contours.radius_um[0], 6, atol=0.4)
    assert contours.length_um.sum() == pytest.approx(2 * np.pi * 6, rel=0.1)


@pytest.mark.parametrize("axes", [(12.0, 4.5), (4.5, 12.0), (9.0, 5.0)])
def test_a_columnar_cell_is_followed_to_its_ends(axes: tuple[float, float]) -> None:
    assert stained_share(ellipse((60, 60), axes), [(60, 60)])[0] > 0.93


@pytest.mark.parametrize(("arc", "share"), [((0, 180), 0.5), ((90, 360), 0.75), ((0, 90), 0.25)])
def test_a_part_of_a_ring_is_that_part(arc: tuple[int, int], share: float) -> None:
    assert stained_share(ellipse((60, 60), (6, 6), arc), [(60, 60)])[0] == pytest.approx(share, abs=0.1)


def test_a_neighbours_ring_is_not_ones_own() -> None:
    signal = ellipse((60, 35), (5, 5))
    shares = stained_share(signal, [(60, 35), (60, 66)])
    assert shares[0] > 0.95
    # Two thirds of what makes a cell "incomplete" at most: part of the ring lies within the free trespass.
    assert shares[1] < 0.17


def test_a_shared_membrane_belongs_to_both() -> None:
    signal = canvas()
    cv2.line(signal, (60, 45), (60, 75), 0.6, 2)
    left, right = stained_share(signal, [(60, 48), (60, 72)])
    assert left > 0.2
    assert right == pytest.approx(left, abs=0.06)


def test_without_membrane_there_is_no_share() -> None:
    assert stained_share(canvas(), [(60, 60)])[0] == 0


def test_what_lies_outside_the_field_has_no_length() -> None:
    yx = np.array([[60, 3]], np.float32)
    contours = follow(canvas(), yx, border_distance(yx, (121, 121)), UM, PARAMS)
    outside = contours.x_px < 0
    assert outside.any()
    assert (contours.length_um[outside] == 0).all()


def test_no_nuclei_no_contours() -> None:
    none = np.empty((0, 2), np.float32)
    contours = follow(canvas(), none, border_distance(none, (121, 121)), UM, PARAMS)
    assert contours.radius_um.shape == (0, PARAMS.angles)
    assert sample(canvas(), contours).shape == (0, PARAMS.angles)

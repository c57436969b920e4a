"""A field's answer does not depend on how many threads work on it, to the last bit."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from functools import cache

import cv2
import numpy as np
import pytest

from armicro.analysis import contour
from armicro.analysis.detect_classical import ClassicalDetector
from armicro.app.cores import take_cores
from armicro.assays.her2_ihc import Her2IhcRecipe, Reading, analyse
from armicro.contracts.arrays import U8, frozen
from armicro.contracts.frame import Frame, Optics
from armicro.contracts.results import FovResult
from armicro.contracts.stain import DabThresholds, StainProfile
from armicro.imaging import parallel
from armicro.imaging.stain import even_counterstain, separate
from armicro.overlay import compose, draw_overlay
from armicro.sim.case import CaseParams, parse_mix, simulate_field

PROFILE = StainProfile(
    "test", "1", (0.65111, 0.70119, 0.29049), (0.26917, 0.56824, 0.77759), DabThresholds(0.135, 0.44, 0.07)
)


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Many strips and chunks, so that threads come to work in any order; all as before afterwards."""
    monkeypatch.setattr(parallel, "STRIP_PX", 4_000)
    monkeypatch.setattr(contour, "_CHUNK", 16)
    before = cv2.getNumThreads()
    yield
    take_cores(0)
    cv2.setNumThreads(before)


@cache
def field() -> U8:
    params = CaseParams(mix=parse_mix("2+"), um_per_px=0.23, shape_px=(701, 640))
    return frozen(simulate_field(params, 6, 0).rgb)


def read(reading: Reading) -> FovResult:
    recipe = Her2IhcRecipe(PROFILE, ClassicalDetector(), reading)
    return analyse(Frame(field(), 0, 0, Optics(0.23), "test"), recipe)


def assert_same(a: object, b: object) -> None:
    if isinstance(a, np.ndarray):
        np.testing.assert_array_equal(a, b)
    elif is_dataclass(a):
        for one in fields(a):
            assert_same(getattr(a, one.name), getattr(b, one.name))
    else:
        assert a == b


@pytest.mark.parametrize("reading", list(Reading))
def test_reading_and_overlay_are_the_same_on_any_number_of_threads(
    reading: Reading, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as whole:
        whole.setattr(parallel, "STRIP_PX", 1 << 30)
        whole.setattr(contour, "_CHUNK", 1 << 20)
        expected = read(reading)
        overlay = draw_overlay(expected)
        picture = compose(field(), overlay)
    assert len(expected.cells) > 50
    for n in (1, 2, 3):
        take_cores(n)
        found = read(reading)
        assert_same(found, expected)
        np.testing.assert_array_equal(draw_overlay(found), overlay)
        np.testing.assert_array_equal(compose(field(), overlay), picture)


def test_evening_is_the_same_on_any_number_of_threads() -> None:
    rgb = field()[:, :600]
    shown = []
    for n in (0, 1, 3):
        take_cores(n)
        maps = separate(rgb, Optics(0.44), PROFILE)
        shown.append(even_counterstain(rgb, maps, maps.counterstain_od * 1.7))
    assert not np.array_equal(shown[0], rgb)
    assert all(np.array_equal(one, shown[0]) for one in shown)

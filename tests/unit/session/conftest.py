"""Scenes and sources for the tests of sessions."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import cv2
import numpy as np
import pytest

from armicro.contracts.arrays import U8, frozen
from armicro.contracts.frame import Frame, Optics
from armicro.session.parts import SessionLimits
from tests.session_rig import Rig

FPS = 10
PERIOD_NS = 10**9 // FPS


def scene(place: int, noise: int = 0) -> U8:
    """A patchy scene, (96, 128, 3); each place is other tissue, each noise other shot noise on it."""
    tissue = np.random.default_rng(place).uniform(60, 240, (12, 16, 3)).astype(np.float32)
    wide = cv2.resize(tissue, (128, 96), interpolation=cv2.INTER_CUBIC)
    grain = np.random.default_rng(1000 + noise).normal(0, 4, wide.shape)
    return frozen((wide + grain).clip(0, 255).astype(np.uint8))


@dataclass(frozen=True)
class FakeSource:
    """A recorded source out of memory.

    `places` names the scene of each frame, `presses_ns` are the presses. `fails_at` makes the frame of that
    number fail.
    """

    places: tuple[int, ...]
    presses_ns: tuple[int, ...]
    fails_at: int | None = None
    error: type[Exception] = OSError

    @property
    def period_ns(self) -> int:
        return PERIOD_NS

    def frames(self) -> Iterator[Frame]:
        for index, place in enumerate(self.places):
            if index == self.fails_at:
                raise self.error("the camera is gone")
            yield Frame(scene(place, index), index, index * PERIOD_NS, Optics(0.25), f"fake#{index}")


@pytest.fixture
def make_scene() -> Callable[..., U8]:
    return scene


@pytest.fixture
def make_source() -> type[FakeSource]:
    return FakeSource


@pytest.fixture
def make_rig() -> Iterator[Callable[..., Rig]]:
    """Makes sessions with scripted devices; all are closed at the end, and leave no thread behind."""
    rigs: list[Rig] = []
    before = set(threading.enumerate())

    def make(limits: SessionLimits | None = None, **changes: object) -> Rig:
        rigs.append(Rig(limits, **changes))
        return rigs[-1]

    yield make
    for rig in rigs:
        rig.detector.gate.set()
        rig.session.close()
    assert not [t for t in threading.enumerate() if t not in before]


@pytest.fixture
def rig(make_rig: Callable[..., Rig]) -> Rig:
    return make_rig()

"""A session with scripted devices: a clock that stands until it is told, a detector that costs nothing."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import cv2
import numpy as np

from armicro.contracts.arrays import F32, U8, frozen
from armicro.contracts.cells import Nuclei
from armicro.contracts.devices import CameraEvent, CameraEventKind, CameraInfo, Exposure, Gesture, PedalPress
from armicro.contracts.errors import EngineError
from armicro.contracts.frame import Optics
from armicro.contracts.stain import DabThresholds, StainMaps, StainProfile
from armicro.scoring.guidelines import load_guideline
from armicro.session.parts import SessionEvent, SessionLimits, SessionParts
from armicro.session.session import Session
from armicro.store.memory import MemoryCase

UM_PER_PX = 0.25
MS = 1_000_000
STEP_NS = 100 * MS
THRESHOLDS = DabThresholds(0.135, 0.44, 0.07)


def profile(name: str = "test") -> StainProfile:
    vectors = (0.65111, 0.70119, 0.29049), (0.26917, 0.56824, 0.77759)
    return StainProfile(name, "1", *vectors, THRESHOLDS, white_rgb=(235.0, 235.0, 235.0))


def tissue(place: int, noise: int = 0) -> U8:
    """A patchy field, (96, 128, 3), with some brown; each place is another one."""
    patches = np.random.default_rng(place).uniform(0, 1, (8, 11, 2)).astype(np.float32)
    blue, brown = (cv2.resize(patches[..., k], (128, 96), interpolation=cv2.INTER_CUBIC) for k in (0, 1))
    od = blue[..., None] * np.array([0.3, 0.3, 0.1]) + brown[..., None] ** 2 * np.array([0.2, 0.5, 0.7])
    grain = np.random.default_rng(1000 + noise).normal(0, 3, od.shape)
    return frozen((235 * 10**-od + grain).clip(1, 255).astype(np.uint8))


@dataclass
class FakeDetector:
    """Finds nuclei on a grid; can be made to fail, to wait, or to be another one from then on."""

    identity: str = "fake/1"
    reach_um: float = 1.0
    failing: str | None = None
    gate: threading.Event = field(default_factory=threading.Event)
    calls: int = 0
    threads: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.gate.set()

    def detect(self, rgb: U8, maps: StainMaps) -> Nuclei:
        del maps
        self.gate.wait(10)
        self.calls += 1
        self.threads.add(threading.get_ident())
        if self.failing is not None:
            raise EngineError(self.failing)
        h, w = rgb.shape[:2]
        yx: F32 = np.stack(np.meshgrid(np.arange(12, h, 24), np.arange(12, w, 24), indexing="ij"), -1)
        return Nuclei.at(yx.reshape(-1, 2).astype(np.float32))


@dataclass
class FakeSource:
    """A `DetectorSource`."""

    detector: FakeDetector = field(default_factory=FakeDetector)
    waiting: list[str] = field(default_factory=list)

    def news(self) -> tuple[str, ...]:
        new, self.waiting = tuple(self.waiting), []
        return new


class Rig:
    """A session and everything that is done to it."""

    def __init__(self, limits: SessionLimits | None = None, **changes: object) -> None:
        self.now_ns = 10**12
        self.source = FakeSource()
        self.cases: list[MemoryCase] = []
        self.events: list[SessionEvent] = []
        values: dict[str, object] = {
            "detector": self.source, "load_profile": profile, "load_guideline": load_guideline,
            "open_case": self._open, "case_id": "case", "profile": "test",
            "guideline": "asco-cap-2018-breast", "clock": lambda: self.now_ns,
            "limits": limits or SessionLimits(),
            "objectives": {"40x": Optics(UM_PER_PX, "40x"), "20x": Optics(2 * UM_PER_PX, "20x")},
            "objective": "40x", "positions": {1: "20x", 2: "40x"},
        }  # fmt: skip
        self.parts = SessionParts(**(values | changes))  # type: ignore[arg-type]
        self.session = Session(self.parts)
        self.session.listen(self.events.append)
        self.frame_id = -1

    def _open(self, case_id: str) -> MemoryCase:
        del case_id
        self.cases.append(MemoryCase())
        return self.cases[-1]

    @property
    def detector(self) -> FakeDetector:
        return self.source.detector

    def event(self, kind: CameraEventKind, words: str = "words", **more: CameraInfo) -> None:
        self.session.on_camera_event(CameraEvent(kind, words, self.now_ns, **more))

    def expose(self, place: int = 0, optics: Optics | None = None, noise: int | None = None) -> int:
        """Give a frame, exposed now; a step of time passes before it."""
        self.now_ns += STEP_NS
        self.frame_id += 1
        rgb = tissue(place, self.frame_id if noise is None else noise)
        self.session.on_exposure(Exposure(rgb, self.frame_id, self.now_ns, optics))
        return self.frame_id

    def press(self, gesture: Gesture = Gesture.SHORT, after_ms: int = 10) -> int:
        """Press, so long after the newest frame; returns when."""
        t_ns = self.now_ns + after_ms * MS
        self.session.on_press(PedalPress(gesture, t_ns, "pedal"))
        return t_ns

    def capture(self, place: int, n: int | None = None) -> None:
        """Rest at a place, press, and wait until the field is kept; with `n`, until n are scored."""
        before = len(self.session.snapshot().fields)
        self.expose(place)
        self.press()
        self.expose(place)
        self.until(lambda: len(self.session.snapshot().fields) == before + 1)
        if n is not None:
            self.scored(n)

    def rest(self, place: int) -> int:
        """Rest at a place until its newest frame is read, so that nothing is under way; returns which.

        A frame that comes while a field is being written may be given up: then the next one is waited for.
        """
        while True:
            newest, end = self.expose(place), time.monotonic() + 2.0
            while time.monotonic() < end:
                view = self.session.live()
                if view is not None and view.result_frame_id == newest:
                    return newest
                time.sleep(0.002)
            assert newest < 1000, f"no frame is read; {self.session.snapshot()}"[:3000]

    def scored(self, n: int) -> None:
        """Wait until the score rests on n fields, and everything is settled."""
        self.until(lambda: self.n_scored() == n)

    def n_scored(self) -> int:
        summary = self.session.snapshot().summary
        return 0 if summary is None else summary.n_fields

    def until(self, holds: Callable[[], object], timeout_s: float = 10.0) -> None:
        end = time.monotonic() + timeout_s
        while not holds():
            if time.monotonic() > end:
                raise AssertionError(f"did not come true; {self.session.snapshot()}"[:3000])
            time.sleep(0.002)

    def notices(self) -> str:
        return "\n".join(self.session.snapshot().notices)

    def kinds(self) -> list[str]:
        return [str(e.kind) for e in self.events]

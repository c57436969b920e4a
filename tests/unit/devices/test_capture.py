"""The capture loop with a scripted camera and a clock that the script moves."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pytest

from armicro.contracts.devices import (
    CameraEvent,
    CameraEventKind,
    CameraHealth,
    CameraInfo,
    Exposure,
)
from armicro.contracts.errors import DeviceError, EndOfStream
from armicro.devices.capture import CaptureLoop
from armicro.devices.capture_watch import CaptureLimits

K = CameraEventKind
PERIOD_S = 1 / 30


class Clock:
    def __init__(self) -> None:
        self.ns = 1_000_000_000

    def __call__(self) -> int:
        return self.ns

    def pass_s(self, seconds: float) -> None:
        self.ns += round(seconds * 1e9)

    @property
    def s(self) -> float:
        return self.ns / 1e9 - 1


@dataclass(frozen=True)
class Frame:
    """A complete exposure, a period after the one before."""

    shape: tuple[int, int] = (6, 8)
    period_s: float = PERIOD_S


class Torn:
    """An incomplete exposure."""


class Nothing:
    """A grab that runs into its timeout."""


Step = Frame | Torn | Nothing | BaseException | Callable[[], None]


class ScriptedCamera:
    """Does one step per grab; at the script's end it raises `EndOfStream`."""

    def __init__(
        self,
        clock: Clock,
        steps: Sequence[Step],
        opens: Sequence[CameraInfo | BaseException] = (),
    ) -> None:
        self.clock = clock
        self.steps = iter(steps)
        self.opens = iter(opens)
        self.opened_at_s: list[float] = []
        self.closed = 0
        self.threads: set[int] = set()
        self.health = CameraHealth()
        self.controls = None
        self.stage = None
        self._id = 0

    def open(self) -> CameraInfo:
        self.threads.add(threading.get_ident())
        self.opened_at_s.append(self.clock.s)
        outcome = next(self.opens, CameraInfo("Test camera", "1", (6, 8), "RGB8"))
        if isinstance(outcome, BaseException):
            raise outcome
        self.health, self._id = CameraHealth(), 0
        return outcome

    def grab(self, timeout_s: float) -> Exposure | None:
        self.threads.add(threading.get_ident())
        step = next(self.steps, EndOfStream("the script is at its end"))
        if isinstance(step, BaseException):
            raise step
        if isinstance(step, Frame):
            self.clock.pass_s(step.period_s)
            self.health = CameraHealth(self.health.frames + 1, self.health.incomplete, 0)
            self._id += 1
            return Exposure(np.zeros((*step.shape, 3), np.uint8), self._id, self.clock.ns)
        if isinstance(step, Torn):
            self.clock.pass_s(PERIOD_S)
            self.health = CameraHealth(self.health.frames, self.health.incomplete + 1, 0)
            return None
        if isinstance(step, Nothing):
            self.clock.pass_s(timeout_s)
            return None
        step()
        return None

    def close(self) -> None:
        self.threads.add(threading.get_ident())
        self.closed += 1


class Listener:
    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.exposures: list[Exposure] = []
        self.events: list[CameraEvent] = []

    def event(self, event: CameraEvent) -> None:
        self.events.append(event)

    @property
    def kinds(self) -> list[CameraEventKind]:
        return [e.kind for e in self.events]

    def at_s(self, kind: CameraEventKind) -> float:
        return next(e.t_ns for e in self.events if e.kind is kind) / 1e9 - 1

    def words(self, kind: CameraEventKind) -> str:
        return next(e.words for e in self.events if e.kind is kind)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(autouse=True)
def no_thread_left() -> Iterator[None]:
    before = set(threading.enumerate())
    yield
    assert set(threading.enumerate()) <= before


def play(
    camera: ScriptedCamera, on_exposure: Callable[[Exposure], object] | None = None
) -> tuple[Listener, CaptureLoop]:
    """Run the script to its end."""
    listener = Listener(camera.clock)
    loop = CaptureLoop(camera, clock=camera.clock, pause=camera.clock.pass_s)
    loop.start(on_exposure or listener.exposures.append, listener.event)
    until = time.monotonic() + 10
    while loop.running and time.monotonic() < until:
        time.sleep(0.001)
    assert not loop.running, "it ends with the stream"
    loop.close()
    return listener, loop


def test_frames_are_handed_on_in_order_and_the_end_is_told(clock: Clock) -> None:
    camera = ScriptedCamera(clock, [Frame()] * 5)
    heard, loop = play(camera)
    assert [e.frame_id for e in heard.exposures] == [1, 2, 3, 4, 5]
    assert heard.kinds == [K.OPENED, K.ENDED]
    assert "6 px" in heard.words(K.OPENED)
    assert "Open it again" in heard.words(K.ENDED)
    assert camera.closed == 1
    assert loop.failure is None
    assert len(camera.threads) == 1, "one thread uses the camera"
    assert threading.get_ident() not in camera.threads


def test_a_stall_is_told_within_two_seconds_once_and_its_end_too(clock: Clock) -> None:
    heard, _ = play(ScriptedCamera(clock, [Frame()] * 3 + [Nothing()] * 30 + [Frame()] * 3))
    assert heard.kinds == [K.OPENED, K.STALLED, K.RECOVERED, K.ENDED]
    assert 1.5 - 1e-6 <= heard.at_s(K.STALLED) - 3 * PERIOD_S <= 2.0
    assert "cable" in heard.words(K.STALLED)
    assert "gap of 3 s" in heard.words(K.RECOVERED)


def test_a_slow_camera_is_not_a_stalled_one(clock: Clock) -> None:
    slow: list[Step] = []
    for _ in range(4):
        slow += [Nothing()] * 12 + [Frame(period_s=0.0)]
    heard, _ = play(ScriptedCamera(clock, [*slow, *[Nothing()] * 25, Frame()]))
    assert heard.kinds == [K.OPENED, K.ENDED], "2.5 s are about two of its periods"


def test_a_slow_receiver_is_not_a_stalled_camera(clock: Clock) -> None:
    heard, _ = play(
        ScriptedCamera(clock, [Frame(), Nothing(), Frame(), Nothing()]), lambda _: clock.pass_s(3.0)
    )
    assert heard.kinds == [K.OPENED, K.ENDED]


def test_a_long_stall_is_answered_by_opening_again(clock: Clock) -> None:
    camera = ScriptedCamera(clock, [Frame()] + [Nothing()] * 60 + [Frame()])
    heard, _ = play(camera)
    assert heard.kinds == [K.OPENED, K.STALLED, K.RECOVERED, K.ENDED]
    assert len(camera.opened_at_s) == 2
    assert camera.opened_at_s[1] == pytest.approx(5 + 0.25, abs=0.2)


def test_a_lost_camera_is_opened_again_with_growing_pauses(clock: Clock) -> None:
    gone = DeviceError("its cable was pulled")
    info = CameraInfo("Test camera", "1", (6, 8), "RGB8")
    camera = ScriptedCamera(clock, [Frame(), gone, Frame()], [info, gone, gone, gone, gone, gone, info])
    heard, _ = play(camera)
    assert heard.kinds == [K.OPENED, K.LOST, K.RECOVERED, K.ENDED]
    assert [e.frame_id for e in heard.exposures] == [1, 2], "the camera itself began at 1 again"
    assert "its cable was pulled" in heard.words(K.LOST)
    assert heard.at_s(K.LOST) == pytest.approx(PERIOD_S, abs=0.01)
    pauses = np.diff(camera.opened_at_s[1:])
    np.testing.assert_allclose(pauses, [0.5, 1, 2, 2, 2], atol=0.01)
    assert camera.closed == 7, "closed before each time it is opened again, and at the end"


def test_a_camera_that_opens_but_fails_at_once_has_not_recovered(clock: Clock) -> None:
    gone = DeviceError("no answer")
    camera = ScriptedCamera(clock, [Frame(), gone, gone, gone, Frame()])
    heard, _ = play(camera)
    assert heard.kinds == [K.OPENED, K.LOST, K.RECOVERED, K.ENDED]
    np.testing.assert_allclose(np.diff(camera.opened_at_s)[1:], [0.5, 1.0], atol=0.01)


def test_a_camera_that_is_not_there_at_first_is_waited_for(clock: Clock) -> None:
    heard, _ = play(ScriptedCamera(clock, [Frame()], [DeviceError("no such camera")] * 2))
    assert heard.kinds == [K.LOST, K.OPENED, K.ENDED]
    assert "cannot be opened: no such camera" in heard.words(K.LOST)


def test_a_driver_that_fails_in_an_unforeseen_way_is_a_lost_camera(clock: Clock) -> None:
    heard, _ = play(ScriptedCamera(clock, [Frame(), ZeroDivisionError("in a driver"), Frame()]))
    assert heard.kinds == [K.OPENED, K.LOST, K.RECOVERED, K.ENDED]
    assert "ZeroDivisionError: in a driver" in heard.words(K.LOST)


@pytest.mark.parametrize("whole", [0, 1, 2])
def test_many_incomplete_frames_are_told_within_two_seconds(clock: Clock, whole: int) -> None:
    good: list[Step] = [Frame()] * 90
    bad: list[Step] = []
    while len(bad) < 90:
        bad += [*[Frame()] * whole, Torn()]
    del bad[90:]
    heard, _ = play(ScriptedCamera(clock, good + bad + good))
    assert heard.kinds == [K.OPENED, K.INCOMPLETE, K.RECOVERED, K.ENDED]
    assert 0 < heard.at_s(K.INCOMPLETE) - 3.0 < 2.0
    assert "arrive damaged" in heard.words(K.INCOMPLETE)
    assert 0 < heard.at_s(K.RECOVERED) - 6.0 < 2.0


def test_thirty_per_cent_from_the_start_are_told_and_ten_are_not(clock: Clock) -> None:
    ten: list[Step] = [*[Frame()] * 9, Torn()]
    thirty: list[Step] = [*[Frame()] * 7, *[Torn()] * 3]
    assert play(ScriptedCamera(clock, ten * 10))[0].kinds == [K.OPENED, K.ENDED]
    assert play(ScriptedCamera(clock, thirty * 10))[0].kinds == [K.OPENED, K.INCOMPLETE, K.ENDED]


def test_damaged_frames_that_stop_coming_are_a_stall(clock: Clock) -> None:
    steps = [Frame()] * 5 + [Torn()] * 30 + [Nothing()] * 40
    heard, _ = play(ScriptedCamera(clock, steps))
    assert heard.kinds == [K.OPENED, K.INCOMPLETE, K.STALLED, K.ENDED]


def test_a_changed_shape_is_told_before_the_frame_that_has_it(clock: Clock) -> None:
    order: list[str] = []
    camera = ScriptedCamera(clock, [Frame(), Frame((4, 8)), Frame((4, 8))])
    loop = CaptureLoop(camera, clock=clock, pause=clock.pass_s)
    loop.start(lambda e: order.append(str(e.rgb.shape[0])), lambda e: order.append(e.kind.value))
    while loop.running:
        time.sleep(0.001)
    loop.close()
    assert order == ["opened", "6", "format-changed", "4", "4", "ended"]


def test_another_format_after_opening_again_is_told(clock: Clock) -> None:
    infos = [CameraInfo("Test camera", "1", (6, 8), f) for f in ("BayerRG8", "Mono8")]
    heard, _ = play(ScriptedCamera(clock, [Frame(), DeviceError("gone"), Frame()], infos))
    assert heard.kinds == [K.OPENED, K.LOST, K.FORMAT_CHANGED, K.RECOVERED, K.ENDED]
    assert "8 × 6 px, Mono8 instead of 8 × 6 px, BayerRG8" in heard.words(K.FORMAT_CHANGED)
    info = heard.events[2].info
    assert info is not None
    assert info.pixel_format == "Mono8"


def test_a_receiver_that_raises_is_told_of_once_and_the_capture_goes_on(clock: Clock) -> None:
    got = []

    def receive(exposure: Exposure) -> None:
        got.append(exposure.frame_id)
        if exposure.frame_id in (2, 3):
            raise KeyError("no such case")

    heard, loop = play(ScriptedCamera(clock, [Frame()] * 5), receive)
    assert got == [1, 2, 3, 4, 5]
    assert heard.kinds == [K.OPENED, K.FAILED, K.ENDED]
    assert "KeyError: 'no such case'" in heard.words(K.FAILED)
    assert isinstance(loop.failure, KeyError)


def test_a_listener_that_raises_does_not_end_the_capture(clock: Clock) -> None:
    got: list[Exposure] = []

    def deaf(event: CameraEvent) -> None:
        raise ValueError(event.kind.value)

    loop = CaptureLoop(ScriptedCamera(clock, [Frame()] * 4), clock=clock, pause=clock.pass_s)
    loop.start(got.append, deaf)
    while loop.running:
        time.sleep(0.001)
    loop.close()
    assert len(got) == 4
    assert str(loop.failure) == "opened"


def test_closing_ends_thread_and_camera_and_it_can_be_started_again(clock: Clock) -> None:
    def endless() -> Iterator[Step]:
        while True:
            yield lambda: time.sleep(0.001)

    camera = ScriptedCamera(clock, [])
    camera.steps = endless()
    loop = CaptureLoop(camera, clock=clock)
    loop.close()
    for n in (1, 2):
        heard = Listener(clock)
        loop.start(heard.exposures.append, heard.event)
        with pytest.raises(RuntimeError, match="close it first"):
            loop.start(heard.exposures.append, heard.event)
        time.sleep(0.02)
        assert loop.running
        begin = time.monotonic()
        loop.close()
        loop.close()
        assert time.monotonic() - begin < 1.0
        assert camera.closed == n
        assert heard.kinds == [K.OPENED]


def test_closing_does_not_wait_for_the_next_try(clock: Clock) -> None:
    camera = ScriptedCamera(clock, [], [DeviceError("no such camera")] * 100)
    loop = CaptureLoop(camera, CaptureLimits(first_retry_s=30, longest_retry_s=30), clock)
    heard = Listener(clock)
    loop.start(heard.exposures.append, heard.event)
    time.sleep(0.02)
    begin = time.monotonic()
    loop.close()
    assert time.monotonic() - begin < 1.0
    assert heard.kinds == [K.LOST]


def test_a_callback_may_close(clock: Clock) -> None:
    camera = ScriptedCamera(clock, [Frame()] * 5)
    loop = CaptureLoop(camera, clock=clock)
    got: list[Exposure] = []

    def receive(exposure: Exposure) -> None:
        got.append(exposure)
        loop.close()

    loop.start(receive, lambda _: None)
    until = time.monotonic() + 5
    while camera.closed == 0 and time.monotonic() < until:
        time.sleep(0.001)
    time.sleep(0.01)
    assert len(got) == 1


def test_a_driver_that_hangs_can_be_told_by_whoever_watches(clock: Clock) -> None:
    release = threading.Event()

    def hang() -> None:
        release.wait(5)

    camera = ScriptedCamera(clock, [Frame(), hang])
    loop = CaptureLoop(camera, clock=clock)
    assert loop.quiet_s == 0
    loop.start(lambda _: None, lambda _: None)
    time.sleep(0.02)
    clock.pass_s(4.0)
    assert loop.quiet_s == pytest.approx(4.0, abs=0.1)
    release.set()
    loop.close()


def test_limits_must_make_sense() -> None:
    with pytest.raises(ValueError, match="times above 0"):
        CaptureLimits(stall_s=0)
    with pytest.raises(ValueError, match="share"):
        CaptureLimits(incomplete_share=1.0)

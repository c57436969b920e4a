"""A GenICam camera in trouble, over the virtual producer: faults, knobs, numbers, and who holds it."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from armicro.contracts.arrays import U8
from armicro.contracts.devices import CameraEvent, CameraEventKind, CameraSettings, Exposure, PixelFormat
from armicro.contracts.errors import DeviceError
from armicro.devices.capture import CaptureLoop
from armicro.devices.genicam_camera import GenicamCamera
from tests.virtual_rig import bundled_producer, show, virtual_producer
from tools.virtual_camera.control import Control

K = CameraEventKind
SHAPE = (120, 160)
FPS = 40.0


def picture(k: int) -> U8:
    """Smooth colours, so that a mosaic of them can be told from the original by little only."""
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]]
    planes = [60 + x / 2 + k, 200 - y / 2 - k, 90 + (x + y) / 4]
    return np.stack(planes, axis=-1).astype(np.uint8)


PICTURES = [picture(k) for k in range(16)]


@pytest.fixture
def control(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Control]:
    with Control(show(monkeypatch, tmp_path, PICTURES, FPS)) as control:
        yield control


@pytest.fixture
def camera(control: Control) -> Iterator[GenicamCamera]:
    del control
    before = set(threading.enumerate())
    camera = GenicamCamera(None, [virtual_producer()])
    yield camera
    camera.close()
    assert set(threading.enumerate()) <= before


def until(camera: GenicamCamera, holds: Callable[[Exposure], bool], timeout_s: float = 3.0) -> Exposure:
    end = time.monotonic() + timeout_s
    while time.monotonic() < end:
        exposure = camera.grab(0.1)
        if exposure is not None and holds(exposure):
            return exposure
    raise AssertionError(f"not within {timeout_s} s")


def pictures_of(camera: GenicamCamera, n: int) -> list[Exposure]:
    return [until(camera, lambda _: True) for _ in range(n)]


# ---- the picture -------------------------------------------------------------------------------------------


def test_rgb_arrives_exactly_and_its_number_tells_which_picture_it_is(camera: GenicamCamera) -> None:
    info = camera.open()
    assert (info.shape_px, info.pixel_format, info.serial) == (SHAPE, "RGB8", "VC-0001")
    assert info.simulated, "pictures of a virtual camera are no live tissue"
    for exposure in pictures_of(camera, 20):
        np.testing.assert_array_equal(exposure.rgb, PICTURES[exposure.frame_id % len(PICTURES)])


@pytest.mark.parametrize("form", [PixelFormat.BAYER_RG8, PixelFormat.BAYER_RG12P])
def test_a_colour_mosaic_becomes_the_colours_it_was_made_of(camera: GenicamCamera, form: PixelFormat) -> None:
    camera.open()
    assert camera.controls is not None
    assert camera.controls.apply(CameraSettings(pixel_format=form)).pixel_format is form
    inside = (slice(2, -2), slice(2, -2))
    seen = camera.grab(1.0)
    assert seen is not None
    off = min(np.abs(seen.rgb[inside].astype(int) - p[inside]).max() for p in PICTURES)
    assert off <= 2


def test_mono_becomes_grey(camera: GenicamCamera) -> None:
    camera.open()
    assert camera.controls is not None
    camera.controls.apply(CameraSettings(pixel_format=PixelFormat.MONO8))
    seen = pictures_of(camera, 1)[0].rgb
    assert (seen[..., 0] == seen[..., 2]).all()
    grey = [p @ np.array([0.299, 0.587, 0.114]) for p in PICTURES]
    assert min(np.abs(seen[..., 0] - g).max() for g in grey) < 2


def test_a_region_of_the_sensor_and_back(camera: GenicamCamera) -> None:
    camera.open()
    assert camera.controls is not None
    set_now = camera.controls.apply(CameraSettings(roi_px=(20, 40, 64, 96)))
    assert set_now.roi_px == (20, 40, 64, 96)
    seen = pictures_of(camera, 1)[0].rgb
    assert any((seen == p[20:84, 40:136]).all() for p in PICTURES)
    camera.controls.apply(CameraSettings(roi_px=(0, 0, *SHAPE)))
    numbers = [e.frame_id for e in pictures_of(camera, 3)]
    assert numbers == sorted(set(numbers)), "numbers go on where the stream was stopped for a knob"
    assert camera.controls.read().roi_px == (0, 0, *SHAPE)


def test_nine_megapixels_with_a_counter_in_the_picture(
    camera: GenicamCamera, control: Control, monkeypatch: pytest.MonkeyPatch
) -> None:
    del control
    monkeypatch.delenv("ARMICRO_VIRTUAL_FRAMES")
    monkeypatch.setenv("ARMICRO_VIRTUAL_STAMP", "1")
    monkeypatch.setenv("ARMICRO_VIRTUAL_RATE", "10")
    assert camera.open().shape_px == (3008, 3008)
    behind = set()
    for exposure in pictures_of(camera, 6):
        bits = exposure.rgb[0, :16, 0] > 127
        behind.add(int(bits @ (1 << np.arange(16))) - exposure.frame_id)
    assert len(behind) == 1, "each picture is the one its number says"


# ---- the knobs ---------------------------------------------------------------------------------------------


def test_knobs_are_set_within_limits_and_change_the_picture(camera: GenicamCamera) -> None:
    camera.open()
    controls = camera.controls
    assert controls is not None
    limits = controls.limits()
    assert limits["exposure_us"] == (20.0, 1_000_000.0)
    assert limits["gain_db"] == (0.0, 24.0)
    now = controls.apply(CameraSettings(gain_db=99.0, exposure_us=1.0))
    assert (now.gain_db, now.exposure_us) == (24.0, 20.0)
    now = controls.apply(CameraSettings(gain_db=0.0, exposure_us=8000.0, white_balance=(0.5, 1.0, 2.0)))
    assert now.white_balance == (0.5, 1.0, 2.0)
    halved = [np.rint(p[..., 0] * 0.5) for p in PICTURES]
    until(camera, lambda e: any((e.rgb[..., 0] == h).all() for h in halved))
    assert controls.apply(CameraSettings(frame_rate_hz=10.0)).frame_rate_hz == 10.0
    pictures_of(camera, 2)
    a, b = pictures_of(camera, 2)
    assert (b.t_ns - a.t_ns) / (b.frame_id - a.frame_id) == pytest.approx(100e6, rel=0.1)


def test_a_software_trigger_exposes_when_asked(camera: GenicamCamera, control: Control) -> None:
    camera.open()
    assert camera.controls is not None
    assert camera.controls.apply(CameraSettings(software_trigger=True)).software_trigger
    camera.grab(0.2)
    sent = control.frames_sent
    time.sleep(0.4)
    assert control.frames_sent == sent, "nothing is exposed while nobody asks"
    before_ns = time.monotonic_ns()
    exposure = until(camera, lambda e: e.t_ns >= before_ns)
    assert exposure.t_ns - before_ns < 100e6
    camera.controls.apply(CameraSettings(software_trigger=False))
    assert len(pictures_of(camera, 5)) == 5


def test_the_begin_of_exposure_is_right_to_a_few_milliseconds(camera: GenicamCamera) -> None:
    camera.open()
    assert camera.controls is not None
    camera.controls.apply(CameraSettings(software_trigger=True, exposure_us=60_000.0))
    camera.grab(0.3)
    delays = []
    for _ in range(8):
        asked_ns = time.monotonic_ns()
        delays.append((until(camera, lambda e, a=asked_ns: e.t_ns > a).t_ns - asked_ns) / 1e6)  # type: ignore[misc]
    # The picture is there 60 ms after the exposure began: that must not count as delay.
    assert np.median(delays) < 25


# ---- faults ------------------------------------------------------------------------------------------------


class Watched:
    """A running capture, and what it told so far."""

    def __init__(self, camera: GenicamCamera) -> None:
        self.loop = CaptureLoop(camera)
        self.exposures: list[Exposure] = []
        self._events: list[CameraEvent] = []
        self._changed = threading.Condition()
        self.loop.start(self.exposures.append, self._hear)

    def _hear(self, event: CameraEvent) -> None:
        with self._changed:
            self._events.append(event)
            self._changed.notify_all()

    def next_event(self, timeout_s: float = 2.5) -> CameraEvent:
        with self._changed:
            assert self._changed.wait_for(lambda: self._events, timeout_s), f"no news within {timeout_s} s"
            return self._events.pop(0)


@pytest.fixture
def watched(camera: GenicamCamera) -> Iterator[Watched]:
    watched = Watched(camera)
    assert watched.next_event(10).kind is K.OPENED
    time.sleep(0.2)
    yield watched
    watched.loop.close()
    assert watched.loop.failure is None


def test_unplugged_and_back(watched: Watched, control: Control) -> None:
    control.lose(on=True)
    lost = watched.next_event()
    assert lost.kind is K.LOST
    assert "does not answer" in lost.words
    time.sleep(0.8)
    seen = len(watched.exposures)
    control.lose(on=False)
    assert watched.next_event(4).kind is K.RECOVERED
    time.sleep(0.3)
    assert len(watched.exposures) > seen + 3
    numbers = [e.frame_id for e in watched.exposures]
    assert numbers == sorted(set(numbers))


def test_a_stall_that_ends_by_itself(watched: Watched, control: Control) -> None:
    control.stall(on=True)
    assert watched.next_event().kind is K.STALLED
    opened = control.times_opened
    control.stall(on=False)
    assert watched.next_event().kind is K.RECOVERED
    assert control.times_opened == opened


def test_thirty_percent_incomplete(watched: Watched, control: Control) -> None:
    control.tear(0.3)
    assert watched.next_event(4).kind is K.INCOMPLETE
    assert all(e.rgb[-10:].any() for e in watched.exposures), "no damaged picture is handed on"
    control.tear(0.0)
    assert watched.next_event(4).kind is K.RECOVERED


def test_incomplete_ones_are_counted_and_are_not_lost_ones(camera: GenicamCamera, control: Control) -> None:
    control.tear(0.3)
    camera.open()
    until(camera, lambda e: e.frame_id > 60)
    health = camera.health
    assert health.incomplete / (health.incomplete + health.frames) == pytest.approx(0.3, abs=0.06)
    assert health.lost <= 3


def test_grab_returns_in_time_where_every_picture_is_damaged(camera: GenicamCamera, control: Control) -> None:
    control.tear(1.0)
    camera.open()
    begin = time.monotonic()
    assert camera.grab(0.3) is None
    assert time.monotonic() - begin < 0.5


def test_another_size_and_another_format(watched: Watched, control: Control) -> None:
    control.send_instead((80, 100))
    changed = watched.next_event()
    assert changed.kind is K.FORMAT_CHANGED
    assert changed.info is not None
    assert changed.info.shape_px == (80, 100)
    control.send_instead((80, 100), 0x01080001)
    time.sleep(0.3)
    last = watched.exposures[-1].rgb
    assert last.shape == (80, 100, 3)
    assert (last[..., 0] == last[..., 1]).all()


def test_an_unknown_format_is_told(camera: GenicamCamera, control: Control) -> None:
    camera.open()
    control.send_instead(pixel_format=0x01080002)
    with pytest.raises(DeviceError, match="unknown format"):
        until(camera, lambda _: False)


def test_a_slow_camera_only_sends_less(camera: GenicamCamera, control: Control) -> None:
    control.delay(0.15)
    camera.open()
    assert len(pictures_of(camera, 5)) == 5


def test_knobs_of_a_camera_that_is_gone(camera: GenicamCamera, control: Control) -> None:
    camera.open()
    controls = camera.controls
    assert controls is not None
    control.lose(on=True)
    with pytest.raises(DeviceError, match="does not answer"):
        controls.apply(CameraSettings(gain_db=3.0))
    camera.close()
    with pytest.raises(DeviceError, match="no GenICam camera is connected"):
        camera.open()
    control.lose(on=False)
    camera.open()
    assert pictures_of(camera, 2)


# ---- which camera, and whose -------------------------------------------------------------------------------

HOLD = """
import sys, time
from pathlib import Path
from armicro.devices.genicam_camera import GenicamCamera
camera = GenicamCamera(None, [Path(sys.argv[1])])
camera.open()
print("open", flush=True)
sys.stdin.read()
camera.close()
"""


def test_another_program_holds_it(camera: GenicamCamera) -> None:
    root = Path(__file__).resolve().parents[2]
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(virtual_producer())], env=os.environ | {"PYTHONPATH": str(root)},
        text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    try:
        assert holder.stdin is not None
        assert holder.stdout is not None
        assert holder.stdout.readline() == "open\n"
        with pytest.raises(
            DeviceError, match="another program holds the camera armicro Virtual camera VC-0001"
        ):
            camera.open()
        holder.stdin.close()
        assert holder.wait(20) == 0
        camera.open()
        assert pictures_of(camera, 1)
    finally:
        holder.kill()
        holder.wait()
        assert holder.stdout is not None
        holder.stdout.close()


def test_this_program_holds_it(camera: GenicamCamera) -> None:
    camera.open()
    second = GenicamCamera(None, [virtual_producer()])
    with pytest.raises(DeviceError, match="this program holds a GenICam camera already"):
        second.open()
    assert pictures_of(camera, 1), "the first one is not disturbed"


def test_a_serial_number_that_is_not_there(camera: GenicamCamera) -> None:
    del camera
    with pytest.raises(DeviceError, match=r"serial number 4711; found: armicro Virtual camera VC-0001$"):
        GenicamCamera("4711", [virtual_producer()]).open()
    with pytest.raises(DeviceError, match=r"found: .*Viky 0, .*Viky 1, .*Viky 2"):
        GenicamCamera("4711", [bundled_producer()]).open()


def test_one_of_several_by_its_serial_number() -> None:
    camera = GenicamCamera("2", [bundled_producer()])
    try:
        assert camera.open().serial == "2"
        assert pictures_of(camera, 2)
    finally:
        camera.close()


def test_producers_that_are_missing_or_broken(tmp_path: Path) -> None:
    virtual_producer()
    with pytest.raises(DeviceError, match=r"there is no GenTL producer .*gone\.cti"):
        GenicamCamera(None, [tmp_path / "gone.cti"]).open()
    (tmp_path / "broken.cti").write_text("no library")
    with pytest.raises(DeviceError, match=r"cannot be loaded: broken\.cti"):
        GenicamCamera(None, [tmp_path / "broken.cti"]).open()


def test_producers_that_installers_have_registered(
    control: Control, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    del control
    monkeypatch.delenv("GENICAM_GENTL64_PATH", raising=False)
    camera = GenicamCamera()
    with pytest.raises(DeviceError, match="no GenTL producer is known"):
        camera.open()
    folders = os.pathsep.join([str(tmp_path / "nothing"), str(virtual_producer().parent)])
    monkeypatch.setenv("GENICAM_GENTL64_PATH", folders)
    try:
        assert camera.open().serial == "VC-0001"
    finally:
        camera.close()

"""What every camera promises, checked with each of them. A new camera needs one entry in `CAMERAS`."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from armicro.contracts.devices import Camera, CameraSettings, Exposure
from armicro.contracts.errors import DeviceError
from armicro.devices.genicam_camera import GenicamCamera
from armicro.devices.replay_camera import open_replay
from armicro.devices.webcam import WebcamCamera
from armicro.sim.case import CaseParams
from armicro.sim.slide import SimulatedSlide, SlideParams
from tests.virtual_rig import bundled_producer, show, virtual_producer

FPS = 50.0
SHAPE = (120, 160)


class LiveVideo:
    """A video that behaves like a device of OpenCV's: at its own pace, without an end."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._video = cv2.VideoCapture(path)

    def read(self) -> tuple[bool, Any]:
        time.sleep(1 / FPS)
        found, picture = self._video.read()
        if not found:
            self._video.set(cv2.CAP_PROP_POS_FRAMES, 0)
            found, picture = self._video.read()
        return found, picture

    def isOpened(self) -> bool:  # noqa: N802 - OpenCV's name
        return self._video.isOpened()

    def get(self, propId: int) -> float:  # noqa: N803 - OpenCV's name
        return self._video.get(propId)

    def set(self, propId: int, value: float) -> bool:  # noqa: N803 - OpenCV's name
        return self._video.set(propId, value)

    def getBackendName(self) -> str:  # noqa: N802 - OpenCV's name
        return self._video.getBackendName()

    def release(self) -> None:
        self._video.release()


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder of 20 different pictures, a video of the same, and a virtual camera that shows them."""
    folder = tmp_path_factory.mktemp("pictures")
    (folder / "frames").mkdir()
    codec = cv2.VideoWriter.fourcc(*"FFV1")
    video = cv2.VideoWriter(str(folder / "video.mkv"), cv2.CAP_FFMPEG, codec, FPS, (SHAPE[1], SHAPE[0]))
    rng = np.random.default_rng(5)
    made = []
    for k in range(20):
        made.append(rng.integers(0, 255, (*SHAPE, 3), np.uint8))
        cv2.imwrite(str(folder / "frames" / f"{k}.png"), made[-1])
        video.write(made[-1])
    video.release()
    with pytest.MonkeyPatch.context() as patch:
        show(patch, folder, made, FPS)
        yield folder


def replayed_folder(pictures: Path) -> Camera:
    return open_replay(pictures / "frames", 0.25, loop=True, fps=FPS)


def replayed_video(pictures: Path) -> Camera:
    return open_replay(pictures / "video.mkv", 0.25, loop=True)


def webcam(pictures: Path) -> Camera:
    return WebcamCamera(0, factory=lambda _: LiveVideo(str(pictures / "video.mkv")))


def slide(pictures: Path) -> Camera:
    del pictures
    case = CaseParams(um_per_px=0.25, shape_px=(160, 160))
    return SimulatedSlide(3, SlideParams(case, SHAPE, grid=1, frame_rate_hz=FPS))


def virtual_genicam(pictures: Path) -> Camera:
    del pictures
    return GenicamCamera(None, [virtual_producer()])


def bundled_genicam(pictures: Path) -> Camera:
    del pictures
    return GenicamCamera("1", [bundled_producer()])


CAMERAS: dict[str, Callable[[Path], Camera]] = {
    "replay of a folder": replayed_folder,
    "replay of a video": replayed_video,
    "webcam": webcam,
    "simulated slide": slide,
    "virtual GenICam camera": virtual_genicam,
    "GenICam camera of the genicam package": bundled_genicam,
}


@pytest.fixture(params=list(CAMERAS))
def camera(request: pytest.FixtureRequest, pictures: Path) -> Iterator[Camera]:
    threads = set(threading.enumerate())
    made = CAMERAS[request.param](pictures)
    yield made
    made.close()
    assert set(threading.enumerate()) <= threads, "a thread of the camera's is left"


def some(camera: Camera, n: int) -> list[Exposure]:
    got: list[Exposure] = []
    until = time.monotonic() + 5
    while len(got) < n:
        assert time.monotonic() < until, f"{len(got)} of {n} exposures within 5 s"
        exposure = camera.grab(0.5)
        if exposure is not None:
            got.append(exposure)
    return got


def test_it_tells_who_it_is_and_gives_what_it_tells(camera: Camera) -> None:
    info = camera.open()
    assert info.name
    assert info.pixel_format
    exposure = some(camera, 1)[0]
    assert exposure.rgb.shape == (*info.shape_px, 3)
    assert exposure.rgb.std() > 1


def test_numbers_and_times_rise_and_are_plausible(camera: Camera) -> None:
    before_ns = time.monotonic_ns()
    camera.open()
    got = some(camera, 15)
    after_ns = time.monotonic_ns()
    ids, times = [e.frame_id for e in got], [e.t_ns for e in got]
    assert ids == sorted(set(ids))
    assert times == sorted(set(times))
    assert before_ns <= times[0] < times[-1] <= after_ns


def test_it_counts_what_it_gave_and_what_is_missing(camera: Camera) -> None:
    camera.open()
    got = some(camera, 5)
    time.sleep(0.2)
    got += some(camera, 5)
    health = camera.health
    assert health.frames == 10
    assert health.incomplete == 0
    assert health.lost == got[-1].frame_id - got[0].frame_id + 1 - 10 + got[0].frame_id
    assert health.lost > 0, "a late reader loses exposures"


def test_a_late_reader_gets_what_is_new(camera: Camera) -> None:
    camera.open()
    some(camera, 1)
    time.sleep(0.6)
    exposure = some(camera, 1)[0]
    assert time.monotonic_ns() - exposure.t_ns < 250e6


def test_a_later_exposure_does_not_touch_an_earlier_one(camera: Camera) -> None:
    camera.open()
    got: list[Exposure] = []
    copies = []
    for _ in range(6):
        got += some(camera, 1)
        copies.append(got[-1].rgb.copy())
    for exposure, copy in zip(got, copies, strict=True):
        np.testing.assert_array_equal(exposure.rgb, copy)
    for earlier, later in itertools.pairwise(got):
        assert not np.shares_memory(earlier.rgb, later.rgb)
        assert (earlier.rgb != later.rgb).any(), "the picture moves on"


@pytest.mark.parametrize("timeout_s", [0.0, 0.005, 0.1])
def test_grab_returns_in_time(camera: Camera, timeout_s: float) -> None:
    camera.open()
    some(camera, 2)
    longest = 0.0
    for _ in range(10):
        begin = time.monotonic()
        camera.grab(timeout_s)
        longest = max(longest, time.monotonic() - begin)
    # Generous, because the machine that tests run on may be busy.
    assert longest < timeout_s + 0.2


def test_what_was_not_in_time_comes_later(camera: Camera) -> None:
    camera.open()
    some(camera, 1)
    got = [camera.grab(0.001) for _ in range(150)]
    assert None in got
    ids = [e.frame_id for e in got if e is not None]
    assert len(ids) > 2
    assert ids == sorted(set(ids))


def test_other_threads_run_meanwhile(camera: Camera) -> None:
    camera.open()
    ticks = 0
    stop = threading.Event()

    def tick() -> None:
        nonlocal ticks
        while not stop.wait(0.001):
            ticks += 1

    thread = threading.Thread(target=tick)
    thread.start()
    some(camera, 15)
    stop.set()
    thread.join()
    assert ticks > 30


def test_closed_it_says_so_and_it_can_be_opened_again(camera: Camera) -> None:
    camera.close()
    with pytest.raises(DeviceError, match="open it first"):
        camera.grab(0.01)
    for _ in range(2):
        info = camera.open()
        assert some(camera, 3)[-1].rgb.shape[:2] == info.shape_px
        assert camera.health.frames == 3, "counts begin anew"
        camera.close()
        camera.close()
    with pytest.raises(DeviceError, match="open it first"):
        camera.grab(0.01)


def test_opening_twice_begins_anew(camera: Camera) -> None:
    camera.open()
    some(camera, 2)
    camera.open()
    assert some(camera, 1)
    assert camera.health.frames == 1


def test_its_knobs_can_be_read_and_left_alone_while_it_grabs(camera: Camera) -> None:
    camera.open()
    if camera.controls is None:
        return
    before = camera.controls.read()
    answers: list[CameraSettings] = []
    controls = camera.controls
    thread = threading.Thread(target=lambda: answers.append(controls.apply(CameraSettings())))
    thread.start()
    some(camera, 3)
    thread.join()
    assert answers == [before], "None leaves a knob alone"
    for least, greatest in camera.controls.limits().values():
        assert least < greatest


def test_its_stage_moves_the_picture(camera: Camera) -> None:
    camera.open()
    if camera.stage is None:
        return
    first = some(camera, 1)[0]
    y, x = camera.stage.position_um
    camera.stage.move_by(5.0, -10.0)
    time.sleep(0.2)
    assert camera.stage.position_um == pytest.approx((y + 5.0, x - 10.0))
    later = some(camera, 2)[-1]
    assert np.abs(first.rgb.astype(int) - later.rgb).mean() > 5

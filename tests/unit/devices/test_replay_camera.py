"""Recordings as cameras: pace, end, skipping, and what they are made of."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from armicro.contracts.arrays import U8
from armicro.contracts.devices import CameraHealth, Exposure
from armicro.contracts.errors import DeviceError, EndOfStream, RecordingError, ScaleError
from armicro.devices import replay_camera
from armicro.devices.recordings import Recording, open_frames
from armicro.devices.replay_camera import Pace, ReplayCamera, open_replay

N = 12


class Clock:
    """Time that passes by sleeping, and by reading where `read_s` says so."""

    def __init__(self) -> None:
        self.ns = 7_000_000_000

    def __call__(self) -> int:
        return self.ns

    def sleep(self, seconds: float) -> None:
        self.ns += round(seconds * 1e9)


def value_of(rgb: U8) -> int:
    """Which picture it is."""
    return round(float(rgb.mean()) / 10)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("replay") / "run"
    path.mkdir()
    for k in range(N):
        cv2.imwrite(str(path / f"f{k}.png"), np.full((32, 48, 3), 10 * k, np.uint8))
    return path


@pytest.fixture(scope="module")
def video(folder: Path) -> Path:
    path = folder.parent / "run.mkv"
    writer = cv2.VideoWriter(str(path), cv2.CAP_FFMPEG, cv2.VideoWriter.fourcc(*"FFV1"), 10.0, (48, 32))
    for k in range(N):
        writer.write(np.full((32, 48, 3), 10 * k, np.uint8))
    writer.release()
    return path


@pytest.fixture(params=["folder", "video"])
def recording(request: pytest.FixtureRequest) -> Recording:
    path: Path = request.getfixturevalue(request.param)
    return open_frames(path, 0.25, 10.0)


def to_the_end(camera: ReplayCamera) -> list[Exposure]:
    got: list[Exposure] = []
    while True:
        try:
            exposure = camera.grab(0.2)
        except EndOfStream as end:
            assert "at its end" in str(end)  # noqa: PT017 - what came before it is asked for
            return got
        assert exposure is not None
        got.append(exposure)


def test_in_real_time_each_frame_comes_when_it_was_made(recording: Recording) -> None:
    clock = Clock()
    camera = ReplayCamera(recording, clock=clock, sleep=clock.sleep)
    info = camera.open()
    assert info.shape_px == (32, 48)
    assert info.simulated, "it is not live tissue"
    begin = clock.ns
    got = to_the_end(camera)
    assert [value_of(e.rgb) for e in got] == list(range(N))
    assert [e.frame_id for e in got] == list(range(N))
    assert [e.t_ns - begin for e in got] == [k * 100_000_000 for k in range(N)]
    assert clock.ns - begin == (N - 1) * 100_000_000
    assert got[0].optics == recording.optics
    with pytest.raises(EndOfStream):
        camera.grab(0.1)
    camera.open()
    assert value_of(to_the_end(camera)[0].rgb) == 0, "opened again it begins again"


def test_a_timeout_comes_before_a_frame_that_is_not_due(recording: Recording) -> None:
    clock = Clock()
    camera = ReplayCamera(recording, clock=clock, sleep=clock.sleep)
    camera.open()
    assert camera.grab(0.0) is not None
    begin = clock.ns
    assert camera.grab(0.04) is None
    assert camera.grab(0.04) is None
    assert clock.ns - begin == 80_000_000
    exposure = camera.grab(0.04)
    assert exposure is not None
    assert value_of(exposure.rgb) == exposure.frame_id == 1
    assert camera.health.lost == 0


def test_a_late_reader_loses_frames_and_they_are_counted(recording: Recording) -> None:
    clock = Clock()
    camera = ReplayCamera(recording, clock=clock, sleep=clock.sleep)
    camera.open()
    camera.grab(0.2)
    clock.sleep(0.55)
    exposure = camera.grab(0.2)
    assert exposure is not None
    assert value_of(exposure.rgb) == exposure.frame_id == 5
    assert camera.health.lost == 4
    assert camera.health.frames == 2


def test_the_last_picture_of_a_folder_is_seen_however_late_the_reader(folder: Path) -> None:
    clock = Clock()
    camera = ReplayCamera(open_frames(folder, 0.25, 10.0), clock=clock, sleep=clock.sleep)
    camera.open()
    for late_s in (60.0, 0.0):
        clock.sleep(late_s)
    assert [value_of(e.rgb) for e in to_the_end(camera)] == [N - 1]
    assert camera.health.lost == N - 1


def test_looping_numbers_go_on(recording: Recording) -> None:
    clock = Clock()
    camera = ReplayCamera(recording, loop=True, clock=clock, sleep=clock.sleep)
    camera.open()
    got = [camera.grab(0.2) for _ in range(30)]
    assert [value_of(e.rgb) for e in got if e] == [k % N for k in range(30)]
    assert [e.frame_id for e in got if e] == list(range(30))
    clock.sleep(100.05)
    exposure = camera.grab(0.2)
    assert exposure is not None
    assert clock.ns - exposure.t_ns < 100_000_000, "the newest, not one of the past"


def test_as_fast_as_possible_nothing_is_left_out_and_nobody_waits(recording: Recording) -> None:
    clock = Clock()
    camera = ReplayCamera(recording, Pace.FAST, clock=clock, sleep=clock.sleep)
    camera.open()
    begin = clock.ns
    clock.sleep(5)
    got = to_the_end(camera)
    assert [value_of(e.rgb) for e in got] == list(range(N))
    assert clock.ns - begin == 5_000_000_000
    times = [e.t_ns for e in got]
    assert times == sorted(set(times))


def test_a_video_that_is_read_slower_than_life_plays_slowly_and_whole(
    video: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    read = replay_camera._Video.read

    def slow(self: replay_camera._Video) -> U8 | None:
        clock.sleep(0.25)
        return read(self)

    monkeypatch.setattr(replay_camera._Video, "read", slow)
    camera = ReplayCamera(open_frames(video, 0.25), clock=clock, sleep=clock.sleep)
    camera.open()
    got = to_the_end(camera)
    assert len(got) >= N - 1
    assert camera.health.lost <= 1
    times = [e.t_ns for e in got]
    assert times == sorted(set(times))
    assert max(times) <= clock.ns


def test_a_recording_tells_scale_and_pace_and_a_bare_folder_needs_a_scale(
    folder: Path, tmp_path: Path
) -> None:
    with pytest.raises(ScaleError, match="nothing tells its scale"):
        open_replay(folder)
    with pytest.raises(RecordingError, match="no such file"):
        open_replay(folder / "absent", 0.25)
    told = tmp_path / "told"
    told.mkdir()
    for k in range(3):
        cv2.imwrite(str(told / f"{k}.png"), np.full((32, 48, 3), 100, np.uint8))
    about = {"schema": "armicro.recording/1", "um_per_px": 0.212, "fps": 25.0, "objective": "40x"}
    (told / "recording.json").write_text(json.dumps(about))
    camera = open_replay(told, pace=Pace.FAST)
    camera.open()
    exposure = camera.grab(0.1)
    assert exposure is not None
    assert exposure.optics is not None
    assert (exposure.optics.um_per_px, exposure.optics.objective) == (0.212, "40x")
    camera.close()


def test_a_recording_that_lost_frames_says_so_at_its_end(folder: Path) -> None:
    whole = open_frames(folder, 0.25, 10.0)
    cut = Recording(whole.path, whole.pictures, whole.optics, whole.fps, (), n_frames=N + 3)
    camera = ReplayCamera(cut, Pace.FAST)
    camera.open()
    for _ in range(N):
        camera.grab(0.1)
    with pytest.raises(EndOfStream, match=f"run ends after {N} of its {N + 3} frames"):
        camera.grab(0.1)


def test_a_picture_that_cannot_be_read_is_an_incomplete_exposure(tmp_path: Path) -> None:
    for k in range(3):
        cv2.imwrite(str(tmp_path / f"{k}.png"), np.full((32, 48, 3), 10 * k, np.uint8))
    (tmp_path / "1.png").write_bytes(b"")
    camera = open_replay(tmp_path, 0.25, pace=Pace.FAST, loop=True)
    camera.open()
    got = [camera.grab(0.1) for _ in range(4)]
    assert [(e.frame_id, value_of(e.rgb)) for e in got if e] == [(0, 0), (2, 2), (3, 0), (5, 2)]
    assert camera.health == CameraHealth(frames=4, incomplete=2, lost=0)
    for k in (0, 2):
        (tmp_path / f"{k}.png").unlink()
    with pytest.raises(DeviceError, match="none of its frames can be read"):
        camera.grab(0.1)
    camera.close()
    with pytest.raises(DeviceError, match=r"0\.png"):
        camera.open()

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from armicro.contracts.errors import InputError, OutputError
from armicro.sim.case import CaseParams, build_scene
from armicro.sim.recording import (
    Pace,
    RecordedFrame,
    RecordingForm,
    simulate_recording,
    write_recording,
)

PARAMS = CaseParams(um_per_px=0.5, shape_px=(200, 240), fields=3)
PACE = Pace(fps=20.0, rest_frames=4, move_frames=3, press_frame=2)


@pytest.fixture(scope="module")
def frames() -> tuple[RecordedFrame, ...]:
    return tuple(simulate_recording(PARAMS, seed=3, pace=PACE))


def test_frames_rest_and_move_in_turn_on_one_clock(frames: tuple[RecordedFrame, ...]) -> None:
    assert [f.field_index for f in frames] == [0] * 4 + [None] * 3 + [1] * 4 + [None] * 3 + [2] * 4
    assert [f.frame_id for f in frames] == list(range(18))
    assert [f.t_ns for f in frames] == [i * 50_000_000 for i in range(18)]


def test_one_press_falls_into_each_rest(frames: tuple[RecordedFrame, ...]) -> None:
    pressed = [f for f in frames if f.press_ns is not None]
    assert [f.frame_id for f in pressed] == [2, 9, 16]
    for f in pressed:
        assert f.press_ns is not None
        assert f.t_ns < f.press_ns < f.t_ns + 50_000_000


def test_resting_frames_differ_by_noise_only_and_show_the_field_of_the_case(
    frames: tuple[RecordedFrame, ...],
) -> None:
    mean = build_scene(PARAMS, 3, 1).mean_rgb
    rest = [f.rgb.astype(float) for f in frames if f.field_index == 1]
    assert (rest[0] != rest[1]).any()
    assert np.abs(np.mean(rest, 0) - mean).mean() < 1.0
    moving = [f.rgb for f in frames if f.field_index is None]
    assert all(np.abs(m - mean).mean() > 5 for m in moving)


def test_the_same_seed_gives_the_same_frames(frames: tuple[RecordedFrame, ...]) -> None:
    again = tuple(simulate_recording(PARAMS, seed=3, pace=PACE))
    assert [f.rgb.tobytes() for f in again] == [f.rgb.tobytes() for f in frames]
    assert [f.press_ns for f in again] == [f.press_ns for f in frames]


def test_a_folder_of_frames_reads_back_identical(tmp_path: Path, frames: tuple[RecordedFrame, ...]) -> None:
    folder = tmp_path / "Fall 7 – µ"
    written = write_recording(folder, iter(frames), 0.5, PACE)
    assert written.path == folder
    assert [p.field_index for p in written.presses] == [0, 1, 2]
    for frame in frames:
        data = np.frombuffer((folder / f"frame_{frame.frame_id:06d}.png").read_bytes(), np.uint8)
        bgr = cv2.imdecode(data, cv2.IMREAD_COLOR)
        assert bgr is not None
        np.testing.assert_array_equal(bgr[..., ::-1], frame.rgb)
    lines = (folder / "pedal.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line) for line in lines] == [
        {"t_ns": f.press_ns, "event": "press"} for f in frames if f.press_ns is not None
    ]
    about = json.loads((folder / "recording.json").read_text(encoding="utf-8"))
    assert about == {
        "schema": "armicro.recording/1",
        "um_per_px": 0.5,
        "fps": 20.0,
        "frames": 18,
        "simulated": True,
    }


def test_a_video_reads_back_identical(tmp_path: Path, frames: tuple[RecordedFrame, ...]) -> None:
    written = write_recording(tmp_path, iter(frames), 0.5, PACE, RecordingForm.VIDEO)
    assert written.path == tmp_path / "slide.mkv"
    assert {p.name for p in tmp_path.iterdir()} == {"slide.mkv", "slide.pedal.jsonl", "slide.recording.json"}
    video = cv2.VideoCapture(str(written.path))
    for frame in frames:
        ok, bgr = video.read()
        assert ok
        np.testing.assert_array_equal(bgr[..., ::-1], frame.rgb)
    assert not video.read()[0]
    video.release()


def test_an_interrupted_recording_leaves_nothing(tmp_path: Path, frames: tuple[RecordedFrame, ...]) -> None:
    def broken() -> Iterator[RecordedFrame]:
        yield from frames[:3]
        raise KeyboardInterrupt

    for form in RecordingForm:
        with pytest.raises(KeyboardInterrupt):
            write_recording(tmp_path, broken(), 0.5, PACE, form)
        assert list(tmp_path.iterdir()) == []


def test_a_recording_is_not_overwritten(tmp_path: Path, frames: tuple[RecordedFrame, ...]) -> None:
    write_recording(tmp_path, iter(frames[:1]), 0.5, PACE)
    before = (tmp_path / "recording.json").read_bytes()
    with pytest.raises(OutputError, match="already"):
        write_recording(tmp_path, iter(frames), 0.5, PACE)
    assert (tmp_path / "recording.json").read_bytes() == before


def test_a_place_that_cannot_be_written_to_is_told(tmp_path: Path, frames: tuple[RecordedFrame, ...]) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(OutputError, match="cannot write"):
        write_recording(tmp_path / "file" / "folder", iter(frames), 0.5, PACE)


def test_a_video_with_odd_sides_is_refused(tmp_path: Path) -> None:
    odd = replace(PARAMS, shape_px=(201, 240), fields=1)
    with pytest.raises(InputError, match="even sides"):
        write_recording(tmp_path, simulate_recording(odd, 1, PACE), 0.5, PACE, RecordingForm.VIDEO)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "wrong",
    [{"fps": 0.0}, {"fps": float("inf")}, {"press_frame": 8}, {"press_frame": -1}, {"move_frames": -1}],
)
def test_an_impossible_pace_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(InputError):
        Pace(**wrong)  # type: ignore[arg-type]

"""Recordings: frames in order, presses, and what does not fit together."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image

from armicro.contracts.arrays import U8
from armicro.contracts.errors import RecordingError, ScaleError
from armicro.devices.recordings import Recording, natural_key, open_recording, parse_pedal

ABOUT: dict[str, Any] = {"schema": "armicro.recording/1", "um_per_px": 0.25, "fps": 10.0}


def shades(picture: U8, n: int) -> list[U8]:
    return [(picture // 2 + 10 * k).astype(np.uint8) for k in range(n)]


@pytest.fixture
def folder(tmp_path: Path, picture: U8) -> Path:
    path = tmp_path / "case"
    path.mkdir()
    for index, rgb in enumerate(shades(picture, 11)):
        Image.fromarray(rgb).save(path / f"frame-{index + 1}.png")
    write(path / "recording.json", ABOUT)
    (path / "pedal.jsonl").write_text('{"t_ns": 250000000, "event": "press"}\n', encoding="utf-8")
    return path


@pytest.fixture
def video(tmp_path: Path, picture: U8) -> Path:
    path = tmp_path / "slide.mkv"
    writer = cv2.VideoWriter(str(path), cv2.CAP_FFMPEG, cv2.VideoWriter.fourcc(*"FFV1"), 10.0, (80, 60))
    assert writer.isOpened()
    for rgb in shades(picture, 11):
        writer.write(np.ascontiguousarray(rgb[..., ::-1]))
    writer.release()
    write(tmp_path / "slide.recording.json", ABOUT)
    (tmp_path / "slide.pedal.jsonl").write_text('{"t_ns": 250000000, "event": "press"}\n', encoding="utf-8")
    return path


def write(path: Path, content: dict[str, Any]) -> None:
    path.write_text(json.dumps(content), encoding="utf-8")


@pytest.mark.parametrize("kind", ["folder", "video"])
def test_frames_come_in_order_with_identity_time_and_scale(
    kind: str, request: pytest.FixtureRequest, picture: U8
) -> None:
    recording: Recording = open_recording(request.getfixturevalue(kind))
    frames = list(recording.frames())
    assert [f.frame_id for f in frames] == list(range(11))
    assert [f.t_ns for f in frames] == [k * 10**8 for k in range(11)]
    assert recording.period_ns == 10**8
    assert recording.presses_ns == (250_000_000,)
    for frame, rgb in zip(frames, shades(picture, 11), strict=True):
        np.testing.assert_array_equal(frame.rgb, rgb)
        assert frame.optics.um_per_px == 0.25
    again = [f.frame_id for f in recording.frames()]
    assert again == list(range(11))


def test_names_sort_as_people_count() -> None:
    names = ["f-10.png", "f-9.png", "F-1.png", "f-009.png", "a.png", "12.png", "2b.png"]
    expected = ["2b.png", "12.png", "a.png", "F-1.png", "f-009.png", "f-9.png", "f-10.png"]
    assert sorted(names, key=natural_key) == expected


def test_the_scale_is_never_guessed_and_must_not_contradict(folder: Path) -> None:
    write(folder / "recording.json", {k: v for k, v in ABOUT.items() if k != "um_per_px"})
    with pytest.raises(ScaleError, match="nothing tells its scale"):
        open_recording(folder)
    assert open_recording(folder, 0.3).optics.um_per_px == 0.3
    write(folder / "recording.json", ABOUT)
    assert open_recording(folder, 0.252).optics.um_per_px == 0.252
    with pytest.raises(ScaleError, match=r"says 0\.25 µm/px, but 0\.5 was given"):
        open_recording(folder, 0.5)
    write(folder / "recording.json", ABOUT | {"um_per_px": 25.0})
    with pytest.raises(ScaleError, match="cannot be scored"):
        open_recording(folder)


def test_frames_per_second_are_needed_for_a_folder_and_known_by_a_video(folder: Path, video: Path) -> None:
    (folder / "recording.json").unlink()
    with pytest.raises(RecordingError, match="nothing tells its frames per second"):
        open_recording(folder, 0.25)
    video.with_name("slide.recording.json").unlink()
    assert open_recording(video, 0.25).fps == pytest.approx(10)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"schema": "armicro.recording/2"}, "schema"),
        (ABOUT | {"fsp": 3}, "fsp: unknown key"),
        (ABOUT | {"fps": 0}, "fps"),
        (ABOUT | {"fps": "ten"}, "fps"),
        ({}, "schema: missing"),
    ],
)
def test_a_faulty_description_is_refused(folder: Path, content: dict[str, Any], message: str) -> None:
    write(folder / "recording.json", content)
    with pytest.raises(RecordingError, match=message) as caught:
        open_recording(folder)
    assert "recording.json" in str(caught.value)


def test_a_pedal_track_is_needed_and_may_lie_elsewhere(folder: Path, tmp_path: Path) -> None:
    (folder / "pedal.jsonl").rename(tmp_path / "elsewhere.jsonl")
    with pytest.raises(RecordingError, match=r"pedal\.jsonl: no pedal track"):
        open_recording(folder)
    assert open_recording(folder, pedal=tmp_path / "elsewhere.jsonl").presses_ns == (250_000_000,)


def line(t_ns: object, event: object = "press") -> str:
    return json.dumps({"t_ns": t_ns, "event": event})


def test_only_presses_count() -> None:
    text = "\n".join([line(5), "", line(9, "release"), line(9), "  "])
    assert parse_pedal(text) == (5, 9)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "holds no press"),
        (line(5, "release"), "holds no press"),
        ("press", "line 1: "),
        (line(5) + "\n{", "line 2: "),
        (line(5) + "\n" + line(4), "line 2: its time is before"),
        (line(-1), "line 1: t_ns"),
        (line(1.5), "line 1: t_ns"),
        (line("1"), "line 1: t_ns"),
        (line(True), "line 1: t_ns"),
        (line(1, "kick"), "line 1: event"),
        ('{"t_ns": 1}', "line 1: event: missing"),
        ('{"t_ns": 1, "event": "press", "x": 1}', "line 1: x: unknown key"),
        ("[1, 2]", "line 1: "),
    ],
)
def test_damaged_pedal_tracks_are_refused_with_file_and_line(folder: Path, text: str, message: str) -> None:
    (folder / "pedal.jsonl").write_text(text, encoding="utf-8")
    with pytest.raises(RecordingError) as caught:
        open_recording(folder)
    problem = str(caught.value)
    assert problem.startswith(f"{folder / 'pedal.jsonl'}: ")
    assert message in problem
    assert "\n" not in problem


def test_what_is_no_recording_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="no such file or folder"):
        open_recording(tmp_path / "none.mkv", 0.25)
    (tmp_path / "text.mkv").write_text("not a video", encoding="utf-8")
    with pytest.raises(RecordingError, match="not a video that can be read"):
        open_recording(tmp_path / "text.mkv", 0.25)
    (tmp_path / "empty").mkdir()
    with pytest.raises(RecordingError, match="holds no PNG, JPEG or TIFF frame"):
        open_recording(tmp_path / "empty", 0.25)


def test_a_frame_that_cannot_be_read_is_named(folder: Path) -> None:
    (folder / "frame-5.png").write_bytes(b"")
    with pytest.raises(RecordingError, match=r"frame-5\.png: the file is empty"):
        list(open_recording(folder).frames())


def test_frames_of_different_size_are_refused(folder: Path, picture: U8) -> None:
    Image.fromarray(picture[:40, :50]).save(folder / "frame-5.png")
    with pytest.raises(RecordingError, match="frame 4 has 50 × 40 px, the first 80 × 60"):
        list(open_recording(folder).frames())


@pytest.mark.parametrize("kind", ["folder", "video"])
def test_a_recording_that_lost_frames_is_refused(kind: str, request: pytest.FixtureRequest) -> None:
    path: Path = request.getfixturevalue(kind)
    about = path / "recording.json" if path.is_dir() else path.with_name("slide.recording.json")
    write(about, ABOUT | {"frames": 12})
    with pytest.raises(RecordingError, match="ends after 11 of its 12 frames"):
        list(open_recording(path).frames())
    write(about, ABOUT | {"frames": 11, "simulated": True})
    recording = open_recording(path)
    assert len(list(recording.frames())) == 11
    assert recording.simulated

"""A replayed session says the same as `score` on the frames it captured: the same JSON, bit for bit."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from armicro.app.cli import main
from armicro.devices.image_files import read_image
from armicro.devices.recordings import open_recording
from armicro.session.replay import captures_of
from armicro.sim.case import CaseParams
from armicro.sim.params import parse_mix
from armicro.sim.recording import Pace, RecordingForm, WrittenRecording, simulate_recording, write_recording

PACE = Pace(fps=10.0, rest_frames=4, move_frames=3, press_frame=1)


@pytest.fixture(scope="module", params=list(RecordingForm))
def recorded(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> WrittenRecording:
    params = CaseParams(mix=parse_mix("2+"), um_per_px=0.424, shape_px=(320, 320), fields=3)
    frames = simulate_recording(params, 11, PACE)
    return write_recording(tmp_path_factory.mktemp("session"), frames, 0.424, PACE, request.param)


def run(*arguments: object) -> None:
    assert main([str(a) for a in arguments]) == 0


@pytest.mark.parametrize("live", ["--live", "--no-live"])
@pytest.mark.parametrize("reading", ["per-cell", "zhang-2020"])
def test_replay_equals_score_bit_for_bit(
    recorded: WrittenRecording, tmp_path: Path, live: str, reading: str
) -> None:
    frames = tmp_path / "frames"
    shared = ("--reading", reading, "--case-id", "session 4", "--reproducible", "--quiet")
    run("replay", recorded.path, live, "--frames", frames, "--json", tmp_path / "replay.json", *shared)
    captured = sorted(frames.iterdir())
    assert len(captured) == len(recorded.presses) == 3
    run("score", *captured, "--json", tmp_path / "score.json", *shared)
    assert (tmp_path / "replay.json").read_bytes() == (tmp_path / "score.json").read_bytes()
    case = json.loads((tmp_path / "replay.json").read_text(encoding="utf-8"))
    assert case["simulated"] is True
    assert case["n_cells"] > 0


def test_a_replay_gives_the_same_bytes_each_time(recorded: WrittenRecording, tmp_path: Path) -> None:
    for name in ("a", "b"):
        run("replay", recorded.path, "--json", tmp_path / f"{name}.json", "--reproducible", "--quiet")
    assert (tmp_path / "a.json").read_bytes() == (tmp_path / "b.json").read_bytes()


def test_each_press_captures_the_field_it_was_meant_for(recorded: WrittenRecording, tmp_path: Path) -> None:
    recording = open_recording(recorded.path)
    captures = list(captures_of(recording, lambda _: None))
    # Each press falls into an exposure while the stage rests, so the next frame shows the same field.
    assert [c.frame.frame_id for c in captures] == [p.frame_id + 1 for p in recorded.presses]
    assert not any(c.same_place for c in captures)
    frames = tmp_path / "frames"
    run("replay", recorded.path, "--frames", frames, "--no-live", "--quiet")
    for capture, path in zip(captures, sorted(frames.iterdir()), strict=True):
        image = read_image(path)
        np.testing.assert_array_equal(image.rgb, capture.frame.rgb)
        assert (image.frame_id, image.t_ns) == (capture.frame.frame_id, capture.frame.t_ns)


def test_frames_of_another_replay_are_not_mixed_in(
    recorded: WrittenRecording, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run("replay", recorded.path, "--frames", tmp_path, "--quiet")
    assert main(["replay", str(recorded.path), "--frames", str(tmp_path), "--quiet"]) == 4
    assert "holds captured frames already" in capsys.readouterr().err


def test_a_press_after_the_end_leaves_nothing_written(
    recorded: WrittenRecording, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    track = tmp_path / "late.jsonl"
    track.write_text(
        '{"t_ns": 150000000, "event": "press"}\n{"t_ns": 99000000000, "event": "press"}\n', encoding="utf-8"
    )
    out = tmp_path / "out"
    arguments = ["replay", str(recorded.path), "--pedal", str(track), "--frames", str(out)]
    assert main([*arguments, "--json", str(out / "a.json")]) == 3
    assert "comes after the end of the recording" in capsys.readouterr().err
    assert not out.exists()

"""`armicro run --headless` as a process of its own: a replayed camera, a pedal on a pseudo terminal."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from armicro.app.cli import main
from armicro.sim.case import CaseParams
from armicro.sim.params import parse_mix
from armicro.sim.recording import Pace, simulate_recording, write_recording
from tests.running import Running

UM_PER_PX = 0.424


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("recording") / "slide"
    params = CaseParams(mix=parse_mix("2+"), um_per_px=UM_PER_PX, shape_px=(320, 320), fields=3)
    pace = Pace(fps=10, rest_frames=12, move_frames=2)
    return write_recording(folder, simulate_recording(params, 5, pace), UM_PER_PX, pace).path


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Running]]:
    running: list[Running] = []

    def call(*arguments: object) -> Running:
        running.append(Running(tmp_path / "cases", *arguments))
        return running[-1]

    yield call
    for one in running:
        one.close()


@pytest.mark.slow
def test_presses_become_fields_and_the_score_equals_score(
    recording: Path, tmp_path: Path, start: Callable[..., Running]
) -> None:
    out, frames = tmp_path / "case.json", tmp_path / "frames"
    run = start(
        "--camera", f"replay:{recording}", "--case", "K-17", "--until-fields", 3,
        "--json", out, "--frames", frames,
    )  # fmt: skip
    run.until(lambda: run.of("ready"))
    for n, line in enumerate(("press\n", "noise\n1\r\n", "PRESS\n"), start=1):
        run.press(line)
        run.until(lambda n=n: len(run.of("captured")) == n)  # type: ignore[misc]
    assert run.ended() == 0
    assert [e["number"] for e in run.of("captured")] == [1, 2, 3]
    assert [e["number"] for e in run.of("scored")] == [1, 2, 3]
    assert run.events[-1]["event"] == "closed"
    assert run.events[-1]["t"].endswith("Z")
    assert [e["t_ns"] for e in run.events] == sorted(e["t_ns"] for e in run.events)
    again = tmp_path / "again.json"
    pictures = sorted(map(str, frames.glob("*.png")))
    assert main(["score", *pictures, "--detector", "classical", "--json", str(again), "--quiet"]) == 0
    live, scored = (json.loads(p.read_text(encoding="utf-8")) for p in (out, again))
    assert live["case_id"] == "K-17"
    assert live["simulated"]
    for key in ("schema", "score", "status", "reason", "n_cells", "n_fields", "counts", "cutoff"):
        assert live[key] == scored[key]
    for a, b in zip(live["fields"], scored["fields"], strict=True):
        assert a["counts"] == b["counts"]
        assert a["pixel_sha256"] == b["pixel_sha256"]
    assert run.of("scored")[-1]["score"] == live["score"]


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_ends_it_tidily(
    recording: Path, tmp_path: Path, start: Callable[..., Running], number: signal.Signals, code: int
) -> None:
    out = tmp_path / "case.json"
    run = start("--camera", f"replay:{recording}", "--json", out)
    run.until(lambda: run.of("ready"))
    run.press()
    run.until(lambda: run.of("captured"))
    run.process.send_signal(number)
    assert run.ended() == code
    assert run.events[-1]["event"] == "closed"
    assert json.loads(out.read_text(encoding="utf-8"))["n_fields"] == 1
    assert not list(tmp_path.glob(".armicro*"))
    assert "Traceback" not in "".join(run.errors)


def test_without_a_capture_nothing_is_written(
    recording: Path, tmp_path: Path, start: Callable[..., Running]
) -> None:
    out = tmp_path / "case.json"
    run = start("--camera", f"replay:{recording}", "--json", out)
    run.until(lambda: run.of("ready"))
    run.process.terminate()
    assert run.ended() == 143
    assert not out.exists()
    assert "No field was captured" in "".join(run.errors)


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["--camera", "telescope"], 3, "there is no camera"),
        (["--camera", "webcam:0"], 3, "--um-per-px"),
        (["--camera", "replay:nowhere"], 3, "no such file"),
        (["--camera", "sim", "--events", "file"], 3, "--events takes -"),
        (["--camera", "sim", "--guideline", "nonsense"], 3, "nonsense"),
    ],
)
def test_what_cannot_be_is_said_in_one_line(
    arguments: list[str], code: int, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", "--headless", "--detector", "classical", *arguments]) == code
    captured = capsys.readouterr()
    assert words in captured.err
    assert captured.err.count("\n") == 1


@pytest.mark.slow
def test_a_run_that_was_killed_is_continued(
    recording: Path, tmp_path: Path, start: Callable[..., Running]
) -> None:
    first = start("--camera", f"replay:{recording}", "--case", "K-18")
    first.until(lambda: first.of("ready"))
    first.press()
    first.until(lambda: first.of("captured"))
    first.process.kill()
    first.ended()
    out = tmp_path / "case.json"
    second = start("--camera", f"replay:{recording}", "--case", "K-18", "--until-fields", 1, "--json", out)
    second.until(lambda: second.of("ready"))
    second.press()
    assert second.ended() == 0
    assert [e["number"] for e in second.of("captured")] == [2]
    assert json.loads(out.read_text(encoding="utf-8"))["n_fields"] == 2
    assert any("fields kept of it: 1" in line for line in second.errors)

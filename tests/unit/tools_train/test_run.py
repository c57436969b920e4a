"""A whole run on a tiny network: import, train, be killed, resume, cross-validate, export, load, detect."""

from __future__ import annotations

import contextlib
import csv
import dataclasses
import hashlib
import io
import json
import os
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

pytest.importorskip("torch", reason="training needs PyTorch: install the train extra")
pytest.importorskip("safetensors", reason="training needs safetensors: install the train extra")
ort = pytest.importorskip("onnxruntime", reason="running an ONNX file needs onnxruntime")
pytest.importorskip("onnx", reason="the export needs onnx: install the train extra")
pytest.importorskip("onnxscript", reason="the export needs onnxscript: install the train extra")

from tools.train import crossval, export, import_points, pretrain, teach, train  # noqa: E402 - see above
from tools.train.config import read_config  # noqa: E402 - after the checks above
from tools.train.score import PeakParams, decode, pair, tally  # noqa: E402 - after the checks above
from tools.train.tiles import FULL_SCALE  # noqa: E402 - after the checks above
from tools.train.validate import tumour_found  # noqa: E402 - after the checks above

REPOSITORY = Path(__file__).resolve().parents[3]
CONFIG = """\
name = "tiny"
seed = 3
[data]
points = ["points"]
images = "images"
folds = [["core0"], ["core1"]]
[model]
widths = [16, 24, 32]
blocks = 1
[patch]
side_px = 96
scale = [0.95, 1.05]
[augment]
stain_chance = 0.0
blur_chance = 0.0
colour_chance = 0.0
saturation_chance = 0.0
bayer_chance = 0.0
noise_chance = 0.0
sharpen_chance = 0.0
jpeg_chance = 0.0
cutout_chance = 0.0
[optim]
epochs = 4
steps = 25
batch = 6
warm_steps = 5
learning_rate = 8e-3
average = 0.9
bfloat16 = false
[self_training]
epochs = 1
tiles = 3
side_px = 96
views = 4
"""


def run(cwd: Path, main: Callable[[list[str]], int], *arguments: str | Path) -> None:
    """Call a command line in a folder; its message goes into the failure."""
    said = io.StringIO()
    with contextlib.chdir(cwd), contextlib.redirect_stderr(said):
        assert main([str(argument) for argument in arguments]) == 0, said.getvalue()


@pytest.fixture(scope="module")
def project(marked: Path) -> Path:
    """The folder with points imported and the configuration written."""
    run(marked, import_points.main, "readers", "--images", "images", "--to", "points")
    (marked / "tiny.toml").write_text(CONFIG, encoding="utf-8")
    return marked


@pytest.fixture(scope="module")
def runs(project: Path) -> Path:
    """The runs of both folds; the second is killed on its way and resumed."""
    run(project, train.main, "--config", "tiny.toml", "--fold", "0", "--out", "runs/fold0")
    arguments = ("--config", "tiny.toml", "--fold", "1", "--out", "runs/fold1", "--resume")
    env = os.environ | {"PYTHONPATH": str(REPOSITORY)}
    command = [sys.executable, "-m", "tools.train.train", *arguments]
    quiet = subprocess.DEVNULL
    first = subprocess.Popen(command, cwd=project, env=env, stderr=quiet, stdout=quiet)
    checkpoint = project / "runs" / "fold1" / "checkpoint.pt"
    deadline = time.monotonic() + 60
    while not checkpoint.exists() and first.poll() is None and time.monotonic() < deadline:
        time.sleep(0.02)
    first.kill()
    assert first.wait(30) != 0, "the run ended before it could be killed"
    assert not (project / "runs" / "fold1" / "weights.safetensors").exists()
    run(project, train.main, *arguments)
    return project / "runs"


def rows(run: Path) -> list[dict[str, str]]:
    with (run / "metrics.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_killed_run_is_resumed_to_the_end(runs: Path) -> None:
    assert [row["epoch"] for row in rows(runs / "fold1")] == ["1", "2", "3", "4"]


def test_resumed_run_equals_one_that_was_not_killed(project: Path, runs: Path) -> None:
    run(project, train.main, "--config", "tiny.toml", "--fold", "1", "--out", "again")
    straight, resumed = rows(project / "again"), rows(runs / "fold1")
    for a, b in zip(straight, resumed, strict=True):
        assert {k: v for k, v in a.items() if k != "seconds"} == {
            k: v for k, v in b.items() if k != "seconds"
        }


def test_training_finds_the_nuclei_of_an_image_it_was_not_shown(runs: Path) -> None:
    last = rows(runs / "fold0")[-1]
    assert float(last["f1"]) > 0.9
    assert float(last["others_called_tumour"]) < 0.1


def test_a_run_is_not_overwritten(
    project: Path, runs: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(project)
    arguments = ["--config", "tiny.toml", "--out", str(runs / "fold0")]
    assert train.main([*arguments, "--fold", "0"]) == 2
    assert "already holds a run" in capsys.readouterr().err
    assert train.main([*arguments, "--fold", "1", "--resume"]) == 2
    assert "another configuration or fold" in capsys.readouterr().err


def test_exported_network_detects(project: Path, runs: Path) -> None:
    run(project, crossval.main, "--config", "tiny.toml", "--runs", runs, "--out", "figures.json")
    figures = json.loads((project / "figures.json").read_text(encoding="utf-8"))
    assert figures["40x"]["all cores"]["f1"] > 0.9

    arguments = ("--config", "tiny.toml", "--run", runs / "fold0", "--figures", "figures.json")
    run(project, export.main, *arguments, "--version", "1", "--engines", "engines")
    manifest = tomllib.loads((project / "engines" / "manifest.toml").read_text(encoding="utf-8"))
    (entry,) = manifest["model"]
    assert manifest["default"] == entry["name"] == "tiny"
    content = (project / "engines" / entry["file"]).read_bytes()
    assert hashlib.sha256(content).hexdigest() == entry["sha256"]
    assert len(content) == entry["bytes"]
    assert str(REPOSITORY).encode() not in content
    card = (project / "engines" / "tiny.md").read_text(encoding="utf-8")
    assert "Research use only" in card
    assert "$" not in card

    session = ort.InferenceSession(content, providers=["CPUExecutionProvider"])
    bgr = cv2.imread(str(project / "images" / "core0.png"))
    assert bgr is not None
    rgb = np.ascontiguousarray(cv2.resize(bgr, (160, 160), interpolation=cv2.INTER_AREA)[None, ..., ::-1])
    heat = session.run(["heat"], {"rgb": rgb})[0][0]
    peaks = PeakParams(entry["peak_threshold"], entry["peak_spacing_um"], entry["tumour_bias"])
    found = decode(heat, entry["um_per_px"], peaks)
    truth = []
    with (project / "points" / "core0_20_20.csv").open(encoding="utf-8", newline="") as file:
        truth = [(float(p["y_px"]), float(p["x_px"])) for p in csv.DictReader(file) if p["kind"] == "T"]
    tumour_um = found.yx_px[found.kind == 0] * np.float32(entry["um_per_px"])
    _, hit = pair(tumour_um, np.array(truth, np.float32) * np.float32(0.23), 2.0)
    assert hit.mean() > 0.9

    run(project, export.main, *arguments, "--version", "2", "--engines", "engines")
    manifest = tomllib.loads((project / "engines" / "manifest.toml").read_text(encoding="utf-8"))
    assert [m["version"] for m in manifest["model"]] == ["2"]


def test_restoring_images_gives_a_start(project: Path, runs: Path) -> None:
    del runs  # the points are imported
    arguments = ("--config", "tiny.toml", "--fold", "0")
    run(project, pretrain.main, *arguments, "--steps", "4", "--out", "restored")
    start = project / "restored" / "weights.safetensors"
    run(project, train.main, *arguments, "--init", start, "--out", "started")
    assert float(rows(project / "started")[-1]["f1"]) > 0.9


def test_a_teacher_marks_tiles_for_its_student(project: Path, runs: Path) -> None:
    arguments = ("--config", "tiny.toml", "--fold", "0")
    run(project, teach.main, *arguments, "--teacher", runs / "fold0", "--out", "tiles0")
    about = json.loads((project / "tiles0" / "tiles.json").read_text(encoding="utf-8"))
    assert {row[0] for row in about["tiles"]} == {"core1.png"}, "the held-out image was looked at"
    with np.load(project / "tiles0" / "tiles.npz") as arrays:
        heat, agreed = arrays["heat"], arrays["agreed"]
    # What the teacher says lies on the dark blue discs, whichever way a view was turned.
    bgr = cv2.imread(str(project / "images" / "core1.png"))
    assert bgr is not None
    image = bgr[..., ::-1]
    for (*_, y0, x0, side), maps in zip(about["tiles"], heat, strict=True):
        small = cv2.resize(image[y0 : y0 + side, x0 : x0 + side], (48, 48), interpolation=cv2.INTER_AREA)
        assert small[maps[0] > 0.6 * FULL_SCALE].mean(0)[0] < 160
    assert 0.5 < agreed.mean() <= 1
    start = runs / "fold0" / "weights.safetensors"
    run(project, train.main, *arguments, "--init", start, "--tiles", "tiles0", "--out", "student")
    assert len(rows(project / "student")) == 1
    assert float(rows(project / "student")[-1]["f1"]) > 0.9


def test_tiles_of_another_fold_are_refused(
    project: Path, runs: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ("--config", "tiny.toml", "--fold")
    run(project, teach.main, *arguments, "0", "--teacher", runs / "fold0", "--out", "tiles_of_0")
    monkeypatch.chdir(project)
    assert train.main([*arguments, "1", "--tiles", "tiles_of_0", "--out", "leaky"]) == 2
    assert "another fold" in capsys.readouterr().err
    assert teach.main([*arguments, "0", "--teacher", str(runs / "fold1"), "--out", "tiles_leaky"]) == 2
    assert "not trained for fold 0" in capsys.readouterr().err


def test_reading_once_for_all_thresholds_counts_as_reading_at_each(project: Path, runs: Path) -> None:
    config = read_config(project / "tiny.toml")
    seen = crossval.look(config, project, runs, weak_objective=False)
    # Peaks of all heights, which the two well-marked images do not have.
    fade = [np.linspace(0.2, 1.0, s.heat.shape[2], dtype=np.float32) for s in seen]
    seen = [dataclasses.replace(s, heat=s.heat * f) for s, f in zip(seen, fade, strict=True)]
    table = crossval.grid(seen, config)
    for peaks in (PeakParams(0.5, 2.0, 0.0), PeakParams(0.35, 3.5, -0.1)):
        at = [tumour_found(s.heat, s.shown, s.crop, config, peaks)[0] for s in seen]
        assert table[peaks] == [tally(found, s.crop) for found, s in zip(at, seen, strict=True)]
    assert len({crossval.total(counts).hit for counts in table.values()}) > 3

"""Detectors and engines by name, through the command line too."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from armicro.analysis.detect_classical import ClassicalDetector
from armicro.app import detectors
from armicro.app.bench_child import BenchTask, run_task
from armicro.app.commands.doctor import examine
from armicro.app.data_files import data_folder
from armicro.app.detectors import AUTO, CLASSICAL, DetectorChoice, detector_names, make_detector
from armicro.app.profiles import load_stain_profile
from armicro.assays.her2_ihc import Her2IhcRecipe, analyse
from armicro.contracts.errors import EngineError, InputError
from armicro.contracts.frame import Frame, Optics
from armicro.devices.image_files import read_image
from armicro.inference import choose
from armicro.inference.choose import EngineName

UM_PER_PX = 0.424

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def engines(tiny_engines: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An engines folder with the network `tiny`, in place of the shipped one."""
    folder = Path(shutil.copytree(tiny_engines, tmp_path / "engines"))
    _use(folder, monkeypatch)
    return folder


@pytest.fixture
def no_engines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An engines folder without a network."""
    (tmp_path / "none").mkdir()
    _use(tmp_path / "none", monkeypatch)


def _use(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("armicro.app.detectors", "armicro.app.commands.doctor"):
        real = data_folder
        monkeypatch.setattr(
            f"{module}.data_folder", lambda name, real=real: folder if name == "engines" else real(name)
        )


def silent(text: str) -> None:
    raise AssertionError(text)


@pytest.mark.usefixtures("no_engines")
def test_without_a_network_auto_is_classical() -> None:
    made = make_detector(DetectorChoice(), silent)
    assert isinstance(made.detector, ClassicalDetector)
    assert made.news() == ()
    assert detector_names() == (CLASSICAL,)


@pytest.mark.usefixtures("engines")
def test_with_a_network_auto_is_the_network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choose, "gpu_packages", lambda: None)
    for name in (AUTO, "tiny"):
        made = make_detector(DetectorChoice(name), silent)
        assert made.detector.identity.startswith("tiny/1 sha256:")
        assert made.news() == ()
    assert detector_names() == (CLASSICAL, "tiny")


@pytest.mark.usefixtures("engines")
def test_classical_stays_selectable_and_needs_no_engine() -> None:
    made = make_detector(DetectorChoice(CLASSICAL, EngineName.OPENVINO), silent)
    assert isinstance(made.detector, ClassicalDetector)
    assert made.news() == ("--engine openvino is not used: nuclei are found by the classical detector",)
    assert made.news() == ()


@pytest.mark.usefixtures("engines")
def test_without_onnxruntime_auto_is_classical_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(detectors, "engine_is_installed", lambda _: False)
    made = make_detector(DetectorChoice(), silent)
    assert isinstance(made.detector, ClassicalDetector)
    assert "ONNX Runtime is not installed" in made.news()[0]


@pytest.mark.parametrize("engine", list(EngineName))
def test_a_changed_file_is_refused_whatever_the_engine(engines: Path, engine: EngineName) -> None:
    content = bytearray((engines / "tiny.onnx").read_bytes())
    content[-1] ^= 1
    (engines / "tiny.onnx").write_bytes(content)
    for name in (AUTO, "tiny"):
        with pytest.raises(EngineError, match="is not the file of the manifest"):
            make_detector(DetectorChoice(name, engine), silent)


@pytest.mark.usefixtures("engines")
def test_unknown_detector_tells_the_known_ones(run: Run, fields: list[Path]) -> None:
    with pytest.raises(InputError, match="no detector 'x'; known: auto, classical, tiny"):
        make_detector(DetectorChoice("x"), silent)
    code, _, err = run("score", fields[0], "--um-per-px", UM_PER_PX, "--detector", "x")
    assert code == 3
    assert "known: auto, classical, tiny" in err


@pytest.mark.usefixtures("engines")
@pytest.mark.parametrize("engine", ["auto", "onnxruntime", "openvino", "tensorrt"])
def test_score_stamps_what_was_used_and_tells_a_fallback(
    run: Run, fields: list[Path], tmp_path: Path, engine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_gpu(*_: object, **__: object) -> None:
        raise EngineError("no NVIDIA GPU answers")

    monkeypatch.setattr(choose, "TensorRtModel", no_gpu)
    if engine != "tensorrt":
        monkeypatch.setattr(choose, "gpu_packages", lambda: None)
    if engine == "openvino":
        pytest.importorskip("openvino", reason="OpenVINO is not installed")
    out = tmp_path / "case.json"
    code, _, err = run(
        "score", fields[0], "--um-per-px", UM_PER_PX, "--engine", engine, "--json", out, "--quiet"
    )
    assert code == 0
    text = json.dumps(json.loads(out.read_text(encoding="utf-8")))
    assert ("openvino-" if engine == "openvino" else "onnxruntime-") in text
    assert "tiny/1 sha256:" in text
    assert ("armicro: no NVIDIA GPU answers. Going on with onnxruntime-" in err) == (engine == "tensorrt")


@pytest.mark.usefixtures("engines")
def test_the_assay_reads_the_same_in_tiles(fields: list[Path]) -> None:
    rgb = np.tile(read_image(fields[0], UM_PER_PX).rgb, (2, 2, 1))
    frame = Frame(rgb, 0, 0, Optics(UM_PER_PX), "x")
    detector = make_detector(DetectorChoice("tiny", EngineName.ONNXRUNTIME), silent).detector
    profile = load_stain_profile("default-hdab")
    whole = analyse(frame, Her2IhcRecipe(profile, detector))
    tiled = analyse(frame, Her2IhcRecipe(profile, detector, tile_px=192))
    assert len(whole.cells) + len(whole.others) > 20
    assert np.array_equal(whole.cells.yx_px, tiled.cells.yx_px)
    assert np.array_equal(whole.cells.category, tiled.cells.category)
    assert np.array_equal(whole.others.yx_px, tiled.others.yx_px)


def test_doctor_tells_networks_and_damage(engines: Path) -> None:
    findings = dict(examine())["engines"]
    (found,) = [f for f in findings if f.name == "network"]
    assert found.found is not None
    assert found.found.startswith("tiny/1 sha256:")
    assert "the default" in found.purpose
    (engines / "tiny.onnx").write_bytes(b"")
    (found,) = [f for f in dict(examine())["engines"] if f.name == "network"]
    assert found.found is None
    assert "is not the file of the manifest" in found.purpose


@pytest.mark.usefixtures("engines")
def test_bench_compares_engines(run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    pytest.importorskip("openvino", reason="OpenVINO is not installed")
    monkeypatch.setattr("armicro.app.commands.bench.run_in_child", run_task)
    out = tmp_path / "bench.json"
    code, stdout, _ = run(
        "bench", "--sizes", "128", "--repeats", 1, "--um-per-px", "0.424", "--engine", "onnxruntime",
        "--engine", "openvino", "--json", out, "--quiet",
    )  # fmt: skip
    assert code == 0
    rows = [line for line in stdout.splitlines() if line.startswith("| 128²")]
    assert sum("onnxruntime-" in row for row in rows) == sum("openvino-" in row for row in rows) == 2
    orders = json.loads(out.read_text(encoding="utf-8"))["orders"]
    assert ["openvino" in run["detector"] for run in orders["last to first"]] == [False, True]


@pytest.mark.usefixtures("engines")
def test_bench_hands_on_what_was_said_about_the_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_gpu(*_: object, **__: object) -> None:
        raise EngineError("no NVIDIA GPU answers")

    monkeypatch.setattr(choose, "TensorRtModel", no_gpu)
    result = run_task(BenchTask(128, 0.424, 1, "per-cell", engine="tensorrt"))
    assert len(result.notes) == 1
    assert result.notes[0].startswith("no NVIDIA GPU answers")
    assert "onnxruntime" in result.detector

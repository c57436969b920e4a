"""Plans are built with no GPU, by the real TensorRT for RTX cards where it is installed."""

from __future__ import annotations

from pathlib import Path

import pytest

from armicro.contracts.errors import EngineError, InputError
from armicro.inference.cuda_memory import open_memory
from armicro.inference.manifest import load_network
from armicro.inference.plans import build_plan, load_tensorrt, read_plan
from tools.build_engine.__main__ import main, parse_capability


@pytest.fixture
def rtx() -> None:
    """Skip where TensorRT for RTX cards is not installed."""
    pytest.importorskip("tensorrt_rtx", reason="tensorrt-rtx is not installed")


@pytest.mark.usefixtures("rtx")
@pytest.mark.parametrize("capability", ["7.5", "8.9", "12.0"])
def test_a_plan_is_built_for_a_gpu_that_is_not_here(
    tiny_engines: Path, tmp_path: Path, capability: str, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = [str(tiny_engines / "tiny.onnx"), "--compute-capability", capability, "--out", str(tmp_path)]
    assert main(arguments) == 0
    (path,) = tmp_path.iterdir()
    assert str(path) in capsys.readouterr().out
    assert path.name.startswith(f"tiny-sm{capability.replace('.', '')}-")
    plan = read_plan(path)
    assert plan is not None
    assert len(plan) > 10_000


@pytest.mark.usefixtures("rtx")
def test_a_capability_that_it_does_not_know_is_told(
    tiny_engines: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = [str(tiny_engines / "tiny.onnx"), "--compute-capability", "5.0", "--out", str(tmp_path)]
    assert main(arguments) == 2
    assert "cannot build for compute capability 5.0; it knows" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


@pytest.mark.usefixtures("rtx")
def test_without_gpu_the_missing_driver_is_told(
    tiny_engines: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    try:
        open_memory()
    except EngineError:
        pass
    else:
        pytest.skip("there is a GPU here")
    assert main([str(tiny_engines / "tiny.onnx"), "--out", str(tmp_path)]) == 2
    assert "error:" in capsys.readouterr().err


@pytest.mark.usefixtures("rtx")
def test_a_damaged_network_is_told_in_tensorrts_words(tiny_engines: Path) -> None:
    network = load_network(tiny_engines)
    broken = type(network)(network.entry, network.onnx[:500])
    with pytest.raises(EngineError, match="TensorRT cannot read network tiny"):
        build_plan(broken, load_tensorrt("tensorrt_rtx"), (8, 9))


def test_a_file_that_no_manifest_names_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "x.onnx").write_bytes(b"")
    assert main([str(tmp_path / "x.onnx"), "--compute-capability", "8.9"]) == 2
    assert "no manifest beside it names it" in capsys.readouterr().err


@pytest.mark.parametrize("text", ["89", "8.9.1", "x", "", "8,9", "-8.9"])
def test_a_capability_is_two_numbers(text: str) -> None:
    assert parse_capability("12.0") == (12, 0)
    with pytest.raises(InputError, match="such as"):
        parse_capability(text)

"""The form for ONNX Runtime is the same network."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from armicro.contracts.errors import EngineError
from armicro.inference.choose import EngineName, choose_engine
from armicro.inference.manifest import for_onnxruntime, load_network

pytest.importorskip("torch", reason="the tools of training need the train extra")

import torch

from tools.train import unroll
from tools.train.export import to_onnx
from tools.train.layout import ModelParams
from tools.train.model import LinkNet


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("net") / "net.onnx"
    to_onnx(LinkNet(ModelParams()), path)
    return path.read_bytes()


def test_one_kernel_gives_what_the_transposed_convolution_gives() -> None:
    rng = np.random.default_rng(0)
    kernel = rng.normal(size=(3, 2, 4, 4)).astype(np.float32)
    field = torch.from_numpy(rng.normal(size=(1, 3, 5, 7)).astype(np.float32))
    wanted = torch.nn.functional.conv_transpose2d(field, torch.from_numpy(kernel), stride=2, padding=1)
    given = torch.nn.functional.conv2d(field, torch.from_numpy(unroll.phases(kernel)), padding=1)
    shuffled = torch.nn.functional.pixel_shuffle(given, 2)
    np.testing.assert_allclose(shuffled.numpy(), wanted.numpy(), atol=1e-5)


def test_the_whole_network_answers_alike(network: bytes) -> None:
    other = unroll.unroll(network)
    assert b"ConvTranspose" in network
    assert b"ConvTranspose" not in other
    assert unroll.difference(network, other, 16) <= unroll.TOLERANCE
    with pytest.raises(EngineError, match="no transposed convolution"):
        unroll.unroll(other)


def test_a_form_that_answers_differently_is_not_written(
    shipped: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    before = (shipped / "manifest.toml").read_bytes()
    (shipped / "nuclei-a-onnxruntime.onnx").unlink()
    right = unroll.phases
    monkeypatch.setattr(unroll, "phases", lambda kernel: right(kernel) * np.float32(1.01))
    assert unroll.main(["--engines", str(shipped)]) == 2
    assert "differs by" in capsys.readouterr().err
    assert (shipped / "manifest.toml").read_bytes() == before
    assert not (shipped / "nuclei-a-onnxruntime.onnx").exists()


def test_it_is_written_named_and_taken(shipped: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert unroll.main(["--engines", str(shipped)]) == 0
    network = load_network(shipped)
    variant = for_onnxruntime(network)
    assert variant.entry.file == "nuclei-a-onnxruntime.onnx"
    assert variant.entry.sha256 in capsys.readouterr().out
    card = (shipped / "nuclei-a.md").read_text(encoding="utf-8")
    assert card == (Path(__file__).parents[3] / "engines" / "nuclei-a.md").read_text(encoding="utf-8")
    assert card.count("## For ONNX Runtime") == 1
    assert variant.entry.sha256 in card
    chosen = choose_engine(network, EngineName.ONNXRUNTIME)
    assert variant.entry.sha256[:12] in chosen.identity


@pytest.fixture
def shipped(tmp_path: Path) -> Path:
    """A copy of the networks that are shipped."""
    return Path(shutil.copytree(Path(__file__).parents[3] / "engines", tmp_path / "engines"))

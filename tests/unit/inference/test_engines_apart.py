"""What single engines promise beyond the contract: threads, answers that make no sense."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from armicro.analysis.detect_heatmap import nuclei_of
from armicro.app.detectors import heatmap_params
from armicro.contracts.arrays import F32, U8, frozen
from armicro.contracts.errors import EngineError
from armicro.inference.manifest import Network, load_network
from armicro.inference.onnxruntime_engine import OnnxRuntimeModel
from armicro.inference.openvino_engine import OpenVinoModel
from armicro.inference.padding import crop_heat, pad_field


@pytest.fixture(scope="module")
def network(tiny_engines: Path) -> Network:
    return load_network(tiny_engines)


def picture(seed: int = 0) -> U8:
    """Blobs of chance, which make many peaks."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(60, 256, (40, 48, 3), np.uint8)
    return frozen(np.ascontiguousarray(coarse.repeat(8, axis=0).repeat(8, axis=1)))


def test_onnxruntime_does_not_depend_on_threads(network: Network) -> None:
    heats = [OnnxRuntimeModel(network, threads).predict(picture()) for threads in (1, 2, 3)]
    assert all(np.array_equal(heats[0], heat) for heat in heats)
    yx, _, _ = nuclei_of(heats[0], 0.92, heatmap_params(network.entry))
    assert len(yx) > 100


def test_openvino_does_not_depend_on_threads(network: Network) -> None:
    pytest.importorskip("openvino", reason="OpenVINO is not installed")
    one, two = (OpenVinoModel(network, threads=n).predict(picture()) for n in (1, 2))
    assert np.abs(one - two).max() <= 1e-5
    first, second = (nuclei_of(heat, 0.92, heatmap_params(network.entry)) for heat in (one, two))
    assert np.array_equal(first[0], second[0])
    assert np.array_equal(first[2], second[2])


@pytest.mark.parametrize(
    ("module", "engine"), [("onnxruntime", OnnxRuntimeModel), ("openvino", OpenVinoModel)]
)
def test_a_missing_package_is_told(
    monkeypatch: pytest.MonkeyPatch, network: Network, module: str, engine: type[OnnxRuntimeModel]
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(EngineError, match=f"pip install {module}"):
        engine(network)


def test_padding_reflects_and_moves_nothing() -> None:
    rgb = picture()[:35, :50]
    padded = pad_field(rgb, 16)
    assert padded.shape == (1, 48, 64, 3)
    assert np.array_equal(padded[0, :35, :50], rgb)
    assert np.array_equal(padded[0, 35], padded[0, 33])


def test_a_field_of_whole_multiples_is_not_copied() -> None:
    rgb = frozen(np.zeros((32, 48, 3), np.uint8))
    assert np.shares_memory(pad_field(rgb, 16), rgb)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_an_answer_that_is_no_number_is_refused(network: Network, bad: float) -> None:
    heat = np.zeros((1, 2, 16, 16), np.float32)
    heat[0, 1, 3, 4] = bad
    with pytest.raises(EngineError, match="not finite"):
        crop_heat(heat, (32, 32), network.entry)


@pytest.mark.parametrize(
    "heat",
    [np.zeros((1, 1, 16, 16), np.float32), np.zeros((1, 2, 16, 16)), np.zeros((1, 2, 8, 16), np.float32)],
)
def test_an_answer_of_another_shape_is_refused(network: Network, heat: F32) -> None:
    with pytest.raises(EngineError, match="expected a heat map float32"):
        crop_heat(heat, (32, 32), network.entry)

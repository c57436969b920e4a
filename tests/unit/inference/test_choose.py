"""Whatever fails, the processor takes over and the user is told; what was asked for is what is used."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from armicro.contracts.arrays import F32, U8
from armicro.contracts.errors import EngineError
from armicro.inference import choose
from armicro.inference.choose import ChosenModel, EngineName, choose_engine, engine_is_installed, engine_of
from armicro.inference.manifest import Network, load_network
from armicro.inference.onnxruntime_engine import OnnxRuntimeModel


@pytest.fixture(scope="module")
def network(tiny_engines: Path) -> Network:
    return load_network(tiny_engines)


class Fails:
    """A model whose memory runs out at the n-th field."""

    um_per_px = 0.46
    stride = 2
    identity = "tiny/1 sha256:0 fails-1/f32"

    def __init__(self, after: int) -> None:
        self.left = after

    def predict(self, rgb: U8) -> F32:
        self.left -= 1
        if self.left < 0:
            raise EngineError("the GPU has not enough free memory")
        return np.zeros((2, rgb.shape[0] // 2, rgb.shape[1] // 2), np.float32)


def no_gpu(*_: object, **__: object) -> None:
    raise EngineError("no NVIDIA GPU answers")


FIELD = np.full((64, 64, 3), 200, np.uint8)


@pytest.mark.parametrize(
    ("identity", "engine"),
    [
        ("nuclei-a/4 sha256:0a75ee371a37 onnxruntime-1.32.0/f32", EngineName.ONNXRUNTIME),
        ("nuclei-a/4 sha256:0a75ee371a37 onnxruntime-1.32.0/int8", EngineName.ONNXRUNTIME_INT8),
        ("nuclei-a/4 sha256:0a75ee371a37 openvino-2026.4.1/f32", EngineName.OPENVINO),
        ("nuclei-a/4 sha256:0a75ee371a37 openvino-2026.4.1/bf16", EngineName.OPENVINO_BF16),
        ("nuclei-a/4 sha256:0a75ee371a37 openvino-2026.4.1/int8", EngineName.OPENVINO_INT8),
        ("nuclei-a/4 sha256:0a75ee371a37 tensorrt_rtx-1.7.1/f32", EngineName.TENSORRT),
        ("classical/1", EngineName.AUTO),
        ("nuclei-a/4 sha256:0a75ee371a37 another-1.0/f32", EngineName.AUTO),
    ],
)
def test_an_identity_names_its_engine(identity: str, engine: EngineName) -> None:
    assert engine_of(identity) is engine


@pytest.mark.parametrize("engine", [EngineName.ONNXRUNTIME_INT8, EngineName.OPENVINO_INT8])
def test_8_bits_that_are_not_there_are_float32_and_that_is_said(network: Network, engine: EngineName) -> None:
    model = choose_engine(network, engine)
    assert engine_of(model.identity) is EngineName.ONNXRUNTIME
    assert len(model.notes) == 1
    assert "network tiny has no variant in 8 bits" in model.notes[0]


def test_auto_without_gpu_packages_is_onnxruntime(monkeypatch: pytest.MonkeyPatch, network: Network) -> None:
    monkeypatch.setattr(choose, "gpu_packages", lambda: None)
    model = choose_engine(network)
    assert "onnxruntime" in model.identity
    assert model.notes == ()


def test_auto_without_gpu_has_nothing_to_tell(monkeypatch: pytest.MonkeyPatch, network: Network) -> None:
    monkeypatch.setattr(choose, "gpu_packages", lambda: "tensorrt with pycuda")
    monkeypatch.setattr(choose, "open_memory", no_gpu)
    model = choose_engine(network)
    assert "onnxruntime" in model.identity
    assert model.notes == ()


@pytest.mark.parametrize("engine", [EngineName.AUTO, EngineName.TENSORRT])
def test_a_gpu_that_fails_is_told(
    monkeypatch: pytest.MonkeyPatch, network: Network, engine: EngineName
) -> None:
    monkeypatch.setattr(choose, "gpu_packages", lambda: "tensorrt with pycuda")
    monkeypatch.setattr(choose, "open_memory", lambda: None)
    monkeypatch.setattr(choose, "TensorRtModel", no_gpu)
    model = choose_engine(network, engine)
    assert "onnxruntime" in model.identity
    (note,) = model.notes
    assert note.startswith("no NVIDIA GPU answers. Going on with onnxruntime-")
    assert np.array_equal(model.predict(FIELD), OnnxRuntimeModel(network).predict(FIELD))


@pytest.mark.parametrize("engine", [EngineName.OPENVINO, EngineName.OPENVINO_BF16])
def test_openvino_is_used_with_the_precision_asked_for(network: Network, engine: EngineName) -> None:
    pytest.importorskip("openvino", reason="OpenVINO is not installed")
    model = choose_engine(network, engine)
    assert model.notes == ()
    assert "openvino" in model.identity
    assert model.identity.endswith("bf16" if engine is EngineName.OPENVINO_BF16 else "f32")


def test_a_failure_on_the_way_goes_on_with_the_spare(network: Network) -> None:
    model = ChosenModel(Fails(after=1), lambda: OnnxRuntimeModel(network))
    assert not model.predict(FIELD).any()
    assert list(model.notes) == []
    expected = OnnxRuntimeModel(network).predict(FIELD)
    assert np.array_equal(model.predict(FIELD), expected)
    assert len(model.notes) == 1
    assert "not enough free memory" in model.notes[0]
    assert "onnxruntime" in model.identity
    assert np.array_equal(model.predict(FIELD), expected)
    assert len(model.notes) == 1


def test_without_a_spare_the_failure_comes_through() -> None:
    with pytest.raises(EngineError, match="not enough free memory"):
        ChosenModel(Fails(after=0), None).predict(FIELD)


def test_installed_engines_are_known() -> None:
    assert engine_is_installed(EngineName.ONNXRUNTIME)

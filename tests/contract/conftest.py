"""Each engine by its name; TensorRT also on a pretended GPU, whose memory is the host's."""

# ruff: noqa: ANN401 - TensorRT's interface, which is pretended here, has no types

from __future__ import annotations

import ctypes
import dataclasses
from collections.abc import Callable
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest

from armicro.contracts.arrays import U8
from armicro.contracts.errors import EngineError
from armicro.contracts.protocols import HeatmapModel
from armicro.inference.cuda_memory import Device
from armicro.inference.manifest import Network, load_network
from armicro.inference.onnxruntime_engine import OnnxRuntimeModel
from armicro.inference.openvino_engine import OpenVinoModel, Precision
from armicro.inference.plans import Flavour
from armicro.inference.tensorrt_engine import TensorRtModel

ENGINES = (
    "onnxruntime", "onnxruntime-int8", "openvino", "openvino-bf16", "openvino-int8", "tensorrt",
    "tensorrt, pretended GPU",
)  # fmt: skip

Load = Callable[[Network], HeatmapModel]


class PretendedMemory:
    """`CudaMemory` in host memory; refuses to hold more than `limit` bytes."""

    door = "pretended"
    stream = 77

    def __init__(self, limit: int = 10**9) -> None:
        self.device = Device("Pretended GPU", (8, 9))
        self.limit = limit
        self.held: dict[int, U8] = {}
        self.allocations = 0

    def allocate(self, n_bytes: int) -> int:
        if sum(a.nbytes for a in self.held.values()) + n_bytes > self.limit:
            raise EngineError("the GPU has not enough free memory: close other programs that use it")
        memory = np.empty(n_bytes, np.uint8)
        self.allocations += 1
        self.held[memory.ctypes.data] = memory
        return int(memory.ctypes.data)

    def free(self, address: int) -> None:
        del self.held[address]

    def pinned(self, n_bytes: int) -> U8:
        self.allocations += 1
        return np.empty(n_bytes, np.uint8)

    def unpin(self, host: U8) -> None:
        del host

    def to_device(self, address: int, host: U8) -> None:
        self.held[address][: host.nbytes] = host

    def to_host(self, host: U8, address: int) -> None:
        host[:] = self.held[address][: host.nbytes]

    def wait(self) -> None:
        pass


class _Context:
    def __init__(self, session: Any) -> None:
        self._session = session
        self._addresses: dict[str, int] = {}
        self._shape: tuple[int, ...] = ()

    def set_input_shape(self, name: str, shape: tuple[int, ...]) -> bool:
        self._shape = shape
        return name == "rgb"

    def set_tensor_address(self, name: str, address: int) -> bool:
        self._addresses[name] = address
        return True

    def execute_async_v3(self, stream: int) -> bool:
        n = int(np.prod(self._shape))
        rgb = np.ctypeslib.as_array((ctypes.c_uint8 * n).from_address(self._addresses["rgb"]))
        heat = self._session.run(["heat"], {"rgb": rgb.reshape(self._shape)})[0]
        out = (ctypes.c_float * heat.size).from_address(self._addresses["heat"])
        np.ctypeslib.as_array(out)[:] = heat.reshape(-1)
        return stream == PretendedMemory.stream


class _Logger:
    Severity = SimpleNamespace(ERROR=1, INTERNAL_ERROR=0)


class _Parser:
    num_errors = 0

    def __init__(self, definition: dict[str, bytes], logger: _Logger) -> None:
        self._definition = definition
        self._logger = logger

    def parse(self, content: bytes) -> bool:
        self._definition["onnx"] = content
        return True


class _Builder:
    def __init__(self, logger: Any) -> None:
        self._logger = logger

    def create_network(self, flags: int) -> dict[str, bytes]:
        del flags
        return {}

    def create_builder_config(self) -> Any:
        def ignore(*_: object) -> None:
            return

        return SimpleNamespace(set_compute_capability=ignore, add_optimization_profile=ignore)

    def create_optimization_profile(self) -> Any:
        return SimpleNamespace(set_shape=lambda *_: None)

    def build_serialized_network(self, definition: dict[str, bytes], config: Any) -> bytes | None:
        if config.num_compute_capabilities != 1:
            return None
        try:
            _session(definition["onnx"])
        except Exception:  # noqa: BLE001 - as TensorRT: a word to the logger, and nothing
            self._logger.log(1, "no such network")
            return None
        return b"PLAN" + definition["onnx"]


def _session(content: bytes) -> Any:
    import onnxruntime

    return onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])


class _Runtime:
    def __init__(self, logger: Any) -> None:
        self._logger = logger

    def deserialize_cuda_engine(self, plan: bytes) -> Any:
        if plan[:4] != b"PLAN":
            self._logger.log(1, "not a plan")
            return None
        session = _session(plan[4:])
        return SimpleNamespace(create_execution_context=lambda: _Context(session))


def pretended_flavour(version: str = "1.0") -> Flavour:
    """A TensorRT whose plans are ONNX files, run by ONNX Runtime."""
    trt = SimpleNamespace(
        ILogger=_Logger, Builder=_Builder, OnnxParser=_Parser, Runtime=_Runtime,
        BuilderFlag=SimpleNamespace(),
        NetworkDefinitionCreationFlag=SimpleNamespace(STRONGLY_TYPED=0),
        ComputeCapability=SimpleNamespace(SM89="SM89"),
    )  # fmt: skip
    return Flavour("tensorrt_rtx", version, trt)


@pytest.fixture(scope="session")
def network(tiny_engines: Path) -> Network:
    """The tiny network, checked."""
    return load_network(tiny_engines)


@pytest.fixture(params=ENGINES)
def engine_name(request: pytest.FixtureRequest) -> str:
    """Name of an engine."""
    return str(request.param)


@pytest.fixture
def load(engine_name: str, tmp_path: Path, network: Network) -> Load:
    """Load a network on the engine; skips where the engine or what it needs is absent."""
    if engine_name.endswith("int8"):
        if engine_name.startswith("openvino"):
            pytest.importorskip("openvino", reason="OpenVINO is not installed")
        engine = OpenVinoModel if engine_name.startswith("openvino") else OnnxRuntimeModel
        own = _in_8_bits(network.onnx)

        def load_8_bits(given: Network) -> HeatmapModel:
            content = own if given.onnx == network.onnx else given.onnx
            return engine(dataclasses.replace(given, onnx=content, precision="int8"))

        return load_8_bits
    if engine_name.startswith("openvino"):
        pytest.importorskip("openvino", reason="OpenVINO is not installed")
        precision = Precision.BF16 if engine_name.endswith("bf16") else Precision.F32
        return lambda network: OpenVinoModel(network, precision)
    if engine_name == "tensorrt":
        return _on_gpu
    if engine_name.startswith("tensorrt"):
        return lambda network: TensorRtModel(
            network, cache=tmp_path, flavour=pretended_flavour(), memory=PretendedMemory()
        )
    return OnnxRuntimeModel


@cache
def _in_8_bits(content: bytes) -> bytes:
    """Quantise a network as the tool does, on noise."""
    pytest.importorskip("torch", reason="what trains networks is not installed")
    from tools.train.quantise import quantise

    rng = np.random.default_rng(0)
    pictures = [rng.integers(90, 256, (256, 256, 3), np.uint8) for _ in range(3)]
    pictures += [cv2.blur(p, (13, 13)) for p in pictures]
    return quantise(content, pictures, 16)


def _on_gpu(network: Network) -> HeatmapModel:
    from armicro.inference.cuda_memory import open_memory
    from armicro.inference.plans import load_tensorrt

    try:
        memory, flavour = open_memory(), load_tensorrt()
    except EngineError as error:
        pytest.skip(f"TensorRT cannot be run here: {error}")
    return TensorRtModel(network, flavour=flavour, memory=memory)


@pytest.fixture
def pretended() -> SimpleNamespace:
    """The pretended GPU's parts: `memory(limit)` and `flavour(version)`."""
    return SimpleNamespace(memory=PretendedMemory, flavour=pretended_flavour)

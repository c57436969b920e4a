"""TensorRT on an NVIDIA GPU.

Device memory, page-locked host memory and the stream are made at load for the usual field and grow when a
larger one comes; a field of a size seen before allocates nothing on the GPU.
"""

from __future__ import annotations

import importlib.util
import weakref
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from armicro.contracts.arrays import F32, U8
from armicro.contracts.errors import EngineError
from armicro.inference.cuda_memory import CudaMemory, memory_door, open_memory
from armicro.inference.manifest import Network
from armicro.inference.padding import crop_heat, pad_field
from armicro.inference.plans import (
    MAX_SIDE_PX,
    Flavour,
    build_plan,
    cache_folder,
    collector,
    load_tensorrt,
    plan_path,
    read_plan,
    write_plan,
)

Say = Callable[[str], None]
_WARM_PX = 1504


def gpu_packages() -> str | None:
    """Return the names of the installed packages that a GPU is run with; None where one is missing."""
    door = memory_door()
    found = [m for m in ("tensorrt", "tensorrt_rtx") if importlib.util.find_spec(m) is not None]
    return f"{found[0]} with {door}" if found and door else None


@dataclass(slots=True)
class _Buffer:
    """The same bytes on the device and, page-locked, on the host."""

    device: int
    host: U8


class _Buffers:
    """Buffers by tensor name, which only ever grow."""

    def __init__(self, memory: CudaMemory) -> None:
        self._memory = memory
        self._all: dict[str, _Buffer] = {}

    def of(self, name: str, n_bytes: int) -> _Buffer:
        """Return a buffer of at least `n_bytes`."""
        buffer = self._all.get(name)
        if buffer is not None and buffer.host.nbytes >= n_bytes:
            return buffer
        self._release(name)
        device = self._memory.allocate(n_bytes)
        try:
            host = self._memory.pinned(n_bytes)
        except EngineError:
            self._memory.free(device)
            raise
        self._all[name] = _Buffer(device, host)
        return self._all[name]

    def _release(self, name: str) -> None:
        buffer = self._all.pop(name, None)
        if buffer is not None:
            self._memory.free(buffer.device)
            self._memory.unpin(buffer.host)

    def close(self) -> None:
        """Give everything back."""
        for name in tuple(self._all):
            self._release(name)


class TensorRtModel:
    """A `HeatmapModel` on the first NVIDIA GPU. Used by one thread at a time.

    Parameters
    ----------
    network : Network
        Checked by `load_network`.
    say : callable or None
        Told in one line before a plan is built, which takes long.
    cache : Path or None
        Folder of plans; None takes the user's cache.
    flavour : Flavour or None
        TensorRT; None loads what is installed.
    memory : CudaMemory or None
        Device memory; None opens the first GPU.

    Raises
    ------
    EngineError
        If a package, driver or GPU is missing, the network cannot be built for this GPU, or memory is short.
    """

    name = "tensorrt"

    def __init__(
        self,
        network: Network,
        *,
        say: Say | None = None,
        cache: Path | None = None,
        flavour: Flavour | None = None,
        memory: CudaMemory | None = None,
    ) -> None:
        self._network = network
        # The GPU first: TensorRT's libraries are large, and without a GPU there is no use for them.
        self._memory = memory if memory is not None else open_memory()
        self._flavour = flavour if flavour is not None else load_tensorrt()
        self._logger = collector(self._flavour.trt)
        self._engine = self._load(cache if cache is not None else cache_folder(), say)
        self._context: Any = self._engine.create_execution_context()
        if self._context is None:
            raise EngineError(f"TensorRT cannot prepare network {network.entry.name} ({self._why()})")
        self._buffers = _Buffers(self._memory)
        self.close = weakref.finalize(self, self._buffers.close)
        self.predict(np.zeros((_WARM_PX, _WARM_PX, 3), np.uint8))

    def _why(self) -> str:
        """Return TensorRT's last complaint."""
        return self._logger.errors[-1] if self._logger.errors else "it does not say why"

    def _load(self, cache: Path, say: Say | None) -> Any:  # noqa: ANN401 - TensorRT has no types
        """Return the engine of the plan in the cache, or build the plan."""
        device, flavour = self._memory.device, self._flavour
        runtime = flavour.trt.Runtime(self._logger)
        path = plan_path(cache, self._network, flavour, device)
        plan = read_plan(path)
        engine = None if plan is None else self._deserialised(runtime, plan)
        if engine is not None:
            return engine
        if say is not None:
            why = "the kept one is damaged" if path.exists() else "there is none yet for this GPU and network"
            say(f"building a plan of {self._network.entry.name} for {device.name}: {why}; this takes a while")
        plan = build_plan(self._network, flavour, device.capability if flavour.names_targets else None)
        engine = self._deserialised(runtime, plan)
        if engine is None:
            raise EngineError(f"TensorRT cannot load the plan that it built ({self._why()})")
        try:
            write_plan(path, plan)
        except EngineError as error:
            if say is not None:
                say(f"{error}; the plan will be built again next time")
        return engine

    def _deserialised(self, runtime: Any, plan: bytes) -> Any:  # noqa: ANN401
        """Return the engine of a plan; None where TensorRT refuses it."""
        try:
            return runtime.deserialize_cuda_engine(plan)
        except Exception as error:  # noqa: BLE001 - TensorRT's errors have no common base; refusal is an answer
            self._logger.errors.append(str(error))
            return None

    @property
    def identity(self) -> str:
        """Name, version and hash of the network, and TensorRT's name and version."""
        return f"{self._network.entry.identity} {self._flavour.name}-{self._flavour.version}/f32"

    @property
    def um_per_px(self) -> float:
        """Scale of the input, µm."""
        return self._network.entry.um_per_px

    @property
    def stride(self) -> int:
        """Input pixels per heat map pixel."""
        return self._network.entry.stride

    def predict(self, rgb: U8) -> F32:
        """Return the heat map; see `HeatmapModel.predict`.

        Raises
        ------
        EngineError
            If the field is larger than plans are made for, memory is short or the GPU fails.
        """
        entry = self._network.entry
        padded = pad_field(rgb, entry.multiple)
        _, height, width, _ = padded.shape
        if max(height, width) > MAX_SIDE_PX:
            raise EngineError(f"a plan takes fields of at most {MAX_SIDE_PX} px, not {rgb.shape[:2]}")
        shape = (1, 2, height // entry.stride, width // entry.stride)
        n_bytes = 4 * int(np.prod(shape))
        up, down = self._buffers.of("rgb", padded.nbytes), self._buffers.of("heat", n_bytes)
        np.copyto(up.host[: padded.nbytes], padded.reshape(-1))
        self._memory.to_device(up.device, up.host[: padded.nbytes])
        self._run(padded.shape, {"rgb": up.device, "heat": down.device})
        self._memory.to_host(down.host[:n_bytes], down.device)
        self._memory.wait()
        heat = down.host[:n_bytes].view(np.float32).reshape(shape).copy()
        return crop_heat(heat, (rgb.shape[0], rgb.shape[1]), entry)

    def _run(self, shape: tuple[int, ...], addresses: dict[str, int]) -> None:
        """Put the network's work into the stream."""
        context = self._context
        try:
            ready = context.set_input_shape("rgb", shape)
            ready = ready and all(context.set_tensor_address(n, a) for n, a in addresses.items())
            done = ready and context.execute_async_v3(self._memory.stream)
        except Exception as error:  # TensorRT's errors have no common base
            raise EngineError(f"TensorRT failed ({error})") from error
        if not done:
            raise EngineError(f"TensorRT failed ({self._why()})")

"""Device memory and streams of an NVIDIA GPU, by pycuda where it is installed, else by cuda-bindings.

Both are thin doors to the same driver. pycuda has no wheels and needs the CUDA toolkit to be built, so the
other one is what most machines have.
"""

from __future__ import annotations

import ctypes
import importlib
import importlib.util
import threading
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from armicro.contracts.arrays import U8
from armicro.contracts.errors import EngineError


@dataclass(frozen=True, slots=True)
class Device:
    """A GPU.

    Parameters
    ----------
    name : str
        As its driver tells.
    capability : (int, int)
        Compute capability: (8, 9) for an RTX 4090.
    """

    name: str
    capability: tuple[int, int]

    @property
    def sm(self) -> str:
        """The capability as `8.9`."""
        return f"{self.capability[0]}.{self.capability[1]}"


class CudaMemory(Protocol):
    """Buffers and one stream on the first GPU, for one thread at a time.

    Every failure, out of memory among them, is an `EngineError`.
    """

    @property
    def door(self) -> str:
        """Which package this goes through."""
        ...

    @property
    def device(self) -> Device:
        """The GPU."""
        ...

    @property
    def stream(self) -> int:
        """Handle of the stream."""
        ...

    def allocate(self, n_bytes: int) -> int:
        """Return the address of new device memory."""
        ...

    def free(self, address: int) -> None:
        """Give device memory back."""
        ...

    def pinned(self, n_bytes: int) -> U8:
        """Return page-locked host memory, (n_bytes,), until `unpin`."""
        ...

    def unpin(self, host: U8) -> None:
        """Give page-locked host memory back; the array must not be used any more."""
        ...

    def to_device(self, address: int, host: U8) -> None:
        """Begin copying host memory (n,) to the device, in the stream."""
        ...

    def to_host(self, host: U8, address: int) -> None:
        """Begin copying device memory to the host (n,), in the stream."""
        ...

    def wait(self) -> None:
        """Wait until the stream is done."""
        ...


_NO_DRIVER = "no NVIDIA GPU answers: check that a GPU is installed and its driver is loaded (nvidia-smi)"


class BindingsMemory:
    """`CudaMemory` by NVIDIA's cuda-bindings.

    Raises
    ------
    EngineError
        If there is no driver or no GPU.
    """

    door = "cuda-bindings"

    def __init__(self) -> None:
        try:
            self._rt: Any = importlib.import_module("cuda.bindings.runtime")
            count = self._call("cudaGetDeviceCount")
        except (ImportError, RuntimeError, OSError, EngineError) as error:
            raise EngineError(f"{_NO_DRIVER}; {error}") from error
        if not count:
            raise EngineError(_NO_DRIVER)
        self._call("cudaSetDevice", 0)
        about = self._call("cudaGetDeviceProperties", 0)
        name = about.name.decode() if isinstance(about.name, bytes) else str(about.name)
        self.device = Device(name.rstrip("\x00"), (int(about.major), int(about.minor)))
        self._stream = self._call("cudaStreamCreate")
        kind = self._rt.cudaMemcpyKind
        self._up, self._down = kind.cudaMemcpyHostToDevice, kind.cudaMemcpyDeviceToHost

    def _call(self, name: str, *arguments: object) -> Any:  # noqa: ANN401 - whatever the function gives
        """Call a function of the runtime and turn its status into an error."""
        status, *values = getattr(self._rt, name)(*arguments)
        if int(status) != 0:
            said = str(getattr(status, "name", status))
            if "MemoryAllocation" in said:
                raise EngineError("the GPU has not enough free memory: close other programs that use it")
            raise EngineError(f"CUDA: {name} answered {said}")
        return values[0] if values else None

    @property
    def stream(self) -> int:
        """Handle of the stream."""
        return int(self._stream)

    def allocate(self, n_bytes: int) -> int:
        """Return the address of new device memory."""
        return int(self._call("cudaMalloc", n_bytes))

    def free(self, address: int) -> None:
        """Give device memory back."""
        self._call("cudaFree", address)

    def pinned(self, n_bytes: int) -> U8:
        """Return page-locked host memory, (n_bytes,)."""
        address = int(self._call("cudaMallocHost", n_bytes))
        return np.ctypeslib.as_array((ctypes.c_uint8 * n_bytes).from_address(address))

    def unpin(self, host: U8) -> None:
        """Give page-locked host memory back."""
        self._call("cudaFreeHost", host.ctypes.data)

    def to_device(self, address: int, host: U8) -> None:
        """Begin copying to the device."""
        self._call("cudaMemcpyAsync", address, host.ctypes.data, host.nbytes, self._up, self._stream)

    def to_host(self, host: U8, address: int) -> None:
        """Begin copying to the host."""
        self._call("cudaMemcpyAsync", host.ctypes.data, address, host.nbytes, self._down, self._stream)

    def wait(self) -> None:
        """Wait until the stream is done."""
        self._call("cudaStreamSynchronize", self._stream)


class PyCudaMemory:
    """`CudaMemory` by pycuda, in the device's primary context, which TensorRT uses too.

    Raises
    ------
    EngineError
        If pycuda, a driver or a GPU is missing.
    """

    door = "pycuda"

    def __init__(self) -> None:
        try:
            self._cuda: Any = importlib.import_module("pycuda.driver")
            self._cuda.init()
            gpu = self._cuda.Device(0)
            self._context = gpu.retain_primary_context()
            self._thread = threading.local()
            self._enter()
            self._stream = self._cuda.Stream()
        except Exception as error:  # pycuda's errors come from a module that may not have loaded
            raise EngineError(f"{_NO_DRIVER}; pycuda: {error}") from error
        major, minor = gpu.compute_capability()
        self.device = Device(str(gpu.name()), (int(major), int(minor)))
        self._held: dict[int, Any] = {}

    def _enter(self) -> None:
        """Make the context the current one of this thread, once: whoever loads need not be who predicts."""
        if not getattr(self._thread, "entered", False):
            self._context.push()
            self._thread.entered = True

    @property
    def stream(self) -> int:
        """Handle of the stream."""
        return int(self._stream.handle)

    def allocate(self, n_bytes: int) -> int:
        """Return the address of new device memory."""
        self._enter()
        try:
            memory = self._cuda.mem_alloc(n_bytes)
        except self._cuda.MemoryError as error:
            raise EngineError(
                "the GPU has not enough free memory: close other programs that use it"
            ) from error
        self._held[int(memory)] = memory
        return int(memory)

    def free(self, address: int) -> None:
        """Give device memory back."""
        self._held.pop(address).free()

    def pinned(self, n_bytes: int) -> U8:
        """Return page-locked host memory, (n_bytes,)."""
        self._enter()
        try:
            return np.asarray(self._cuda.pagelocked_empty(n_bytes, np.uint8))
        except self._cuda.Error as error:
            raise EngineError(f"pycuda: page-locked memory was refused ({error})") from error

    def unpin(self, host: U8) -> None:
        """Give page-locked host memory back: pycuda does, with the array."""

    def to_device(self, address: int, host: U8) -> None:
        """Begin copying to the device."""
        self._enter()
        try:
            self._cuda.memcpy_htod_async(address, host, self._stream)
        except self._cuda.Error as error:
            raise EngineError(f"pycuda: copying to the GPU failed ({error})") from error

    def to_host(self, host: U8, address: int) -> None:
        """Begin copying to the host."""
        try:
            self._cuda.memcpy_dtoh_async(host, address, self._stream)
        except self._cuda.Error as error:
            raise EngineError(f"pycuda: copying from the GPU failed ({error})") from error

    def wait(self) -> None:
        """Wait until the stream is done."""
        try:
            self._stream.synchronize()
        except self._cuda.Error as error:
            raise EngineError(f"pycuda: the GPU failed ({error})") from error


def memory_door() -> str | None:
    """Return which package device memory would go through; None where none is installed."""
    for door, module in (("pycuda", "pycuda"), ("cuda-bindings", "cuda")):
        if importlib.util.find_spec(module) is not None:
            return door
    return None


def open_memory() -> CudaMemory:
    """Open the first GPU.

    Returns
    -------
    CudaMemory
        By pycuda where it is installed, else by cuda-bindings.

    Raises
    ------
    EngineError
        If neither is installed, or no GPU answers.
    """
    door = memory_door()
    if door is None:
        raise EngineError("device memory needs a package: pip install cuda-bindings, or pycuda")
    return PyCudaMemory() if door == "pycuda" else BindingsMemory()

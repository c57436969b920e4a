"""Both doors to a GPU's memory, over pretended drivers that keep it in the host's."""

from __future__ import annotations

import ctypes
import sys
import threading
from enum import IntEnum
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest

from armicro.contracts.arrays import U8
from armicro.contracts.errors import EngineError
from armicro.inference import cuda_memory
from armicro.inference.cuda_memory import BindingsMemory, CudaMemory, PyCudaMemory, open_memory

LIMIT = 1000


Status = IntEnum("Status", {"cudaSuccess": 0, "cudaErrorInvalidValue": 1, "cudaErrorMemoryAllocation": 2})


def pretended_runtime(held: dict[int, Any], gpus: int = 1) -> ModuleType:
    """Return a `cuda.bindings.runtime` whose device memory is `held`."""
    ok = Status.cudaSuccess

    def malloc(n: int) -> tuple[Status, int]:
        if n > LIMIT:
            return Status.cudaErrorMemoryAllocation, 0
        memory = (ctypes.c_uint8 * n)()
        held[ctypes.addressof(memory)] = memory
        return ok, ctypes.addressof(memory)

    def free(address: int) -> tuple[Status]:
        return (ok if held.pop(address, None) is not None else Status.cudaErrorInvalidValue,)

    def copy(to: int, source: int, n: int, kind: str, stream: int) -> tuple[Status]:
        assert kind in ("up", "down")
        assert stream == 7
        ctypes.memmove(to, source, n)
        return (ok,)

    module = ModuleType("cuda.bindings.runtime")
    about = SimpleNamespace(name=b"Pretended RTX\x00\x00", major=8, minor=9)
    vars(module).update(
        cudaGetDeviceCount=lambda: (ok, gpus),
        cudaSetDevice=lambda _: (ok,),
        cudaGetDeviceProperties=lambda _: (ok, about),
        cudaStreamCreate=lambda: (ok, 7),
        cudaMalloc=malloc,
        cudaMallocHost=malloc,
        cudaFree=free,
        cudaFreeHost=free,
        cudaMemcpyAsync=copy,
        cudaStreamSynchronize=lambda _: (ok,),
        cudaMemcpyKind=SimpleNamespace(cudaMemcpyHostToDevice="up", cudaMemcpyDeviceToHost="down"),
    )
    return module


class DriverError(Exception):
    pass


class DriverMemoryError(DriverError):
    pass


class _Allocation:
    def __init__(self, held: dict[int, Any], n: int) -> None:
        if n > LIMIT:
            raise DriverMemoryError("out of memory")
        self._held = held
        self.memory = np.zeros(n, np.uint8)
        held[int(self)] = self

    def __int__(self) -> int:
        return int(self.memory.ctypes.data)

    def free(self) -> None:
        del self._held[int(self)]


def pretended_pycuda(held: dict[int, Any], pushed: list[int]) -> ModuleType:
    """Return a `pycuda.driver` that notes in `pushed` which thread made the context its own."""
    context = SimpleNamespace(push=lambda: pushed.append(threading.get_ident()))
    device = SimpleNamespace(
        retain_primary_context=lambda: context,
        compute_capability=lambda: (8, 9),
        name=lambda: "Pretended RTX",
    )

    def up(address: int, host: U8, stream: object) -> None:
        del stream
        held[address].memory[: host.nbytes] = host

    def down(host: U8, address: int, stream: object) -> None:
        del stream
        host[:] = held[address].memory[: host.nbytes]

    module = ModuleType("pycuda.driver")
    vars(module).update(
        init=lambda: None,
        Device=lambda _: device,
        Stream=lambda: SimpleNamespace(handle=7, synchronize=lambda: None),
        Error=DriverError,
        MemoryError=DriverMemoryError,
        mem_alloc=lambda n: _Allocation(held, n),
        pagelocked_empty=np.empty,
        memcpy_htod_async=up,
        memcpy_dtoh_async=down,
    )
    return module


def bindings(monkeypatch: pytest.MonkeyPatch, held: dict[int, Any], gpus: int = 1) -> CudaMemory:
    monkeypatch.setitem(sys.modules, "cuda.bindings.runtime", pretended_runtime(held, gpus))
    return BindingsMemory()


def pycuda(monkeypatch: pytest.MonkeyPatch, held: dict[int, Any], pushed: list[int]) -> CudaMemory:
    monkeypatch.setitem(sys.modules, "pycuda", ModuleType("pycuda"))
    monkeypatch.setitem(sys.modules, "pycuda.driver", pretended_pycuda(held, pushed))
    return PyCudaMemory()


@pytest.mark.parametrize("door", ["cuda-bindings", "pycuda"])
def test_bytes_go_to_the_device_and_come_back(monkeypatch: pytest.MonkeyPatch, door: str) -> None:
    held: dict[int, Any] = {}
    memory = bindings(monkeypatch, held) if door == "cuda-bindings" else pycuda(monkeypatch, held, [])
    assert memory.door == door
    assert (memory.device.name, memory.device.sm) == ("Pretended RTX", "8.9")
    assert memory.stream == 7
    device, host = memory.allocate(40), memory.pinned(40)
    host[:] = np.arange(40)
    memory.to_device(device, host)
    host[:] = 0
    memory.to_host(host, device)
    memory.wait()
    assert host.tolist() == list(range(40))
    memory.free(device)
    memory.unpin(host)
    assert not held


@pytest.mark.parametrize("door", ["cuda-bindings", "pycuda"])
def test_short_memory_is_told(monkeypatch: pytest.MonkeyPatch, door: str) -> None:
    memory = bindings(monkeypatch, {}) if door == "cuda-bindings" else pycuda(monkeypatch, {}, [])
    with pytest.raises(EngineError, match="not enough free memory"):
        memory.allocate(LIMIT + 1)


def test_pycudas_context_follows_the_thread_that_works(monkeypatch: pytest.MonkeyPatch) -> None:
    pushed: list[int] = []
    memory = pycuda(monkeypatch, {}, pushed)
    memory.allocate(8)
    other = threading.Thread(target=lambda: (memory.allocate(8), memory.allocate(8)))
    other.start()
    other.join()
    assert len(pushed) == len(set(pushed)) == 2


def test_no_gpu_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(EngineError, match="no NVIDIA GPU answers"):
        bindings(monkeypatch, {}, gpus=0)
    monkeypatch.setitem(sys.modules, "cuda.bindings.runtime", None)
    with pytest.raises(EngineError, match="no NVIDIA GPU answers"):
        BindingsMemory()
    monkeypatch.setitem(sys.modules, "pycuda.driver", None)
    with pytest.raises(EngineError, match="no NVIDIA GPU answers"):
        PyCudaMemory()


def test_no_package_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cuda_memory, "memory_door", lambda: None)
    with pytest.raises(EngineError, match="pip install cuda-bindings"):
        open_memory()

"""Plans: built when the key differs or the kept one is damaged, kept otherwise. On a pretended GPU."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from armicro.contracts.errors import EngineError
from armicro.inference.cuda_memory import Device
from armicro.inference.manifest import Network
from armicro.inference.plans import plan_path, read_plan, write_plan
from armicro.inference.tensorrt_engine import TensorRtModel


def load(network: Network, cache: Path, pretended: SimpleNamespace, **changes: object) -> list[str]:
    """Load the engine and return what it said."""
    said: list[str] = []
    parts = {"flavour": pretended.flavour(), "memory": pretended.memory()} | changes
    TensorRtModel(network, cache=cache, say=said.append, **parts)
    return said


def test_a_plan_is_built_once(network: Network, tmp_path: Path, pretended: SimpleNamespace) -> None:
    said = load(network, tmp_path / "plans", pretended)
    assert len(said) == 1
    assert "building a plan of tiny for Pretended GPU: there is none yet" in said[0]
    assert load(network, tmp_path / "plans", pretended) == []
    assert len(list((tmp_path / "plans").iterdir())) == 1


def test_another_version_gpu_or_network_builds_another(
    network: Network, tmp_path: Path, pretended: SimpleNamespace
) -> None:
    load(network, tmp_path, pretended)
    assert len(load(network, tmp_path, pretended, flavour=pretended.flavour("1.1"))) == 1
    entry = network.entry.model_copy(update={"sha256": "0" * 64})
    assert len(load(dataclasses.replace(network, entry=entry), tmp_path, pretended)) == 1
    flavour = pretended.flavour()
    paths = {
        plan_path(tmp_path, network, flavour, Device("a", sm)) for sm in ((7, 5), (8, 9), (12, 0), (12, 1))
    }
    assert len(paths) == 4
    assert len(list(tmp_path.iterdir())) == 3


@pytest.mark.parametrize("damage", ["cut", "flip", "empty", "no plan"])
def test_a_damaged_plan_is_built_again(
    network: Network, tmp_path: Path, pretended: SimpleNamespace, damage: str
) -> None:
    load(network, tmp_path, pretended)
    (path,) = tmp_path.iterdir()
    content = path.read_bytes()
    if damage == "no plan":
        write_plan(path, b"whole, but nothing that TensorRT knows")
    else:
        flipped = content[:200] + bytes([content[200] ^ 1]) + content[201:]
        path.write_bytes({"cut": content[:-9], "flip": flipped, "empty": b""}[damage])
    said = load(network, tmp_path, pretended)
    assert len(said) == 1
    assert "damaged" in said[0]
    assert path.read_bytes() == content


def test_a_cache_that_cannot_be_written_is_told(
    network: Network, tmp_path: Path, pretended: SimpleNamespace
) -> None:
    (tmp_path / "file").write_bytes(b"")
    said = load(network, tmp_path / "file" / "plans", pretended)
    assert len(said) == 2
    assert "will be built again next time" in said[1]


def test_no_allocation_for_a_size_seen_before(
    network: Network, tmp_path: Path, pretended: SimpleNamespace
) -> None:
    memory = pretended.memory()
    model = TensorRtModel(network, cache=tmp_path, flavour=pretended.flavour(), memory=memory)
    before = memory.allocations
    for shape in ((96, 80), (1504, 1504), (33, 900)):
        model.predict(np.zeros((*shape, 3), np.uint8))
    assert memory.allocations == before
    model.predict(np.zeros((1600, 1600, 3), np.uint8))
    assert memory.allocations == before + 4
    assert len(memory.held) == 2
    model.close()
    assert not memory.held


def test_short_memory_and_large_fields_are_told(
    network: Network, tmp_path: Path, pretended: SimpleNamespace
) -> None:
    with pytest.raises(EngineError, match="not enough free memory"):
        load(network, tmp_path, pretended, memory=pretended.memory(10**6))
    model = TensorRtModel(network, cache=tmp_path, flavour=pretended.flavour(), memory=pretended.memory())
    with pytest.raises(EngineError, match="at most 4096 px"):
        model.predict(np.zeros((4097, 16, 3), np.uint8))


def test_a_plan_file_comes_back_whole(tmp_path: Path) -> None:
    write_plan(tmp_path / "a" / "b.plan", b"xyz")
    assert read_plan(tmp_path / "a" / "b.plan") == b"xyz"
    assert read_plan(tmp_path / "none.plan") is None
    assert [p.name for p in (tmp_path / "a").iterdir()] == ["b.plan"]

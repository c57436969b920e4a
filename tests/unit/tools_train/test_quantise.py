"""The 8-bit variant is named only if it is good enough, and only once."""

from __future__ import annotations

import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest

from armicro.contracts.errors import EngineError
from armicro.contracts.frame import Optics
from armicro.contracts.stain import StainMaps
from armicro.imaging.stain import separate
from armicro.inference.choose import EngineName, choose_engine, engine_of
from armicro.inference.manifest import eight_bits, load_network
from tools.evaluate.shared import Crop, default_profile

pytest.importorskip("torch", reason="the tools of training need the train extra")

from tools.train import quantise


def crop(seed: int) -> Crop:
    """Blue discs, marked as tumour nuclei, which the tiny network finds."""
    rng = np.random.default_rng(seed)
    rgb = np.full((224, 224, 3), 225, np.uint8)
    places = [(y + rng.integers(-3, 4), x + rng.integers(-3, 4)) for y in range(20, 220, 28)
              for x in range(20, 220, 28)]  # fmt: skip
    for y, x in places:
        cv2.circle(rgb, (int(x), int(y)), 7, (110, 120, 190), -1)
    maps: StainMaps = separate(rgb, Optics(0.46), default_profile())
    n = len(places)
    return Crop(
        "made up", "made up", "made up", rgb, maps, 0.46, (0, 224, 0, 224),
        np.array(places, np.float32), np.full(n, "T"), np.full(n, "no"),
    )  # fmt: skip


@pytest.fixture
def engines(tiny_engines: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    crops = {"40x": [crop(k) for k in range(3)], "20x": [crop(k) for k in range(3, 6)]}
    monkeypatch.setattr(quantise, "marked_crops", lambda _: crops)
    return Path(shutil.copytree(tiny_engines, tmp_path / "engines"))


def test_a_good_variant_is_written_named_and_described_once(engines: Path) -> None:
    (engines / "tiny.md").write_text("# tiny\n\nA card.\n", encoding="utf-8")
    quantise.make(engines, "tiny", engines)
    found = quantise.make(engines, "tiny", engines)
    assert [c.objective for c in found] == ["40x", "20x"]
    assert min(c.f1[0] for c in found) > 0.9, "the network finds nothing to lose"
    network = load_network(engines)
    variant = eight_bits(network)
    assert variant.onnx != network.onnx
    model = choose_engine(network, EngineName.ONNXRUNTIME_INT8)
    assert engine_of(model.identity) is EngineName.ONNXRUNTIME_INT8
    card = (engines / "tiny.md").read_text(encoding="utf-8")
    assert card.startswith("# tiny\n\nA card.\n\n## In 8 bits\n")
    assert card.count("## In 8 bits") == 1
    assert variant.entry.sha256 in card


def test_a_variant_that_loses_too_much_is_neither_written_nor_named(
    engines: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    worse = quantise.quantise

    def blind(*args: object) -> bytes:
        import onnx
        from onnx import numpy_helper

        model = onnx.load_from_string(worse(*args))  # type: ignore[arg-type]
        for weight in model.graph.initializer:
            if weight.name == "wf":  # the first convolution, which sees the discs
                weight.CopyFrom(numpy_helper.from_array(0 * numpy_helper.to_array(weight), "wf"))
        return bytes(model.SerializeToString())

    monkeypatch.setattr(quantise, "quantise", blind)
    before = (engines / "manifest.toml").read_bytes()
    with pytest.raises(EngineError, match=r"in 8 bits loses F1 .* nothing was written"):
        quantise.make(engines, "tiny", engines)
    assert (engines / "manifest.toml").read_bytes() == before
    assert not (engines / "tiny-int8.onnx").exists()

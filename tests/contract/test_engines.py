"""What holds of every engine behind `HeatmapModel`."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Callable

import cv2
import numpy as np
import pytest

from armicro.analysis.detect_heatmap import HeatmapDetector
from armicro.app.detectors import heatmap_params
from armicro.contracts.arrays import U8, frozen
from armicro.contracts.cells import Nuclei, NucleusKind
from armicro.contracts.errors import EngineError
from armicro.contracts.frame import Optics
from armicro.contracts.protocols import HeatmapModel
from armicro.contracts.stain import StainMaps
from armicro.imaging.scale import working_factor
from armicro.imaging.tiles import tiles
from armicro.inference.manifest import Network
from armicro.inference.onnxruntime_engine import OnnxRuntimeModel

Load = Callable[[Network], HeatmapModel]

HEAT_TOLERANCE = {"openvino-bf16": 0.03, "onnxruntime-int8": 0.03, "openvino-int8": 0.03}
"""How far a heat map may be from ONNX Runtime's on one thread; a nucleus has a height of about 1."""
PLACE_TOLERANCE_PX = {"openvino-bf16": 0.75}
"""How far a nucleus may lie elsewhere in a tile than in the whole field, px of the field."""


def field(shape: tuple[int, int], um_per_px: float = 0.46, seed: int = 1) -> U8:
    """Blue and brown discs of 6 µm on a pale ground with noise."""
    rng = np.random.default_rng(seed)
    rgb = np.full((*shape, 3), 225, np.uint8)
    pitch, radius = 12 / um_per_px, 3 / um_per_px
    for k, y in enumerate(np.arange(pitch / 2, shape[0], pitch)):
        for j, x in enumerate(np.arange(pitch / 2, shape[1], pitch)):
            cy, cx = (y, x) + rng.uniform(-0.2, 0.2, 2) * pitch
            colour = (110, 120, 190) if (k + j) % 3 else (180, 130, 90)
            centre = round(cx * 16), round(cy * 16)
            cv2.circle(rgb, centre, round(radius * 16), colour, -1, cv2.LINE_AA, 4)
    noise = rng.integers(-6, 7, rgb.shape)
    return frozen(np.clip(rgb + noise, 0, 255).astype(np.uint8))


def maps_of(shape: tuple[int, int], um_per_px: float) -> StainMaps:
    factor = working_factor(Optics(um_per_px))
    blank = np.zeros((max(1, shape[0] // factor), max(1, shape[1] // factor)), np.float32)
    return StainMaps(blank, blank, um_per_px * factor, factor, (245.0, 245.0, 245.0))


def detector(model: HeatmapModel, network: Network) -> HeatmapDetector:
    return HeatmapDetector(model, heatmap_params(network.entry))


@pytest.mark.parametrize("shape", [(1, 1), (16, 16), (33, 47), (64, 160), (127, 96)])
def test_heat_map_covers_the_field(load: Load, network: Network, shape: tuple[int, int]) -> None:
    heat = load(network).predict(field(shape))
    assert heat.dtype == np.float32
    assert heat.shape == (2, -(-shape[0] // 2), -(-shape[1] // 2))
    assert np.isfinite(heat).all()


def test_input_is_not_written_to_and_may_be_a_view(load: Load, network: Network) -> None:
    model, whole = load(network), field((128, 192))
    before = whole.copy()
    view = whole[16:112, 32:160]
    assert not view.flags.c_contiguous
    assert not view.flags.writeable
    assert np.array_equal(model.predict(view), model.predict(np.ascontiguousarray(view)))
    assert np.array_equal(whole, before)


def test_same_pixels_give_the_same_bits(load: Load, network: Network) -> None:
    model = load(network)
    first = model.predict(field((96, 112)))
    kept = first.copy()
    model.predict(field((224, 160), seed=2))
    assert np.array_equal(model.predict(field((96, 112))), kept)
    assert np.array_equal(first, kept), "a later field has changed an earlier answer"
    assert np.array_equal(load(network).predict(field((96, 112))), kept)


def test_agrees_with_the_default_engine(load: Load, network: Network, engine_name: str) -> None:
    rgb = field((200, 264))
    wanted = OnnxRuntimeModel(network, threads=1).predict(rgb)
    heat = load(network).predict(rgb)
    assert np.abs(heat - wanted).max() <= HEAT_TOLERANCE.get(engine_name, 1e-4)


@pytest.mark.parametrize("um_per_px", [0.23, 0.30, 0.46, 0.60])
def test_tiles_equal_whole(load: Load, network: Network, engine_name: str, um_per_px: float) -> None:
    factor = working_factor(Optics(um_per_px))
    h, w = 330 * factor + 1, 294 * factor
    rgb, find = field((h, w), um_per_px), detector(load(network), network)
    whole = find.detect(rgb, maps_of((h, w), um_per_px))
    margin = int(np.ceil(find.reach_um / (um_per_px * factor)))
    parts = []
    for tile in tiles((h // factor, w // factor), 128, margin):
        (y0, y1), (x0, x1) = tile.full_y, tile.full_x
        part = rgb[y0 * factor : y1 * factor, x0 * factor : x1 * factor]
        found = find.detect(part, maps_of(part.shape[:2], um_per_px))
        yx = found.yx_px + np.array([y0, x0], np.float32) * factor
        work = (yx + 0.5) / factor - 0.5
        core = np.array([tile.core_y, tile.core_x], np.float32) - 0.5
        core[:, 0] = np.where(core[:, 0] < 0, -np.inf, core[:, 0])
        core[:, 1] = np.where(core[:, 1] > np.array([h, w]) // factor - 1, np.inf, core[:, 1])
        inside = np.all((work >= core[:, 0]) & (work < core[:, 1]), axis=1)
        parts.append(Nuclei(yx, found.score, found.kind).take(inside))
    joined = np.concatenate([p.yx_px for p in parts])
    order = np.lexsort((joined[:, 1], joined[:, 0]))
    expected = np.lexsort((whole.yx_px[:, 1], whole.yx_px[:, 0]))
    assert len(whole) > 50
    assert len(joined) == len(whole)
    off = np.abs(joined[order] - whole.yx_px[expected])
    assert off.max() <= PLACE_TOLERANCE_PX.get(engine_name, 1 / 16)
    kinds = np.concatenate([p.kind for p in parts])
    assert np.array_equal(kinds[order], whole.kind[expected])


def test_both_kinds_are_found_where_they_are(load: Load, network: Network) -> None:
    rgb = np.full((160, 160, 3), 225, np.uint8)
    places = {NucleusKind.TUMOUR: ((40, 51), (110, 40)), NucleusKind.OTHER: ((77, 100),)}
    for kind, points in places.items():
        for y, x in points:
            cv2.circle(rgb, (x, y), 7, (110, 120, 190) if kind == 0 else (180, 130, 90), -1)
    found = detector(load(network), network).detect(frozen(rgb), maps_of((160, 160), 0.46))
    for kind, points in places.items():
        yx = found.of_kind(kind).yx_px
        assert len(yx) == len(points)
        assert np.abs(np.sort(yx, axis=0) - np.sort(np.array(points), axis=0)).max() < 1.5


def test_identity_names_network_hash_and_engine(load: Load, network: Network, engine_name: str) -> None:
    identity = load(network).identity
    assert identity.startswith(f"tiny/1 sha256:{network.entry.sha256[:12]} ")
    assert identity.rpartition(" ")[2].startswith(engine_name.partition("-")[0].partition(",")[0])
    for precision in ("bf16", "int8"):
        assert identity.endswith(f"/{precision}") == engine_name.endswith(precision)


@pytest.mark.parametrize(
    "wrong", [np.zeros((32, 32, 3), np.float32), np.zeros((32, 32), np.uint8), np.zeros((0, 32, 3), np.uint8)]
)
def test_wrong_arrays_are_refused(load: Load, network: Network, wrong: U8) -> None:
    model = load(network)
    with pytest.raises(ValueError, match="rgb: expected"):
        model.predict(wrong)


@pytest.mark.parametrize("content", [b"", b"\x00" * 400, b"\x80\x04cos\nsystem\n"])
def test_what_is_no_network_is_refused_in_one_line(load: Load, network: Network, content: bytes) -> None:
    entry = network.entry.model_copy(
        update={"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}
    )
    with pytest.raises(EngineError, match="network tiny") as caught:
        load(dataclasses.replace(network, entry=entry, onnx=content))
    assert "\n" not in str(caught.value)

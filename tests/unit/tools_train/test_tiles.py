"""Tiles that a teacher marked: how they are kept, drawn and followed."""

from __future__ import annotations

import dataclasses
import hashlib
from pathlib import Path

import cv2
import numpy as np
import pytest

from armicro.contracts.errors import InputError
from tools.train.augment import AugmentParams
from tools.train.config import Config, DataParams, SelfTrainingParams, as_student
from tools.train.points import Crop, image_rows
from tools.train.pool import make_sampler, tiles_key, tiles_keys
from tools.train.sampler import PatchParams, Sampler
from tools.train.tiles import FULL_SCALE, Origin, Tile, load_tiles, save_tiles

PLAIN = AugmentParams(
    stain_chance=0, blur_chance=0, colour_chance=0, saturation_chance=0, bayer_chance=0, noise_chance=0,
    sharpen_chance=0, jpeg_chance=0, cutout_chance=0,
)  # fmt: skip
SIDE = 400


def disc_tile(core: str = "core0") -> Tile:
    """Dark discs on white, and heat where they are; the left third is in doubt."""
    rgb = np.full((SIDE, SIDE, 3), 240, np.uint8)
    heat = np.zeros((2, SIDE // 4, SIDE // 4), np.uint8)
    for k, (y, x) in enumerate([(150, 200), (250, 230), (180, 290), (290, 330), (110, 350)]):
        cv2.circle(rgb, (x, y), 14, (40, 40, 40), -1)
        cv2.circle(heat[k % 2], (x // 4, y // 4), 2, FULL_SCALE, -1)
    agreed = np.ones((SIDE // 4, SIDE // 4), np.uint8)
    agreed[:, : SIDE // 12] = 0
    return Tile(core, rgb, 0.23, heat, agreed)


def crop(core: str, k: int) -> Crop:
    empty = np.empty((0, 2), np.float32)
    rgb = np.zeros((64, 64, 3), np.uint8)
    return Crop(f"{core}_{k}", f"{core}.png", rgb, 0.23, (-0.5, -0.5, 63.5, 63.5), empty, empty, empty)


def test_a_tiles_heat_stays_on_its_nuclei_however_a_patch_is_turned() -> None:
    patch = PatchParams(side_px=96, soft_um=(0.0, 0.0))
    batch = Sampler([disc_tile()], [1], patch, augment=PLAIN).batch(3, 16)
    small = np.stack([cv2.resize(rgb, (48, 48), interpolation=cv2.INTER_AREA) for rgb in batch.rgb])
    hot = (batch.heat.max(1) > 0.9) & (batch.mask > 0)
    cold = (batch.heat.max(1) < 0.01) & (batch.mask > 0)
    assert hot.sum() > 50
    assert small[hot].mean() < 45
    assert np.median(small[cold]) == 240
    assert batch.heat.max() <= 1.0 + 1e-6


def test_what_lies_in_doubt_or_outside_a_tile_is_not_taught() -> None:
    tile = disc_tile()
    doubtful = dataclasses.replace(tile, agreed=np.zeros_like(tile.agreed))
    patch = PatchParams(side_px=96)
    assert Sampler([doubtful], [1], patch, augment=PLAIN).batch(0, 4).mask.sum() == 0
    narrow = dataclasses.replace(tile, rgb=tile.rgb[:100, :100], agreed=np.ones((25, 25), np.uint8))
    narrow = dataclasses.replace(narrow, heat=tile.heat[:, :25, :25])
    mask = Sampler([narrow], [1], patch, augment=PLAIN).batch(0, 4).mask
    assert 0.1 < mask.mean() < 0.6


def test_tiles_are_kept_with_the_place_they_came_from(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 255, (80, 90, 3)).astype(np.uint8)
    cv2.imwrite(str(tmp_path / "a.png"), pixels[..., ::-1])
    sha = hashlib.sha256((tmp_path / "a.png").read_bytes()).hexdigest()
    heat = rng.integers(0, 255, (1, 2, 16, 16)).astype(np.uint8)
    agreed = np.ones((1, 16, 16), np.uint8)
    save_tiles(tmp_path / "tiles", "key", [Origin("a.png", sha, 0.23, 7, 11, 64)], heat, agreed)
    (tile,) = load_tiles(tmp_path / "tiles", tmp_path, {"key"})
    assert np.array_equal(tile.rgb, pixels[7:71, 11:75])
    assert np.array_equal(tile.heat, heat[0])
    assert tile.core == "a"
    with pytest.raises(InputError, match="another fold or configuration"):
        load_tiles(tmp_path / "tiles", tmp_path, {"other"})
    with pytest.raises(InputError, match=r"run tools\.train\.teach"):
        load_tiles(tmp_path / "none", tmp_path, {"key"})


def test_each_source_has_its_share_of_patches() -> None:
    data = DataParams((), "", (), foreign=("b",), foreign_weight=0.5, balance=1.0, simulated_share=0.2,
                      simulated_fields=1)  # fmt: skip
    config = Config("x", 1, data, self_training=SelfTrainingParams(epochs=1, share=0.3))
    crops = [crop("a", 0), crop("a", 1), crop("b", 0)]
    sampler = make_sampler(config, crops, [disc_tile("a"), disc_tile("b")])
    expected = [0.5 / 3, 0.5 / 3, 0.5 / 3, 0.2, 0.2, 0.1]
    assert np.allclose(sampler.weights, expected)
    assert np.allclose(make_sampler(config, crops).weights, [0.8 / 3] * 3 + [0.2])


def test_a_student_has_its_own_schedule() -> None:
    config = Config(
        "x", 1, DataParams((), "", ()), self_training=SelfTrainingParams(epochs=3, learning_rate=0.5)
    )
    student = as_student(config)
    assert (student.optim.epochs, student.optim.learning_rate) == (3, 0.5)
    assert student.seed != config.seed
    with pytest.raises(InputError, match="no self-training"):
        as_student(Config("x", 1, DataParams((), "", ())))


def test_a_fold_takes_its_own_tiles_and_a_run_on_everything_takes_all() -> None:
    config = Config("x", 1, DataParams((), "", (("a",), ("b",))))
    keys = [tiles_key(config, fold) for fold in (0, 1, None)]
    assert len(set(keys)) == 3
    assert tiles_keys(config, 0) == {keys[0]}
    assert tiles_keys(config, None) == set(keys)


def test_images_are_listed_once(tmp_path: Path) -> None:
    lines = ["file image sha256 um_per_px", "f1 a s 0.2", "f2 a s 0.2", "f3 b t 0.3", ""]
    (tmp_path / "index.tsv").write_text("\n".join(lines).replace(" ", "\t"), encoding="utf-8")
    assert [(r.image, r.um_per_px) for r in image_rows([tmp_path, tmp_path])] == [("a", 0.2), ("b", 0.3)]

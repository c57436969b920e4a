"""Points, patches, looks and configuration of training."""

from __future__ import annotations

import csv
import dataclasses
import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from armicro.contracts.errors import InputError
from tools.train.augment import AugmentParams, change_look, cut_out
from tools.train.config import DataParams, read_config, split
from tools.train.import_points import import_points
from tools.train.points import Crop, load_crops
from tools.train.sampler import PatchParams, Sampler
from tools.train.simulated import simulated_crops

REPOSITORY = Path(__file__).resolve().parents[3]
CONFIGS = sorted((REPOSITORY / "tools" / "train" / "configs").glob("*.toml"))
PLAIN = AugmentParams(
    stain_chance=0, blur_chance=0, colour_chance=0, saturation_chance=0, bayer_chance=0, noise_chance=0,
    sharpen_chance=0, jpeg_chance=0, cutout_chance=0,
)  # fmt: skip


@pytest.fixture
def points(marked: Path, tmp_path: Path) -> Path:
    import_points(marked / "readers", marked / "images", tmp_path / "points")
    return tmp_path / "points"


def load(marked: Path, points: Path) -> tuple[Crop, ...]:
    return load_crops([points], marked / "images")


def test_crops_hold_their_surroundings_and_points(marked: Path, points: Path) -> None:
    first, second = load(marked, points)
    assert (first.core, second.core) == ("core0", "core1")
    assert first.rgb.shape == (320, 320, 3)
    assert first.box_px == (19.5, 19.5, 299.5, 299.5)
    for y, x in first.tumour_px.astype(int):
        assert first.rgb[y, x].tolist() == [110, 105, 165]


def test_importing_twice_changes_nothing_and_new_marks_come_in(marked: Path, points: Path) -> None:
    before = (points / "index.tsv").read_bytes()
    assert import_points(marked / "readers", marked / "images", points) == 2
    assert (points / "index.tsv").read_bytes() == before
    with (points / "index.tsv").open(encoding="utf-8", newline="") as file:
        row = next(csv.DictReader(file, delimiter="\t"))
    with (points / row["file"]).open(encoding="utf-8", newline="") as file:
        kinds = [p["kind"] for p in csv.DictReader(file)]
    assert [int(row[f"n_{k}"]) for k in "TOU"] == [kinds.count(k) for k in "TOU"]


@pytest.mark.parametrize("line", ["5,5,T,no", "50,50,X,", "nan?,50,T,no", "50"])
def test_impossible_points_are_refused(marked: Path, tmp_path: Path, line: str) -> None:
    about = {"image": "core0.png", "y0": 20, "x0": 20, "size": 280, "um": 0.23}
    (tmp_path / "bad.json").write_text(json.dumps(about), encoding="utf-8")
    (tmp_path / "bad.csv").write_text(f"y_px,x_px,kind,category\n{line}\n", encoding="utf-8")
    with pytest.raises(InputError, match="no point of this crop"):
        import_points(tmp_path, marked / "images", tmp_path / "to")


def test_overlapping_crops_are_refused(marked: Path, points: Path, tmp_path: Path) -> None:
    about = {"image": "core0.png", "y0": 290, "x0": 10, "size": 20, "um": 0.23}
    (tmp_path / "more.json").write_text(json.dumps(about), encoding="utf-8")
    (tmp_path / "more.csv").write_text("y_px,x_px,kind,category\n", encoding="utf-8")
    with pytest.raises(InputError, match="overlap"):
        import_points(tmp_path, marked / "images", points)
    assert not (points / "more.csv").exists()


def test_another_image_under_the_same_name_is_refused(points: Path, tmp_path: Path) -> None:
    for name in ("core0.png", "core1.png"):
        cv2.imwrite(str(tmp_path / name), np.zeros((320, 320, 3), np.uint8))
    with pytest.raises(InputError, match="not the image that was marked"):
        load_crops([points], tmp_path)


def test_missing_index_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"index\.tsv does not exist"):
        load_crops([tmp_path], tmp_path)


def test_batches_depend_on_seed_and_step_alone(marked: Path, points: Path) -> None:
    crops = load(marked, points)
    one, same = Sampler(crops, [1, 1], seed=4), Sampler(crops, [1, 1], seed=4)
    one.batch(0, 3)
    a, b, c = one.batch(7, 3), same.batch(7, 3), same.batch(8, 3)
    assert np.array_equal(a.rgb, b.rgb)
    assert np.array_equal(a.heat, b.heat)
    assert np.array_equal(a.mask, b.mask)
    assert not np.array_equal(a.rgb, c.rgb)


def test_targets_stay_on_their_nuclei_however_a_patch_is_turned(marked: Path, points: Path) -> None:
    crops = load(marked, points)
    patch = PatchParams(side_px=96, soft_um=(0.0, 0.0))
    batch = Sampler(crops, [1, 1], patch, augment=PLAIN).batch(1, 12)
    small = np.stack([cv2.resize(rgb, (48, 48), interpolation=cv2.INTER_AREA) for rgb in batch.rgb])
    at = (batch.heat[:, 0] > 0.95) & (batch.mask > 0)
    assert at.sum() > 30
    assert np.abs(small[at] - np.array((110.0, 105, 165))).max(1).mean() < 8
    ground = (batch.heat.max(1) < 0.01) & (batch.mask > 0)
    assert np.median(small[ground], 0).tolist() == [236, 232, 238]


def test_simulated_fields_are_marked_all_over() -> None:
    (crop,) = simulated_crops(1, 5)
    assert len(crop.tumour_px) > 20
    assert not len(crop.uncertain_px)
    assert crop.box_px[2] - crop.box_px[0] == crop.rgb.shape[0]


def test_looks_change_the_image_but_not_its_input() -> None:
    rgb = np.random.default_rng(0).integers(90, 255, (64, 64, 3), np.uint8)
    rgb.setflags(write=False)
    chances = (f.name for f in dataclasses.fields(AugmentParams) if f.name.endswith("_chance"))
    everything = AugmentParams(**dict.fromkeys(chances, 1.0))  # type: ignore[arg-type]
    for seed in range(12):
        out = change_look(rgb, 0.23, everything, np.random.default_rng(seed))
        assert out.shape == rgb.shape
        assert out.dtype == np.uint8
        assert not np.array_equal(out, rgb)
        covered, holes = cut_out(rgb, everything, np.random.default_rng(seed))
        assert len(holes) == 2
        kept = np.ones((64, 64), np.bool_)
        for rows, columns in holes:
            kept[rows, columns] = False
        assert np.array_equal(covered[kept], rgb[kept])


def test_no_chance_changes_nothing() -> None:
    rgb = np.random.default_rng(0).integers(0, 255, (32, 32, 3), np.uint8)
    assert np.array_equal(change_look(rgb, 0.46, PLAIN, np.random.default_rng(1)), rgb)


def test_a_mosaic_keeps_colours_apart() -> None:
    red = np.zeros((32, 32, 3), np.uint8)
    red[..., 0] = 200
    out = change_look(red, 0.46, dataclasses.replace(PLAIN, bayer_chance=1.0), np.random.default_rng(0))
    assert out[8:-8, 8:-8].reshape(-1, 3).mean(0).tolist() == [200, 0, 0]


@pytest.mark.parametrize("path", CONFIGS, ids=lambda p: p.stem)
def test_shipped_configurations_are_valid(path: Path) -> None:
    # A later stage of a model has a file of its own, which begins with the model's name.
    assert path.stem.startswith(read_config(path).name)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("typo = 1", "unknown key 'typo'"),
        ("[optim]\nstep = 4", "optim: unknown key 'step'"),
        ("[optim]\nsteps = 'many'", "steps"),
        ("[patch]\nside_px = 100", "multiple of 16"),
        ("[", "not valid TOML"),
    ],
)
def test_mistyped_configurations_are_refused(tmp_path: Path, change: str, message: str) -> None:
    text = 'name = "x"\nseed = 1\n' + change + '\n[data]\npoints = []\nimages = "."\nfolds = []\n'
    (tmp_path / "c.toml").write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=message):
        read_config(tmp_path / "c.toml")


def test_every_image_stands_in_one_fold(marked: Path, points: Path) -> None:
    crops = load(marked, points)
    train, validate = split(crops, DataParams((), "", (("core0",), ("core1",))), 1)
    assert ([c.core for c in train], [c.core for c in validate]) == (["core0"], ["core1"])
    assert len(split(crops, DataParams((), "", (("core0",), ("core1",))), None)[0]) == 2
    for folds in ((("core0",),), (("core0", "core1"), ("core1",))):
        with pytest.raises(InputError, match="expected 1"):
            split(crops, DataParams((), "", folds), 0)
    with pytest.raises(InputError, match="no fold 2"):
        split(crops, DataParams((), "", (("core0",), ("core1",))), 2)

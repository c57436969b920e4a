"""Sheets of disputed nuclei, and what answers to them change."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from armicro.contracts.errors import InputError
from tools.train.config import Config, DataParams
from tools.train.disputes import TILE_PX, apply, disputes_of, origin_of, read_answers, tile_of
from tools.train.import_points import import_points
from tools.train.points import Crop, load_crops


def crop_of(tumour: list[tuple[float, float]], other: list[tuple[float, float]]) -> Crop:
    points = [np.array(p, np.float32).reshape(-1, 2) for p in (tumour, other, [])]
    rgb = np.full((300, 300, 3), 230, np.uint8)
    rgb[100:120, 140:160] = 90
    return Crop("core_50_60", "core.png", rgb, 0.25, (49.5, 59.5, 249.5, 259.5), *points)


def test_what_is_missed_or_found_alone_is_disputed_and_what_is_agreed_is_not() -> None:
    crop = crop_of([(100, 100), (200, 200)], [(150, 100)])
    found = np.array([(104, 98), (100, 240), (152, 101), (10, 10)], np.float32)
    places = disputes_of(crop, found, np.random.default_rng(0))
    disputed = {why: (y, x) for y, x, why in places if why in ("missed", "found")}
    assert disputed == {"missed": (200.0, 200.0), "found": (100.0, 240.0)}


def test_a_place_where_nothing_is_has_no_point_near() -> None:
    crop = crop_of([(100, 100)], [(150, 100)])
    for seed in range(20):
        for y, x, why in disputes_of(crop, np.empty((0, 2), np.float32), np.random.default_rng(seed)):
            if why == "empty":
                assert min(np.hypot(y - 100, x - 100), np.hypot(y - 150, x - 100)) > 5.0 / 0.25


def test_a_tile_shows_its_place_in_the_middle() -> None:
    crop = crop_of([], [])
    tile = tile_of(crop, 110, 150, np.empty((0, 2), np.float32))
    middle = TILE_PX // 2
    assert (tile[middle - 12 : middle + 12, middle - 12 : middle + 12] < 120).all()
    assert (tile[20:40, 20:40] > 200).all()
    assert (crop.rgb[0] == 230).all()


def test_an_answer_that_is_none_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "answers.csv"
    path.write_text("tile,answer\n3,x\n", encoding="utf-8")
    with pytest.raises(InputError, match="tile 3: 'x'"):
        read_answers(path)


def test_answers_change_points_and_counts(marked: Path, tmp_path: Path) -> None:
    points, out = tmp_path / "points", tmp_path / "sheets"
    import_points(marked / "readers", marked / "images", points)
    out.mkdir()
    crop = load_crops([points], marked / "images")[0]
    oy, ox = origin_of(crop)
    before = {(p["y_px"], p["x_px"]): p["kind"] for p in rows_of(points / f"{crop.name}.csv")}
    (y1, x1), (y2, x2), (y3, x3) = crop.tumour_px[:3].tolist()
    places = [(y1, x1, "missed"), (y2, x2, "missed"), (y3, x3, "agreed"), (150.5, 163.5, "found")]
    key = [f"{i},{crop.name},{y},{x},{why}" for i, (y, x, why) in enumerate(places)]
    (out / "key.csv").write_text("tile,crop,y_px,x_px,why\n" + "\n".join(key) + "\n", encoding="utf-8")
    (out / "answers.csv").write_text("tile,answer\n0,n\n1,d\n2,n\n3,t\n", encoding="utf-8")
    config = Config("test", 1, DataParams((str(points),), "images", ()))
    counts = apply(config, marked, out, points)
    assert counts["missed", "n"] == counts["missed", "d"] == counts["agreed", "n"] == 1
    after = rows_of(points / f"{crop.name}.csv")
    kinds = {(p["y_px"], p["x_px"]): p["kind"] for p in after}
    at = [(f"{y + oy:g}", f"{x + ox:g}") for y, x in ((y1, x1), (y2, x2), (y3, x3))]
    assert kinds[at[0]] == "U"
    assert at[1] not in kinds
    assert kinds[at[2]] == before[at[2]] == "T"
    assert len(after) == len(before)
    index = rows_of(points / "index.tsv", "\t")[0]
    assert int(index["n_T"]) == sum(p["kind"] == "T" for p in after)


def rows_of(path: Path, delimiter: str = ",") -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter=delimiter))

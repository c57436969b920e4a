"""Where a network that never saw a core disagrees with its points: sheets to look at, and what follows.

`python -m tools.train.disputes draw --config FILE --runs RUNS --out DIR` cuts a tile around every point that
is marked as tumour and was not found, and around every find that is not marked; by core, with the network of
the fold that the core was held out of. Agreed tumour nuclei, other nuclei and places without any point are
mixed in, all in random order: whoever looks cannot know what was marked. Beside the sheets lies `key.csv`.

A reader writes `answers.csv` (`tile,answer`), one letter a tile: t tumour nucleus at the middle, o other
nucleus, d the same nucleus as one that carries a dot, n no nucleus that could be told apart.

`... apply --out DIR --points tests/data/nuclei` turns answers into points: a marked nucleus that nobody sees
becomes uncertain, one that was marked twice loses its second mark, a seen and unmarked one is added. Answers
to what was mixed in change nothing: they tell how far the reader can be trusted, and are printed.
"""

from __future__ import annotations

import argparse
import csv
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import cv2
import numpy as np

from armicro.contracts.arrays import F32, U8
from armicro.contracts.errors import ArmicroError, InputError
from tools.train.config import Config, read_config, split
from tools.train.points import Crop, load_crops
from tools.train.score import MATCH_UM, PeakParams, pair

TILE_UM = 27.0
TILE_PX = 216
ACROSS, DOWN = 7, 5
_GAP = 4
ANSWERS = "todn"


@dataclass(frozen=True, slots=True)
class Dispute:
    """A place to look at.

    Parameters
    ----------
    tile : int
        Number on the sheets, from 0.
    crop : str
        Name of the crop.
    y_px, x_px : float
        Place in pixels of `Crop.rgb`.
    why : str
        "missed" (marked, not found), "found" (found, not marked), or a control: "agreed", "other", "empty".
    """

    tile: int
    crop: str
    y_px: float
    x_px: float
    why: str


def disputes_of(crop: Crop, found_px: F32, rng: np.random.Generator) -> list[tuple[float, float, str]]:
    """Return the disputed places of a crop and some controls, y, x in pixels of `crop.rgb`."""
    um = np.float32(crop.um_per_px)
    top, left, bottom, right = crop.box_px
    inside = found_px[((found_px >= (top, left)) & (found_px < (bottom, right))).all(1)]
    found_ok, marked_ok = pair(inside * um, crop.tumour_px * um, MATCH_UM)
    unsure = np.concatenate([crop.uncertain_px, crop.other_px]) * um
    free, _ = pair(inside[~found_ok] * um, unsure, MATCH_UM)
    places = [(float(y), float(x), "missed") for y, x in crop.tumour_px[~marked_ok]]
    places += [(float(y), float(x), "found") for y, x in inside[~found_ok][~free]]
    for points, why, share in ((crop.tumour_px[marked_ok], "agreed", 0.05), (crop.other_px, "other", 0.12)):
        chosen = points[rng.random(len(points)) < share]
        places += [(float(y), float(x), why) for y, x in chosen]
    for _ in range(2):
        y, x = float(rng.uniform(top + 30, bottom - 30)), float(rng.uniform(left + 30, right - 30))
        known = np.concatenate([crop.tumour_px, crop.other_px, crop.uncertain_px, inside]) * um
        if not len(known) or np.hypot(*(known - np.array([y, x], np.float32) * um).T).min() > MATCH_UM:
            places.append((y, x, "empty"))
    return places


def tile_of(crop: Crop, y_px: float, x_px: float, dots: F32) -> U8:
    """Cut a tile around a place; ticks at its rim point to the middle, dots (N, 2) are agreed nuclei."""
    scale = TILE_PX * crop.um_per_px / TILE_UM
    middle = (TILE_PX - 1) / 2
    affine = np.array([[scale, 0, middle - scale * x_px], [0, scale, middle - scale * y_px]])
    tile = np.asarray(
        cv2.warpAffine(
            crop.rgb, affine, (TILE_PX,) * 2, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT_101
        ),
        np.uint8,
    )
    for y, x in dots:
        at = round(middle + scale * float(x - x_px)), round(middle + scale * float(y - y_px))
        if max(abs(at[0] - middle), abs(at[1] - middle)) > 3:
            cv2.circle(tile, at, 4, (0, 170, 0), -1, cv2.LINE_AA)
    m, tick = round(middle), 14
    for a, b in (((m, 0), (m, tick)), ((m, TILE_PX - tick), (m, TILE_PX)),
                 ((0, m), (tick, m)), ((TILE_PX - tick, m), (TILE_PX, m))):  # fmt: skip
        cv2.line(tile, a, b, (200, 0, 200), 2)
    return tile


def sheet(tiles: Sequence[U8], first: int) -> U8:
    """Lay tiles out in rows, each under its number."""
    head, step = 18, TILE_PX + _GAP
    page = np.full((DOWN * (step + head), ACROSS * step, 3), 255, np.uint8)
    for k, tile in enumerate(tiles):
        y, x = k // ACROSS * (step + head), k % ACROSS * step
        cv2.putText(page, str(first + k), (x + 4, y + 14), cv2.FONT_HERSHEY_SIMPLEX, 0.5, (0, 0, 0), 1)
        page[y + head : y + head + TILE_PX, x : x + TILE_PX] = tile
    return page


def draw(config: Config, root: Path, runs: Path, folds: Sequence[int], out: Path) -> int:
    """Write sheets and key; return how many tiles."""
    from tools.train.files import load_net
    from tools.train.validate import heat_of, predictor, shown_as, tumour_found

    crops = load_crops([root / config.data.points[-1]], root / config.data.images)
    rng = np.random.default_rng(config.seed)
    found: list[tuple[Crop, float, float, str, F32]] = []
    peaks = PeakParams(config.peaks.threshold, config.peaks.spacing_um, config.peaks.bias)
    for fold in folds:
        predict = predictor(load_net(runs / f"fold{fold}" / "weights.safetensors", config.model))
        for crop in split(crops, config.data, fold)[1]:
            shown = shown_as(crop, config, False)
            at, _ = tumour_found(heat_of(predict, shown), shown, crop, config, peaks)
            um = np.float32(crop.um_per_px)
            agreed = crop.tumour_px[pair(at * um, crop.tumour_px * um, MATCH_UM)[1]]
            found += [(crop, y, x, why, agreed) for y, x, why in disputes_of(crop, at, rng)]
    order = rng.permutation(len(found))
    out.mkdir(parents=True, exist_ok=True)
    rows, tiles = [], []
    for number, k in enumerate(order):
        crop, y, x, why, agreed = found[int(k)]
        rows.append(Dispute(number, crop.name, round(y, 1), round(x, 1), why))
        tiles.append(tile_of(crop, y, x, agreed))
    size = ACROSS * DOWN
    for first in range(0, len(tiles), size):
        page = sheet(tiles[first : first + size], first)
        cv2.imwrite(str(out / f"sheet{first // size:02d}.png"), page[..., ::-1])
    with (out / "key.csv").open("w", encoding="utf-8", newline="") as file:
        table = csv.DictWriter(file, list(Dispute.__slots__))
        table.writeheader()
        table.writerows(asdict(row) for row in rows)
    return len(rows)


def read_answers(path: Path) -> dict[int, str]:
    """Read `tile,answer` lines.

    Raises
    ------
    InputError
        If a line is something else.
    """
    answers = {}
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if row["answer"] not in ANSWERS:
                raise InputError(
                    f"{path}: tile {row['tile']}: {row['answer']!r} is none of {', '.join(ANSWERS)}"
                )
            answers[int(row["tile"])] = row["answer"]
    return answers


def apply(config: Config, root: Path, out: Path, points: Path) -> Counter[tuple[str, str]]:
    """Change the points by the answers; return how often each kind of place got each answer."""
    answers = read_answers(out / "answers.csv")
    crops = {c.name: c for c in load_crops([points], root / config.data.images)}
    counts: Counter[tuple[str, str]] = Counter()
    changes: dict[str, list[tuple[float, float, str, str]]] = {}
    with (out / "key.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            answer = answers.get(int(row["tile"]))
            if answer is None:
                continue
            counts[row["why"], answer] += 1
            crop = crops[row["crop"]]
            oy, ox = origin_of(crop)
            at = float(row["y_px"]) + oy, float(row["x_px"]) + ox
            changes.setdefault(crop.name, []).append((*at, row["why"], answer))
    for name, wanted in changes.items():
        _change(points / f"{name}.csv", wanted)
    _count_again(points)
    return counts


def _count_again(points: Path) -> None:
    """Write the counts of the index anew."""
    index = points / "index.tsv"
    with index.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    for row in rows:
        with (points / row["file"]).open(encoding="utf-8", newline="") as file:
            kinds = Counter(point["kind"] for point in csv.DictReader(file))
        row |= {f"n_{kind}": str(kinds[kind]) for kind in "TOU"}
    with index.open("w", encoding="utf-8", newline="") as file:
        table = csv.DictWriter(file, list(rows[0]), delimiter="\t", lineterminator="\n")
        table.writeheader()
        table.writerows(rows)


def origin_of(crop: Crop) -> tuple[float, float]:
    """Return the pixel of the whole image at which `crop.rgb` begins, from its name `..._y0_x0`."""
    y0, x0 = (int(part) for part in crop.name.rsplit("_", 2)[1:])
    return y0 - (crop.box_px[0] + 0.5), x0 - (crop.box_px[1] + 0.5)


def _change(path: Path, wanted: Sequence[tuple[float, float, str, str]]) -> None:
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    for y, x, why, answer in wanted:
        if why == "missed" and answer != "t":
            row = min(rows, key=lambda r: np.hypot(float(r["y_px"]) - y, float(r["x_px"]) - x))
            if answer == "d":
                rows.remove(row)
            else:
                row["kind"], row["category"] = ("O", "") if answer == "o" else ("U", "")
        elif why == "found" and answer in "to":
            category = "uk" if answer == "t" else ""
            rows.append(
                {"y_px": f"{y:.1f}", "x_px": f"{x:.1f}", "kind": answer.upper(), "category": category}
            )
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.DictWriter(file, ["y_px", "x_px", "kind", "category"], lineterminator="\n")
        table.writeheader()
        table.writerows(rows)


def main(arguments: list[str] | None = None) -> int:
    """Command line; returns the exit status."""
    parser = argparse.ArgumentParser(description="Look again at what network and points disagree about.")
    parser.add_argument("what", choices=["draw", "apply"])
    parser.add_argument("--config", type=Path, required=True, help="TOML file of the runs")
    parser.add_argument("--runs", type=Path, help="folder with fold0, fold1, ...")
    parser.add_argument("--folds", type=int, nargs="+", default=[0, 1, 2, 3], help="which of them")
    parser.add_argument("--points", type=Path, default=Path("tests/data/nuclei"), help="points to change")
    parser.add_argument("--out", type=Path, required=True, help="folder of sheets, key and answers")
    args = parser.parse_args(arguments)
    try:
        config = read_config(args.config)
        if args.what == "draw":
            if args.runs is None:
                parser.error("draw needs --runs")
            print(f"{draw(config, Path.cwd(), args.runs, args.folds, args.out)} tiles in {args.out}")
            return 0
        counts = apply(config, Path.cwd(), args.out, args.points)
    except ArmicroError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    for why in ("missed", "found", "agreed", "other", "empty"):
        print(why.ljust(8), *(f"{a}:{counts[why, a]}" for a in ANSWERS))
    return 0


if __name__ == "__main__":
    sys.exit(main())

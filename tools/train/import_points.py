"""Bring crops that readers have marked into the repository.

`python -m tools.train.import_points FOLDER --images ../shared/data --to tests/data/nuclei`

FOLDER holds a `<name>.csv` and a `<name>.json` (image, y0, x0, size, um) per crop. The CSV files are copied
and `index.tsv` is written anew over all of them; running it again brings in what is new or has changed.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import io
import json
import sys
from itertools import combinations
from pathlib import Path

from armicro.contracts.errors import InputError

COLUMNS = ("file", "image", "sha256", "y0", "x0", "size", "um_per_px", "n_T", "n_O", "n_U")


def import_points(source: Path, images: Path, to: Path) -> int:
    """Copy marked crops and rewrite the index; see the module.

    Returns
    -------
    int
        How many crops the index lists now.

    Raises
    ------
    InputError
        If a crop's files or its image cannot be read, a row is not possible, or two crops overlap.
    """
    to.mkdir(parents=True, exist_ok=True)
    rows = {row["file"]: row for row in _old_rows(to / "index.tsv")}
    texts: dict[str, str] = {}
    for path in sorted(source.glob("*.csv")):
        text = path.read_text(encoding="utf-8")
        rows[path.name] = _row(path, text, images)
        texts[path.name] = text
    _refuse_overlaps(list(rows.values()))
    for name, text in texts.items():
        (to / name).write_text(text, encoding="utf-8", newline="\n")
    buffer = io.StringIO()
    table = csv.DictWriter(buffer, COLUMNS, delimiter="\t", lineterminator="\n")
    table.writeheader()
    table.writerows(rows[name] for name in sorted(rows))
    (to / "index.tsv").write_text(buffer.getvalue(), encoding="utf-8", newline="\n")
    return len(rows)


def _old_rows(index: Path) -> list[dict[str, str]]:
    if not index.is_file():
        return []
    with index.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t"))


def _refuse_overlaps(rows: list[dict[str, str]]) -> None:
    """Nuclei that stand in two crops would be counted twice."""
    for one, two in combinations(rows, 2):
        if one["image"] != two["image"]:
            continue
        if all(
            int(one[a]) < int(two[a]) + int(two["size"]) and int(two[a]) < int(one[a]) + int(one["size"])
            for a in ("y0", "x0")
        ):
            raise InputError(f"crops {one['file']} and {two['file']} overlap")


def _row(path: Path, text: str, images: Path) -> dict[str, str]:
    try:
        about = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
        image = (images / about["image"]).read_bytes()
        place = {"y0": about["y0"], "x0": about["x0"], "size": about["size"], "um_per_px": about["um"]}
    except (OSError, ValueError, KeyError) as error:
        raise InputError(f"{path}: the crop's JSON file or its image cannot be read: {error}") from None
    kinds = [_kind(path, row, about) for row in csv.DictReader(io.StringIO(text))]
    counts = {f"n_{kind}": kinds.count(kind) for kind in "TOU"}
    row = {"file": path.name, "image": about["image"], "sha256": hashlib.sha256(image).hexdigest()}
    return row | {name: str(value) for name, value in (place | counts).items()}


def _kind(path: Path, row: dict[str, str], about: dict[str, int]) -> str:
    """Return a row's kind, after checking that it is one and that the point lies in the crop."""
    try:
        inside = all(0 <= float(row[f"{a}_px"]) - about[f"{a}0"] <= about["size"] for a in "yx")
    except (KeyError, TypeError, ValueError):
        inside = False
    if not inside or row.get("kind") not in ("T", "O", "U"):
        raise InputError(f"{path}: the row {list(row.values())} is no point of this crop")
    return row["kind"]


def main(arguments: list[str] | None = None) -> int:
    """Command line; returns the exit status."""
    parser = argparse.ArgumentParser(description="Bring marked crops into the repository.")
    parser.add_argument("source", type=Path, help="folder of the CSV and JSON files")
    parser.add_argument("--images", type=Path, default=Path("../shared/data"), help="folder of the images")
    parser.add_argument("--to", type=Path, default=Path("tests/data/nuclei"), help="where they go")
    args = parser.parse_args(arguments)
    try:
        n = import_points(args.source, args.images, args.to)
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(f"{n} crops in {args.to}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

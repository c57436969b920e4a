"""Fields with cells marked by eye: an index of crops, and a file of points for each."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from armicro.analysis.read_per_cell import PerCellParams, trace
from armicro.analysis.threshold_fit import Labelled
from armicro.contracts.cells import Category
from armicro.contracts.errors import CalibrationError, InputError
from armicro.contracts.frame import Optics
from armicro.contracts.stain import StainProfile
from armicro.devices.file_model import read_text
from armicro.devices.image_files import read_image
from armicro.imaging.scale import to_working
from armicro.imaging.stain import estimate_white, separate

INDEX = "index.tsv"
INDEX_COLUMNS = ("file", "image", "y0", "x0", "size", "um_per_px")
POINT_COLUMNS = ("y_px", "x_px", "kind", "category")
TUMOUR = "T"
LETTERS = {
    "no": Category.NONE,
    "fa": Category.FAINT,
    "wi": Category.WEAK_INCOMPLETE,
    "wc": Category.WEAK_COMPLETE,
    "ii": Category.INTENSE_INCOMPLETE,
    "ic": Category.INTENSE_COMPLETE,
}
"""How categories are written in files of points; any other entry is a cell without one."""
CONTEXT_PX = 160
"""What is read around a crop, so that its rim is seen as it stands in the slide."""


def read_index(folder: Path) -> list[dict[str, str]]:
    """Read the index of a folder of points: one row per crop.

    Raises
    ------
    CalibrationError
        If it is missing, empty or lacks a column.
    """
    path = folder / INDEX
    reader = csv.DictReader(io.StringIO(read_text(path, CalibrationError)), delimiter="\t")
    if not set(INDEX_COLUMNS) <= set(reader.fieldnames or ()):
        raise CalibrationError(f"{path}: expected the columns {', '.join(INDEX_COLUMNS)}, parted by tabs")
    rows = list(reader)
    if not rows:
        raise CalibrationError(f"{path}: no crop in it")
    return rows


def labelled_fields(
    points: Path, images: Path, profile: StainProfile, params: PerCellParams
) -> Iterator[Labelled]:
    """Yield the marked tumour cells of each crop, traced; crops without categories are passed over.

    Parameters
    ----------
    points : Path
        Folder with the index and the points.
    images : Path
        Folder that the index's images lie in.
    profile : StainProfile
        Stain vectors and white point; without one it is estimated from the whole image.
    params : PerCellParams
        How cells are traced.

    Raises
    ------
    InputError
        If a file is missing or faulty, or a point lies outside its image.
    """
    for row in read_index(points):
        where = f"{points / INDEX}, {row['file']}"
        try:
            y0, x0, size, um = int(row["y0"]), int(row["x0"]), int(row["size"]), float(row["um_per_px"])
        except (TypeError, ValueError) as error:
            raise CalibrationError(f"{where}: y0, x0, size and um_per_px must be numbers") from error
        whole = read_image(images / row["image"], um).rgb
        if not (0 <= y0 < whole.shape[0] and 0 <= x0 < whole.shape[1] and size > 0):
            raise CalibrationError(f"{where}: the crop lies outside {row['image']}")
        yx, kind, category = _points(points / row["file"])
        marked = (kind == TUMOUR) & np.isin(category, list(LETTERS))
        if not marked.any():
            continue
        # Even corners keep the 2 × 2 blocks of the whole image.
        top, left = max(0, y0 - CONTEXT_PX) // 2 * 2, max(0, x0 - CONTEXT_PX) // 2 * 2
        rgb = np.ascontiguousarray(whole[top : y0 + size + CONTEXT_PX, left : x0 + size + CONTEXT_PX])
        if (yx < [top, left]).any() or (yx >= [top + rgb.shape[0], left + rgb.shape[1]]).any():
            raise CalibrationError(f"{points / row['file']}: a point lies outside its crop")
        white = profile.white_rgb or estimate_white(whole, um)
        maps = separate(rgb, Optics(um), replace(profile, white_rgb=white))
        at = to_working((yx - [top, left]).astype(np.float32), maps.factor)
        truth = np.array([LETTERS[c] for c in category[marked]], np.uint8)
        yield Labelled(row["image"], truth, trace(maps, at[marked], at, params))


def _points(
    path: Path,
) -> tuple[np.ndarray[tuple[int, int], np.dtype[np.float64]], np.ndarray[tuple[int], np.dtype[np.str_]],
           np.ndarray[tuple[int], np.dtype[np.str_]]]:  # fmt: skip
    reader = csv.DictReader(io.StringIO(read_text(path, CalibrationError)))
    if not set(POINT_COLUMNS) <= set(reader.fieldnames or ()):
        raise CalibrationError(f"{path}: expected the columns {', '.join(POINT_COLUMNS)}")
    rows = list(reader)
    try:
        yx = np.array([[float(r["y_px"]), float(r["x_px"])] for r in rows], np.float64).reshape(-1, 2)
    except (TypeError, ValueError) as error:
        raise CalibrationError(f"{path}: y_px and x_px must be numbers") from error
    if not np.isfinite(yx).all():
        raise InputError(f"{path}: a point has no position")
    return yx, np.array([r["kind"] for r in rows], np.str_), np.array([r["category"] for r in rows], np.str_)

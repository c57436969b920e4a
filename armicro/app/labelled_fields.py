"""Fields with cells marked by eye: an index of crops, and a file of points for each."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from armicro.analysis.read_per_cell import PerCellParams, trace
from armicro.analysis.threshold_fit import Labelled
from armicro.contracts.cells import Category
from armicro.contracts.errors import CalibrationError, InputError
from armicro.contracts.frame import Optics
from armicro.contracts.stain import StainProfile, Vector3
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

    Crops of one image come together, in the order in which the index first names their images.

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
    by_image: dict[str, list[_Crop]] = {}
    for row in read_index(points):
        crop = _crop(points, row)
        by_image.setdefault(crop.image, []).append(crop)
    for name, crops in by_image.items():
        # Decoded once for all of its crops, one image at a time: a core of 5468² takes 90 MB and a second.
        yield from _of_image(_Image(name, images / name), crops, profile, params)


@dataclass(frozen=True, slots=True)
class _Crop:
    """A row of the index, read."""

    where: str
    points: Path
    image: str
    y0: int
    x0: int
    size: int
    um_per_px: float


@dataclass(frozen=True, slots=True)
class _Image:
    """An image of the index: its name there, and its file."""

    name: str
    path: Path


def _crop(points: Path, row: dict[str, str]) -> _Crop:
    where = f"{points / INDEX}, {row['file']}"
    try:
        y0, x0, size, um = int(row["y0"]), int(row["x0"]), int(row["size"]), float(row["um_per_px"])
    except (TypeError, ValueError) as error:
        raise CalibrationError(f"{where}: y0, x0, size and um_per_px must be numbers") from error
    return _Crop(where, points / row["file"], row["image"], y0, x0, size, um)


def _of_image(
    image: _Image, crops: list[_Crop], profile: StainProfile, params: PerCellParams
) -> Iterator[Labelled]:
    """Yield the marked cells of an image's crops."""
    whole = read_image(image.path, crops[0].um_per_px).rgb
    whites: dict[float, Vector3] = {}
    for crop in crops:
        um, y0, x0, size = crop.um_per_px, crop.y0, crop.x0, crop.size
        Optics(um)
        if not (0 <= y0 < whole.shape[0] and 0 <= x0 < whole.shape[1] and size > 0):
            raise CalibrationError(f"{crop.where}: the crop lies outside {image.name}")
        yx, kind, category = _points(crop.points)
        marked = (kind == TUMOUR) & np.isin(category, list(LETTERS))
        if not marked.any():
            continue
        # Even corners keep the 2 × 2 blocks of the whole image.
        top, left = max(0, y0 - CONTEXT_PX) // 2 * 2, max(0, x0 - CONTEXT_PX) // 2 * 2
        rgb = np.ascontiguousarray(whole[top : y0 + size + CONTEXT_PX, left : x0 + size + CONTEXT_PX])
        if (yx < [top, left]).any() or (yx >= [top + rgb.shape[0], left + rgb.shape[1]]).any():
            raise CalibrationError(f"{crop.points}: a point lies outside its crop")
        if um not in whites:
            whites[um] = profile.white_rgb or estimate_white(whole, um)
        maps = separate(rgb, Optics(um), replace(profile, white_rgb=whites[um]))
        at = to_working((yx - [top, left]).astype(np.float32), maps.factor)
        truth = np.array([LETTERS[c] for c in category[marked]], np.uint8)
        yield Labelled(image.name, truth, trace(maps, at[marked], at, params))


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

"""Points by eye, and the images around them.

One CSV per crop (`y_px,x_px,kind,category` in pixels of the whole image) and an `index.tsv` that names the
image, its SHA-256, and the crop's place, size and scale. Images are kept once, cut out with a margin: a
network must see what surrounds a crop, though it is taught only inside it.
"""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from armicro.contracts.arrays import F32, U8
from armicro.contracts.errors import InputError

MARGIN_UM = 46.0
"""Width of the surroundings that are kept on each side of a crop, µm (less at the border of the image)."""


@dataclass(frozen=True, slots=True)
class Crop:
    """A marked crop with its surroundings.

    Parameters
    ----------
    name : str
        Stem of the CSV file.
    image : str
        Path of the image below the image folder, with forward slashes.
    rgb : ndarray of uint8, (H, W, 3)
        The crop and its surroundings, at the scale of the image.
    um_per_px : float
        That scale.
    box_px : (float, float, float, float)
        The crop inside `rgb`: top, left, bottom, right edges; pixel centres lie at whole numbers, so edges
        at halves.
    tumour_px, other_px, uncertain_px : ndarray of float32, (N, 2)
        Points y, x in pixels of `rgb`.
    """

    name: str
    image: str
    rgb: U8
    um_per_px: float
    box_px: tuple[float, float, float, float]
    tumour_px: F32
    other_px: F32
    uncertain_px: F32

    @property
    def core(self) -> str:
        """Name of the image's file without its extension: what is split into training and validation."""
        return Path(self.image).stem


def load_crops(folders: Iterable[Path], images: Path) -> tuple[Crop, ...]:
    """Load all crops of some folders of points.

    Parameters
    ----------
    folders : iterable of Path
        Folders with an `index.tsv`; one that is absent is an error.
    images : Path
        The folder that the image paths are relative to.

    Returns
    -------
    tuple of Crop
        In the order of folders and index rows.

    Raises
    ------
    InputError
        If an index, a CSV or an image is missing or unreadable, or an image is not the one that was marked.
    """
    rows = [(folder, row) for folder in folders for row in _index(folder)]
    crops: dict[tuple[Path, str], Crop] = {}
    for image in dict.fromkeys(row["image"] for _, row in rows):
        wanted = [(folder, row) for folder, row in rows if row["image"] == image]
        pixels = read_image(images / image, wanted[0][1]["sha256"])
        for folder, row in wanted:
            crops[folder, row["file"]] = _cut(folder, row, pixels)
    return tuple(crops[folder, row["file"]] for folder, row in rows)


@dataclass(frozen=True, slots=True)
class ImageRow:
    """An image of an index: path below the image folder, hash, scale in µm per pixel."""

    image: str
    sha256: str
    um_per_px: float


def image_rows(folders: Iterable[Path]) -> list[ImageRow]:
    """Return the images that some folders of points name, each once.

    Raises
    ------
    InputError
        If an index is missing.
    """
    rows = [row for folder in folders for row in _index(folder)]
    found = {
        row["image"]: ImageRow(row["image"], row["sha256"], float(row["um_per_px"])) for row in rows[::-1]
    }
    return [found[image] for image in dict.fromkeys(row["image"] for row in rows)]


def _index(folder: Path) -> list[dict[str, str]]:
    path = folder / "index.tsv"
    if not path.is_file():
        raise InputError(f"{path} does not exist: it lists the marked crops")
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t"))


def read_image(path: Path, sha256: str) -> U8:
    """Read the RGB pixels of an image, (H, W, 3).

    Raises
    ------
    InputError
        If it cannot be read, or its SHA-256 is not the one given.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}") from None
    if hashlib.sha256(data).hexdigest() != sha256:
        raise InputError(f"{path} is not the image that was marked: its SHA-256 differs from the index")
    bgr = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    if bgr is None:
        raise InputError(f"{path} is no image that OpenCV can read")
    return np.asarray(bgr[..., ::-1], np.uint8)


def _cut(folder: Path, row: dict[str, str], pixels: U8) -> Crop:
    y0, x0, size, um = int(row["y0"]), int(row["x0"]), int(row["size"]), float(row["um_per_px"])
    margin = round(MARGIN_UM / um)
    # Even corners: a field is halved by blocks that begin at even pixels.
    top, left = max(0, y0 - margin) // 2 * 2, max(0, x0 - margin) // 2 * 2
    rgb = np.ascontiguousarray(pixels[top : y0 + size + margin, left : x0 + size + margin])
    kinds: dict[str, list[tuple[float, float]]] = {"T": [], "O": [], "U": []}
    with (folder / row["file"]).open(encoding="utf-8", newline="") as file:
        for point in csv.DictReader(file):
            if point["kind"] not in kinds:
                raise InputError(f"{folder / row['file']}: kind {point['kind'][:20]!r} is none of T, O, U")
            kinds[point["kind"]].append((float(point["y_px"]) - top, float(point["x_px"]) - left))
    tumour, other, uncertain = (np.array(kinds[k], np.float32).reshape(-1, 2) for k in "TOU")
    box = (y0 - top - 0.5, x0 - left - 0.5, y0 - top + size - 0.5, x0 - left + size - 0.5)
    name = Path(row["file"]).stem
    return Crop(name, row["image"], rgb, um, box, tumour, other, uncertain)

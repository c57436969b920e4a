"""What the evaluations share: real crops with points by eye, matching, agreement, tables."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import cv2
import numpy as np
from scipy.spatial import cKDTree

from armicro.app.detectors import DetectorChoice, make_detector
from armicro.app.labelled_fields import CONTEXT_PX, LETTERS
from armicro.app.profiles import load_stain_profile
from armicro.contracts.arrays import F32, F64, I64, U8, Bool
from armicro.contracts.cells import Category
from armicro.contracts.frame import Optics
from armicro.contracts.protocols import NucleusDetector
from armicro.contracts.stain import StainMaps, StainProfile
from armicro.imaging.stain import estimate_white, separate
from armicro.scoring.agreement import confusion, quadratic_kappa, within_one

__all__ = [
    "CONTEXT_PX", "EYE", "MATCH_UM", "OWN_POINTS", "ROOT", "SHARED_DATA", "Crop", "Hits", "confusion",
    "confusion_table", "core_of", "crops", "default_profile", "detector_named", "interval", "match",
    "nearest_pairs", "need", "quadratic_kappa", "read_rgb", "table", "within_one",
]  # fmt: skip

ROOT = Path(__file__).resolve().parents[2]
SHARED_DATA = ROOT.parent / "shared" / "data"
OWN_POINTS = ROOT / "tests" / "data" / "nuclei"
MATCH_UM = 5.0
"""A detection within this of a marked nucleus has found it (the paper's section 4.1)."""

EYE = LETTERS


@dataclass(frozen=True, slots=True)
class Crop:
    """A crop of a real image with its points.

    Parameters
    ----------
    name, image, core : str
        File of the points, file of the image below the shared data, and the slide it shows.
    rgb : ndarray of uint8, (H, W, 3)
        The crop with its context.
    maps : StainMaps
        Its stain densities, with the white point of the whole image.
    um_per_px : float
        Scale, µm.
    window : tuple of int
        The crop's first and one past last row and column within `rgb`.
    yx_px : ndarray of float32, (N, 2)
        Points y, x within `rgb`, px.
    kind, category : ndarray of str, (N,)
        T, O, U; and ic, ii, wc, wi, fa, no, uk for tumour.
    """

    name: str
    image: str
    core: str
    rgb: U8
    maps: StainMaps
    um_per_px: float
    window: tuple[int, int, int, int]
    yx_px: F32
    kind: np.ndarray[tuple[int], np.dtype[np.str_]]
    category: np.ndarray[tuple[int], np.dtype[np.str_]]

    def of(self, kind: str) -> F32:
        """Return the points of one kind, (M, 2)."""
        return np.asarray(self.yx_px[self.kind == kind], np.float32)


def core_of(image: str) -> str:
    """Name the slide an image shows: the two scans of one Ki-67 field are one."""
    stem = Path(image).stem
    return "OS-2" if stem.startswith("OS-2") else stem.split("-")[0]


@cache
def read_rgb(path: Path) -> U8:
    """Read an image as RGB."""
    bgr = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if bgr is None:
        raise SystemExit(f"cannot read {path}")
    return np.ascontiguousarray(bgr[..., ::-1], np.uint8)


def crops(data: Path, profile: StainProfile, folders: Sequence[Path]) -> Iterator[Crop]:
    """Yield all crops of one or more folders of points (each with its `index.tsv`)."""
    for folder in folders:
        with (folder / "index.tsv").open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file, delimiter="\t"):
                yield _crop(data, profile, folder, row)


def _crop(data: Path, profile: StainProfile, folder: Path, row: dict[str, str]) -> Crop:
    whole = read_rgb(data / row["image"])
    y0, x0, size, um = int(row["y0"]), int(row["x0"]), int(row["size"]), float(row["um_per_px"])
    # Even corners keep the 2 × 2 blocks of the whole image.
    top, left = max(0, y0 - CONTEXT_PX) // 2 * 2, max(0, x0 - CONTEXT_PX) // 2 * 2
    rgb = np.ascontiguousarray(whole[top : y0 + size + CONTEXT_PX, left : x0 + size + CONTEXT_PX])
    white = profile.white_rgb or estimate_white(whole, um)
    seen = replace(profile, white_rgb=white)
    with (folder / row["file"]).open(encoding="utf-8", newline="") as file:
        points = list(csv.DictReader(file))
    yx = np.array([[float(p["y_px"]), float(p["x_px"])] for p in points], np.float32).reshape(-1, 2)
    return Crop(
        name=row["file"],
        image=row["image"],
        core=core_of(row["image"]),
        rgb=rgb,
        maps=separate(rgb, Optics(um), seen),
        um_per_px=um,
        window=(y0 - top, y0 - top + size, x0 - left, x0 - left + size),
        yx_px=yx - np.array([top, left], np.float32),
        kind=np.array([p["kind"] for p in points], dtype=np.str_),
        category=np.array([p["category"] for p in points], dtype=np.str_),
    )


def detector_named(name: str) -> NucleusDetector:
    """Make the detector of a name as `armicro --detector` does; "auto" is what armicro starts with."""
    made = make_detector(DetectorChoice(name), print)
    for note in made.news():
        print(note)
    return made.detector


def default_profile() -> StainProfile:
    """Return the stain profile that armicro starts with."""
    return load_stain_profile()


@dataclass(frozen=True, slots=True)
class Hits:
    """What a detector found among marked nuclei."""

    true: int
    missed: int
    false: int
    false_on_other: int

    def __add__(self, other: Hits) -> Hits:
        """Add counts."""
        return Hits(
            self.true + other.true,
            self.missed + other.missed,
            self.false + other.false,
            self.false_on_other + other.false_on_other,
        )

    @property
    def precision(self) -> float:
        """Share of detections that are right."""
        return self.true / max(1, self.true + self.false)

    @property
    def recall(self) -> float:
        """Share of nuclei that were found."""
        return self.true / max(1, self.true + self.missed)

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall."""
        return 2 * self.true / max(1, 2 * self.true + self.missed + self.false)


def match(found_yx: F32, crop: Crop) -> tuple[Hits, I64, I64]:
    """Match detections with marked tumour nuclei, as the protocol of the points has it.

    Tumour first, one to one, nearest first, within `MATCH_UM`; then detections near an uncertain point are
    dropped; what is left is false.

    Returns
    -------
    Hits, found, marked
        Counts, and the matched pairs as indices into the detections within the crop's window and into its
        tumour points.
    """
    y0, y1, x0, x1 = crop.window
    y, x = found_yx[:, 0], found_yx[:, 1]
    found = found_yx[(y >= y0) & (y < y1) & (x >= x0) & (x < x1)]
    tumour = crop.of("T")
    radius = MATCH_UM / crop.um_per_px
    pairs = nearest_pairs(found, tumour, radius)
    free = np.ones(len(found), np.bool_)
    free[pairs[:, 0]] = False
    free &= ~_near(found, crop.of("U"), radius)
    on_other = free & _near(found, crop.of("O"), radius)
    hits = Hits(len(pairs), len(tumour) - len(pairs), int(free.sum()), int(on_other.sum()))
    return hits, pairs[:, 0], pairs[:, 1]


def nearest_pairs(a: F32, b: F32, radius: float) -> I64:
    """Pair points one to one, nearest first, within a radius: indices (M, 2) into both."""
    if not len(a) or not len(b):
        return np.empty((0, 2), np.int64)
    distance = np.linalg.norm(a[:, None] - b[None], axis=2)
    candidates = np.argwhere(distance <= radius)
    order = np.argsort(distance[candidates[:, 0], candidates[:, 1]], kind="stable")
    used_a, used_b, out = set[int](), set[int](), []
    for i, j in candidates[order]:
        if int(i) not in used_a and int(j) not in used_b:
            used_a.add(int(i))
            used_b.add(int(j))
            out.append((int(i), int(j)))
    return np.array(out, np.int64).reshape(-1, 2)


def _near(points: F32, others: F32, radius: float) -> Bool:
    if not len(points) or not len(others):
        return np.zeros(len(points), np.bool_)
    return np.asarray(cKDTree(others).query(points)[0] <= radius, np.bool_)


def interval(values: F64) -> tuple[float, float]:
    """Return the 95 % interval of resampled values."""
    low, high = np.quantile(values, [0.025, 0.975])
    return float(low), float(high)


def table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Return a Markdown table; numbers are right-aligned."""
    lines = ["| " + " | ".join(head) + " |", "|" + "|".join([" --- "] + [" ---: "] * (len(head) - 1)) + "|"]
    lines += ["| " + " | ".join(str(c) for c in row) + " |" for row in rows]
    return "\n".join(lines)


def confusion_table(matrix: I64) -> str:
    """Return a confusion matrix as a Markdown table, strongest first."""
    order = sorted(Category, reverse=True)
    rows = [[c.key, *(int(matrix[c, d]) for d in order)] for c in order]
    return table(["by eye \\ read as", *(c.key for c in order)], rows)


def need(data: Path) -> Path:
    """Return the folder of shared images, or end with a message."""
    if not (data / "points" / "index.tsv").exists():
        raise SystemExit(f"the shared images are not at {data}: name their folder with --data")
    return data

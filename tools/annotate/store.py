"""Points on disk: one CSV per crop, an `index.tsv` keyed by the SHA-256 of the image, and `drafts/`.

What readers have marked lies in the folder itself, in the format of the training tools. The folder `drafts`
has the same format and holds, for each crop that is not declared complete, the proposals that nobody has
looked at; a crop is complete when it has no draft. Files are replaced whole or not at all, and a file that
cannot be read, or that somebody else has changed, is never overwritten.
"""

from __future__ import annotations

import csv
import hashlib
import io
import math
import os
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from armicro.contracts.errors import InputError, OutputError
from tools.annotate.model import Crop, Kind, Membrane, Point, as_saved

POINT_COLUMNS = ("y_px", "x_px", "kind", "category")
INDEX_COLUMNS = ("file", "image", "sha256", "y0", "x0", "size", "um_per_px", "n_T", "n_O", "n_U")
INDEX = "index.tsv"
DRAFTS = "drafts"
_HEX = frozenset("0123456789abcdef")


class PointsError(InputError):
    """A file of points, or the index, cannot be used as it is."""


@dataclass(frozen=True, slots=True)
class ImageId:
    """Which image points belong to.

    Parameters
    ----------
    name : str
        Its path below the folder of fields, with forward slashes.
    sha256 : str
        Of the image file's bytes.
    """

    name: str
    sha256: str


@dataclass(frozen=True, slots=True)
class IndexRow:
    """A crop's line in the index.

    Parameters
    ----------
    file : str
        Name of its CSV file.
    image : ImageId
        The image.
    crop : Crop
        The part that is marked.
    um_per_px : float
        Scale, µm per px.
    n : tuple of int
        How many tumour, other and uncertain points it has.
    """

    file: str
    image: ImageId
    crop: Crop
    um_per_px: float
    n: tuple[int, int, int] = (0, 0, 0)


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file, read in pieces.

    Raises
    ------
    InputError
        If it cannot be read.
    """
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from error


def read_text(path: Path) -> str | None:
    """Return a text file as it stands, None where there is none.

    Raises
    ------
    PointsError
        If it is not readable UTF-8 text.
    """
    try:
        with path.open(encoding="utf-8", newline="") as file:
            return file.read()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise PointsError(f"{path}: cannot be read ({error.strerror})") from error
    except UnicodeDecodeError as error:
        raise PointsError(f"{path}: damaged, it is not UTF-8 text (byte {error.start})") from error


def write_text(path: Path, text: str) -> None:
    """Replace a text file in one step, so that a crash leaves the old one or the new one.

    Raises
    ------
    OutputError
        If it cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=".saving-", suffix=".part", dir=path.parent)
        part = Path(name)
        try:
            with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            # Temporary files are private to their maker; points are for whoever may read the folder.
            part.chmod(0o644)
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)
    except OSError as error:
        raise OutputError(f"{path}: cannot be written ({error.strerror})") from error


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else repr(value)


def points_text(points: Iterable[Point]) -> str:
    """Return the CSV text of points, top to bottom."""
    lines = [",".join(POINT_COLUMNS)]
    lines += [
        f"{_number(p.y_px)},{_number(p.x_px)},{p.kind},{p.membrane}"
        for p in sorted(points, key=lambda p: (p.y_px, p.x_px, p.kind, p.membrane))
    ]
    return "\n".join(lines) + "\n"


def _rows(text: str, where: Path, columns: Sequence[str], delimiter: str) -> list[tuple[int, list[str]]]:
    """Return numbered rows below a header that must be as expected."""
    try:
        table = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True))
    except csv.Error as error:
        raise PointsError(f"{where}: damaged ({error})") from error
    if not table or table[0] != list(columns):
        raise PointsError(f"{where}: damaged, its first line must name the columns {', '.join(columns)}")
    rows = [(n, row) for n, row in enumerate(table[1:], 2) if row]
    for n, row in rows:
        if len(row) != len(columns):
            raise PointsError(f"{where}, line {n}: {len(columns)} values expected, {len(row)} found")
    return rows


def parse_points(text: str, where: Path, crop: Crop, *, reviewed: bool, first_uid: int) -> tuple[Point, ...]:
    """Read the points of a crop from CSV text.

    Parameters
    ----------
    text : str
        The file's content.
    where : Path
        Its name, for messages.
    crop : Crop
        The part of the image that they must lie in.
    reviewed : bool
        Whether a reader has looked at them.
    first_uid : int
        Uid of the first.

    Returns
    -------
    tuple of Point
        In the order of the file.

    Raises
    ------
    PointsError
        In one line with file, line, and what is wrong.
    """
    points = list[Point]()
    for n, (y_text, x_text, kind, category) in _rows(text, where, POINT_COLUMNS, ","):
        try:
            y, x = float(y_text), float(x_text)
            point = Point(first_uid + len(points), y, x, Kind(kind), Membrane(category), reviewed)
        except ValueError:
            what = f"{y_text}, {x_text}, {kind}, {category}"[:60]
            raise PointsError(f"{where}, line {n}: {what!r} is no point") from None
        # One pixel of grace: some tools count the crop's far edge in.
        if crop.depth_px(y, x) < -1:
            raise PointsError(f"{where}, line {n}: the point {y_text[:12]}, {x_text[:12]} is not in its crop")
        points.append(point)
    return tuple(points)


def _plain_name(name: str) -> bool:
    """Tell whether a name is that of a file beside the index, and of nothing elsewhere."""
    return bool(name) and name == PurePosixPath(name).name and not set(name) & set('\\/:\0\n\r\t"')


def parse_index(text: str, where: Path) -> tuple[IndexRow, ...]:
    """Read an index.

    Raises
    ------
    PointsError
        In one line with file, line, and what is wrong.
    """
    out = []
    for n, row in _rows(text, where, INDEX_COLUMNS, "\t"):
        file, image, sha, y0, x0, size, um = row[:7]
        try:
            crop, scale, numbers = Crop(int(y0), int(x0), int(size)), float(um), [int(v) for v in row[7:]]
        except ValueError as error:
            raise PointsError(f"{where}, line {n}: {error}") from None
        if len(sha) != 64 or not set(sha) <= _HEX or not (math.isfinite(scale) and scale > 0):
            raise PointsError(f"{where}, line {n}: its SHA-256 or its µm per px is not possible")
        if not _plain_name(file):
            raise PointsError(f"{where}, line {n}: {file[:60]!r} is not the name of a file beside it")
        out.append(IndexRow(file, ImageId(image, sha), crop, scale, (numbers[0], numbers[1], numbers[2])))
    doubles = {r.file for r in out if sum(o.file == r.file for o in out) > 1}
    if doubles:
        raise PointsError(f"{where}: {min(doubles)} is listed more than once")
    return tuple(out)


def printable(name: str) -> str:
    """Return a name with all that would break a line, a table or UTF-8 written as escapes."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in name)


def index_text(rows: Iterable[IndexRow]) -> str:
    """Return the text of an index, by file name."""
    buffer = io.StringIO()
    table = csv.writer(buffer, delimiter="\t", lineterminator="\n")
    table.writerow(INDEX_COLUMNS)
    for r in sorted(rows, key=lambda r: r.file):
        c = r.crop
        table.writerow(
            (r.file, printable(r.image.name), r.image.sha256, c.y0, c.x0, c.size, _number(r.um_per_px), *r.n)
        )
    return buffer.getvalue()


def count_kinds(points: Iterable[Point]) -> tuple[int, int, int]:
    """Count tumour, other and uncertain points."""
    kinds = [p.kind for p in points]
    return kinds.count(Kind.TUMOUR), kinds.count(Kind.OTHER), kinds.count(Kind.UNCERTAIN)


def saved_points(crop: Crop, points: Iterable[Point]) -> tuple[Point, ...]:
    """Return the reviewed points as they are saved."""
    return tuple(as_saved(crop, p) for p in points if p.reviewed)

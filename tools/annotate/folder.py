"""The folder of points as a whole: which crops an image has, and saving them safely."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from armicro.contracts.errors import OutputError
from tools.annotate.model import Crop, FieldDocument, Point, Sheet, State
from tools.annotate.store import (
    DRAFTS,
    INDEX,
    ImageId,
    IndexRow,
    PointsError,
    count_kinds,
    index_text,
    parse_index,
    parse_points,
    points_text,
    read_text,
    saved_points,
    write_text,
)

_AWKWARD = frozenset('\\/:*?"<>|')


def _stem(image: ImageId) -> str:
    return PurePosixPath(image.name).stem


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an image is.

    Parameters
    ----------
    crops, open_crops : int
        Crops with points, and how many of them are not declared complete.
    marked, unreviewed : int
        Points that readers have marked, and proposals that wait.
    """

    crops: int = 0
    open_crops: int = 0
    marked: int = 0
    unreviewed: int = 0


@dataclass(frozen=True, slots=True)
class Opened:
    """What the folder holds for an image.

    Parameters
    ----------
    document : FieldDocument
        Crops and points.
    um_per_px : float or None
        The scale that its index lines give; None without any.
    locked : tuple of (Crop, str)
        Crops whose files cannot be read, with the reason; they are left alone.
    """

    document: FieldDocument
    um_per_px: float | None
    locked: tuple[tuple[Crop, str], ...]


@dataclass(slots=True)
class _Shelf:
    """One folder with an index: the points themselves, or their drafts."""

    path: Path
    seen: dict[str, str]

    def rows(self) -> tuple[IndexRow, ...]:
        text = read_text(self.path / INDEX)
        return () if text is None else parse_index(text, self.path / INDEX)

    def row(self, sha256: str, crop: Crop) -> IndexRow | None:
        return next((r for r in self.rows() if r.image.sha256 == sha256 and r.crop == crop), None)

    def read(self, file: str) -> str:
        text = read_text(self.path / file)
        if text is None:
            raise PointsError(f"{self.path / file}: the index lists it, but it is missing")
        return text

    def put(self, row: IndexRow, text: str) -> None:
        """Write a CSV file and its index line, each only where it differs from what is there."""
        self.check(row.file)
        if self.seen.get(row.file) != text:
            write_text(self.path / row.file, text)
            self.seen[row.file] = text
        rows = {r.file: r for r in self.rows()}
        if rows.get(row.file) != row:
            write_text(self.path / INDEX, index_text((rows | {row.file: row}).values()))

    def check(self, file: str) -> None:
        """Refuse to replace a file that is not as this program last saw it."""
        if read_text(self.path / file) != self.seen.get(file):
            raise OutputError(
                f"{self.path / file}: somebody else has written it meanwhile; it was left alone. "
                "Move it away to save here, or open the field again to take it over"
            )

    def drop(self, file: str) -> None:
        """Remove a CSV file and its index line, where there are any."""
        rows = self.rows()
        if all(r.file != file for r in rows):
            return
        self.check(file)
        write_text(self.path / INDEX, index_text(r for r in rows if r.file != file))
        try:
            (self.path / file).unlink(missing_ok=True)
        except OSError as error:
            raise OutputError(f"{self.path / file}: cannot be removed ({error.strerror})") from error
        self.seen.pop(file, None)


class PointsFolder:
    """Reads and writes the points of all images of a folder.

    Parameters
    ----------
    path : Path
        The folder; made at the first save.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._main = _Shelf(path, {})
        self._drafts = _Shelf(path / DRAFTS, {})

    def check(self) -> None:
        """Read both indexes.

        Raises
        ------
        PointsError
            If one of them cannot be used.
        """
        self._main.rows()
        self._drafts.rows()

    def progress(self, sha256: str) -> Progress:
        """Return how far an image is, from the indexes alone."""
        main = {r.crop: r for r in self._main.rows() if r.image.sha256 == sha256}
        drafts = {r.crop: r for r in self._drafts.rows() if r.image.sha256 == sha256}
        return Progress(
            len(main | drafts),
            len(drafts),
            sum(sum(r.n) for r in main.values()),
            sum(sum(r.n) for r in drafts.values()),
        )

    def open(self, image: ImageId) -> Opened:
        """Read everything that is marked on an image.

        Raises
        ------
        PointsError
            If an index cannot be used, or points were marked on another image of this name.
        """
        main, drafts = self._main.rows(), self._drafts.rows()
        self._refuse_other_image(image, (*main, *drafts))
        own = {r.crop: r for r in main if r.image.sha256 == image.sha256}
        waiting = {r.crop: r for r in drafts if r.image.sha256 == image.sha256}
        sheets, locked = dict[Crop, Sheet](), list[tuple[Crop, str]]()
        for crop in sorted(own | waiting):
            try:
                sheets[crop] = self._read_sheet(crop, own.get(crop), waiting.get(crop))
            except PointsError as error:
                locked.append((crop, str(error)))
        scales = [r.um_per_px for r in (*own.values(), *waiting.values())]
        return Opened(FieldDocument(sheets), scales[0] if scales else None, tuple(locked))

    def _refuse_other_image(self, image: ImageId, rows: tuple[IndexRow, ...]) -> None:
        """Refuse an image whose name the index knows, but under another hash only."""
        if any(r.image.sha256 == image.sha256 for r in rows):
            return
        mine = PurePosixPath(image.name).parts
        for row in rows:
            theirs = PurePosixPath(row.image.name).parts
            shorter = min(len(mine), len(theirs))
            if shorter and mine[-shorter:] == theirs[-shorter:]:
                raise PointsError(
                    f"{image.name} is not the image that was marked: {self.path / INDEX} knows it with "
                    f"SHA-256 {row.image.sha256[:12]}…, this file has {image.sha256[:12]}…. "
                    "Bring back the marked image, or give this one another name"
                )

    def _read_sheet(self, crop: Crop, row: IndexRow | None, draft: IndexRow | None) -> Sheet:
        points: tuple[Point, ...] = ()
        if row is not None:
            text = self._main.read(row.file)
            points = parse_points(text, self.path / row.file, crop, reviewed=True, first_uid=1)
            # Only what could be read may be replaced.
            self._main.seen[row.file] = text
        if draft is None:
            return Sheet(State.COMPLETE, points)
        text, where = self._drafts.read(draft.file), self.path / DRAFTS / draft.file
        more = parse_points(text, where, crop, reviewed=False, first_uid=1 + len(points))
        self._drafts.seen[draft.file] = text
        return Sheet(State.OPEN, points + more)

    def save(self, image: ImageId, um_per_px: float, crop: Crop, sheet: Sheet | None) -> str:
        """Save one crop.

        Parameters
        ----------
        image : ImageId
            Its image.
        um_per_px : float
            Scale for a crop that has none in the index yet, µm per px.
        crop : Crop
            The crop.
        sheet : Sheet or None
            Its points; None for a crop whose placing was undone.

        Returns
        -------
        str
            Name of its CSV file.

        Raises
        ------
        OutputError, PointsError
            If it cannot be written, or what is there must not be overwritten; nothing is lost on disk.
        """
        row = self._row(image, um_per_px, crop)
        if sheet is None:
            self._main.drop(row.file)
            self._drafts.drop(row.file)
            return row.file
        marked = saved_points(crop, sheet.points)
        # The draft first: a crash between the two must not leave an open crop that looks complete.
        if sheet.state is State.OPEN:
            waiting = sheet.unreviewed
            self._drafts.put(replace(row, n=count_kinds(waiting)), points_text(waiting))
        if marked or sheet.state is State.COMPLETE:
            self._main.put(replace(row, n=count_kinds(marked)), points_text(marked))
        else:
            # An index line without points would say that the crop holds no nucleus.
            self._main.drop(row.file)
        if sheet.state is State.COMPLETE:
            self._drafts.drop(row.file)
        return row.file

    def _row(self, image: ImageId, um_per_px: float, crop: Crop) -> IndexRow:
        old = self._main.row(image.sha256, crop) or self._drafts.row(image.sha256, crop)
        if old is None:
            return IndexRow(self._free_name(image, crop), image, crop, um_per_px)
        known, now = PurePosixPath(old.image.name), PurePosixPath(image.name)
        # A longer path of the same file (from a folder further up) is kept; a renamed file is noted.
        same = len(known.parts) >= len(now.parts) and known.parts[-len(now.parts) :] == now.parts
        return old if same else replace(old, image=image)

    def _free_name(self, image: ImageId, crop: Crop) -> str:
        # Names come from people's disks: what an index or another system could not hold becomes a line.
        stem = "".join(c if c.isprintable() and c not in _AWKWARD else "_" for c in _stem(image))
        names = {r.file for shelf in (self._main, self._drafts) for r in shelf.rows()}
        tail = f"_{crop.y0}_{crop.x0}.csv"
        # Two images of one name in two folders, or two crops of one origin and different sizes.
        for name in (stem + tail, f"{stem}-{image.sha256[:8]}{tail}", f"{stem}-{crop.size}px{tail}"):
            if name not in names:
                return name
        raise OutputError(
            f"{self.path}: no free file name for the crop at {crop.y0}, {crop.x0} of {image.name}"
        )

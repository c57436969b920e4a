"""A case from a bundle taken into the store: with its history as it was, whole or not at all."""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from collections.abc import Callable
from dataclasses import astuple, replace
from datetime import UTC, datetime
from pathlib import Path

from armicro.contracts.errors import StoreError
from armicro.contracts.frame import Frame
from armicro.contracts.results import Scalar
from armicro.store.case_bundle import CaseBundle
from armicro.store.casebook import DATABASE, CaseBook, folder_of
from armicro.store.chain import LoggedEvent, as_json, link
from armicro.store.field_files import sync_folder, write_field
from armicro.store.schema import connect, told, transaction
from armicro.store.sqlite_case import utc_text

Progress = Callable[[int, int], None]


def take_in(book: CaseBook, bundle: CaseBundle, progress: Progress) -> None:
    """Put a bundle's case into the store.

    The pixels are written first, beside the others; then, in one transaction, they get their place together
    with the history. An event "imported" is added to it, chained to what was there.

    Parameters
    ----------
    book : CaseBook
        Where cases are kept.
    bundle : CaseBundle
        The case.
    progress : callable
        Told how many of how many fields are written.

    Raises
    ------
    StoreError
        If there is a case of that name, or something cannot be written; the store is then as it was.
    InputError
        If a field of the bundle is damaged.
    """
    _require_free(book, bundle.name)
    folder = folder_of(bundle.name)
    kept = book.folder / "fields"
    place = kept / folder
    with told(book.folder):
        kept.mkdir(exist_ok=True, mode=0o700)
        incoming = Path(tempfile.mkdtemp(prefix=".incoming-", dir=kept))
    try:
        shapes = {}
        for done, number in enumerate(bundle.numbers):
            progress(done, len(bundle.numbers))
            frame = bundle.frame(number)
            with told(incoming):
                write_field(incoming / _file(number), frame)
            shapes[number] = _row(frame)
        with told(book.folder):
            db = connect(book.folder / DATABASE)
            try:
                _insert(db, bundle, shapes, (incoming, place), book.who)
            finally:
                db.close()
    finally:
        shutil.rmtree(incoming, ignore_errors=True)
    progress(len(bundle.numbers), len(bundle.numbers))


def _require_free(book: CaseBook, name: str) -> None:
    if any(row.name == name for row in book.cases(name)):
        raise _taken(book.folder, name)


def _taken(folder: Path, name: str) -> StoreError:
    return StoreError(
        f"there is a case {name!r} in {folder} already: nothing was imported; delete that one first, with a "
        "reason, or import into another folder with --cases"
    )


def _file(number: int) -> str:
    return f"field-{number:04d}.ome.tif"


def _row(frame: Frame) -> tuple[int, int, int, int, float, str, str]:
    (height, width), optics = frame.shape, frame.optics
    return height, width, frame.frame_id, frame.t_ns, optics.um_per_px, optics.objective, frame.source


def _insert(
    db: sqlite3.Connection,
    bundle: CaseBundle,
    shapes: dict[int, tuple[int, int, int, int, float, str, str]],
    move: tuple[Path, Path],
    who: str,
) -> None:
    """Write the case's rows and give its pixels their place; both or neither."""
    incoming, place = move
    events = (*bundle.events, _imported(bundle, who))
    moved = False
    try:
        with transaction(db):
            if db.execute("SELECT 1 FROM cases WHERE name = ?", (bundle.name,)).fetchone() is not None:
                # Another process was faster.
                raise _taken(place.parent.parent, bundle.name)  # noqa: TRY301
            cursor = db.execute(
                "INSERT INTO cases (name, folder, created_utc) VALUES (?, ?, ?)",
                (bundle.name, place.name, bundle.events[0].utc),
            )
            case_id = int(cursor.lastrowid or 0)
            for one in bundle.manifest.fields:
                height, width, frame_id, t_ns, um_per_px, objective, source = shapes[one.number]
                db.execute(
                    "INSERT INTO fields VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                    (
                        *(case_id, one.number, _file(one.number), one.pixel_sha256, height, width, frame_id),
                        *(t_ns, one.press_ns, um_per_px, objective, source, one.kept_utc),
                    ),
                )
            db.executemany(
                "INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?)", ((case_id, *astuple(e)) for e in events)
            )
            if place.exists():
                raise StoreError(f"{place} belongs to no case: look, delete it, import again")  # noqa: TRY301
            incoming.rename(place)
            moved = True
            sync_folder(place.parent)
    except BaseException:
        if moved:
            place.rename(incoming)
        raise


def _imported(bundle: CaseBundle, who: str) -> LoggedEvent:
    last = bundle.events[-1]
    version = bundle.manifest.package_version
    details: dict[str, Scalar] = {"file": bundle.path.name, "version": version, "events": last.seq}
    now = utc_text(datetime.now(UTC))
    event = LoggedEvent(last.seq + 1, now, who, "imported", as_json(details), "")
    return replace(event, hash=link(bundle.name, last.hash, event))

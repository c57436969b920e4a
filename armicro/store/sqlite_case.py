"""One case in the store: an `OpenCase` whose every step is on disk when it returns."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from armicro.contracts.casebook import CaseEvent, Earlier
from armicro.contracts.errors import StoreError
from armicro.contracts.frame import Frame, Optics
from armicro.store.chain import START, LoggedEvent, as_json, link
from armicro.store.field_files import pixels_sha256, read_field, write_field
from armicro.store.memory import require_unsigned
from armicro.store.schema import told, transaction


def utc_text(at: datetime) -> str:
    """Return a time as ISO 8601 in UTC, to the millisecond."""
    return at.isoformat(timespec="milliseconds")


class SqliteCase:
    """A case that is worked on; made by `CaseBook.open_case`.

    A field's pixels are written and synced first, then its record and the event "kept" in one transaction: a
    field that was announced has both, and one that was not has at most a file that nothing refers to. That
    file is put aside, not lost, when its number comes up again.

    Parameters
    ----------
    db : sqlite3.Connection
        This case's own connection.
    case_id : int
        Its row.
    name : str
        Its name.
    folder : Path
        Where its fields' files lie.
    clock : callable
        Present time.
    who : str
        The user's account.
    """

    def __init__(
        self,
        db: sqlite3.Connection,
        case_id: int,
        name: str,
        folder: Path,
        clock: Callable[[], datetime],
        who: str,
    ) -> None:
        self._db = db
        self._id = case_id
        self._name = name
        self._folder = folder
        self._clock = clock
        self._who = who

    @property
    def name(self) -> str:
        """The case's name."""
        return self._name

    @property
    def n_fields(self) -> int:
        """How many fields are kept."""
        with told(self._folder):
            return self._last("number", "fields")

    def earlier(self) -> Earlier:
        """Return what the case holds already; see `OpenCase.earlier`."""
        with told(self._folder):
            numbers = self._db.execute(
                "SELECT number FROM fields WHERE case_id = ? ORDER BY number", (self._id,)
            ).fetchall()
            settings = self._db.execute(
                "SELECT json_extract(details, '$.settings') AS s FROM events "
                "WHERE case_id = ? AND s IS NOT NULL ORDER BY seq DESC LIMIT 1",
                (self._id,),
            ).fetchone()
            signed = self._signed_off()
        return Earlier(
            tuple(int(n) for (n,) in numbers), None if settings is None else str(settings[0]), signed
        )

    def keep(self, frame: Frame, press_ns: int) -> int:
        """Keep a captured field; see `OpenCase.keep`."""
        # The lock is held while the file is written: nobody else can take the number meanwhile.
        with told(self._folder), ThreadPoolExecutor(1, "armicro-hashing") as pool, transaction(self._db):
            hashing = pool.submit(pixels_sha256, frame.rgb)
            require_unsigned(self._signed_off(), "capture")
            number = self._last("number", "fields") + 1
            file = f"field-{number:04d}.ome.tif"
            write_field(self._folder / file, frame)
            sha256 = hashing.result()
            now = utc_text(self._clock())
            optics, (height, width) = frame.optics, frame.shape
            self._db.execute(
                "INSERT INTO fields VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    *(self._id, number, file, sha256, height, width, frame.frame_id, frame.t_ns, press_ns),
                    *(optics.um_per_px, optics.objective, frame.source, now),
                ),
            )
            self._append(CaseEvent("kept", {"number": number, "file": file, "sha256": sha256}), now)
        return number

    def record(self, event: CaseEvent) -> None:
        """Append an event; see `OpenCase.record`."""
        with told(self._folder), transaction(self._db):
            require_unsigned(self._signed_off(), event.kind)
            self._append(event, utc_text(self._clock()))

    def frame(self, number: int) -> Frame:
        """Return the pixels of a field as they were captured, checked against their hash."""
        with told(self._folder):
            row = self._db.execute(
                "SELECT file, sha256, frame_id, t_ns, um_per_px, objective, source FROM fields "
                "WHERE case_id = ? AND number = ?",
                (self._id, number),
            ).fetchone()
        if row is None:
            raise StoreError(f"the case has no field {number}")
        file, sha256, frame_id, t_ns, um_per_px, objective, source = row
        rgb = read_field(self._folder / file, sha256)
        return Frame(rgb, frame_id, t_ns, Optics(um_per_px, objective), source)

    def close(self) -> None:
        """Let go of the case."""
        self._db.close()

    def _append(self, event: CaseEvent, utc: str) -> None:
        seq = self._last("seq", "events") + 1
        row = self._db.execute(
            "SELECT hash FROM events WHERE case_id = ? AND seq = ?", (self._id, seq - 1)
        ).fetchone()
        previous = START if row is None else str(row[0])
        logged = LoggedEvent(seq, utc, self._who, event.kind, as_json(event.details), "")
        logged = replace(logged, hash=link(self._name, previous, logged))
        self._db.execute(
            "INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?)",
            (self._id, seq, utc, logged.who, logged.kind, logged.details, logged.hash),
        )

    def _signed_off(self) -> str | None:
        """Say when and by whom it was signed off; None if it was not, or was amended since."""
        try:
            row = self._db.execute(
                "SELECT kind, utc, who FROM events WHERE case_id = ? AND kind IN ('sign-off', 'amend') "
                "ORDER BY seq DESC LIMIT 1",
                (self._id,),
            ).fetchone()
        except sqlite3.ProgrammingError as error:
            raise StoreError("the case is closed") from error
        return f"at {row[1]} by {row[2]}" if row is not None and row[0] == "sign-off" else None

    def _last(self, column: str, table: str) -> int:
        """Return the greatest number of this case in a table, 0 if it has none."""
        query = f"SELECT coalesce(max({column}), 0) FROM {table} WHERE case_id = ?"  # noqa: S608 - our own names
        try:
            return int(self._db.execute(query, (self._id,)).fetchone()[0])
        except sqlite3.ProgrammingError as error:
            raise StoreError("the case is closed") from error

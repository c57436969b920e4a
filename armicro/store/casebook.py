"""A folder of cases: a database of what happened, and the pixels of each captured field beside it."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from armicro.contracts.errors import StoreError
from armicro.store.account import account
from armicro.store.chain import START, LoggedEvent, first_break
from armicro.store.field_files import read_field
from armicro.store.schema import connect, told, transaction
from armicro.store.sqlite_case import SqliteCase, utc_text

DATABASE = "cases.db"
MOST_NAME = 200


@dataclass(frozen=True, slots=True)
class CaseRow:
    """A case in a list.

    Parameters
    ----------
    name : str
        The laboratory's.
    created_utc, last_utc : str
        When it was begun, and when something happened to it last; ISO 8601.
    fields, events : int
        How many.
    """

    name: str
    created_utc: str
    last_utc: str
    fields: int
    events: int


@dataclass(frozen=True, slots=True)
class KeptFile:
    """A field's file, the SHA-256 of the pixels in it, and when it was decided on and kept."""

    number: int
    path: Path
    sha256: str
    press_ns: int = 0
    kept_utc: str = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that a check found, in words; `field` where it concerns one."""

    case: str
    words: str
    field: int | None = None


def _now() -> datetime:
    return datetime.now(UTC)


class CaseBook:
    """All cases of a folder; used by one thread at a time, opened by any number of processes.

    Parameters
    ----------
    folder : Path
        Made if absent, for this user alone (0700).
    clock : callable
        Present time; stamped on what is written.
    who : str or None
        The user's account; None takes it from the system.
    database : str
        Name of the database's file.

    Raises
    ------
    StoreError
        If it cannot be opened; see `armicro.store.schema.connect`.
    """

    def __init__(
        self,
        folder: Path,
        *,
        clock: Callable[[], datetime] = _now,
        who: str | None = None,
        database: str = DATABASE,
    ) -> None:
        self.folder = folder
        self._database = folder / database
        self._clock = clock
        self._who = account() if who is None else who
        with told(folder):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            if not self._database.exists():
                # SQLite gives its side files the rights of the database.
                os.close(os.open(self._database, os.O_CREAT | os.O_RDWR, 0o600))
        self._db = connect(self._database)

    @property
    def who(self) -> str:
        """The account that what is written is recorded under."""
        return self._who

    def close(self) -> None:
        """Let go of the database; cases that are open go on by themselves."""
        self._db.close()

    def open_case(self, name: str) -> SqliteCase:
        """Continue a case, or begin it.

        Parameters
        ----------
        name : str
            The laboratory's; any text of 1 to 200 characters without control characters. It is never used as
            a file's name.

        Raises
        ------
        StoreError
            If the name is not possible, or the store cannot be written.
        """
        name = checked_name(name)
        with told(self.folder), transaction(self._db):
            row = self._db.execute("SELECT id, folder FROM cases WHERE name = ?", (name,)).fetchone()
            if row is None:
                folder = folder_of(name)
                cursor = self._db.execute(
                    "INSERT INTO cases (name, folder, created_utc) VALUES (?, ?, ?)",
                    (name, folder, utc_text(self._clock())),
                )
                row = int(cursor.lastrowid or 0), folder
            # One after the other: the folders that `parents` makes would be open to all.
            (self.folder / "fields").mkdir(exist_ok=True, mode=0o700)
            place = self.folder / "fields" / str(row[1])
            place.mkdir(exist_ok=True, mode=0o700)
        db = connect(self._database)
        return SqliteCase(db, int(row[0]), name, place, self._clock, self._who)

    def cases(self, contains: str = "") -> tuple[CaseRow, ...]:
        """Return the cases whose name contains a text (any case of letters), latest first."""
        with told(self.folder):
            rows = self._db.execute(
                "SELECT c.name, c.created_utc, "
                "coalesce((SELECT utc FROM events e WHERE e.case_id = c.id ORDER BY seq DESC LIMIT 1), "
                "c.created_utc) AS last, "
                "coalesce((SELECT max(number) FROM fields f WHERE f.case_id = c.id), 0), "
                "coalesce((SELECT max(seq) FROM events e WHERE e.case_id = c.id), 0) "
                "FROM cases c WHERE instr(lower(c.name), lower(?)) ORDER BY last DESC, c.name",
                (contains,),
            ).fetchall()
        return tuple(CaseRow(*row) for row in rows)

    def events(self, name: str) -> tuple[LoggedEvent, ...]:
        """Return what happened to a case, oldest first.

        Raises
        ------
        StoreError
            If there is no such case.
        """
        with told(self.folder):
            rows = self._db.execute(
                "SELECT seq, utc, who, kind, details, hash FROM events WHERE case_id = ? ORDER BY seq",
                (self._id(name),),
            ).fetchall()
        return tuple(LoggedEvent(*row) for row in rows)

    def verify(self, name: str) -> tuple[Finding, ...]:
        """Check a case: its chain of events, and that each field's file holds what was captured.

        Returns
        -------
        tuple of Finding
            What is wrong; empty if nothing is.

        Raises
        ------
        StoreError
            If there is no such case, or the database cannot be read.
        """
        found = []
        broken = first_break(name, self.events(name))
        if broken is not None:
            found.append(Finding(name, f"the audit log was altered: event {broken} does not fit its chain"))
        for place, one in enumerate(self.fields(name), start=1):
            if one.number != place:
                found.append(Finding(name, f"field {place} is missing from the record", place))
            try:
                read_field(one.path, one.sha256)
            except StoreError as error:
                found.append(Finding(name, str(error), one.number))
        return tuple(found)

    def fields(self, name: str) -> tuple[KeptFile, ...]:
        """Return the files of a case's fields, in order.

        Raises
        ------
        StoreError
            If there is no such case.
        """
        with told(self.folder):
            rows = self._db.execute(
                "SELECT f.number, f.file, f.sha256, f.press_ns, f.kept_utc, c.folder "
                "FROM fields f JOIN cases c ON c.id = f.case_id "
                "WHERE f.case_id = ? ORDER BY f.number",
                (self._id(name),),
            ).fetchall()
        return tuple(
            KeptFile(number, self.folder / "fields" / folder / file, sha256, press_ns, kept_utc)
            for number, file, sha256, press_ns, kept_utc, folder in rows
        )

    def delete(self, name: str, reason: str) -> None:
        """Delete a case with its pixels and its log.

        What stays is a line that a case was deleted: when, by whom, why, how many fields and events it had,
        the last hash of its log, and the SHA-256 of its name, by which it can be asked for and not be read.

        Raises
        ------
        StoreError
            If there is no such case, no reason is given, or the case is signed off: it is amended first.
        """
        if not reason.strip():
            raise StoreError("a case is deleted only with a reason")
        case_id, events, fields = self._id(name), self.events(name), self.fields(name)
        case = self.open_case(name)
        signed = case.earlier().signed_off
        case.close()
        if signed is not None:
            raise StoreError(f"case {name!r} was signed off {signed}: amend it before it is deleted")
        last = events[-1].hash if events else START
        gone = hashlib.sha256(name.encode()).hexdigest(), utc_text(self._clock()), self._who, reason
        with told(self.folder):
            self._db.execute("PRAGMA secure_delete = ON")
            with transaction(self._db):
                folder = self._db.execute("SELECT folder FROM cases WHERE id = ?", (case_id,)).fetchone()[0]
                self._db.execute(
                    "INSERT INTO deletions VALUES (?, ?, ?, ?, ?, ?, ?)",
                    (*gone, len(fields), len(events), last),
                )
                self._db.execute("INSERT INTO being_deleted VALUES (?)", (case_id,))
                for table in ("events", "fields"):
                    self._db.execute(f"DELETE FROM {table} WHERE case_id = ?", (case_id,))  # noqa: S608
                self._db.execute("DELETE FROM cases WHERE id = ?", (case_id,))
                self._db.execute("DELETE FROM being_deleted")
            # The log of the database still holds what was deleted until it is written back.
            self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            shutil.rmtree(self.folder / "fields" / str(folder))

    def strays(self) -> tuple[Path, ...]:
        """Return folders of fields that belong to no case: a deletion was interrupted."""
        with told(self.folder):
            known = {str(row[0]) for row in self._db.execute("SELECT folder FROM cases")}
            place = self.folder / "fields"
            return tuple(p for p in sorted(place.glob("*")) if p.name not in known)

    def snapshot_to(self, path: Path) -> None:
        """Write the database as it is at this moment into a new file."""
        with told(path):
            self._db.execute("VACUUM INTO ?", (str(path),))

    def damage(self) -> str | None:
        """Return what SQLite's own check says of the database; None if it is sound."""
        with told(self.folder):
            try:
                text = str(self._db.execute("PRAGMA integrity_check(1)").fetchone()[0])
            except sqlite3.DatabaseError as error:
                text = str(error)
        return None if text == "ok" else text

    def _id(self, name: str) -> int:
        with told(self.folder):
            row = self._db.execute("SELECT id FROM cases WHERE name = ?", (name,)).fetchone()
        if row is None:
            alike = [one.name for one in self.cases(name.strip())][:3] if name.strip() else []
            or_what = f"; did you mean {' or '.join(map(repr, alike))}?" if alike else ""
            raise StoreError(f"there is no case {name!r} in {self.folder}{or_what}")
        return int(row[0])


def checked_name(name: str) -> str:
    """Return a case's name without blanks at its ends.

    Raises
    ------
    StoreError
        If nothing is left, it is too long, or holds control characters.
    """
    text = name.strip()
    if not text or len(text) > MOST_NAME or any(ord(c) < 32 or ord(c) == 127 for c in text):
        raise StoreError(f"a case needs a name of 1 to {MOST_NAME} characters without line breaks")
    return text


def folder_of(name: str) -> str:
    """Return a folder's name for a case: readable where the name is harmless, unique by a hash, safe."""
    readable = re.sub(r"[^A-Za-z0-9]+", "-", name).strip("-")[:40] or "case"
    return f"{readable}-{hashlib.sha256(name.encode()).hexdigest()[:12]}"

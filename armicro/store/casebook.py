"""A folder of cases: a database of what happened, and the pixels of each captured field beside it."""

from __future__ import annotations

import getpass
import hashlib
import os
import re
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from armicro.contracts.errors import StoreError
from armicro.store.chain import LoggedEvent, first_break
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

    Raises
    ------
    StoreError
        If it cannot be opened; see `armicro.store.schema.connect`.
    """

    def __init__(self, folder: Path, *, clock: Callable[[], datetime] = _now, who: str | None = None) -> None:
        self.folder = folder
        self._clock = clock
        self._who = _account() if who is None else who
        with told(folder):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            database = folder / DATABASE
            if not database.exists():
                # SQLite gives its side files the rights of the database.
                os.close(os.open(database, os.O_CREAT | os.O_RDWR, 0o600))
        self._db = connect(folder / DATABASE)

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
        db = connect(self.folder / DATABASE)
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
        case_id = self._id(name)
        found = []
        broken = first_break(name, self.events(name))
        if broken is not None:
            found.append(Finding(name, f"the audit log was altered: event {broken} does not fit its chain"))
        with told(self.folder):
            rows = self._db.execute(
                "SELECT f.number, f.file, f.sha256, c.folder FROM fields f JOIN cases c ON c.id = f.case_id "
                "WHERE f.case_id = ? ORDER BY f.number",
                (case_id,),
            ).fetchall()
        for place, (number, file, sha256, folder) in enumerate(rows, start=1):
            if number != place:
                found.append(Finding(name, f"field {place} is missing from the record", place))
            try:
                read_field(self.folder / "fields" / folder / file, sha256)
            except StoreError as error:
                found.append(Finding(name, str(error), number))
        return tuple(found)

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
            raise StoreError(f"there is no case {name!r} in {self.folder}")
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


def _account() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "unknown"

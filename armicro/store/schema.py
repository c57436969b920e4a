"""The case store's database: its tables, their versions, and how a file of an older version is brought up."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from armicro.contracts.errors import StoreError

APPLICATION_ID = 0x41524D43
"""Tells a case store from any other SQLite file ("ARMC")."""

MIGRATIONS: tuple[str, ...] = (
    """
    CREATE TABLE cases (
        id INTEGER PRIMARY KEY,
        name TEXT NOT NULL UNIQUE,
        folder TEXT NOT NULL UNIQUE,
        created_utc TEXT NOT NULL
    ) STRICT;
    CREATE TABLE fields (
        case_id INTEGER NOT NULL REFERENCES cases (id),
        number INTEGER NOT NULL CHECK (number >= 1),
        file TEXT NOT NULL,
        sha256 TEXT NOT NULL,
        height INTEGER NOT NULL,
        width INTEGER NOT NULL,
        frame_id INTEGER NOT NULL,
        t_ns INTEGER NOT NULL,
        press_ns INTEGER NOT NULL,
        um_per_px REAL NOT NULL,
        objective TEXT NOT NULL,
        source TEXT NOT NULL,
        kept_utc TEXT NOT NULL,
        PRIMARY KEY (case_id, number)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE events (
        case_id INTEGER NOT NULL REFERENCES cases (id),
        seq INTEGER NOT NULL CHECK (seq >= 1),
        utc TEXT NOT NULL,
        who TEXT NOT NULL,
        kind TEXT NOT NULL,
        details TEXT NOT NULL,
        hash TEXT NOT NULL,
        PRIMARY KEY (case_id, seq)
    ) STRICT, WITHOUT ROWID;
    CREATE TRIGGER events_are_not_changed BEFORE UPDATE ON events
        BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
    CREATE TRIGGER events_are_not_deleted BEFORE DELETE ON events
        BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
    CREATE TRIGGER fields_are_not_changed BEFORE UPDATE ON fields
        BEGIN SELECT RAISE(ABORT, 'a captured field is not changed'); END;
    CREATE TRIGGER fields_are_not_deleted BEFORE DELETE ON fields
        BEGIN SELECT RAISE(ABORT, 'a captured field is not deleted'); END;
    """,
)
"""Each brings a store from the version of its index to the next; they are never edited, only added to."""

VERSION = len(MIGRATIONS)
_BUSY_S = 10.0


def connect(path: Path) -> sqlite3.Connection:
    """Open a store, make it if there is none, and bring it up to the present version.

    Every transaction is on disk when it has been committed (`synchronous = FULL`).

    Parameters
    ----------
    path : Path
        The database's file; its folder must exist.

    Returns
    -------
    sqlite3.Connection
        For one thread at a time; in autocommit, transactions are begun explicitly.

    Raises
    ------
    StoreError
        If it cannot be opened, is no case store, is damaged, or of a newer version of armicro.
    """
    with told(path):
        db = sqlite3.connect(path, timeout=_BUSY_S, isolation_level=None, check_same_thread=False)
        try:
            db.execute("PRAGMA journal_mode = WAL")
            db.execute("PRAGMA synchronous = FULL")
            db.execute("PRAGMA foreign_keys = ON")
            _bring_up(db, path)
        except BaseException:
            db.close()
            raise
    return db


def _bring_up(db: sqlite3.Connection, path: Path) -> None:
    if _number(db, "user_version") != VERSION:
        # Another process may be making the store at this moment: look again under the lock.
        with transaction(db):
            _migrate(db, path)
    if _number(db, "application_id") != APPLICATION_ID:
        raise StoreError(f"{path} is no case store of armicro")


def _migrate(db: sqlite3.Connection, path: Path) -> None:
    version = _number(db, "user_version")
    if version > VERSION:
        raise StoreError(
            f"{path} was written by a newer armicro (store version {version}, this one knows {VERSION}): "
            "update armicro; nothing was changed"
        )
    tables = db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    if version == 0 and tables:
        raise StoreError(f"{path} is no case store of armicro")
    for k in range(version, VERSION):
        for statement in _statements(MIGRATIONS[k]):
            db.execute(statement)
    db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    db.execute(f"PRAGMA user_version = {VERSION}")


def _statements(script: str) -> Iterator[str]:
    """Split a script: `executescript` would commit the transaction that it runs in."""
    part = ""
    for line in script.splitlines(keepends=True):
        part += line
        if sqlite3.complete_statement(part):
            yield part
            part = ""


def _number(db: sqlite3.Connection, pragma: str) -> int:
    return int(db.execute(f"PRAGMA {pragma}").fetchone()[0])


@contextmanager
def transaction(db: sqlite3.Connection) -> Iterator[None]:
    """Span a writing transaction: all of it is on disk afterwards, or nothing."""
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise


@contextmanager
def told(path: Path) -> Iterator[None]:
    """Turn the errors of database and file system into `StoreError` in words."""
    try:
        yield
    except sqlite3.Error as error:
        raise StoreError(f"{path}: {_words(error)}") from error
    except OSError as error:
        where = error.filename or path
        raise StoreError(f"{where}: {(error.strerror or str(error)).lower()}") from error


def _words(error: sqlite3.Error) -> str:
    text = str(error)
    code = getattr(error, "sqlite_errorcode", None)
    primary = None if code is None else code & 0xFF
    if primary == sqlite3.SQLITE_FULL:
        return "no room on the disk: free some, nothing of what was kept is lost"
    if primary in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN):
        return "the folder cannot be written to: check its permissions, or choose another with --cases"
    if primary in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return "another program is writing to it: close that and try again"
    if primary in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return f"the database is damaged ({text}): restore a backup; the fields' image files are not touched"
    return text

"""A second copy of all cases: resumable, and checked when it is done."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

from armicro.contracts.errors import StoreError
from armicro.store.casebook import DATABASE, CaseBook
from armicro.store.field_files import read_field, sync_folder
from armicro.store.schema import told

Progress = Callable[[int, int, str], None]
"""Told how many of how many fields are done, and which comes next."""


def copy_cases(book: CaseBook, target: Path, progress: Progress) -> int:
    """Copy a folder of cases into another, for a backup or to restore one.

    Fields are copied first and checked by their pixels, the database comes last: a target with a database is
    whole. What an interrupted copy left is used again where it is sound; cases that are captured meanwhile
    are in the next copy.

    Parameters
    ----------
    book : CaseBook
        What is copied.
    target : Path
        A folder without a database; made if absent.
    progress : callable
        Told of each field.

    Returns
    -------
    int
        How many fields the copy holds.

    Raises
    ------
    StoreError
        If the target holds cases already, a field is damaged, or something cannot be written.
    """
    part = target / f".{DATABASE}.part"
    with told(target):
        if (target / DATABASE).exists():
            raise StoreError(f"{target} holds cases already: choose another folder")
        target.mkdir(parents=True, exist_ok=True, mode=0o700)
        part.unlink(missing_ok=True)
    book.snapshot_to(part)
    with told(target):
        part.chmod(0o600)
    copy = CaseBook(target, database=part.name)
    try:
        wanted = [one for case in copy.cases() for one in copy.fields(case.name)]
    finally:
        copy.close()
    for done, one in enumerate(wanted):
        relative = one.path.relative_to(target)
        progress(done, len(wanted), relative.name)
        _copy_field(book.folder / relative, one.path, one.sha256)
    with told(target):
        for side in ("-wal", "-shm"):
            part.with_name(part.name + side).unlink(missing_ok=True)
        part.replace(target / DATABASE)
        sync_folder(target)
    progress(len(wanted), len(wanted), "")
    return len(wanted)


def _copy_field(source: Path, target: Path, sha256: str) -> None:
    if target.exists():
        try:
            read_field(target, sha256)
        except StoreError:
            pass  # an interrupted copy's: it is written anew
        else:
            return
    part = target.with_name(f".{target.name}.part")
    with told(target):
        for folder in (target.parent.parent, target.parent):
            folder.mkdir(exist_ok=True, mode=0o700)
        shutil.copyfile(source, part)
        part.chmod(0o600)
        with part.open("rb+") as file:
            os.fsync(file.fileno())
        read_field(part, sha256)
        part.replace(target)
        sync_folder(target.parent)

"""Outputs that appear all at once, at the very end, or not at all.

Each file is written under another name beside its target and moved there when everything is written. What
fails before leaves nothing behind; a reader never meets half a file.
"""

from __future__ import annotations

import os
import signal
import stat
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from armicro.contracts.arrays import U8
from armicro.contracts.errors import OutputError
from armicro.devices.image_files import write_png

_DATABASE = b"SQLite format 3\0"


def _is_kept(target: Path) -> bool:
    """Whether a file is a database, or lies among the pixels of kept cases: never what an output replaces."""
    if any(p.name == "fields" and (p.parent / "cases.db").exists() for p in target.resolve().parents):
        return True
    try:
        # Nothing but a plain file is opened: a pipe would wait for somebody to write.
        if not target.is_file():
            return False
        with target.open("rb") as file:
            return file.read(len(_DATABASE)) == _DATABASE
    except OSError:
        return False


class Staging:
    """A set of output files, used as a context manager.

    Leaving the context without `commit` removes everything that was staged, and folders that were made for
    it. Not for more than one thread.

    Parameters
    ----------
    inputs : iterable of Path
        Files that no output may replace.
    """

    def __init__(self, inputs: Iterable[Path] = ()) -> None:
        self._inputs = {self._identity(p) for p in inputs}
        self._staged: dict[Path, Path] = {}
        self._made: list[Path] = []
        self._checked: set[Path] = set()
        self._trials: list[Path] = []
        self._committed: list[Path] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with _uninterrupted():
            for part in (*self._staged.values(), *self._trials):
                part.unlink(missing_ok=True)
            if not self._committed:
                for folder in reversed(self._made):
                    try:
                        folder.rmdir()
                    except OSError:
                        # Someone else has put a file there meanwhile: it is theirs.
                        continue

    @staticmethod
    def _identity(path: Path) -> str:
        return os.path.normcase(path.resolve())

    def folder(self, folder: Path) -> Path:
        """Make sure, before any work is done, that files can be written into a folder.

        Parameters
        ----------
        folder : Path
            The folder; made if missing.

        Returns
        -------
        Path
            The same.

        Raises
        ------
        OutputError
            If it is a file, cannot be made or cannot be written to.
        """
        if folder in self._checked:
            return folder
        missing = []
        probe = folder
        try:
            while not probe.exists() and probe != probe.parent:
                missing.append(probe)
                probe = probe.parent
            if not probe.is_dir():
                raise OutputError(f"{folder}: cannot write there, {probe} is not a folder")
            for part in reversed(missing):
                # Noted before it is made: a signal may come in between.
                self._made.append(part)
                part.mkdir()
            trial = folder / f".armicro-{os.getpid()}.part"
            self._trials.append(trial)
            trial.touch(exist_ok=False)
            trial.unlink()
        except OSError as error:
            raise OutputError(f"{folder}: cannot write there ({_why(error)})") from error
        self._checked.add(folder)
        return folder

    def file(self, target: Path) -> Path:
        """Reserve an output file.

        Parameters
        ----------
        target : Path
            Where it shall be; its folder is made if missing.

        Returns
        -------
        Path
            Where to write it now.

        Raises
        ------
        OutputError
            If it cannot be written there, is an input, or was reserved already.
        """
        self.folder(target.parent)
        try:
            if stat.S_ISDIR(target.stat().st_mode):
                raise OutputError(f"{target}: cannot write there, it is a folder")
        except FileNotFoundError:
            pass
        except OSError as error:
            # A name that is too long, say: better now than when everything is computed.
            raise OutputError(f"{target}: cannot write there ({_why(error)})") from error
        if _is_kept(target):
            raise OutputError(f"{target}: cases are kept there, and an output would damage them")
        if self._identity(target) in self._inputs:
            raise OutputError(f"{target}: is one of the inputs and would be overwritten")
        if self._identity(target) in {self._identity(t) for t in self._staged}:
            raise OutputError(f"{target}: two outputs have this name")
        part = target.with_name(f".armicro-{os.getpid()}-{len(self._staged)}.part")
        self._staged[target] = part
        return part

    def write_text(self, target: Path, text: str) -> None:
        r"""Stage a text file: UTF-8, "\n" on every system."""
        self.write_bytes(target, text.encode("utf-8", "backslashreplace"))

    def write_bytes(self, target: Path, data: bytes) -> None:
        """Stage a file of bytes."""
        part = self._staged.get(target) or self.file(target)
        try:
            part.write_bytes(data)
        except OSError as error:
            raise OutputError(f"{target}: cannot be written ({_why(error)})") from error

    def write_png(self, target: Path, rgb: U8, text: dict[str, str] | None = None) -> None:
        """Stage a picture, RGB uint8 (H, W, 3), as PNG with optional text entries."""
        part = self._staged.get(target) or self.file(target)
        try:
            write_png(part, rgb, text)
        except OSError as error:
            raise OutputError(f"{target}: cannot be written ({_why(error)})") from error

    @property
    def targets(self) -> tuple[Path, ...]:
        """All outputs, in the order in which they were reserved."""
        return (*self._committed, *self._staged)

    def commit(self) -> tuple[Path, ...]:
        """Move every file to its place.

        Returns
        -------
        tuple of Path
            The outputs.

        Raises
        ------
        OutputError
            If a file cannot be moved; those that were moved before it stay.
        """
        with _uninterrupted():
            for target, part in list(self._staged.items()):
                try:
                    part.replace(target)
                except OSError as error:
                    raise OutputError(f"{target}: cannot be written ({_why(error)})") from error
                self._committed.append(target)
                del self._staged[target]
        return tuple(self._committed)


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """Hear no signal for the few milliseconds in which files are moved or removed: all of them or none."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, signal.SIG_IGN) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _why(error: OSError) -> str:
    return (error.strerror or type(error).__name__).lower()


def unique_stems(names: Iterable[str]) -> tuple[str, ...]:
    """Give each input a name of its own for its output files.

    Parameters
    ----------
    names : iterable of str
        The inputs' stems.

    Returns
    -------
    tuple of str
        The same, with "-2", "-3", ... after those that came before. Upper and lower case do not make a
        difference, as on many file systems.
    """
    wanted = list(names)
    reserved = {n.casefold() for n in wanted}
    taken: set[str] = set()
    result = []
    for name in wanted:
        unique, number = name, 1
        while unique.casefold() in taken or (number > 1 and unique.casefold() in reserved):
            number += 1
            unique = f"{name}-{number}"
        taken.add(unique.casefold())
        result.append(unique)
    return tuple(result)

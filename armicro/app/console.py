"""Text for terminals: results on stdout, progress and problems on stderr, hostile text made harmless."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol, TextIO

from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
)

_PLAIN_WIDTH = 120


def clean(text: object) -> str:
    r"""Make text from outside safe to print.

    Control characters, bidirectional overrides and bytes that are no text (a file's name may hold any of
    them) are written as `\x1b` and the like, so they can neither steer a terminal nor break an encoding.
    """
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in str(text))


def shown(text: object) -> str:
    """Make text from outside safe to print where rich reads markup.

    Beside tags, rich takes the backslash away from a bracket that begins none; its own `escape` forgets that.
    """
    plain, parts, end = clean(text), [], 0
    for tag in _TAG.finditer(plain):
        parts += [plain[end : tag.start()].replace("\\[", "\\\\["), escape(tag[0])]
        end = tag.end()
    rest = plain[end:]
    return "".join(parts) + escape(rest.replace("\\[", "\\\\["))


_TAG = re.compile(r"\\*\[[a-z#/@][^[]*?]")
"""What rich takes for a tag, with the backslashes before it."""


class _Console(Console):
    """A console that leaves it to the program what happens when the reader of its output has gone."""

    def on_broken_pipe(self) -> None:
        raise BrokenPipeError


def _console(stream: TextIO) -> Console:
    # A file or pipe has no width; a table cut to 80 columns would lose what people search for.
    width = None if stream.isatty() else _PLAIN_WIDTH
    return _Console(file=stream, width=width, highlight=False)


def results() -> Console:
    """Return the console on stdout, where results go."""
    return _console(sys.stdout)


def messages() -> Console:
    """Return the console on stderr, where problems and progress go."""
    return _console(sys.stderr)


class Ticker(Protocol):
    """Told how far a long task is."""

    def __call__(self, done: int, what: str) -> None:
        """Note that `done` steps are finished and `what` comes next."""
        ...


def note(text: str) -> None:
    """Show one line on stderr that the user has to see, whatever else is asked to be quiet."""
    messages().print(f"armicro: {shown(text)}", soft_wrap=True)


@contextmanager
def progress(title: str, total: int | None, *, quiet: bool) -> Iterator[Ticker]:
    """Show a progress bar on stderr while a task runs; nothing if `quiet` or stderr is no terminal.

    Parameters
    ----------
    title : str
        What is done.
    total : int or None
        Number of steps, None where it is not known beforehand.
    quiet : bool
        Show nothing.

    Yields
    ------
    Ticker
        To be told of each step.
    """
    console = messages()
    if quiet or not console.is_terminal:
        yield lambda _done, _what: None
        return
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(escape(title), total=total)

        def tick(done: int, what: str) -> None:
            bar.update(task, completed=done, description=f"{escape(title)} {shown(what)}"[:60])

        yield tick

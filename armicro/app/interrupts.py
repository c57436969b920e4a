"""Ctrl-C that is not lost: an exception raised while Python clears up (in a `__del__`) is swallowed."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_heard = False


def _interrupted(number: int, frame: FrameType | None) -> None:
    global _heard  # noqa: PLW0603 - a signal belongs to the process
    del number, frame
    _heard = True
    raise KeyboardInterrupt


@contextmanager
def remembered() -> Iterator[None]:
    """Remember Ctrl-C while a command runs; where something else hears it or nobody does, it stays so."""
    global _heard  # noqa: PLW0603
    _heard = False
    if signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield
        return
    signal.signal(signal.SIGINT, _interrupted)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        _heard = False


def heed() -> None:
    """Raise `KeyboardInterrupt` if Ctrl-C was heard and got lost; called at each step of long work."""
    if _heard:
        raise KeyboardInterrupt

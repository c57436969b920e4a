"""A door for whoever times the stages of an analysis: the science itself knows no clock."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Protocol


class Stages(Protocol):
    """Told when a stage begins and ends."""

    def __call__(self, name: str) -> AbstractContextManager[None]:
        """Return a context that spans the stage `name`; a name may come up several times (once a tile)."""
        ...


def no_stages(name: str) -> AbstractContextManager[None]:  # noqa: ARG001 - the Protocol's signature
    """Time nothing."""
    return nullcontext()

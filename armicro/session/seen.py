"""A frame with its look, and a live frame on its way through the analysis."""

from __future__ import annotations

from dataclasses import dataclass

from armicro.assays.kept import KeptField
from armicro.contracts.frame import Frame, Optics
from armicro.session.capture_rule import MOVED, Look, change_between


@dataclass(frozen=True, slots=True)
class Seen:
    """A frame with its look, which is taken once."""

    frame: Frame
    look: Look


@dataclass(frozen=True, slots=True)
class Glimpse:
    """What is remembered of a frame whose pixels are gone: when it was exposed, and its look."""

    t_ns: int
    optics: Optics
    look: Look


@dataclass(slots=True, eq=False)
class LiveWork:
    """A live frame that is being read, or was read; changed under the session's lock only.

    Parameters
    ----------
    seen : Seen
        The frame as the camera gave it.
    frame : Frame
        The same, corrected: what is read, and what is kept if a press captures it.
    key : tuple
        By what it is read: stain profile without thresholds, and detector.
    kept : KeptField or None
        What was traced; None until it is there.
    ended : bool
        Whether nothing more will come of it.
    captured : bool
        Whether a press captures it: then it is not given up.
    left : bool
        Whether the stage has left its scene: its reading would not be shown.
    """

    seen: Seen
    frame: Frame
    key: tuple[object, ...]
    kept: KeptField | None = None
    ended: bool = False
    captured: bool = False
    left: bool = False


def same_scene(a: Seen, b: Seen) -> bool:
    """Tell whether two frames show the same place through the same optics."""
    return a.frame.optics == b.frame.optics and change_between(a.look, b.look) < MOVED

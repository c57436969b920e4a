"""What a session shows: frozen snapshots that a window reads whenever it likes.

A session says only "there is news" (`subscribe`); readers take the latest. No frame rides in a signal, and
what is stale, failed or of another objective is not in a snapshot at all: blank is safe.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from armicro.assays.kept import HISTOGRAM_BINS, HISTOGRAM_OD
from armicro.contracts.arrays import I64, U8
from armicro.contracts.cells import Category
from armicro.contracts.devices import CameraControls, CameraInfo, Stage
from armicro.contracts.frame import Frame, Optics
from armicro.contracts.results import FovResult
from armicro.contracts.score import CaseSummary
from armicro.contracts.stain import StainProfile
from armicro.session.case_state import CaseControl
from armicro.session.commands import Command

__all__ = [
    "HISTOGRAM_BINS",
    "HISTOGRAM_OD",
    "CapturedField",
    "Fault",
    "LiveView",
    "ScoreChange",
    "SessionControl",
    "SessionSnapshot",
    "SessionState",
    "Vitals",
]


class SessionState(StrEnum):
    """Where a session is.

    idle -> live -> capturing -> live; any -> fault -> live on recovery; any -> closed.
    """

    IDLE = "idle"
    LIVE = "live"
    CAPTURING = "capturing"
    FAULT = "fault"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that does not work, in words.

    Parameters
    ----------
    source : str
        "camera", "pedal", "nosepiece", "engine", "store", "display".
    words : str
        One line: what is wrong, and what to do.
    short : str
        Three words for the eyepiece's rim.
    since_ns : int
        Monotonic.
    blanks : bool
        Whether nothing may be shown while it lasts (a camera's does, a pedal's does not).
    """

    source: str
    words: str
    short: str
    since_ns: int
    blanks: bool


@dataclass(frozen=True, slots=True)
class LiveView:
    """The newest frame, and what is known of it.

    Parameters
    ----------
    frame : Frame
        The newest frame; read-only pixels.
    moving : bool
        Whether the stage is moving: no result is shown then.
    result : FovResult or None
        The reading of `result_frame_id`, only while it still holds for what the frame shows.
    result_frame_id : int or None
        Which frame was read.
    result_age_ms : float or None
        From that frame's exposure until now.
    dab_histogram : ndarray of int64, (HISTOGRAM_BINS,) or None
        Of the newest frame that was separated.
    focus, saturated_share : float or None
        Of that frame.
    """

    frame: Frame
    moving: bool
    result: FovResult | None
    result_frame_id: int | None
    result_age_ms: float | None
    dab_histogram: I64 | None
    focus: float | None
    saturated_share: float | None


@dataclass(frozen=True, slots=True)
class CapturedField:
    """A captured field.

    Parameters
    ----------
    number : int
        From 1, in the order of the presses.
    removed : bool
        Left out of the score by the user.
    thumbnail : ndarray of uint8, (h, w, 3)
        At most 256 px wide.
    result : FovResult or None
        Its reading by the present settings; None until it is there.
    counts : mapping of Category to int
        Of the cells that count; empty until it is read.
    edits : int
        Cells that were overruled, added or removed by hand.
    warnings : tuple of str
        In words.
    refused : str
        Why the quality gate refused it; "" if it did not.
    notes : tuple of str
        What a report says of it beside the reading; see `field_notes`.
    """

    number: int
    removed: bool
    thumbnail: U8
    result: FovResult | None
    counts: Mapping[Category, int]
    edits: int
    warnings: tuple[str, ...]
    refused: str = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ScoreChange:
    """What moving a threshold does: the case before and after, and how many cells change in the live field.

    `after` is None until all fields are read by the new thresholds. It is shown while a handle moves, and for
    the thresholds that were set until the next command or capture.
    """

    before: CaseSummary | None
    after: CaseSummary | None
    cells_changed: int


@dataclass(frozen=True, slots=True)
class Vitals:
    """The line of figures at the window's foot.

    Parameters
    ----------
    fps : float
        Frames from the camera per second.
    live_fps : float
        Readings of the live field per second.
    dropped : int
        Live frames that were replaced before they were read.
    latency_p95_ms : float or None
        From exposure to reading, of the last 100.
    engine : str
        What finds nuclei, and what runs it.
    """

    fps: float
    live_fps: float
    dropped: int
    latency_p95_ms: float | None
    engine: str


@dataclass(frozen=True, slots=True)
class SessionSnapshot:
    """Everything about a session but its pixels.

    Parameters
    ----------
    state : SessionState
        Where it is.
    faults : tuple of Fault
        What does not work now.
    notices : tuple of str
        What the user has to have seen (an engine that is not the one asked for); newest last.
    case_id, guideline : str
        The case and its rule set's name.
    profile : StainProfile
        With the thresholds in force.
    profile_locked_by : str or None
        Who locked it; its handles are then grey.
    objectives : mapping of str to Optics
        What can be chosen, by name.
    objective : str or None
        The one in use; None between two.
    camera : CameraInfo or None
        The camera, while it is there.
    fields : tuple of CapturedField
        In the order of the presses.
    summary : CaseSummary or None
        The score so far; None before the first field is read.
    change : ScoreChange or None
        While a threshold is being moved.
    overlay_on : bool
        Whether the overlay is shown.
    undo_label, redo_label : str or None
        What `Undo` and `Redo` would do, in words.
    busy : str
        What is being worked on ("reading field 7 again, 3 of 10"), "" for nothing.
    vitals : Vitals
        Figures.
    signed_off : str or None
        When and by whom the case was signed off, in words; None while it may be changed.
    continued_after : int
        Greatest number of a field that the case held when it was opened; 0 for a new case.
    control : CaseControl or None
        What the quality gate said of the case's control of the stain; None where it was not asked.
    """

    state: SessionState
    faults: tuple[Fault, ...]
    notices: tuple[str, ...]
    case_id: str
    guideline: str
    profile: StainProfile
    profile_locked_by: str | None
    objectives: Mapping[str, Optics]
    objective: str | None
    camera: CameraInfo | None
    fields: tuple[CapturedField, ...]
    summary: CaseSummary | None
    change: ScoreChange | None
    overlay_on: bool
    undo_label: str | None
    redo_label: str | None
    busy: str
    vitals: Vitals
    signed_off: str | None = None
    continued_after: int = 0
    control: CaseControl | None = None


class SessionControl(Protocol):
    """What a window needs of a session. All of it may be called from any thread and returns at once."""

    def snapshot(self) -> SessionSnapshot:
        """Return the present state."""
        ...

    def live(self) -> LiveView | None:
        """Return the newest frame with what holds for it; None without a frame."""
        ...

    def do(self, command: Command) -> None:
        """Ask for something; what cannot be done is told in `notices`, never raised."""
        ...

    def field_frame(self, number: int) -> Frame | None:
        """Return the pixels of a captured field."""
        ...

    def subscribe(self, news: Callable[[], None]) -> Callable[[], None]:
        """Have `news` called, from any thread, whenever something changed; returns how to stop that."""
        ...

    @property
    def camera_controls(self) -> CameraControls | None:
        """The camera's knobs."""
        ...

    @property
    def stage(self) -> Stage | None:
        """The stage, where software drives it."""
        ...

"""What a session is made of and how it behaves: everything that is handed in."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from armicro.analysis.read_per_cell import PerCellParams
from armicro.analysis.skeleton import SkeletonParams
from armicro.assays.recipe import Reading
from armicro.contracts.arrays import U8
from armicro.contracts.casebook import OpenCase
from armicro.contracts.frame import Optics
from armicro.contracts.protocols import NucleusDetector
from armicro.contracts.results import Scalar
from armicro.contracts.stain import StainProfile
from armicro.imaging.gate import GateLimits
from armicro.imaging.gate_control import ControlSeen
from armicro.scoring.model import Guideline


class FrameCorrection(Protocol):
    """What is done to each picture before it is read or kept."""

    @property
    def identity(self) -> str:
        """Of the calibration; stamped on results."""
        ...

    def __call__(self, rgb: U8) -> U8:
        """Correct a picture (H, W, 3); raises `CalibrationError` where it does not fit."""
        ...


class DetectorSource(Protocol):
    """A detector, and what the user has to be told about it."""

    @property
    def detector(self) -> NucleusDetector:
        """What finds nuclei; the session's analysis thread owns it."""
        ...

    def news(self) -> tuple[str, ...]:
        """Return what has come up since this was last asked (an engine that was replaced, say)."""
        ...


@dataclass(frozen=True, slots=True)
class SessionLimits:
    """Times and sizes that bound a session.

    Parameters
    ----------
    result_age_s : float
        A live reading of a frame older than this is not shown, whatever the scene, s.
    frame_age_s : float
        Nothing is shown of a picture older than this, s: its camera is silent.
    press_wait_s : float
        A press for which no frame comes within this is refused, s.
    hold_s : float
        A pedal that went down and tells nothing more for this long is forgotten, s.
    waiting_captures : int
        Captured frames that may wait to be kept; 27 MB each at 3008². A press beyond is refused.
    recent_frames : int
        Newest frames that are held, so that a press told late still finds the frame before it.
    stand_in_s : float
        A live frame stands in for a press's frame if its exposure began at most so long before the press, s;
        0 for never.
    first_retry_s, longest_retry_s : float
        When a field whose reading failed is tried again; doubled each time, s.
    notices, undo_steps : int
        How many are remembered.
    """

    result_age_s: float = 10.0
    frame_age_s: float = 3.0
    press_wait_s: float = 2.0
    hold_s: float = 15.0
    waiting_captures: int = 8
    recent_frames: int = 4
    stand_in_s: float = 1.0
    first_retry_s: float = 1.0
    longest_retry_s: float = 30.0
    notices: int = 50
    undo_steps: int = 200


class EventKind(StrEnum):
    """What a session tells one by one, in order."""

    CAPTURED = "captured"
    SCORED = "scored"
    FAULT = "fault"
    RECOVERED = "recovered"
    NOTICE = "notice"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class SessionEvent:
    """One thing that happened; `t_ns` is monotonic.

    "captured" and "scored" tell `number`, "captured" also `frame_id` and `from_live` (whether the live frame
    that was looked at was captured), "scored" the score so far; "fault" and "recovered" tell
    `source` and `words`.
    """

    kind: EventKind
    t_ns: int
    details: Mapping[str, Scalar]


@dataclass(frozen=True, slots=True)
class SessionParts:
    """Everything that a session is given.

    Parameters
    ----------
    detector : DetectorSource
        What finds nuclei.
    load_profile : callable
        From a stain profile's name or path to the profile; raises `ProfileError`.
    load_guideline : callable
        From a rule set's name to the rules; raises `GuidelineError`.
    open_case : callable
        From a case's name to where it is kept; raises `StoreError`.
    case_id, profile, guideline : str
        What it begins with.
    reading, per_cell, skeleton
        How cells are read; see `Her2IhcRecipe`.
    calibration_id : str
        Identity of the instrument calibration; stamped on each result.
    seed : int
        Of the interval's resampling.
    objectives : mapping of str to Optics
        What can be chosen, by name.
    objective : str or None
        The one in use at the beginning.
    positions : mapping of int to str
        Which objective stands at which position of the nosepiece.
    correct : FrameCorrection or None
        What is done to each picture before it is read or kept.
    gate : GateLimits or None
        Limits of the quality gate; a field that it refuses is left out until it is restored with a reason,
        and what an earlier field shows counts once. None only warns.
    control : callable or None
        From a case's name to the control of the stain nearest to it, which the gate asks for; None does not.
    profile_locked_by : str or None
        Who locked thresholds and profile.
    limits : SessionLimits
        Times and sizes.
    clock : callable
        Monotonic time, ns; the one on which exposures and presses are timed.
    """

    detector: DetectorSource
    load_profile: Callable[[str], StainProfile]
    load_guideline: Callable[[str], Guideline]
    open_case: Callable[[str], OpenCase]
    case_id: str
    profile: str
    guideline: str
    reading: Reading = Reading.PER_CELL
    per_cell: PerCellParams = PerCellParams()
    skeleton: SkeletonParams = SkeletonParams()
    calibration_id: str = "none"
    seed: int = 0
    objectives: Mapping[str, Optics] = field(default_factory=dict)
    objective: str | None = None
    positions: Mapping[int, str] = field(default_factory=dict)
    profile_locked_by: str | None = None
    gate: GateLimits | None = None
    control: Callable[[str], ControlSeen] | None = None
    correct: FrameCorrection | None = None
    limits: SessionLimits = SessionLimits()
    clock: Callable[[], int] = time.monotonic_ns

"""What the program around the window does for it: files, devices and lists of what can be chosen.

The window asks a person, the program acts. A hook that is None has no button: nothing is shown that does
nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from armicro.contracts.stain import Vector3
from armicro.overlay.eyepiece_picture import EyepieceDisplay
from armicro.ui.calibration_desk import CalibrationDesk
from armicro.ui.keys import KeyContact
from armicro.ui.setup_desk import SetupDesk

Stain = Literal["dab", "haematoxylin"]


@dataclass(frozen=True, slots=True)
class Hooks:
    """What a window can call on.

    All but `report` are called from the event loop and have to return within some milliseconds; those that
    fail raise `ArmicroError`, whose words are shown.

    Parameters
    ----------
    guidelines, assays : mapping of str to str
        What can be chosen: name to title. With a single assay the window only names it.
    profiles : callable or None
        Returns the names of the stain profiles that can be chosen. A file can always be chosen.
    choose_assay : callable or None
        Told the name of another assay.
    save_profile : callable or None
        Told the file in which the profile in force is to be kept; its stem is the profile's name.
    lock_profile : callable or None
        Told under which name the settings in force are to be locked.
    apply_stain_vector : callable or None
        Told which stain was measured in the live picture and its direction in RGB optical density.
    pedal : KeyContact or None
        The space bar as a pedal. Without it the bar captures as it goes down.
    cases : callable or None
        Returns the names of the cases that are kept, the latest first.
    report : callable or None
        Writes the report of the case to a file. Called from a thread of its own; may take long.
    would_lose : callable or None
        Returns in words what is lost if another case is begun now, or (told True) the window is closed; ""
        for nothing.
    eyepiece_window : callable or None
        Shows (True) or hides (False) the window on the display of the beam splitter.
    eyepiece_display : callable or None
        Returns the eyepiece's display as it is drawn on now, for the view as in the eyepiece.
    setup : callable or None
        Returns what the guided set-up calls on.
    calibration : CalibrationDesk or None
        What the calibrations call on.
    eyepiece_at_once : bool
        Whether it is shown from the beginning.
    """

    guidelines: Mapping[str, str] = field(default_factory=dict)
    assays: Mapping[str, str] = field(default_factory=dict)
    profiles: Callable[[], Sequence[str]] | None = None
    choose_assay: Callable[[str], None] | None = None
    save_profile: Callable[[Path], None] | None = None
    lock_profile: Callable[[str], None] | None = None
    apply_stain_vector: Callable[[Stain, Vector3], None] | None = None
    pedal: KeyContact | None = None
    cases: Callable[[], Sequence[str]] | None = None
    report: Callable[[Path], None] | None = None
    would_lose: Callable[[bool], str] | None = None
    eyepiece_window: Callable[[bool], None] | None = None
    eyepiece_display: Callable[[], EyepieceDisplay] | None = None
    setup: Callable[[], SetupDesk] | None = None
    calibration: CalibrationDesk | None = None
    eyepiece_at_once: bool = False

"""What the guided set-up needs of the program around it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from armicro.contracts.arrays import U8
from armicro.contracts.devices import LinkEvent, PedalPress
from armicro.devices.found import CamerasFound, Found
from armicro.session.instrument_choice import InstrumentChoice
from armicro.session.measured import KnownObjective

Listen = Callable[
    [InstrumentChoice, Callable[[PedalPress], None], Callable[[LinkEvent], None]], Callable[[], None]
]


class Preview(Protocol):
    """A camera that is looked at before it is chosen."""

    def newest(self) -> tuple[U8 | None, str, bool]:
        """Return the newest picture, what is known of the camera in words, and whether it gives none."""
        ...

    def close(self) -> None:
        """Let go of the camera; may take seconds, may be called twice."""
        ...


@dataclass(frozen=True, slots=True)
class SetupDesk:
    """What the set-up can call on; what is called from a thread of its own may take long.

    Parameters
    ----------
    present : InstrumentChoice
        What was chosen before, or what is begun with.
    cameras : callable
        Told GenTL producers, looks for cameras. From a thread of its own.
    preview : callable
        Opens a choice's camera. From a thread of its own.
    ports : callable
        Returns the serial ports.
    listen : callable
        Listens to a choice's pedal, told where gestures and news of the line go; returns how to end that.
    objectives : callable
        Returns the objectives whose scale is known.
    scale_state : callable
        Says whether a choice's scale was measured.
    keep : callable
        Keeps a choice; returns where.
    place : Path
        Where it will be kept.
    later : bool
        Whether an instrument is running already, so that a choice counts from the next start.
    """

    present: InstrumentChoice
    cameras: Callable[[Sequence[str]], CamerasFound]
    preview: Callable[[InstrumentChoice], Preview]
    ports: Callable[[], Sequence[Found]]
    listen: Listen
    objectives: Callable[[], Sequence[KnownObjective]]
    scale_state: Callable[[InstrumentChoice], str]
    keep: Callable[[InstrumentChoice], Path]
    place: Path
    later: bool = False

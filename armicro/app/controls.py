"""Which control of the stain belongs to a case: the one on its slide, of its staining run, or the newest."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from armicro.app.calibration_files import ControlFile
from armicro.app.calibration_store import calibration_folder, order, stored
from armicro.imaging.gate_control import ControlSeen

StainingRun = Annotated[
    str,
    typer.Option(
        "--staining-run",
        metavar="NAME",
        help="The run in which the slide was stained: a control of that run counts, however old.",
    ),
]
WithoutControl = Annotated[
    str,
    typer.Option(
        "--without-control",
        metavar="REASON",
        help="Count the case although the gate refuses it for want of a control; the reason is recorded.",
    ),
]


@dataclass(frozen=True, slots=True)
class ControlAsk:
    """What is asked of the controls.

    Parameters
    ----------
    staining_run : str
        In which the slides were stained; "" where nobody said.
    excuse : str
        Why cases are to be counted without a control; "" for no reason.
    folder : Path or None
        Where calibrations lie; None for the user's.
    """

    staining_run: str = ""
    excuse: str = ""
    folder: Path | None = None

    def of(self, case_id: str, day: dt.date) -> ControlSeen:
        """Return the control nearest to a case on a day."""
        own, of_run, newest = None, None, None
        for one in self._until(day):
            if one.case is not None:
                own = one if one.case == case_id else own
            else:
                newest = one
                if one.staining_run is not None and one.staining_run == self.staining_run:
                    of_run = one
        near = own or of_run
        if near is not None:
            return ControlSeen(near.identity, 0, self.excuse)
        # A run was named and none of its controls is here: one of another run is no control of it.
        if newest is None or self.staining_run:
            return ControlSeen("", None, self.excuse)
        age = (day - dt.date.fromisoformat(newest.date)).days
        return ControlSeen(newest.identity, age, self.excuse)

    def today(self) -> Callable[[str], ControlSeen]:
        """Return what tells the control of a case at the moment when it is asked."""
        return lambda case_id: self.of(case_id, dt.datetime.now().astimezone().date())

    def _until(self, day: dt.date) -> Iterator[ControlFile]:
        """Yield the controls measured up to a day, the oldest first."""
        folder = calibration_folder() if self.folder is None else self.folder
        try:
            found = [s.calibration for s in stored(folder) if isinstance(s.calibration, ControlFile)]
        except OSError:
            # A folder that cannot be read holds no control that could be shown.
            return
        yield from sorted((c for c in found if dt.date.fromisoformat(c.date) <= day), key=order)

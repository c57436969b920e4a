"""`armicro calibrate list`: what was measured, which of it is in use, and until when it counts."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from rich.table import Table

from armicro.app import console
from armicro.app.calibration_state import states
from armicro.app.calibration_store import Stored, stored
from armicro.app.commands.calibrate import common


def listing(out: common.Out = None, date: common.Day = None) -> None:
    """List the calibrations with date, expiry and residual."""
    folder, day = common.folder_of(out), common.day_of(date)
    found = list(stored(folder))
    printer = console.results()
    if not found:
        printer.print(f"no calibrations in {console.shown(folder)}", soft_wrap=True)
        return
    printer.print(_table(found, day))
    for broken in (s for s in found if s.calibration is None):
        console.note(broken.problem)


def _table(found: Sequence[Stored], day: dt.date) -> Table:
    calibrations = [s.calibration for s in found if s.calibration is not None]
    state = states(calibrations, day)
    table = Table(box=None, pad_edge=False)
    for title in ("calibration", "instrument", "date", "expires", "state", "residual"):
        table.add_column(title, overflow="fold")
    for one in calibrations:
        row = (one.identity, one.instrument, one.date, one.expires, state[one.identity], one.residual)
        table.add_row(*(console.shown(cell) for cell in row))
    return table

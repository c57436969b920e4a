"""`armicro calibrate list`: what was measured, which of it is in use, and until when it counts."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from rich.table import Table

from armicro.app import console
from armicro.app.calibration_files import CalibrationFile
from armicro.app.calibration_store import Stored, order, stored
from armicro.app.commands.calibrate import common

SOON_DAYS = 7


def states(found: Sequence[CalibrationFile], day: dt.date) -> dict[str, str]:
    """Tell for each identity whether it is in use, expires soon, has expired, or was replaced."""
    newest: dict[tuple[str, str, str], CalibrationFile] = {}
    for one in sorted(found, key=order):
        newest[one.kind, one.objective, one.instrument] = one
    out = {}
    for one in found:
        left = (dt.date.fromisoformat(one.expires) - day).days
        if newest[one.kind, one.objective, one.instrument] is not one:
            state = "replaced"
        elif left < 0:
            state = "expired"
        else:
            state = "in use" if left > SOON_DAYS else f"expires in {left} days"
        out[one.identity] = state
    return out


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

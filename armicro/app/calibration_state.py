"""Which of the kept calibrations are in use, and until when they count."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from armicro.app.calibration_files import CalibrationFile
from armicro.app.calibration_store import order

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

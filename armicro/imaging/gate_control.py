"""Was the stain checked on a control: the quality gate's question to the case, not to a picture. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass

from armicro.imaging.gate import Check, GateLimits, Verdict

NAME = "control"
_WHAT_TO_DO = "measure the control slide of this run: armicro calibrate control"


@dataclass(frozen=True, slots=True)
class ControlSeen:
    """The control that is nearest to a case.

    Parameters
    ----------
    identity : str
        Of its calibration; "" where there is none.
    age_days : int or None
        How old it is; 0 for one of the day, of the case's own slide or of its staining run; None where there
        is none.
    excuse : str
        Why the case is to be counted without it; "" where nobody said.
    """

    identity: str = ""
    age_days: int | None = None
    excuse: str = ""


def control_check(seen: ControlSeen, limits: GateLimits) -> Check:
    """Judge whether a case has a control of its run.

    Parameters
    ----------
    seen : ControlSeen
        What there is.
    limits : GateLimits
        `limits.control` in days.

    Returns
    -------
    Check
        Its value is the control's age, days, infinite where there is none. With an excuse it warns where it
        would refuse, and says the excuse.
    """
    age = math.inf if seen.age_days is None else float(seen.age_days)
    verdict = limits.control.verdict(age)
    if verdict is Verdict.OK:
        words = f"control {seen.identity}, {_days(age)} old"
        return Check(NAME, verdict, age, limits.control.warn, words)
    missed = limits.control.refuse if verdict is Verdict.REFUSE else limits.control.warn
    there = f"the newest, {seen.identity}, is {_days(age)} old" if math.isfinite(age) else "none is recorded"
    what_to_do = _WHAT_TO_DO
    if seen.excuse:
        verdict = Verdict.WARN
        what_to_do = f"counted without it: {seen.excuse}"
    words = f"no control of this run: {there}, at most {_days(missed)}; {what_to_do}"
    return Check(NAME, verdict, age, missed, words)


def _days(n: float) -> str:
    return "1 day" if n == 1 else f"{n:.0f} days"

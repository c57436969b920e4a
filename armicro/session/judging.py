"""What the quality gate says of a captured field, and what follows for the case. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import pairwise

from armicro.contracts.frame import Frame
from armicro.contracts.results import Scalar
from armicro.contracts.stain import Vector3
from armicro.imaging.gate import Check, GateLimits, Verdict, check, gate, worst
from armicro.imaging.gate_control import NAME as CONTROL
from armicro.imaging.gate_control import ControlSeen, control_check
from armicro.imaging.overlap import Coarse, Later, Overlap, coarse
from armicro.session.case_state import CaseControl, FieldChoice


@dataclass(frozen=True, slots=True)
class Judgement:
    """What was found.

    Parameters
    ----------
    checks : tuple of Check
        Of the gate, of the overlap, and of the case's control where it was asked for.
    overlaps : mapping of int to Overlap
        With earlier fields, by their numbers.
    coarse : Coarse
        The field, for comparing later ones with it.
    first : bool
        Whether no field of the case counts yet: a control that is only missed is told once.
    """

    checks: tuple[Check, ...]
    overlaps: Mapping[int, Overlap]
    coarse: Coarse
    first: bool = True

    @property
    def verdict(self) -> Verdict:
        """The worst of all checks."""
        return worst(self.checks)

    @property
    def words(self) -> tuple[str, ...]:
        """What is to be said of the field."""
        said = []
        for one in self.checks:
            again = one.name == CONTROL and one.verdict is Verdict.WARN and not self.first
            if one.verdict is not Verdict.OK and not again:
                fields = ", ".join(map(str, self.overlaps))
                said.append(one.words + (f" (field {fields})" if one.name == "overlap" else ""))
        return tuple(said)

    @property
    def values(self) -> dict[str, float]:
        """What was measured, rounded, for the log; without the age of a control that is not there."""
        return {c.name: round(c.value, 4) for c in self.checks if math.isfinite(c.value)}

    @property
    def control(self) -> Check | None:
        """What is to be said of the case's control; None where it was not asked for."""
        return next((c for c in self.checks if c.name == CONTROL), None)

    @property
    def log(self) -> dict[str, Scalar]:
        """All of it, for the log."""
        control = self.control
        said = (
            {}
            if control is None
            else {"control_verdict": str(control.verdict), "control_words": control.words}
        )
        return {"verdict": str(self.verdict), **self.values, **said}

    def applied_to(self, one: FieldChoice) -> FieldChoice:
        """Return a field's choice with what follows from the judgement."""
        rings = tuple(_ring(o) for o in self.overlaps.values())
        refused = "; ".join(c.words for c in self.checks if c.verdict is Verdict.REFUSE)
        control = self.control
        return replace(
            one,
            seen_before=rings,
            refused=refused,
            removed=one.removed or bool(refused),
            told=self.words,
            control=None if control is None else CaseControl(str(control.verdict), control.words),
        )


def _ring(o: Overlap) -> tuple[tuple[float, float], ...]:
    """Return the overlap's outline y, x, px; the field's rim belongs to it where the overlap reaches it."""
    (y0, y1), (x0, x1) = o.rows, o.columns
    top, left, bottom, right = y0 - 0.5, x0 - 0.5, y1 - 0.5, x1 - 0.5
    return (top, left), (top, right), (bottom, right), (bottom, left)


def judge(
    frame: Frame,
    white_rgb: Vector3 | None,
    earlier: Mapping[int, Coarse],
    limits: GateLimits,
    control: ControlSeen | None = None,
) -> Judgement:
    """Judge a captured field.

    Parameters
    ----------
    frame : Frame
        The field.
    white_rgb : tuple of 3 floats or None
        The calibrated white point.
    earlier : mapping of int to Coarse
        Fields that count, by their numbers.
    limits : GateLimits
        The limits.
    control : ControlSeen or None
        The control nearest to the case; None does not ask for one.
    """
    about = coarse(frame.rgb, frame.optics)
    later = Later(about)
    found = {n: o for n, other in earlier.items() if (o := later.over(other)) is not None}
    checks = gate(frame.rgb, frame.optics, white_rgb, limits)
    share = _union(tuple(found.values()), frame.shape)
    stained = () if control is None else (control_check(control, limits),)
    return Judgement((*checks, check("overlap", share, limits), *stained), found, about, not earlier)


def _union(overlaps: tuple[Overlap, ...], shape: tuple[int, int]) -> float:
    """Share of a field that its overlaps cover together."""
    if not overlaps:
        return 0.0
    ys = sorted({0, shape[0], *(y for o in overlaps for y in o.rows)})
    xs = sorted({0, shape[1], *(x for o in overlaps for x in o.columns)})
    covered = 0
    for y0, y1 in pairwise(ys):
        for x0, x1 in pairwise(xs):
            if any(
                o.rows[0] <= y0 and y1 <= o.rows[1] and o.columns[0] <= x0 and x1 <= o.columns[1]
                for o in overlaps
            ):
                covered += (y1 - y0) * (x1 - x0)
    return covered / (shape[0] * shape[1])

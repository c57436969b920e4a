"""The quality gate over image files, as the instrument applies it to captured fields."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from armicro.app.case_run import FieldInput
from armicro.contracts.stain import Vector3
from armicro.imaging.gate import GateLimits
from armicro.imaging.gate_control import ControlSeen, control_check
from armicro.imaging.overlap import Coarse
from armicro.imaging.regions import Polygon, Regions
from armicro.report.models import ControlDocument
from armicro.session.case_state import CaseControl, FieldChoice
from armicro.session.judging import judge


def control_document(control: CaseControl | None) -> ControlDocument | None:
    """Return what was said of a case's control as a report holds it."""
    if control is None:
        return None
    return ControlDocument.model_validate({"verdict": control.verdict, "words": control.words})


@dataclass(frozen=True, slots=True)
class GateRules:
    """By what fields are judged.

    Parameters
    ----------
    limits : GateLimits
        The limits.
    control : ControlSeen or None
        The control of the stain that is nearest to the case; None does not ask for one.
    """

    limits: GateLimits = GateLimits()
    control: ControlSeen | None = None


class Gate:
    """Judges the fields of one case in their order.

    Parameters
    ----------
    white_rgb : tuple of 3 floats or None
        The calibrated white point.
    rules : GateRules
        By what.
    """

    def __init__(self, white_rgb: Vector3 | None, rules: GateRules = GateRules()) -> None:
        self._white, self._rules = white_rgb, rules
        self._earlier: dict[int, Coarse] = {}

    @property
    def control(self) -> ControlDocument | None:
        """What is to be said of the case's control; None where it is not asked for."""
        if self._rules.control is None:
            return None
        said = control_check(self._rules.control, self._rules.limits)
        return control_document(CaseControl(str(said.verdict), said.words))

    def passes(self, number: int, item: FieldInput) -> tuple[FieldInput | None, tuple[str, ...]]:
        """Judge a field.

        Parameters
        ----------
        number : int
            Its place in the case, from 1.
        item : FieldInput
            The field.

        Returns
        -------
        FieldInput or None
            What of it counts: without what an earlier field shows, with what was found in its notes. None if
            it is refused.
        tuple of str
            What is to be told.
        """
        judgement = judge(item.frame, self._white, self._earlier, self._rules.limits, self._rules.control)
        one = judgement.applied_to(FieldChoice(number))
        if one.removed:
            return None, judgement.words
        self._earlier[number] = judgement.coarse
        control = judgement.control
        notes = (*item.notes, *(w for w in judgement.words if control is None or w != control.words))
        if not one.seen_before:
            return replace(item, notes=notes), judgement.words
        there = item.regions or Regions()
        seen = tuple(Polygon((np.asarray(ring, np.float64),)) for ring in one.seen_before)
        regions = replace(there, exclude=(*there.exclude, *seen))
        return replace(item, regions=regions, notes=notes), judgement.words

"""The quality gate over image files, as the instrument applies it to captured fields."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from armicro.app.case_run import FieldInput
from armicro.contracts.stain import Vector3
from armicro.imaging.gate import GateLimits
from armicro.imaging.overlap import Coarse
from armicro.imaging.regions import Polygon, Regions
from armicro.session.case_state import FieldChoice
from armicro.session.judging import judge


class Gate:
    """Judges the fields of one case in their order.

    Parameters
    ----------
    white_rgb : tuple of 3 floats or None
        The calibrated white point.
    limits : GateLimits or None
        The limits; None takes the shipped ones.
    """

    def __init__(self, white_rgb: Vector3 | None, limits: GateLimits | None = None) -> None:
        self._white, self._limits = white_rgb, limits or GateLimits()
        self._earlier: dict[int, Coarse] = {}

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
        judgement = judge(item.frame, self._white, self._earlier, self._limits)
        one = judgement.applied_to(FieldChoice(number))
        if one.removed:
            return None, judgement.words
        self._earlier[number] = judgement.coarse
        if not one.seen_before:
            return replace(item, notes=(*item.notes, *judgement.words)), judgement.words
        there = item.regions or Regions()
        seen = tuple(Polygon((np.asarray(ring, np.float64),)) for ring in one.seen_before)
        regions = replace(there, exclude=(*there.exclude, *seen))
        return replace(item, regions=regions, notes=(*item.notes, *judgement.words)), judgement.words

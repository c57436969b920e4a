"""The quality gate's limits as a file: a laboratory sets its own."""

from __future__ import annotations

import math
from dataclasses import fields
from typing import Annotated, Literal

from pydantic import Field

from armicro.devices.file_model import FileModel
from armicro.imaging.gate import GateLimits, Limit

_Name = Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f]+$")]
_Number = Annotated[float, Field(ge=0, le=1e6)]
_Pair = Annotated[
    tuple[_Number, _Number],
    Field(strict=False, description="where it begins to warn and to refuse; left out: as shipped"),
]
_OneOrTwo = Annotated[
    tuple[_Number, ...],
    Field(strict=False, min_length=1, max_length=2, description="as the others; one number only warns"),
]


class GateLimitsFile(FileModel):
    """From where the quality gate warns and from where it refuses; units as in `GateLimits`."""

    schema_: Annotated[Literal["armicro.gate-limits/1"], Field(alias="schema")]
    name: _Name
    version: _Name
    sharpness: _Pair | None = None
    smear: _Pair | None = None
    dark: _Pair | None = None
    bright: _Pair | None = None
    tissue: _Pair | None = None
    cast: _Pair | None = None
    light: _Pair | None = None
    dim: _Pair | None = None
    brown: _Pair | None = None
    overlap: _Pair | None = None
    control: _OneOrTwo | None = None

    def limits(self) -> GateLimits:
        """Return the limits as the gate takes them."""
        given: dict[str, Limit] = {}
        for one in fields(GateLimits):
            pair = getattr(self, one.name) if one.name != "name" else None
            if pair is not None:
                given[one.name] = Limit(pair[0], pair[1] if len(pair) > 1 else math.inf)
        made = GateLimits(**given, name=f"{self.name}/{self.version}")
        _check(made)
        return made


def _check(limits: GateLimits) -> None:
    """Raise `ValueError` where a limit runs the wrong way: it would refuse what is good."""
    for one in fields(GateLimits):
        ours, shipped = getattr(limits, one.name), getattr(GateLimits(), one.name)
        if isinstance(ours, Limit) and (ours.refuse - ours.warn) * (shipped.refuse - shipped.warn) < 0:
            way = "above" if shipped.refuse > shipped.warn else "below"
            raise ValueError(f"{one.name}: it has to refuse {way} where it warns")

"""The manifest of a kept case in one file: schema `armicro.bundle/2`."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from armicro.contracts.frame import MAX_UM_PER_PX, MIN_UM_PER_PX
from armicro.store.bundle_model import MOST_FIELDS, BundleMember

CASE_BUNDLE_SCHEMA: Literal["armicro.bundle/2"] = "armicro.bundle/2"

HISTORY = "history/events.jsonl"
KEPT_MEMBER = re.compile(
    r"settings/guideline\.toml|results/case\.json|history/events\.jsonl|fields/field-[0-9]{4}\.ome\.tif"
)
"""What such a bundle may hold beside its manifest; no other name is ever looked at."""
MOST_EVENTS = 100_000

_Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
_Text = Annotated[str, Field(max_length=10_000)]
_Time = Annotated[
    str, Field(max_length=40, pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$")
]
_Whole = Annotated[int, Field(ge=0, le=2**63 - 1)]
_Signed = Annotated[int, Field(ge=-(2**63), le=2**63 - 1)]


class _Model(BaseModel):
    model_config = ConfigDict(
        extra="forbid", frozen=True, strict=True, allow_inf_nan=False, populate_by_name=True
    )


class KeptField(_Model):
    """One field as it is kept: also those that were left out, since the history speaks of them."""

    number: Annotated[int, Field(ge=1, le=MOST_FIELDS)]
    file: Annotated[str, Field(pattern=r"^fields/field-[0-9]{4}\.ome\.tif$")]
    pixel_sha256: _Sha256
    um_per_px: Annotated[float, Field(ge=MIN_UM_PER_PX, le=MAX_UM_PER_PX)]
    objective: _Text
    source: _Text
    frame_id: _Whole
    t_ns: _Signed
    press_ns: _Signed
    kept_utc: _Time


class KeptEvent(_Model):
    """A line of the history; see `LoggedEvent`."""

    seq: Annotated[int, Field(ge=1, le=MOST_EVENTS)]
    utc: _Time
    who: Annotated[str, Field(max_length=1000)]
    kind: Annotated[str, Field(pattern=r"^[a-z][a-z-]{0,40}$")]
    details: Annotated[str, Field(max_length=8_000_000)]
    hash: _Sha256


class CaseBundleManifest(_Model):
    """All that the bundle holds."""

    schema_: Literal["armicro.bundle/2"] = Field(alias="schema")
    research_use_only: _Text
    package_version: _Text
    case_id: Annotated[str, Field(min_length=1, max_length=200)]
    fields: Annotated[tuple[KeptField, ...], Field(strict=False, min_length=1, max_length=MOST_FIELDS)]
    members: Annotated[tuple[BundleMember, ...], Field(strict=False, max_length=MOST_FIELDS + 3)]

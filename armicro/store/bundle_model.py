"""The manifest of a case bundle: schema `armicro.bundle/1`."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from armicro.contracts.frame import MAX_UM_PER_PX, MIN_UM_PER_PX

BUNDLE_SCHEMA: Literal["armicro.bundle/1"] = "armicro.bundle/1"

MANIFEST = "manifest.json"
STAIN_PROFILE = "settings/stain-profile.toml"
GUIDELINE = "settings/guideline.toml"
RESULTS = "results/case.json"
MEMBER = re.compile(
    r"settings/(stain-profile|guideline)\.toml|results/case\.json|fields/field-[0-9]{4}\.ome\.tif"
)
"""What a bundle may hold beside its manifest; no other name is ever looked at."""
MOST_FIELDS = 9999

_Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
_Text = Annotated[str, Field(max_length=10_000)]
_Whole = Annotated[int, Field(ge=0, le=2**63 - 1)]
_Vertex = Annotated[tuple[float, float], Field(strict=False)]
_Ring = Annotated[tuple[_Vertex, ...], Field(strict=False)]
_Rings = Annotated[tuple[_Ring, ...], Field(strict=False)]


class _Model(BaseModel):
    model_config = ConfigDict(
        extra="forbid", frozen=True, strict=True, allow_inf_nan=False, populate_by_name=True
    )


class BundleRegions(_Model):
    """Where cells count: polygons as rings of vertices y, x in px, pixel centres at whole numbers."""

    include: Annotated[tuple[_Rings, ...], Field(strict=False)]
    exclude: Annotated[tuple[_Rings, ...], Field(strict=False)]


class BundleField(_Model):
    """One field: its file, and what a frame carries beside its pixels."""

    file: Annotated[str, Field(pattern=r"^fields/field-[0-9]{4}\.ome\.tif$")]
    stem: Annotated[str, Field(min_length=1, max_length=255, pattern=r'^[^\x00-\x1f/\\:*?"<>|]+$')]
    source: _Text
    um_per_px: Annotated[float, Field(ge=MIN_UM_PER_PX, le=MAX_UM_PER_PX)]
    objective: _Text
    frame_id: _Whole
    t_ns: Annotated[int, Field(ge=-(2**63), le=2**63 - 1)]
    pixel_sha256: _Sha256
    notes: Annotated[tuple[_Text, ...], Field(strict=False)]
    simulated: bool
    regions: BundleRegions | None


class BundleSettings(_Model):
    """What decides the case besides its pixels; profile and rule set lie beside it as files."""

    case_id: _Text
    guideline: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,100}$")]
    reading: Annotated[str, Field(max_length=100)]
    seed: _Whole
    detector: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,100}$")]
    engine: Annotated[str, Field(max_length=100)]


class BundleMember(_Model):
    """A file of the bundle."""

    name: Annotated[str, Field(max_length=100)]
    bytes: _Whole
    sha256: _Sha256


class BundleManifest(_Model):
    """All that a bundle holds."""

    schema_: Literal["armicro.bundle/1"] = Field(alias="schema")
    research_use_only: _Text
    package_version: _Text
    settings: BundleSettings
    fields: Annotated[tuple[BundleField, ...], Field(strict=False, min_length=1, max_length=MOST_FIELDS)]
    members: Annotated[tuple[BundleMember, ...], Field(strict=False, max_length=MOST_FIELDS + 3)]

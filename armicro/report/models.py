"""The models of the schema `armicro.case/1`.

They refuse unknown keys and numbers that JSON cannot carry (NaN, infinity), so a document that was written
can be read back and means the same.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from armicro.contracts.results import Scalar
from armicro.contracts.score import Status

SCHEMA_NAME: Literal["armicro.case/1"] = "armicro.case/1"

Share = Annotated[float, Field(ge=0.0, le=1.0)]
Count = Annotated[int, Field(ge=0)]
ScoreText = Literal["0", "1+", "2+", "3+"]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, populate_by_name=True)


class GuidelineDocument(_Model):
    """The rule set that judged the case."""

    name: str
    version: str


class CountsDocument(_Model):
    """Tumour cells by category."""

    intense_complete: Count
    intense_incomplete: Count
    weak_complete: Count
    weak_incomplete: Count
    faint: Count
    none: Count


class ProportionsDocument(_Model):
    """Share of all tumour cells by category, 0 to 1; null where there are no cells."""

    intense_complete: Share | None
    intense_incomplete: Share | None
    weak_complete: Share | None
    weak_incomplete: Share | None
    faint: Share | None
    none: Share | None


class DistanceDocument(_Model):
    """How far the case is from the border: percentage points (negative below it) and cells."""

    points: float
    cells: Count


class LeaveOneFieldOutDocument(_Model):
    """The score of the case without one field (counted from 0)."""

    field_index: Count
    score: ScoreText | None


class CutoffDocument(_Model):
    """The nearest border at which the score would change. Shares are 0 to 1."""

    next_score: ScoreText | None
    quantity: str
    share: Share
    threshold: float = Field(ge=0.0, description="above 1 where a cluster is larger than the case")
    count: Count = Field(description="cells that count, or that lie in the largest cluster")
    needed: Count = Field(description="cells with which the cut-off is passed")
    distance: DistanceDocument
    interval: tuple[Share, Share] = Field(description="95 % interval of share")
    method: str
    seed: int
    score_shares: dict[str, Share] = Field(description="how often each score came up among the resamples")
    leave_one_field_out: tuple[LeaveOneFieldOutDocument, ...]
    text: str
    settles: str


class QualityDocument(_Model):
    """Fitness of a field to be scored."""

    focus: float
    saturated_share: Share
    tissue_share: Share


class FieldDocument(_Model):
    """One field of view."""

    path: str
    pixel_sha256: Sha256
    um_per_px: float = Field(gt=0)
    objective: str
    calibration_id: str
    width_px: Annotated[int, Field(gt=0)]
    height_px: Annotated[int, Field(gt=0)]
    n_cells: Count = Field(description="tumour cells that take part in the score")
    n_excluded: Count = Field(description="tumour cells outside the regions that were asked for")
    n_other_nuclei: Count = Field(description="nuclei that are not of tumour cells")
    counts: CountsDocument
    quality: QualityDocument
    timings_ms: dict[str, float]
    warnings: tuple[str, ...]
    notes: tuple[str, ...]
    parameters: dict[str, Scalar] = Field(description="those that differ between the fields of the case")


class ControlDocument(_Model):
    """What the quality gate said of the case's control of the stain."""

    verdict: Literal["ok", "warn", "refuse"]
    words: str


class EnvironmentDocument(_Model):
    """Versions of what computed the case."""

    python: str
    numpy: str
    opencv: str


class ProvenanceDocument(_Model):
    """What the score was made with; enough to make it again."""

    package_version: str
    detector: str
    reading: str
    stain_profile: str
    calibration_ids: tuple[str, ...] = Field(description="of all fields, sorted")
    guideline: str
    parameters: dict[str, Scalar] = Field(description="those that all fields share")
    environment: EnvironmentDocument
    locked_as: str | None = Field(default=None, description="name of the locked settings it was made with")


class CaseDocument(_Model):
    """A scored case."""

    schema_: Literal["armicro.case/1"] = Field(alias="schema")
    research_use_only: str
    simulated: bool = Field(description="true where the fields were rendered, not recorded from tissue")
    case_id: str
    score: ScoreText | None
    status: Status
    reason: str
    annotation: str | None
    comments: tuple[str, ...]
    guideline: GuidelineDocument
    n_cells: Count
    n_fields: Count
    counts: CountsDocument
    proportions: ProportionsDocument
    cutoff: CutoffDocument | None
    fields: tuple[FieldDocument, ...]
    provenance: ProvenanceDocument
    control: ControlDocument | None = Field(
        default=None, description="the control of the stain; null where the quality gate was not asked"
    )

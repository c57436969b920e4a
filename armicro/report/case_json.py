"""The case as a JSON document: schema `armicro.case/1`.

The models of the schema are in `armicro.report.models`.
"""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import cv2
import numpy as np

from armicro.contracts.cells import CATEGORIES, Category
from armicro.contracts.results import FovResult, Provenance, Scalar
from armicro.contracts.score import RESEARCH_USE_ONLY, CaseSummary, Cutoff
from armicro.report.models import (
    SCHEMA_NAME,
    CaseDocument,
    ControlDocument,
    CountsDocument,
    CutoffDocument,
    DistanceDocument,
    EnvironmentDocument,
    FieldDocument,
    GuidelineDocument,
    LeaveOneFieldOutDocument,
    ProportionsDocument,
    ProvenanceDocument,
    QualityDocument,
    ScoreText,
)


@dataclass(frozen=True, slots=True)
class CaseField:
    """One field of a case, as the report needs it.

    Parameters
    ----------
    path : str
        Where the pixels came from.
    result : FovResult
        The reading.
    pixel_sha256 : str
        SHA-256 of the RGB pixels that were read, 64 hexadecimal digits.
    timings_ms : mapping of str to float
        Time per stage, ms; may be empty.
    notes : tuple of str
        What was done to the file on the way in ("alpha channel dropped"), in words.
    """

    path: str
    result: FovResult
    pixel_sha256: str
    timings_ms: Mapping[str, float] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def case_document(
    case_id: str,
    fields: Sequence[CaseField],
    summary: CaseSummary,
    *,
    simulated: bool = False,
    locked_as: str | None = None,
    control: ControlDocument | None = None,
) -> CaseDocument:
    """Put a scored case into the form that is written.

    Parameters
    ----------
    case_id : str
        The case's name; any text.
    fields : sequence of CaseField
        Its fields, in the order of capture.
    summary : CaseSummary
        Their counts, score and distance to the cut-off.
    simulated : bool
        Whether the fields were rendered by the simulator.
    locked_as : str or None
        Which locked settings the case was made with.
    control : ControlDocument or None
        What the quality gate said of the control of the stain.

    Returns
    -------
    CaseDocument
        The document.

    Raises
    ------
    ValueError
        If there is no field, the summary is not of these fields, or the fields were not read alike: one
        score cannot rest on two detectors, readings or stain profiles.
    """
    _check_belongs(fields, summary)
    score = summary.score
    shared, own = _split_parameters([f.result.provenance.parameters for f in fields])
    return CaseDocument(
        schema=SCHEMA_NAME,
        research_use_only=RESEARCH_USE_ONLY,
        simulated=simulated,
        case_id=_text(case_id),
        score=_score(score.score),
        status=score.status,
        reason=_text(score.reason),
        annotation=score.annotation,
        comments=tuple(map(_text, score.comments)),
        guideline=GuidelineDocument(name=score.guideline_name, version=score.guideline_version),
        n_cells=summary.n_cells,
        n_fields=summary.n_fields,
        counts=_counts(summary.counts),
        proportions=ProportionsDocument(**{c.key: summary.proportions[c] for c in CATEGORIES}),
        cutoff=None if summary.cutoff is None else _cutoff(summary.cutoff),
        fields=tuple(_field(f, p) for f, p in zip(fields, own, strict=True)),
        provenance=_provenance(fields, summary, shared, locked_as),
        control=control,
    )


def to_json(document: CaseDocument) -> str:
    """Write a document as JSON text: UTF-8 letters as they are, two spaces of indent, a last newline.

    Parameters
    ----------
    document : CaseDocument
        The document.

    Returns
    -------
    str
        The same text for the same document.
    """
    return (
        json.dumps(
            document.model_dump(mode="json", by_alias=True), ensure_ascii=False, indent=2, allow_nan=False
        )
        + "\n"
    )


def from_json(text: str) -> CaseDocument:
    """Read a document back.

    Parameters
    ----------
    text : str
        JSON text of schema `armicro.case/1`.

    Returns
    -------
    CaseDocument
        The document.

    Raises
    ------
    pydantic.ValidationError
        If it is not JSON, or not of the schema.
    """
    return CaseDocument.model_validate_json(text)


def json_schema() -> dict[str, Any]:
    """Describe the document as a JSON Schema (draft 2020-12), for other programs."""
    schema = CaseDocument.model_json_schema(by_alias=True, mode="serialization")
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def without_timings(document: CaseDocument) -> CaseDocument:
    """Leave the times out, the one part that differs between two runs over the same pixels."""
    fields = tuple(f.model_copy(update={"timings_ms": {}}) for f in document.fields)
    return document.model_copy(update={"fields": fields})


def _check_belongs(fields: Sequence[CaseField], summary: CaseSummary) -> None:
    """Refuse a summary of other fields, and fields that were not read alike."""
    if not fields:
        raise ValueError("a case document needs at least one field")
    if summary.n_fields != len(fields):
        raise ValueError(f"the summary is of {summary.n_fields} fields, but {len(fields)} were given")
    for category in CATEGORIES:
        total = sum(f.result.counts()[category] for f in fields)
        if total != summary.counts[category]:
            raise ValueError(
                f"the summary counts {summary.counts[category]} {category.key} cells, its fields {total}"
            )
    for name in ("package_version", "detector", "reading", "stain_profile"):
        values = {getattr(f.result.provenance, name) for f in fields}
        if len(values) > 1:
            raise ValueError(f"the fields of a case must share their {name}, got {sorted(values)}")


def _counts(counts: Mapping[Category, int]) -> CountsDocument:
    return CountsDocument(**{c.key: int(counts[c]) for c in CATEGORIES})


def _cutoff(cutoff: Cutoff) -> CutoffDocument:
    return CutoffDocument(
        next_score=_score(cutoff.next_score),
        quantity=cutoff.quantity,
        share=cutoff.share,
        threshold=cutoff.threshold,
        count=cutoff.count,
        needed=cutoff.needed,
        distance=DistanceDocument(points=cutoff.distance_points, cells=cutoff.distance_cells),
        interval=cutoff.interval,
        method=cutoff.method,
        seed=cutoff.seed,
        score_shares=dict(sorted(cutoff.score_shares.items())),
        leave_one_field_out=tuple(
            LeaveOneFieldOutDocument(field_index=one.field_index, score=_score(one.score))
            for one in cutoff.leave_one_out
        ),
        text=_text(cutoff.text),
        settles=_text(cutoff.settles),
    )


def _field(case_field: CaseField, own_parameters: dict[str, Scalar]) -> FieldDocument:
    result = case_field.result
    counts = result.counts()
    n_cells = sum(counts.values())
    return FieldDocument(
        path=_text(case_field.path),
        pixel_sha256=case_field.pixel_sha256,
        um_per_px=result.provenance.optics.um_per_px,
        objective=_text(result.provenance.optics.objective),
        calibration_id=_text(result.provenance.calibration_id),
        width_px=result.shape[1],
        height_px=result.shape[0],
        n_cells=n_cells,
        n_excluded=len(result.cells) - n_cells,
        n_other_nuclei=len(result.others),
        counts=_counts(counts),
        quality=QualityDocument(
            focus=float(result.quality.focus),
            saturated_share=float(result.quality.saturated_share),
            tissue_share=float(result.quality.tissue_share),
        ),
        timings_ms={stage: round(float(ms), 3) for stage, ms in case_field.timings_ms.items()},
        warnings=tuple(map(_text, result.quality.warnings)),
        notes=tuple(map(_text, case_field.notes)),
        parameters=own_parameters,
    )


def _provenance(
    fields: Sequence[CaseField],
    summary: CaseSummary,
    parameters: dict[str, Scalar],
    locked_as: str | None,
) -> ProvenanceDocument:
    first: Provenance = fields[0].result.provenance
    return ProvenanceDocument(
        package_version=first.package_version,
        detector=_text(first.detector),
        reading=_text(first.reading),
        stain_profile=_text(first.stain_profile),
        calibration_ids=tuple(sorted({_text(f.result.provenance.calibration_id) for f in fields})),
        guideline=f"{summary.score.guideline_name} {summary.score.guideline_version}",
        parameters=parameters,
        environment=EnvironmentDocument(
            python=platform.python_version(), numpy=np.__version__, opencv=cv2.__version__
        ),
        locked_as=None if locked_as is None else _text(locked_as),
    )


def _split_parameters(
    each: Sequence[Mapping[str, Scalar]],
) -> tuple[dict[str, Scalar], list[dict[str, Scalar]]]:
    """Part parameters into those that all fields share and each field's own, both sorted by name."""
    first = each[0]
    missing = object()
    shared = {
        name: first[name]
        for name in sorted(first)
        if all(other.get(name, missing) == first[name] for other in each)
    }
    own = [{name: one[name] for name in sorted(one) if name not in shared} for one in each]
    return {k: _scalar(v) for k, v in shared.items()}, [
        {k: _scalar(v) for k, v in one.items()} for one in own
    ]


def _scalar(value: Scalar) -> Scalar:
    """Make a parameter fit for JSON."""
    return _text(value) if isinstance(value, str) else value


def _score(score: str | None) -> ScoreText | None:
    """Narrow a score's type; the model refuses any other text."""
    return cast("ScoreText | None", score)


def _text(text: str) -> str:
    r"""Text that UTF-8 can carry: bytes of a file name that are no text become `\udcXX` in words."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")

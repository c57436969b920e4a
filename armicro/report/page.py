"""What the report's page shows, as plain text and numbers: the template only sets it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from armicro.contracts.cells import Category
from armicro.contracts.score import Status
from armicro.report.evidence import CategoryEvidence
from armicro.report.figures import Bar, Ruler, bars, by_category, ruler
from armicro.report.models import CaseDocument, CutoffDocument, FieldDocument
from armicro.report.shown import category_name, file_name, number, per_cent, plural, shown
from armicro.scoring.model import Guideline
from armicro.scoring.wording import percent

DISPLAY_STATUS = {
    Status.NEGATIVE: "negative",
    Status.EQUIVOCAL: "equivocal",
    Status.POSITIVE: "positive",
    Status.NOT_ASSESSABLE: "not assessable",
}
ANNOTATION_WORDS = {"low": "HER2-low", "ultralow": "HER2-ultralow", "null": "HER2-null"}


@dataclass(frozen=True, slots=True)
class CategoryLine:
    """A row of the table of categories; all text."""

    key: str
    name: str
    count: str
    percent: str
    completeness: str
    membrane_dab_od: str
    membrane_width_um: str


@dataclass(frozen=True, slots=True)
class FieldLine:
    """A field as rows and captions show it; all text but the lists."""

    number: int
    name: str
    path: str
    size: str
    n: str
    cells: str
    others: str
    percents: tuple[tuple[str, str, str], ...]
    summary: str
    without: str
    focus: str
    saturated: str
    tissue: str
    time_ms: str
    timings: tuple[tuple[str, str], ...]
    warnings: tuple[str, ...]
    notes: tuple[str, ...]
    parameters: tuple[tuple[str, str], ...]
    sha256: str
    objective: str
    calibration: str


@dataclass(frozen=True, slots=True)
class Page:
    """Everything the template sets."""

    title: str
    case_id: str
    simulated: bool
    research_use_only: str
    score: str
    status: str
    status_key: str
    annotation: str
    reason: str
    comments: tuple[str, ...]
    basis: str
    bars: tuple[Bar, ...]
    ruler: Ruler | None
    cutoff_text: str
    settles: str
    resampled: str
    method: str
    categories: tuple[CategoryLine, ...]
    has_evidence: bool
    fields: tuple[FieldLine, ...]
    n_warnings: int
    has_notes: bool
    warned: str
    control: str
    control_missed: bool
    by_grade: bool
    by_cluster: bool
    main_mark: float | None
    guideline_name: str
    guideline_title: str
    citation: str
    readings: tuple[str, ...]
    settings: tuple[tuple[str, str], ...]
    parameters: tuple[tuple[str, str], ...]
    environment: tuple[tuple[str, str], ...]


def make_page(
    document: CaseDocument, guideline: Guideline | None, evidence: Sequence[CategoryEvidence]
) -> Page:
    """Turn a case into what its page shows.

    Parameters
    ----------
    document : CaseDocument
        The case.
    guideline : Guideline or None
        Its rule set; without one the bars are of the categories, and no citation is given.
    evidence : sequence of CategoryEvidence
        May be empty.

    Returns
    -------
    Page
        Text is visible (see `shown`) but not escaped: that is the template engine's work.

    Raises
    ------
    ValueError
        If the rule set is not the one that judged the case.
    """
    named = (document.guideline.name, document.guideline.version)
    if guideline is not None and (guideline.name, guideline.version) != named:
        raise ValueError(
            f"the case was judged by {named[0]} {named[1]}, not by {guideline.name} {guideline.version}"
        )
    cutoff, provenance = document.cutoff, document.provenance
    drawn = bars(document, guideline)
    return Page(
        title=f"HER2 IHC, case {shown(document.case_id)}",
        case_id=shown(document.case_id),
        simulated=document.simulated,
        research_use_only=document.research_use_only,
        score=document.score or "",
        status=DISPLAY_STATUS[document.status],
        status_key=document.status.value,
        annotation=ANNOTATION_WORDS.get(document.annotation or "", shown(document.annotation or "")),
        reason=_sentence(document.reason),
        comments=tuple(map(_sentence, document.comments)),
        basis=f"{plural(document.n_cells, 'tumour cell')} in {plural(document.n_fields, 'field')}",
        bars=drawn,
        ruler=ruler(document, guideline),
        cutoff_text=_sentence(cutoff.text) if cutoff else "",
        settles=_sentence(cutoff.settles) if cutoff else "",
        resampled=_resampled(cutoff) if cutoff else "",
        method=f"{_sentence(cutoff.method)} Seed {cutoff.seed}." if cutoff else "",
        categories=_category_lines(document, evidence),
        has_evidence=bool(evidence),
        fields=tuple(_field_line(i, f, document) for i, f in enumerate(document.fields)),
        n_warnings=sum(len(f.warnings) for f in document.fields),
        has_notes=any(f.notes for f in document.fields),
        warned=_warned(document),
        control=_sentence(document.control.words) if document.control else "",
        control_missed=document.control is not None and document.control.verdict != "ok",
        by_grade=guideline is not None,
        by_cluster=guideline is not None and guideline.cluster is not None,
        main_mark=max((b.mark for b in drawn if b.mark is not None), default=None),
        guideline_name=shown(" ".join(named)),
        guideline_title=guideline.title if guideline else shown(named[0]),
        citation=guideline.citation.strip() if guideline else "",
        readings=guideline.readings if guideline else (),
        settings=(
            ("Rule set", shown(provenance.guideline)),
            ("Stain profile", shown(provenance.stain_profile)),
            ("Reading", shown(provenance.reading)),
            ("Nucleus detector", shown(provenance.detector)),
            ("Settings locked as", shown(provenance.locked_as or "not locked")),
            ("Instrument calibration", ", ".join(map(shown, provenance.calibration_ids))),
            *_by_hand(evidence),
        ),
        parameters=_pairs(provenance.parameters),
        environment=(
            ("armicro", provenance.package_version),
            ("Python", provenance.environment.python),
            ("NumPy", provenance.environment.numpy),
            ("OpenCV", provenance.environment.opencv),
            ("document", document.schema_),
        ),
    )


def _warned(document: CaseDocument) -> str:
    """Say how many warnings there are, and in which fields."""
    numbers = [str(i + 1) for i, f in enumerate(document.fields) if f.warnings]
    no_control = document.control is not None and document.control.verdict != "ok"
    if not numbers:
        return "No control of this run." if no_control else ""
    n = sum(len(f.warnings) for f in document.fields)
    named = f"field{'s' if len(numbers) > 1 else ''} {', '.join(numbers[:8])}"
    more = " and more" if len(numbers) > 8 else ""
    return f"{plural(n, 'warning')} in {named}{more}.{' No control of this run.' if no_control else ''}"


def _sentence(text: str) -> str:
    """Begin with a capital and end with a stop."""
    text = shown(text).strip().replace(" %", "\u00a0%")
    if not text:
        return ""
    return text[0].upper() + text[1:] + ("" if text[-1] in ".!?" else ".")


def _pairs(values: dict[str, str | int | float | bool | None]) -> tuple[tuple[str, str], ...]:
    """Parameters as name and text, in the order of the document."""
    lines = []
    for name, value in values.items():
        if isinstance(value, bool) or value is None:
            text = {True: "on", False: "off", None: "none"}[value]
        else:
            text = shown(value) if isinstance(value, str) else number(value)
        lines.append((shown(name), text))
    return tuple(lines)


def _by_hand(evidence: Sequence[CategoryEvidence]) -> tuple[tuple[str, str], ...]:
    """Tell how many cells a person set; nothing where the evidence is not at hand."""
    if not evidence:
        return ()
    n = sum(e.n_by_hand for e in evidence)
    return (("Changed by hand", plural(n, "tumour cell") if n else "no cell"),)


def _resampled(cutoff: CutoffDocument) -> str:
    """Say how often each score came up: "2+ in 83 %, 3+ in 17 % of the resamples"."""
    found = sorted(((v, k) for k, v in cutoff.score_shares.items() if v > 0), reverse=True)
    parts = [f"{'no score' if k == 'none' else k} in {100 * v:.3g}\u00a0%" for v, k in found]
    return f"{', '.join(parts)} of the resamples." if parts else ""


def _category_lines(document: CaseDocument, evidence: Sequence[CategoryEvidence]) -> tuple[CategoryLine, ...]:
    found = {e.category: e for e in evidence}

    def text(category: Category, name: str, form: str, times: float = 1.0) -> str:
        value = getattr(found.get(category), name, None)
        return "–" if value is None else form.format(times * value)

    return tuple(
        CategoryLine(
            key=category.key,
            name=category_name(category),
            count=f"{count:,}",
            percent=per_cent(percent(count, document.n_cells)) if document.n_cells else "–",
            completeness=text(category, "completeness", "{:.0f}\u00a0%", 100),
            membrane_dab_od=text(category, "membrane_dab_od", "{:.2f}"),
            membrane_width_um=text(category, "membrane_width_um", "{:.1f} µm"),
        )
        for category, count in by_category(document.counts).items()
    )


def _time(timings_ms: dict[str, float]) -> str:
    """Say how long a field took: its own total where there is one, else the sum of its stages."""
    if not timings_ms:
        return "–"
    return f"{timings_ms.get('total', sum(timings_ms.values())):,.0f} ms"


def _field_line(index: int, field: FieldDocument, document: CaseDocument) -> FieldLine:
    counts = by_category(field.counts)
    n = field.n_cells
    percents = tuple(
        (c.key, category_name(c), per_cent(percent(k, n)) if n else "–") for c, k in counts.items()
    )
    excluded = f", {field.n_excluded:,} outside the region" if field.n_excluded else ""
    without = ""
    if document.cutoff is not None:
        for one in document.cutoff.leave_one_field_out:
            if one.field_index == index:
                without = one.score or "no score"
    most = sorted(((k, c) for c, k in counts.items() if k), reverse=True)[:2]
    parts = [f"{per_cent(percent(k, n))} {category_name(c)}" for k, c in most]
    return FieldLine(
        number=index + 1,
        name=file_name(field.path),
        path=shown(field.path),
        size=f"{field.width_px:,} × {field.height_px:,} px, {field.um_per_px:.4g} µm per pixel",
        n=f"{n:,}",
        cells=plural(n, "tumour cell") + excluded,
        others=plural(field.n_other_nuclei, "other nucleus", "other nuclei"),
        percents=percents,
        summary=", ".join(parts) or "no tumour cells",
        without=without,
        focus=f"{field.quality.focus:.2f}",
        saturated=f"{100 * field.quality.saturated_share:.1f}\u00a0%",
        tissue=f"{100 * field.quality.tissue_share:.0f}\u00a0%",
        time_ms=_time(field.timings_ms),
        timings=tuple((shown(k), f"{v:,.1f} ms") for k, v in field.timings_ms.items()),
        warnings=tuple(map(_sentence, field.warnings)),
        notes=tuple(map(_sentence, field.notes)),
        parameters=_pairs(field.parameters),
        sha256=field.pixel_sha256,
        objective=shown(field.objective) or "–",
        calibration=shown(field.calibration_id),
    )

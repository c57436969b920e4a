"""The score of a case as a DICOM structured report: measurement report, TID 1500."""

from __future__ import annotations

from collections.abc import Sequence

from highdicom import sr
from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code

from armicro.contracts.cells import CATEGORIES
from armicro.contracts.score import RESEARCH_USE_ONLY
from armicro.report.dicom_ids import (
    CELLS,
    HER2_BY_IHC,
    MANUFACTURER,
    PERCENT,
    SCHEME,
    category_code,
    free_text,
    long_string,
    make_uid,
    own_code,
    share_code,
)
from armicro.report.dicom_images import Study, stamp
from armicro.report.figures import by_category
from armicro.report.models import CaseDocument, CountsDocument
from armicro.report.shown import IMAGE_ANALYSIS
from armicro.scoring.wording import percent

_STATUS = own_code("her2-status", "HER2 status by the rule set")
_ANNOTATION = own_code("her2-annotation", "Beside the HER2 score")
_N_CELLS = own_code("n-cells", "Tumour cells counted")
_N_FIELDS = own_code("n-fields", "Fields of view")
_FIELDS = Code("{fields}", "UCUM", "fields")


def case_report(study: Study, document: CaseDocument, images: Sequence[Dataset]) -> sr.ComprehensiveSR:
    """Make the structured report of a case.

    Parameters
    ----------
    study : Study
        The case.
    document : CaseDocument
        Its score.
    images : sequence of Dataset
        The images of its fields, in order; pixels are not needed.

    Returns
    -------
    ComprehensiveSR
        Complete, preliminary and unverified: a pathologist has not signed it. One measurement group for the
        case and one for each field; the reason, the rule set and the settings are comments.
    """
    groups = [_case_group(study, document)]
    for number, (image, field) in enumerate(zip(images, document.fields, strict=True), start=1):
        groups.append(
            sr.MeasurementsAndQualitativeEvaluations(
                tracking_identifier=sr.TrackingIdentifier(
                    uid=make_uid("group", study.uid, str(number)), identifier=f"field {number}"
                ),
                algorithm_id=_algorithm(document),
                measurements=_counts(field.counts, field.n_cells),
                source_images=[sr.SourceImageForMeasurementGroup(image.SOPClassUID, image.SOPInstanceUID)],
            )
        )
    content = sr.MeasurementReport(
        observation_context=_context(study, images[0]),
        procedure_reported=codes.SCT.ImagingProcedure,
        imaging_measurements=groups,
        title=codes.DCM.ImagingMeasurementReport,
        referenced_images=list(images),
    )
    for words in _comments(document):
        content[0].ContentSequence.append(
            sr.TextContentItem(codes.DCM.Comment, free_text(words), sr.RelationshipTypeValues.CONTAINS)
        )
    time = study.when.time().replace(microsecond=0)
    report = sr.ComprehensiveSR(
        evidence=list(images),
        content=content[0],
        series_instance_uid=study.series("report"),
        series_number=3,
        sop_instance_uid=make_uid("report", study.uid, document.model_dump_json(), study.when.isoformat()),
        instance_number=1,
        manufacturer=MANUFACTURER,
        manufacturer_model_name="armicro",
        software_versions=study.package_version,
        is_complete=True,
        is_final=False,
        is_verified=False,
        series_description="HER2 IHC score, research use only",
        content_date=study.when.date(),
        content_time=time,
        series_date=study.when.date(),
        series_time=time,
    )
    stamp(report, study.when)
    scheme = Dataset()
    scheme.CodingSchemeDesignator = SCHEME
    scheme.CodingSchemeName = "armicro codes"
    scheme.CodingSchemeResponsibleOrganization = MANUFACTURER
    report.CodingSchemeIdentificationSequence = [scheme]
    return report


def _case_group(study: Study, document: CaseDocument) -> sr.MeasurementsAndQualitativeEvaluations:
    score = document.score
    answer = own_code(f"her2-{score}", f"HER2 {score}") if score else own_code("her2-none", "No HER2 score")
    words = document.status.value.replace("_", " ")
    found = [
        sr.QualitativeEvaluation(HER2_BY_IHC, answer),
        sr.QualitativeEvaluation(_STATUS, own_code(document.status.value[:16], f"HER2 {words}")),
    ]
    if document.annotation:
        meaning = f"HER2-{document.annotation}"
        found.append(sr.QualitativeEvaluation(_ANNOTATION, own_code(meaning.lower()[:16], meaning)))
    return sr.MeasurementsAndQualitativeEvaluations(
        tracking_identifier=sr.TrackingIdentifier(uid=make_uid("group", study.uid), identifier="case"),
        algorithm_id=_algorithm(document),
        measurements=[
            *_counts(document.counts, document.n_cells),
            sr.Measurement(_N_FIELDS, document.n_fields, _FIELDS),
        ],
        qualitative_evaluations=found,
    )


def _counts(counts: CountsDocument, n_cells: int) -> list[sr.Measurement]:
    """Make a count for each category, and its share of all tumour cells where there are any."""
    found = [sr.Measurement(_N_CELLS, n_cells, CELLS)]
    numbers = by_category(counts)
    for category in CATEGORIES:
        found.append(sr.Measurement(category_code(category), numbers[category], CELLS))
        if n_cells:
            share = float(percent(numbers[category], n_cells))
            found.append(sr.Measurement(share_code(category), share, PERCENT))
    return found


def _algorithm(document: CaseDocument) -> sr.AlgorithmIdentification:
    provenance = document.provenance
    return sr.AlgorithmIdentification(
        name=long_string(f"armicro {provenance.reading}"),
        version=provenance.package_version,
        family=codes.DCM.ArtificialIntelligence,
        parameters=[
            free_text(f"{name}: {value}")
            for name, value in (
                ("detector", provenance.detector),
                ("rule set", provenance.guideline),
                ("stain profile", provenance.stain_profile),
            )
        ],
    )


def _context(study: Study, image: Dataset) -> sr.ObservationContext:
    specimen = image.SpecimenDescriptionSequence[0]
    return sr.ObservationContext(
        observer_device_context=sr.ObserverContext(
            codes.DCM.Device,
            sr.DeviceObserverIdentifyingAttributes(
                uid=make_uid("device", study.package_version),
                name="armicro",
                manufacturer_name=MANUFACTURER,
                model_name=f"armicro {study.package_version}",
            ),
        ),
        subject_context=sr.SubjectContext(
            codes.DCM.Specimen,
            sr.SubjectContextSpecimen(uid=specimen.SpecimenUID, identifier=specimen.SpecimenIdentifier),
        ),
    )


def _comments(document: CaseDocument) -> list[str]:
    found = [f"{IMAGE_ANALYSIS} {RESEARCH_USE_ONLY}"]
    if document.simulated:
        found.append("Simulated fields, no patient.")
    found += [document.reason, *document.comments]
    if document.cutoff is not None:
        found += [document.cutoff.text, document.cutoff.settles]
    if document.control is not None:
        found.append(document.control.words)
    for number, field in enumerate(document.fields, start=1):
        found += [f"Field {number}: {words}" for words in (*field.warnings, *field.notes)]
    return [words for words in found if words.strip()]

"""A captured field as a DICOM VL Microscopic Image, and its cells as Microscopy Bulk Simple Annotations."""

from __future__ import annotations

import copy
import io
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import highdicom as hd
import numpy as np
from highdicom.ann import AnnotationGroup, Measurements, MicroscopyBulkSimpleAnnotations
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sr.codedict import codes
from pydicom.uid import ExplicitVRLittleEndian, VLMicroscopicImageStorage

from armicro.contracts.arrays import F32, Bool
from armicro.contracts.cells import CATEGORIES
from armicro.contracts.frame import Frame
from armicro.contracts.results import FovResult
from armicro.contracts.score import RESEARCH_USE_ONLY
from armicro.report.cells_geojson import contour_xy_px
from armicro.report.dicom_ids import (
    MANUFACTURER,
    MICROMETRE,
    NO_UNIT,
    SERIAL,
    category_code,
    long_string,
    make_uid,
    own_code,
    safe_id,
)
from armicro.report.shown import category_name

_HALF_PX = 0.5


@dataclass(frozen=True, slots=True)
class Study:
    """What all objects of a case share.

    Parameters
    ----------
    case_id : str
        The case's name; any text.
    first_sha256 : str
        Of the pixels of its first field: two cases of one name are two studies.
    when : datetime
        Stamped on what is written, UTC.
    package_version : str
        armicro's version.
    simulated : bool
        Whether the fields were rendered.
    """

    case_id: str
    first_sha256: str
    when: datetime
    package_version: str
    simulated: bool = False

    @property
    def uid(self) -> str:
        """The study's identity."""
        return str(make_uid("study", self.case_id, self.first_sha256))

    def series(self, kind: str) -> str:
        """Return the identity of one of its series."""
        return str(make_uid("series", kind, self.uid))


def field_image(study: Study, frame: Frame, pixel_sha256: str, number: int) -> Dataset:
    """Make a VL Microscopic Image of a field.

    Parameters
    ----------
    study : Study
        The case.
    frame : Frame
        The field.
    pixel_sha256 : str
        Of its pixels.
    number : int
        Its number in the case, from 1.

    Returns
    -------
    Dataset
        Uncompressed, explicit little endian; with file meta information, ready to be saved.
    """
    image = Dataset()
    image.SOPClassUID = VLMicroscopicImageStorage
    image.SOPInstanceUID = make_uid("field", study.uid, pixel_sha256, str(number))
    image.file_meta = FileMetaDataset()
    image.file_meta.MediaStorageSOPClassUID = image.SOPClassUID
    image.file_meta.MediaStorageSOPInstanceUID = image.SOPInstanceUID
    image.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    image.SpecificCharacterSet = "ISO_IR 192"
    for empty in ("PatientName", "PatientBirthDate", "PatientSex", "StudyDate", "StudyTime"):
        setattr(image, empty, "")
    for empty in ("AccessionNumber", "ReferringPhysicianName", "PatientOrientation"):
        setattr(image, empty, "")
    image.PatientID = safe_id(study.case_id)
    image.StudyID = image.PatientID[:16]
    image.StudyInstanceUID = study.uid
    image.Modality = "GM"
    image.SeriesInstanceUID = study.series("fields")
    image.SeriesNumber = 1
    image.SeriesDescription = long_string(
        f"HER2 IHC fields{', simulated, no patient' if study.simulated else ''}"
    )
    image.Manufacturer = MANUFACTURER
    image.ManufacturerModelName = "armicro"
    image.SoftwareVersions = study.package_version
    image.InstanceNumber = number
    image.ImageComments = RESEARCH_USE_ONLY
    image.ImageType = ["ORIGINAL", "PRIMARY"]
    image.AcquisitionContextSequence = []
    image.BurnedInAnnotation = "NO"
    # Whether a picture was compressed before it came here is not known; the attribute may be empty.
    image.LossyImageCompression = ""
    _add_pixels(image, frame)
    _add_specimen(image, study)
    return image


def _add_pixels(image: Dataset, frame: Frame) -> None:
    height, width = frame.shape
    image.SamplesPerPixel = 3
    image.PhotometricInterpretation = "RGB"
    image.PlanarConfiguration = 0
    image.Rows, image.Columns = height, width
    image.BitsAllocated = image.BitsStored = 8
    image.HighBit, image.PixelRepresentation = 7, 0
    side_mm = f"{frame.optics.um_per_px / 1000:.10g}"[:16]
    image.PixelSpacing = [side_mm, side_mm]
    data = np.ascontiguousarray(frame.rgb).tobytes()
    image.PixelData = data + b"\x00" * (len(data) % 2)
    image["PixelData"].VR = "OB"


def _add_specimen(image: Dataset, study: Study) -> None:
    image.ContainerIdentifier = image.PatientID
    image.IssuerOfTheContainerIdentifierSequence = []
    image.ContainerTypeCodeSequence = []
    specimen = Dataset()
    specimen.SpecimenIdentifier = image.PatientID
    specimen.SpecimenUID = make_uid("specimen", study.uid)
    specimen.IssuerOfTheSpecimenIdentifierSequence = []
    specimen.SpecimenPreparationSequence = []
    image.SpecimenDescriptionSequence = [specimen]


def field_annotations(
    study: Study, image: Dataset, result: FovResult, number: int
) -> MicroscopyBulkSimpleAnnotations | None:
    """Make the annotations of a field: a group of tumour cells for each category, and the other nuclei.

    Parameters
    ----------
    study : Study
        The case.
    image : Dataset
        The field's image, as `field_image` made it; pixels are not needed.
    result : FovResult
        Its reading.
    number : int
        Its number in the case, from 1.

    Returns
    -------
    MicroscopyBulkSimpleAnnotations or None
        Coordinates are x, y in px from the upper left corner of the first pixel. None without nuclei.
    """
    groups = _groups(image, result)
    if not groups:
        return None
    # The library asks each source image for a frame of reference, which a picture of this kind has not.
    source = copy.copy(image)
    source.FrameOfReferenceUID = make_uid("frame of reference", image.SOPInstanceUID)
    name = "annotations", image.SOPInstanceUID, result.provenance.detector, result.provenance.reading
    made = MicroscopyBulkSimpleAnnotations(
        source_images=[source],
        annotation_coordinate_type="2D",
        pixel_origin_interpretation="FRAME",
        annotation_groups=groups,
        series_instance_uid=study.series("annotations"),
        series_number=2,
        sop_instance_uid=make_uid(*name, study.when.isoformat()),
        instance_number=number,
        manufacturer=MANUFACTURER,
        manufacturer_model_name="armicro",
        software_versions=study.package_version,
        device_serial_number=SERIAL,
        content_description=RESEARCH_USE_ONLY[:64],
        content_label="HER2_CELLS",
        series_description="HER2 IHC cells",
        content_date=study.when.date(),
        content_time=study.when.time().replace(microsecond=0),
        series_date=study.when.date(),
        series_time=study.when.time().replace(microsecond=0),
    )
    stamp(made, study.when)
    return made


def stamp(dataset: Dataset, when: datetime) -> None:
    """Put one time, UTC, wherever the library has put the clock's."""
    dataset.TimezoneOffsetFromUTC = "+0000"
    dataset.InstanceCreationDate = when.strftime("%Y%m%d")
    dataset.InstanceCreationTime = when.strftime("%H%M%S")
    for equipment in dataset.get("ContributingEquipmentSequence", []):
        equipment.ContributionDateTime = when.strftime("%Y%m%d%H%M%S")


def dicom_bytes(dataset: Dataset) -> bytes:
    """Return a DICOM object as the bytes of a file."""
    buffer = io.BytesIO()
    dataset.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


def _groups(image: Dataset, result: FovResult) -> list[AnnotationGroup]:
    cells = result.cells
    contours = [contour_xy_px(result, i) for i in range(len(cells))]
    with_contour = np.array([c is not None for c in contours], bool)
    centres = cells.yx_px[:, ::-1] + np.float32(_HALF_PX)
    groups: list[AnnotationGroup] = []

    def add(label: str, type_: Any, graphics: tuple[str, list[F32]], which: Bool | None) -> None:  # noqa: ANN401 - a pydicom code
        groups.append(
            AnnotationGroup(
                number=len(groups) + 1,
                uid=make_uid("group", image.SOPInstanceUID, label, graphics[0]),
                label=label,
                annotated_property_category=codes.SCT.AnatomicalStructure,
                annotated_property_type=type_,
                graphic_type=graphics[0],
                graphic_data=graphics[1],
                algorithm_type="AUTOMATIC",
                algorithm_identification=_algorithm(result),
                measurements=None if which is None else _measurements(result, which),
            )
        )

    for counted in (True, False):
        for category in CATEGORIES:
            mine = (cells.category == category) & (cells.counted == counted)
            label = category_name(category) + ("" if counted else ", not counted")
            drawn = np.flatnonzero(mine & with_contour)
            if len(drawn):
                shapes = [np.asarray(contours[i], np.float32) for i in drawn]
                add(label, category_code(category), ("POLYGON", shapes), mine & with_contour)
            alone = mine & ~with_contour
            if alone.any():
                add(label, category_code(category), ("POINT", _points(centres[alone])), alone)
    if len(result.others):
        others = _points(result.others.yx_px[:, ::-1] + np.float32(_HALF_PX))
        add("other nuclei", codes.SCT.Nucleus, ("POINT", others), None)
    return groups


def _points(xy: F32) -> list[F32]:
    return [np.asarray(p, np.float32).reshape(1, 2) for p in xy]


def _algorithm(result: FovResult) -> hd.AlgorithmIdentificationSequence:
    return hd.AlgorithmIdentificationSequence(
        name=long_string(f"armicro {result.provenance.reading}"),
        family=codes.DCM.ArtificialIntelligence,
        version=long_string(result.provenance.package_version),
        source=MANUFACTURER,
        parameters={"detector": long_string(result.provenance.detector)},
    )


def _measurements(result: FovResult, which: Bool) -> list[Measurements]:
    cells = result.cells
    named = (
        ("m-completeness", "Share of contour with membrane staining", cells.completeness, NO_UNIT),
        ("m-dab-od-mean", "Mean membrane DAB optical density", cells.membrane_dab_od, NO_UNIT),
        ("m-dab-od-p90", "90th percentile of membrane DAB OD", cells.membrane_dab_p90_od, NO_UNIT),
        ("m-width", "Membrane width", cells.membrane_width_um, MICROMETRE),
    )
    return [Measurements(own_code(key, words), values[which], unit) for key, words, values, unit in named]

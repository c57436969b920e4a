"""The DICOM objects of a case as an output: an image and annotations for each field, and one report."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from armicro.app.staging import Staging
from armicro.contracts.errors import OutputError
from armicro.contracts.results import FovResult
from armicro.report.models import CaseDocument

if TYPE_CHECKING:
    from armicro.app.case_run import FieldInput

REPORT_NAME = "case.sr.dcm"
_NO_CLOCK = datetime(2000, 1, 1, tzinfo=UTC)
"""Stands for the time of writing where two runs shall give the same bytes."""


class DicomOut:
    """Takes the fields of a case one after another; keeps no pixels.

    Parameters
    ----------
    folder : Path
        Where the objects go.
    case_id : str
        The case's name; any text.
    staging : Staging
        Takes the files.
    stems : sequence of str
        Names of the fields' files.
    reproducible : bool
        Stamp a fixed time.

    Raises
    ------
    OutputError
        If the library for it is not installed, or the folder cannot be written to.
    """

    def __init__(
        self, folder: Path, case_id: str, staging: Staging, stems: Sequence[str], *, reproducible: bool
    ) -> None:
        if importlib.util.find_spec("highdicom") is None:
            raise OutputError("--dicom needs the package highdicom: pip install 'armicro[dicom]'")
        self._folder = folder
        self._case_id = case_id
        self._staging = staging
        self._when = _NO_CLOCK if reproducible else datetime.now(UTC)
        self._study: Any = None
        self._images: list[Any] = []
        staging.folder(folder)
        staging.file(folder / REPORT_NAME)
        for stem in stems:
            staging.file(folder / f"{stem}.dcm")

    def add(self, item: FieldInput, result: FovResult, pixel_sha256: str) -> None:
        """Stage a field's image and its annotations."""
        from armicro.report.dicom_images import Study, dicom_bytes, field_annotations, field_image

        version = result.provenance.package_version
        if self._study is None:
            self._study = Study(self._case_id, pixel_sha256, self._when, version, item.simulated)
        number = len(self._images) + 1
        image = field_image(self._study, item.frame, pixel_sha256, number)
        self._staging.write_bytes(self._folder / f"{item.stem}.dcm", dicom_bytes(image))
        del image.PixelData
        self._images.append(image)
        annotations = field_annotations(self._study, image, result, number)
        if annotations is not None:
            self._staging.write_bytes(self._folder / f"{item.stem}.cells.dcm", dicom_bytes(annotations))

    def finish(self, document: CaseDocument) -> None:
        """Stage the report of the case."""
        from armicro.report.dicom_images import dicom_bytes
        from armicro.report.dicom_report import case_report

        report = case_report(self._study, document, self._images)
        self._staging.write_bytes(self._folder / REPORT_NAME, dicom_bytes(report))

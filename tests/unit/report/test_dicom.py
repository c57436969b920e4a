"""DICOM objects: read back by pydicom and highdicom, checked by dciodvfy where it is installed."""

import io
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

hd = pytest.importorskip("highdicom", reason="highdicom is not installed (the extra `dicom`)")
import pydicom  # noqa: E402

from armicro.contracts.arrays import frozen  # noqa: E402
from armicro.contracts.cells import CATEGORIES, Category  # noqa: E402
from armicro.contracts.frame import Frame, Optics  # noqa: E402
from armicro.contracts.results import FovResult  # noqa: E402
from armicro.contracts.score import RESEARCH_USE_ONLY  # noqa: E402
from armicro.report.dicom_ids import safe_id  # noqa: E402
from armicro.report.dicom_images import Study, dicom_bytes, field_annotations, field_image  # noqa: E402
from armicro.report.dicom_report import case_report  # noqa: E402

Make = Callable[..., Any]
WHEN = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)


def with_contours(result: FovResult) -> FovResult:
    n = len(result.cells)
    contour = frozen(np.full((n, 48), 4.0, np.float32))
    return replace(
        result,
        cells=replace(result.cells, contour_um=contour, contour_level=frozen(np.zeros((n, 48), np.uint8))),
    )


def frame() -> Frame:
    rgb = np.random.default_rng(1).integers(0, 255, (601, 801, 3), np.uint8)
    return Frame(rgb, 0, 0, Optics(0.25), "x")


@pytest.fixture
def objects(make_case: Make, every_category: dict[Category, int]) -> dict[str, bytes]:
    made = make_case([every_category, {Category.NONE: 30}], case_id="26-1187", simulated=True)
    study = Study("26-1187", made.fields[0].pixel_sha256, WHEN, "0.1.0", simulated=True)
    found, images = {}, []
    for number, one in enumerate(made.fields, start=1):
        image = field_image(study, frame(), one.pixel_sha256, number)
        found[f"image {number}"] = dicom_bytes(image)
        result = with_contours(one.result) if number == 1 else one.result
        annotations = field_annotations(study, image, result, number)
        assert annotations is not None
        found[f"cells {number}"] = dicom_bytes(annotations)
        images.append(image)
    found["report"] = dicom_bytes(case_report(study, made.document, images))
    return found


def test_pixels_and_scale_come_back(objects: dict[str, bytes]) -> None:
    image = pydicom.dcmread(io.BytesIO(objects["image 1"]))
    assert image.SOPClassUID == pydicom.uid.VLMicroscopicImageStorage
    assert (image.pixel_array == frame().rgb).all()
    assert [float(v) * 1000 for v in image.PixelSpacing] == [0.25, 0.25]


def test_no_patient_is_named_and_all_belong_to_one_study(objects: dict[str, bytes]) -> None:
    read = [pydicom.dcmread(io.BytesIO(data)) for data in objects.values()]
    for one in read:
        assert str(one.PatientName or "") == ""
        assert not one.PatientBirthDate
        assert not one.PatientSex
        assert one.PatientID == "26-1187"
    assert len({one.StudyInstanceUID for one in read}) == 1
    assert len({one.SOPInstanceUID for one in read}) == len(read)
    assert all(one.SOPInstanceUID.is_valid for one in read)


def test_cells_come_back_where_they_are(
    objects: dict[str, bytes], every_category: dict[Category, int]
) -> None:
    drawn = hd.ann.annread(io.BytesIO(objects["cells 1"]))
    groups = drawn.get_annotation_groups()
    assert all("CommonZCoordinateValue" not in group for group in groups)
    counts = {g.label: int(g.number_of_annotations) for g in groups}
    wanted = {c.key.replace("_", " "): n for c, n in every_category.items()}
    assert counts == wanted | {"other nuclei": 3}
    first = groups[0]
    assert first.graphic_type.value == "POLYGON"
    shapes = first.get_graphic_data(coordinate_type="2D")
    assert len(shapes) == 12
    assert shapes[0].mean(0) == pytest.approx([20.5, 20.5], abs=0.01)
    names, values, _ = first.get_measurements()
    completeness = next(i for i, n in enumerate(names) if n.value == "m-completeness")
    assert values[:, completeness] == pytest.approx(0.75)
    points = hd.ann.annread(io.BytesIO(objects["cells 2"])).get_annotation_groups()
    assert points[0].graphic_type.value == "POINT"
    image = pydicom.dcmread(io.BytesIO(objects["image 1"]))
    assert drawn.ReferencedImageSequence[0].ReferencedSOPInstanceUID == image.SOPInstanceUID


def test_the_report_tells_score_counts_and_shares(objects: dict[str, bytes]) -> None:
    report = hd.sr.srread(io.BytesIO(objects["report"]))
    assert report.VerificationFlag == "UNVERIFIED"
    assert report.PreliminaryFlag == "PRELIMINARY"
    assert report.ContentTemplateSequence[0].TemplateIdentifier == "1500"
    groups = report.content.get_image_measurement_groups()
    assert len(groups) == 3
    case = groups[0]
    said = {e.name.value: e.value.meaning for e in case.get_qualitative_evaluations()}
    assert said["18474-7"] == "HER2 2+"
    assert said["her2-status"] == "HER2 equivocal"
    numbers = {m.name.meaning: (m.value, m.unit.value) for m in case.get_measurements()}
    assert numbers["Tumour cells counted"] == (150, "{cells}")
    assert numbers["Tumour cells, intense complete"] == (12, "{cells}")
    assert numbers["Share of tumour cells, intense complete"] == (8.0, "%")
    assert numbers["Fields of view"] == (2, "{fields}")
    for category in CATEGORIES:
        assert f"Tumour cells, {category.key.replace('_', ' ')}" in numbers
    texts = [item.TextValue for item in report.ContentSequence if item.ValueType == "TEXT"]
    assert f"Quantitative image analysis was used. {RESEARCH_USE_ONLY}" in texts
    assert "Simulated fields, no patient." in texts


def test_a_case_without_a_score_says_so(make_case: Make) -> None:
    made = make_case([{Category.NONE: 0}])
    study = Study("c", made.fields[0].pixel_sha256, WHEN, "0.1.0")
    image = field_image(study, frame(), "0" * 64, 1)
    report = hd.sr.srread(io.BytesIO(dicom_bytes(case_report(study, made.document, [image]))))
    case = report.content.get_image_measurement_groups()[0]
    assert "No HER2 score" in [e.value.meaning for e in case.get_qualitative_evaluations()]


def test_the_same_case_gives_the_same_identities(objects: dict[str, bytes]) -> None:
    study = Study("26-1187", f"{0:064x}", WHEN, "0.1.0", simulated=True)
    again = field_image(study, frame(), f"{0:064x}", 1)
    assert dicom_bytes(again) == objects["image 1"]
    other = Study("26-1188", f"{0:064x}", WHEN, "0.1.0", simulated=True)
    assert field_image(other, frame(), f"{0:064x}", 1).SOPInstanceUID != again.SOPInstanceUID


def test_a_field_without_nuclei_has_no_annotations(make_result: Make) -> None:
    result = make_result({Category.NONE: 0})
    none = replace(result, others=result.others.take(np.zeros(3, bool)))
    study = Study("c", "0" * 64, WHEN, "0.1.0")
    assert field_annotations(study, field_image(study, frame(), "0" * 64, 1), none, 1) is None


@pytest.mark.parametrize("text", ["<script>", "=cmd()", "../../x", "Müller\\^Anna", "", "y" * 300, "\ud800"])
def test_ids_are_made_safe(text: str) -> None:
    made = safe_id(text)
    assert 0 < len(made) <= 64
    assert set(made) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_")
    assert made != safe_id(text + "z")


def test_hostile_text_is_written_and_read_back(make_case: Make) -> None:
    text = "a\\b\x00\n<script>\ud800"
    made = make_case([{Category.NONE: 30}], case_id=text)
    study = Study(text, made.fields[0].pixel_sha256, WHEN, "0.1.0")
    image = field_image(study, frame(), "0" * 64, 1)
    assert pydicom.dcmread(io.BytesIO(dicom_bytes(image))).PatientID == safe_id(text)
    hd.sr.srread(io.BytesIO(dicom_bytes(case_report(study, made.document, [image]))))


def test_dciodvfy_finds_no_error(objects: dict[str, bytes], tmp_path: Path) -> None:
    tool = shutil.which("dciodvfy")
    if tool is None:
        pytest.skip("dciodvfy is not installed (Debian: dicom3tools)")
    for name, data in objects.items():
        path = tmp_path / f"{name}.dcm"
        path.write_bytes(data)
        done = subprocess.run([tool, str(path)], capture_output=True, text=True, timeout=60, check=False)
        lines = (done.stdout + done.stderr).splitlines()
        # The tool says this of every flat annotation, though the attribute is not there.
        errors = [x for x in lines if "Error" in x and "<CommonZCoordinateValue> = <>" not in x]
        assert errors == [], name

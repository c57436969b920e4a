"""`armicro score`: images of a case in, score out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from armicro.app import console, options
from armicro.app.case_inputs import ImageInput, image_inputs
from armicro.app.case_run import CaseOptions, CaseOutputs, CaseWriter, FieldReader
from armicro.app.detectors import AUTO, DetectorChoice
from armicro.app.profiles import DEFAULT_STAIN_PROFILE, load_optics
from armicro.app.staging import Staging
from armicro.app.tables import headline, print_case
from armicro.assays.her2_ihc import Reading
from armicro.inference.choose import EngineName
from armicro.report.models import CaseDocument
from armicro.scoring.guidelines import DEFAULT_GUIDELINE


def score_images(
    images: Sequence[ImageInput], options_: CaseOptions, outputs: CaseOutputs, *, quiet: bool = False
) -> tuple[CaseDocument, tuple[Path, ...]]:
    """Score a case from image files and write what was asked for.

    Parameters
    ----------
    images : sequence of ImageInput
        The fields.
    options_ : CaseOptions
        Rule set, stain profile, reading.
    outputs : CaseOutputs
        What is written; all of it or nothing.
    quiet : bool
        Show no progress.

    Returns
    -------
    tuple of CaseDocument and tuple of Path
        The case and the files that were written.

    Raises
    ------
    ArmicroError
        If anything cannot be read or written.
    """
    reader = FieldReader(options_)
    with Staging(i.path for i in images) as staging:
        writer = CaseWriter(options_, outputs, staging, [i.stem for i in images])
        with console.progress("scoring", len(images), quiet=quiet) as tick:
            for number, image in enumerate(images):
                tick(number, image.path.name)
                item = image.load()
                writer.add(item, reader.read(item.frame, item.regions))
        reader.tell()
        document = writer.finish(reader.guideline)
        return document, staging.commit()


def score(
    images: Annotated[
        list[Path],
        typer.Argument(metavar="IMAGE", help="Fields of one case: PNG, JPEG, TIFF or OME-TIFF, 8 or 16 bit."),
    ],
    um_per_px: Annotated[
        list[float] | None,
        typer.Option(
            "--um-per-px",
            metavar="X",
            help="Scale, µm per pixel, where files do not tell it: once for all images, or once for each.",
        ),
    ] = None,
    optics: Annotated[
        str | None,
        typer.Option("--optics", metavar="NAME|FILE", help="Take the scale from an optics profile."),
    ] = None,
    roi: Annotated[
        list[Path] | None,
        typer.Option(
            "--roi",
            metavar="FILE.geojson",
            help="Count only inside these regions; several are matched to images by name, or in order.",
        ),
    ] = None,
    guideline: options.Guideline = DEFAULT_GUIDELINE,
    stain_profile: options.StainProfile = DEFAULT_STAIN_PROFILE,
    reading: options.CellReading = Reading.PER_CELL,
    detector: options.Detector = AUTO,
    engine: options.Engine = EngineName.AUTO,
    case_id: options.CaseId = "case",
    seed: options.Seed = 0,
    json: options.Json = None,
    cells: options.Cells = None,
    overlay: options.Overlay = None,
    report: options.Report = None,
    geojson: options.Geojson = None,
    pdf: options.Pdf = None,
    dicom: options.Dicom = None,
    reproducible: options.Reproducible = False,
    quiet: options.Quiet = False,
) -> None:
    """Score a case from images of its fields.

    Counts of all fields are summed, then judged. Outputs appear all at once at the end, or not at all.
    """
    inputs = image_inputs(images, um_per_px or [], load_optics(optics) if optics else None, roi or [])
    document, written = score_images(
        inputs,
        CaseOptions(case_id, guideline, stain_profile, reading, seed, DetectorChoice(detector, engine)),
        CaseOutputs(json, cells, overlay, report, reproducible, geojson, pdf, dicom),
        quiet=quiet,
    )
    if quiet:
        console.results().print(headline(document))
    else:
        print_case(console.results(), document, written)

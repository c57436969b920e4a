"""`armicro score`: images of a case, or its bundle, in; score out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Protocol

import typer

from armicro.app import console, options
from armicro.app.bundle_in import SUFFIX, load_case
from armicro.app.case_inputs import image_inputs
from armicro.app.case_run import CaseOptions, CaseOutputs, CaseWriter, FieldInput, FieldReader
from armicro.app.controls import ControlAsk, StainingRun, WithoutControl
from armicro.app.detectors import AUTO, DetectorChoice
from armicro.app.gated import Gate, GateRules
from armicro.app.kept_bundle import score_kept
from armicro.app.profiles import (
    DEFAULT_GATE_LIMITS,
    DEFAULT_STAIN_PROFILE,
    load_gate_limits,
    load_optics,
)
from armicro.app.settings_lock import require_identity, under_lock
from armicro.app.staging import Staging
from armicro.app.tables import headline, print_case
from armicro.assays.her2_ihc import Reading
from armicro.contracts.errors import InputError
from armicro.inference.choose import EngineName
from armicro.report.models import CaseDocument
from armicro.scoring.guidelines import DEFAULT_GUIDELINE
from armicro.store.archive import schema_of
from armicro.store.case_bundle_model import CASE_BUNDLE_SCHEMA

_SETTINGS = (
    "um_per_px", "optics", "roi", "guideline", "stain_profile", "reading", "detector", "engine", "case_id",
    "seed", "gate", "gate_limits", "staining_run", "without_control",
)  # fmt: skip


class Loadable(Protocol):
    """A field that will be read."""

    @property
    def path(self) -> Path:
        """The file it comes from."""
        ...

    @property
    def stem(self) -> str:
        """Names its output files."""
        ...

    def load(self) -> FieldInput:
        """Read it; raises `InputError`."""
        ...


def score_images(
    images: Sequence[Loadable],
    options_: CaseOptions,
    outputs: CaseOutputs,
    *,
    quiet: bool = False,
    reader: FieldReader | None = None,
    gated: GateRules | None = None,
) -> tuple[CaseDocument, tuple[Path, ...]]:
    """Score a case from image files and write what was asked for.

    Parameters
    ----------
    images : sequence of Loadable
        The fields.
    options_ : CaseOptions
        Rule set, stain profile, reading.
    outputs : CaseOutputs
        What is written; all of it or nothing.
    quiet : bool
        Show no progress.
    reader : FieldReader or None
        Reads the fields; None makes one of the options.
    gated : GateRules or None
        Leave out what the quality gate refuses by these, and count once what several fields show.

    Returns
    -------
    tuple of CaseDocument and tuple of Path
        The case and the files that were written.

    Raises
    ------
    ArmicroError
        If anything cannot be read or written.
    """
    reader = reader or FieldReader(options_)
    gate = None if gated is None else Gate(reader.recipe.profile.white_rgb, gated)
    scored = 0
    with Staging(i.path for i in images) as staging:
        writer = CaseWriter(options_, outputs, staging, [i.stem for i in images])
        with console.progress("scoring", len(images), quiet=quiet) as tick:
            for number, image in enumerate(images):
                tick(number, image.stem)
                item: FieldInput | None = image.load()
                if gate is not None and item is not None:
                    item, words = gate.passes(number + 1, item)
                    for text in (*words, *(() if item is not None else ("left out of the score",))):
                        console.note(f"{image.path.name}: {text}")
                if item is not None:
                    writer.add(item, reader.read(item.frame, item.regions))
                    scored += 1
            if not scored:
                raise InputError("the quality gate refused every field, so there is nothing to score")
        reader.tell()
        writer.say_control(None if gate is None else gate.control)
        document = writer.finish(reader.guideline)
        return document, staging.commit()


def score_bundle(
    path: Path, outputs: CaseOutputs, *, quiet: bool = False
) -> tuple[CaseDocument, tuple[Path, ...], str]:
    """Score a case again from its bundle, with the bundle's own settings.

    Parameters
    ----------
    path : Path
        The bundle.
    outputs : CaseOutputs
        What is written; all of it or nothing.
    quiet : bool
        Show no progress.

    Returns
    -------
    tuple of CaseDocument, tuple of Path, and str
        The case, the files that were written, and whether it came out as before, in words.

    Raises
    ------
    ArmicroError
        If anything cannot be read or written.
    """
    if schema_of(path) == CASE_BUNDLE_SCHEMA:
        with console.progress("scoring", None, quiet=quiet) as tick:
            document, written, (same, words) = score_kept(
                path, outputs, console.note, lambda done, total: tick(done, f"field {done} of {total}")
            )
        if quiet and not same:
            console.note(words)
        return document, written, words
    case = load_case(path)
    reader = FieldReader(case.options, profile=case.profile, guideline=case.guideline)
    document, written = score_images(case.images, case.options, outputs, quiet=quiet, reader=reader)
    same, words = case.compare(document)
    if quiet and not same:
        console.note(words)
    return document, written, words


def _only_bundle(images: Sequence[Path], context: typer.Context) -> Path | None:
    """Return the bundle that was named; None where images were.

    Raises
    ------
    InputError
        If other inputs or settings stand beside it: a bundle has its own.
    """
    bundles = [p for p in images if p.suffix.lower() == SUFFIX]
    if not bundles:
        return None
    if len(images) > 1:
        raise InputError(f"{bundles[0]}: a bundle is a whole case, give it alone")
    for name in _SETTINGS:
        source = context.get_parameter_source(name)
        if source is not None and source.name == "COMMANDLINE":
            option = "--" + name.replace("_", "-")
            raise InputError(f"{bundles[0]}: a bundle is scored with its own settings, leave out {option}")
    return bundles[0]


def score(
    context: typer.Context,
    images: Annotated[
        list[Path],
        typer.Argument(
            metavar="IMAGE",
            help="Fields of one case: PNG, JPEG, TIFF or OME-TIFF, 8 or 16 bit; or one case bundle (.zip).",
        ),
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
    bundle: options.Bundle = None,
    gate: Annotated[
        bool,
        typer.Option(
            "--gate",
            help="Leave out fields that the quality gate refuses, and count once what several show.",
        ),
    ] = False,
    gate_limits: options.GateLimitsName = DEFAULT_GATE_LIMITS,
    staining_run: StainingRun = "",
    without_control: WithoutControl = "",
    reproducible: options.Reproducible = False,
    quiet: options.Quiet = False,
) -> None:
    """Score a case from images of its fields.

    Counts of all fields are summed, then judged. Outputs appear all at once at the end, or not at all.
    """
    outputs = CaseOutputs(json, cells, overlay, report, reproducible, geojson, pdf, dicom, bundle)
    verdict = ""
    packed = _only_bundle(images, context)
    if packed is not None:
        document, written, verdict = score_bundle(packed, outputs, quiet=quiet)
    else:
        inputs = image_inputs(images, um_per_px or [], load_optics(optics) if optics else None, roi or [])
        choice = DetectorChoice(detector, engine)
        case = under_lock(CaseOptions(case_id, guideline, stain_profile, reading, seed, choice))
        reader = FieldReader(case)
        if case.locked_as is not None:
            require_identity(reader.recipe.detector.identity)
        rules = None
        if gate:
            seen = ControlAsk(staining_run, without_control).today()(case_id)
            rules = GateRules(load_gate_limits(gate_limits), seen)
        elif staining_run or without_control or gate_limits != DEFAULT_GATE_LIMITS:
            raise InputError("--gate-limits, --staining-run and --without-control are for --gate: give it")
        document, written = score_images(inputs, case, outputs, quiet=quiet, reader=reader, gated=rules)
    if quiet:
        console.results().print(headline(document))
    else:
        print_case(console.results(), document, written)
        if verdict:
            console.results().print(verdict)

"""From frames to a written case: what `score`, `replay` and `demo` have in common."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from armicro.app import console
from armicro.app.bundle_out import BundleOut
from armicro.app.detectors import DetectorChoice, make_detector
from armicro.app.dicom_out import DicomOut
from armicro.app.profiles import DEFAULT_STAIN_PROFILE, load_stain_profile
from armicro.app.staging import Staging
from armicro.app.timing import StageClock
from armicro.assays.her2_ihc import Her2IhcRecipe, Reading, analyse
from armicro.contracts.frame import Frame
from armicro.contracts.pictures import FieldPicture
from armicro.contracts.results import FovResult
from armicro.contracts.stain import StainProfile
from armicro.imaging.regions import Regions
from armicro.inference.choose import Say
from armicro.overlay import OverlayStyle, compose, draw_overlay
from armicro.overlay.picture import field_picture
from armicro.report.case_json import CaseField, case_document, to_json
from armicro.report.cells_csv import cells_csv
from armicro.report.cells_geojson import cells_geojson
from armicro.report.evidence import category_evidence
from armicro.report.html import case_html
from armicro.report.models import CaseDocument, ControlDocument
from armicro.scoring.case import FieldCells, summarise
from armicro.scoring.guidelines import DEFAULT_GUIDELINE, Guideline, load_guideline


@dataclass(frozen=True, slots=True)
class CaseOptions:
    """What decides a case besides its pixels.

    Parameters
    ----------
    case_id : str
        The case's name; any text.
    guideline : str
        Name of the rule set.
    stain_profile : str
        Name or path of the stain profile.
    reading : Reading
        How cells are read.
    seed : int
        Of the bootstrap.
    detector : DetectorChoice
        What finds nuclei.
    locked_as : str or None
        Which locked settings these are.
    stain_profile_text, guideline_text : str
        Their files, where they do not come from this installation; they are passed on in a bundle.
    """

    case_id: str = "case"
    guideline: str = DEFAULT_GUIDELINE
    stain_profile: str = DEFAULT_STAIN_PROFILE
    reading: Reading = Reading.PER_CELL
    seed: int = 0
    detector: DetectorChoice = DetectorChoice()
    stain_profile_text: str = ""
    guideline_text: str = ""
    locked_as: str | None = None


@dataclass(frozen=True, slots=True)
class CaseOutputs:
    """Where a case is written; None leaves that output out.

    Parameters
    ----------
    json, report : Path or None
        Files.
    cells, overlay, geojson, dicom : Path or None
        Folders; one file per field in each, two in the last, and the report.
    pdf, bundle : Path or None
        Files.
    reproducible : bool
        Leave out what depends on the clock, so that two runs give the same bytes.
    """

    json: Path | None = None
    cells: Path | None = None
    overlay: Path | None = None
    report: Path | None = None
    reproducible: bool = False
    geojson: Path | None = None
    pdf: Path | None = None
    dicom: Path | None = None
    bundle: Path | None = None


@dataclass(frozen=True, slots=True)
class FieldInput:
    """A field on its way in.

    Parameters
    ----------
    frame : Frame
        Its pixels and identity; `frame.source` is the path that the case tells.
    stem : str
        Names its output files.
    notes : tuple of str
        What was done to the file on its way in.
    regions : Regions or None
        Where cells count.
    simulated : bool
        Whether it was rendered, not recorded from tissue.
    """

    frame: Frame
    stem: str
    notes: tuple[str, ...] = ()
    regions: Regions | None = None
    simulated: bool = False


@dataclass(frozen=True, slots=True)
class TimedResult:
    """The reading of one field, with milliseconds by stage."""

    result: FovResult
    timings_ms: dict[str, float]


class FieldReader:
    """Reads fields with one recipe; used by one thread at a time.

    Parameters
    ----------
    options : CaseOptions
        Names of profile, guideline, reading and detector.
    say : callable
        Shows a line that the user has to see: about an engine that takes long, or is not the one asked for.
    profile : StainProfile or None
        Used in place of the one that the options name.
    guideline : Guideline or None
        Used in place of the one that the options name.

    Raises
    ------
    ProfileError, GuidelineError, EngineError
        If one of them cannot be loaded.
    """

    def __init__(
        self,
        options: CaseOptions,
        say: Say = console.note,
        *,
        profile: StainProfile | None = None,
        guideline: Guideline | None = None,
    ) -> None:
        self._say = say
        self.guideline: Guideline = guideline or load_guideline(options.guideline)
        profile = profile or load_stain_profile(options.stain_profile)
        self._made = make_detector(options.detector, say)
        self.recipe = Her2IhcRecipe(profile, self._made.detector, options.reading)
        self._clock = StageClock()
        self.tell()

    def tell(self) -> None:
        """Show what has come up about the engine since the last time: another one than was asked for, say."""
        for text in self._made.news():
            self._say(text)

    def read(self, frame: Frame, regions: Regions | None = None) -> TimedResult:
        """Read one field and time its stages."""
        begin = time.perf_counter_ns()
        result = analyse(frame, self.recipe, regions=regions, stages=self._clock)
        timings = self._clock.take_ms()
        timings["total"] = (time.perf_counter_ns() - begin) / 1e6
        return TimedResult(result, timings)


class CaseWriter:
    """Takes the fields of a case one after another and stages what is written of each.

    No more than one field's pixels are held at a time; of the others, reduced pictures for the report.

    Parameters
    ----------
    options : CaseOptions
        What the case is.
    outputs : CaseOutputs
        Where it goes.
    staging : Staging
        Takes the files; committed by the caller.
    stems : sequence of str
        Names of the fields' output files; reserved at once, so that a folder which cannot be written to is
        found before any work is done.
    """

    def __init__(
        self, options: CaseOptions, outputs: CaseOutputs, staging: Staging, stems: Sequence[str]
    ) -> None:
        self._options = options
        self._outputs = outputs
        self._staging = staging
        self._fields: list[CaseField] = []
        self._pictures: list[FieldPicture] = []
        self._simulated = False
        self._control: ControlDocument | None = None
        for target in (outputs.json, outputs.report, outputs.pdf):
            if target is not None:
                staging.file(target)
        for folder in (outputs.cells, outputs.overlay, outputs.geojson):
            if folder is not None:
                staging.folder(folder)
        for stem in stems:
            for target in self._targets(stem):
                staging.file(target)

        self._bundle = None if outputs.bundle is None else BundleOut(outputs.bundle, options, staging)
        self._dicom = (
            DicomOut(outputs.dicom, options.case_id, staging, stems, reproducible=outputs.reproducible)
            if outputs.dicom is not None
            else None
        )

    def _targets(self, stem: str) -> list[Path]:
        out = self._outputs
        named = (
            (out.cells, "cells.csv"),
            (out.overlay, "overlay.png"),
            (out.geojson, "cells.geojson"),
        )
        return [folder / f"{stem}.{ending}" for folder, ending in named if folder is not None]

    def add(self, item: FieldInput, timed: TimedResult) -> None:
        """Take a field and stage its cells and overlay."""
        begin = time.perf_counter_ns()
        rgb, result = item.frame.rgb, timed.result
        if self._outputs.cells is not None:
            self._staging.write_text(self._outputs.cells / f"{item.stem}.cells.csv", cells_csv(result))
        if self._outputs.overlay is not None:
            picture = compose(rgb, draw_overlay(result, OverlayStyle()))
            self._staging.write_png(self._outputs.overlay / f"{item.stem}.overlay.png", picture)
        sha256 = hashlib.sha256(np.ascontiguousarray(rgb).data).hexdigest()
        if self._outputs.geojson is not None:
            target = self._outputs.geojson / f"{item.stem}.cells.geojson"
            self._staging.write_text(target, cells_geojson(result, sha256))
        if self._outputs.report is not None or self._outputs.pdf is not None:
            self._pictures.append(field_picture(item.frame.source, rgb, result))
        if self._dicom is not None:
            self._dicom.add(item, result, sha256)
        if self._bundle is not None:
            self._bundle.add(item)
        self._simulated |= item.simulated
        timings = timed.timings_ms | {"outputs": (time.perf_counter_ns() - begin) / 1e6}
        self._fields.append(
            CaseField(
                path=item.frame.source,
                result=result,
                pixel_sha256=sha256,
                timings_ms={} if self._outputs.reproducible else timings,
                notes=item.notes,
            )
        )

    def say_control(self, control: ControlDocument | None) -> None:
        """Say what the quality gate found of the case's control of the stain."""
        self._control = control

    def name(self, case_id: str, locked_as: str | None) -> None:
        """Say which case it is, and by which locked settings, where that changed on the way."""
        self._options = replace(self._options, case_id=case_id, locked_as=locked_as)

    def finish(self, guideline: Guideline) -> CaseDocument:
        """Score the case and stage its document and report.

        Parameters
        ----------
        guideline : Guideline
            The rules.

        Returns
        -------
        CaseDocument
            The case.
        """
        summary = summarise(
            [FieldCells.of(f.result) for f in self._fields], guideline, seed=self._options.seed
        )
        document = case_document(
            self._options.case_id,
            self._fields,
            summary,
            simulated=self._simulated,
            locked_as=self._options.locked_as,
            control=self._control,
        )
        if self._outputs.json is not None:
            self._staging.write_text(self._outputs.json, to_json(document))
        if self._outputs.report is not None:
            evidence = category_evidence([f.result for f in self._fields])
            page = case_html(document, self._pictures, guideline, evidence)
            self._staging.write_text(self._outputs.report, page)
        if self._dicom is not None:
            self._dicom.finish(document)
        if self._bundle is not None:
            self._bundle.finish(document)
        if self._outputs.pdf is not None:
            # Setting type takes a library that no other output needs.
            from armicro.report.pdf import case_pdf

            evidence = category_evidence([f.result for f in self._fields])
            self._staging.write_bytes(
                self._outputs.pdf, case_pdf(document, self._pictures, guideline, evidence)
            )
        return document

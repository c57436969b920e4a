"""A kept case as one file, out and in: whole, with its history, and read again by what was decided."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from armicro import __version__
from armicro.app.bundle_in import compare, require_results, trusted_guideline
from armicro.app.case_again import KeptCase, Progress, nearest_detector, read_again, told_by
from armicro.app.case_run import CaseOptions, CaseOutputs, CaseWriter, FieldInput, TimedResult
from armicro.app.gated import control_document
from armicro.app.profile_writing import stain_profile_text
from armicro.app.staging import Staging
from armicro.assays.recipe import Her2IhcRecipe
from armicro.contracts.errors import ArmicroError, InputError, OutputError
from armicro.contracts.frame import Frame
from armicro.devices.image_files import frame_text
from armicro.imaging.regions import require_within
from armicro.inference.choose import Say
from armicro.report.case_json import to_json, without_timings
from armicro.report.models import CaseDocument
from armicro.scoring.guidelines import guideline_text
from armicro.scoring.model import Guideline
from armicro.session.case_state import FieldChoice
from armicro.session.field_notes import case_control, field_notes
from armicro.store.case_bundle import CaseBundle, CaseContent, read_case_bundle, write_case_bundle
from armicro.store.casebook import CaseBook


@dataclass(frozen=True, slots=True)
class KeptSource:
    """Where a kept case comes from, and how it is read.

    Parameters
    ----------
    case : KeptCase
        What its history says.
    recipe : Her2IhcRecipe
        How its fields are read.
    frame_of : callable
        From a field's number to its pixels.
    """

    case: KeptCase
    recipe: Her2IhcRecipe
    frame_of: Callable[[int], Frame]

    @property
    def counting(self) -> tuple[FieldChoice, ...]:
        """The fields that count."""
        return tuple(f for f in self.case.choice.fields if not f.removed)


def write_kept(
    source: KeptSource, outputs: CaseOutputs, staging: Staging, frames: Path | None, progress: Progress
) -> CaseDocument:
    """Read a kept case again and stage what is asked for.

    Parameters
    ----------
    source : KeptSource
        The case.
    outputs : CaseOutputs
        What is written; a bundle is not among it.
    staging : Staging
        Takes the files.
    frames : Path or None
        Folder for the fields as PNG.
    progress : callable
        Told how many of how many fields are read.

    Returns
    -------
    CaseDocument
        The case.

    Raises
    ------
    ArmicroError
        If a field cannot be read, no field counts, or nothing can be written.
    """
    case, counting = source.case, source.counting
    if not counting:
        raise InputError(f"case {case.name!r} has no field that counts")
    options = CaseOptions(
        case.name,
        case.choice.guideline.name,
        case.choice.profile.name,
        case.reading,
        case.seed,
        locked_as=case.locked_as,
    )
    writer = CaseWriter(
        options, replace(outputs, bundle=None), staging, [f"field-{f.number:03d}" for f in counting]
    )
    for done, one in enumerate(counting):
        progress(done, len(counting))
        frame, stem = source.frame_of(one.number), f"field-{one.number:03d}"
        simulated = one.number in case.simulated
        if one.regions is not None:
            require_within(one.regions, frame.shape)
        if frames is not None:
            staging.folder(frames)
            staging.write_png(frames / f"{stem}.png", frame.rgb, frame_text(frame, simulated=simulated))
        result = read_again(case, source.recipe, one, frame)
        item = FieldInput(frame, stem, field_notes(one), one.regions, simulated)
        writer.add(item, TimedResult(result, {}))
    writer.say_control(control_document(case_control(counting)))
    return writer.finish(case.choice.guideline)


def stage_bundle(
    target: Path, content: CaseContent, frame_of: Callable[[int], Frame], staging: Staging
) -> None:
    """Stage a kept case as one file.

    Raises
    ------
    OutputError
        If it cannot be written.
    """
    try:
        write_case_bundle(staging.file(target), content, frame_of)
    except (OSError, ValueError) as error:
        why = str(getattr(error, "strerror", None) or error).splitlines()[0]
        raise OutputError(f"{target}: the bundle cannot be written ({why})") from error


def content_of(book: CaseBook, case: KeptCase, document: CaseDocument) -> CaseContent:
    """Return what of a case in the store goes into a bundle beside its pixels."""
    return CaseContent(
        case.name,
        book.fields(case.name),
        case.events,
        guideline_text(case.choice.guideline.name),
        to_json(without_timings(document)),
        __version__,
    )


def case_in(bundle: CaseBundle, load: Callable[[str], Guideline] | None = None) -> KeptCase:
    """Return what a bundle's history says of its case.

    Parameters
    ----------
    bundle : CaseBundle
        The bundle.
    load : callable or None
        From a rule set's name to the rules; None takes the bundle's own, which must not contradict those that
        are known here.

    Raises
    ------
    InputError
        If the history does not tell how the case was read, or tells what cannot be.
    """

    def own(name: str) -> Guideline:
        return trusted_guideline(bundle.path, name, bundle.guideline)

    require_results(bundle.path, bundle.results)
    try:
        case = told_by(bundle.name, bundle.events, bundle.numbers, load or own)
        stain_profile_text(case.choice.profile)  # refuses what could be no profile
    except ArmicroError as error:
        told = str(error)
        raise InputError(told if told.startswith(str(bundle.path)) else f"{bundle.path}: {told}") from error
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"{bundle.path}: its history does not tell how it was read") from error
    return case


def score_kept(
    path: Path, outputs: CaseOutputs, say: Say, progress: Progress
) -> tuple[CaseDocument, tuple[Path, ...], tuple[bool, str]]:
    """Score a kept case again from its bundle.

    Returns
    -------
    tuple of CaseDocument, tuple of Path, and (bool, str)
        The case, what was written, and whether it came out as it was, with words.

    Raises
    ------
    ArmicroError
        If it cannot be read or nothing can be written.
    """
    bundle = read_case_bundle(path)
    case = case_in(bundle)
    recipe = Her2IhcRecipe(case.choice.profile, nearest_detector(case.detector, say).detector, case.reading)
    with Staging([path]) as staging:
        if outputs.bundle is not None:
            stage_bundle(outputs.bundle, bundle.content(), bundle.frame, staging)
        document = write_kept(KeptSource(case, recipe, bundle.frame), outputs, staging, None, progress)
        written = staging.commit()
    return document, written, compare(bundle.results, document)

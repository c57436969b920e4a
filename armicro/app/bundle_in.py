"""A case bundle as an input: scored again with its own settings."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from armicro.app.case_run import CaseOptions, FieldInput
from armicro.app.detectors import DetectorChoice
from armicro.app.profiles import parse_stain_profile
from armicro.app.staging import unique_stems
from armicro.assays.her2_ihc import Reading
from armicro.contracts.errors import GuidelineError, InputError
from armicro.contracts.stain import StainProfile
from armicro.imaging.regions import Polygon, Regions, require_within
from armicro.inference.choose import EngineName
from armicro.report.case_json import to_json, without_timings
from armicro.report.models import CaseDocument
from armicro.scoring.guidelines import guideline_names, guideline_text
from armicro.scoring.model import Guideline
from armicro.scoring.rulefile import parse_guideline
from armicro.store.bundle import Bundle, read_bundle
from armicro.store.bundle_model import GUIDELINE, STAIN_PROFILE, BundleRegions

SUFFIX = ".zip"


@dataclass(frozen=True, slots=True)
class BundledImage:
    """A field of a bundle that will be scored; like `ImageInput`.

    Parameters
    ----------
    path : Path
        The bundle.
    stem : str
        Names the field's output files.
    bundle : Bundle
        Holds its pixels.
    index : int
        Which field, from 0.
    """

    path: Path
    stem: str
    bundle: Bundle
    index: int

    def load(self) -> FieldInput:
        """Read the field.

        Raises
        ------
        InputError
            If it was changed or damaged.
        """
        about = self.bundle.manifest.fields[self.index]
        frame = self.bundle.frame(self.index)
        regions = None if about.regions is None else _regions(self.path, about.regions)
        if regions is not None:
            require_within(regions, frame.shape)
        return FieldInput(frame, self.stem, about.notes, regions, about.simulated)


@dataclass(frozen=True, slots=True)
class BundledCase:
    """A case to be scored again.

    Parameters
    ----------
    images : tuple of BundledImage
        Its fields.
    options : CaseOptions
        Its settings.
    profile : StainProfile
        Its stain profile.
    guideline : Guideline
        Its rule set.
    results : str
        The result that it was closed with: JSON.
    """

    images: tuple[BundledImage, ...]
    options: CaseOptions
    profile: StainProfile
    guideline: Guideline
    results: str

    def compare(self, document: CaseDocument) -> tuple[bool, str]:
        """Tell whether the case came out as it did before, and say so in a line for the user."""
        return compare(self.results, document)


def compare(results: str, document: CaseDocument) -> tuple[bool, str]:
    """Tell whether a case came out as its bundle has it, and say so in a line for the user."""
    now = to_json(without_timings(document))
    if now == results:
        return True, "The result is the one in the bundle, byte for byte."
    before = CaseDocument.model_validate_json(results)
    # An older armicro wrote fewer keys: written again they are all there.
    if to_json(before) == now:
        return True, "The result is the one in the bundle."
    other_versions = before.provenance != document.provenance
    if other_versions and to_json(before.model_copy(update={"provenance": document.provenance})) == now:
        return True, "The result is the one in the bundle; only versions of programs differ."
    why = " (made with other versions or another engine)" if other_versions else ""
    old, new = before.score or "no score", document.score or "no score"
    return False, f"The result differs from the one in the bundle{why}: {old} there, {new} now."


def require_results(path: Path, results: str) -> None:
    """Raise `InputError` where a bundle's result is none."""
    try:
        CaseDocument.model_validate_json(results)
    except ValueError as error:
        raise InputError(f"{path}: its result is not of the schema armicro.case/1") from error


def load_case(path: Path) -> BundledCase:
    """Read a bundle as a case to be scored.

    Parameters
    ----------
    path : Path
        The bundle.

    Returns
    -------
    BundledCase
        The case.

    Raises
    ------
    InputError
        If it is no bundle, was changed, or asks for what this installation does not have.
    """
    bundle = read_bundle(path)
    settings = bundle.manifest.settings
    try:
        reading, engine = Reading(settings.reading), EngineName(settings.engine)
    except ValueError as error:
        raise InputError(f"{path}: {error}: use the version of armicro that wrote it") from error
    require_results(path, bundle.results)
    profile = parse_stain_profile(bundle.stain_profile, f"{path}: {STAIN_PROFILE}")
    options = CaseOptions(
        case_id=settings.case_id,
        guideline=settings.guideline,
        reading=reading,
        seed=settings.seed,
        detector=DetectorChoice(settings.detector, engine),
        stain_profile_text=bundle.stain_profile,
        guideline_text=bundle.guideline,
    )
    stems = unique_stems(f.stem for f in bundle.manifest.fields)
    images = tuple(BundledImage(path, stem, bundle, i) for i, stem in enumerate(stems))
    rules = trusted_guideline(path, settings.guideline, bundle.guideline)
    return BundledCase(images, options, profile, rules, bundle.results)


def trusted_guideline(path: Path, name: str, text: str) -> Guideline:
    """Take a bundle's rule set; refuse other rules under the name and version of those known here."""
    try:
        theirs = parse_guideline(text, name)
    except GuidelineError as error:
        raise GuidelineError(f"{path}: {GUIDELINE}: {error}") from error
    if name in guideline_names() and text != guideline_text(name):
        ours = parse_guideline(guideline_text(name), name)
        if ours.version == theirs.version:
            raise GuidelineError(
                f"{path}: its rule set calls itself {name} {theirs.version}, but is not the one of "
                "this name and version: do not trust the bundle"
            )
    return theirs


def _regions(path: Path, document: BundleRegions) -> Regions:
    def polygon(rings: tuple[tuple[tuple[float, float], ...], ...]) -> Polygon:
        return Polygon(tuple(np.array(ring, np.float64).reshape(-1, 2) for ring in rings))

    try:
        return Regions(tuple(map(polygon, document.include)), tuple(map(polygon, document.exclude)))
    except InputError as error:
        raise InputError(f"{path}: a region in it is not valid: {error}") from error

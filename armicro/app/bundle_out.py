"""A case bundle as an output: written while the case is scored."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import ValidationError

from armicro.app.detectors import AUTO, CLASSICAL, detector_names
from armicro.app.profiles import stain_profile_text
from armicro.app.staging import Staging
from armicro.contracts.errors import OutputError
from armicro.contracts.frame import Frame
from armicro.imaging.regions import Polygon, Regions
from armicro.report.case_json import to_json, without_timings
from armicro.report.models import CaseDocument
from armicro.scoring.guidelines import guideline_text
from armicro.store.bundle import BundleWriter
from armicro.store.bundle_model import (
    GUIDELINE,
    RESULTS,
    STAIN_PROFILE,
    BundleRegions,
    BundleSettings,
)

if TYPE_CHECKING:
    from armicro.app.case_run import CaseOptions, FieldInput


class BundleOut:
    """Takes the fields of a case one after another.

    Parameters
    ----------
    target : Path
        The bundle.
    options : CaseOptions
        What the case is.
    staging : Staging
        Takes the file.

    Raises
    ------
    OutputError
        If it cannot be written.
    ProfileError, GuidelineError
        If the profile or the rule set cannot be read.
    """

    def __init__(self, target: Path, options: CaseOptions, staging: Staging) -> None:
        self._target = target
        self._options = options
        # Read at once: the file of a profile may change while fields are scored.
        self._profile = options.stain_profile_text or stain_profile_text(options.stain_profile)
        self._guideline = options.guideline_text or guideline_text(options.guideline)
        part = staging.file(target)
        try:
            self._writer = BundleWriter(part)
        except OSError as error:
            raise self._refused(error) from error

    def add(self, item: FieldInput) -> None:
        """Write a field's pixels and what is known of them."""
        frame = item.frame
        named = Frame(frame.rgb, frame.frame_id, frame.t_ns, frame.optics, _text(frame.source))
        about = {
            "stem": re.sub(r'[\x00-\x1f/\\:*?"<>|]', "_", _text(item.stem)) or "field",
            "notes": tuple(map(_text, item.notes)),
            "simulated": item.simulated,
            "regions": None if item.regions is None else regions_document(item.regions),
        }
        try:
            self._writer.add_field(named, about)
        except (OSError, ValueError) as error:
            raise self._refused(error) from error

    def finish(self, document: CaseDocument) -> None:
        """Write settings, rules and result."""
        options, provenance = self._options, document.provenance
        texts = {
            STAIN_PROFILE: self._profile,
            GUIDELINE: self._guideline,
            RESULTS: to_json(without_timings(document)),
        }
        try:
            settings = BundleSettings(
                case_id=document.case_id,
                guideline=options.guideline,
                reading=str(options.reading),
                seed=options.seed,
                detector=_detector_name(options.detector.name, provenance.detector),
                engine=str(options.detector.engine),
            )
            self._writer.finish(settings, provenance.package_version, texts)
        except (OSError, ValueError) as error:
            raise self._refused(error) from error

    def _refused(self, error: OSError | ValueError) -> OutputError:
        if isinstance(error, ValidationError):
            why = error.errors(include_url=False, include_input=False)[0]["msg"]
        else:
            why = str(getattr(error, "strerror", None) or error)
        return OutputError(f"{self._target}: the bundle cannot be written ({why})")


def regions_document(regions: Regions) -> BundleRegions:
    """Return regions as a bundle holds them: the same numbers to the last bit."""

    def rings(polygon: Polygon) -> tuple[tuple[tuple[float, float], ...], ...]:
        return tuple(tuple((float(y), float(x)) for y, x in ring.tolist()) for ring in polygon.rings)

    return BundleRegions(
        include=tuple(map(rings, regions.include)), exclude=tuple(map(rings, regions.exclude))
    )


def _detector_name(asked: str, identity: str) -> str:
    """Return the name by which the detector that was used is asked for: never "auto"."""
    if asked != AUTO:
        return asked
    name = identity.split("/", maxsplit=1)[0]
    return name if name in detector_names() else CLASSICAL


def _text(text: str) -> str:
    return text.encode("utf-8", "backslashreplace").decode("utf-8")

"""A kept case in one zip file: all of its pixels, its whole history with the hash chain, rules and result.

What was done to the case is not told twice: it is read from the history, as it is for a case in the store.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from pydantic import ValidationError

from armicro.contracts.errors import InputError, StoreError
from armicro.contracts.frame import Frame
from armicro.contracts.score import RESEARCH_USE_ONLY
from armicro.store.archive import (
    Archive,
    field_frame,
    json_of,
    opened,
    read_manifest,
    read_text,
    require_listed,
    schema_of,
)
from armicro.store.bundle_model import GUIDELINE, MANIFEST, MOST_FIELDS, RESULTS
from armicro.store.case_bundle_model import (
    CASE_BUNDLE_SCHEMA,
    HISTORY,
    KEPT_MEMBER,
    MOST_EVENTS,
    CaseBundleManifest,
    KeptEvent,
    KeptField,
)
from armicro.store.casebook import KeptFile, checked_name
from armicro.store.chain import LoggedEvent, first_break


@dataclass(frozen=True, slots=True)
class CaseContent:
    """What of a kept case goes into a bundle beside its pixels.

    Parameters
    ----------
    name : str
        The case's.
    fields : sequence of KeptFile
        All that are kept.
    events : sequence of LoggedEvent
        All of its history.
    guideline : str
        Text of its rule set.
    results : str
        The case as JSON, without what depends on the clock.
    package_version : str
        Of the armicro that wrote it.
    """

    name: str
    fields: Sequence[KeptFile]
    events: Sequence[LoggedEvent]
    guideline: str
    results: str
    package_version: str


def write_case_bundle(path: Path, content: CaseContent, frame_of: Callable[[int], Frame]) -> None:
    """Write a kept case into one file; the same case gives the same bytes.

    Parameters
    ----------
    path : Path
        Made anew.
    content : CaseContent
        The case.
    frame_of : callable
        From a field's number to its pixels.

    Raises
    ------
    OSError
        If it cannot be written.
    ValueError
        If it does not fit the schema: too many fields or events, a text that is too long.
    """
    if len(content.fields) > MOST_FIELDS or len(content.events) > MOST_EVENTS:
        raise ValueError(f"a bundle holds at most {MOST_FIELDS} fields and {MOST_EVENTS} events")
    archive, fields = Archive(path), []
    for one in content.fields:
        frame, file = frame_of(one.number), f"fields/field-{one.number:04d}.ome.tif"
        archive.add_field(file, frame, one.number, one.sha256)
        fields.append(
            KeptField(
                number=one.number, file=file, pixel_sha256=one.sha256, um_per_px=frame.optics.um_per_px,
                objective=frame.optics.objective, source=frame.source, frame_id=frame.frame_id,
                t_ns=frame.t_ns, press_ns=one.press_ns, kept_utc=one.kept_utc,
            )
        )  # fmt: skip
    lines = [KeptEvent.model_validate(asdict(e)) for e in content.events]
    archive.add_text(HISTORY, "".join(f"{_line(one)}\n" for one in lines))
    archive.add_text(GUIDELINE, content.guideline)
    archive.add_text(RESULTS, content.results)
    archive.finish(
        CaseBundleManifest(
            schema=CASE_BUNDLE_SCHEMA,
            research_use_only=RESEARCH_USE_ONLY,
            package_version=content.package_version,
            case_id=content.name,
            fields=tuple(fields),
            members=tuple(archive.members),
        )
    )


def _line(event: KeptEvent) -> str:
    return json.dumps(event.model_dump(), ensure_ascii=False, sort_keys=True, separators=(",", ":"))


@dataclass(frozen=True, slots=True)
class CaseBundle:
    """A kept case in a file that was read; its pixels stay there until they are asked for.

    Parameters
    ----------
    path : Path
        The file.
    manifest : CaseBundleManifest
        What it holds.
    events : tuple of LoggedEvent
        The history; its chain holds, and it speaks of just these fields.
    guideline, results : str
        Its texts, checked against their hashes.
    """

    path: Path
    manifest: CaseBundleManifest
    events: tuple[LoggedEvent, ...]
    guideline: str
    results: str

    @property
    def name(self) -> str:
        """The case's name."""
        return self.manifest.case_id

    @property
    def numbers(self) -> tuple[int, ...]:
        """Of its fields."""
        return tuple(one.number for one in self.manifest.fields)

    def frame(self, number: int) -> Frame:
        """Return a field, checked against the hashes of its file and of its pixels.

        Raises
        ------
        InputError
            If there is none of that number, the file was changed or damaged, or is no picture.
        """
        about = next((f for f in self.manifest.fields if f.number == number), None)
        if about is None:
            raise InputError(f"{self.path}: it holds no field {number}")
        return field_frame(self.path, about, self.manifest.members)

    def content(self) -> CaseContent:
        """Return what it holds beside the pixels, as it was written."""
        fields = [
            KeptFile(f.number, self.path / f.file, f.pixel_sha256, f.press_ns, f.kept_utc)
            for f in self.manifest.fields
        ]
        return CaseContent(
            self.name, fields, self.events, self.guideline, self.results, self.manifest.package_version
        )


def read_case_bundle(path: Path) -> CaseBundle:
    """Read the bundle of a kept case, and check that its parts fit together.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    CaseBundle
        The case; pixels are read and checked when they are asked for.

    Raises
    ------
    InputError
        In one line with the file's name: it is no such bundle, is damaged, was changed, or is of a newer
        version.
    """
    schema = schema_of(path)
    if schema != CASE_BUNDLE_SCHEMA:
        raise InputError(
            f"{path}: its schema is {schema!r}, a kept case is {CASE_BUNDLE_SCHEMA}: write it with armicro "
            "case export --bundle, or use a newer armicro"
        )
    with opened(path) as archive:
        strange = [n for n in archive.namelist() if n != MANIFEST and not KEPT_MEMBER.fullmatch(n)]
        if strange:
            raise InputError(f"{path}: it holds {strange[0][:80]!r}, which no case bundle has")
        manifest = read_manifest(path, archive, CaseBundleManifest)
        wanted = [HISTORY, GUIDELINE, RESULTS, *(f.file for f in manifest.fields)]
        listed = require_listed(path, archive, manifest.members, wanted)
        history, guideline, results = (
            read_text(path, archive, listed[name]) for name in (HISTORY, GUIDELINE, RESULTS)
        )
    _require_name(path, manifest.case_id)
    events = _events(path, history)
    _require_together(path, manifest, events)
    return CaseBundle(path, manifest, events, guideline, results)


def _require_name(path: Path, name: str) -> None:
    try:
        fits = checked_name(name) == name
    except StoreError as error:
        raise InputError(f"{path}: {error}") from error
    if not fits:
        raise InputError(f"{path}: its case's name begins or ends with a blank")


def _events(path: Path, history: str) -> tuple[LoggedEvent, ...]:
    lines = history.split("\n")
    if lines[-1] or len(lines) - 1 > MOST_EVENTS:
        raise InputError(f"{path}: its history is cut off, or has more than {MOST_EVENTS} events")
    found = []
    for number, line in enumerate(lines[:-1], start=1):
        where = f"{path}: event {number} of its history"
        try:
            one = KeptEvent.model_validate(json_of(where, line))
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            key = ".".join(str(p) for p in first["loc"])
            raise InputError(f"{where} is not valid: {key}: {first['msg']}") from error
        if not isinstance(json_of(f"{where}, its details,", one.details), dict):
            raise InputError(f"{where} has no details")
        found.append(LoggedEvent(one.seq, one.utc, one.who, one.kind, one.details, one.hash))
    return tuple(found)


def _require_together(path: Path, manifest: CaseBundleManifest, events: Sequence[LoggedEvent]) -> None:
    """Check the history's chain, and that it tells of the fields that are there and of no others."""
    broken = first_break(manifest.case_id, events)
    if broken is not None:
        raise InputError(
            f"{path}: its history was altered: event {broken} does not fit its chain; do not trust the bundle"
        )
    told = [
        (d.get("number"), d.get("sha256"))
        for d in (json.loads(e.details) for e in events if e.kind == "kept")
    ]
    there = [(f.number, f.pixel_sha256) for f in manifest.fields]
    if told != there or [n for n, _ in there] != list(range(1, len(there) + 1)):
        raise InputError(f"{path}: its fields are not those of its history; do not trust the bundle")

"""A whole case in one zip file: pixels, settings, rules and result, each with its SHA-256."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from armicro.contracts.errors import InputError
from armicro.contracts.frame import Frame
from armicro.contracts.score import RESEARCH_USE_ONLY
from armicro.store.archive import (
    Archive,
    field_frame,
    opened,
    read_manifest,
    read_text,
    require_listed,
    schema_of,
)
from armicro.store.bundle_model import (
    BUNDLE_SCHEMA,
    GUIDELINE,
    MANIFEST,
    MEMBER,
    MOST_FIELDS,
    RESULTS,
    STAIN_PROFILE,
    BundleField,
    BundleManifest,
    BundleSettings,
)
from armicro.store.field_files import pixels_sha256


class BundleWriter:
    """Writes a bundle field by field; between the calls the file is closed.

    Parameters
    ----------
    path : Path
        Made anew.
    """

    def __init__(self, path: Path) -> None:
        self._archive = Archive(path)
        self._fields: list[BundleField] = []

    def add_field(self, frame: Frame, about: Mapping[str, object]) -> None:
        """Add a field.

        Parameters
        ----------
        frame : Frame
            Its pixels, scale and identity.
        about : mapping
            `stem`, `notes`, `simulated` and `regions` of its `BundleField`.

        Raises
        ------
        OSError
            If it cannot be written.
        ValueError
            If it does not fit the schema, or there are too many.
        """
        number = len(self._fields) + 1
        if number > MOST_FIELDS:
            raise ValueError(f"a bundle holds at most {MOST_FIELDS} fields")
        name, sha256 = f"fields/field-{number:04d}.ome.tif", pixels_sha256(frame.rgb)
        self._fields.append(
            BundleField.model_validate(
                {
                    "file": name, "source": frame.source, "um_per_px": frame.optics.um_per_px,
                    "objective": frame.optics.objective, "frame_id": frame.frame_id, "t_ns": frame.t_ns,
                    "pixel_sha256": sha256, **about,
                }
            )
        )  # fmt: skip
        self._archive.add_field(name, frame, number, sha256)

    def finish(self, settings: BundleSettings, package_version: str, texts: Mapping[str, str]) -> None:
        """Add settings and result, and the manifest.

        Parameters
        ----------
        settings : BundleSettings
            What decides the case besides its pixels.
        package_version : str
            armicro's version.
        texts : mapping of str to str
            The texts `STAIN_PROFILE`, `GUIDELINE` and `RESULTS`.

        Raises
        ------
        OSError
            If they cannot be written.
        ValueError
            If one is missing.
        """
        if set(texts) != {STAIN_PROFILE, GUIDELINE, RESULTS}:
            raise ValueError(f"a bundle needs profile, rule set and results, got {sorted(texts)}")
        for name, text in texts.items():
            self._archive.add_text(name, text)
        manifest = BundleManifest(
            schema=BUNDLE_SCHEMA,
            research_use_only=RESEARCH_USE_ONLY,
            package_version=package_version,
            settings=settings,
            fields=tuple(self._fields),
            members=tuple(self._archive.members),
        )
        self._archive.finish(manifest)


@dataclass(frozen=True, slots=True)
class Bundle:
    """A bundle that was read; its pixels stay in the file until they are asked for.

    Parameters
    ----------
    path : Path
        The file.
    manifest : BundleManifest
        What it holds.
    stain_profile, guideline, results : str
        Its texts, checked against their hashes.
    """

    path: Path
    manifest: BundleManifest
    stain_profile: str
    guideline: str
    results: str

    def frame(self, index: int) -> Frame:
        """Return a field, counted from 0, checked against the hashes of its file and of its pixels.

        Raises
        ------
        InputError
            If the file was changed or damaged, or is no picture of the kind that a bundle holds.
        """
        return field_frame(self.path, self.manifest.fields[index], self.manifest.members)


def read_bundle(path: Path) -> Bundle:
    """Read a bundle's manifest and texts, and check that it holds what it says and nothing else.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    Bundle
        The case; pixels are read and checked when they are asked for.

    Raises
    ------
    InputError
        In one line with the file's name: it is no bundle, is damaged, was changed, or is of a newer version.
    """
    if schema_of(path) != BUNDLE_SCHEMA:
        raise InputError(
            f"{path}: its schema is {schema_of(path)!r}, this program reads {BUNDLE_SCHEMA}: use the "
            "version of armicro that wrote it, or a newer one"
        )
    with opened(path) as archive:
        strange = [n for n in archive.namelist() if n != MANIFEST and not MEMBER.fullmatch(n)]
        if strange:
            raise InputError(f"{path}: it holds {strange[0][:80]!r}, which no case bundle has")
        manifest = read_manifest(path, archive, BundleManifest)
        wanted = [STAIN_PROFILE, GUIDELINE, RESULTS, *(f.file for f in manifest.fields)]
        listed = require_listed(path, archive, manifest.members, wanted)
        texts = [read_text(path, archive, listed[name]) for name in (STAIN_PROFILE, GUIDELINE, RESULTS)]
    return Bundle(path, manifest, *texts)

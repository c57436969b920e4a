"""A whole case in one zip file: pixels, settings, rules and result, each with its SHA-256.

Nothing is unpacked to disk, so no name inside can reach out of a folder; still, only the names of the schema
are taken. Pictures are stored as they are, texts are compressed.
"""

from __future__ import annotations

import hashlib
import io
import json
import lzma
import uuid
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tifffile
from pydantic import ValidationError

from armicro.contracts.arrays import U8, frozen
from armicro.contracts.errors import InputError
from armicro.contracts.frame import Frame, Optics
from armicro.contracts.score import RESEARCH_USE_ONLY
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
    BundleMember,
    BundleSettings,
)
from armicro.store.field_files import pixels_sha256, write_tiff

MOST_TEXT_BYTES = 100_000_000
MOST_FIELD_BYTES = 4_000_000_000
MOST_PIXELS = 1_000_000_000
"""Limits of what is read into memory: of a text, of a field's file, and of its pixels."""

_DAMAGE = (
    zipfile.BadZipFile, zlib.error, lzma.LZMAError, OSError, EOFError, LookupError, ValueError, RuntimeError,
)  # fmt: skip
"""What reading a damaged zip file can raise; an unknown compression is a RuntimeError."""
_NAMESPACE = uuid.UUID("6b0b7b7e-9a43-5f0e-8f0a-1f4c5a2a9e11")
_DATE = (1980, 1, 1, 0, 0, 0)


class BundleWriter:
    """Writes a bundle field by field; between the calls the file is closed.

    Parameters
    ----------
    path : Path
        Made anew.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._fields: list[BundleField] = []
        self._members: list[BundleMember] = []
        with zipfile.ZipFile(path, "w"):
            pass

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
        buffer = io.BytesIO()
        write_tiff(buffer, frame, Path(name).name, str(uuid.uuid5(_NAMESPACE, f"{number} {sha256}")))
        self._put(name, buffer.getvalue(), zipfile.ZIP_STORED)

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
            self._put(name, text.encode("utf-8"), zipfile.ZIP_DEFLATED)
        manifest = BundleManifest(
            schema=BUNDLE_SCHEMA,
            research_use_only=RESEARCH_USE_ONLY,
            package_version=package_version,
            settings=settings,
            fields=tuple(self._fields),
            members=tuple(self._members),
        )
        text = json.dumps(manifest.model_dump(mode="json", by_alias=True), ensure_ascii=False, indent=1)
        self._put(MANIFEST, (text + "\n").encode("utf-8"), zipfile.ZIP_DEFLATED)

    def _put(self, name: str, data: bytes, how: int) -> None:
        entry = zipfile.ZipInfo(name, _DATE)
        entry.compress_type, entry.external_attr, entry.create_system = how, 0o600 << 16, 3
        with zipfile.ZipFile(self._path, "a") as archive:
            archive.writestr(entry, data)
        self._members.append(
            BundleMember(name=name, bytes=len(data), sha256=hashlib.sha256(data).hexdigest())
        )


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
        about = self.manifest.fields[index]
        with _opened(self.path) as archive:
            data = _member(self.path, archive, _listed(self.path, self.manifest)[about.file])
        rgb = _pixels(f"{self.path}: {about.file}", data)
        if pixels_sha256(rgb) != about.pixel_sha256:
            raise InputError(f"{self.path}: {about.file} does not hold the pixels that the manifest names")
        return Frame(rgb, about.frame_id, about.t_ns, Optics(about.um_per_px, about.objective), about.source)


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
    with _opened(path) as archive:
        entries = archive.infolist()
        names = [e.filename for e in entries]
        if MANIFEST not in names:
            raise InputError(f"{path}: it is not a case bundle: it has no {MANIFEST}")
        strange = [n for n in names if n != MANIFEST and not MEMBER.fullmatch(n)]
        if strange:
            raise InputError(f"{path}: it holds {strange[0][:80]!r}, which no case bundle has")
        if len(set(names)) != len(names):
            raise InputError(f"{path}: it holds two files of one name")
        manifest = _manifest(path, _read(path, archive, MANIFEST, MOST_TEXT_BYTES))
        listed = _listed(path, manifest)
        missing = sorted(set(listed) ^ (set(names) - {MANIFEST}))
        if missing:
            raise InputError(f"{path}: the manifest and the files do not fit: {missing[0][:80]}")
        texts = [
            _text(path, name, _member(path, archive, listed[name]))
            for name in (STAIN_PROFILE, GUIDELINE, RESULTS)
        ]
    return Bundle(path, manifest, *texts)


def _opened(path: Path) -> zipfile.ZipFile:
    if not path.is_file():
        raise InputError(
            f"{path}: no such file" if not path.exists() else f"{path}: it is not a regular file"
        )
    try:
        return zipfile.ZipFile(path)
    except _DAMAGE as error:
        raise InputError(f"{path}: it is not a zip file, or is cut off: make the bundle again") from error


def _manifest(path: Path, data: bytes) -> BundleManifest:
    try:
        raw = json.loads(_text(path, MANIFEST, data))
    except (json.JSONDecodeError, RecursionError) as error:
        raise InputError(f"{path}: its manifest is not JSON") from error
    schema = raw.get("schema") if isinstance(raw, dict) else None
    if schema != BUNDLE_SCHEMA:
        raise InputError(
            f"{path}: its schema is {str(schema)[:40]!r}, this program reads {BUNDLE_SCHEMA}: use the "
            "version of armicro that wrote it, or a newer one"
        )
    try:
        return BundleManifest.model_validate(raw)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(p) for p in first["loc"])
        raise InputError(f"{path}: its manifest is not valid: {where}: {first['msg']}") from error


def _listed(path: Path, manifest: BundleManifest) -> dict[str, BundleMember]:
    """Return the members by name, having checked that each field and text is listed once."""
    listed = {m.name: m for m in manifest.members}
    wanted = [STAIN_PROFILE, GUIDELINE, RESULTS, *(f.file for f in manifest.fields)]
    if len(listed) != len(manifest.members) or sorted(wanted) != sorted(listed):
        raise InputError(f"{path}: its manifest does not list every file exactly once")
    return listed


def _member(path: Path, archive: zipfile.ZipFile, member: BundleMember) -> bytes:
    """Read a member and check it against the manifest."""
    most = MOST_FIELD_BYTES if member.name.startswith("fields/") else MOST_TEXT_BYTES
    data = _read(path, archive, member.name, most)
    if len(data) != member.bytes or hashlib.sha256(data).hexdigest() != member.sha256:
        raise InputError(
            f"{path}: {member.name} was changed or damaged after the bundle was made: its SHA-256 differs "
            "from the manifest's; get the bundle again from where it came"
        )
    return data


def _read(path: Path, archive: zipfile.ZipFile, name: str, most: int) -> bytes:
    """Read a member, never more than `most` bytes whatever its header claims."""
    try:
        entry = archive.getinfo(name)
        if entry.file_size > most:
            raise InputError(f"{path}: {name} has more than {most // 10**6} MB")
        if entry.flag_bits & 1:
            raise InputError(f"{path}: {name} is encrypted, which no case bundle is")
        with archive.open(entry) as file:
            data = file.read(entry.file_size + 1)
    except _DAMAGE as error:
        raise InputError(f"{path}: {name} is damaged: get the bundle again from where it came") from error
    return data


def _text(path: Path, name: str, data: bytes) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: {name} is not text in UTF-8") from error


def _pixels(where: str, data: bytes) -> U8:
    """Decode a field's file, having looked at its header first."""
    try:
        with tifffile.TiffFile(io.BytesIO(data)) as file:
            page = file.pages.first
            fault = _fault(tuple(page.shape), page.dtype)
            rgb = np.zeros((0, 0, 3), np.uint8) if fault else np.asarray(page.asarray())
    except Exception as error:  # a damaged file can make the reader fail in any way
        raise InputError(f"{where}: cannot be decoded ({type(error).__name__})") from error
    if fault:
        raise InputError(f"{where}: {fault}")
    return frozen(np.ascontiguousarray(rgb))


def _fault(shape: tuple[int, ...], dtype: object) -> str:
    """Say in words why a picture of this header is not decoded; empty where it is."""
    if len(shape) != 3 or shape[2] != 3 or dtype != np.uint8:
        return "is not an RGB picture of 8 bit"
    if shape[0] * shape[1] > MOST_PIXELS:
        return f"has more than {MOST_PIXELS // 10**6} million pixels"
    return ""

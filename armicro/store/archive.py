"""What every bundle has in common: a zip of named members, each with its SHA-256 in a manifest.

Nothing is unpacked to disk, so no name inside can reach out of a folder; still, only the names of a schema
are taken. Sizes are limited before anything is read.
"""

from __future__ import annotations

import hashlib
import io
import json
import lzma
import math
import uuid
import zipfile
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Protocol, TypeVar

import numpy as np
import tifffile
from pydantic import BaseModel, ValidationError

from armicro.contracts.arrays import U8, frozen
from armicro.contracts.errors import InputError
from armicro.contracts.frame import Frame, Optics
from armicro.store.bundle_model import MANIFEST, BundleMember
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
_ModelT = TypeVar("_ModelT", bound=BaseModel)


class Archive:
    """A bundle that is being written, member by member; between the calls the file is closed.

    Parameters
    ----------
    path : Path
        Made anew.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.members: list[BundleMember] = []
        with zipfile.ZipFile(path, "w"):
            pass

    def add_text(self, name: str, text: str) -> None:
        """Add a text, compressed."""
        self._put(name, text.encode("utf-8"), zipfile.ZIP_DEFLATED)

    def add_field(self, name: str, frame: Frame, number: int, sha256: str) -> None:
        """Add a field's pixels as an OME-TIFF; the same pixels give the same bytes."""
        buffer = io.BytesIO()
        write_tiff(buffer, frame, Path(name).name, str(uuid.uuid5(_NAMESPACE, f"{number} {sha256}")))
        self._put(name, buffer.getvalue(), zipfile.ZIP_STORED)

    def finish(self, manifest: BaseModel) -> None:
        """Add the manifest."""
        text = json.dumps(manifest.model_dump(mode="json", by_alias=True), ensure_ascii=False, indent=1)
        self.add_text(MANIFEST, text + "\n")

    def _put(self, name: str, data: bytes, how: int) -> None:
        entry = zipfile.ZipInfo(name, _DATE)
        entry.compress_type, entry.external_attr, entry.create_system = how, 0o600 << 16, 3
        with zipfile.ZipFile(self._path, "a") as archive:
            archive.writestr(entry, data)
        self.members.append(BundleMember(name=name, bytes=len(data), sha256=hashlib.sha256(data).hexdigest()))


def opened(path: Path) -> zipfile.ZipFile:
    """Open a bundle. Raises `InputError` if there is no such file, or it is no zip."""
    if not path.is_file():
        raise InputError(
            f"{path}: no such file" if not path.exists() else f"{path}: it is not a regular file"
        )
    try:
        return zipfile.ZipFile(path)
    except _DAMAGE as error:
        raise InputError(f"{path}: it is not a zip file, or is cut off: make the bundle again") from error


def schema_of(path: Path) -> str:
    """Return what a bundle says it is. Raises `InputError` if it is no bundle."""
    with opened(path) as archive:
        raw = _manifest_json(path, archive)
    return str(raw.get("schema"))[:40]


def read_manifest(path: Path, archive: zipfile.ZipFile, model: type[_ModelT]) -> _ModelT:
    """Read the manifest of a bundle whose schema is known.

    Raises
    ------
    InputError
        If it is not of the model.
    """
    raw = _manifest_json(path, archive)
    try:
        return model.model_validate(raw)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(p) for p in first["loc"])
        raise InputError(f"{path}: its manifest is not valid: {where}: {first['msg']}") from error


def _manifest_json(path: Path, archive: zipfile.ZipFile) -> dict[str, Any]:
    if MANIFEST not in archive.namelist():
        raise InputError(f"{path}: it is not a case bundle: it has no {MANIFEST}")
    raw = json_of(f"{path}: its manifest", read_text_entry(path, archive, MANIFEST))
    if not isinstance(raw, dict):
        raise InputError(f"{path}: its manifest is not a JSON object")
    return raw


def json_of(where: str, text: str) -> Any:  # noqa: ANN401 - JSON is anything
    """Read JSON with finite numbers alone.

    Raises
    ------
    InputError
        If it is none, is nested too deeply, or holds NaN, Infinity or a number beyond the range of numbers.
    """
    try:
        return json.loads(text, parse_constant=_refuse_constant, parse_float=_finite)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{where} is not JSON that can be taken") from error


def _refuse_constant(name: str) -> float:
    raise ValueError(name)


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(text)
    return value


def require_listed(
    path: Path, archive: zipfile.ZipFile, members: Iterable[BundleMember], wanted: Iterable[str]
) -> dict[str, BundleMember]:
    """Return the members by name, having checked that manifest and archive hold what is wanted, each once.

    Raises
    ------
    InputError
        If they do not.
    """
    names, members = archive.namelist(), tuple(members)
    if len(set(names)) != len(names):
        raise InputError(f"{path}: it holds two files of one name")
    listed = {m.name: m for m in members}
    if len(listed) != len(members) or sorted(wanted) != sorted(listed):
        raise InputError(f"{path}: its manifest does not list every file exactly once")
    missing = sorted(set(listed) ^ (set(names) - {MANIFEST}))
    if missing:
        raise InputError(f"{path}: the manifest and the files do not fit: {missing[0][:80]}")
    return listed


def read_member(path: Path, archive: zipfile.ZipFile, member: BundleMember) -> bytes:
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


def read_text(path: Path, archive: zipfile.ZipFile, member: BundleMember) -> str:
    """Read a text and check it against the manifest."""
    return _text(path, member.name, read_member(path, archive, member))


def read_text_entry(path: Path, archive: zipfile.ZipFile, name: str) -> str:
    """Read a text that stands in no manifest: the manifest itself."""
    return _text(path, name, _read(path, archive, name, MOST_TEXT_BYTES))


def _text(path: Path, name: str, data: bytes) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: {name} is not text in UTF-8") from error


class FieldEntry(Protocol):
    """What a manifest says of a field, as far as reading its pixels needs it."""

    file: str
    source: str
    um_per_px: float
    objective: str
    frame_id: int
    t_ns: int
    pixel_sha256: str


def field_frame(path: Path, about: FieldEntry, members: Iterable[BundleMember]) -> Frame:
    """Read a field out of a bundle, checked against the hashes of its file and of its pixels.

    Raises
    ------
    InputError
        If the file was changed or damaged, or is no picture of the kind that a bundle holds.
    """
    member = next(m for m in members if m.name == about.file)
    with opened(path) as archive:
        data = read_member(path, archive, member)
    rgb = pixels_of(f"{path}: {about.file}", data)
    if pixels_sha256(rgb) != about.pixel_sha256:
        raise InputError(f"{path}: {about.file} does not hold the pixels that the manifest names")
    return Frame(rgb, about.frame_id, about.t_ns, Optics(about.um_per_px, about.objective), about.source)


def pixels_of(where: str, data: bytes) -> U8:
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

"""The manifest of trained networks, and the check that a file is the one it names.

A network decides about a score, so a file is not loaded unless its size and SHA-256 are those of its entry.
ONNX is the only format read: it holds arithmetic and no code, unlike a pickle.
"""

from __future__ import annotations

import hashlib
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from armicro.contracts.errors import EngineError

MANIFEST = "manifest.toml"
MAX_BYTES = 20_000_000
"""A nucleus detector is far smaller; anything larger was not made here."""
_MAX_MANIFEST_BYTES = 1_000_000
_AGAIN = "install armicro again, or export the network again"

_Text = Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f]+$")]
_Name = Annotated[str, Field(max_length=60, pattern=r"^[a-zA-Z0-9][a-zA-Z0-9-]*$")]


_File = Annotated[str, Field(max_length=100, pattern=r"^[a-zA-Z0-9][a-zA-Z0-9._-]*\.onnx$")]
_Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
_Bytes = Annotated[int, Field(gt=0, le=MAX_BYTES)]


class VariantEntry(BaseModel):
    """Another file of the same network: what ONNX Runtime reads; see `tools/train/unroll.py`."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    file: _File
    sha256: _Sha256
    bytes: _Bytes


class EightBitsEntry(VariantEntry):
    """The 8-bit variant of a network; see `tools/train/quantise.py`.

    `f1_lost_40x` and `f1_lost_20x` are the F1 of the float32 network less its own on the same crops, of which
    it may lose half a point.
    """

    f1_lost_40x: Annotated[float, Field(ge=-1, le=0.005)]
    f1_lost_20x: Annotated[float, Field(ge=-1, le=0.005)]


class ModelEntry(BaseModel):
    """One network: how its input is prepared and its heat map read; see `tools/train/manifest.py`.

    `um_per_px` is the scale of the input, µm; `stride` input pixels make a heat map pixel; sides are
    multiples of `multiple` px; a pixel changes the answer no farther than `reach_px` px away. A nucleus is a
    peak of the sum of the channels of at least `peak_threshold`, farther than `peak_spacing_um` from the
    next, and a tumour cell's where the first channel exceeds the second by at least `tumour_bias`. Fields are
    evened to a counterstain of `counterstain_od` (0: not).
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    name: _Name
    version: _Text
    file: _File
    sha256: _Sha256
    bytes: _Bytes
    licence: _Text
    um_per_px: Annotated[float, Field(ge=0.1, le=1.0)]
    stride: Annotated[int, Field(ge=1, le=16)]
    multiple: Annotated[int, Field(ge=1, le=64)]
    reach_px: Annotated[int, Field(ge=0, le=2000)]
    channels: Annotated[tuple[Literal["tumour"], Literal["other"]], Field(strict=False)]
    peak_threshold: Annotated[float, Field(gt=0, lt=2)]
    peak_spacing_um: Annotated[float, Field(gt=0, le=20)]
    tumour_bias: Annotated[float, Field(ge=-1, le=1)]
    training_data: str
    metrics: dict[str, float]
    input_dtype: Literal["uint8"]
    input_layout: Literal["NHWC"]
    output_layout: Literal["NCHW"]
    normalisation: Literal["in the graph"]
    counterstain_od: Annotated[float, Field(ge=0, le=1)] = 0.0
    onnxruntime: VariantEntry | None = None
    int8: EightBitsEntry | None = None

    @property
    def identity(self) -> str:
        """Name, version and the beginning of the hash: `nuclei-a/1 sha256:0123456789ab`."""
        return f"{self.name}/{self.version} sha256:{self.sha256[:12]}"


class Manifest(BaseModel):
    """All networks of a folder, and which of them is the default."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    default: _Name
    model: Annotated[tuple[ModelEntry, ...], Field(strict=False, min_length=1)]

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the networks."""
        return tuple(entry.name for entry in self.model)

    def entry(self, name: str | None = None) -> ModelEntry:
        """Return the network of a name; of None the default.

        Raises
        ------
        EngineError
            If there is none of that name.
        """
        wanted = self.default if name is None else name
        for entry in self.model:
            if entry.name == wanted:
                return entry
        raise EngineError(f"there is no network {wanted!r}; known: {', '.join(self.names)}")


@dataclass(frozen=True, slots=True)
class Network:
    """A network whose file has been checked.

    Parameters
    ----------
    entry : ModelEntry
        What the manifest says about it.
    onnx : bytes
        Content of its file: what was checked is what is loaded.
    folder : Path or None
        Where it was read from, for `eight_bits` and `for_onnxruntime`.
    precision : str
        In what numbers it computes.
    """

    entry: ModelEntry
    onnx: bytes
    folder: Path | None = None
    precision: Literal["f32", "int8"] = "f32"


def read_manifest(folder: Path) -> Manifest | None:
    """Read the manifest of a folder.

    Parameters
    ----------
    folder : Path
        The folder of the networks.

    Returns
    -------
    Manifest or None
        None where the folder has none, so no network is installed.

    Raises
    ------
    EngineError
        If it cannot be read, is no TOML, has an unknown or missing key or an impossible value.
    """
    path = folder / MANIFEST
    if not path.is_file():
        return None
    try:
        raw = tomllib.loads(_read(path, _MAX_MANIFEST_BYTES).decode("utf-8"))
        manifest = Manifest.model_validate(raw)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise EngineError(f"{path} is not valid TOML ({error}): {_AGAIN}") from None
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "the file"
        raise EngineError(f"{path}: {where}: {first['msg']}: {_AGAIN}") from None
    if len(set(manifest.names)) != len(manifest.names):
        raise EngineError(f"{path}: two networks have the same name: {_AGAIN}")
    manifest.entry()
    return manifest


def load_network(folder: Path, name: str | None = None) -> Network:
    """Read a network's file and check that it is the one of the manifest.

    Parameters
    ----------
    folder : Path
        The folder of the networks.
    name : str or None
        Which; None takes the default.

    Returns
    -------
    Network
        The checked content.

    Raises
    ------
    EngineError
        If there is no manifest or no such network, or its file is missing or differs.
    """
    manifest = read_manifest(folder)
    if manifest is None:
        raise EngineError(f"no network is installed: {folder / MANIFEST} is missing")
    entry = manifest.entry(name)
    return Network(entry, _checked(folder, entry), folder)


def eight_bits(network: Network) -> Network:
    """Return the 8-bit variant of a network, its file checked like the network's own.

    Raises
    ------
    EngineError
        If there is none, or its file is missing or differs.
    """
    variant = network.entry.int8
    if variant is None or network.folder is None:
        raise EngineError(f"network {network.entry.name} has no variant in 8 bits")
    return _variant(network, network.folder, variant, "int8")


def for_onnxruntime(network: Network) -> Network:
    """Return the same network in the form that ONNX Runtime is quickest with, its file checked.

    Returns
    -------
    Network
        The network itself where there is no such form of it.

    Raises
    ------
    EngineError
        If its file is missing or differs.
    """
    variant = network.entry.onnxruntime
    if variant is None or network.folder is None:
        return network
    return _variant(network, network.folder, variant, network.precision)


def _variant(
    network: Network, folder: Path, variant: VariantEntry, precision: Literal["f32", "int8"]
) -> Network:
    own = {"file": variant.file, "sha256": variant.sha256, "bytes": variant.bytes}
    entry = network.entry.model_copy(update={**own, "int8": None, "onnxruntime": None})
    return Network(entry, _checked(folder, variant), folder, precision)


def _checked(folder: Path, entry: ModelEntry | VariantEntry) -> bytes:
    """Read the file of an entry; it has to be the very one."""
    path = folder / entry.file
    content = _read(path, MAX_BYTES)
    found = hashlib.sha256(content).hexdigest()
    if len(content) != entry.bytes or found != entry.sha256:
        raise EngineError(
            f"{path} is not the file of the manifest (SHA-256 {found[:12]}…, expected "
            f"{entry.sha256[:12]}…) and is not loaded: {_AGAIN}"
        )
    return content


def _read(path: Path, limit: int) -> bytes:
    """Read a file of at most `limit` bytes."""
    try:
        with path.open("rb") as file:
            content = file.read(limit + 1)
    except OSError as error:
        raise EngineError(f"{path} cannot be read ({error.strerror}): {_AGAIN}") from error
    if len(content) > limit:
        raise EngineError(f"{path} is larger than {limit / 1e6:g} MB and is not loaded: {_AGAIN}")
    return content

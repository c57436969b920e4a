"""The manifest of trained networks: what a loader must know, and the hash by which it knows the file."""

from __future__ import annotations

import dataclasses
import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_HEAD = "# Trained networks. A file whose SHA-256 differs from its entry is not loaded.\n"


@dataclass(frozen=True, slots=True)
class Entry:
    """One network.

    Parameters
    ----------
    name, version, file, licence : str
        The file lies beside the manifest.
    sha256 : str
        Of the file, lower case.
    bytes : int
        Its size.
    um_per_px : float
        Scale of the input.
    stride : int
        Input pixels per heat map pixel.
    multiple : int
        Height and width of the input must be multiples of this, px.
    reach_px : int
        How far a pixel can change the answer, px of the input.
    channels : tuple of str
        What the channels of the heat map stand for.
    peak_threshold : float
        Least height of a peak of the sum of the channels.
    peak_spacing_um : float
        Two nuclei are farther apart than this.
    tumour_bias : float
        A nucleus is a tumour cell's where the first channel exceeds the second by at least this.
    training_data : str
        One sentence.
    metrics : mapping of str to float
        Of the cross-validation.
    input_dtype, input_layout, output_layout, normalisation : str
        Of the ONNX file's `rgb` and `heat`.
    counterstain_od : float
        Haematoxylin to which a field is evened before the network sees it, log10 OD; 0 for not at all.
    """

    name: str
    version: str
    file: str
    sha256: str
    bytes: int
    licence: str
    um_per_px: float
    stride: int
    multiple: int
    reach_px: int
    channels: tuple[str, ...]
    peak_threshold: float
    peak_spacing_um: float
    tumour_bias: float
    training_data: str
    metrics: Mapping[str, float]
    input_dtype: str = "uint8"
    input_layout: str = "NHWC"
    output_layout: str = "NCHW"
    normalisation: str = "in the graph"
    counterstain_od: float = 0.0


@dataclass(frozen=True, slots=True)
class Variant:
    """Another file of the same network.

    Parameters
    ----------
    file, sha256 : str
        The file lies beside the manifest.
    bytes : int
        Its size.
    """

    file: str
    sha256: str
    bytes: int


@dataclass(frozen=True, slots=True)
class EightBits(Variant):
    """The 8-bit variant of a network.

    Parameters
    ----------
    f1_lost_40x, f1_lost_20x : float
        F1 of the float32 network less its own, on the same crops.
    """

    f1_lost_40x: float
    f1_lost_20x: float


def update_manifest(path: Path, entry: Entry) -> None:
    """Put an entry into a manifest, in place of an older one of the same name.

    Parameters
    ----------
    path : Path
        The TOML file; made if absent.
    entry : Entry
        The network.
    """
    old = tomllib.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    models = [model for model in old.get("model", []) if model["name"] != entry.name]
    _write(path, old.get("default", entry.name), [*models, dataclasses.asdict(entry)])


def name_variant(path: Path, name: str, kind: str, variant: Variant) -> None:
    """Name a variant of a network in the manifest, in place of an older one.

    A new entry of the network drops it again: it belongs to the weights that it was made of.

    Parameters
    ----------
    path : Path
        The TOML file, with an entry of that name.
    name : str
        The network's.
    kind : str
        "int8" or "onnxruntime".
    variant : Variant
        Its variant.
    """
    old = tomllib.loads(path.read_text(encoding="utf-8"))
    for model in old["model"]:
        if model["name"] == name:
            model[kind] = dataclasses.asdict(variant)
    _write(path, old["default"], old["model"])


def _write(path: Path, default: str, models: list[dict[str, Any]]) -> None:
    models = sorted(models, key=lambda model: str(model["name"]))
    text = f"{_HEAD}default = {_value(default)}\n"
    path.write_text(text + "".join(_table(m) for m in models), encoding="utf-8", newline="\n")


def _table(model: Mapping[str, Any]) -> str:
    tables = {key: value for key, value in model.items() if isinstance(value, Mapping)}
    lines = ["\n[[model]]", *(f"{k} = {_value(v)}" for k, v in model.items() if k not in tables)]
    for key, table in tables.items():
        lines += [f"[model.{key}]", *(f"{k} = {_value(v)}" for k, v in table.items())]
    return "\n".join(lines) + "\n"


def _value(value: object) -> str:
    """Write a value as TOML; strings of JSON are strings of TOML."""
    if isinstance(value, float):
        return repr(value)
    return json.dumps(list(value) if isinstance(value, tuple) else value, ensure_ascii=False)

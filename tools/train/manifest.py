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
    models.append(dataclasses.asdict(entry))
    models.sort(key=lambda model: str(model["name"]))
    text = f"{_HEAD}default = {_value(old.get('default', entry.name))}\n"
    path.write_text(text + "".join(_table(m) for m in models), encoding="utf-8", newline="\n")


def _table(model: Mapping[str, Any]) -> str:
    lines = ["\n[[model]]"]
    lines += [f"{key} = {_value(value)}" for key, value in model.items() if key != "metrics"]
    lines += ["[model.metrics]"]
    lines += [f"{key} = {_value(value)}" for key, value in model["metrics"].items()]
    return "\n".join(lines) + "\n"


def _value(value: object) -> str:
    """Write a value as TOML; strings of JSON are strings of TOML."""
    if isinstance(value, float):
        return repr(value)
    return json.dumps(list(value) if isinstance(value, tuple) else value, ensure_ascii=False)

"""Package trained weights: an ONNX file, its entry in the manifest, and its model card.

`python -m tools.train.export --config tools/train/configs/nuclei-a.toml --run runs/final
--figures figures.json --version 1 --engines engines`

The ONNX file takes uint8 RGB and holds the normalisation. It is checked against the network that it was made
of; the manifest states its SHA-256, by which a loader knows it.
"""

from __future__ import annotations

import argparse
import dataclasses
import hashlib
import io
import json
import sys
import warnings
from collections.abc import Mapping
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import torch

from armicro.contracts.errors import ArmicroError, EngineError
from tools.train.card import model_card
from tools.train.config import Config, read_config
from tools.train.files import load_net, replace_file
from tools.train.layout import CHANNELS, MULTIPLE, STRIDE
from tools.train.manifest import Entry, update_manifest
from tools.train.model import LinkNet, Packaged
from tools.train.points import load_crops
from tools.train.summary import DataSummary, summarise

OPSET = 18
TOLERANCE = 1e-4
"""Greatest difference between ONNX Runtime and the trained network, in units of a peak's height."""
LARGEST_SIDE_PX = 8192
_LICENCE = "GPL-3.0-or-later"


@dataclass(frozen=True, slots=True)
class Source:
    """What is exported.

    Parameters
    ----------
    config : Config
        Of the run.
    run : Path
        Folder of the run, with `weights.safetensors`.
    figures : mapping
        What `tools.train.crossval` wrote; empty where nothing was measured.
    version : str
        Of the model.
    """

    config: Config
    run: Path
    figures: Mapping[str, Any]
    version: str


def to_onnx(net: LinkNet, path: Path) -> None:
    """Write a network as ONNX: uint8 (1, H, W, 3) in, float32 (1, 2, H / 2, W / 2) out, H and W free.

    Parameters
    ----------
    net : LinkNet
        Trained.
    path : Path
        The file; replaced if it exists.
    """
    packaged = Packaged(net).eval()
    example = torch.zeros(1, 8 * MULTIPLE, 6 * MULTIPLE, 3, dtype=torch.uint8)
    most = LARGEST_SIDE_PX // MULTIPLE
    sides = {k + 1: MULTIPLE * torch.export.Dim(name, min=2, max=most) for k, name in enumerate("hw")}
    with warnings.catch_warnings(), redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")  # the exporter's own, about parts of it that are not used here
        program = torch.onnx.export(
            packaged, (example,), dynamo=True, dynamic_shapes=(sides,), opset_version=OPSET,
            input_names=["rgb"], output_names=["heat"], verbose=False,
        )  # fmt: skip
    assert program is not None
    model = program.model_proto
    _forget_origin(model)
    onnx.checker.check_model(model, full_check=True)
    replace_file(path, lambda to: onnx.save_model(model, to))


def _forget_origin(model: onnx.ModelProto) -> None:
    """Drop the traces of the exporting machine (paths of source files), and name the sides."""
    graph = model.graph
    model.ClearField("metadata_props")
    model.ClearField("doc_string")
    graph.ClearField("metadata_props")
    for part in (*graph.node, *graph.input, *graph.output, *graph.value_info, *graph.initializer):
        part.ClearField("metadata_props")
        part.ClearField("doc_string")
    graph.ClearField("value_info")
    for value, names in ((graph.input[0], {1: "height", 2: "width"}),
                         (graph.output[0], {2: "heat_height", 3: "heat_width"})):  # fmt: skip
        for axis, name in names.items():
            value.type.tensor_type.shape.dim[axis].dim_param = name


def check_onnx(net: LinkNet, path: Path) -> float:
    """Compare an ONNX file with its network on noise of several shapes.

    Returns
    -------
    float
        The greatest difference of a heat map value.

    Raises
    ------
    EngineError
        If it is above `TOLERANCE`.
    """
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    packaged, worst = Packaged(net).eval(), 0.0
    rng = np.random.default_rng(0)
    for shape in ((64, 64), (160, 272), (512, 304)):
        rgb = rng.integers(0, 256, (1, *shape, 3), np.uint8)
        with torch.inference_mode():
            wanted = packaged(torch.from_numpy(rgb)).numpy()
        heat = session.run(["heat"], {"rgb": rgb})[0]
        if heat.shape != (1, len(CHANNELS), shape[0] // STRIDE, shape[1] // STRIDE):
            raise EngineError(f"{path}: heat maps of shape {heat.shape} for an input of {shape}")
        worst = max(worst, float(np.abs(heat - wanted).max()))
    if not worst <= TOLERANCE:
        raise EngineError(f"{path} differs from the trained network by {worst:.2g}, more than {TOLERANCE:g}")
    return worst


def export(source: Source, root: Path, engines: Path) -> Entry:
    """Write the ONNX file, its manifest entry and its model card; see the module.

    Parameters
    ----------
    source : Source
        What is exported.
    root : Path
        The repository, which the paths of the configuration are relative to.
    engines : Path
        Folder that takes the files.

    Returns
    -------
    Entry
        The manifest's entry.

    Raises
    ------
    ArmicroError
        If the run has not ended, data are missing, or the ONNX file answers differently.
    """
    config = source.config
    net = load_net(source.run / "weights.safetensors", config.model)
    engines.mkdir(parents=True, exist_ok=True)
    path = engines / f"{config.name}.onnx"
    to_onnx(net, path)
    worst = check_onnx(net, path)
    crops = load_crops([root / p for p in config.data.points], root / config.data.images)
    data = summarise(crops, config.data.foreign)
    entry = _entry(source, path, data)
    update_manifest(engines / "manifest.toml", entry)
    card = model_card(config, entry, data, source.figures, worst)
    (engines / f"{config.name}.md").write_text(card, encoding="utf-8", newline="\n")
    return entry


def _entry(source: Source, path: Path, data: DataSummary) -> Entry:
    config, figures, content = source.config, source.figures, path.read_bytes()
    peaks = figures.get("peaks", dataclasses.asdict(config.peaks))
    metrics = {
        f"{k}_{objective}": float(figures[objective]["all cores"][k])
        for objective in ("40x", "20x")
        if objective in figures
        for k in ("f1", "precision", "recall", "others_called_tumour")
    }
    return Entry(
        name=config.name,
        version=source.version,
        file=path.name,
        sha256=hashlib.sha256(content).hexdigest(),
        bytes=len(content),
        licence=_LICENCE,
        um_per_px=config.patch.um_per_px,
        stride=STRIDE,
        multiple=MULTIPLE,
        reach_px=reach_px(config),
        channels=CHANNELS,
        peak_threshold=float(peaks["threshold"]),
        peak_spacing_um=float(peaks["spacing_um"]),
        tumour_bias=float(peaks["bias"]),
        training_data=data.sentence,
        metrics=metrics,
        counterstain_od=config.patch.counterstain_od,
    )


def reach_px(config: Config) -> int:
    """Return a bound of how far an input pixel can change the heat map, px of the input."""
    blocks = config.model.blocks
    reach, stride = 1 + 2, 4  # the stem: 3 x 3 at full and at half the resolution
    for stage in range(3):
        # The first convolution of a stage that halves the resolution still sees the finer grid.
        first = stride if stage == 0 else stride // 2
        reach += first + (2 * blocks - 1) * stride
        stride *= 2
    # The way up: a transposed 4 x 4 convolution reaches one pixel of the coarser grid, thrice; then 3 x 3.
    return reach + 16 + 8 + 4 + 2


def main(arguments: list[str] | None = None) -> int:
    """Command line; returns the exit status."""
    parser = argparse.ArgumentParser(description="Package a trained nucleus detector.")
    parser.add_argument("--config", type=Path, required=True, help="TOML file of the run")
    parser.add_argument("--run", type=Path, required=True, help="folder of the run on all data")
    parser.add_argument("--figures", type=Path, default=None, help="JSON file of the cross-validation")
    parser.add_argument("--version", required=True, help="version of the model")
    parser.add_argument("--engines", type=Path, default=Path("engines"), help="folder that takes the files")
    args = parser.parse_args(arguments)
    try:
        figures = json.loads(args.figures.read_text(encoding="utf-8")) if args.figures else {}
        source = Source(read_config(args.config), args.run, figures, args.version)
        entry = export(source, Path.cwd(), args.engines)
    except (ArmicroError, OSError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(f"{entry.file}: {entry.bytes} bytes, SHA-256 {entry.sha256}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

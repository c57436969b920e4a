"""Make the 8-bit variant of a packaged network, and measure what it costs.

`python -m tools.train.quantise --config tools/train/configs/nuclei-a.toml --engines engines`

Convolutions compute in 8-bit integers, but for the first one, which sees the pixels, and the head, whose
values are the answer; additions and the way up stay float32. Scales are calibrated on marked crops as the
detector shows them to the network, every third of them under either objective. Weights take 7 bits
(`reduce_range`): processors without VNNI add products in pairs of 16 bits, which 8-bit weights overflow. A
score must not depend on the processor.

The file is written beside the network. The manifest names it, and `--engine onnxruntime-int8` and
`openvino-int8` take it, only if F1 falls by at most 0.5 points under both objectives.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np
import onnx
from onnxruntime.quantization import (
    CalibrationDataReader,
    CalibrationMethod,
    QuantFormat,
    QuantType,
    quantize_static,
)
from onnxruntime.quantization.shape_inference import quant_pre_process

from armicro.analysis.detect_heatmap import HeatmapDetector
from armicro.app.detectors import heatmap_params
from armicro.contracts.arrays import F32, U8
from armicro.contracts.errors import ArmicroError, EngineError
from armicro.inference.manifest import Network, load_network
from armicro.inference.onnxruntime_engine import OnnxRuntimeModel
from armicro.inference.padding import pad_field
from tools.evaluate.int8 import OBJECTIVES, Comparison, compare, marked_crops, summary
from tools.evaluate.shared import SHARED_DATA, Crop, need
from tools.train.config import read_config
from tools.train.files import replace_file
from tools.train.manifest import EightBits, name_variant

MOST_LOSS = 0.005
"""F1 that the variant may lose; more, and it is not to be chosen."""
_EVERY = 3
_HEADING = "## In 8 bits"
_CARD = """`{file}` ({megabytes:.1f} MB), SHA-256
`{sha256}`, is the same network with its inner
convolutions in 8-bit integers: `--engine onnxruntime-int8` or `openvino-int8`. F1 of both on all marked
crops. The network was trained on them, so only the difference says something; its interval is by resampling
crops.

"""


class _Shown:
    """A `HeatmapModel` that keeps what the detector shows to it."""

    identity = "none"

    def __init__(self, network: Network) -> None:
        self.um_per_px, self.stride = network.entry.um_per_px, network.entry.stride
        self.pictures: list[U8] = []

    def predict(self, rgb: U8) -> F32:
        self.pictures.append(rgb)
        return np.zeros((2, *(-(-n // self.stride) for n in rgb.shape[:2])), np.float32)


class _Reader(CalibrationDataReader):  # type: ignore[misc]
    def __init__(self, pictures: Sequence[U8], multiple: int) -> None:
        self._left: Iterator[U8] = (pad_field(p, multiple) for p in pictures)

    def get_next(self) -> dict[str, U8] | None:
        """Return the next input, None after the last."""
        picture = next(self._left, None)
        return None if picture is None else {"rgb": picture}


def shown(network: Network, crops: Sequence[Crop]) -> list[U8]:
    """Return what the detector shows to the network of crops, each (h, w, 3)."""
    model = _Shown(network)
    detector = HeatmapDetector(model, heatmap_params(network.entry))
    for crop in crops:
        detector.detect(crop.rgb, crop.maps)
    return model.pictures


def quantise(content: bytes, pictures: Sequence[U8], multiple: int) -> bytes:
    """Return the 8-bit variant of a network.

    Parameters
    ----------
    content : bytes
        The float32 ONNX file.
    pictures : sequence of ndarray of uint8, (h, w, 3)
        What the network sees in use; the range of each layer is taken from them.
    multiple : int
        Sides of the input are multiples of this, px.

    Returns
    -------
    bytes
        An ONNX file with the same input and output, in the form (QDQ) that ONNX Runtime and OpenVINO read.
    """
    convolutions = [node for node in onnx.load_from_string(content).graph.node if node.op_type == "Conv"]
    with tempfile.TemporaryDirectory() as folder:
        source, prepared, out = (Path(folder) / name for name in ("a.onnx", "b.onnx", "c.onnx"))
        source.write_bytes(content)
        quant_pre_process(str(source), str(prepared), skip_symbolic_shape=True)
        quantize_static(
            str(prepared),
            str(out),
            _Reader(pictures, multiple),
            quant_format=QuantFormat.QDQ,
            op_types_to_quantize=["Conv"],
            nodes_to_exclude=[convolutions[0].name, convolutions[-1].name],
            per_channel=True,
            reduce_range=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            calibrate_method=CalibrationMethod.MinMax,
        )
        model = onnx.load(out)
    model.ClearField("metadata_props")
    model.ClearField("doc_string")
    model.graph.ClearField("value_info")
    onnx.checker.check_model(model, full_check=True)
    return bytes(model.SerializeToString())


def make(engines: Path, name: str, data: Path) -> list[Comparison]:
    """Write the 8-bit variant of a network; name it in manifest and card if it is good enough.

    Parameters
    ----------
    engines : Path
        Folder of the networks.
    name : str
        Which.
    data : Path
        Folder of the shared images.

    Returns
    -------
    list of Comparison
        With the float32 network, under each objective.

    Raises
    ------
    EngineError
        If it loses more than `MOST_LOSS`: then the file is removed and nothing is named.
    """
    network = load_network(engines, name)
    entry = network.entry
    crops = marked_crops(data)
    pictures = [p for objective in OBJECTIVES for p in shown(network, crops[objective][::_EVERY])]
    content = quantise(network.onnx, pictures, entry.multiple)
    variant = Network(entry, content, precision="int8")
    found = [compare(OnnxRuntimeModel(network, 1), OnnxRuntimeModel(variant, 1), entry, crops, o)
             for o in OBJECTIVES]  # fmt: skip
    lost = {c.objective: c.f1[0] - c.f1[1] for c in found}
    if max(lost.values()) > MOST_LOSS:
        raise EngineError(
            f"{name} in 8 bits loses F1 ({', '.join(f'{o}: {v:.4f}' for o, v in lost.items())}), more than "
            f"{MOST_LOSS:g}: nothing was written"
        )
    path = engines / f"{Path(entry.file).stem}-int8.onnx"

    def write(to: Path) -> None:
        to.write_bytes(content)

    replace_file(path, write)
    named = EightBits(
        path.name, hashlib.sha256(content).hexdigest(), len(content), *(round(lost[o], 4) for o in OBJECTIVES)
    )
    name_variant(engines / "manifest.toml", name, "int8", named)
    _tell(engines / f"{Path(entry.file).stem}.md", named, found)
    return found


def _tell(card: Path, named: EightBits, found: Sequence[Comparison]) -> None:
    """Put the section about the variant at the end of the model card."""
    before = card.read_text(encoding="utf-8").partition(f"\n{_HEADING}\n")[0] if card.is_file() else ""
    text = _CARD.format(file=named.file, megabytes=named.bytes / 1e6, sha256=named.sha256)
    card.write_text(
        f"{before.rstrip()}\n\n{_HEADING}\n\n{text}{summary(found)}\n", encoding="utf-8", newline="\n"
    )


def main(arguments: list[str] | None = None) -> int:
    """Command line; returns the exit status."""
    parser = argparse.ArgumentParser(description="Make the 8-bit variant of a packaged network.")
    parser.add_argument("--config", type=Path, required=True, help="TOML file of the run: names the network")
    parser.add_argument("--engines", type=Path, default=Path("engines"), help="folder of the networks")
    parser.add_argument("--data", type=Path, default=SHARED_DATA, help="folder of the shared images")
    args = parser.parse_args(arguments)
    cv2.setNumThreads(1)
    try:
        found = make(args.engines, read_config(args.config).name, need(args.data))
    except (ArmicroError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(summary(found))
    return 0


if __name__ == "__main__":
    sys.exit(main())

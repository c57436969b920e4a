"""What 8 bits change: nuclei and categories of the float32 network and of its variant, on all marked crops.

    python -m tools.evaluate.int8

The network was trained on these crops, so only the difference says something; `tools/train/crossval.py` has
the figures on cores that it never saw. Crops are shown as two objectives show them: as they are, and blurred
and at 0.46 µm per pixel, as at 20x.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np

from armicro.analysis.detect_heatmap import HeatmapDetector
from armicro.app.detectors import heatmap_params
from armicro.contracts.arrays import F32, F64, I64, U8
from armicro.contracts.cells import NucleusKind
from armicro.contracts.frame import Optics
from armicro.contracts.protocols import HeatmapModel
from armicro.imaging.stain import separate
from armicro.inference.manifest import ModelEntry, eight_bits, load_network
from armicro.inference.onnxruntime_engine import OnnxRuntimeModel
from armicro.inference.openvino_engine import OpenVinoModel
from armicro.scoring.agreement import quadratic_kappa
from tools.evaluate.detected import found_and_marked
from tools.evaluate.points import per_cell
from tools.evaluate.shared import (
    OWN_POINTS,
    ROOT,
    SHARED_DATA,
    Crop,
    Hits,
    crops,
    default_profile,
    interval,
    match,
    need,
    table,
)
from tools.train.validate import WEAK_OBJECTIVE_UM

OBJECTIVES = ("40x", "20x")
_COARSE_UM = 0.46
_RESAMPLES = 2000


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two engines on the same crops.

    Parameters
    ----------
    objective : str
        "40x" or "20x".
    names : (str, str)
        Identities, float32 first.
    f1, precision, recall : (float, float)
        Of tumour nuclei at 5 µm.
    change : (float, float)
        95 % interval of the second F1 less the first, by resampling crops.
    """

    objective: str
    names: tuple[str, str]
    f1: tuple[float, float]
    precision: tuple[float, float]
    recall: tuple[float, float]
    change: tuple[float, float]


def marked_crops(data: Path) -> dict[str, list[Crop]]:
    """Return all marked crops as each objective shows them."""
    fine = list(crops(data, default_profile(), [data / "points", OWN_POINTS]))
    return {"40x": fine, "20x": [coarse(crop) for crop in fine]}


def coarse(crop: Crop) -> Crop:
    """Return a crop as a 20x objective shows it."""
    sharp = cv2.GaussianBlur(crop.rgb, (0, 0), WEAK_OBJECTIVE_UM / crop.um_per_px)
    factor = crop.um_per_px / _COARSE_UM
    size = round(sharp.shape[1] * factor), round(sharp.shape[0] * factor)
    how = cv2.INTER_AREA if factor < 1 else cv2.INTER_LINEAR
    rgb: U8 = np.asarray(cv2.resize(sharp, size, interpolation=how), np.uint8)
    step = np.array(rgb.shape[:2]) / crop.rgb.shape[:2]
    y0, y1, x0, x1 = crop.window
    profile = replace(default_profile(), white_rgb=crop.maps.white_rgb)
    return replace(
        crop,
        rgb=rgb,
        maps=separate(rgb, Optics(_COARSE_UM), profile),
        um_per_px=_COARSE_UM,
        window=(round(y0 * step[0]), round(y1 * step[0]), round(x0 * step[1]), round(x1 * step[1])),
        yx_px=((crop.yx_px + 0.5) * step - 0.5).astype(np.float32),
    )


def _hits(model: HeatmapModel, entry: ModelEntry, shown: Sequence[Crop]) -> list[Hits]:
    detector = HeatmapDetector(model, heatmap_params(entry))

    def tumour(crop: Crop) -> F32:
        return detector.detect(crop.rgb, crop.maps).of_kind(NucleusKind.TUMOUR).yx_px

    return [match(tumour(crop), crop)[0] for crop in shown]


def compare(
    one: HeatmapModel,
    other: HeatmapModel,
    entry: ModelEntry,
    shown: Mapping[str, Sequence[Crop]],
    objective: str,
) -> Comparison:
    """Compare the nuclei of two models with the points by eye."""
    hits = [_hits(model, entry, shown[objective]) for model in (one, other)]
    totals = [sum(h, Hits(0, 0, 0, 0)) for h in hits]
    counts = np.array([[(h.true, h.missed, h.false) for h in of_one] for of_one in hits], np.float64)
    rng = np.random.default_rng(0)
    sums = counts[:, rng.integers(0, counts.shape[1], (_RESAMPLES, counts.shape[1]))].sum(axis=2)
    f1: F64 = 2 * sums[..., 0] / (2 * sums[..., 0] + sums[..., 1] + sums[..., 2])
    return Comparison(
        objective,
        (one.identity, other.identity),
        (totals[0].f1, totals[1].f1),
        (totals[0].precision, totals[1].precision),
        (totals[0].recall, totals[1].recall),
        interval(f1[1] - f1[0]),
    )


def summary(found: Sequence[Comparison]) -> str:
    """Return comparisons as a Markdown table."""
    rows = []
    for c in found:
        engine = c.names[1].rpartition(" ")[2]
        low, high = c.change
        rows.append([
            c.objective, engine, f"{c.f1[0]:.4f}", f"{c.f1[1]:.4f}", f"{100 * (c.f1[1] - c.f1[0]):+.2f}",
            f"{100 * low:+.2f} to {100 * high:+.2f}", f"{c.precision[1]:.3f}", f"{c.recall[1]:.3f}",
        ])  # fmt: skip
    return table(
        ["objective", "8 bits by", "F1, float32", "F1, 8 bits", "change, points", "95 %", "precision",
         "recall"], rows,
    )  # fmt: skip


def categories(models: Sequence[HeatmapModel], entry: ModelEntry, shown: Sequence[Crop]) -> str:
    """Return, as a Markdown table, the membrane category at each model's finds against the eye.

    Thresholds are those of the default profile, which were fitted on these cores.
    """
    thresholds = default_profile().thresholds
    rows = []
    for model in models:
        detector = HeatmapDetector(model, heatmap_params(entry))
        matrix: I64 = np.zeros((6, 6), np.int64)
        marked = 0
        for crop in shown:
            read, n = found_and_marked(crop, detector)
            marked += n
            if read is not None:
                matrix += per_cell(read, thresholds)
        away = np.abs(np.subtract.outer(np.arange(6), np.arange(6)))
        near = matrix[away <= 1].sum() / matrix.sum()
        rows.append([model.identity.rpartition(" ")[2], f"{matrix.sum()} of {marked}",
                     f"{quadratic_kappa(matrix):.3f}", f"{near:.3f}"])  # fmt: skip
    return table(["engine", "marked cells found", "kappa with the eye", "within one category"], rows)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--data", type=Path, default=SHARED_DATA, help="folder of the shared images")
    parser.add_argument("--engines", type=Path, default=ROOT / "engines", help="folder of the networks")
    parser.add_argument("--name", default=None, help="name of the network; the default's without")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    network = load_network(options.engines, options.name)
    variant = eight_bits(network)
    full = OnnxRuntimeModel(network, 1)
    others: list[HeatmapModel] = [OnnxRuntimeModel(variant, 1), OpenVinoModel(variant, threads=1)]
    shown = marked_crops(need(options.data))
    print(network.entry.identity, "\n")
    print(summary([compare(full, m, network.entry, shown, o) for m in others for o in OBJECTIVES]), "\n")
    print(categories([full, *others], network.entry, shown["40x"]))


if __name__ == "__main__":
    main()

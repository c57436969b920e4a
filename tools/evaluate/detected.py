"""Membrane categories against points by eye, at nuclei that a network found: what a case score rests on.

    python -m tools.evaluate.detected --runs RUNS

RUNS holds the folds of a cross-validation (`tools/train`). Each crop is read by the network that was trained
without its core; finds are matched to marked tumour nuclei one to one within 5 µm, and the membrane is read
around the find, bounded by the other finds. Thresholds are tuned on other cores (`tools.evaluate.points`).
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from armicro.analysis.detect_heatmap import HeatmapDetector, HeatmapParams
from armicro.analysis.read_per_cell import trace
from armicro.contracts.arrays import F32, U8
from armicro.contracts.cells import NucleusKind
from armicro.imaging.scale import to_working
from armicro.inference.manifest import read_manifest
from tools.evaluate.points import PARAMS, Marked, print_tables
from tools.evaluate.shared import (
    EYE,
    MATCH_UM,
    OWN_POINTS,
    ROOT,
    SHARED_DATA,
    Crop,
    crops,
    default_profile,
    need,
)
from tools.train.config import Config, read_config
from tools.train.files import load_net
from tools.train.layout import STRIDE
from tools.train.score import pair_up
from tools.train.validate import Predict, heat_of, predictor


@dataclass(frozen=True, slots=True)
class FoldModel:
    """A fold's network as a `HeatmapModel`."""

    predictor: Predict
    um_per_px: float
    fold: int

    @property
    def identity(self) -> str:
        """Name."""
        return f"fold {self.fold}"

    @property
    def stride(self) -> int:
        """Input pixels per heat map pixel."""
        return STRIDE

    def predict(self, rgb: U8) -> F32:
        """Return the heat map, cut to the field's own size."""
        heat = heat_of(self.predictor, rgb)
        h, w = (-(-n // STRIDE) for n in rgb.shape[:2])
        return np.ascontiguousarray(heat[:, :h, :w])


def detectors(config: Config, runs: Path) -> dict[str, HeatmapDetector]:
    """Return, for each image, a detector that never saw it; peaks are read as the shipped network's are."""
    manifest = read_manifest(ROOT / "engines")
    assert manifest is not None
    entry = manifest.entry(config.name)
    params = HeatmapParams(
        entry.peak_threshold, entry.peak_spacing_um, entry.tumour_bias, entry.reach_px, entry.counterstain_od
    )
    out = {}
    for fold, images in enumerate(config.data.folds):
        net = load_net(runs / f"fold{fold}" / "weights.safetensors", config.model)
        model = FoldModel(predictor(net), config.patch.um_per_px, fold)
        out.update({image: HeatmapDetector(model, params) for image in images})
    return out


def found_and_marked(crop: Crop, detector: HeatmapDetector) -> tuple[Marked | None, int]:
    """Read the marked tumour cells of a crop at the finds that match them; also how many are marked."""
    which = (crop.kind == "T") & np.isin(crop.category, list(EYE))
    if not which.any():
        return None, 0
    found = detector.detect(crop.rgb, crop.maps)
    tumour = found.of_kind(NucleusKind.TUMOUR).yx_px
    um = np.float32(crop.um_per_px)
    i, j = pair_up(tumour * um, crop.yx_px[which] * um, MATCH_UM)
    if not len(i):
        return None, int(which.sum())
    truth = np.array([EYE[c] for c in crop.category[which][j]], np.uint8)
    yx, everything = (to_working(p, crop.maps.factor) for p in (tumour[i], found.yx_px))
    return Marked(crop, yx, truth, trace(crop.maps, yx, everything, PARAMS)), int(which.sum())


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--data", type=Path, default=SHARED_DATA, help="folder of the shared images")
    parser.add_argument("--runs", type=Path, required=True, help="folder with fold0, fold1, ...")
    parser.add_argument("--config", type=Path, default=ROOT / "tools/train/configs/nuclei-a.toml")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    data, profile = need(options.data), default_profile()
    by_image = detectors(read_config(options.config), options.runs)
    cells, total = [], 0
    for crop in crops(data, profile, [data / "points", OWN_POINTS]):
        read, n = found_and_marked(crop, by_image[Path(crop.image).stem])
        total += n
        if read is not None:
            cells.append(read)
    print(f"{sum(len(c.truth) for c in cells)} of {total} marked cells with a category were found.\n")
    print_tables(cells, profile)


if __name__ == "__main__":
    main()

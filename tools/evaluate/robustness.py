"""How a network bears other optics, cameras and stainers: F1 for tumour nuclei on changed pictures.

    python -m tools.evaluate.robustness --runs RUNS

RUNS holds the folds of a cross-validation (`tools/train`): each crop is read by the network that was trained
without its core. One thing at a time is changed, at the scale of the image; white point and counterstain are
estimated anew from the changed picture, as the program would. Matching is one to one within 5 µm.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

from armicro.analysis.detect_heatmap import HeatmapDetector
from armicro.contracts.arrays import F32, F64, U8
from armicro.contracts.cells import NucleusKind
from armicro.contracts.frame import Optics
from armicro.contracts.stain import StainProfile
from armicro.imaging.stain import mix, optical_density, separate, stain_matrix, unmix
from tools.evaluate.detected import detectors
from tools.evaluate.shared import OWN_POINTS, ROOT, SHARED_DATA, default_profile, need, table
from tools.train.config import read_config
from tools.train.points import Crop, load_crops
from tools.train.score import Tally, tally

Change = Callable[[U8, float], U8]
"""From a picture (H, W, 3) and its scale, µm per px, to a changed one."""

_WHITE = (237.0, 236.0, 244.0)
"""Glass of the scanner that most crops come from."""


def _u8(values: F32 | F64) -> U8:
    return np.asarray(np.rint(np.clip(values, 0, 255)), np.uint8)


def blur(sigma_um: float) -> Change:
    """Gaussian blur."""
    return lambda rgb, um: np.asarray(cv2.GaussianBlur(rgb, (0, 0), sigma_um / um), np.uint8)


def gain(factor: float) -> Change:
    """Exposure."""
    return lambda rgb, _: _u8(rgb.astype(np.float32) * np.float32(factor))


def saturation(factor: float) -> Change:
    """Distance of each pixel from its grey."""

    def change(rgb: U8, _: float) -> U8:
        grey = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)[..., None].astype(np.float32)
        return _u8(grey + (rgb - grey) * np.float32(factor))

    return change


def sharpen(amount: float) -> Change:
    """Unsharp mask of 0.5 µm."""

    def change(rgb: U8, um: float) -> U8:
        values = rgb.astype(np.float32)
        return _u8(values + np.float32(amount) * (values - cv2.GaussianBlur(values, (0, 0), 0.5 / um)))

    return change


def balance(red: float, blue: float) -> Change:
    """White balance."""
    return lambda rgb, _: _u8(rgb.astype(np.float32) * np.array([red, 1.0, blue], np.float32))


def stains(haematoxylin: float, dab: float) -> Change:
    """Other amounts of the stains."""
    profile = default_profile()
    matrix = stain_matrix(profile.haematoxylin_rgb_od, profile.dab_rgb_od)

    def change(rgb: U8, _: float) -> U8:
        amounts = unmix(optical_density(rgb, _WHITE), matrix) * np.array([haematoxylin, dab, 1], np.float32)
        light = np.power(10.0, -mix(amounts.astype(np.float32), matrix)) * np.array(_WHITE)
        return _u8(light.astype(np.float32))

    return change


def noise(grey: float) -> Change:
    """Noise of a standard deviation in grey levels."""

    def change(rgb: U8, _: float) -> U8:
        return _u8(rgb + np.random.default_rng(0).normal(0, grey, rgb.shape))

    return change


def jpeg(quality: int) -> Change:
    """Compress and decode."""

    def change(rgb: U8, _: float) -> U8:
        data = cv2.imencode(".jpg", rgb[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
        bgr = cv2.imdecode(data, cv2.IMREAD_COLOR)
        assert bgr is not None
        return np.ascontiguousarray(bgr[..., ::-1], np.uint8)

    return change


CHANGES: dict[str, tuple[Change | None, float]] = {
    "as it is": (None, 1.0),
    **{f"blur {s} µm": (blur(s), 1.0) for s in (0.3, 0.5, 0.8)},
    **{f"exposure × {g}": (gain(g), 1.0) for g in (0.6, 0.8, 1.08)},
    **{f"saturation × {s}": (saturation(s), 1.0) for s in (0.5, 1.5, 2.5)},
    **{f"sharpening {a}": (sharpen(a), 1.0) for a in (1.0, 2.5)},
    "warm light (red 1.08, blue 0.85)": (balance(1.08, 0.85), 1.0),
    "cold light (red 0.88, blue 1.05)": (balance(0.88, 1.05), 1.0),
    **{f"haematoxylin × {h}": (stains(h, 1.0), 1.0) for h in (0.5, 2.0, 4.0)},
    **{f"DAB × {d}": (stains(1.0, d), 1.0) for d in (0.5, 2.0)},
    "noise of 8 grey levels": (noise(8.0), 1.0),
    "JPEG quality 35": (jpeg(35), 1.0),
    **{f"scale said × {s}": (None, s) for s in (0.7, 0.85, 1.15, 1.4)},
}
"""What is changed, and the factor on the scale that the program is told."""


def counts(
    crop: Crop, detector: HeatmapDetector, change: tuple[Change | None, float], profile: StainProfile
) -> Tally:
    """Compare finds on a changed crop with its points."""
    how, scale = change
    rgb = crop.rgb if how is None else how(crop.rgb, crop.um_per_px)
    maps = separate(rgb, Optics(crop.um_per_px * scale), profile)
    found = detector.detect(rgb, maps).of_kind(NucleusKind.TUMOUR)
    return tally(found.yx_px, crop)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--data", type=Path, default=SHARED_DATA, help="folder of the shared images")
    parser.add_argument("--runs", type=Path, required=True, help="folder with fold0, fold1, ...")
    parser.add_argument("--config", type=Path, default=ROOT / "tools/train/configs/nuclei-a.toml")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    data, profile, config = need(options.data), default_profile(), read_config(options.config)
    by_image = detectors(config, options.runs)
    crops = load_crops([data / "points", OWN_POINTS], data)
    rows = []
    for name, change in CHANGES.items():
        own, foreign = Tally(), Tally()
        for crop in crops:
            t = counts(crop, by_image[crop.core], change, profile)
            own, foreign = (own, foreign + t) if crop.core in config.data.foreign else (own + t, foreign)
        figures = [f"{v:.3f}" for v in (own.f1, own.precision, own.recall, own.others_called_tumour)]
        rows.append([name, *figures, f"{foreign.f1:.3f}"])
        print(name, flush=True)
    head = ["changed", "F1, cores", "precision", "recall", "others called tumour", "F1, foreign"]
    print(table(head, rows))


if __name__ == "__main__":
    main()

"""Nucleus detection against points by eye: precision, recall and F1 at 5 µm.

    python -m tools.evaluate.nuclei

The classical detector beside two peers: scikit-image's `blob_log` on haematoxylin, and the paper's section
3.1 as it is printed (maxima of haematoxylin outside, minima of DAB inside the stained region, small nuclei of
an Otsu segmentation removed).
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from skimage.feature import blob_log
from skimage.filters import threshold_otsu

from armicro.analysis.detect_classical import ClassicalDetector
from armicro.analysis.peaks import find_peaks
from armicro.contracts.arrays import F32, I64
from armicro.contracts.cells import NucleusKind
from armicro.imaging.kernels import disc
from armicro.imaging.scale import to_field
from tools.evaluate.shared import (
    OWN_POINTS,
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

Detect = Callable[[Crop], F32]
NOTHING = Hits(0, 0, 0, 0)
RESAMPLES = 1000


def classical(crop: Crop) -> F32:
    """Return the tumour nuclei of armicro's classical detector."""
    return ClassicalDetector().detect(crop.rgb, crop.maps).of_kind(NucleusKind.TUMOUR).yx_px


def laplacian(crop: Crop) -> F32:
    """Return scikit-image's Laplacian-of-Gaussian blobs of haematoxylin."""
    um = crop.maps.um_per_px
    blobs = blob_log(  # type: ignore[no-untyped-call]
        np.clip(crop.maps.haematoxylin_od, 0, 0.5),
        min_sigma=1.5 / um, max_sigma=3.5 / um, num_sigma=5, threshold=0.03, overlap=0.3,
    )  # fmt: skip
    return to_field(blobs[:, :2].astype(np.float32), crop.maps.factor)


def as_printed(crop: Crop) -> F32:
    """Return the rough nuclei of the paper's section 3.1, figure 3 (a)."""
    um = crop.maps.um_per_px
    h, d = (
        np.asarray(cv2.bilateralFilter(np.clip(m, 0, 1), 9, 0.08, 2.0 / um), np.float32)
        for m in (crop.maps.haematoxylin_od, crop.maps.dab_od)
    )
    membrane = (d > 0.135).astype(np.uint8)
    stained = cv2.morphologyEx(membrane, cv2.MORPH_CLOSE, disc(5.0 / um)) > 0
    mask = (h > threshold_otsu(h)).astype(np.uint8)  # type: ignore[no-untyped-call]
    _, labels, stats, _ = cv2.connectedComponentsWithStats(mask)
    large = (stats[:, cv2.CC_STAT_AREA] * um**2 > 15) & (np.arange(len(stats)) > 0)
    blurred = [np.asarray(cv2.GaussianBlur(m, (0, 0), 1.2 / um), np.float32) for m in (h, d)]
    from_h, _ = find_peaks(blurred[0], 3.0 / um, 0.05)
    from_d, _ = find_peaks(-blurred[1], 3.0 / um, -0.3)

    def at(points: F32) -> tuple[I64, I64]:
        yx = np.clip(np.rint(points).astype(np.int64), 0, np.array(h.shape) - 1)
        return yx[:, 0], yx[:, 1]

    outside = ~stained[at(from_h)] & large[labels[at(from_h)]]
    points = np.concatenate([from_h[outside], from_d[stained[at(from_d)]]])
    return to_field(points, crop.maps.factor)


def f1_interval(hits: list[Hits], seed: int = 0) -> tuple[float, float]:
    """Return the 95 % interval of F1, resampling crops."""
    rng = np.random.default_rng(seed)
    counts = np.array([[h.true, h.missed, h.false] for h in hits], np.float64)
    sums = counts[rng.integers(0, len(counts), (RESAMPLES, len(counts)))].sum(axis=1)
    return interval(2 * sums[:, 0] / (2 * sums[:, 0] + sums[:, 1] + sums[:, 2]))


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--data", type=Path, default=SHARED_DATA, help="folder of the shared images")
    parser.add_argument("--own", action="store_true", help="add the points under tests/data/nuclei")
    options = parser.parse_args()
    data = need(options.data)
    folders = [data / "points", *([OWN_POINTS] if options.own else [])]
    all_crops = list(crops(data, default_profile(), folders))
    detectors: dict[str, Detect] = {
        "classical": classical,
        "the paper's 3.1 as printed": as_printed,
        "scikit-image blob_log": laplacian,
    }
    results = {name: [match(f(c), c)[0] for c in all_crops] for name, f in detectors.items()}
    her2 = [i for i, c in enumerate(all_crops) if c.image.startswith("her2")]
    rows = []
    for name, hits in results.items():
        for what, which in (("HER2 cores", her2), ("all", list(range(len(hits))))):
            chosen = [hits[i] for i in which]
            total = sum(chosen, NOTHING)
            low, high = f1_interval(chosen)
            rates = f"{total.precision:.2f}", f"{total.recall:.2f}", f"{total.f1:.3f}"
            false = total.false_on_other, total.false
            rows.append([f"{name}, {what}", *rates, f"{low:.3f} to {high:.3f}", *false])
    head = ["detector", "precision", "recall", "F1", "95 %", "false on other nuclei", "false"]
    print(table(head, rows), "\n")
    rows = []
    for core in sorted({c.core for c in all_crops}):
        row: list[object] = [core]
        for hits in results.values():
            total = sum((h for h, c in zip(hits, all_crops, strict=True) if c.core == core), NOTHING)
            row.append(f"{total.f1:.2f} ({total.true + total.missed})")
        rows.append(row)
    print(table(["F1 (nuclei) by core", *detectors], rows))


if __name__ == "__main__":
    main()

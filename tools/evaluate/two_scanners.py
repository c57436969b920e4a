"""One Ki-67 field seen by two scanners: the share of positive nuclei before and after stain calibration.

    python -m tools.evaluate.two_scanners

A nucleus is positive where the mean DAB of its middle reaches a threshold. The same threshold is asked of
both scans: as they are, with the stain vectors measured on each, and with the thresholds of the second
carried over by the field itself as control. The last is the best case: no real control is the very tissue
that is judged.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np

from armicro.contracts.arrays import F32, F64, U8
from armicro.contracts.cells import NucleusKind
from armicro.contracts.frame import Optics
from armicro.contracts.protocols import NucleusDetector
from armicro.contracts.stain import StainMaps, StainProfile
from armicro.imaging.control import control_density, control_factor
from armicro.imaging.scale import to_working
from armicro.imaging.stain import estimate_white, separate
from armicro.imaging.stain_vectors import angle_deg, macenko
from tools.evaluate.shared import SHARED_DATA, default_profile, detector_named, need, read_rgb, table

SCANS = (("OS-2-ndpi", 0.2271), ("OS-2-vsi", 0.3461))
THRESHOLDS_OD = (0.1, 0.15, 0.2, 0.3, 0.4)
MIDDLE_UM = 2.0
"""Radius of what is read of a nucleus: less than the smallest has."""


@dataclass(frozen=True, slots=True)
class Scan:
    """A scan of the field.

    Parameters
    ----------
    name : str
        Its file.
    rgb : ndarray of uint8, (H, W, 3)
        The picture.
    um_per_px : float
        Its scale.
    profile : StainProfile
        With its white point.
    """

    name: str
    rgb: U8
    um_per_px: float
    profile: StainProfile

    @property
    def maps(self) -> StainMaps:
        """Stain densities."""
        return separate(self.rgb, Optics(self.um_per_px), self.profile)

    def calibrated(self) -> Scan:
        """Return it with the stain vectors measured on it."""
        assert self.profile.white_rgb is not None
        found = macenko([self.rgb], self.profile.white_rgb, self.um_per_px)
        profile = replace(
            self.profile, haematoxylin_rgb_od=found.haematoxylin_rgb_od, dab_rgb_od=found.dab_rgb_od
        )
        return replace(self, profile=profile)


def load(data: Path) -> list[Scan]:
    """Return both scans with the profile that armicro starts with."""
    scans = []
    for name, um in SCANS:
        rgb = read_rgb(data / "ki67_fields" / f"{name}.png")
        scans.append(Scan(name, rgb, um, replace(default_profile(), white_rgb=estimate_white(rgb, um))))
    return scans


def nuclei_um(scan: Scan, detector: NucleusDetector) -> F32:
    """Return all nuclei found in a scan, tumour cells', y, x in µm from the corner."""
    found = detector.detect(scan.rgb, scan.maps).of_kind(NucleusKind.TUMOUR).yx_px
    return np.asarray((found + 0.5) * scan.um_per_px, np.float32)


def shift_um(first: Scan, second: Scan) -> F64:
    """Return by how much the second scan's tissue lies below and to the right of the first's, µm."""
    side = 1000
    pictures = [
        cv2.resize(cv2.cvtColor(s.rgb, cv2.COLOR_RGB2GRAY), (side, side), interpolation=cv2.INTER_AREA)
        for s in (first, second)
    ]
    (x, y), _ = cv2.phaseCorrelate(*(p.astype(np.float64) for p in pictures))
    return np.asarray(np.array([y, x]) * first.rgb.shape[0] * first.um_per_px / side, np.float64)


def middle_dab(scan: Scan, at_um: F32) -> F32:
    """Return the mean DAB around places y, x in µm, log10 OD."""
    maps = scan.maps
    radius = MIDDLE_UM / maps.um_per_px
    reach = int(np.ceil(radius))
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    kernel = (y**2 + x**2 <= radius**2).astype(np.float32)
    blurred = cv2.filter2D(maps.dab_od, -1, kernel / kernel.sum(), borderType=cv2.BORDER_REFLECT)
    yx = np.rint(to_working(at_um / scan.um_per_px - np.float32(0.5), maps.factor)).astype(np.int64)
    yx = np.clip(yx, 0, np.array(blurred.shape) - 1)
    return np.asarray(blurred[yx[:, 0], yx[:, 1]], np.float32)


def shares(values: F32, factor: float = 1.0) -> list[float]:
    """Return the share of positive nuclei at each threshold times a factor, per cent."""
    return [100 * float(np.mean(values >= t * factor)) for t in THRESHOLDS_OD]


def rows_of(title: str, first: F32, second: F32, factor: float = 1.0) -> list[list[object]]:
    """Return three rows: both scans and their difference in points."""
    a, b = shares(first), shares(second, factor)
    difference = [f"{y - x:+.1f}" for x, y in zip(a, b, strict=True)]
    return [
        [title, SCANS[0][0], len(first), *(f"{v:.1f}" for v in a)],
        ["", SCANS[1][0], len(second), *(f"{v:.1f}" for v in b)],
        ["", "difference, points", "", *difference],
    ]


def carried(scans: list[Scan]) -> float:
    """Return how much more DAB the second scan shows than the first, the field being its own control."""
    first, second = (control_density([s.rgb], Optics(s.um_per_px), s.profile) for s in scans)
    return control_factor(second, first, None, None)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--data", type=Path, default=SHARED_DATA, help="folder of the shared images")
    parser.add_argument("--detector", default="classical", help="as for armicro score")
    options = parser.parse_args()
    before = load(need(options.data))
    after = [scan.calibrated() for scan in before]
    detector = detector_named(options.detector)
    for old, new in zip(before, after, strict=True):
        white = ", ".join(f"{v:.0f}" for v in new.profile.white_rgb or ())
        h, d = (
            angle_deg(getattr(old.profile, key), getattr(new.profile, key))
            for key in ("haematoxylin_rgb_od", "dab_rgb_od")
        )
        print(f"{new.name}: white {white}; haematoxylin turned {h:.1f}°, DAB turned {d:.1f}°")
    between = [
        angle_deg(getattr(after[0].profile, k), getattr(after[1].profile, k))
        for k in ("haematoxylin_rgb_od", "dab_rgb_od")
    ]
    print(f"between the scanners: haematoxylin {between[0]:.1f}°, DAB {between[1]:.1f}°")
    stages = [
        ("default vectors", before, 1.0),
        ("default vectors and control", before, carried(before)),
        ("vectors measured", after, 1.0),
        ("vectors and control", after, carried(after)),
    ]
    for name, _, factor in stages[1::2]:
        print(f"{name}: the second scan's thresholds times {factor:.3f}")
    detector = detector_named(options.detector)
    head = ["stain", "scan", "nuclei", *(f"{t:g} OD, %" for t in THRESHOLDS_OD)]
    # Nuclei found on the first scan, seen in both, part the stain from the detector.
    fixed = nuclei_um(before[0], detector)
    moved = np.asarray(fixed + shift_um(*before), np.float32)
    for title, own in (("Nuclei found on each scan", True), ("Nuclei found on the first scan", False)):
        rows: list[list[object]] = []
        for name, scans, factor in stages:
            places = [nuclei_um(s, detector) for s in scans] if own else [fixed, moved]
            first, second = (middle_dab(s, p) for s, p in zip(scans, places, strict=True))
            rows += rows_of(name, first, second, factor)
        print(f"\n{title}:\n\n{table(head, rows)}")


if __name__ == "__main__":
    main()

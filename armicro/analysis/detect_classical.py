"""A nucleus detector without learning, after the paper's section 3.1."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from armicro.analysis.peaks import find_peaks
from armicro.contracts.arrays import F32, U8
from armicro.contracts.cells import Nuclei, NucleusKind
from armicro.contracts.stain import StainMaps
from armicro.imaging.scale import to_field


@dataclass(frozen=True, slots=True)
class ClassicalParams:
    """Parameters of the classical detector; lengths in µm, densities in log10 OD."""

    inner_sigma_um: float = 1.5
    outer_sigma_um: float = 4.0
    dab_share: float = 0.7
    least_haematoxylin_od: float = 0.05
    least_response_od: float = 0.01
    spacing_um: float = 3.0


@dataclass(frozen=True, slots=True)
class ClassicalDetector:
    """Nuclei as blobs of haematoxylin that are poor in DAB."""

    params: ClassicalParams = ClassicalParams()

    @property
    def identity(self) -> str:
        """Name and version."""
        return "classical/1"

    @property
    def reach_um(self) -> float:
        """Margin that tiles need, µm."""
        return 4 * self.params.outer_sigma_um + self.params.spacing_um

    def detect(self, rgb: U8, maps: StainMaps) -> Nuclei:  # noqa: ARG002 - the Protocol's signature
        """Find nuclei; see `NucleusDetector.detect`."""
        p, um = self.params, maps.um_per_px
        h = np.clip(maps.haematoxylin_od, -0.05, 0.4)
        m: F32 = h - np.float32(p.dab_share) * np.clip(maps.dab_od, 0, 0.3)
        inner = cv2.GaussianBlur(m, (0, 0), p.inner_sigma_um / um)
        response = inner - cv2.GaussianBlur(m, (0, 0), p.outer_sigma_um / um)
        density = cv2.GaussianBlur(h, (0, 0), p.inner_sigma_um / um)
        response = np.where(density >= p.least_haematoxylin_od, response, np.float32(-1)).astype(np.float32)
        yx, height = find_peaks(response, p.spacing_um / um, p.least_response_od)
        kind = np.full(len(yx), NucleusKind.TUMOUR, np.uint8)
        return Nuclei(to_field(yx, maps.factor), height, kind)

"""Nuclei by a heat map network, after the paper's section 3.1.1.

The network has been taught at one scale and bears a deviation of some 15 % from it. Fields are reduced by the
same whole factor as for the stain maps, so 40x fields (0.42 to 0.50 µm after reduction) are handed over as
they are; what is farther off is resampled by a quarter step (3/4, 5/4, 3/2, ...), which is enough to come
within 15 %. Quarter steps, because tiles begin at multiples of 64 working px: there, a resampled tile begins
at a multiple of 16 px of the network's input, its coarsest grid, and gives the same answer as the whole.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from armicro.analysis.peaks import find_peaks
from armicro.contracts.arrays import F32, F64, U8, Bool, frozen, require
from armicro.contracts.cells import Nuclei, NucleusKind
from armicro.contracts.protocols import HeatmapModel
from armicro.contracts.stain import StainMaps
from armicro.imaging.scale import reduce_blocks, to_field
from armicro.imaging.stain import even_counterstain

_QUARTERS = (1, 2, 3, 4, 5, 6, 7, 8)
_RESAMPLE_PX = 64
"""Before it is resampled a field is filled up to multiples of this, so that every step gives whole pixels."""
_FARTHEST = 1.2
"""A quarter step leaves less than this factor between a field's scale and the network's."""
_GRID = 32.0


@dataclass(frozen=True, slots=True)
class HeatmapParams:
    """How nuclei are read from a heat map; the values belong to a network.

    Parameters
    ----------
    peak_threshold : float
        Least height of a peak of the sum of both channels; a nucleus was taught with a height of 1.
    peak_spacing_um : float
        Two nuclei are farther apart than this.
    tumour_bias : float
        A nucleus is a tumour cell's where the tumour channel exceeds the other by at least this.
    reach_px : int
        How far a pixel can change the heat map, px of the network's input.
    counterstain_od : float
        Counterstain that the network was taught with, log10 OD: fields are evened to it. 0 shows them as
        they are.
    """

    peak_threshold: float
    peak_spacing_um: float
    tumour_bias: float
    reach_px: int
    counterstain_od: float = 0.0


@dataclass(frozen=True, slots=True)
class HeatmapDetector:
    """A `NucleusDetector` over any heat map model.

    Parameters
    ----------
    model : HeatmapModel
        The network on its engine.
    params : HeatmapParams
        How its heat map is read.
    """

    model: HeatmapModel
    params: HeatmapParams

    @property
    def identity(self) -> str:
        """Name, version and hash of the network, and the engine that ran it."""
        return self.model.identity

    @property
    def reach_um(self) -> float:
        """Margin that tiles need, µm, at the coarsest scale at which the network is used."""
        p, coarsest_um = self.params, self.model.um_per_px * _FARTHEST
        # Beside the network: a peak's neighbours in the heat map, and the interpolation's at either end.
        return (p.reach_px + 2 * self.model.stride + 2) * coarsest_um + p.peak_spacing_um

    def detect(self, rgb: U8, maps: StainMaps) -> Nuclei:
        """Find nuclei; see `NucleusDetector.detect`.

        Parameters
        ----------
        rgb : ndarray of uint8, (H, W, 3)
            The field.
        maps : StainMaps
            The network sees colours; the maps tell the scale and by how much the counterstain is to be
            evened out.

        Returns
        -------
        Nuclei
            Tumour and other nuclei, scored by the height of their peaks.
        """
        step = quarters(maps.um_per_px, self.model.um_per_px)
        working = reduce_blocks(rgb, maps.factor)
        shown = even_counterstain(working, maps, self.params.counterstain_od)
        heat = self.model.predict(frozen(resample(shown, step)))
        scale_um = maps.um_per_px * 4 / step
        yx, height, kind = nuclei_of(heat, scale_um * self.model.stride, self.params)
        on_work = np.rint(_working(yx, self.model.stride, step) * _GRID) / _GRID
        # The last tile's heat map is rounded up; a peak there may lie beyond the field's rim.
        rim = np.array(working.shape[:2], np.float64) - 0.5
        inside: Bool = np.all(on_work < rim, axis=1)
        found = Nuclei(on_work.astype(np.float32), height, kind).take(inside)
        return Nuclei(to_field(found.yx_px, maps.factor), found.score, found.kind)


def quarters(um_per_px: float, wanted_um_per_px: float) -> int:
    """Return by how many quarters a field is enlarged so that its scale comes nearest to the one wanted.

    Parameters
    ----------
    um_per_px : float
        Scale of the field as it is, µm.
    wanted_um_per_px : float
        Scale that the network was taught at, µm.

    Returns
    -------
    int
        4 leaves it alone, 3 makes it smaller by a quarter.
    """
    wanted = 4 * um_per_px / wanted_um_per_px
    return min(_QUARTERS, key=lambda n: abs(np.log(n / wanted)))


def resample(rgb: U8, step: int) -> U8:
    """Enlarge a field by `step` quarters.

    In whole numbers throughout, so that a pixel does not depend on where its tile begins.

    Parameters
    ----------
    rgb : ndarray of uint8, (h, w, 3)
        The field at working scale; read-only.
    step : int
        From `quarters`; 4 returns the field itself.

    Returns
    -------
    ndarray of uint8, (h', w', 3)
        Filled up by reflection to multiples of 64 working px, then resampled.
    """
    if step == 4:
        return rgb
    h, w = rgb.shape[:2]
    filled = cv2.copyMakeBorder(rgb, 0, -h % _RESAMPLE_PX, 0, -w % _RESAMPLE_PX, cv2.BORDER_REFLECT_101)
    size = filled.shape[1] * step // 4, filled.shape[0] * step // 4
    return np.asarray(cv2.resize(filled, size, interpolation=cv2.INTER_LINEAR_EXACT), np.uint8)


def nuclei_of(heat: F32, um_per_px: float, params: HeatmapParams) -> tuple[F32, F32, U8]:
    """Read nuclei from a heat map.

    Both channels together say that there is a nucleus, their difference whose it is: one that the network
    cannot assign is one nucleus, not none or two.

    Parameters
    ----------
    heat : ndarray of float32, (2, h, w)
        Tumour and other nuclei.
    um_per_px : float
        Scale of the heat map, µm.
    params : HeatmapParams
        How.

    Returns
    -------
    yx_px : ndarray of float32, (N, 2)
        Places in pixels of the heat map, in reading order.
    height : ndarray of float32, (N,)
        Height of the sum of both channels.
    kind : ndarray of uint8, (N,)
        `NucleusKind`.
    """
    require("heat", heat, shape=(2, None, None), dtype="f4")
    total = np.asarray(cv2.add(heat[0], heat[1]), np.float32)
    yx, height = find_peaks(total, params.peak_spacing_um / um_per_px, params.peak_threshold)
    # Peaks lie less than half a pixel off their greatest value.
    y, x = np.rint(yx).astype(np.int64).T
    lead = heat[0, y, x] - heat[1, y, x]
    kind = np.where(lead >= np.float32(params.tumour_bias), NucleusKind.TUMOUR, NucleusKind.OTHER)
    return yx, height, kind.astype(np.uint8)


def _working(yx: F32, stride: int, step: int) -> F64:
    """Convert heat map coordinates (N, 2) to working px."""
    return (yx.astype(np.float64) + 0.5) * (stride * 4 / step) - 0.5

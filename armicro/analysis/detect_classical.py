"""A nucleus detector without learning, after the paper's section 3.1.

The paper looks for maxima of haematoxylin outside the stained regions and for minima of DAB inside them, and
drops the small nuclei of stroma and immune cells. Three things differ here, each because it did better on
points by eye (`tools/evaluate/nuclei.py` shows both): haematoxylin less DAB is one map, so that no border
between regions cuts a nucleus; its blobs are compared with their own neighbourhood, so that a pale slide
needs no other threshold than a dark one; and what tells tumour from stroma is how compact the surroundings
are (epithelium leaves no pale gaps), which holds where the size of a nucleus does not.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from armicro.analysis.peaks import find_peaks
from armicro.contracts.arrays import F32, I64, U8, Bool
from armicro.contracts.cells import Nuclei, NucleusKind
from armicro.contracts.stain import StainMaps
from armicro.imaging.kernels import erode_disc
from armicro.imaging.parallel import together
from armicro.imaging.scale import to_field

_U8_PER_OD = 400.0
_USUAL_UM = 20.0
"""Sigma of the neighbourhood whose mean density says what is usual there, µm."""


@dataclass(frozen=True, slots=True)
class ClassicalParams:
    """Parameters of the classical detector; lengths in µm, densities in log10 OD.

    Parameters
    ----------
    inner_sigma_um, outer_sigma_um : float
        Blurs whose difference answers to blobs of a nucleus' size.
    dab_share : float
        How much of the DAB density is taken off the haematoxylin before.
    dab_cap_od : float
        Densities of DAB above this count as this: an intense membrane must not outweigh all else.
    window_um : float
        Sigma of the neighbourhood that a blob is compared with.
    floor_od : float
        Added to the neighbourhood's contrast, so that empty glass does not become loud.
    least_contrast : float
        Least height of a blob, in units of the neighbourhood's contrast.
    least_haematoxylin_od : float
        A hole ringed by brown is a blob too, but has no haematoxylin.
    spacing_um : float
        Two blobs are farther apart than this.
    twin_um, twin_valley : float
        Blobs nearer than `twin_um` are one nucleus if the way from one to the other falls by less than this
        share of their height above the surroundings: large nuclei come apart into lobes.
    compact_um : float
        Radius in which a tumour cell has no pale gap.
    compact_od, compact_share : float
        A gap is where haematoxylin and DAB together fall below this density, or below this share of their
        mean in the wider neighbourhood.
    """

    inner_sigma_um: float = 1.2
    outer_sigma_um: float = 4.5
    dab_share: float = 0.7
    dab_cap_od: float = 0.25
    window_um: float = 25.0
    floor_od: float = 0.015
    least_contrast: float = 0.5
    least_haematoxylin_od: float = 0.02
    spacing_um: float = 3.0
    twin_um: float = 5.5
    twin_valley: float = 0.4
    compact_um: float = 5.0
    compact_od: float = 0.036
    compact_share: float = 0.3


@dataclass(frozen=True, slots=True)
class ClassicalDetector:
    """Nuclei as blobs of haematoxylin that are poor in DAB; tumour where the tissue is compact.

    Parameters
    ----------
    params : ClassicalParams
        How.
    """

    params: ClassicalParams = ClassicalParams()

    @property
    def identity(self) -> str:
        """Name and version."""
        return "classical/1"

    @property
    def reach_um(self) -> float:
        """Margin that tiles need, µm: blurs are cut off at 4 sigma."""
        p = self.params
        return 4 * (p.outer_sigma_um + max(p.window_um, _USUAL_UM)) + p.spacing_um + p.compact_um

    def detect(self, rgb: U8, maps: StainMaps) -> Nuclei:  # noqa: ARG002 - the Protocol's signature
        """Find nuclei; see `NucleusDetector.detect`.

        Parameters
        ----------
        rgb : ndarray of uint8, (H, W, 3)
            Not used: the stain densities say all.
        maps : StainMaps
            log10 OD.

        Returns
        -------
        Nuclei
            Tumour where the tissue is compact, other elsewhere.
        """
        p, um = self.params, maps.um_per_px

        def blobs() -> tuple[F32, F32]:
            contrast = haematoxylin_contrast(maps, p)
            response = nuclear_response(maps, contrast, p)
            yx, height = find_peaks(response, p.spacing_um / um, p.least_contrast)
            return merge_twins(yx, height, contrast, um, p) if len(yx) else (yx, height)

        (yx, height), inside = together(blobs, lambda: compact(maps, p))
        if not len(yx):
            return Nuclei(yx, height, np.empty(0, np.uint8))
        at = _pixel(yx, inside.shape)
        tumour = inside[at[:, 0], at[:, 1]]
        kind = np.where(tumour, NucleusKind.TUMOUR, NucleusKind.OTHER).astype(np.uint8)
        return Nuclei(to_field(yx, maps.factor), height, kind)


def haematoxylin_contrast(maps: StainMaps, params: ClassicalParams) -> F32:
    """Return haematoxylin less a share of DAB, (h, w), log10 OD: nuclei are hills, membranes valleys."""
    haematoxylin = np.clip(maps.haematoxylin_od, np.float32(-0.05), np.float32(0.5))
    dab = np.clip(maps.dab_od, np.float32(0), np.float32(params.dab_cap_od))
    return np.asarray(cv2.addWeighted(haematoxylin, 1.0, dab, -params.dab_share, 0.0), np.float32)


def merge_twins(
    yx: F32, height: F32, contrast: F32, um_per_px: float, params: ClassicalParams
) -> tuple[F32, F32]:
    """Join blobs that are lobes of one nucleus.

    Parameters
    ----------
    yx : ndarray of float32, (N, 2)
        Blobs, y, x in pixels of the map.
    height : ndarray of float32, (N,)
        Their heights; the joint place is their mean by height.
    contrast : ndarray of float32, (h, w)
        From `haematoxylin_contrast`.
    um_per_px : float
        Scale of the map, µm.
    params : ClassicalParams
        `twin_um` and `twin_valley` are used.

    Returns
    -------
    yx : ndarray of float32, (M, 2)
        Nuclei, M <= N.
    height : ndarray of float32, (M,)
        The greater height of each.
    """
    pairs = cKDTree(yx).query_pairs(params.twin_um / um_per_px, output_type="ndarray")
    if not len(pairs):
        return yx, height
    smooth = _blur(contrast, 0.8 / um_per_px)
    around = _broad(contrast, 6.0 / um_per_px, 4)
    one, other = yx[pairs[:, 0]], yx[pairs[:, 1]]
    way = np.linspace(0.2, 0.8, 5, dtype=np.float32)[None, :, None]
    rest: F32 = np.float32(1) - way
    valley = _at(smooth, np.asarray(one[:, None] * rest + other[:, None] * way, np.float32)).min(axis=1)
    lower = np.minimum(_at(smooth, one), _at(smooth, other))
    above = np.maximum(lower - _at(around, np.asarray((one + other) / 2, np.float32)), 0)
    joined = pairs[(lower - valley) < params.twin_valley * above]
    links = coo_matrix((np.ones(len(joined)), (joined[:, 0], joined[:, 1])), shape=(len(yx), len(yx)))
    n, label = connected_components(links, directed=False)
    weight = np.bincount(label, height, n)
    centre = [np.bincount(label, height * yx[:, axis], n) / weight for axis in (0, 1)]
    top = np.zeros(n, np.float32)
    np.maximum.at(top, label, height)
    # On the sub-pixel grid of the peaks, so that float32 holds it exactly wherever a tile begins.
    return (np.rint(np.stack(centre, axis=1) * 32) / 32).astype(np.float32), top


def _pixel(yx: F32, shape: tuple[int, ...]) -> I64:
    """Return the pixels that points (..., 2) lie in."""
    return np.clip(np.rint(yx).astype(np.int64), 0, np.array(shape) - 1)


def _at(values: F32, yx: F32) -> F32:
    """Read a map (h, w) at points (..., 2)."""
    at = _pixel(yx, values.shape)
    return np.asarray(values[at[..., 0], at[..., 1]], np.float32)


def nuclear_response(maps: StainMaps, contrast: F32, params: ClassicalParams) -> F32:
    """Return the map whose maxima are nuclei, (h, w), in units of the neighbourhood's contrast."""
    um = maps.um_per_px
    blobs = cv2.subtract(
        _blur(contrast, params.inner_sigma_um / um), _broad(contrast, params.outer_sigma_um / um, 4)
    )
    usual = np.sqrt(_broad(blobs * blobs, params.window_um / um, 8))
    response = blobs / (usual + np.float32(params.floor_od))
    density = _blur(maps.haematoxylin_od, 1.5 / um)
    response[density < params.least_haematoxylin_od] = -1
    return np.asarray(response, np.float32)


def compact(maps: StainMaps, params: ClassicalParams) -> Bool:
    """Return where tissue has no pale gap within `compact_um`, (h, w)."""
    um = maps.um_per_px
    total: F32 = np.maximum(maps.haematoxylin_od, 0) + np.maximum(maps.dab_od, 0)
    smooth = _blur(total, 1.0 / um)
    steps = cv2.convertScaleAbs(smooth, alpha=_U8_PER_OD)
    palest = erode_disc(np.asarray(steps, np.uint8), params.compact_um / um)
    usual = _broad(total, _USUAL_UM / um, 8)
    bound = np.maximum(np.float32(params.compact_od), np.float32(params.compact_share) * usual)
    return np.asarray(palest >= bound * np.float32(_U8_PER_OD), np.bool_)


def _blur(values: F32, sigma_px: float) -> F32:
    return np.asarray(cv2.GaussianBlur(values, (0, 0), sigma_px), np.float32)


def _broad(values: F32, sigma_px: float, step: int) -> F32:
    """Blur widely, on a grid coarser by `step`, which divides the stride at which tiles begin.

    Box filters would be as fast, but their running sums depend on where a tile begins.
    """
    h, w = values.shape
    pad = -h % step, -w % step
    padded = np.pad(values, ((0, pad[0]), (0, pad[1])), mode="edge") if any(pad) else values
    size = (w + pad[1]) // step, (h + pad[0]) // step
    coarse = np.asarray(cv2.resize(padded, size, interpolation=cv2.INTER_AREA), np.float32)
    coarse = _blur(coarse, sigma_px / step)
    fine = cv2.resize(coarse, (w + pad[1], h + pad[0]), interpolation=cv2.INTER_LINEAR)
    return np.asarray(fine[:h, :w], np.float32)

"""Random patches for training: tissue turned, scaled and shown as by another instrument, with its targets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache

import cv2
import numpy as np

from armicro.app.profiles import load_stain_profile
from armicro.contracts.arrays import F32, F64, U8
from armicro.contracts.frame import Optics
from armicro.contracts.stain import StainProfile
from armicro.imaging.stain import even_counterstain, separate
from tools.train.augment import AugmentParams, change_look, cut_out
from tools.train.layout import STRIDE
from tools.train.points import Crop
from tools.train.targets import TargetParams, TargetScale, encode, taught
from tools.train.tiles import Tile, follow

_FINE = 2
"""Patches are first drawn this many times finer than the model's pixels, as a 40x field is."""


@dataclass(frozen=True, slots=True)
class PatchParams:
    """What a patch is.

    Parameters
    ----------
    side_px : int
        Side of a patch in pixels of the model; a multiple of 16.
    um_per_px : float
        Scale of the model.
    scale : (float, float)
        Range of the factor on that scale: the model shall bear a scale that is wrong by as much.
    fine_chance : float
        Share of patches whose imagined sensor has half the model's pixel size (40x) instead of it (20x).
    soft_um : (float, float)
        Blur of the weaker objective (20x) before its sensor, standard deviation.
    counterstain_od : float
        Haematoxylin to which each picture is evened before the network sees it, log10 OD; 0 for not at all.
    """

    side_px: int = 192
    um_per_px: float = 0.46
    scale: tuple[float, float] = (0.74, 1.35)
    fine_chance: float = 0.5
    soft_um: tuple[float, float] = (0.0, 0.4)
    counterstain_od: float = 0.0


@dataclass(frozen=True, slots=True)
class Patch:
    """One training example.

    Parameters
    ----------
    rgb : ndarray of uint8, (S, S, 3)
        Input.
    heat : ndarray of float32, (2, S / 2, S / 2)
        Target: tumour and other nuclei.
    mask : ndarray of float32, (S / 2, S / 2)
        1 where the answer counts.
    """

    rgb: U8
    heat: F32
    mask: F32


@dataclass(frozen=True, slots=True)
class Batch:
    """Patches stacked; see `Patch`."""

    rgb: U8
    heat: F32
    mask: F32


@dataclass(frozen=True, slots=True)
class Sampler:
    """Draws batches; the batch of a step depends on the seed and the step alone.

    Parameters
    ----------
    crops : sequence of Crop or Tile
        What patches are cut from: marked by eye, or by a teacher.
    weights : sequence of float
        How often, relative to each other.
    patch, target, augment
        The parameters.
    seed : int
        Of all chance.
    """

    crops: Sequence[Crop | Tile]
    weights: Sequence[float]
    patch: PatchParams = field(default_factory=PatchParams)
    target: TargetParams = field(default_factory=TargetParams)
    augment: AugmentParams = field(default_factory=AugmentParams)
    seed: int = 1

    def batch(self, step: int, size: int) -> Batch:
        """Return the batch of a step."""
        chance = np.asarray(self.weights, np.float64) / np.sum(self.weights)
        patches = []
        for place in range(size):
            rng = np.random.default_rng([self.seed, step, place])
            patches.append(self.draw(self.crops[int(rng.choice(len(chance), p=chance))], rng))
        return Batch(
            np.stack([p.rgb for p in patches]),
            np.stack([p.heat for p in patches]),
            np.stack([p.mask for p in patches]),
        )

    def draw(self, crop: Crop | Tile, rng: np.random.Generator) -> Patch:
        """Draw one patch of a crop."""
        p = self.patch
        um = p.um_per_px * float(np.exp(rng.uniform(*np.log(p.scale))))
        to_fine = _placement(crop, um / _FINE, p.side_px * _FINE, rng)
        side = p.side_px * _FINE
        rgb = np.asarray(
            cv2.warpAffine(
                crop.rgb, to_fine, (side, side), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101
            ),
            np.uint8,
        )
        shown = evened(self._show(rgb, um, rng), um, p.counterstain_od)
        rgb, holes = cut_out(shown, self.augment, rng)
        if isinstance(crop, Tile):
            heat, mask = follow(crop, to_fine, _FINE * STRIDE, p.side_px // STRIDE)
        else:
            heat, mask = self._targets(crop, to_fine, um)
        for rows, columns in holes:
            mask[_halved(rows), _halved(columns)] = 0
        return Patch(rgb, heat, mask)

    def _show(self, fine: U8, um: float, rng: np.random.Generator) -> U8:
        small = (self.patch.side_px, self.patch.side_px)
        if rng.random() < self.patch.fine_chance:
            shown = change_look(fine, um / _FINE, self.augment, rng)
            return np.asarray(cv2.resize(shown, small, interpolation=cv2.INTER_AREA), np.uint8)
        sigma = float(rng.uniform(*self.patch.soft_um)) / (um / _FINE)
        soft = cv2.GaussianBlur(fine, (0, 0), max(sigma, 0.05))
        coarse = np.asarray(cv2.resize(soft, small, interpolation=cv2.INTER_AREA), np.uint8)
        return change_look(coarse, um, self.augment, rng)

    def _targets(self, crop: Crop, to_fine: F64, um: float) -> tuple[F32, F32]:
        side = self.patch.side_px // STRIDE
        step = _FINE * STRIDE
        scale = TargetScale(self.target, um * STRIDE)

        def to_map(yx: F32) -> F64:
            xy = yx[:, ::-1].astype(np.float64) @ to_fine[:, :2].T + to_fine[:, 2]
            return np.asarray((xy[:, ::-1] + 0.5) / step - 0.5, np.float64)

        top, left, bottom, right = crop.box_px
        corners = to_map(np.array([(top, left), (top, right), (bottom, right), (bottom, left)], np.float32))
        tumour, other = to_map(crop.tumour_px), to_map(crop.other_px)
        sigma = self.target.sigma_um / scale.um_per_px
        heat = np.stack([encode(points, (side, side), sigma) for points in (tumour, other)])
        known = np.vstack([tumour, other])
        return heat, taught(corners, known, to_map(crop.uncertain_px), (side, side), scale)


def evened(rgb: U8, um_per_px: float, counterstain_od: float) -> U8:
    """Even the counterstain of a picture (h, w, 3) at the model's scale as the detector does with a field."""
    if counterstain_od <= 0:
        return rgb
    maps = separate(rgb, Optics(um_per_px), _profile())
    return even_counterstain(rgb, maps, counterstain_od)


@cache
def _profile() -> StainProfile:
    return load_stain_profile()


def _halved(part: slice) -> slice:
    return slice(part.start // STRIDE, -(-part.stop // STRIDE))


def _placement(crop: Crop | Tile, um: float, side: int, rng: np.random.Generator) -> F64:
    """Return the affine map (2, 3), x before y, from pixels of the crop to pixels of a patch."""
    angle = float(rng.uniform(0, 2 * np.pi))
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    if rng.random() < 0.5:
        turn[:, 0] *= -1
    turn *= crop.um_per_px / um
    top, left, bottom, right = crop.box_px
    # The middle half of the crop: farther out most of the patch would lie outside, where nothing is taught.
    at = rng.uniform(0.22, 0.78, 2)
    centre = np.array([left + at[1] * (right - left), top + at[0] * (bottom - top)])
    middle = (side - 1) / 2
    return np.column_stack([turn, middle - turn @ centre])

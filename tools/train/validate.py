"""Precision and recall of a network on marked crops, shown as two objectives would show them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import cv2
import numpy as np
import torch

from armicro.contracts.arrays import F32, U8
from tools.train.config import Config
from tools.train.layout import MEAN_GREY, MULTIPLE, STD_GREY
from tools.train.model import LinkNet
from tools.train.points import Crop
from tools.train.sampler import evened
from tools.train.score import PeakParams, Tally, decode, tally

WEAK_OBJECTIVE_UM = 0.2
"""Blur that parts a 20x objective (NA 0.5) from a 40x one (NA 0.75), standard deviation: from the widths of
their point spread functions at 550 nm, with something added for the sensor."""

Predict = Callable[[U8], F32]


def predictor(net: LinkNet) -> Predict:
    """Return a function from an image (H, W, 3) to heat maps (2, H / 2, W / 2), sides multiples of 16."""
    mean, std = np.array(MEAN_GREY, np.float32), np.array(STD_GREY, np.float32)

    def predict(rgb: U8) -> F32:
        x = torch.from_numpy(np.ascontiguousarray(((rgb - mean) / std).transpose(2, 0, 1)[None]))
        with torch.inference_mode():
            heat: F32 = net(x.contiguous(memory_format=torch.channels_last))[0].numpy()
        return heat

    return predict


def at_scale(crop: Crop, um_per_px: float, weak_objective: bool) -> U8:
    """Return the pixels of a crop at another scale: block means where that is a whole factor.

    Parameters
    ----------
    crop : Crop
        The crop.
    um_per_px : float
        The scale wanted.
    weak_objective : bool
        Blur as a 20x objective does before its coarser sensor.
    """
    rgb = crop.rgb
    if weak_objective:
        rgb = np.asarray(cv2.GaussianBlur(rgb, (0, 0), WEAK_OBJECTIVE_UM / crop.um_per_px), np.uint8)
    factor = crop.um_per_px / um_per_px
    if abs(factor - 1) < 1e-6:
        return rgb
    size = (round(rgb.shape[1] * factor), round(rgb.shape[0] * factor))
    how = cv2.INTER_AREA if factor < 1 else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(rgb, size, interpolation=how), np.uint8)


def shown_as(crop: Crop, config: Config, weak_objective: bool) -> U8:
    """Return a crop at the model's scale, its counterstain evened as the detector evens a field's."""
    um = config.patch.um_per_px
    return evened(at_scale(crop, um, weak_objective), um, config.patch.counterstain_od)


def heat_of(predict: Predict, rgb: U8) -> F32:
    """Predict an image of any size: filled up to multiples of 16 by its reflection."""
    h, w = rgb.shape[:2]
    padded = cv2.copyMakeBorder(rgb, 0, -h % MULTIPLE, 0, -w % MULTIPLE, cv2.BORDER_REFLECT_101)
    return predict(np.asarray(padded, np.uint8))


def tumour_found(heat: F32, shown: U8, crop: Crop, config: Config, peaks: PeakParams) -> tuple[F32, F32]:
    """Return tumour nuclei (N, 2) of a crop's heat maps, in pixels of the crop, and their heights (N,)."""
    found = decode(heat, config.patch.um_per_px, peaks)
    scale = np.array([crop.rgb.shape[k] / shown.shape[k] for k in (0, 1)], np.float32)
    half, tumour = np.float32(0.5), found.kind == 0
    return np.asarray((found.yx_px[tumour] + half) * scale - half, np.float32), found.height[tumour]


def tally_crops(
    predict: Predict, crops: Sequence[Crop], config: Config, weak_objective: bool = False
) -> dict[str, Tally]:
    """Compare a network with the points of crops: counts per crop name."""
    counts = {}
    for crop in crops:
        shown = shown_as(crop, config, weak_objective)
        heat = heat_of(predict, shown)
        counts[crop.name] = tally(tumour_found(heat, shown, crop, config, config.peaks)[0], crop)
    return counts


def validate(net: LinkNet, crops: Sequence[Crop], config: Config) -> dict[str, float]:
    """Return the figures of an epoch: the cores, and apart from them the foreign images."""
    net.eval()
    counts = tally_crops(predictor(net), crops, config)
    foreign = {crop.name for crop in crops if crop.core in config.data.foreign}
    own = sum((t for name, t in counts.items() if name not in foreign), Tally())
    other = sum((t for name, t in counts.items() if name in foreign), Tally())
    return {
        "f1": own.f1,
        "precision": own.precision,
        "recall": own.recall,
        "others_called_tumour": own.others_called_tumour,
        "foreign_f1": other.f1,
        "foreign_precision": other.precision,
        "foreign_recall": other.recall,
    }

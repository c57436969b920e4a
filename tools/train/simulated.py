"""Simulated fields as crops with known points."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from armicro.sim.case import CaseParams, simulate_field
from armicro.sim.params import PRESETS, OpticsParams
from tools.train.points import Crop

UM_PER_PX = 0.23
_SIDE_PX = 800


def simulated_crops(n: int, seed: int) -> list[Crop]:
    """Simulate fields, each of another case, all mixes of categories in turn.

    Parameters
    ----------
    n : int
        How many.
    seed : int
        The first case's seed.

    Returns
    -------
    list of Crop
        Marked all over; nothing is uncertain.
    """
    mixes = list(PRESETS.values())
    base = CaseParams(um_per_px=UM_PER_PX, shape_px=(_SIDE_PX, _SIDE_PX), fields=1)
    crops = []
    for k in range(n):
        rng = np.random.default_rng([seed, k])
        optics = OpticsParams(
            stain_jitter_deg=4.0,
            psf_um=float(rng.uniform(0.18, 0.3)),
            defocus_um=float(rng.choice([0.0, 0.0, 0.3])),
        )
        params = replace(base, mix=mixes[k % len(mixes)], optics=optics)
        field = simulate_field(params, seed + k, 0)
        side = _SIDE_PX - 0.5
        empty = np.empty((0, 2), np.float32)
        crops.append(
            Crop(
                f"simulated_{k}", f"simulated/{k}", field.rgb, UM_PER_PX, (-0.5, -0.5, side, side),
                field.truth.yx_px, field.others_yx_px, empty,
            )
        )  # fmt: skip
    return crops

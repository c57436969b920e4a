"""What the network is: shape, scale and order of what goes in and comes out. Needs no PyTorch."""

from __future__ import annotations

from dataclasses import dataclass

STRIDE = 2
"""Input pixels per heat map pixel."""
MULTIPLE = 16
"""Heights and widths must be multiples of this, px."""
CHANNELS = ("tumour", "other")
"""What the channels of the heat map stand for."""

MEAN_GREY = (212.0, 207.0, 214.0)
STD_GREY = (38.0, 42.0, 40.0)
"""Normalisation of the channels R, G, B: about the mean and the spread of stained tissue, grey levels."""


@dataclass(frozen=True, slots=True)
class ModelParams:
    """Shape of the network.

    Parameters
    ----------
    widths : (int, int, int)
        Channels of the three stages, at a quarter, an eighth and a sixteenth of the resolution.
    blocks : int
        Residual blocks per stage.
    """

    widths: tuple[int, int, int] = (32, 64, 128)
    blocks: int = 2

"""A frame and the optics it was seen through."""

from __future__ import annotations

import math
from dataclasses import dataclass

from armicro.contracts.arrays import U8, require
from armicro.contracts.errors import ScaleError

MIN_UM_PER_PX = 0.05
"""Below this a pixel is far under the resolution of any light microscope: a typing error."""
MAX_UM_PER_PX = 0.75
"""Above this a membrane (0.6 to 2 µm wide) is thinner than a pixel and cannot be read (a 10x image, say)."""


@dataclass(frozen=True, slots=True)
class Optics:
    """The scale of a frame.

    Parameters
    ----------
    um_per_px : float
        Side of a pixel in the specimen plane, µm. 0.212 is the paper's 40x, 0.424 its 20x.
    objective : str
        A name for people ("40x"); never used for computing.

    Raises
    ------
    ScaleError
        If `um_per_px` is not a number between `MIN_UM_PER_PX` and `MAX_UM_PER_PX`.
    """

    um_per_px: float
    objective: str = ""

    def __post_init__(self) -> None:
        if not math.isfinite(self.um_per_px) or not MIN_UM_PER_PX <= self.um_per_px <= MAX_UM_PER_PX:
            raise ScaleError(
                f"{self.um_per_px:g} µm per pixel cannot be scored: expected {MIN_UM_PER_PX} to "
                f"{MAX_UM_PER_PX} (40x is about 0.21 to 0.25, 20x about 0.42 to 0.50)"
            )


@dataclass(frozen=True, slots=True)
class Frame:
    """One picture of the specimen, with all that is needed to know which one it was.

    Parameters
    ----------
    rgb : ndarray of uint8, (H, W, 3)
        RGB pixels; not written to by anyone.
    frame_id : int
        Counts up by one per exposure of its source, from 0.
    t_ns : int
        Start of the exposure on the source's clock, ns. 0 for a still image.
    optics : Optics
        The scale.
    source : str
        Where it comes from: a file's path, or a camera's name.

    Raises
    ------
    ValueError
        If `rgb` is not uint8 (H, W, 3).
    """

    rgb: U8
    frame_id: int
    t_ns: int
    optics: Optics
    source: str

    def __post_init__(self) -> None:
        require("Frame.rgb", self.rgb, shape=(None, None, 3), dtype="u1")

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width, px."""
        return self.rgb.shape[0], self.rgb.shape[1]

"""Protocols behind which detectors and heat map models stand."""

from __future__ import annotations

from typing import Protocol

from armicro.contracts.arrays import F32, U8
from armicro.contracts.cells import Nuclei
from armicro.contracts.stain import StainMaps


class NucleusDetector(Protocol):
    """Finds nuclei in a field.

    `detect` may block for as long as it computes, is called by one thread at a time, gives the same answer
    for the same pixels and keeps nothing between calls. An engine that fails raises `EngineError`.
    """

    @property
    def identity(self) -> str:
        """Name, version and, for a network, hash of the weights; stamped on each result."""
        ...

    @property
    def reach_um(self) -> float:
        """How far a pixel can change the answer at another, µm: the margin that tiles need."""
        ...

    def detect(self, rgb: U8, maps: StainMaps) -> Nuclei:
        """Find nuclei.

        Parameters
        ----------
        rgb : ndarray of uint8, (H, W, 3)
            The field; read-only.
        maps : StainMaps
            Its stain densities.

        Returns
        -------
        Nuclei
            Centres in pixels of the field, tumour and other.
        """
        ...


class HeatmapModel(Protocol):
    """A field in, a map out whose local maxima are nuclei (the paper's section 3.1.1).

    The channels are tumour and other nuclei. The heat map may be coarser than the field by `stride`.
    """

    @property
    def identity(self) -> str:
        """Name, version and hash of the weights."""
        ...

    @property
    def um_per_px(self) -> float:
        """Scale of the pixels that the model was trained on, µm."""
        ...

    @property
    def stride(self) -> int:
        """Input pixels per heat map pixel."""
        ...

    def predict(self, rgb: U8) -> F32:
        """Return the heat map (2, H / stride, W / stride), 0 to about 1, of a field at `um_per_px`."""
        ...

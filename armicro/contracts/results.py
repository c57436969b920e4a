"""What the analysis of one field says, and on what it rests."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from armicro.contracts.arrays import I64, U8, require
from armicro.contracts.cells import CATEGORIES, Category, CellTable, Nuclei
from armicro.contracts.frame import Optics

Scalar: TypeAlias = str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class MembraneMap:
    """Membrane masks of a field at working scale (the paper's section 3.2).

    Parameters
    ----------
    level : ndarray of uint8, (h, w)
        0 no membrane, 1 faint, 2 weak, 3 intense. `level >= 2` is the paper's M_weak.
    skeleton : ndarray of uint8, (h, w)
        Zhang-Suen skeleton of M_weak: 0 none, else 1 weak open, 2 weak closed, 3 intense open, 4 intense
        closed; closed means it bounds an innermost contour of a cell's size.
    um_per_px : float
        Side of a map pixel, µm.
    factor : int
        Field pixels per map pixel along one axis.
    """

    level: U8
    skeleton: U8
    um_per_px: float
    factor: int

    def __post_init__(self) -> None:
        require("MembraneMap.level", self.level, shape=(None, None), dtype="u1")
        require("MembraneMap.skeleton", self.skeleton, shape=self.level.shape, dtype="u1")


@dataclass(frozen=True, slots=True)
class Quality:
    """How fit a field is to be scored.

    Parameters
    ----------
    focus : float
        Sharpness of the tissue, 0 (none) to about 1; relative, for comparing fields.
    saturated_share : float
        Share of pixels with a channel at 0 or 255 that are not glass.
    tissue_share : float
        Share of the field that is tissue.
    warnings : tuple of str
        In words, each with its number.
    """

    focus: float
    saturated_share: float
    tissue_share: float
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where a result comes from; enough to make it again.

    Parameters
    ----------
    package_version : str
        armicro's version.
    frame_id, t_ns, source
        Identity of the frame, as in `Frame`.
    optics : Optics
        The scale.
    stain_profile : str
        Name and version.
    calibration_id : str
        Identity of the instrument calibration, or "none" where the image came without one.
    detector : str
        Name, version and, for a network, hash of its weights.
    reading : str
        Name and version of the cell reading.
    parameters : mapping of str to scalar
        Every number that took part.
    """

    package_version: str
    frame_id: int
    t_ns: int
    source: str
    optics: Optics
    stain_profile: str
    calibration_id: str
    detector: str
    reading: str
    parameters: Mapping[str, Scalar]


@dataclass(frozen=True, slots=True)
class FovResult:
    """The reading of one field of view.

    Parameters
    ----------
    shape : tuple of int
        Height and width of the field, px.
    cells : CellTable
        Tumour cells.
    others : Nuclei
        Nuclei that were found and are not counted (lymphocytes, stroma).
    membrane : MembraneMap or None
        Masks and skeleton; None where the reading did not need them.
    quality : Quality
        Fitness of the field.
    provenance : Provenance
        Origin.
    """

    shape: tuple[int, int]
    cells: CellTable
    others: Nuclei
    membrane: MembraneMap | None
    quality: Quality
    provenance: Provenance

    def counts(self) -> dict[Category, int]:
        """Count the cells that take part, by category."""
        n: I64 = np.bincount(self.cells.category[self.cells.counted], minlength=len(Category))
        return {c: int(n[c]) for c in CATEGORIES}

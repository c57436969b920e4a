"""Nuclei that were found, and the tumour cells that were read around them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, StrEnum

import numpy as np

from armicro.contracts.arrays import F32, U8, Bool, require


class Category(IntEnum):
    """Membrane staining of one tumour cell; a greater number is a stronger reading.

    The first and last four are the paper's (section 3.3); FAINT parts "barely perceptible" from weak and
    stays empty where a profile's faint threshold is off.
    """

    NONE = 0
    FAINT = 1
    WEAK_INCOMPLETE = 2
    WEAK_COMPLETE = 3
    INTENSE_INCOMPLETE = 4
    INTENSE_COMPLETE = 5

    @property
    def key(self) -> str:
        """The name in every output: `intense_complete`, ..., `none`."""
        return self.name.lower()


CATEGORIES: tuple[Category, ...] = tuple(sorted(Category, reverse=True))
"""In the order of every table: intense_complete first, none last."""


class NucleusKind(IntEnum):
    """What a nucleus belongs to."""

    TUMOUR = 0
    OTHER = 1


class Rule(StrEnum):
    """Why a cell has its category."""

    COMPLETE_INTENSE = "complete-intense"
    INCOMPLETE_INTENSE = "incomplete-intense"
    COMPLETE_WEAK = "complete-weak"
    INCOMPLETE_WEAK = "incomplete-weak"
    FAINT_MEMBRANE = "faint-membrane"
    NO_MEMBRANE = "no-membrane"
    BY_HAND = "by-hand"


RULES: tuple[Rule, ...] = tuple(Rule)
"""`CellTable.rule` is an index into this."""


@dataclass(frozen=True, slots=True)
class Nuclei:
    """Detected nuclei.

    Parameters
    ----------
    yx_px : ndarray of float32, (N, 2)
        Centres y, x in pixels of the field.
    score : ndarray of float32, (N,)
        The detector's own confidence; greater is surer.
    kind : ndarray of uint8, (N,)
        `NucleusKind`.

    Raises
    ------
    ValueError
        If shapes or dtypes do not fit.
    """

    yx_px: F32
    score: F32
    kind: U8

    def __post_init__(self) -> None:
        n = len(self.yx_px)
        require("Nuclei.yx_px", self.yx_px, shape=(n, 2), dtype="f4")
        require("Nuclei.score", self.score, shape=(n,), dtype="f4")
        require("Nuclei.kind", self.kind, shape=(n,), dtype="u1")

    def __len__(self) -> int:
        return len(self.yx_px)

    def take(self, which: Bool) -> Nuclei:
        """Return the nuclei at which a boolean mask (N,) is true."""
        return Nuclei(self.yx_px[which], self.score[which], self.kind[which])

    def of_kind(self, kind: NucleusKind) -> Nuclei:
        """Return the nuclei of one kind."""
        return self.take(self.kind == kind)

    @staticmethod
    def at(yx_px: F32, kind: NucleusKind = NucleusKind.TUMOUR) -> Nuclei:
        """Make nuclei from points (N, 2) y, x in px that are known, by eye or by construction."""
        n = len(yx_px)
        return Nuclei(
            np.asarray(yx_px, np.float32).reshape(n, 2), np.ones(n, np.float32), np.full(n, kind, np.uint8)
        )


@dataclass(frozen=True, slots=True)
class CellTable:
    """Tumour cells as parallel arrays: what each was read as, and why.

    Parameters
    ----------
    yx_px : ndarray of float32, (N, 2)
        Nuclear centres y, x in pixels of the field.
    category : ndarray of uint8, (N,)
        `Category`.
    rule : ndarray of uint8, (N,)
        Index into `RULES`.
    stained_share : ndarray of float32, (N, 3)
        Share of the cell's contour (0 to 1) that carries membrane of at least faint, weak, intense density.
    membrane_dab_od, membrane_dab_p90_od : ndarray of float32, (N,)
        Mean and 90th percentile of DAB on the stained part of the contour, log10 OD; 0 where none is.
    membrane_width_um : ndarray of float32, (N,)
        Width of the membrane on its stained part, µm; 0 where none is.
    faint_asked_od : ndarray of float32, (N,)
        Contrast to the surroundings from which membrane counted as faint at this cell, log10 OD: the
        threshold, or more in granular brown; 0 where no faint level was asked.
    contour_um : ndarray of float32, (N, K)
        The cell's contour as distances from its nucleus at K equal angles, µm. Angle k is 2πk/K from +x
        towards +y. K is 0 where a reading follows no contour of its own.
    contour_level : ndarray of uint8, (N, K)
        Staining of each contour point: 0 none, 1 faint, 2 weak, 3 intense.
    counted : ndarray of bool, (N,)
        Whether the cell takes part in the score (it lies inside the regions that were asked for).

    Raises
    ------
    ValueError
        If shapes or dtypes do not fit.
    """

    yx_px: F32
    category: U8
    rule: U8
    stained_share: F32
    membrane_dab_od: F32
    membrane_dab_p90_od: F32
    membrane_width_um: F32
    faint_asked_od: F32
    contour_um: F32
    contour_level: U8
    counted: Bool

    def __post_init__(self) -> None:
        n = len(self.yx_px)
        require("CellTable.yx_px", self.yx_px, shape=(n, 2), dtype="f4")
        for name in ("category", "rule"):
            require(f"CellTable.{name}", getattr(self, name), shape=(n,), dtype="u1")
        require("CellTable.stained_share", self.stained_share, shape=(n, 3), dtype="f4")
        for name in ("membrane_dab_od", "membrane_dab_p90_od", "membrane_width_um", "faint_asked_od"):
            require(f"CellTable.{name}", getattr(self, name), shape=(n,), dtype="f4")
        require("CellTable.contour_um", self.contour_um, shape=(n, None), dtype="f4")
        require("CellTable.contour_level", self.contour_level, shape=self.contour_um.shape, dtype="u1")
        require("CellTable.counted", self.counted, shape=(n,), dtype="?")

    def __len__(self) -> int:
        return len(self.yx_px)

    @property
    def completeness(self) -> F32:
        """Share of the contour that carries at least weak membrane, (N,), 0 to 1."""
        return self.stained_share[:, 1]

"""Simulated cases: fields of tissue whose truth is known. The public face of this package."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from armicro.contracts.arrays import F32, F64, I64, U8, Bool, require
from armicro.contracts.cells import CATEGORIES, Category
from armicro.sim.backdrop import Looks
from armicro.sim.outlines import CellShape
from armicro.sim.paint import paint
from armicro.sim.params import (
    PRESETS,
    CaseParams,
    OpticsParams,
    StainingParams,
    TissueParams,
    complete_mix,
    parse_mix,
)
from armicro.sim.render import Instrument, expose, instrument, paint_grid, sense
from armicro.sim.rng import stream
from armicro.sim.staining import Staining, stain
from armicro.sim.targets import inside
from armicro.sim.tissue import Tissue, grow

__all__ = [
    "EDGE_UM",
    "PRESETS",
    "CaseParams",
    "OpticsParams",
    "SimulatedField",
    "StainingParams",
    "TissueParams",
    "TruthTable",
    "case_truth",
    "complete_mix",
    "parse_mix",
    "simulate_case",
    "simulate_field",
    "truth_csv",
]

EDGE_UM = 6.0
"""Nuclei nearer than this to the field's edge are marked: their cell is cut."""


@dataclass(frozen=True, slots=True)
class TruthTable:
    """The counted cells of a field: tumour nuclei whose centre lies inside it.

    Parameters
    ----------
    yx_px : ndarray of float32, (N, 2)
        Nuclear centres y, x, px.
    category : ndarray of uint8, (N,)
        `Category`, computed from `stained_share` by `armicro.sim.staining.category_of`.
    stained_share : ndarray of float32, (N, 3)
        Share of the cell's own ideal outline with membrane of at least faint, weak, intense level. The whole
        outline counts, also where the field cuts it.
    membrane_dab_od : ndarray of float32, (N,)
        Mean density on the stained part, log10 OD; 0 where none is.
    edge : ndarray of bool, (N,)
        Nucleus within `EDGE_UM` of the field's edge.
    shape : ndarray of uint8, (N,)
        `armicro.sim.outlines.CellShape`: round, polygonal, columnar.
    borderline : ndarray of bool, (N,)
        A share that decides lies within 0.04 of its border.

    Raises
    ------
    ValueError
        If shapes or dtypes do not fit.
    """

    yx_px: F32
    category: U8
    stained_share: F32
    membrane_dab_od: F32
    edge: Bool
    shape: U8
    borderline: Bool

    def __post_init__(self) -> None:
        n = len(self.yx_px)
        require("TruthTable.yx_px", self.yx_px, shape=(n, 2), dtype="f4")
        require("TruthTable.stained_share", self.stained_share, shape=(n, 3), dtype="f4")
        require("TruthTable.membrane_dab_od", self.membrane_dab_od, shape=(n,), dtype="f4")
        for name in ("category", "shape"):
            require(f"TruthTable.{name}", getattr(self, name), shape=(n,), dtype="u1")
        for name in ("edge", "borderline"):
            require(f"TruthTable.{name}", getattr(self, name), shape=(n,), dtype="?")

    def __len__(self) -> int:
        return len(self.yx_px)

    def counts(self) -> dict[Category, int]:
        """Count the cells by category."""
        n: I64 = np.bincount(self.category, minlength=len(Category))
        return {c: int(n[c]) for c in CATEGORIES}


@dataclass(frozen=True, slots=True)
class SimulatedField:
    """A field with its truth.

    Parameters
    ----------
    rgb : ndarray of uint8, (H, W, 3)
        The image.
    um_per_px : float
        Its scale.
    truth : TruthTable
        The cells to be counted.
    others_yx_px : ndarray of float32, (M, 2)
        Nuclei inside the field that must not be counted.
    index, seed : int
        Which field of which case.
    """

    rgb: U8
    um_per_px: float
    truth: TruthTable
    others_yx_px: F32
    index: int
    seed: int


@dataclass(frozen=True, slots=True)
class Scene:
    """A field before the sensor: noise-free image, truth, and the ideal tissue they come from."""

    mean_rgb: F32
    tissue: Tissue
    staining: Staining
    truth: TruthTable
    others_yx_px: F32


def case_looks(params: CaseParams, seed: int) -> tuple[Looks, Instrument]:
    """Draw what all fields of a case have in common: staining of the slide, and the instrument.

    Parameters
    ----------
    params : CaseParams
        The case.
    seed : int
        Its seed.

    Returns
    -------
    Looks, Instrument
        Equal for equal arguments.
    """
    rng = stream(seed, "case")
    strength = float(rng.uniform(0.9, 1.5))
    blush = float(rng.uniform(*params.staining.blush_od))
    blushes = bool(rng.random() < params.staining.blush_chance)
    cytoplasm = float(rng.uniform(*params.staining.cytoplasm_od))
    brown = float(rng.uniform(0.0, 0.02))
    lens = instrument(params.optics, rng)
    return Looks(strength, blush if blushes else 0.004, cytoplasm, brown, params.optics.psf_um), lens


def build_scene(params: CaseParams, seed: int, index: int) -> Scene:
    """Simulate a field up to the light that falls on the sensor.

    Parameters
    ----------
    params : CaseParams
        The case.
    seed, index : int
        Case and field.

    Returns
    -------
    Scene
        Equal for equal arguments.
    """
    looks, lens = case_looks(params, seed)
    tissue = grow(params.extent_um, params.tissue, seed, index)
    staining = stain(tissue, params.mix, params.staining, seed, index)
    grid = paint_grid(params.shape_px, params.um_per_px)
    densities = paint(tissue, staining, grid, looks, stream(seed, "paint", index))
    mean = expose(densities, grid, params.shape_px, params.um_per_px, lens)
    truth, others = _truth(tissue, staining, params.um_per_px)
    return Scene(mean, tissue, staining, truth, others)


def simulate_field(params: CaseParams, seed: int, index: int) -> SimulatedField:
    """Simulate one field of a case.

    Parameters
    ----------
    params : CaseParams
        The case.
    seed : int
        Its seed, 0 or greater: the same seed gives the same bytes.
    index : int
        Which field; each is other tissue of the same slide.

    Returns
    -------
    SimulatedField
        Image and truth.

    Raises
    ------
    InputError
        If the seed is negative.
    """
    scene = build_scene(params, seed, index)
    rgb = sense(scene.mean_rgb, params.optics, stream(seed, "sensor", index))
    return SimulatedField(rgb, params.um_per_px, scene.truth, scene.others_yx_px, index, seed)


def simulate_case(params: CaseParams, seed: int) -> Iterator[SimulatedField]:
    """Simulate the fields of a case one after the other; see `simulate_field`."""
    for index in range(params.fields):
        yield simulate_field(params, seed, index)


def _truth(tissue: Tissue, staining: Staining, um_per_px: float) -> tuple[TruthTable, F32]:
    yx = tissue.nuclei.yx_um
    counted = tissue.has_nucleus & inside(yx, tissue.extent_um)
    at = yx[counted]
    to_edge = np.minimum(at, np.array(tissue.extent_um) - at).min(1, initial=np.inf)
    truth = TruthTable(
        yx_px=_to_px(at, um_per_px),
        category=staining.category[counted],
        stained_share=staining.stained_share[counted],
        membrane_dab_od=staining.mean_od[counted],
        edge=to_edge < EDGE_UM,
        shape=tissue.net.shape[counted].astype(np.uint8),
        borderline=staining.borderline[counted],
    )
    others = np.concatenate([tissue.lymphocytes.yx_um, tissue.spindles.yx_um])
    return truth, _to_px(others[inside(others, tissue.extent_um)], um_per_px)


def _to_px(yx_um: F64, um_per_px: float) -> F32:
    return (yx_um / um_per_px - 0.5).astype(np.float32)


TRUTH_COLUMNS = (
    "y_px",
    "x_px",
    "y_um",
    "x_um",
    "category",
    "share_faint",
    "share_weak",
    "share_intense",
    "membrane_dab_od",
    "shape",
    "edge",
    "borderline",
)
"""Columns of `truth_csv`."""


def truth_csv(field: SimulatedField) -> str:
    """Write the truth of a field as CSV.

    Parameters
    ----------
    field : SimulatedField
        The field.

    Returns
    -------
    str
        `TRUTH_COLUMNS`, one line per counted cell; µm are px times the scale, as in every cell list.
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(TRUTH_COLUMNS)
    t = field.truth
    for i in range(len(t)):
        y, x = (float(v) for v in t.yx_px[i])
        writer.writerow(
            [
                f"{y:.2f}",
                f"{x:.2f}",
                f"{y * field.um_per_px:.3f}",
                f"{x * field.um_per_px:.3f}",
                Category(int(t.category[i])).key,
                *(f"{float(s):.4f}" for s in t.stained_share[i]),
                f"{float(t.membrane_dab_od[i]):.4f}",
                CellShape(int(t.shape[i])).name.lower(),
                int(t.edge[i]),
                int(t.borderline[i]),
            ]
        )
    return out.getvalue()


def case_truth(params: CaseParams, seed: int, fields: Iterable[SimulatedField]) -> dict[str, Any]:
    """Sum up the truth of a case.

    Parameters
    ----------
    params : CaseParams
        What was asked for.
    seed : int
        Its seed.
    fields : iterable of SimulatedField
        Its fields.

    Returns
    -------
    dict
        Ready for JSON: counts and proportions (of the summed counts) by category, per field and in all, the
        requested mix, seed and parameters; `simulated` is true.
    """
    per_field = []
    total = dict.fromkeys(CATEGORIES, 0)
    for field in fields:
        counts = field.truth.counts()
        for c in CATEGORIES:
            total[c] += counts[c]
        per_field.append(
            {
                "index": field.index,
                "counts": _by_key(counts),
                "n_cells": len(field.truth),
                "n_others": len(field.others_yx_px),
            }
        )
    n = sum(total.values())
    parameters = {
        "um_per_px": params.um_per_px,
        "shape_px": list(params.shape_px),
        **{name: asdict(getattr(params, name)) for name in ("tissue", "staining", "optics")},
    }
    return {
        "schema": "armicro.simulated-case/1",
        "simulated": True,
        "seed": seed,
        "mix": _by_key(params.mix),
        "n_cells": n,
        "counts": _by_key(total),
        "proportions": {c.key: (k / n if n else None) for c, k in total.items()},
        "fields": per_field,
        "parameters": parameters,
    }


def _by_key(values: Mapping[Category, Any]) -> dict[str, Any]:
    return {c.key: values[c] for c in CATEGORIES}

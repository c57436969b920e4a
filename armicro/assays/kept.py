"""What is kept of a field once it is read, and its result by any thresholds.

Following contours takes seconds, grading what was followed milliseconds: a threshold can be moved while all
fields of a case are watched. What is kept holds no pixels (some 2 kB a cell; the published reading
adds its signal map, 4 bytes per working pixel).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from armicro.analysis.membrane import level_map
from armicro.analysis.read_per_cell import PerCellParams, Traces, grade
from armicro.analysis.read_zhang import read_zhang
from armicro.analysis.skeleton import SkeletonParams, coded_skeleton, membrane_sets
from armicro.assays.recipe import threshold_parameters, thresholds_in_force
from armicro.contracts.arrays import F32, I64, frozen
from armicro.contracts.cells import CellTable, Nuclei, NucleusKind
from armicro.contracts.results import FovResult, MembraneMap, Provenance, Quality
from armicro.contracts.stages import Stages, no_stages
from armicro.contracts.stain import DabThresholds
from armicro.imaging.regions import Regions, inside
from armicro.imaging.scale import to_working, working_factor
from armicro.scoring.unsure import UNSURE_SHARE, unsure_cells

HISTOGRAM_OD = (-0.05, 1.25)
HISTOGRAM_BINS = 130
"""Range and bins (0.01 each) of the histogram of DAB, log10 OD."""
FEW_CELLS = 20
"""Fewer tumour cells than this in a field say little about it."""
SPARSE_PER_MM2 = 1000.0
"""Fewer tumour cells than this per mm² of tissue: hardly any tumour. Solid tumour has 2,000 to 8,000."""


@dataclass(frozen=True, slots=True)
class KeptField:
    """A field that was read, before any threshold.

    Parameters
    ----------
    shape : tuple of int
        Height and width of the field, px.
    traces : Traces
        The membrane along each tumour cell's contour, in reading order; positions in working px of the field.
    nuclei : Nuclei
        All nuclei, in reading order, px of the field.
    signal_od : ndarray of float32, (h, w), or None
        Membrane signal at working scale, log10 OD, where the reading asks the masks (the published one).
    dab_histogram : ndarray of int64, (HISTOGRAM_BINS,)
        DAB of all working pixels over `HISTOGRAM_OD`.
    quality : Quality
        Fitness of the field, as far as its pixels tell.
    origin : Provenance
        Origin, with the thresholds that were in force when it was read.
    per_cell : PerCellParams
        How contours are judged.
    skeleton : SkeletonParams
        How the published reading makes its masks.
    """

    shape: tuple[int, int]
    traces: Traces
    nuclei: Nuclei
    signal_od: F32 | None
    dab_histogram: I64
    quality: Quality
    origin: Provenance
    per_cell: PerCellParams
    skeleton: SkeletonParams


def rescore(
    kept: KeptField,
    thresholds: DabThresholds,
    *,
    regions: Regions | None = None,
    stages: Stages = no_stages,
) -> FovResult:
    """Make the result of a kept field by other thresholds.

    It equals a full reading of the same frame by the same recipe with these thresholds, to the last bit.

    Parameters
    ----------
    kept : KeptField
        From `read_field`.
    thresholds : DabThresholds
        log10 OD; the published reading leaves the faint one out.
    regions : Regions or None
        Where cells count; None counts the whole field.
    stages : Stages
        Told of each stage, for timing.

    Returns
    -------
    FovResult
        Cells in reading order (y, then x), in pixels of the field.
    """
    in_force = thresholds_in_force(thresholds, kept.origin.reading)
    with stages("cells"):
        tumour = kept.nuclei.of_kind(NucleusKind.TUMOUR)
        cells = grade(kept.traces, tumour.yx_px, in_force, kept.per_cell)
    membrane = None
    if kept.signal_od is not None:
        with stages("membrane"):
            cells, membrane = _published(kept, kept.signal_od, cells, in_force)
    if regions is not None:
        cells = replace(cells, counted=inside(cells.yx_px, regions))
    warnings = (*kept.quality.warnings, *_sparse(kept, cells), *_brown(cells, in_force))
    return FovResult(
        shape=kept.shape,
        cells=_frozen(cells),
        others=kept.nuclei.of_kind(NucleusKind.OTHER),
        membrane=membrane,
        quality=replace(kept.quality, warnings=warnings),
        provenance=replace(
            kept.origin, parameters={**kept.origin.parameters, **threshold_parameters(in_force)}
        ),
    )


def _frozen(cells: CellTable) -> CellTable:
    return CellTable(**{n: frozen(getattr(cells, n)) for n in CellTable.__dataclass_fields__})


def _published(
    kept: KeptField, signal_od: F32, cells: CellTable, thresholds: DabThresholds
) -> tuple[CellTable, MembraneMap]:
    factor = working_factor(kept.origin.optics)
    um_per_px = kept.origin.optics.um_per_px * factor
    level = level_map(signal_od, thresholds)
    sets = membrane_sets(level, um_per_px, kept.skeleton)
    category, rule = read_zhang(sets, to_working(cells.yx_px, factor))
    # The published reading follows no contour of its own; the shares stay as evidence.
    none = cells.contour_um[:, :0], cells.contour_level[:, :0]
    table = replace(cells, category=category, rule=rule, contour_um=none[0], contour_level=none[1])
    return table, MembraneMap(level, coded_skeleton(sets, level), um_per_px, factor)


def _brown(cells: CellTable, thresholds: DabThresholds) -> tuple[str, ...]:
    """Warn where much of the cytoplasm is so brown and granular that faint membrane is uncertain."""
    n = int(cells.counted.sum())
    unsure = int((unsure_cells(cells, thresholds.faint_od) & cells.counted).sum())
    if not n or unsure < UNSURE_SHARE * n:
        return ()
    note = (
        f"brown, granular cytoplasm: around {100 * unsure / n:.0f} % of the tumour cells it is uncertain "
        "whether they are faint or unstained, and with it 0 against 1+"
    )
    return (note,)


def _sparse(kept: KeptField, cells: CellTable) -> tuple[str, ...]:
    """Warn where there are too few tumour cells to speak for the field."""
    n = int(cells.counted.sum())
    if n < FEW_CELLS:
        return (f"few tumour cells: {n} found, expected at least {FEW_CELLS}",)
    um_per_px = kept.origin.optics.um_per_px
    tissue_mm2 = kept.quality.tissue_share * kept.shape[0] * kept.shape[1] * (um_per_px / 1000) ** 2
    if len(cells) < SPARSE_PER_MM2 * tissue_mm2:
        note = (
            f"tumour cells are sparse: {len(cells) / tissue_mm2:.0f} per mm² of tissue, expected at least "
            f"{SPARSE_PER_MM2:.0f}; the field may hold hardly any tumour"
        )
        return (note,)
    return ()

"""The HER2 IHC assay: one frame in, one reading out."""

from __future__ import annotations

from armicro.assays.kept import FEW_CELLS, SPARSE_PER_MM2, rescore
from armicro.assays.read_field import read_field
from armicro.assays.recipe import Her2IhcRecipe, Reading
from armicro.contracts.frame import Frame
from armicro.contracts.results import FovResult
from armicro.contracts.stages import Stages, no_stages
from armicro.imaging.regions import Regions

__all__ = ["FEW_CELLS", "SPARSE_PER_MM2", "Her2IhcRecipe", "Reading", "analyse"]


def analyse(
    frame: Frame,
    recipe: Her2IhcRecipe,
    *,
    regions: Regions | None = None,
    calibration_id: str = "none",
    stages: Stages = no_stages,
) -> FovResult:
    """Read one field of view.

    Parameters
    ----------
    frame : Frame
        The field; its pixels are not written to.
    recipe : Her2IhcRecipe
        How to read it.
    regions : Regions or None
        Where cells count; None counts the whole field.
    calibration_id : str
        Identity of the instrument calibration the frame was corrected with.
    stages : Stages
        Told of each stage, for timing.

    Returns
    -------
    FovResult
        Cells in reading order (y, then x), in pixels of the field.
    """
    kept = read_field(frame, recipe, calibration_id=calibration_id, stages=stages)
    return rescore(kept, recipe.thresholds, regions=regions, stages=stages)

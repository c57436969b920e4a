"""The cells of a field as a table, one line per tumour cell."""

from __future__ import annotations

from armicro.contracts.cells import RULES, Category
from armicro.contracts.results import FovResult

COLUMNS = (
    "y_px",
    "x_px",
    "y_um",
    "x_um",
    "category",
    "completeness",
    "membrane_dab_od",
    "membrane_dab_p90_od",
    "membrane_width_um",
    "share_faint",
    "share_weak",
    "share_intense",
    "faint_asked_od",
    "rule",
    "counted",
)
"""Columns in the order of the file. Pixel centres are at whole numbers, so 0 px is 0 µm."""

_LINE = "{:.2f},{:.2f},{:.3f},{:.3f},{},{:.4f},{:.4f},{:.4f},{:.3f},{:.4f},{:.4f},{:.4f},{:.4f},{},{}"


def cells_csv(result: FovResult) -> str:
    r"""Write the tumour cells of a field as CSV.

    Parameters
    ----------
    result : FovResult
        The reading of the field.

    Returns
    -------
    str
        A header and one line per cell, in the order of the table, ending in a newline ("\n" on every
        system). Positions in px and µm from the centre of the first pixel, shares 0 to 1, densities in
        log10 OD; `faint_asked_od` is the contrast from which membrane counted as faint there (0: not asked);
        `completeness` is `share_weak`, `counted` is 1 or 0. It holds no text from outside, so
        that no spreadsheet can take a cell for a formula.
    """
    cells = result.cells
    um_per_px = result.provenance.optics.um_per_px
    columns = zip(
        cells.yx_px.astype(float).tolist(),
        [Category(c).key for c in cells.category.tolist()],
        cells.completeness.tolist(),
        cells.membrane_dab_od.tolist(),
        cells.membrane_dab_p90_od.tolist(),
        cells.membrane_width_um.tolist(),
        cells.stained_share.tolist(),
        cells.faint_asked_od.tolist(),
        [RULES[r].value for r in cells.rule.tolist()],
        cells.counted.tolist(),
        strict=True,
    )
    lines = [",".join(COLUMNS)]
    for (y, x), category, completeness, mean_od, p90_od, width_um, shares, asked_od, rule, counted in columns:
        where = (y, x, y * um_per_px, x * um_per_px)
        evidence = (completeness, mean_od, p90_od, width_um, *shares, asked_od)
        lines.append(_LINE.format(*where, category, *evidence, rule, int(counted)))
    return "\n".join(lines) + "\n"

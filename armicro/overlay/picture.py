"""Pictures of a field for a report: the whole field reduced, and its most telling part enlarged."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np

from armicro.contracts.arrays import U8, require
from armicro.contracts.cells import Category
from armicro.contracts.pictures import FieldPicture
from armicro.contracts.results import FovResult, MembraneMap
from armicro.overlay.draw import compose, draw_overlay
from armicro.overlay.style import OverlayStyle

OVERVIEW_PX = 1200
"""Longer side of the reduced field, px; a smaller field is left as it is."""
CROP_UM = 100.0
"""Side of the enlarged part, µm: some fifty tumour cells, each large enough to judge its membrane."""
CROP_PX = 880
"""About the side of the enlarged part as drawn, px; it is enlarged by a whole number."""
_BINS = 4
_TEXT_PX = 20


def field_picture(path: str, rgb: U8, result: FovResult, style: OverlayStyle | None = None) -> FieldPicture:
    """Draw a field for a report.

    Parameters
    ----------
    path : str
        Where the field came from.
    rgb : ndarray of uint8, (H, W, 3)
        Its pixels.
    result : FovResult
        Its reading.
    style : OverlayStyle, optional
        What to draw; scale, widths and letters are set here, and no legend is drawn: a
        report has its own.

    Returns
    -------
    FieldPicture
        The whole field, at most `OVERVIEW_PX` long, and the part that `best_window` chooses.

    Raises
    ------
    ValueError
        If `rgb` is not of the result's shape.
    """
    require("rgb", rgb, shape=(*result.shape, 3), dtype="u1")
    um_per_px = result.provenance.optics.um_per_px
    scale = min(1.0, OVERVIEW_PX / max(result.shape))
    # A report shows these pictures at about half their size: lines and letters are drawn larger for it.
    style = replace(
        style or OverlayStyle(), intense_px=4, weak_px=3, faint_px=2, text_px=_TEXT_PX, legend=False
    )
    small = replace(style, scale=scale)
    height, width = small.drawn_shape(result.shape)
    plain = cv2.resize(rgb, (width, height), interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)

    y, x, side_y, side_x = best_window(result, max(1, round(CROP_UM / um_per_px)))
    enlarge = max(1, round(CROP_PX / max(side_y, side_x)))
    part = cut(result, (y, x, side_y, side_x))
    crop = cv2.resize(
        np.ascontiguousarray(rgb[y : y + side_y, x : x + side_x]),
        (side_x * enlarge, side_y * enlarge),
        interpolation=cv2.INTER_CUBIC,
    ).astype(np.uint8, copy=False)
    near = replace(style, scale=float(enlarge))
    return FieldPicture(
        path=path,
        plain=plain,
        overlaid=compose(plain, draw_overlay(result, small)),
        um_per_px=um_per_px / scale,
        crop_plain=crop,
        crop_overlaid=compose(crop, draw_overlay(part, near)),
        crop_um_per_px=um_per_px / enlarge,
        crop_yx_px=(y, x),
    )


def best_window(result: FovResult, size_px: int) -> tuple[int, int, int, int]:
    """Choose the part of a field in which most tumour cells are seen, stained ones counted twice.

    Parameters
    ----------
    result : FovResult
        The reading; cells that take no part in the score are passed over.
    size_px : int
        Side of the part, px of the field; cut to the field where it is smaller.

    Returns
    -------
    tuple of int
        First row, first column, height and width, px of the field; the middle of a field without cells.
        Rows and columns begin at a whole pixel of the membrane map.
    """
    factor = result.membrane.factor if result.membrane is not None else 1
    sides = [min(size_px, length) for length in result.shape]
    cells = result.cells
    if not cells.counted.any():
        y, x = (
            (length - side) // 2 // factor * factor for length, side in zip(result.shape, sides, strict=True)
        )
        return y, x, sides[0], sides[1]
    step = max(1, size_px // _BINS)
    bins = [max(1, -(-length // step)) for length in result.shape]
    weight = 1.0 + (cells.category[cells.counted] != Category.NONE)
    yx = cells.yx_px[cells.counted]
    grid, _, _ = np.histogram2d(
        yx[:, 0],
        yx[:, 1],
        bins=bins,
        range=[[-0.5, bins[0] * step - 0.5], [-0.5, bins[1] * step - 0.5]],
        weights=weight,
    )
    # Padded so that a window is a difference of four sums; the first of equals is taken.
    total = np.zeros((bins[0] + _BINS, bins[1] + _BINS))
    total[1 : bins[0] + 1, 1 : bins[1] + 1] = grid.cumsum(0).cumsum(1)
    total[bins[0] + 1 :] = total[bins[0]]
    total[:, bins[1] + 1 :] = total[:, bins[1] : bins[1] + 1]
    inside = total[_BINS:, _BINS:] - total[:-_BINS, _BINS:] - total[_BINS:, :-_BINS] + total[:-_BINS, :-_BINS]
    row, column = np.unravel_index(int(inside.argmax()), inside.shape)
    y = min(int(row) * step, result.shape[0] - sides[0]) // factor * factor
    x = min(int(column) * step, result.shape[1] - sides[1]) // factor * factor
    return y, x, sides[0], sides[1]


def cut(result: FovResult, window: tuple[int, int, int, int]) -> FovResult:
    """Cut a part out of a result, for drawing only: cells outside are kept where their contours may show.

    Parameters
    ----------
    result : FovResult
        The reading of a field.
    window : tuple of int
        First row, first column, height and width, px; rows and columns begin at a whole pixel of the
        membrane map.

    Returns
    -------
    FovResult
        The same cells in coordinates of the part.
    """
    y, x, height, width = window
    origin = np.array([y, x], np.float32)
    membrane = result.membrane
    if membrane is not None:
        f = membrane.factor
        at = (slice(y // f, -(-(y + height) // f)), slice(x // f, -(-(x + width) // f)))
        membrane = MembraneMap(membrane.level[at], membrane.skeleton[at], membrane.um_per_px, f)
    return replace(
        result,
        shape=(height, width),
        cells=replace(result.cells, yx_px=result.cells.yx_px - origin),
        others=replace(result.others, yx_px=result.others.yx_px - origin),
        membrane=membrane,
    )

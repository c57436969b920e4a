"""Tiles with a margin, for fields that are too large to be held as maps at once.

Every step from pixels to cells reaches a bounded way, so a tile that is read with a margin of that reach and
kept without it gives the same answer as the whole field. Tiles begin at multiples of `ALIGN_PX` working
pixels: vectorised filters then treat a row's end alike in the tile and in the whole.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

ALIGN_PX = 64


@dataclass(frozen=True, slots=True)
class Tile:
    """A part of a field: its core, and the same with its margin. Half-open ranges in working px.

    Parameters
    ----------
    core_y, core_x, full_y, full_x : tuple of int
        First and one past the last row or column.
    """

    core_y: tuple[int, int]
    core_x: tuple[int, int]
    full_y: tuple[int, int]
    full_x: tuple[int, int]


def tiles(shape: tuple[int, int], core_px: int, margin_px: int) -> Iterator[Tile]:
    """Cut a field into tiles, in reading order.

    Parameters
    ----------
    shape : tuple of int
        Height and width, working px.
    core_px : int
        Side of a tile's core; rounded up to a multiple of `ALIGN_PX`.
    margin_px : int
        Margin on each side; rounded up likewise.

    Yields
    ------
    Tile
        Cores cover the field without overlap.
    """
    core, margin = _aligned(core_px), _aligned(margin_px)
    for y in range(0, shape[0], core):
        for x in range(0, shape[1], core):
            y1, x1 = min(y + core, shape[0]), min(x + core, shape[1])
            yield Tile(
                (y, y1),
                (x, x1),
                (max(0, y - margin), min(shape[0], y1 + margin)),
                (max(0, x - margin), min(shape[1], x1 + margin)),
            )


def _aligned(n: int) -> int:
    return max(ALIGN_PX, -(-n // ALIGN_PX) * ALIGN_PX)

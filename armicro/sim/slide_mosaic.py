"""A slide without end: fields of one simulated case side by side, and the same mirrored beyond them."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace

import cv2
import numpy as np

from armicro.contracts.arrays import F32, U8
from armicro.sim.case import EDGE_UM, CaseParams, SimulatedField, TruthTable, simulate_field


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch along one axis of a view, and where in the mosaic it comes from.

    Parameters
    ----------
    out : slice
        In the view.
    source : slice
        In the mosaic.
    mirrored : bool
        Whether it runs backwards.
    """

    out: slice
    source: slice
    mirrored: bool

    def seen_at(self, at: F32) -> F32:
        """Turn positions in the mosaic into positions in the view."""
        if self.mirrored:
            return np.asarray(self.source.stop - 1 - at + self.out.start, np.float32)
        return np.asarray(at - self.source.start + self.out.start, np.float32)


def pieces(start: int, length: int, size: int) -> Iterator[Piece]:
    """Cut a stretch of the endless axis into pieces of the mosaic.

    Parameters
    ----------
    start, length : int
        The stretch; it may begin anywhere, also below 0.
    size : int
        Length of the mosaic, of which every second copy runs backwards: no seam between copies.

    Yields
    ------
    Piece
        In order, without gaps.
    """
    at, end = start, start + length
    while at < end:
        copy, offset = divmod(at, size)
        n = min(size - offset, end - at)
        mirrored = copy % 2 == 1
        first = size - offset - n if mirrored else offset
        yield Piece(slice(at - start, at - start + n), slice(first, first + n), mirrored)
        at += n


@dataclass(frozen=True, slots=True)
class _Placed:
    """A field on its place in the grid; a stand-in lies mirrored so that it joins on to its neighbour."""

    field: SimulatedField
    up_down: bool = False
    left_right: bool = False


class Mosaic:
    """A grid of fields, rendered one after another.

    The first field is rendered at once; until the others are, mirrored copies of it stand in for them.
    Any thread may look while another one renders.

    Parameters
    ----------
    case : CaseParams
        The case; sensor noise is left out, for whoever looks to add it. `fields` is not used.
    seed : int
        Its seed.
    grid : int
        Fields along each side.
    """

    def __init__(self, case: CaseParams, seed: int, grid: int) -> None:
        self._case = replace(case, optics=replace(case.optics, full_well=0))
        self._seed = seed
        self._grid = grid
        self.size_px = (case.shape_px[0] * grid, case.shape_px[1] * grid)
        middle = grid // 2
        self._centre = (middle, middle)
        places = [(r, c) for r in range(grid) for c in range(grid)]
        # From the centre outwards: that is what is looked at first.
        self._order = sorted(places, key=lambda p: ((p[0] - middle) ** 2 + (p[1] - middle) ** 2, p))
        self._lock = threading.Lock()
        self._placed: dict[tuple[int, int], _Placed] = {}
        self._rendered = 0
        self._raw = np.zeros((*self.size_px, 3), np.uint8)
        self._shown = self._raw
        self._lut: U8 | None = None

    @property
    def origin_px(self) -> tuple[float, float]:
        """Where the stage's position 0, 0 lies: the middle of the centre field, y, x px."""
        height, width = self._case.shape_px
        return (self._centre[0] + 0.5) * height, (self._centre[1] + 0.5) * width

    @property
    def started(self) -> bool:
        """Whether there is anything to look at."""
        return self._rendered > 0

    @property
    def complete(self) -> bool:
        """Whether each field is its own, and no copy stands in for one."""
        return self._rendered == len(self._order)

    def render_next(self) -> bool:
        """Render one more field; takes about a second each. Return False if all are there.

        Only one thread at a time may call this.
        """
        if self.complete:
            return False
        index = self._rendered
        field = simulate_field(self._case, self._seed, index)
        with self._lock:
            if index == 0:
                for row, column in self._order[1:]:
                    odd = ((row - self._centre[0]) % 2 == 1, (column - self._centre[1]) % 2 == 1)
                    self._place((row, column), _Placed(field, *odd))
            self._place(self._order[index], _Placed(field))
            self._rendered += 1
        return True

    def _place(self, where: tuple[int, int], placed: _Placed) -> None:
        self._placed[where] = placed
        height, width = self._case.shape_px
        rgb = placed.field.rgb[:: -1 if placed.up_down else 1, :: -1 if placed.left_right else 1]
        region = (
            slice(where[0] * height, (where[0] + 1) * height),
            slice(where[1] * width, (where[1] + 1) * width),
        )
        self._raw[region] = rgb
        if self._lut is not None:
            self._shown[region] = _looked_up(self._raw[region], self._lut)

    def develop(self, lut: U8 | None) -> None:
        """Show everything through a table of grey values from now on.

        The table is applied here, once, because that takes longer than all else that a frame needs.

        Parameters
        ----------
        lut : ndarray of uint8, (256, 3), or None
            Grey value shown for each grey value and channel; None shows them as they are.
        """
        with self._lock:
            self._lut = lut
            self._shown = self._raw if lut is None else _looked_up(self._raw, lut)

    def view(self, top_px: int, left_px: int, shape_px: tuple[int, int]) -> U8:
        """Return a copy of what lies under a view, (H, W, 3)."""
        out = np.empty((*shape_px, 3), np.uint8)
        with self._lock:
            for rows in pieces(top_px, shape_px[0], self.size_px[0]):
                for columns in pieces(left_px, shape_px[1], self.size_px[1]):
                    source = self._shown[rows.source, columns.source]
                    target = out[rows.out, columns.out]
                    if rows.mirrored or columns.mirrored:
                        # Ten times faster than an assignment of a reversed view.
                        code = -1 if rows.mirrored and columns.mirrored else int(columns.mirrored)
                        cv2.flip(source, code, dst=target)
                    else:
                        target[...] = source
        return out

    def truth(self, top_px: int, left_px: int, shape_px: tuple[int, int]) -> TruthTable:
        """Return the cells to be counted under a view, with positions in it; see `TruthTable`.

        Cells cut by the view's edge, by a seam between two fields, or by the mirror are marked as `edge`.
        """
        with self._lock:
            table = _joined([self._in_mosaic(where, p) for where, p in self._placed.items()])
        parts = []
        for rows in pieces(top_px, shape_px[0], self.size_px[0]):
            for columns in pieces(left_px, shape_px[1], self.size_px[1]):
                inside = _within(table.yx_px[:, 0], rows.source) & _within(table.yx_px[:, 1], columns.source)
                part = _taken(table, inside)
                y, x = rows.seen_at(part.yx_px[:, 0]), columns.seen_at(part.yx_px[:, 1])
                parts.append(replace(part, yx_px=np.stack([y, x], 1)))
        seen = _joined(parts)
        reach_px = EDGE_UM / self._case.um_per_px
        to_edge = np.minimum(seen.yx_px + 0.5, np.array(shape_px, np.float32) - 0.5 - seen.yx_px)
        return replace(seen, edge=seen.edge | (to_edge < reach_px).any(1))

    def _in_mosaic(self, where: tuple[int, int], placed: _Placed) -> TruthTable:
        height, width = self._case.shape_px
        truth = placed.field.truth
        y, x = truth.yx_px[:, 0], truth.yx_px[:, 1]
        y = (height - 1 - y if placed.up_down else y) + where[0] * height
        x = (width - 1 - x if placed.left_right else x) + where[1] * width
        return replace(truth, yx_px=np.stack([y, x], 1).astype(np.float32))


def _looked_up(rgb: U8, lut: U8) -> U8:
    return np.asarray(cv2.LUT(rgb, lut[None]), np.uint8)


def _within(at: F32, source: slice) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    return np.asarray((at >= source.start - 0.5) & (at < source.stop - 0.5))


_COLUMNS = tuple(TruthTable.__dataclass_fields__)


def _taken(table: TruthTable, which: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]) -> TruthTable:
    return TruthTable(**{name: getattr(table, name)[which] for name in _COLUMNS})


def _joined(tables: list[TruthTable]) -> TruthTable:
    return TruthTable(**{name: np.concatenate([getattr(t, name) for t in tables]) for name in _COLUMNS})

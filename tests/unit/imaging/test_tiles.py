"""Tiles cover a field once."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from armicro.imaging.tiles import ALIGN_PX, tiles


@given(st.integers(1, 900), st.integers(1, 900), st.integers(1, 400), st.integers(0, 200))
def test_cores_cover_the_field_once_and_margins_contain_them(h: int, w: int, core: int, margin: int) -> None:
    seen = np.zeros((h, w), np.uint8)
    for tile in tiles((h, w), core, margin):
        seen[slice(*tile.core_y), slice(*tile.core_x)] += 1
        for inner, outer, size in ((tile.core_y, tile.full_y, h), (tile.core_x, tile.full_x, w)):
            assert outer[0] % ALIGN_PX == 0
            assert outer[0] in (0, inner[0] - (inner[0] - outer[0]))
            assert outer[0] == 0 or inner[0] - outer[0] >= margin
            assert outer[1] == size or outer[1] - inner[1] >= margin
    assert (seen == 1).all()

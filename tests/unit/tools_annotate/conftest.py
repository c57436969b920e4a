"""A folder of two small fields: dark blue discs on pale glass."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from armicro.devices.image_files import write_png

SIDE = 300


@pytest.fixture
def fields(tmp_path: Path) -> Path:
    """A folder with `field 9.png` and `field 10.png`, without a scale."""
    root = tmp_path / "fields"
    root.mkdir()
    for n in (9, 10):
        rgb = np.full((SIDE, SIDE + 20, 3), (238, 236, 240), np.uint8)
        for y in range(20 + n, SIDE, 40):
            for x in range(20, SIDE, 40):
                cv2.circle(rgb, (x, y), 9, (110, 105, 170), -1, cv2.LINE_AA)
        write_png(root / f"field {n}.png", rgb)
    return root

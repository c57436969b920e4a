"""A marked image that is quickly learnt: dark blue discs are tumour nuclei, small brown ones are others."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

SIDE = 320


@pytest.fixture(scope="session")
def marked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `images/` and `readers/` (CSV and JSON of two crops of two images)."""
    root = tmp_path_factory.mktemp("marked")
    (root / "images").mkdir()
    (root / "readers").mkdir()
    for k in (0, 1):
        rng = np.random.default_rng(k)
        rgb = np.full((SIDE, SIDE, 3), (236, 232, 238), np.uint8)
        rows = ["y_px,x_px,kind,category"]
        for y in range(24, SIDE, 34):
            for x in range(24, SIDE, 34):
                cy, cx = y + int(rng.integers(-3, 4)), x + int(rng.integers(-3, 4))
                tumour = bool(rng.random() < 0.6)
                colour, radius = ((110, 105, 165), 10) if tumour else ((165, 125, 90), 5)
                cv2.circle(rgb, (cx, cy), radius, colour, -1, cv2.LINE_AA)
                if 20 <= cy < 300 and 20 <= cx < 300:
                    rows.append(f"{cy},{cx},{'T,no' if tumour else 'O,'}")
        name = f"core{k}_20_20"
        cv2.imwrite(str(root / "images" / f"core{k}.png"), rgb[..., ::-1])
        (root / "readers" / f"{name}.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
        about = {"image": f"core{k}.png", "y0": 20, "x0": 20, "size": 280, "um": 0.23}
        (root / "readers" / f"{name}.json").write_text(json.dumps(about), encoding="utf-8")
    return root

import itertools
from typing import Any

import numpy as np
import pytest
from skimage.color import deltaE_ciede2000, rgb2lab

from armicro.contracts.arrays import F64
from armicro.contracts.cells import Category
from armicro.overlay.style import FIRST_CATEGORY, PALETTE, Label, OverlayStyle

# Machado, Oliveira & Fernandes 2009, Table 1, severity 1.0: linear RGB as each kind of sight has it.
SIGHT = {
    "normal": np.eye(3),
    "protanopia": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "deuteranopia": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
    "tritanopia": np.array(
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]]
    ),
}
# Middle colours of stained tissue: intense to pale DAB, haematoxylin nuclei to pale stroma.
TISSUE = [(99, 62, 50), (134, 102, 88), (156, 133, 124), (180, 159, 150), (174, 171, 187), (205, 187, 179)]
STAINED = [
    Category.INTENSE_COMPLETE,
    Category.INTENSE_INCOMPLETE,
    Category.WEAK_COMPLETE,
    Category.WEAK_INCOMPLETE,
]


def lab(rgb: tuple[int, int, int], sight: str) -> F64:
    value = np.array(rgb) / 255
    linear = np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)
    seen = np.clip(SIGHT[sight] @ linear, 0, 1)
    srgb = np.where(seen <= 0.0031308, 12.92 * seen, 1.055 * seen ** (1 / 2.4) - 0.055)
    return np.asarray(rgb2lab(srgb[None])[0], np.float64)


def apart(one: tuple[int, int, int], other: tuple[int, int, int], sight: str) -> float:
    return float(deltaE_ciede2000(lab(one, sight), lab(other, sight)))  # type: ignore[no-untyped-call]


@pytest.mark.parametrize("sight", SIGHT)
def test_categories_differ_in_colour_for_every_kind_of_sight(sight: str) -> None:
    for one, other in itertools.combinations([*STAINED, Category.FAINT], 2):
        assert apart(PALETTE[one], PALETTE[other], sight) >= 15, (one, other)


@pytest.mark.parametrize("sight", SIGHT)
def test_lines_stand_out_from_stained_tissue(sight: str) -> None:
    for category, tissue in itertools.product(STAINED, TISSUE):
        assert apart(PALETTE[category], tissue, sight) >= 8, (category, tissue)


def test_every_category_has_a_colour_and_a_label_of_its_name() -> None:
    assert set(PALETTE) == set(Category)
    for category in Category:
        assert Label(category + FIRST_CATEGORY).name == category.name


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"weak_px": 4}, "line widths"),
        ({"faint_px": 0}, "line widths"),
        ({"intense_px": 99}, "line widths"),
        ({"brightness": 1.5}, "brightness"),
        ({"brightness": -0.1}, "brightness"),
        ({"scale": 0.0}, "scale"),
        ({"scale": float("nan")}, "scale"),
        ({"inset_um": -1.0}, "inset_um"),
        ({"text_px": 3}, "text_px"),
    ],
)
def test_impossible_settings_are_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        OverlayStyle(**settings)

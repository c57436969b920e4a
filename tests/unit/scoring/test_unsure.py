"""Where faint and unstained cannot be told apart, the score says what it would be either way."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from armicro.contracts.cells import RULES, Category, CellTable, Rule
from armicro.scoring.case import FieldCells, summarise
from armicro.scoring.guidelines import load_guideline
from armicro.scoring.unsure import UNSURE_FACTOR, unsure_cells

FAINT_OD = 0.06


def field(faint: int, none: int, unsure_faint: int, unsure_none: int, spacing_um: float = 50.0) -> FieldCells:
    category = np.repeat(np.array([Category.FAINT, Category.NONE], np.uint8), [faint, none])
    unsure = np.zeros(len(category), np.bool_)
    unsure[:unsure_faint] = True
    unsure[faint : faint + unsure_none] = True
    yx = np.stack([np.arange(len(category)) * spacing_um, np.zeros(len(category))], 1).astype(np.float32)
    return FieldCells(yx, category, unsure)


def said(fields: list[FieldCells], guideline: str = "asco-cap-2018-breast") -> list[str]:
    comments = summarise(fields, load_guideline(guideline), resamples=20).score.comments
    return [c for c in comments if "granular" in c]


@pytest.mark.parametrize(
    ("cells", "told"),
    [
        ((30, 170, 20, 0), "10.0 % of the tumour cells lie"),  # 20 of 200 certain at least, 0 without
        ((0, 200, 0, 21), "unstained the score would be 0, if all were faint 1+"),
        ((30, 170, 5, 10), None),  # 25 are faint for certain: 1+ either way
        ((5, 195, 5, 15), None),  # 20 of 200 at most: 0 either way
        ((30, 170, 0, 0), None),
    ],
)
def test_the_score_tells_where_doubtful_cells_decide(
    cells: tuple[int, int, int, int], told: str | None
) -> None:
    found = said([field(*cells)])
    assert len(found) == (told is not None)
    if told is not None:
        assert told in found[0]
        assert found[0].startswith("To be looked at by eye")


def test_doubts_of_all_fields_add_up() -> None:
    one, other = field(6, 94, 0, 3), field(6, 94, 0, 6)
    assert not said([one])
    assert said([one, other])


def test_clusters_count_where_the_rules_ask_for_them() -> None:
    near, far = field(6, 94, 3, 0, spacing_um=8.0), field(6, 94, 3, 0, spacing_um=500.0)
    assert said([near], "gastric-2016-biopsy")
    assert not said([far], "gastric-2016-biopsy")


def test_it_may_be_none_and_has_to_fit() -> None:
    cells = field(30, 170, 20, 0)
    assert not said([replace(cells, unsure=None)])
    with pytest.raises(ValueError, match="unsure"):
        replace(cells, unsure=np.zeros(3, np.bool_))


def test_what_was_asked_of_a_cell_says_whether_it_is_doubtful() -> None:
    n = 5
    ratio = np.array([1.0, UNSURE_FACTOR + 0.01, UNSURE_FACTOR + 0.01, UNSURE_FACTOR + 0.01, 1.5])
    category = np.array([1, 1, 2, 0, 1], np.uint8)
    rule = np.full(n, RULES.index(Rule.FAINT_MEMBRANE), np.uint8)
    rule[4] = RULES.index(Rule.BY_HAND)
    zeros = np.zeros(n, np.float32)
    table = CellTable(
        yx_px=np.zeros((n, 2), np.float32), category=category, rule=rule,
        stained_share=np.zeros((n, 3), np.float32), membrane_dab_od=zeros, membrane_dab_p90_od=zeros,
        membrane_width_um=zeros, faint_asked_od=(FAINT_OD * ratio).astype(np.float32),
        contour_um=np.zeros((n, 4), np.float32), contour_level=np.zeros((n, 4), np.uint8),
        counted=np.ones(n, np.bool_),
    )  # fmt: skip
    assert unsure_cells(table, FAINT_OD).tolist() == [False, True, False, True, False]
    assert not unsure_cells(table, None).any()

import csv
import io
from collections.abc import Callable
from dataclasses import replace

from armicro.contracts.cells import CATEGORIES, RULES, Category
from armicro.contracts.results import FovResult
from armicro.report.cells_csv import COLUMNS, cells_csv

MakeResult = Callable[..., FovResult]


def test_one_line_per_cell_with_all_columns(
    make_result: MakeResult, every_category: dict[Category, int]
) -> None:
    result = make_result(every_category, excluded=2)
    rows = list(csv.DictReader(io.StringIO(cells_csv(result))))
    assert len(rows) == len(result.cells) == 122
    wanted = ["y_px", "x_px", "y_um", "x_um", "category", "completeness", "membrane_dab_od", "rule"]
    assert set(wanted) <= set(rows[0]) == set(COLUMNS)
    for i, row in enumerate(rows):
        assert row["category"] == Category(int(result.cells.category[i])).key
        assert row["rule"] == RULES[result.cells.rule[i]]
        assert float(row["y_px"]) == result.cells.yx_px[i, 0]
        assert float(row["x_um"]) == result.cells.yx_px[i, 1] * 0.25
        assert row["completeness"] == row["share_weak"]
        assert row["counted"] == ("1" if result.cells.counted[i] else "0")
    assert {row["category"] for row in rows} == {c.key for c in CATEGORIES}


def test_numbers_have_fixed_decimals_and_lines_end_alike(make_result: MakeResult) -> None:
    text = cells_csv(make_result({Category.INTENSE_COMPLETE: 1}))
    assert "\r" not in text
    line = "20.00,20.00,5.000,5.000,intense_complete,0.7500,0.5000,0.6250,1.250,0.7500,0.7500,0.7500,"
    line += "0.0600,faint-membrane,1"
    assert text == ",".join(COLUMNS) + "\n" + line + "\n"


def test_a_field_without_cells_is_a_header(make_result: MakeResult) -> None:
    assert cells_csv(make_result({Category.NONE: 0})) == ",".join(COLUMNS) + "\n"


def test_text_from_outside_stays_outside(make_result: MakeResult) -> None:
    result = make_result({Category.NONE: 2})
    evil = replace(result, provenance=replace(result.provenance, source="=cmd()", stain_profile="=cmd()"))
    assert cells_csv(evil) == cells_csv(result)

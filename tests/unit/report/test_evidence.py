from collections.abc import Callable

import pytest

from armicro.contracts.cells import CATEGORIES, Category
from armicro.contracts.results import FovResult
from armicro.report.evidence import category_evidence

MakeResult = Callable[..., FovResult]


def test_medians_by_category_over_all_fields(make_result: MakeResult) -> None:
    results = [make_result({Category.INTENSE_COMPLETE: 3}, excluded=5), make_result({Category.NONE: 4})]
    rows = {row.category: row for row in category_evidence(results)}
    assert tuple(rows) == CATEGORIES
    strong, none, faint = rows[Category.INTENSE_COMPLETE], rows[Category.NONE], rows[Category.FAINT]
    assert (strong.n_cells, none.n_cells, faint.n_cells) == (3, 4, 0)
    assert strong.completeness == pytest.approx(0.75)
    assert strong.membrane_dab_od == pytest.approx(0.5)
    assert strong.membrane_width_um == pytest.approx(1.25)
    assert (none.completeness, none.membrane_dab_od) == (0.0, None)
    assert (faint.completeness, faint.membrane_dab_od, faint.membrane_width_um) == (None, None, None)


def test_no_fields_measure_nothing() -> None:
    assert [row.n_cells for row in category_evidence([])] == [0] * len(CATEGORIES)

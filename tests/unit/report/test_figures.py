from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from armicro.contracts.cells import CATEGORIES, Category
from armicro.report.figures import bars, ruler
from armicro.scoring.guidelines import guideline_names

Make = Callable[..., Any]
anything = st.tuples(*(st.integers(0, 60) for _ in CATEGORIES)).map(
    lambda n: dict(zip(CATEGORIES, n, strict=True))
)
many = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25, deadline=None)


@many
@given(st.lists(anything, min_size=1, max_size=3), st.sampled_from(guideline_names()))
def test_bars_add_up_and_the_reached_grades_are_met(
    make_case: Make, counts: list[dict[Category, int]], name: str
) -> None:
    made = make_case(counts, guideline=name)
    rows = bars(made.document, made.guideline)
    if not made.document.n_cells:
        assert rows == ()
        return
    assert [row.score for row in rows if row.score] == [grade.score for grade in made.guideline.grades]
    for row in rows:
        total = sum(part.width for part in row.segments)
        assert total == pytest.approx(float(row.percent), abs=0.06)
        assert row.count.replace(",", "").isdigit()
        assert all(part.start >= 0 and part.start + part.width <= 100.001 for part in row.segments)
    met = {grade.score: False for grade in made.guideline.grades}
    score = ""
    for row in rows:
        score = row.score or score
        met[score] |= bool(row.met)
    best = next((score for score in met if met[score]), made.guideline.base_score)
    assert best == made.document.score


@many
@given(st.lists(anything, min_size=1, max_size=3), st.sampled_from(guideline_names()))
def test_the_ruler_shows_case_interval_and_cutoff(
    make_case: Make, counts: list[dict[Category, int]], name: str
) -> None:
    made = make_case(counts, guideline=name)
    drawn, cutoff = ruler(made.document, made.guideline), made.document.cutoff
    if cutoff is None or cutoff.next_score is None:
        assert drawn is None
        return
    assert drawn is not None
    for place in (drawn.value, drawn.low, drawn.high, drawn.cutoff, *(at for at, _ in drawn.ticks)):
        assert -0.01 <= place <= 100.01
    assert drawn.low <= drawn.high
    assert 1 <= len(drawn.ticks) <= 10
    assert {drawn.left, drawn.right} == {made.document.score, cutoff.next_score}
    assert int(drawn.left[0]) < int(drawn.right[0])
    # The score's own side: strictly beyond the cut-off on the right, at most on it on the left.
    if drawn.value > drawn.cutoff + 1e-6:
        assert drawn.right == made.document.score
    elif drawn.value < drawn.cutoff - 1e-6:
        assert drawn.left == made.document.score


def test_a_share_beside_the_cutoff_keeps_its_side(make_case: Make) -> None:
    made = make_case([{Category.INTENSE_COMPLETE: 1001, Category.NONE: 8999}])
    drawn = ruler(made.document, made.guideline)
    assert made.document.score == "3+"
    assert drawn is not None
    assert (drawn.left, drawn.right, drawn.crosses) == ("2+", "3+", True)
    assert drawn.value > drawn.cutoff
    assert bars(made.document, made.guideline)[0].percent == "10.01"

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from armicro.scoring.wording import cells, either, percent


@pytest.mark.parametrize(
    ("count", "total", "border", "written"),
    [
        (96, 1000, Fraction(1, 10), "9.6"),
        (100, 1000, Fraction(1, 10), "10.0"),
        (1001, 10_000, Fraction(1, 10), "10.01"),
        (999_999, 10_000_000, Fraction(1, 10), "9.99999"),
        (1, 100_000, None, "0.001"),
        (0, 7, None, "0.0"),
        (7, 7, None, "100.0"),
        (99_999, 100_000, None, "99.999"),
    ],
)
def test_percent(count: int, total: int, border: Fraction | None, written: str) -> None:
    assert percent(count, total, border) == written


@given(st.integers(1, 10**6).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_a_written_share_stands_on_its_side_of_the_border(share: tuple[int, int]) -> None:
    count, total = share
    written, exact = Fraction(percent(count, total, Fraction(1, 10))), 100 * Fraction(count, total)
    assert (written < 10, written == 10) == (exact < 10, exact == 10)
    assert (written == 0, written == 100) == (exact == 0, exact == 100)
    assert abs(written - exact) <= Fraction(1, 20)


def test_words() -> None:
    assert [cells(n) for n in (0, 1, 2)] == ["0 tumour cells", "1 tumour cell", "2 tumour cells"]
    assert [either(w) for w in (["1"], ["1", "2"], ["1", "2", "3"])] == ["1", "1 or 2", "1, 2 or 3"]

"""Fields with known categories, handed in read-only as everywhere."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction

import numpy as np
import numpy.typing as npt
import pytest

from armicro.contracts.cells import Category
from armicro.scoring.case import FieldCells

Counts = Mapping[Category, int]


def _frozen(yx_um: npt.NDArray[np.float32], category: npt.NDArray[np.uint8]) -> FieldCells:
    yx_um.flags.writeable = False
    category.flags.writeable = False
    return FieldCells(yx_um, category)


@pytest.fixture(scope="session")
def place() -> Callable[[Sequence[tuple[float, float]], Sequence[int]], FieldCells]:
    """Return a maker of fields from points y, x in µm and their categories."""

    def make(points: Sequence[tuple[float, float]], categories: Sequence[int]) -> FieldCells:
        return _frozen(np.array(points, np.float32).reshape(-1, 2), np.array(categories, np.uint8))

    return make


@pytest.fixture(scope="session")
def field() -> Callable[[Counts], FieldCells]:
    """Return a maker of fields from counts; the cells stand in a row, 100 µm apart."""

    def make(counts: Counts) -> FieldCells:
        category = np.repeat([int(c) for c in counts], list(counts.values())).astype(np.uint8)
        yx = np.zeros((len(category), 2), np.float32)
        yx[:, 1] = 100 * np.arange(len(category))
        return _frozen(yx, category)

    return make


@pytest.fixture(scope="session")
def by_hand() -> Callable[[str, Sequence[int]], str | None]:
    """Return the share rules once more, written down by hand with fractions: (name, counts by Category)."""

    def score(name: str, counts: Sequence[int]) -> str | None:
        n = sum(counts)
        if n == 0:
            return None
        _none, _faint, _wi, wc, ii, ic = counts
        stained = n - counts[0]
        tenth = Fraction(1, 10)
        if name == "asco-cap-2018-breast":
            if Fraction(ic, n) > tenth:
                return "3+"
            limited = ic >= 3 and Fraction(ic, n) >= Fraction(1, 100)
            if Fraction(ic + wc, n) > tenth or Fraction(ic + wc + ii, n) > tenth or limited:
                return "2+"
            return "1+" if Fraction(stained, n) > tenth else "0"
        strong, weak = (ic, ic + wc) if name == "zhang-2020" else (ic + ii, n - counts[0] - counts[1])
        for result, cells in (("3+", strong), ("2+", weak), ("1+", stained)):
            if Fraction(cells, n) >= tenth:
                return result
        return "0"

    return score

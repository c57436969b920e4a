"""What every store of a case has to do: the same tests over memory and disk."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from armicro.contracts.casebook import CaseEvent, OpenCase
from armicro.contracts.errors import StoreError
from armicro.contracts.frame import Frame, Optics
from armicro.store.casebook import CaseBook
from armicro.store.memory import MemoryCase

Make = Callable[[], OpenCase]


def a_frame(seed: int, shape: tuple[int, int] = (40, 56)) -> Frame:
    rgb = np.random.default_rng(seed).integers(0, 256, (*shape, 3), np.uint8)
    rgb.flags.writeable = False
    return Frame(rgb, seed, 10 * seed, Optics(0.212, "40x"), f"camera#{seed}")


@pytest.fixture(params=["memory", "disk"])
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Make]:
    made: list[OpenCase] = []
    book = CaseBook(tmp_path / "cases") if request.param == "disk" else None

    def one() -> OpenCase:
        made.append(MemoryCase() if book is None else book.open_case(f"case {len(made)}"))
        return made[-1]

    yield one
    for case in made:
        case.close()
    if book is not None:
        book.close()


def test_numbers_rise_by_one_from_one(make: Make) -> None:
    case = make()
    assert [case.keep(a_frame(k), k) for k in range(4)] == [1, 2, 3, 4]


def test_a_field_comes_back_as_it_was(make: Make) -> None:
    case = make()
    frames = [a_frame(1), a_frame(2, (31, 17))]
    numbers = [case.keep(frame, 5) for frame in frames]
    for number, frame in zip(numbers, frames, strict=True):
        back = case.frame(number)
        np.testing.assert_array_equal(back.rgb, frame.rgb)
        assert not back.rgb.flags.writeable
        assert (back.frame_id, back.t_ns, back.optics, back.source) == (
            frame.frame_id,
            frame.t_ns,
            frame.optics,
            frame.source,
        )


def test_a_field_that_is_not_there_is_an_error_in_words(make: Make) -> None:
    with pytest.raises(StoreError, match="no field 1"):
        make().frame(1)


def test_cases_are_apart(make: Make) -> None:
    first, second = make(), make()
    first.keep(a_frame(1), 1)
    assert second.keep(a_frame(2), 2) == 1
    np.testing.assert_array_equal(second.frame(1).rgb, a_frame(2).rgb)


def test_events_are_taken_and_a_closed_case_takes_nothing(make: Make) -> None:
    case = make()
    case.record(CaseEvent("thresholds", {"weak_od": 0.14, "why": "ä \" ' \n", "none": None}))
    case.close()
    case.close()
    with pytest.raises(StoreError):
        case.keep(a_frame(1), 1)
    with pytest.raises(StoreError):
        case.record(CaseEvent("undo", {}))

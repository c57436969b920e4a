from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from armicro.contracts.cells import CATEGORIES, Category
from armicro.contracts.errors import InputError, ScaleError
from armicro.sim.case import PRESETS, CaseParams, parse_mix
from armicro.sim.rng import stream


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_is_a_whole_mix(name: str) -> None:
    mix = parse_mix(name)
    assert list(mix) == list(CATEGORIES)
    assert sum(mix.values()) == pytest.approx(1.0)


def test_shares_by_name_leave_the_rest_unstained() -> None:
    mix = parse_mix(" intense_complete=0.3, weak_complete = 0.2 ")
    assert mix[Category.INTENSE_COMPLETE] == 0.3
    assert mix[Category.WEAK_COMPLETE] == 0.2
    assert mix[Category.NONE] == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("4+", "neither one of"),
        ("", "neither one of"),
        ("strong=0.2", "unknown category"),
        ("faint=lots", "not a number"),
        ("faint=nan", "not a share"),
        ("faint=-0.1", "not a share"),
        ("faint=1.5", "not a share"),
        ("faint=0.6,weak_complete=0.6", "more than 1"),
        ("faint=0.1,faint=0.1", "twice"),
        ("faint=0.1,none=0.2", "instead of 1"),
        ("faint=0.1,,", "neither one of"),
    ],
)
def test_a_wrong_mix_is_refused_in_one_line(text: str, says: str) -> None:
    with pytest.raises(InputError, match=says) as error:
        parse_mix(text)
    assert "\n" not in str(error.value)


@given(st.text(max_size=30))
def test_any_text_is_a_mix_or_an_input_error(text: str) -> None:
    try:
        mix = parse_mix(text)
    except InputError:
        return
    assert sum(mix.values()) == pytest.approx(1.0)


def test_impossible_cases_are_refused() -> None:
    with pytest.raises(ScaleError):
        CaseParams(um_per_px=0.0)
    with pytest.raises(InputError, match="at least one field"):
        CaseParams(fields=0)
    with pytest.raises(InputError, match="cannot be simulated"):
        CaseParams(shape_px=(50, 1504))
    with pytest.raises(InputError, match="cannot be simulated"):
        CaseParams(shape_px=(100_000, 100_000))
    with pytest.raises(InputError, match="0 or greater"):
        stream(-1)


def test_streams_are_told_apart_by_every_part_of_their_name() -> None:
    streams = [stream(1), stream(2), stream(1, "a"), stream(1, "b"), stream(1, "a", 0), stream(1, "a", 1)]
    drawn = {int(s.integers(0, 2**62)) for s in streams}
    assert len(drawn) == len(streams)
    assert stream(1, "a", 0).random() == stream(1, "a", 0).random()

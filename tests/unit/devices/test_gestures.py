"""Edges in, gestures out: each press is one gesture, however the contact bounces."""

from __future__ import annotations

import tracemalloc
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from armicro.contracts.devices import Gesture, PedalPress
from armicro.devices.gestures import MS, GestureParams, GestureRecogniser, WholePresses

ENDS = {Gesture.SHORT, Gesture.LONG, Gesture.DOUBLE}
NO_DOUBLE = GestureParams(double_ms=None)


def play(
    edges: list[tuple[float, bool]], params: GestureParams | None = None, every_ms: float | None = None
) -> list[tuple[str, float]]:
    """Feed edges at ms; return gestures with their times in ms, a second after the last edge."""
    recogniser = GestureRecogniser("foot", params)
    told: list[PedalPress] = []
    now = 0.0
    for t, down in edges:
        while every_ms is not None and now + every_ms < t:
            now += every_ms
            told += recogniser.advance(round(now * MS))
        told += recogniser.edge(round(t * MS), down=down)
        now = t
    told += recogniser.advance(round((now + 1000) * MS))
    assert {p.source for p in told} <= {"foot"}
    return [(p.gesture.value, p.t_ns / MS) for p in told]


def test_short_long_and_double() -> None:
    assert play([(10, True), (100, False)]) == [("began", 10), ("short", 10)]
    assert play([(10, True), (610, False)]) == [("began", 10), ("long", 10)]
    assert play([(10, True), (609, False)]) == [("began", 10), ("short", 10)]
    assert play([(10, True), (100, False), (399, True), (500, False)]) == [("began", 10), ("double", 10)]
    assert play([(10, True), (100, False), (400, True), (500, False)]) == [
        ("began", 10), ("short", 10), ("began", 400), ("short", 400),
    ]  # fmt: skip
    assert play([(10, True), (100, False), (300, True), (400, False)], NO_DOUBLE) == [
        ("began", 10), ("short", 10), ("began", 300), ("short", 300),
    ]  # fmt: skip


def test_when_each_is_told() -> None:
    recogniser = GestureRecogniser("foot")
    assert [p.gesture for p in recogniser.edge(0, down=True)] == [Gesture.BEGAN]
    due_ns: int | None = recogniser.due_ns
    assert due_ns == 600 * MS
    assert recogniser.edge(100 * MS, down=False) == []
    assert recogniser.advance(399 * MS) == []
    assert [p.gesture for p in recogniser.advance(400 * MS)] == [Gesture.SHORT]
    recogniser.edge(1000 * MS, down=True)
    assert [p.gesture for p in recogniser.advance(1600 * MS)] == [Gesture.LONG]
    assert recogniser.edge(3000 * MS, down=False) == []
    assert recogniser.advance(4000 * MS) == []
    assert recogniser.due_ns is None
    alone = GestureRecogniser("foot", NO_DOUBLE)
    alone.edge(0, down=True)
    alone.edge(100 * MS, down=False)
    assert [p.gesture for p in alone.advance(130 * MS)] == [Gesture.SHORT]


def test_a_second_press_that_is_held_is_still_a_double() -> None:
    assert play([(0, True), (50, False), (150, True), (2000, False)]) == [("began", 0), ("double", 0)]


def test_three_quick_presses_are_a_double_and_a_short() -> None:
    assert play([(0, True), (50, False), (150, True), (200, False), (300, True), (350, False)]) == [
        ("began", 0), ("double", 0), ("began", 300), ("short", 300),
    ]  # fmt: skip


@pytest.mark.parametrize("params", [GestureParams(), NO_DOUBLE])
@pytest.mark.parametrize("ends_down", [False, True])
def test_fifty_edges_in_30_ms_are_one_press(params: GestureParams, ends_down: bool) -> None:
    edges = [(k * 30 / 50, k % 2 == 0) for k in range(51 if ends_down else 50)]
    edges += [(200 + k * 0.6, k % 2 == 1) for k in range(49)]
    assert edges[-1][1] is False
    # Where the contact stays open between them, closing once more is a press of its own: then only the first.
    edges = edges if ends_down else edges[:50]
    assert play(edges, params) == [("began", 0), ("short", 0)]


def test_a_worn_contact_that_opens_for_a_moment_stays_one_press() -> None:
    edges: list[tuple[float, bool]] = [
        (0, True),
        (100, False),
        (129, True),
        (200, False),
        (210, True),
        (300, False),
    ]
    assert play(edges) == [("began", 0), ("short", 0)]
    assert play([(0, True), (590, False), (610, True), (700, False)]) == [("began", 0), ("long", 0)]
    assert play([(0, True), (590, False)], every_ms=1) == [("began", 0), ("short", 0)]


def test_what_is_under_way_at_the_end() -> None:
    recogniser = GestureRecogniser("foot")
    assert recogniser.finish(lost=False) == []
    recogniser.edge(0, down=True)
    assert recogniser.finish(lost=True) == []
    recogniser.edge(0, down=True)
    assert [p.gesture for p in recogniser.finish(lost=False)] == [Gesture.SHORT]
    recogniser.edge(0, down=True)
    recogniser.edge(50 * MS, down=False)
    recogniser.advance(100 * MS)
    assert [p.gesture for p in recogniser.finish(lost=True)] == [Gesture.SHORT]
    recogniser.edge(0, down=True)
    recogniser.advance(700 * MS)
    assert recogniser.finish(lost=False) == []


def test_times_never_run_backwards() -> None:
    recogniser = GestureRecogniser("foot")
    recogniser.advance(1000 * MS)
    assert recogniser.edge(0, down=True)[0].t_ns == 1000 * MS


@pytest.mark.parametrize(
    "times",
    [(-1, 600, 300), (600, 600, None), (30, 600, 30), (30, float("nan"), 300), (30, 600, float("inf"))],
)
def test_impossible_times_are_refused(times: tuple[float, float, float | None]) -> None:
    with pytest.raises(ValueError, match="debounce time"):
        GestureParams(*times)


def test_whole_presses_are_thinned_out_not_merged() -> None:
    whole = WholePresses("foot")
    told = [p.t_ns // MS for k in range(1000) for p in whole.press(k * 10 * MS)]
    assert told == list(range(0, 10_000, 30))
    assert WholePresses("foot").press(5, Gesture.LONG) == [PedalPress(Gesture.LONG, 5, "foot")]


def test_a_thousand_presses_are_a_thousand_and_take_no_memory() -> None:
    recogniser = GestureRecogniser("foot", GestureParams(debounce_ms=2, long_ms=600, double_ms=None))
    told = 0
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        for k in range(1000):
            told += len(recogniser.edge(k * 10 * MS, down=True))
            told += len(recogniser.edge((k * 10 + 5) * MS, down=False))
        told += len(recogniser.advance(11_000 * MS))
        grown = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    assert told == 2000
    assert grown < 10_000


presses = st.lists(st.tuples(st.integers(1, 900), st.integers(1, 900)), max_size=30)
bounces = st.lists(st.integers(1, 29), max_size=6)
settings_of = st.sampled_from([GestureParams(), NO_DOUBLE, GestureParams(debounce_ms=0)])


def edges_of(pairs: list[tuple[int, int]]) -> list[tuple[float, bool]]:
    edges: list[tuple[float, bool]] = []
    t = 0
    for held, gap in pairs:
        edges += [(t, True), (t + held, False)]
        t += held + gap
    return edges


@given(presses, settings_of)
def test_each_beginning_has_one_end(pairs: list[tuple[int, int]], params: GestureParams) -> None:
    told = play(edges_of(pairs), params)
    assert [g for g, _ in told[::2]] == ["began"] * (len(told) // 2)
    assert all(Gesture(g) in ENDS for g, _ in told[1::2])
    assert [t for _, t in told[::2]] == [t for _, t in told[1::2]]
    assert bool(told) == bool(pairs)


@given(presses, settings_of, st.floats(1, 200))
def test_how_often_time_is_told_changes_nothing(
    pairs: list[tuple[int, int]], params: GestureParams, every_ms: float
) -> None:
    edges = edges_of(pairs)
    assert play(edges, params, every_ms) == play(edges, params)


@given(presses)
def test_without_doubles_presses_are_counted_by_the_stated_rule(pairs: list[tuple[int, int]]) -> None:
    n = sum(k == 0 or pairs[k - 1][1] >= 30 for k in range(len(pairs)))
    assert len(play(edges_of(pairs), NO_DOUBLE)) == 2 * n


@given(st.integers(35, 500), bounces, bounces)
def test_bounces_at_both_ends_change_nothing(held: int, first: list[int], last: list[int]) -> None:
    edges: list[tuple[float, bool]] = [(0, True)]
    # Bouncing takes less than the press, and never opens the contact for as long as the debounce time.
    for k, gap in enumerate(first):
        edges.append((edges[-1][0] + gap / 6, k % 2 == 1))
    edges += [(edges[-1][0] + 0.5, True), (held, False)]
    for k, gap in enumerate(last):
        edges.append((edges[-1][0] + gap, k % 2 == 0))
    edges.append((edges[-1][0] + 1, False))
    # What is told twice is told once: the press ends where the contact last opened.
    opened = [t for (_, before), (t, now) in pairwise(edges) if before and not now][-1]
    end = "long" if opened >= 600 else "short"
    assert play(edges, NO_DOUBLE) == [("began", 0), (end, 0)]

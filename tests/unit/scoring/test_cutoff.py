"""The distance to the next score, against trying every other reading of the cells."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from functools import cache
from itertools import combinations, product
from math import ceil
from time import perf_counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from armicro.contracts.arrays import I64
from armicro.contracts.cells import Category
from armicro.contracts.score import CaseSummary, Cutoff
from armicro.scoring.case import FieldCells, summarise
from armicro.scoring.guidelines import guideline_names, load_guideline

NONE, FAINT, WI, WC, II, IC = sorted(Category)
SHARE_RULES = ("asco-cap-2018-breast", "gastric-2016-resection", "zhang-2020")
BREAST, RESECTION, ZHANG = SHARE_RULES
BIOPSY = "gastric-2016-biopsy"

Make = Callable[[Mapping[Category, int]], FieldCells]
Place = Callable[[Sequence[tuple[float, float]], Sequence[int]], FieldCells]
ByHand = Callable[[str, Sequence[int]], str | None]


def _cutoff(case: CaseSummary) -> Cutoff:
    assert case.cutoff is not None
    return case.cutoff


def _counts(field: Make, counts: Sequence[int]) -> FieldCells:
    return field(dict(zip(sorted(Category), counts, strict=True)))


def _of(field: Make, total: int, **cells: int) -> FieldCells:
    counts = {Category[k.upper()]: v for k, v in cells.items()}
    counts[NONE] = total - sum(counts.values())
    return field(counts)


@cache
def _all_readings(n: int) -> I64:
    """Return every way of spreading n cells over the six categories, (M, 6)."""
    bars = np.array(list(combinations(range(n + 5), 5)), np.int64).reshape(-1, 5)
    edges = np.column_stack([np.full(len(bars), -1), bars, np.full(len(bars), n + 5)])
    return np.diff(edges, axis=1) - 1


class TestDistanceInCells:
    @pytest.mark.parametrize("name", SHARE_RULES)
    @given(counts=st.lists(st.integers(0, 5), min_size=6, max_size=6).filter(lambda c: 0 < sum(c) <= 11))
    @settings(max_examples=60, deadline=None)
    def test_so_many_cells_change_the_score_and_one_less_does_not(
        self, field: Make, by_hand: ByHand, name: str, counts: list[int]
    ) -> None:
        cutoff = _cutoff(summarise([_counts(field, counts)], load_guideline(name), resamples=1))
        readings = _all_readings(sum(counts))
        cells = np.maximum(readings - np.array(counts), 0).sum(axis=1)
        score = by_hand(name, counts)
        changed = {
            int(d): {by_hand(name, r.tolist()) for r in readings[cells == d]} - {score}
            for d in set(cells.tolist())
        }
        fewest = min(d for d, scores in changed.items() if scores)
        assert cutoff.distance_cells == fewest
        assert cutoff.next_score == _nearest_score(score, changed[fewest])

    @pytest.mark.parametrize("name", SHARE_RULES)
    @pytest.mark.parametrize(
        "counts",
        [
            (27, 0, 0, 0, 0, 3),
            (26, 0, 0, 0, 0, 4),
            (25, 0, 0, 2, 0, 3),
            (20, 4, 3, 3, 0, 0),
            (22, 0, 0, 3, 3, 2),
            (26, 0, 0, 0, 4, 0),
            (30, 0, 0, 0, 0, 0),
        ],
    )
    def test_the_same_around_the_borders_of_thirty_cells(
        self, field: Make, by_hand: ByHand, name: str, counts: tuple[int, ...]
    ) -> None:
        cutoff = _cutoff(summarise([_counts(field, counts)], load_guideline(name), resamples=1))
        readings = _all_readings(30)
        cells = np.maximum(readings - np.array(counts), 0).sum(axis=1)
        score, within = by_hand(name, counts), cutoff.distance_cells
        nearer = {by_hand(name, r.tolist()) for r in readings[cells < within]}
        there = {by_hand(name, r.tolist()) for r in readings[cells == within]}
        assert nearer == {score}
        assert cutoff.next_score == _nearest_score(score, there - {score})

    @given(
        taken=st.lists(st.integers(0, 15), min_size=1, max_size=7, unique=True),
        kinds=st.lists(st.sampled_from([NONE, FAINT, WI, IC]), min_size=7, max_size=7),
    )
    @settings(max_examples=60, deadline=None)
    def test_the_same_for_clusters(self, place: Place, taken: list[int], kinds: list[int]) -> None:
        rules = load_guideline(BIOPSY)
        points = [(15.0 * (i // 4), 15.0 * (i % 4)) for i in taken]
        kinds = kinds[: len(taken)]
        case = summarise([place(points, kinds)], rules, resamples=1)
        score, cutoff = _score_by_hand(points, kinds), _cutoff(case)
        assert case.score.score == score
        fewest = next((d for d in range(1, len(taken) + 1) if _others(points, kinds, d) != {score}), None)
        if fewest is None:
            assert (cutoff.next_score, cutoff.distance_cells) == (None, 0)
        else:
            assert cutoff.distance_cells == fewest
            assert cutoff.next_score == _nearest_score(score, _others(points, kinds, fewest) - {score})


def _nearest_score(score: str | None, others: Collection[str | None]) -> str:
    """Return the score that must be named: a higher one if there is one, and then the smallest step."""
    scores = ("0", "1+", "2+", "3+")
    ranks = sorted(scores.index(o) for o in others if o is not None)
    higher = [k for k in ranks if score is not None and k > scores.index(score)]
    return scores[higher[0] if higher else ranks[-1]]


def _others(points: list[tuple[float, float]], kinds: list[int], d: int) -> set[str]:
    """Return the scores of all readings that differ in d cells; one category stands for each grade."""
    found = set()
    for which in combinations(range(len(points)), d):
        for to in product([NONE, FAINT, WI, IC], repeat=d):
            read = list(kinds)
            for i, kind in zip(which, to, strict=True):
                read[i] = kind
            found.add(_score_by_hand(points, read))
    return found


def _score_by_hand(points: list[tuple[float, float]], read: list[int]) -> str:
    for least, score in ((II, "3+"), (WI, "2+"), (FAINT, "1+")):
        left = {i for i, kind in enumerate(read) if kind >= least}
        while left:
            front = [left.pop()]
            size = 1
            while front:
                y, x = points[front.pop()]
                near = {i for i in left if (points[i][0] - y) ** 2 + (points[i][1] - x) ** 2 <= 20.0**2}
                left -= near
                front += near
                size += len(near)
            if size >= 5:
                return score
    return "0"


class TestLeaveOneOut:
    @pytest.mark.parametrize("name", guideline_names())
    @given(
        tissue=st.lists(
            st.lists(st.tuples(st.integers(0, 15), st.integers(0, 5)), max_size=16, unique_by=lambda c: c[0]),
            min_size=1,
            max_size=5,
        )
    )
    @settings(max_examples=60, deadline=None)
    def test_it_is_the_score_of_the_other_fields(
        self, place: Place, name: str, tissue: list[list[tuple[int, int]]]
    ) -> None:
        rules = load_guideline(name)
        fields = [
            place([(15.0 * (i // 4), 15.0 * (i % 4)) for i, _ in cells], [kind for _, kind in cells])
            for cells in tissue
        ]
        case = summarise(fields, rules, resamples=1)
        if case.cutoff is None:
            assert not any(tissue)
        elif len(fields) == 1:
            assert case.cutoff.leave_one_out == ()
        else:
            for i, left in enumerate(case.cutoff.leave_one_out):
                others = [f for j, f in enumerate(fields) if j != i]
                assert left.field_index == i
                assert left.score == summarise(others, rules, resamples=1).score.score
            assert len(case.cutoff.leave_one_out) == len(fields)


class TestInvariance:
    @pytest.mark.parametrize("name", guideline_names())
    def test_the_order_of_fields_changes_nothing_but_their_numbers(self, place: Place, name: str) -> None:
        rules, rng = load_guideline(name), np.random.default_rng(5)
        fields = [_random_field(place, rng, n) for n in (120, 40, 300, 0, 77)]
        order = [3, 0, 4, 2, 1]
        here, there = summarise(fields, rules), summarise([fields[i] for i in order], rules)
        assert (here.score, here.counts, here.n_fields) == (there.score, there.counts, there.n_fields)
        a, b = _cutoff(here), _cutoff(there)
        assert _without_field_numbers(a) == _without_field_numbers(b)
        assert [a.leave_one_out[i].score for i in order] == [left.score for left in b.leave_one_out]

    @pytest.mark.parametrize("name", SHARE_RULES)
    def test_fields_joined_to_one_score_the_same(self, place: Place, name: str) -> None:
        rules, rng = load_guideline(name), np.random.default_rng(6)
        for _ in range(20):
            fields = [_random_field(place, rng, int(n)) for n in rng.integers(0, 60, 4)]
            joined = FieldCells(
                np.concatenate([f.yx_um for f in fields]), np.concatenate([f.category for f in fields])
            )
            apart, whole = summarise(fields, rules, resamples=1), summarise([joined], rules, resamples=1)
            assert apart.score.score == whole.score.score
            assert apart.counts == whole.counts
            assert _cutoff(apart).distance_cells == _cutoff(whole).distance_cells

    @pytest.mark.parametrize("name", guideline_names())
    def test_the_same_seed_gives_the_same_and_another_seed_no_other_score(
        self, place: Place, name: str
    ) -> None:
        rules, rng = load_guideline(name), np.random.default_rng(7)
        fields = [_random_field(place, rng, 150) for _ in range(6)]
        first = summarise(fields, rules, seed=1)
        assert first == summarise(fields, rules, seed=1)
        other, third = summarise(fields, rules, seed=2), summarise(fields, rules, seed=3)
        assert first.score == other.score
        assert _cutoff(other).seed == 2
        assert _cutoff(first).distance_cells == _cutoff(other).distance_cells
        if name != BIOPSY:  # whose interval is in whole cells
            assert len({_cutoff(c).interval for c in (first, other, third)}) > 1

    def test_resamples_must_be_positive(self) -> None:
        with pytest.raises(ValueError, match="resamples"):
            summarise([], load_guideline(BREAST), resamples=0)


def _without_field_numbers(cutoff: Cutoff) -> Cutoff:
    return replace(cutoff, leave_one_out=(), text="", settles="")


def _random_field(place: Place, rng: np.random.Generator, n: int) -> FieldCells:
    points = [(float(y), float(x)) for y, x in rng.uniform(0, 260, (n, 2))]
    return place(points, rng.choice(6, n, p=rng.dirichlet([6, 2, 2, 2, 1, 1])).tolist())


class TestFigures:
    def test_below_the_cutoff_the_distance_is_negative(self, field: Make) -> None:
        cutoff = _cutoff(summarise([_of(field, 1000, intense_complete=96)], load_guideline(BREAST)))
        assert (cutoff.next_score, cutoff.quantity) == ("3+", "complete and intense")
        assert (cutoff.count, cutoff.needed, cutoff.distance_cells) == (96, 101, 5)
        assert cutoff.share == pytest.approx(0.096)
        assert cutoff.threshold == 0.1
        assert cutoff.distance_points == pytest.approx(-0.4)
        assert cutoff.interval[0] < 0.096 < cutoff.interval[1]

    def test_at_the_cutoff_it_is_zero_points_and_one_cell(self, field: Make) -> None:
        cutoff = _cutoff(summarise([_of(field, 1000, intense_complete=100)], load_guideline(BREAST)))
        assert (cutoff.distance_points, cutoff.distance_cells, cutoff.next_score) == (0.0, 1, "3+")

    def test_above_the_cutoff_it_is_positive(self, field: Make) -> None:
        cutoff = _cutoff(summarise([_of(field, 1000, intense_complete=120)], load_guideline(BREAST)))
        assert (cutoff.next_score, cutoff.distance_cells) == ("2+", 20)
        assert cutoff.distance_points == pytest.approx(2.0)

    def test_the_nearest_of_several_borders_is_told(self, field: Make) -> None:
        """Complete staining is 6 cells short of 2+; 3+ is 51 short, and 1+ holds by 195."""
        made = _of(field, 1000, weak_complete=95, weak_incomplete=200)
        cutoff = _cutoff(summarise([made], load_guideline(BREAST)))
        assert (cutoff.next_score, cutoff.distance_cells) == ("2+", 6)
        assert cutoff.quantity == "complete and at least weak"

    def test_a_minimum_of_cells_moves_the_cutoff(self, field: Make) -> None:
        cutoff = _cutoff(summarise([_of(field, 150, intense_complete=1)], load_guideline(BREAST)))
        assert (cutoff.next_score, cutoff.distance_cells, cutoff.needed) == ("2+", 2, 3)
        assert cutoff.threshold == pytest.approx(3 / 150)

    def test_the_shares_of_scores_sum_to_one(self, field: Make) -> None:
        fields = [_of(field, 200, intense_complete=k) for k in (0, 10, 20, 40)]
        shares = _cutoff(summarise(fields, load_guideline(BREAST))).score_shares
        assert set(shares) == {"none", "0", "1+", "2+", "3+"}
        assert sum(shares.values()) == pytest.approx(1)
        assert 0.1 < shares["3+"] < 0.7

    def test_a_cluster_is_told_in_cells(self, place: Place) -> None:
        points = [(0.0, 15.0 * i) for i in range(10)] + [(900.0, 15.0 * i) for i in range(90)]
        cutoff = _cutoff(summarise([place(points, [IC] * 3 + [NONE] * 97)], load_guideline(BIOPSY)))
        assert (cutoff.count, cutoff.needed, cutoff.distance_cells) == (3, 5, 2)
        assert (cutoff.share, cutoff.threshold) == (0.03, 0.05)
        assert cutoff.distance_points == pytest.approx(-2.0)
        assert "Cells are not drawn anew" in cutoff.method


class TestWords:
    def test_short_of_a_score_and_the_field_that_decides(self, field: Make) -> None:
        fields = [_of(field, 250, weak_complete=30) for _ in range(3)]
        fields.insert(2, _of(field, 250, intense_complete=98, weak_complete=20))
        cutoff = _cutoff(summarise(fields, load_guideline(BREAST)))
        assert cutoff.text.startswith("complete and intense 9.8 % (95 % interval ")
        assert "), 3 cells short of 3+; leaving out field 1, 2 or 4 makes it 3+" in cutoff.text

    def test_one_cell_is_one_cell(self, field: Make) -> None:
        cutoff = _cutoff(summarise([_of(field, 1000, intense_complete=100)], load_guideline(BREAST)))
        assert "1 cell short of 3+" in cutoff.text
        cutoff = _cutoff(summarise([_of(field, 1000, intense_complete=101)], load_guideline(BREAST)))
        assert "1 cell fewer would make it 2+" in cutoff.text

    def test_a_score_that_no_field_decides(self, field: Make) -> None:
        fields = [_of(field, 300, intense_complete=150)] * 3
        cutoff = _cutoff(summarise(fields, load_guideline(BREAST)))
        assert cutoff.text.endswith("; leaving out any one field keeps 3+")
        assert cutoff.settles == "nothing more needed: every resample gives 3+"

    def test_the_only_field_with_cells(self, field: Make) -> None:
        fields = [_of(field, 300, intense_complete=150), field({})]
        assert (
            "leaving out field 1 leaves no tumour cells"
            in _cutoff(summarise(fields, load_guideline(BREAST))).text
        )

    def test_many_fields_are_counted_instead_of_named(self, field: Make) -> None:
        fields = [_of(field, 100, intense_complete=11)] * 6 + [_of(field, 100, intense_complete=5)]
        cutoff = _cutoff(summarise(fields, load_guideline(BREAST)))
        assert "leaving out any one of 6 fields makes it 2+" in cutoff.text

    def test_how_many_more_fields(self, field: Make) -> None:
        """The number follows from the interval, and so many fields like these do narrow it to one side."""
        rules = load_guideline(BREAST)
        fields = [_of(field, 200, intense_complete=k) for k in (2, 32, 6, 15, 4, 15)]
        cutoff = _cutoff(summarise(fields, rules))
        low, high = cutoff.interval
        assert low < cutoff.share < 0.1 < high
        assert "the interval crosses 10 %" in cutoff.settles
        more = ceil(6 * (((high - cutoff.share) / (0.1 - cutoff.share)) ** 2 - 1))
        assert f"about {more} more field" in cutoff.settles
        times = ceil((6 + more) / 6)
        assert times > 1
        assert _cutoff(summarise(fields * times, rules)).interval[1] < 0.102
        assert _cutoff(summarise(fields * (times - 1), rules)).interval[1] > 0.098

    def test_exactly_at_the_border_more_fields_do_not_help(self, field: Make) -> None:
        fields = [_of(field, 200, intense_complete=k) for k in (10, 30, 20, 20)]
        assert "too close for more fields" in _cutoff(summarise(fields, load_guideline(BREAST))).settles

    def test_the_border_that_is_really_at_stake_is_named(self, field: Make) -> None:
        """Ten intense cells are nearer in number, but the resamples cross the border of stained cells."""
        fields = [_of(field, 250, faint=k) for k in (5, 40, 12, 23)]
        cutoff = _cutoff(summarise(fields, load_guideline(BREAST)))
        assert (cutoff.next_score, cutoff.quantity) == ("2+", "complete and intense")
        assert "any staining 8.0 % (" in cutoff.settles
        assert "crosses 10 %" in cutoff.settles

    def test_one_field_and_few_cells_are_told(self, field: Make) -> None:
        settled = _cutoff(summarise([_of(field, 45)], load_guideline(BREAST))).settles
        assert "only 45 tumour cells: capture more fields, to at least 100 cells" in settled
        assert "one field cannot show how fields differ: capture more" in settled
        assert "nothing more" not in settled

    def test_a_cluster_that_one_field_carries(self, place: Place) -> None:
        points = [(0.0, 15.0 * i) for i in range(60)]
        with_cluster, without = place(points, [IC] * 5 + [NONE] * 55), place(points, [NONE] * 60)
        cutoff = _cutoff(summarise([without, with_cluster], load_guideline(BIOPSY)))
        assert cutoff.text == (
            "largest cluster with strong membrane staining: 5 tumour cells; 1 cell fewer would make it 2+; "
            "leaving out field 2 makes it 0"
        )
        assert cutoff.settles == (
            "nothing more needed: one cluster is enough, and further fields cannot lower the score; "
            "the score rests on field 2 alone: look at it again"
        )

    def test_a_large_cluster_is_told_by_its_lower_bound(self, place: Place) -> None:
        points = [(0.0, 15.0 * i) for i in range(60)]
        cutoff = _cutoff(summarise([place(points, [IC] * 60)], load_guideline(BIOPSY)))
        assert "at least 12 cells would have to be read otherwise to make it 2+" in cutoff.text

    def test_where_no_cluster_can_arise(self, place: Place) -> None:
        points = [(0.0, 100.0 * i) for i in range(60)]
        cutoff = _cutoff(summarise([place(points, [IC] * 60)], load_guideline(BIOPSY)))
        assert (cutoff.next_score, cutoff.distance_cells) == (None, 0)
        assert "no 5 tumour cells lie together" in cutoff.text


@pytest.mark.parametrize("name", guideline_names())
def test_twenty_fields_take_milliseconds(place: Place, name: str) -> None:
    """Measured 10 to 25 ms on two cores; the bound leaves room for a busy machine."""
    rules, rng = load_guideline(name), np.random.default_rng(0)
    fields = [_random_field(place, rng, 300) for _ in range(20)]
    taken = []
    for _ in range(7):
        start = perf_counter()
        summarise(fields, rules)
        taken.append(perf_counter() - start)
    assert min(taken) < 0.1

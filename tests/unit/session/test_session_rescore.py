"""Thresholds, profiles, guidelines, edits and undo: the score moves, and always says what holds."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from armicro.assays.her2_ihc import Her2IhcRecipe, analyse
from armicro.contracts.cells import RULES, Category, CellTable, Rule
from armicro.contracts.results import FovResult
from armicro.contracts.stain import DabThresholds
from armicro.session.commands import (
    AddCell,
    NewCase,
    ReclassifyCell,
    Redo,
    RemoveCell,
    RemoveField,
    RestoreField,
    SetGuideline,
    SetRegions,
    SetStainProfile,
    SetThresholds,
    Undo,
)
from armicro.session.view import CapturedField
from tests.session_rig import THRESHOLDS, Rig, profile

PALE = DabThresholds(0.05, 0.2, 0.02)
DARK = DabThresholds(0.3, 0.9, 0.1)
BY_HAND = RULES.index(Rule.BY_HAND)


def field(rig: Rig, number: int = 1) -> CapturedField:
    return next(f for f in rig.session.snapshot().fields if f.number == number)


def result(rig: Rig, number: int = 1) -> FovResult:
    rig.until(lambda: field(rig, number).result is not None)
    found = field(rig, number).result
    assert found is not None
    return found


def assert_like_a_full_reading(rig: Rig, number: int, thresholds: DabThresholds) -> None:
    frame = rig.session.field_frame(number)
    assert frame is not None
    recipe = Her2IhcRecipe(replace(rig.session.snapshot().profile, thresholds=thresholds), rig.detector)
    whole, have = analyse(frame, recipe), result(rig, number)
    for name in CellTable.__dataclass_fields__:
        np.testing.assert_array_equal(getattr(have.cells, name), getattr(whole.cells, name))
    assert have.provenance == whole.provenance
    assert have.quality == whole.quality


def test_new_thresholds_score_all_fields_anew_as_a_full_reading_would(rig: Rig) -> None:
    for place in range(4):
        rig.capture(place)
    rig.scored(4)
    # The live picture is read last: nothing else is under way then.
    rig.rest(3)
    calls = rig.detector.calls
    rig.session.do(SetThresholds(PALE))
    assert rig.session.snapshot().profile.thresholds == PALE
    rig.scored(4)
    assert rig.detector.calls == calls
    for number in range(1, 5):
        assert_like_a_full_reading(rig, number, PALE)
    change = rig.session.snapshot().change
    assert change is not None
    assert change.before is not None
    assert change.after == rig.session.snapshot().summary
    assert change.before.counts != change.after.counts  # type: ignore[union-attr]


def test_a_snapshot_never_shows_a_score_of_other_thresholds(rig: Rig) -> None:
    for place in range(3):
        rig.capture(place)
    rig.scored(3)
    for k in range(40):
        rig.session.do(SetThresholds(DabThresholds(0.05 + 0.005 * k, 0.6)))
        snapshot = rig.session.snapshot()
        for one in snapshot.fields:
            if one.result is not None:
                weak = one.result.provenance.parameters["thresholds.weak_od"]
                assert weak == snapshot.profile.thresholds.weak_od
        if snapshot.summary is not None:
            counts = [f.counts for f in snapshot.fields]
            assert all(snapshot.summary.counts[c] == sum(n[c] for n in counts) for c in Category)
    rig.scored(3)
    assert_like_a_full_reading(rig, 2, DabThresholds(0.05 + 0.005 * 39, 0.6))


def test_a_preview_shows_before_and_after_and_is_not_recorded(rig: Rig) -> None:
    rig.capture(1, 1)
    rig.expose(1)
    rig.until(lambda: (view := rig.session.live()) is not None and view.result is not None)
    before = rig.session.snapshot().summary
    for weak in (0.2, 0.25, 0.3):
        rig.session.do(SetThresholds(DabThresholds(weak, 0.9, 0.1), preview=True))
    rig.until(lambda: (c := rig.session.snapshot().change) is not None and c.after is not None)
    snapshot = rig.session.snapshot()
    assert snapshot.change is not None
    assert snapshot.change.before == snapshot.summary == before
    assert snapshot.change.after != before
    assert snapshot.profile.thresholds == THRESHOLDS
    assert snapshot.undo_label == "capture field 1"

    def live_weak() -> object:
        view = rig.session.live()
        return view and view.result and view.result.provenance.parameters["thresholds.weak_od"]

    rig.until(lambda: live_weak() == 0.3)
    rig.until(lambda: (c := rig.session.snapshot().change) is not None and c.cells_changed > 0)
    rig.session.do(SetThresholds(DARK))
    rig.scored(1)
    assert rig.session.snapshot().undo_label == "set thresholds"
    rig.session.do(Undo())
    rig.scored(1)
    assert rig.session.snapshot().summary == before
    assert rig.session.snapshot().change is None


def test_every_step_can_be_undone_and_done_again(rig: Rig) -> None:
    rig.capture(1, 1)
    rig.capture(2, 2)
    session = rig.session
    session.do(RemoveField(1))
    rig.scored(1)
    assert field(rig).removed
    session.do(RestoreField(1))
    session.do(SetGuideline("gastric-2016-biopsy"))
    session.do(SetThresholds(PALE))
    result(rig)
    session.do(ReclassifyCell(1, 0, Category.INTENSE_COMPLETE))
    labels = []
    while (label := session.snapshot().undo_label) is not None:
        labels.append(label)
        session.do(Undo())
    assert labels == [
        "change a cell of field 1", "set thresholds", "judge by gastric-2016-biopsy", "count field 1 again",
        "leave out field 1", "capture field 2", "capture field 1",
    ]  # fmt: skip
    assert session.snapshot().fields == ()
    assert session.snapshot().summary is None
    session.do(Undo())
    assert "nothing to undo" in rig.notices()
    for label in reversed(labels):
        assert session.snapshot().redo_label == label
        session.do(Redo())
    rig.scored(2)
    assert session.snapshot().guideline == "gastric-2016-biopsy"
    assert session.snapshot().profile.thresholds == PALE
    assert field(rig).edits == 1
    kinds = [e.kind for e in rig.cases[0].events]
    assert kinds.count("undo") == kinds.count("redo") == 7


def test_a_new_step_ends_what_could_be_done_again(rig: Rig) -> None:
    rig.capture(1, 1)
    rig.session.do(RemoveField(1))
    rig.session.do(Undo())
    assert rig.session.snapshot().redo_label == "leave out field 1"
    rig.session.do(SetGuideline("zhang-2020"))
    assert rig.session.snapshot().redo_label is None


def test_another_profile_reads_all_fields_again(rig: Rig) -> None:
    for place in range(3):
        rig.capture(place)
    rig.scored(3)
    # A live picture that is being read would wait at the gate, and the fields behind it.
    rig.rest(2)
    calls = rig.detector.calls
    rig.detector.gate.clear()
    rig.session.do(SetStainProfile("other"))
    assert rig.session.snapshot().summary is None
    assert all(f.result is None for f in rig.session.snapshot().fields)
    rig.until(lambda: "again" in rig.session.snapshot().busy)
    rig.detector.gate.set()
    rig.scored(3)
    assert rig.detector.calls >= calls + 3
    assert result(rig).provenance.stain_profile == "other/1"
    rig.session.do(Undo())
    rig.scored(3)
    assert result(rig).provenance.stain_profile == "test/1"


def test_edits_by_hand_are_kept_across_thresholds_and_profiles(rig: Rig) -> None:
    rig.capture(1, 1)
    n, session = len(result(rig).cells), rig.session
    session.do(ReclassifyCell(1, 2, Category.INTENSE_COMPLETE, "clear"))
    result(rig)
    session.do(RemoveCell(1, 0, "a lymphocyte"))
    result(rig)
    session.do(AddCell(1, 20.5, 30.5, Category.WEAK_COMPLETE))
    for command in (SetThresholds(PALE), SetThresholds(DARK), SetStainProfile("other")):
        session.do(command)
        rig.scored(1)
        cells = result(rig).cells
        assert field(rig).edits == 3
        assert len(cells) == n + 1
        assert cells.category[2] == Category.INTENSE_COMPLETE
        assert cells.rule[2] == cells.rule[0] == cells.rule[n] == BY_HAND
        assert not cells.counted[0]
        assert cells.category[n] == Category.WEAK_COMPLETE
        summary = session.snapshot().summary
        assert summary is not None
        assert summary.n_cells == n
    session.do(RemoveCell(1, n))
    rig.until(lambda: field(rig).edits == 2)
    assert len(result(rig).cells) == n


def test_cells_that_cannot_be_edited_are_told(rig: Rig) -> None:
    rig.capture(1, 1)
    session = rig.session
    session.do(ReclassifyCell(1, 999, Category.NONE))
    session.do(AddCell(1, 500, 1, Category.NONE))
    y, x = result(rig).cells.yx_px[0].tolist()
    session.do(AddCell(1, y, x, Category.NONE))
    session.do(RemoveCell(8, 0))
    notices = rig.notices()
    for words in ("no cell 999", "outside the field", "there is one already", "no field 8"):
        assert words in notices
    assert field(rig).edits == 0


def test_regions_say_where_cells_count(rig: Rig) -> None:
    rig.capture(1, 1)
    n = len(result(rig).cells)
    left = ((0.0, 0.0), (95.0, 0.0), (95.0, 60.0), (0.0, 60.0))
    rig.session.do(SetRegions(1, include=(left,)))
    rig.scored(1)
    cells = result(rig).cells
    np.testing.assert_array_equal(cells.counted, cells.yx_px[:, 1] < 60)
    rig.session.do(SetRegions(1, include=(((500.0, 500.0), (510.0, 500.0), (510.0, 510.0)),)))
    rig.session.do(SetRegions(1, include=(((1.0, 1.0),),)))
    assert "another image" in rig.notices()
    assert "at least 3" in rig.notices()
    rig.session.do(Undo())
    rig.scored(1)
    assert int(result(rig).cells.counted.sum()) == n


def test_locked_profiles_stay(make_rig: Callable[..., Rig]) -> None:
    rig = make_rig(profile_locked_by="Dr. Example")
    rig.capture(1, 1)
    rig.session.do(SetThresholds(PALE))
    rig.session.do(SetStainProfile("other"))
    assert "locked as Dr. Example" in rig.notices()
    assert rig.session.snapshot().profile == profile()
    assert rig.session.snapshot().profile_locked_by == "Dr. Example"


def test_a_guideline_that_is_not_there_is_told(rig: Rig) -> None:
    rig.session.do(SetGuideline("nonsense"))
    assert "nonsense" in rig.notices()
    assert rig.session.snapshot().guideline == "asco-cap-2018-breast"


def test_an_engine_that_fails_is_a_fault_and_the_fields_stay(rig: Rig) -> None:
    rig.capture(1, 1)
    counts = field(rig).counts
    rig.detector.failing = "the GPU is gone."
    rig.expose(5)
    rig.expose(5)
    rig.until(lambda: rig.session.snapshot().faults)
    (fault,) = rig.session.snapshot().faults
    assert fault.source == "engine"
    assert "the GPU is gone" in fault.words
    assert field(rig).counts == counts
    view = rig.session.live()
    assert view is not None
    assert view.result is None
    rig.capture(2)
    time.sleep(0.1)
    assert field(rig, 2).result is None
    rig.detector.failing = None
    rig.now_ns += 2 * 10**9
    rig.scored(2)
    assert rig.session.snapshot().faults == ()
    assert "recovered" in rig.kinds()


def test_an_engine_that_takes_over_reads_all_fields_again(rig: Rig) -> None:
    rig.capture(1, 1)
    rig.detector.identity = "spare/1"
    rig.source.waiting.append("Going on with the processor.")
    rig.expose(2)
    rig.until(lambda: "Going on with the processor." in rig.notices())
    rig.until(lambda: result(rig).provenance.detector == "spare/1")
    rig.capture(3, 2)
    detectors = {result(rig, n).provenance.detector for n in (1, 2)}
    assert detectors == {"spare/1"}


def test_a_new_case_takes_nothing_of_the_old_one_along(rig: Rig) -> None:
    rig.capture(1, 1)
    rig.session.do(NewCase("next"))
    rig.until(lambda: rig.session.snapshot().case_id == "next")
    snapshot = rig.session.snapshot()
    assert snapshot.fields == ()
    assert snapshot.summary is None
    assert snapshot.undo_label is None
    rig.capture(1, 1)
    assert field(rig).number == 1
    assert len(rig.cases) == 2
    assert rig.session.field_frame(7) is None

"""The quality gate in a session: refused fields are kept and left out, what is seen twice counts once."""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np
import pytest

from armicro.contracts.arrays import U8, frozen
from armicro.contracts.devices import Exposure
from armicro.contracts.frame import Optics
from armicro.imaging.gate import GateLimits, Limit
from armicro.imaging.gate_control import ControlSeen
from armicro.session.commands import CountOverlap, Redo, RestoreField, Undo
from armicro.sim.case import simulate_field
from armicro.sim.params import PRESETS, CaseParams
from tests.session_rig import MS, Rig

UM = 0.5
SIDE = 480


@pytest.fixture(scope="module")
def slide() -> U8:
    return simulate_field(CaseParams(PRESETS["2+"], UM, (1000, 1000), 1), 3, 0).rgb


@pytest.fixture
def rig() -> Iterator[Rig]:
    made = Rig(gate=GateLimits(), objectives={"40x": Optics(UM, "40x")}, positions={})
    yield made
    made.session.close()


def show(rig: Rig, rgb: U8) -> None:
    rig.now_ns += 100 * MS
    rig.frame_id += 1
    rig.session.on_exposure(Exposure(frozen(rgb.copy()), rig.frame_id, rig.now_ns))


def capture(rig: Rig, rgb: U8) -> None:
    n = len(rig.session.snapshot().fields)
    judged = rig.cases[-1].events
    before = sum(e.kind == "gate" for e in judged)
    show(rig, rgb)
    rig.press()
    show(rig, rgb)
    rig.until(lambda: len(rig.session.snapshot().fields) == n + 1)
    rig.until(lambda: sum(e.kind == "gate" for e in rig.cases[-1].events) == before + 1)


def test_a_good_field_counts(rig: Rig, slide: U8) -> None:
    capture(rig, slide[:SIDE, :SIDE])
    rig.scored(1)
    assert not rig.session.snapshot().fields[0].removed


def test_a_blurred_field_is_kept_left_out_and_counted_only_with_a_reason(rig: Rig, slide: U8) -> None:
    capture(rig, slide[:SIDE, :SIDE])
    capture(rig, np.asarray(cv2.GaussianBlur(slide[-SIDE:, -SIDE:], (0, 0), 4), np.uint8))
    rig.scored(1)
    field = rig.session.snapshot().fields[1]
    assert field.removed
    assert any("out of focus" in w for w in field.warnings)
    assert "left out of the score" in rig.notices()
    rig.session.do(RestoreField(2))
    assert "give a reason" in rig.notices()
    rig.session.do(RestoreField(2, "the only tumour of this slide"))
    rig.scored(2)
    assert rig.session.field_frame(2) is not None
    acts = [dict(e.details) for e in rig.cases[-1].events if e.kind == "restore"]
    assert acts[-1]["why"] == "the only tumour of this slide"


def test_what_an_earlier_field_shows_counts_once(rig: Rig, slide: U8) -> None:
    capture(rig, slide[:SIDE, :SIDE])
    rig.scored(1)
    capture(rig, slide[160 : 160 + SIDE, :SIDE])
    rig.until(lambda: rig.n_scored() == 2 and rig.session.snapshot().fields[1].result is not None)
    result = rig.session.snapshot().fields[1].result
    assert result is not None
    inside = result.cells.yx_px[:, 0] < SIDE - 160 - 8
    assert not result.cells.counted[inside].any()
    assert result.cells.counted[result.cells.yx_px[:, 0] > SIDE - 160 + 8].all()
    assert "was captured before" in rig.notices()
    rig.session.do(CountOverlap(2, " "))
    assert "only with a reason" in rig.notices()
    rig.session.do(CountOverlap(2, "another level of the block"))
    rig.until(lambda: (r := rig.session.snapshot().fields[1].result) is not None and r.cells.counted.all())


def test_the_same_place_again_is_left_out_and_undo_takes_the_capture_back(rig: Rig, slide: U8) -> None:
    capture(rig, slide[:SIDE, :SIDE])
    capture(rig, slide[:SIDE, :SIDE])
    assert rig.session.snapshot().fields[1].removed
    rig.session.do(Undo())
    rig.until(lambda: len(rig.session.snapshot().fields) == 1)
    rig.scored(1)


def test_a_missing_control_is_told_once_and_kept_with_the_case(slide: U8) -> None:
    rig = Rig(
        gate=GateLimits(), objectives={"40x": Optics(UM, "40x")}, positions={},
        control=lambda _: ControlSeen("", None),
    )  # fmt: skip
    try:
        capture(rig, slide[:SIDE, :SIDE])
        capture(rig, slide[-SIDE:, -SIDE:])
        rig.scored(2)
        first, second = rig.session.snapshot().fields
        assert any(w.startswith("no control of this run") for w in first.warnings)
        assert not any("control" in w for w in second.warnings)
        control = rig.session.snapshot().control
        assert control is not None
        assert control.verdict == "warn"
        judged = [dict(e.details) for e in rig.cases[-1].events if e.kind == "gate"]
        assert [d["control_verdict"] for d in judged] == ["warn", "warn"]
        assert "control" not in judged[0]  # an age that there is not is no number
        assert judged[0]["limits"] == "shipped"
    finally:
        rig.session.close()


def test_where_a_control_is_demanded_fields_count_only_with_a_reason(slide: U8) -> None:
    rig = Rig(
        gate=GateLimits(control=Limit(0.0, 1.0)), objectives={"40x": Optics(UM, "40x")}, positions={},
        control=lambda _: ControlSeen("control/x", 9),
    )  # fmt: skip
    try:
        capture(rig, slide[:SIDE, :SIDE])
        rig.until(lambda: rig.session.snapshot().fields[0].removed)
        assert "is 9 days old" in rig.session.snapshot().fields[0].refused
        rig.session.do(RestoreField(1, "control looked at by eye"))
        rig.scored(1)
        notes = rig.session.snapshot().fields[0].notes
        assert notes[-1].endswith("counted all the same: control looked at by eye")
    finally:
        rig.session.close()


def test_what_the_gate_found_goes_with_the_field_through_undo_and_redo(rig: Rig, slide: U8) -> None:
    capture(rig, slide[:SIDE, :SIDE])
    capture(rig, np.asarray(cv2.GaussianBlur(slide[-SIDE:, -SIDE:], (0, 0), 4), np.uint8))
    rig.until(lambda: rig.session.snapshot().fields[1].removed)
    rig.session.do(RestoreField(2, "the only tumour of this slide"))
    rig.scored(2)
    for _ in range(2):
        rig.session.do(Undo())
    rig.until(lambda: len(rig.session.snapshot().fields) == 1)
    rig.session.do(Redo())
    rig.until(lambda: len(rig.session.snapshot().fields) == 2)
    assert rig.session.snapshot().fields[1].removed
    rig.scored(1)

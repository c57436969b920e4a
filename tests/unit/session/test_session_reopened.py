"""A case that is opened again: its fields, what was decided, and its end."""

from __future__ import annotations

from pathlib import Path

import pytest

from armicro.contracts.cells import Category
from armicro.contracts.errors import StoreError
from armicro.contracts.stain import DabThresholds
from armicro.scoring.guidelines import load_guideline
from armicro.session.case_state import CaseChoice, FieldChoice
from armicro.session.commands import (
    Amend,
    NewCase,
    ReclassifyCell,
    RemoveField,
    SetThresholds,
    SignOff,
    Undo,
)
from armicro.session.edits import CellEdit, EditKind
from armicro.session.settings_text import choice_of, settings_of, settings_text
from armicro.store.casebook import CaseBook
from tests.session_rig import Rig, profile

OTHER = DabThresholds(0.1, 0.3, 0.05)


def kinds(book: CaseBook, name: str = "case") -> list[str]:
    return [e.kind for e in book.events(name)]


@pytest.fixture
def book(tmp_path: Path) -> CaseBook:
    return CaseBook(tmp_path / "cases")


def rig_on(book: CaseBook) -> Rig:
    return Rig(open_case=book.open_case)


def test_what_was_decided_comes_back(book: CaseBook) -> None:
    rig = rig_on(book)
    for place in (1, 2, 3):
        rig.capture(place, place)
    rig.session.do(SetThresholds(OTHER))
    rig.session.do(RemoveField(2))
    rig.scored(2)
    rig.session.do(ReclassifyCell(1, 0, Category.INTENSE_COMPLETE, "seen by eye"))
    rig.until(lambda: rig.session.snapshot().fields[0].edits == 1 and rig.n_scored() == 2)
    before = rig.session.snapshot()
    rig.session.close()

    again = rig_on(book)
    again.scored(2)
    after = again.session.snapshot()
    assert after.profile.thresholds == OTHER
    assert [(f.number, f.removed, f.edits) for f in after.fields] == [
        (1, False, 1),
        (2, True, 0),
        (3, False, 0),
    ]
    assert after.summary == before.summary
    assert "fields kept of it: 3" in again.notices()
    again.capture(4, 3)
    assert [f.number for f in again.session.snapshot().fields] == [1, 2, 3, 4]
    again.session.close()
    assert book.verify("case") == ()
    scores = [e.details for e in book.events("case") if e.kind == "score"]
    # The last before it was closed, the same when it was opened again, and one with the new field.
    assert scores[-3] == scores[-2] != scores[-1]


def test_a_field_that_was_kept_but_not_yet_told_comes_back(book: CaseBook) -> None:
    rig = rig_on(book)
    rig.capture(1, 1)
    frame = rig.session.field_frame(1)
    rig.session.close()
    assert frame is not None
    case = book.open_case("case")
    case.keep(frame, 5)
    case.close()
    again = rig_on(book)
    again.scored(2)
    again.session.close()


def test_a_capture_that_was_taken_back_comes_back_left_out(book: CaseBook) -> None:
    rig = rig_on(book)
    rig.capture(1, 1)
    rig.capture(2, 2)
    rig.session.do(Undo())
    rig.scored(1)
    rig.session.close()
    again = rig_on(book)
    again.scored(1)
    again.until(lambda: len(again.session.snapshot().fields) == 2)
    assert [f.removed for f in again.session.snapshot().fields] == [False, True]
    again.session.close()


def test_a_damaged_field_is_told_and_the_rest_is_scored(book: CaseBook) -> None:
    rig = rig_on(book)
    rig.capture(1, 1)
    rig.capture(2, 2)
    rig.session.close()
    file = next(book.folder.glob("fields/*/field-0001.ome.tif"))
    file.write_bytes(file.read_bytes()[:200])
    again = rig_on(book)
    again.scored(1)
    assert [f.number for f in again.session.snapshot().fields] == [2]
    assert "Field 1 cannot be read and is left out" in again.notices()
    again.session.close()


def test_other_cases_are_not_mixed_in(book: CaseBook) -> None:
    rig = rig_on(book)
    rig.capture(1, 1)
    rig.session.do(NewCase("second"))
    rig.until(lambda: rig.session.snapshot().case_id == "second")
    assert rig.session.snapshot().fields == ()
    rig.capture(2, 1)
    rig.session.do(NewCase("case"))
    rig.until(lambda: rig.session.snapshot().case_id == "case" and rig.n_scored() == 1)
    rig.session.close()
    assert [(c.name, c.fields) for c in book.cases()] == [("case", 1), ("second", 1)]


def test_a_signed_case_stays_as_it_is_until_it_is_amended(book: CaseBook) -> None:
    rig = rig_on(book)
    rig.session.do(SignOff())
    rig.until(lambda: "Not signed off: no field counts" in rig.notices())
    rig.capture(1, 1)
    rig.until(lambda: "score" in kinds(book))
    rig.session.do(SignOff("done"))
    rig.until(lambda: rig.session.snapshot().signed_off)
    for command in (RemoveField(1), SetThresholds(OTHER), Undo()):
        rig.session.do(command)
    rig.press()
    assert rig.notices().count("Amend it") >= 1
    assert "Not captured: the case was signed off" in rig.notices()
    rig.session.close()
    assert kinds(book).count("sign-off") == 1
    assert "remove" not in kinds(book)

    again = rig_on(book)
    again.scored(1)
    assert again.session.snapshot().signed_off is not None
    again.session.do(Amend(" "))
    again.until(lambda: "needs its reason" in again.notices())
    again.session.do(Amend("a field was of stroma"))
    again.until(lambda: again.session.snapshot().signed_off is None)
    again.capture(2, 2)
    again.session.close()
    assert book.verify("case") == ()


def test_the_store_itself_refuses_changes_to_a_signed_case(book: CaseBook) -> None:
    rig = rig_on(book)
    rig.capture(1, 1)
    rig.until(lambda: "score" in kinds(book))
    frame = rig.session.field_frame(1)
    rig.session.do(SignOff())
    rig.until(lambda: rig.session.snapshot().signed_off)
    rig.session.close()
    case = book.open_case("case")
    assert frame is not None
    with pytest.raises(StoreError, match="signed off"):
        case.keep(frame, 1)
    case.close()


def test_settings_come_back_from_their_text() -> None:
    edit = CellEdit(EditKind.ADDED, 1.5, 0.1, Category.FAINT, '"<script>')
    ring = ((0.0, 0.5), (1.0, 2.0), (3.0, 4.0))
    fields = FieldChoice(1, True, (edit,), (ring,)), FieldChoice(7)
    choice = CaseChoice(profile(), load_guideline("asco-cap-2018-breast"), fields)
    assert choice_of(settings_of(settings_text(choice)), load_guideline) == choice


@pytest.mark.parametrize("text", ["", "{}", '{"schema": "armicro.settings/2", "settings": {}}', "[" * 100])
def test_a_text_that_is_no_settings_is_told(text: str) -> None:
    with pytest.raises(StoreError, match="cannot be read"):
        settings_of(text)

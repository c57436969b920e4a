from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.annotate.editor import Editor, place
from tools.annotate.model import (
    EDGE_PX,
    Change,
    Crop,
    FieldDocument,
    Kind,
    Membrane,
    Point,
    Sheet,
    State,
    apply,
    as_saved,
    counts,
    edge_count,
    next_unreviewed,
)

CROP = Crop(100, 200, 400)
places = st.tuples(st.floats(100, 499), st.floats(200, 599))
edits = st.lists(
    st.tuples(
        st.sampled_from(["add", "remove", "move", "kind", "membrane", "review", "propose", "state"]),
        places,
        st.integers(0, 50),
        st.sampled_from(Kind),
        st.sampled_from(Membrane),
    ),
    max_size=25,
)


def make(editor: Editor, edit: tuple[str, tuple[float, float], int, Kind, Membrane]) -> Change | None:
    what, (y, x), n, kind, membrane = edit
    points = editor.sheet.points
    if what == "add":
        return editor.add(y, x, kind)
    if what == "propose":
        return editor.propose([(y, x, kind), (x - 100, y + 100, kind)], 10)
    if what == "state":
        done = editor.sheet.state is State.COMPLETE
        return None if editor.sheet.unreviewed else editor.set_state(State.OPEN if done else State.COMPLETE)
    if not points:
        return None
    point = points[n % len(points)]
    if what == "membrane":
        return editor.set_membrane(point.uid, membrane) if point.kind is Kind.TUMOUR else None
    if what == "remove":
        return editor.remove(point.uid)
    if what == "move":
        return editor.move(point.uid, y, x)
    return editor.set_kind(point.uid, kind) if what == "kind" else editor.review(point.uid)


@given(edits)
def test_undoing_everything_leads_back_step_by_step_and_redoing_forth(
    steps: list[tuple[str, tuple[float, float], int, Kind, Membrane]],
) -> None:
    history, done = [FieldDocument()], list[Change]()
    for change in [place(CROP)]:
        history.append(apply(history[-1], change))
        done.append(change)
    for step in steps:
        made = make(Editor(CROP, history[-1].sheets[CROP]), step)
        if made is not None:
            history.append(apply(history[-1], made))
            done.append(made)
    document = history[-1]
    for change, before in zip(reversed(done), reversed(history[:-1]), strict=True):
        document = apply(document, change.inverse)
        assert document == before
    for change in done:
        document = apply(document, change)
    assert document == history[-1]
    assert all(CROP.contains(p.y_px, p.x_px) for p in document.sheets[CROP].points)


def sheet(*points: Point, state: State = State.OPEN) -> Sheet:
    return Sheet(state, points)


def test_applying_a_change_to_another_document_is_refused() -> None:
    document = FieldDocument({CROP: sheet(Point(1, 300, 300, Kind.TUMOUR))})
    change = Editor(CROP, document.sheets[CROP]).remove(1)
    with pytest.raises(ValueError, match="is not as it was"):
        apply(apply(document, change), change)
    with pytest.raises(ValueError, match="state"):
        apply(document, place(CROP))


def test_a_kind_that_is_no_tumour_loses_the_category_and_undo_brings_it_back() -> None:
    old = Point(1, 300, 300, Kind.TUMOUR, Membrane.WEAK_COMPLETE)
    document = FieldDocument({CROP: sheet(old)})
    change = Editor(CROP, document.sheets[CROP]).set_kind(1, Kind.OTHER)
    assert change is not None
    after = apply(document, change)
    assert after.sheets[CROP].point(1) == Point(1, 300, 300, Kind.OTHER)
    assert apply(after, change.inverse) == document
    with pytest.raises(ValueError, match="only tumour"):
        Editor(CROP, after.sheets[CROP]).set_membrane(1, Membrane.FAINT)


def test_proposals_keep_away_from_points_and_block_completion_until_reviewed() -> None:
    marked = sheet(Point(4, 300, 300, Kind.TUMOUR))
    change = Editor(CROP, marked).propose(
        [(305, 300, Kind.TUMOUR), (330, 300, Kind.OTHER), (50, 50, Kind.OTHER)], apart_px=10
    )
    assert change is not None
    assert [(p.uid, p.y_px, p.reviewed) for p in change.after] == [(5, 330, False)]
    waiting = apply(FieldDocument({CROP: marked}), change).sheets[CROP]
    with pytest.raises(ValueError, match="1 proposals are still"):
        Editor(CROP, waiting).set_state(State.COMPLETE)
    assert counts(CROP, waiting).unreviewed == 1
    assert Editor(CROP, waiting).review(4) is None


@given(places, st.sampled_from(Kind))
def test_points_near_the_edge_are_saved_as_uncertain_and_others_as_they_are(
    at: tuple[float, float], kind: Kind
) -> None:
    point = Point(1, *at, kind)
    inside = (at[0] - CROP.y0, at[1] - CROP.x0)
    near = any(v < EDGE_PX or CROP.size - 1 - v < EDGE_PX for v in inside)
    assert as_saved(CROP, point).kind is (Kind.UNCERTAIN if near else kind)
    assert edge_count(CROP, sheet(point)) == (near and kind is not Kind.UNCERTAIN)
    assert as_saved(CROP, as_saved(CROP, point)) == as_saved(CROP, point)


@given(st.floats(-50, 900), st.floats(-50, 900), st.integers(1, 900))
def test_a_crop_around_any_place_lies_in_the_image(y: float, x: float, size: int) -> None:
    crop = Crop.around(y, x, size, (500, 700))
    assert crop.size == min(size, 500)
    assert 0 <= crop.y0 <= 500 - crop.size
    assert 0 <= crop.x0 <= 700 - crop.size


def test_the_next_point_to_review_goes_round_all_of_them_both_ways() -> None:
    waiting = sheet(
        *(
            Point(n, y, x, Kind.OTHER, reviewed=False)
            for n, (y, x) in enumerate([(310, 300), (105, 590), (301, 210)])
        )
    )
    seen, at = [], None
    for _ in range(4):
        at = next_unreviewed(waiting, at)
        assert at is not None
        seen.append(at.uid)
    assert seen == [1, 2, 0, 1]
    back = next_unreviewed(waiting, at, back=True)
    assert back is not None
    assert back.uid == 0
    assert next_unreviewed(sheet(Point(1, 300, 300, Kind.OTHER)), None) is None


def test_impossible_points_are_refused() -> None:
    with pytest.raises(ValueError, match="nowhere"):
        Point(1, float("nan"), 3, Kind.TUMOUR)
    with pytest.raises(ValueError, match="no membrane"):
        Point(1, 3, 3, Kind.OTHER, Membrane.FAINT)
    with pytest.raises(ValueError, match="outside"):
        Editor(CROP, Sheet()).add(99, 300, Kind.TUMOUR)

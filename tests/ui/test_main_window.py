"""The operator window over a real session: what it shows, and what it asks of the session."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("PyQt6.QtWidgets", reason="the window needs PyQt6: pip install 'armicro[instrument]'")

from PyQt6.QtCore import QCoreApplication, Qt

from armicro.contracts.cells import CATEGORIES, RULES, Category, Rule
from armicro.contracts.devices import CameraEventKind, CameraInfo
from armicro.session.commands import RemoveField
from armicro.session.view import ScoreChange, SessionState
from armicro.ui.dialogs import Leaving
from armicro.ui.hooks import Hooks
from armicro.ui.keys import PlainKey
from armicro.ui.live_view import Tool
from tests.session_rig import THRESHOLDS
from tests.ui.window_rig import WindowRig, no_pedal

NewWindow = Callable[..., WindowRig]
CTRL = Qt.KeyboardModifier.ControlModifier


def middle_rgb(rig: WindowRig) -> tuple[int, int, int]:
    picture = rig.parts.picture
    colour = picture.grab().toImage().pixelColor(picture.width() // 2, picture.height() // 2)
    return colour.red(), colour.green(), colour.blue()


def test_before_the_first_picture_it_says_what_it_waits_for(rig: WindowRig) -> None:
    assert "first picture" in rig.parts.waiting.text()
    assert rig.parts.tools.where.text() == "No live picture"
    assert not rig.parts.tools.capture.isEnabled()
    assert max(middle_rgb(rig)) < 30


def test_live_frames_are_shown(rig: WindowRig) -> None:
    rig.live()
    rig.until(lambda: max(middle_rgb(rig)) > 60)
    assert rig.parts.picture.shape == (96, 128)
    assert rig.parts.waiting.text() == ""
    rig.until(lambda: rig.parts.tools.where.text() == "Live")
    shown = rig.parts.picture.frames_shown
    rig.rig.expose(1)
    rig.until(lambda: rig.parts.picture.frames_shown > shown)


def test_overlay_is_drawn_and_hidden_on_demand(rig: WindowRig) -> None:
    rig.live()
    rig.settle()
    with_overlay = rig.parts.picture.grab().toImage()
    rig.key(Qt.Key.Key_O)
    assert not rig.snapshot().overlay_on
    rig.until(lambda: rig.parts.picture.grab().toImage() != with_overlay)
    rig.settle()
    assert not rig.window.actions_by_name["overlay"].isChecked()


def test_space_captures_and_the_fields_are_listed(rig: WindowRig) -> None:
    rig.capture(1)
    rig.capture(2)
    rig.settle()
    fields, cards = rig.snapshot().fields, rig.parts.fields.cards
    assert list(cards) == [f.number for f in fields] == [1, 2]
    for field in fields:
        total = sum(field.counts.values())
        assert cards[field.number].title.text() == f"{field.number}  {total:,} cells"
    assert rig.parts.fields.heading.text().endswith("2")


def test_space_captures_wherever_the_focus_is_but_not_in_text(rig: WindowRig) -> None:
    rig.capture(1)
    rig.live(2)
    rig.look_at(1)
    rig.click_cell(0)
    why = rig.parts.inspector.why
    why.setFocus()
    from PyQt6.QtTest import QTest

    QTest.keyClick(why, Qt.Key.Key_Space)  # type: ignore[call-overload]
    assert why.text() == " "
    assert rig.snapshot().state is SessionState.LIVE
    QTest.keyClick(rig.parts.header.guideline, Qt.Key.Key_Space)  # type: ignore[call-overload]
    assert rig.snapshot().state is SessionState.CAPTURING


def test_space_without_a_pedal_captures_at_its_own_time(new_window: NewWindow) -> None:
    rig = new_window(no_pedal(Hooks()))
    rig.rig.now_ns = time.monotonic_ns()
    rig.live(3)
    while time.monotonic_ns() <= rig.rig.now_ns:
        time.sleep(0.01)
    rig.key(Qt.Key.Key_Space)
    rig.rig.now_ns = time.monotonic_ns()
    rig.rig.expose(3)
    rig.until(lambda: rig.rig.n_scored() == 1)


def test_score_panel_says_what_the_session_says(rig: WindowRig) -> None:
    for place in range(3):
        rig.capture(place)
    rig.settle()
    summary = rig.snapshot().summary
    assert summary is not None
    panel = rig.parts.score
    assert panel.score.text() == (summary.score.score or "–")
    assert panel.basis.text() == f"3 fields · {summary.n_cells:,} tumour cells"
    reason = summary.score.reason
    assert panel.reason.text() == reason[:1].upper() + reason[1:]
    told = panel.table.accessibleDescription()
    for category in CATEGORIES:
        name = category.key.replace("_", " ")
        assert f"{name}: {summary.counts.get(category, 0)} of {summary.n_cells}" in told


def test_a_moved_threshold_is_compared_committed_and_undone(rig: WindowRig) -> None:
    rig.capture(1)
    rig.capture(2)
    rig.live(2)
    before = rig.snapshot().summary
    assert before is not None
    let_go = rig.drag_handle(THRESHOLDS.intense_od, 0.25)
    seen: list[ScoreChange] = []

    def compared() -> bool:
        change = rig.snapshot().change
        if change is None or change.after is None or not rig.parts.score.basis.text().endswith("preview"):
            return False
        seen[:] = [change]
        return f"{change.cells_changed} cell" in rig.parts.stain.change.text()

    for _ in range(30):
        # The last preview of a movement is on its way for some 30 ms.
        QCoreApplication.processEvents()
        time.sleep(0.003)
    rig.until(compared)
    after = seen[0].after
    assert after is not None
    assert after.counts != before.counts
    assert rig.parts.stain.change.text().startswith("Case ")
    assert rig.snapshot().profile.thresholds == THRESHOLDS

    let_go()
    moved = rig.snapshot().profile.thresholds
    assert moved.intense_od == pytest.approx(0.25, abs=0.01)
    assert moved.weak_od == THRESHOLDS.weak_od
    rig.until(lambda: (s := rig.snapshot().summary) is not None and s.counts == after.counts)

    rig.settle()
    assert rig.window.actions_by_name["undo"].isEnabled()
    rig.key(Qt.Key.Key_Z, CTRL)
    assert rig.snapshot().profile.thresholds == THRESHOLDS
    rig.until(lambda: (s := rig.snapshot().summary) is not None and s.counts == before.counts)
    rig.settle()
    assert rig.parts.stain.histogram.thresholds == THRESHOLDS
    rig.key(Qt.Key.Key_Z, CTRL | Qt.KeyboardModifier.ShiftModifier)
    assert rig.snapshot().profile.thresholds == moved


def test_a_cell_tells_why_and_is_overruled(rig: WindowRig) -> None:
    rig.capture(1)
    rig.look_at(1)
    assert rig.parts.side.currentWidget() is rig.parts.fields
    rig.click_cell(3)
    assert rig.parts.side.currentWidget() is rig.parts.inspector
    result = rig.snapshot().fields[0].result
    assert result is not None
    was = Category(int(result.cells.category[3]))
    inspector = rig.parts.inspector
    assert inspector.title.text().lower() == was.key.replace("_", " ")
    assert f"rule {RULES[int(result.cells.rule[3])]}" in inspector.rule.text()
    assert inspector.evidence["complete"].text() == f"{100 * result.cells.completeness[3]:.0f} %"

    wanted = Category.INTENSE_COMPLETE if was is not Category.INTENSE_COMPLETE else Category.NONE
    inspector.why.setText("looks so")
    inspector.buttons[wanted].click()
    rig.until(lambda: rig.snapshot().fields[0].edits == 1)

    def overruled() -> bool:
        now = rig.snapshot().fields[0].result
        return now is not None and now.cells.category[3] == wanted

    rig.until(overruled)
    rig.until(lambda: str(Rule.BY_HAND) in inspector.rule.text())
    rig.until(lambda: "1 by hand" in rig.parts.fields.cards[1].title.text())
    rig.key(Qt.Key.Key_Z, CTRL)
    assert rig.snapshot().fields[0].edits == 0
    rig.key(Qt.Key.Key_Escape)
    assert rig.parts.side.currentWidget() is rig.parts.fields


def test_a_cell_is_overruled_and_removed_by_keys(rig: WindowRig) -> None:
    rig.capture(1)
    rig.look_at(1)
    rig.click_cell(5)
    rig.settle()
    rig.key(Qt.Key.Key_2, CTRL)

    def category() -> int:
        result = rig.snapshot().fields[0].result
        return -1 if result is None else int(result.cells.category[5])

    rig.until(lambda: category() == CATEGORIES[1])
    rig.settle()
    rig.key(Qt.Key.Key_Delete)
    rig.until(lambda: (r := rig.snapshot().fields[0].result) is not None and not r.cells.counted[5])


def test_a_live_cell_tells_why_but_cannot_be_overruled(rig: WindowRig) -> None:
    rig.live()
    rig.settle()
    view = rig.session.live()
    assert view is not None
    assert view.result is not None
    y, x = view.result.cells.yx_px[0]
    rig.window.sight.point_at(float(y), float(x))
    assert rig.parts.side.currentWidget() is rig.parts.inspector
    assert not rig.parts.inspector.remove.isVisible()
    assert rig.parts.inspector.hint.isVisible()


def test_a_missed_cell_is_added(rig: WindowRig) -> None:
    rig.capture(1)
    rig.look_at(1)
    before = sum(rig.snapshot().fields[0].counts.values())
    rig.window.actions_by_name["add_cell"].trigger()
    assert rig.parts.picture.tool is Tool.ADD_CELL
    rig.parts.picture.cell_wanted.emit(40.0, 40.0)
    rig.parts.inspector.buttons[Category.WEAK_COMPLETE].click()
    rig.until(lambda: sum(rig.snapshot().fields[0].counts.values()) == before + 1)


def test_an_outline_restricts_what_counts(rig: WindowRig) -> None:
    rig.capture(1)
    rig.look_at(1)
    before = sum(rig.snapshot().fields[0].counts.values())
    rig.parts.picture.region_drawn.emit(((0.0, 0.0), (0.0, 60.0), (95.0, 60.0), (95.0, 0.0)), True)
    rig.until(lambda: 0 < sum(rig.snapshot().fields[0].counts.values()) < before)
    rig.settle()
    assert len(rig.parts.picture.marks.regions.include) == 1
    rig.window.actions_by_name["clear_regions"].trigger()
    rig.until(lambda: sum(rig.snapshot().fields[0].counts.values()) == before)
    rig.settle()
    assert not rig.parts.picture.marks.regions.include


def test_a_fault_is_said_and_nothing_is_shown(rig: WindowRig) -> None:
    rig.live()
    rig.until(lambda: max(middle_rgb(rig)) > 60)
    rig.rig.event(CameraEventKind.LOST, "the camera is gone: check its cable")
    rig.until(rig.parts.faults.isVisible)
    assert "check its cable" in rig.parts.faults.words.text()
    assert rig.parts.picture.shape is None
    assert max(middle_rgb(rig)) < 30
    assert rig.parts.status.state.text() == "fault"
    info = CameraInfo("camera", "1", (96, 128), "RGB8")
    rig.rig.event(CameraEventKind.RECOVERED, "it is back", info=info)
    rig.live(1)
    rig.until(lambda: not rig.parts.faults.isVisible())
    rig.until(lambda: max(middle_rgb(rig)) > 60)


def test_notices_stay_until_they_were_seen(rig: WindowRig) -> None:
    rig.key(Qt.Key.Key_Space)
    rig.until(rig.parts.notices.isVisible)
    assert "Not captured" in rig.parts.notices.words.text()
    rig.parts.notices.button.click()
    rig.until(lambda: not rig.parts.notices.isVisible())


def test_a_new_field_brings_the_live_picture_back(rig: WindowRig) -> None:
    rig.capture(1)
    rig.look_at(1)
    assert rig.parts.tools.where.text() == "Field 1, captured"
    rig.capture(2)
    looked_at = [rig.window.sight.number]
    rig.key(Qt.Key.Key_PageUp)
    looked_at.append(rig.window.sight.number)
    rig.key(Qt.Key.Key_V)
    looked_at.append(rig.window.sight.number)
    assert looked_at == [None, 2, None]


def test_a_field_is_left_out_and_restored(rig: WindowRig) -> None:
    rig.capture(1)
    rig.capture(2)
    rig.parts.fields.cards[1].button.click()
    assert rig.snapshot().fields[0].removed
    rig.until(lambda: rig.rig.n_scored() == 1)
    rig.until(lambda: rig.parts.fields.cards[1].button.text() == "Restore")
    rig.parts.fields.cards[1].button.click()
    assert not rig.snapshot().fields[0].removed


def test_objectives_by_button_and_key(rig: WindowRig) -> None:
    rig.live()
    rig.settle()
    buttons = rig.parts.tools.objectives
    assert list(buttons) == ["40x", "20x"]
    assert buttons["40x"].isChecked()
    rig.key(Qt.Key.Key_2)
    assert rig.snapshot().objective == "20x"
    buttons["40x"].click()
    assert rig.snapshot().objective == "40x"


def test_a_locked_profile_greys_the_handles_and_says_who(new_window: NewWindow) -> None:
    rig = new_window(profile_locked_by="Dr Nobody")
    rig.live()
    rig.settle()
    assert "Dr Nobody" in rig.parts.stain.lock_text.text()
    assert not any(spin.isEnabled() for spin in rig.parts.stain.spins.values())
    rig.drag_handle(THRESHOLDS.intense_od, 0.3)()
    assert rig.snapshot().profile.thresholds == THRESHOLDS
    assert not rig.window.actions_by_name["choose_profile"].isEnabled()


def test_simulated_pictures_are_marked_also_when_the_camera_is_gone(rig: WindowRig) -> None:
    info = CameraInfo("slide", "", (96, 128), "RGB8", simulated=True)
    rig.rig.event(CameraEventKind.OPENED, info=info)
    rig.live()
    rig.settle()
    assert rig.parts.header.simulated.isVisible()
    rig.rig.event(CameraEventKind.LOST)
    rig.settle()
    assert rig.parts.header.simulated.isVisible()


def test_a_case_is_not_lost_without_asking(new_window: NewWindow, tmp_path: Path) -> None:
    lost = ["a field would be lost"]
    written: list[Path] = []

    def report(path: Path) -> None:
        written.append(path)
        lost[:] = [""]

    rig = new_window(Hooks(would_lose=lambda _: lost[0], report=report))
    rig.window.close()
    assert rig.answers.asked == ["a field would be lost"]
    assert rig.window.isVisible()
    rig.answers.leave, rig.answers.path = Leaving.REPORT, tmp_path / "case.html"
    rig.window.close()
    rig.until(lambda: not rig.window.isVisible())
    assert written == [tmp_path / "case.html"]


def test_profiles_are_chosen_and_saved_by_what_was_answered(new_window: NewWindow, tmp_path: Path) -> None:
    saved: list[Path] = []
    rig = new_window(Hooks(profiles=lambda: ("one", "other"), save_profile=saved.append))
    rig.answers.word, rig.answers.path = "other", tmp_path / "ours.toml"
    rig.window.actions_by_name["choose_profile"].trigger()
    assert rig.snapshot().profile.name == "other"
    rig.parts.stain.save.click()
    assert rig.answers.asked == ["one other", "other.toml"]
    assert saved == [tmp_path / "ours.toml"]


def test_a_new_case_begins_empty(rig: WindowRig) -> None:
    rig.capture(1)
    rig.look_at(1)
    rig.answers.word = "26-2"
    rig.window.actions_by_name["new_case"].trigger()
    rig.until(lambda: rig.snapshot().case_id == "26-2")
    rig.until(lambda: not rig.parts.fields.cards)
    rig.settle()
    assert rig.window.sight.number is None
    assert rig.parts.header.case.text() == "Case 26-2"
    assert rig.parts.score.status.text() == "no score yet"


def test_closing_leaves_no_thread_and_nothing_hears_of_the_session(rig: WindowRig) -> None:
    rig.capture(1)
    rig.window.close()
    rig.session.do(RemoveField(1))
    QCoreApplication.processEvents()
    rig.session.close()
    left = [t.name for t in threading.enumerate() if t not in rig.threads_before]
    assert left == []


def test_the_layout_is_remembered(new_window: NewWindow, tmp_path: Path) -> None:
    first = new_window()
    first.window.resize(1111, 777)
    first.parts.across.setSizes([600, 511])
    first.parts.bottom.setCurrentIndex(1)
    first.window.actions_by_name["larger"].trigger()
    first.settle()
    sizes = first.parts.across.sizes()
    first.window.leave_unasked()
    assert (tmp_path / "window.ini").exists()
    second = new_window()
    second.settle()
    assert second.parts.across.sizes()[1] == pytest.approx(sizes[1], abs=200)
    assert second.parts.bottom.currentIndex() == 1


def test_it_fits_a_small_screen_in_every_state(new_window: NewWindow) -> None:
    def nothing(*what: object) -> None:
        del what

    everything = Hooks(
        guidelines={"asco-cap-2018-breast": "HER2 in breast carcinoma, ASCO/CAP 2018 (affirmed 2023)"},
        profiles=list, save_profile=nothing, lock_profile=nothing, apply_stain_vector=nothing,
        report=nothing, eyepiece_window=nothing,
    )  # fmt: skip
    rig = new_window(replace(everything, pedal=PlainKey(lambda _: nothing(rig.rig.press()))))
    rig.rig.event(CameraEventKind.OPENED, info=CameraInfo("slide", "", (96, 128), "RGB8", simulated=True))
    for place in range(3):
        rig.capture(place)
    rig.window.set_font_px(12)
    rig.window.resize(1280, 800)
    for step in ("live", "field", "cell"):
        if step == "field":
            rig.look_at(1)
        elif step == "cell":
            rig.click_cell(0)
        rig.settle()
        assert rig.window.minimumSizeHint().width() <= 1280
        assert rig.window.minimumSizeHint().height() <= 800
        assert (rig.window.width(), rig.window.height()) == (1280, 800)


def test_actions_that_could_do_nothing_are_not_offered(new_window: NewWindow) -> None:
    bare = new_window(Hooks())
    lacking = {"report", "eyepiece_window", "save_profile", "lock_profile", "pick_stain"}
    lacking |= {"setup", "calibrate", "daily_check"}
    assert lacking.isdisjoint(bare.window.actions_by_name)
    shown: list[bool] = []
    full = new_window(replace(Hooks(), eyepiece_window=shown.append))
    full.window.actions_by_name["eyepiece_window"].trigger()
    full.window.actions_by_name["eyepiece_window"].trigger()
    assert shown == [True, False]


def test_changed_cells_blink_once(rig: WindowRig) -> None:
    rig.capture(1)
    rig.look_at(1)
    rig.settle()
    rig.drag_handle(THRESHOLDS.intense_od, 0.2)()
    rig.until(lambda: (b := rig.parts.picture.marks.blinking) is not None and len(b) > 0)
    rig.until(lambda: rig.parts.picture.marks.blinking is None)

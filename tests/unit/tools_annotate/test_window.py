"""The window by keyboard and mouse; drawn into memory unless QT_QPA_PLATFORM says otherwise."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

pytest.importorskip("PyQt6.QtWidgets", reason="PyQt6 cannot be loaded", exc_type=ImportError)
pytest.importorskip("pytestqt", reason="pytest-qt is missing")

from PyQt6.QtCore import QEvent, QPoint, QPointF, Qt
from PyQt6.QtGui import QMouseEvent, QWheelEvent
from PyQt6.QtTest import QTest
from PyQt6.QtWidgets import QApplication, QMessageBox

from tools.annotate.fields import list_images
from tools.annotate.folder import PointsFolder
from tools.annotate.keys import COMMANDS
from tools.annotate.model import Crop, Kind, Membrane, Point, Sheet, State
from tools.annotate.proposals import proposer
from tools.annotate.session import Options, Session
from tools.annotate.window import AnnotateWindow

if TYPE_CHECKING:
    from pytestqt.qtbot import QtBot

Make = Callable[..., AnnotateWindow]
Key = Qt.Key
LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def make(qtbot: QtBot, fields: Path) -> Iterator[Make]:
    """Opens windows over the fields, and checks afterwards that no thread is left."""
    before = set(threading.enumerate())
    opened = list[AnnotateWindow]()

    def open_window(proposals: str = "none", um: float | None = 0.25) -> AnnotateWindow:
        options = Options(fields, um, 200, proposer(proposals))
        window = AnnotateWindow(Session(options, list_images(fields), PointsFolder(fields / "points")))
        qtbot.addWidget(window)
        opened.append(window)
        window.show()
        window.activateWindow()
        qtbot.waitUntil(window.isActiveWindow)
        window.view.setFocus()
        window.open_field(0)
        return window

    yield open_window
    for window in opened:
        window.close()
    assert set(threading.enumerate()) == before


class Hand:
    """Clicks, drags and types."""

    def __init__(self, window: AnnotateWindow) -> None:
        self.view = window.view

    def _send(self, kind: QEvent.Type, at: QPointF, button: Qt.MouseButton, down: Qt.MouseButton) -> None:
        where = QPointF(self.view.mapToGlobal(at))
        event = QMouseEvent(kind, at, where, button, down, Qt.KeyboardModifier.NoModifier)
        QApplication.sendEvent(self.view, event)

    def point_at(self, y: float, x: float) -> QPointF:
        at = QPointF(*self.view.viewport.to_screen(y, x))
        self._send(QEvent.Type.MouseMove, at, Qt.MouseButton.NoButton, Qt.MouseButton.NoButton)
        return at

    def click(self, y: float, x: float, button: Qt.MouseButton = LEFT) -> None:
        at = self.point_at(y, x)
        self._send(QEvent.Type.MouseButtonPress, at, button, button)
        self._send(QEvent.Type.MouseButtonRelease, at, button, Qt.MouseButton.NoButton)

    def drag(
        self,
        a: tuple[float, float],
        b: tuple[float, float],
        button: Qt.MouseButton = LEFT,
    ) -> None:
        start = self.point_at(*a)
        end = QPointF(*self.view.viewport.to_screen(*b))
        self._send(QEvent.Type.MouseButtonPress, start, button, button)
        for share in (0.3, 0.7, 1.0):
            self._send(QEvent.Type.MouseMove, start + (end - start) * share, Qt.MouseButton.NoButton, button)
        self._send(QEvent.Type.MouseButtonRelease, end, button, Qt.MouseButton.NoButton)

    def press(self, *keys: Key, with_: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> None:
        for key in keys:
            QTest.keyClick(self.view, key, with_)  # type: ignore[call-overload]


def points_of(window: AnnotateWindow) -> list[tuple[float, float, str, str]]:
    return [(p.y_px, p.x_px, str(p.kind), str(p.membrane)) for p in window.session.sheet.points]


CONTROL = Qt.KeyboardModifier.ControlModifier
SHIFT = Qt.KeyboardModifier.ShiftModifier


def test_a_crop_is_marked_by_mouse_and_keyboard_undone_and_saved_by_itself(
    qtbot: QtBot, make: Make, fields: Path
) -> None:
    window = make()
    hand = Hand(window)
    hand.click(150, 150)
    assert "Press C" in window.toast.text()
    hand.point_at(150, 150)
    hand.press(Key.Key_C)
    assert window.session.crop == Crop(50, 50, 200)
    hand.click(100, 100)
    hand.press(Key.Key_1)
    hand.press(Key.Key_O, with_=SHIFT)
    hand.click(140, 120)
    assert points_of(window) == [(100, 100, "T", "ic"), (140, 120, "O", "")]
    hand.point_at(102, 101)
    hand.press(Key.Key_6)
    hand.drag((140, 120), (160, 130))
    hand.press(Key.Key_Right, Key.Key_Right)
    assert points_of(window) == [(100, 100, "T", "no"), (160, 132, "O", "")]
    hand.press(Key.Key_Z, with_=CONTROL)
    assert points_of(window)[1] == (160, 130, "O", "")
    hand.press(Key.Key_Z, Key.Key_Z, with_=CONTROL)
    assert points_of(window) == [(100, 100, "T", "ic"), (140, 120, "O", "")]
    hand.press(Key.Key_Y, Key.Key_Y, Key.Key_Y, with_=CONTROL)
    assert points_of(window) == [(100, 100, "T", "no"), (160, 132, "O", "")]
    hand.click(161, 133, Qt.MouseButton.RightButton)
    assert len(points_of(window)) == 1
    hand.press(Key.Key_Z, with_=CONTROL)
    hand.press(Key.Key_T, with_=SHIFT)
    hand.click(54, 120)
    assert not window.session.is_saved
    qtbot.waitUntil(lambda: window.session.is_saved, timeout=3000)
    csv = fields / "points" / "field 9_50_50.csv"
    assert csv.read_text() == "y_px,x_px,kind,category\n54,120,U,\n100,100,T,no\n160,132,O,\n"
    assert "saved as uncertain" in window.toast.text()
    assert window.tally.text().startswith("T 1   O 1   U 1")


def test_undo_takes_back_the_crop_itself_and_its_files(make: Make, fields: Path) -> None:
    window = make()
    hand = Hand(window)
    hand.point_at(150, 150)
    hand.press(Key.Key_C)
    hand.click(100, 100)
    window.session.save()
    assert (fields / "points" / "field 9_50_50.csv").exists()
    hand.press(Key.Key_Z, Key.Key_Z, with_=CONTROL)
    assert window.session.crop is None
    assert window.session.save()
    assert not (fields / "points" / "field 9_50_50.csv").exists()
    hand.press(Key.Key_Y, Key.Key_Y, with_=CONTROL)
    assert points_of(window) == [(100, 100, "T", "")]


def test_proposals_are_reviewed_by_keyboard_until_the_crop_is_complete(make: Make, fields: Path) -> None:
    window = make("classical")
    hand = Hand(window)
    hand.point_at(150, 150)
    hand.press(Key.Key_C)
    n = len(window.session.sheet.unreviewed)
    assert n > 10
    hand.press(Key.Key_Return, with_=CONTROL)
    assert "still to be reviewed" in window.toast.text()
    hand.press(Key.Key_Tab)
    first = window.session.selected
    hand.press(Key.Key_U, Key.Key_N, Key.Key_Delete)
    assert len(window.session.sheet.unreviewed) == n - 2
    point = window.session.sheet.point(first or 0)
    assert point is not None
    assert (point.kind, point.reviewed) == (Kind.UNCERTAIN, True)
    for _ in range(n):
        hand.press(Key.Key_Return)
    assert not window.session.sheet.unreviewed
    assert "Nothing left" in window.toast.text()
    hand.press(Key.Key_Return, with_=CONTROL)
    assert window.session.sheet.state is State.COMPLETE
    assert window.session.save()
    assert not (fields / "points" / "drafts" / "field 9_50_50.csv").exists()
    assert len((fields / "points" / "field 9_50_50.csv").read_text().splitlines()) == n


def test_a_mouse_at_rest_does_not_take_keys_from_the_point_that_was_tabbed_to(make: Make) -> None:
    window = make("classical")
    hand = Hand(window)
    hand.point_at(150, 150)
    hand.press(Key.Key_C)
    resting = window.session.sheet.points[5]
    hand.point_at(resting.y_px, resting.x_px)
    hand.press(Key.Key_Tab, Key.Key_T, Key.Key_3)
    chosen = window.session.point
    assert chosen is not None
    assert chosen.uid != resting.uid
    assert chosen.membrane is Membrane.WEAK_COMPLETE
    assert window.session.sheet.point(resting.uid) == resting


def test_closing_saves_and_the_next_window_finds_it_under_another_name(make: Make, fields: Path) -> None:
    window = make()
    hand = Hand(window)
    hand.point_at(150, 150)
    hand.press(Key.Key_C)
    hand.click(100, 100)
    window.close()
    (fields / "field 9.png").rename(fields / "a new name.png")
    again = make(um=None)
    assert points_of(again) == [(100, 100, "T", "")]


def test_an_exchanged_image_a_damaged_file_and_a_lost_scale_are_told_and_touch_nothing(
    make: Make, fields: Path
) -> None:
    window = make()
    hand = Hand(window)
    hand.point_at(150, 150)
    hand.press(Key.Key_C)
    hand.click(100, 100)
    hand.press(Key.Key_PageDown)
    hand.point_at(150, 150)
    hand.press(Key.Key_C)
    hand.click(90, 90)
    window.close()
    damaged = fields / "points" / "field 9_50_50.csv"
    damaged.write_text("no points")
    other = (fields / "points" / "field 10_50_50.csv").read_bytes()
    (fields / "field 10.png").write_bytes((fields / "field 10.png").read_bytes() + b"\0")
    again = make()
    assert "left alone" in again.banner.text()
    assert again.session.crop is None
    hand = Hand(again)
    hand.point_at(150, 150)
    hand.press(Key.Key_C)
    assert "overlap" in again.toast.text()
    again.open_field(1)
    assert "is not the image that was marked" in again.banner.text()
    assert again.session.field is None
    assert damaged.read_text() == "no points"
    assert (fields / "points" / "field 10_50_50.csv").read_bytes() == other


def test_where_saving_fails_the_field_stays_and_closing_asks(
    make: Make, fields: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    window = make()
    hand = Hand(window)
    hand.point_at(150, 150)
    hand.press(Key.Key_C)
    hand.click(100, 100)
    (fields / "points").write_text("a file where the folder should be")
    hand.press(Key.Key_PageDown)
    assert window.session.index == 0
    assert window.banner.text().startswith("Not saved.")
    answers = [QMessageBox.StandardButton.Cancel]
    monkeypatch.setattr(QMessageBox, "exec", lambda _: answers[-1])
    window.close()
    assert window.isVisible()
    (fields / "points").unlink()
    hand.press(Key.Key_S, with_=CONTROL)
    assert window.session.is_saved
    assert (fields / "points" / "index.tsv").exists()


def test_zooming_panning_looks_and_help(make: Make) -> None:
    window = make()
    hand, view = Hand(window), window.view
    hand.point_at(150, 150)
    hand.press(Key.Key_C)
    at = QPointF(*view.viewport.to_screen(120, 130))
    scale = view.viewport.scale
    turn = QWheelEvent(
        at, at, QPoint(), QPoint(0, 120), Qt.MouseButton.NoButton, Qt.KeyboardModifier.NoModifier,
        Qt.ScrollPhase.NoScrollPhase, False,
    )  # fmt: skip
    QApplication.sendEvent(view, turn)
    assert view.viewport.scale > scale
    assert view.viewport.to_picture(at.x(), at.y()) == pytest.approx((120, 130), abs=0.01)
    middle = view.viewport
    hand.drag((120, 130), (140, 150), Qt.MouseButton.MiddleButton)
    assert view.viewport.y_px == pytest.approx(middle.y_px - 20, abs=0.1)
    QTest.keyPress(view, Key.Key_Space)  # type: ignore[call-overload]
    hand.drag((140, 150), (120, 130))
    QTest.keyRelease(view, Key.Key_Space)  # type: ignore[call-overload]
    assert view.viewport.y_px == pytest.approx(middle.y_px, abs=0.1)
    assert not points_of(window)
    plain = view.grab().toImage()
    hand.press(Key.Key_D)
    assert view.grab().toImage() != plain
    hand.press(Key.Key_R)
    assert view.grab().toImage() == plain
    hand.press(Key.Key_G)
    assert view.grab().toImage() != plain
    hand.press(Key.Key_Z)
    assert view.viewport.scale == pytest.approx(1 / view.devicePixelRatioF())
    hand.press(Key.Key_F1)
    assert window.help.isVisible()
    assert window.help.height() <= window.height()
    hand.press(Key.Key_Escape)
    assert not window.help.isVisible()
    hand.click(100, 100)
    shown = view.grab().toImage()
    hand.press(Key.Key_H)
    assert view.grab().toImage() != shown
    hand.press(Key.Key_Delete)
    assert len(points_of(window)) == 1


def test_no_two_commands_share_a_key() -> None:
    keys = [key for command in COMMANDS for key in command.keys]
    assert len(keys) == len(set(keys))


def test_hostile_names_are_shown_as_they_are(qtbot: QtBot, make: Make, fields: Path) -> None:
    name = "<b>x<img src=a>&amp;.png"
    try:
        (fields / "field 9.png").rename(fields / name)
    except OSError:
        pytest.skip("this system takes no such names")
    window = make()
    shown = [window.fields.fields.item(n) for n in range(2)]
    items = [item for item in shown if item is not None]
    qtbot.waitUntil(lambda: all(item.text().endswith("not begun") for item in items))
    assert any(item.text() == f"{name}\nnot begun" for item in items)
    assert "<img" not in " ".join(item.toolTip() for item in items)


def test_a_sheet_can_hold_more_points_than_anybody_marks(make: Make, fields: Path) -> None:
    crop = Crop(0, 0, 300)
    spots = tuple(Point(n, 10 + n // 28 * 10, 10 + n % 28 * 10, Kind.TUMOUR) for n in range(700))
    image = make().session.identity(0)
    PointsFolder(fields / "points").save(image, 0.25, crop, Sheet(State.COMPLETE, spots))
    window = make()
    assert len(window.session.sheet.points) == 700
    window.grab()

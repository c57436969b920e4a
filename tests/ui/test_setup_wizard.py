"""The guided set-up: found, tried, kept, skipped; over fakes, and once over the program's own desk."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("PyQt6.QtWidgets", reason="the window needs PyQt6: pip install 'armicro[instrument]'")

from PyQt6.QtCore import QCoreApplication, QEvent, Qt
from PyQt6.QtTest import QTest

from armicro.app.desks import setup_desk
from armicro.app.instrument_file import read_instrument
from armicro.contracts.arrays import U8
from armicro.contracts.devices import Gesture, LinkEvent, LinkState, PedalPress
from armicro.contracts.errors import DeviceError
from armicro.devices.found import CamerasFound, Found
from armicro.session.instrument_choice import KEYBOARD, InstrumentChoice
from armicro.session.measured import KnownObjective
from armicro.ui.hooks import Hooks
from armicro.ui.memory import Memory
from armicro.ui.setup_desk import SetupDesk
from armicro.ui.setup_wizard import SetupWizard
from armicro.ui.start import run_setup
from tests.serial_rig import PtyPlug
from tests.ui.window_rig import WindowRig


def until(holds: Callable[[], object], what: str = "did not come true") -> None:
    end = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < end, what
        QCoreApplication.processEvents()
        time.sleep(0.003)


@dataclass
class FakeCamera:
    name: str
    closed: bool = False

    def newest(self) -> tuple[U8 | None, str, bool]:
        return np.full((40, 60, 3), 120, np.uint8), f"{self.name}: 60 × 40", False

    def close(self) -> None:
        self.closed = True


@dataclass
class FakeDesk:
    """Cameras, ports and a pedal that are only said to be there."""

    cameras: list[FakeCamera] = field(default_factory=list)
    kept: list[InstrumentChoice] = field(default_factory=list)
    heard: list[Callable[[PedalPress], None]] = field(default_factory=list)
    linked: list[Callable[[LinkEvent], None]] = field(default_factory=list)
    stopped: int = 0
    refused: str = ""

    def preview(self, choice: InstrumentChoice) -> FakeCamera:
        assert threading.current_thread() is not threading.main_thread()
        if choice.camera == "genicam:gone":
            raise DeviceError("no GenICam camera is connected: check its cable")
        self.cameras.append(FakeCamera(choice.camera))
        return self.cameras[-1]

    def listen(
        self,
        choice: InstrumentChoice,
        on_press: Callable[[PedalPress], None],
        on_link: Callable[[LinkEvent], None],
    ) -> Callable[[], None]:
        if choice.pedal == "contact:nothing":
            raise DeviceError("there is no pedal 'contact:nothing'")
        self.heard.append(on_press)
        self.linked.append(on_link)

        def stop() -> None:
            self.stopped += 1

        return stop

    def look(self, cti: Sequence[str]) -> CamerasFound:
        assert threading.current_thread() is not threading.main_thread()
        del cti
        found = (Found("genicam:42", "Example camera"), Found("sim", "simulated slide"))
        return CamerasFound(found, ("GenICam: asked",))

    def keep(self, choice: InstrumentChoice) -> Path:
        if self.refused:
            raise DeviceError(self.refused)
        self.kept.append(choice)
        return Path("instrument.toml")

    def desk(self, *, later: bool = False) -> SetupDesk:
        known = (
            KnownObjective("40x", 0.2123, "measured", measured=True),
            KnownObjective("20x", 0.424, "shipped", measured=False),
        )
        return SetupDesk(
            present=InstrumentChoice(), cameras=self.look, preview=self.preview,
            ports=lambda: (Found("/dev/ttyUSB7", "USB serial"),), listen=self.listen,
            objectives=lambda: known,
            scale_state=lambda c: "Measured." if c.um_per_px == 0.2123 else "Not measured.",
            keep=self.keep, place=Path("somewhere/instrument.toml"), later=later,
        )  # fmt: skip


@pytest.fixture
def fake() -> FakeDesk:
    return FakeDesk()


@pytest.fixture
def wizard(fake: FakeDesk, qapp: object) -> Iterator[SetupWizard]:
    del qapp
    made = SetupWizard(fake.desk())
    made.show()
    until(lambda: made.camera.list.count() == 2)
    yield made
    made.reject()
    made.deleteLater()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)
    assert not [t for t in threading.enumerate() if t.name == "armicro-setup"]


def test_from_the_first_page_to_a_kept_choice(wizard: SetupWizard, fake: FakeDesk) -> None:
    assert wizard.choice.camera == "sim"
    until(lambda: wizard.camera.picture.rgb is not None, "the simulated slide is not shown")
    wizard.camera.list.setCurrentRow(0)
    until(
        lambda: wizard.choice.camera == "genicam:42" and wizard.camera.words.text().startswith("genicam:42")
    )
    assert [c.closed for c in fake.cameras] == [True, False]
    wizard.go_on()
    until(lambda: fake.cameras[-1].closed, "the camera is still held on the next page")
    wizard.pedal.list.setCurrentRow(1)
    assert wizard.choice.pedal == "/dev/ttyUSB7"
    for gesture in (Gesture.BEGAN, Gesture.SHORT, Gesture.BEGAN, Gesture.LONG, Gesture.BEGAN, Gesture.DOUBLE):
        fake.heard[-1](PedalPress(gesture, 0, "pedal"))
    until(lambda: "All three" in wizard.pedal.words.text())
    assert [m.text() for m in wizard.pedal.marks.values()] == ["✓  1"] * 3
    wizard.go_on()
    assert fake.stopped >= 1
    wizard.go_on()
    assert not wizard.next.isEnabled()
    wizard.objective.known.activated.emit(1)
    assert wizard.next.isEnabled()
    assert (wizard.choice.objective, wizard.choice.um_per_px) == ("40x", 0.2123)
    wizard.go_on()
    assert wizard.summary.values["Camera"].text() == "genicam:42"
    assert "0.2123" in wizard.summary.values["Objective"].text()
    assert "instrument.toml" in wizard.summary.place.text()
    assert wizard.next.text() == "&Keep and start"
    wizard.go_on()
    assert wizard.kept == Path("instrument.toml")
    assert fake.kept == [InstrumentChoice("genicam:42", (), 0.2123, "40x", "/dev/ttyUSB7")]


def test_a_camera_that_cannot_be_opened_says_why_and_another_can_be_chosen(
    wizard: SetupWizard, fake: FakeDesk
) -> None:
    wizard.camera.other.setText("genicam:gone")
    wizard.camera.other.returnPressed.emit()
    until(lambda: "check its cable" in wizard.camera.picture.words)
    assert wizard.camera.picture.rgb is None
    wizard.camera.list.setCurrentRow(1)
    until(lambda: wizard.camera.picture.rgb is not None)
    assert fake.cameras[-1].name == "sim"


def test_the_space_bar_is_tried_as_a_pedal(wizard: SetupWizard) -> None:
    wizard.go_on()
    assert wizard.choice.pedal == KEYBOARD
    wizard.activateWindow()
    until(wizard.isActiveWindow)
    QTest.keyPress(wizard.pedal.list, Qt.Key.Key_Space)  # type: ignore[call-overload]
    assert "down" in wizard.pedal.words.text()
    QTest.keyRelease(wizard.pedal.list, Qt.Key.Key_Space)  # type: ignore[call-overload]
    until(lambda: wizard.pedal.trial.count(Gesture.SHORT) == 1)
    QTest.keyPress(wizard.pedal.list, Qt.Key.Key_Space)  # type: ignore[call-overload]
    until(lambda: wizard.pedal.trial.count(Gesture.LONG) == 1)
    QTest.keyRelease(wizard.pedal.list, Qt.Key.Key_Space)  # type: ignore[call-overload]
    wizard.go_on()
    QTest.keyClick(wizard.display.list, Qt.Key.Key_Space)  # type: ignore[call-overload]
    assert wizard.pedal.trial.count(Gesture.SHORT) == 1


def test_what_is_wrong_with_the_pedals_line_is_said(wizard: SetupWizard, fake: FakeDesk) -> None:
    wizard.go_on()
    wizard.pedal.list.setCurrentRow(1)
    fake.linked[-1](LinkEvent(LinkState.LOST, "The pedal at /dev/ttyUSB7 is not there", 0, "pedal"))
    until(lambda: "is not there" in wizard.pedal.line.text())
    wizard.pedal.other.setText("contact:nothing")
    wizard.pedal.other.returnPressed.emit()
    assert "there is no pedal" in wizard.pedal.line.text()


def test_a_display_is_chosen_and_shows_a_test_picture(wizard: SetupWizard) -> None:
    wizard.go_on()
    wizard.go_on()
    assert not wizard.display.show_there.isEnabled()
    wizard.display.list.setCurrentRow(1)
    assert wizard.choice.eyepiece is not None
    assert "would cover it" in wizard.display.words.text()
    wizard.display.show_there.click()
    test = wizard.display.test
    assert test is not None
    assert test.isVisible()
    colours = test.grab().toImage()
    middle = colours.height() // 2
    assert any(colours.pixelColor(x, middle).green() > 200 for x in range(colours.width()))
    wizard.go_on()
    assert wizard.display.test is None


def test_a_scale_that_is_impossible_cannot_be_gone_on_with(wizard: SetupWizard) -> None:
    wizard.camera.list.setCurrentRow(0)
    for _ in range(3):
        wizard.go_on()
    wizard.objective.scale.setValue(0.0001)
    assert not wizard.next.isEnabled()
    assert "cannot be scored" in wizard.objective.words.text()
    wizard.objective.scale.setValue(0.3)
    assert wizard.next.isEnabled()
    assert "Not measured" in wizard.objective.words.text()
    wizard.objective.name.setText("63x")
    wizard.objective.name.textEdited.emit("63x")
    assert (wizard.choice.objective, wizard.choice.um_per_px) == ("63x", 0.3)


def test_what_cannot_be_kept_is_said_and_nothing_is_lost(wizard: SetupWizard, fake: FakeDesk) -> None:
    fake.refused = "the folder cannot be written to"
    for _ in range(5):
        wizard.go_on()
    assert wizard.isVisible()
    assert "cannot be written" in wizard.problem.text()
    fake.refused = ""
    wizard.go_on()
    assert fake.kept == [InstrumentChoice()]


def test_a_page_cannot_be_reached_before_those_in_front_of_it(wizard: SetupWizard) -> None:
    wizard.go_to(4)
    assert wizard.place == 0
    assert [n.isEnabled() for n in wizard.names] == [True, False, False, False, False]
    wizard.go_on()
    wizard.go_to(0)
    assert [n.isEnabled() for n in wizard.names] == [True, True, False, False, False]


def test_every_page_fits_a_small_screen(wizard: SetupWizard) -> None:
    for _ in range(5):
        wizard.resize(1060, 660)
        QCoreApplication.processEvents()
        assert wizard.minimumSizeHint().height() <= 660
        assert wizard.page.minimumSizeHint().width() <= 1060 - 160
        wizard.go_to(wizard.place + 1)


def test_it_is_offered_once_and_skipped_for_good(tmp_path: Path, qapp: object) -> None:
    del qapp
    fake, settings = FakeDesk(), tmp_path / "window.ini"
    asked: list[int] = []

    def ending() -> bool:
        asked.append(1)
        return False

    from PyQt6.QtCore import QTimer
    from PyQt6.QtWidgets import QApplication

    def skip() -> None:
        for widget in QApplication.topLevelWidgets():
            if isinstance(widget, SetupWizard):
                widget.skip.click()

    QTimer.singleShot(300, skip)
    assert not run_setup(fake.desk(), ending, settings)
    assert asked
    assert not run_setup(fake.desk(), ending, settings)
    assert fake.kept == []


def test_when_the_program_has_to_end_it_closes_and_asks_again_next_time(tmp_path: Path, qapp: object) -> None:
    del qapp
    settings = tmp_path / "window.ini"
    assert not run_setup(FakeDesk().desk(), lambda: True, settings)
    assert Memory(settings).number("setup_offered", 0) == 0


def test_it_opens_from_the_windows_menu_and_goes_with_the_window(
    new_window: Callable[..., WindowRig], fake: FakeDesk
) -> None:
    rig = new_window(Hooks(setup=lambda: fake.desk(later=True)))
    rig.window.actions_by_name["setup"].trigger()
    dialog = rig.window.instrument.dialog
    assert isinstance(dialog, SetupWizard)
    assert dialog.isVisible()
    assert dialog.skip.text() == "Cancel"
    rig.live(1)
    for _ in range(4):
        dialog.go_on()
    assert dialog.next.text() == "&Keep"
    assert "next start" in dialog.summary.place.text()
    rig.window.leave_unasked()
    assert not dialog.isVisible()


def test_with_the_programs_own_desk_a_real_pedal_and_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, qapp: object
) -> None:
    del qapp
    file = tmp_path / "instrument.toml"
    monkeypatch.setenv("ARMICRO_INSTRUMENT", str(file))
    monkeypatch.setenv("GENICAM_GENTL64_PATH", "")
    plug = PtyPlug(tmp_path)
    plug.plug_in()
    wizard = SetupWizard(setup_desk())
    wizard.show()
    try:
        until(lambda: wizard.camera.list.count() >= 1)
        assert "GenTL" in wizard.camera.notes.text()
        wizard.go_on()
        wizard.pedal.other.setText(plug.address)
        wizard.pedal.other.returnPressed.emit()
        until(lambda: "is connected" in wizard.pedal.line.text())
        plug.send(b"press\n")
        until(lambda: wizard.pedal.trial.works)
        assert "no release" in wizard.pedal.words.text()
        for _ in range(4):
            wizard.go_on()
    finally:
        wizard.reject()
        plug.pull_out()
    kept = read_instrument()
    assert kept is not None
    assert (kept.camera, kept.pedal, kept.um_per_px) == ("sim", plug.address, None)

"""The guided set-up brought into each state by what a user does, and photographed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from armicro.contracts.arrays import U8
from armicro.contracts.devices import Gesture, PedalPress
from armicro.devices.found import CamerasFound, Found
from armicro.session.instrument_choice import InstrumentChoice
from armicro.session.measured import KnownObjective
from armicro.sim.case import CaseParams, simulate_field
from armicro.ui.setup_desk import SetupDesk
from armicro.ui.setup_wizard import SetupWizard
from tools.screenshots.hands import FRAME_PX, UM_PER_PX, show, take, until, wait_ms

_MEASURED = "2026-11-25: ± 0.012 %, 40 lines; counts until 2027-11-25"


class _Picture:
    """A preview that shows one picture."""

    def __init__(self, rgb: U8) -> None:
        self._rgb = rgb

    def newest(self) -> tuple[U8 | None, str, bool]:
        """Return it."""
        return self._rgb, "Example camera 42: 1200 × 900, 30 pictures per second", False

    def close(self) -> None:
        """Let go of nothing."""


def take_setup(out: Path) -> Iterator[Path]:
    """Go through the guided set-up."""
    tissue = simulate_field(CaseParams(um_per_px=UM_PER_PX, shape_px=FRAME_PX, fields=1), 3, 0).rgb
    found = CamerasFound(
        (
            Found("genicam:42", "Example camera 42"),
            Found("webcam:0", "Integrated camera"),
            Found("sim", "simulated slide: to try everything without a microscope"),
        ),
        ("GenICam: asked 1 producer.",),
    )
    heard: list[Callable[[PedalPress], None]] = []

    def listen(choice: object, on_press: Callable[[PedalPress], None], on_link: object) -> Callable[[], None]:
        del choice, on_link
        heard.append(on_press)
        return lambda: None

    desk = SetupDesk(
        present=InstrumentChoice(),
        cameras=lambda _: found,
        preview=lambda _: _Picture(tissue),
        ports=lambda: (Found("/dev/ttyUSB0", "USB serial converter"), Found("/dev/ttyS0", "serial port")),
        listen=listen,
        objectives=lambda: (
            KnownObjective("40x", 0.21234, f"measured {_MEASURED}", measured=True),
            KnownObjective("20x", 0.424, "shipped profile paper-20x: not measured here", measured=False),
        ),
        scale_state=lambda c: (
            f"Measured on {_MEASURED}." if c.um_per_px == 0.21234 else "Not measured on this instrument."
        ),
        keep=lambda _: Path("instrument.toml"),
        place=Path("~/.local/share/armicro/instrument.toml"),
    )  # fmt: skip
    wizard = SetupWizard(desk)
    show(wizard)
    until(lambda: wizard.camera.list.count() == 3, "no cameras are listed")
    wizard.camera.list.setCurrentRow(0)
    until(lambda: wizard.camera.picture.rgb is not None, "no preview")
    yield take(wizard, out / "12-setup-camera.png")
    wizard.go_on()
    wizard.pedal.list.setCurrentRow(1)
    wait_ms(200)
    yield take(wizard, out / "13-setup-pedal-waiting.png")
    for gesture in (Gesture.BEGAN, Gesture.SHORT, Gesture.BEGAN, Gesture.LONG):
        heard[-1](PedalPress(gesture, 0, "pedal"))
    yield take(wizard, out / "13-setup-pedal-heard.png")
    wizard.go_on()
    yield take(wizard, out / "14-setup-eyepiece.png")
    wizard.go_on()
    wizard.objective.scale.setValue(0.31)
    yield take(wizard, out / "15-setup-objective-typed.png")
    wizard.objective.known.setCurrentIndex(1)
    wizard.objective.known.activated.emit(1)
    yield take(wizard, out / "15-setup-objective.png")
    wizard.go_on()
    yield take(wizard, out / "16-setup-summary.png")
    wizard.reject()
    wizard.deleteLater()

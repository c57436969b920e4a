"""The view "as in the eyepiece": the eyepiece's own drawing, seen through the splitter."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("PyQt6.QtWidgets", reason="windows need PyQt6 and its system libraries")

from PyQt6.QtGui import QImage

from armicro.contracts.arrays import U8
from armicro.contracts.devices import CameraEventKind
from armicro.contracts.eyepiece import EyepieceCalibration
from armicro.overlay.eyepiece_picture import EyepieceDisplay, draw_eyepiece
from armicro.overlay.eyepiece_sum import simulate_sum
from armicro.session.commands import ToggleOverlay
from armicro.ui.eyepiece_look import TRANSMISSION, EyepieceLights
from armicro.ui.hooks import Hooks
from tests.ui.window_rig import WindowRig

NewWindow = Callable[..., WindowRig]
DISPLAY = EyepieceDisplay((480, 640))


def picture(rig: WindowRig) -> U8:
    """Grab the picture, (H, W, 3)."""
    image = rig.parts.picture.grab().toImage().convertToFormat(QImage.Format.Format_RGB888)
    bits = image.constBits()
    assert bits is not None
    rows = np.frombuffer(bits.asstring(image.sizeInBytes()), np.uint8).reshape(image.height(), -1)
    return rows[:, : 3 * image.width()].reshape(image.height(), image.width(), 3)


@pytest.fixture
def rig(new_window: NewWindow) -> WindowRig:
    made = new_window(Hooks(eyepiece_display=lambda: DISPLAY))
    made.live(1)
    made.window.actions_by_name["eyepiece"].trigger()
    return made


def light_of(rig: WindowRig) -> U8:
    """What the eyepiece's window would show now, as an eye sees it, in px of the display."""
    live = rig.session.live()
    assert live is not None
    light = EyepieceLights().live(rig.snapshot(), live, DISPLAY, 0)
    drawn = draw_eyepiece(light.shows, DISPLAY, live.frame.shape)
    return simulate_sum(live.frame.rgb, drawn.rgb, TRANSMISSION, drawn.geometry)


def test_it_is_what_the_eyepiece_shows(rig: WindowRig) -> None:
    view = rig.parts.picture.viewport
    wanted = light_of(rig)
    # The same places in the view and on the display, both fitted around the field's middle.
    step = view.scale * 96 / 480
    places = [(dy, dx) for dy in range(-90, 91, 30) for dx in range(-90, 91, 30)]

    def close() -> bool:
        seen = picture(rig).astype(int)
        middle = np.array(seen.shape[:2]) / 2
        off = [
            np.abs(
                seen[tuple(np.rint(middle + np.array(at) * step).astype(int))]
                - wanted[240 + at[0], 320 + at[1]].astype(int)
            ).max()
            for at in places
        ]
        return float(np.median(off)) < 16

    rig.until(close)


def test_outside_the_oculars_circle_it_is_black_and_light_goes_with_the_overlay(rig: WindowRig) -> None:
    shape = rig.parts.picture.shape
    assert shape is not None
    x, y = rig.parts.picture.viewport.to_screen(2, 2)
    rig.until(lambda: picture(rig)[round(y) + 2, round(x) + 2].max() < 14)
    green = np.array([0, 60, 0])

    def lit() -> bool:
        seen = picture(rig).astype(int)
        return bool(((seen[..., 1] - seen[..., 0] > green[1]) & (seen[..., 1] > 150)).any())

    rig.until(lit)
    rig.session.do(ToggleOverlay())
    rig.until(lambda: not lit())


def test_what_the_oculars_show_is_drawn_on_the_operators_picture_once_aligned(new_window: NewWindow) -> None:
    as_it_is = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))
    other_camera = EyepieceCalibration(
        "e", "1", "e/other", "any", (480, 480), (480, 640), as_it_is, (240, 240), 200, 0.5, "2026-11-01",
        "2027-11-01", "me",
    )  # fmt: skip
    aligned = replace(other_camera, identity="e/1", camera_shape_px=(96, 128), circle_yx_px=(50.0, 60.0))
    aligned = replace(aligned, circle_radius_px=40.0)
    display = [DISPLAY]
    rig = new_window(Hooks(eyepiece_display=lambda: display[0]))
    rig.live(1)
    assert rig.parts.picture.marks.circle is None
    for calibration, circle in ((aligned, (50.0, 60.0, 40.0)), (other_camera, None)):
        display[0] = replace(DISPLAY, calibration=calibration)
        rig.live(1)
        rig.window.refresh()
        assert rig.parts.picture.marks.circle == circle


def test_a_fault_blanks_this_view_too(rig: WindowRig) -> None:
    rig.rig.event(CameraEventKind.LOST, "the camera is gone: check its cable")
    rig.until(lambda: rig.parts.picture.shape is None)
    rig.until(lambda: picture(rig)[100:-100].max() < 250)


def test_a_captured_field_shows_its_own_reading(rig: WindowRig) -> None:
    rig.rig.capture(2, 1)
    rig.look_at(1)
    rig.window.refresh()
    field = rig.snapshot().fields[0]
    light = EyepieceLights.field(rig.snapshot(), field.result, DISPLAY)
    assert light.shows.result is field.result
    assert "1 field" in light.shows.rim.line

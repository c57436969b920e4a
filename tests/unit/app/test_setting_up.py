"""What the guided set-up is made of, for command and window: previews, objectives, what is kept."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from armicro.app.calibrating import keep_scale
from armicro.app.calibration_desk import Calibrations
from armicro.app.calibration_store import Origin
from armicro.app.instrument_file import read_instrument
from armicro.app.setting_up import (
    CameraPreview,
    chosen,
    keep,
    keep_also,
    known_objectives,
    listen_to,
    scale_state,
)
from armicro.contracts.devices import CameraEventKind as Kind
from armicro.contracts.devices import CameraInfo
from armicro.contracts.errors import AlignmentError, InputError, ProfileError
from armicro.session.alignment import Alignment
from armicro.session.instrument_choice import InstrumentChoice
from armicro.session.measured import MeasuredScale
from tests.session_rig import Rig


def until(holds: Callable[[], object]) -> None:
    end = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.01)


def who(objective: str, day: date) -> Origin:
    return Origin("SN 7", objective, "A. Reader", day)


def test_a_preview_shows_the_simulated_slide_and_lets_go() -> None:
    before = set(threading.enumerate())
    preview = CameraPreview(InstrumentChoice())
    until(lambda: preview.newest()[0] is not None)
    rgb, words, failed = preview.newest()
    assert rgb is not None
    assert rgb.shape[2] == 3
    assert "simulated" in words
    assert "pictures per second" in words
    assert not failed
    preview.close()
    preview.close()
    until(lambda: set(threading.enumerate()) <= before)


def test_a_preview_without_a_scale_is_possible_and_a_missing_camera_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is no camera"):
        CameraPreview(InstrumentChoice(camera="camcorder"))
    preview = CameraPreview(InstrumentChoice("genicam:42", (str(tmp_path / "gone.cti"),)))
    until(lambda: preview.newest()[2])
    assert "gone.cti" in preview.newest()[1]
    preview.close()


def test_what_is_kept_comes_back_and_what_it_does_not_know_stays(tmp_path: Path) -> None:
    file = tmp_path / "instrument.toml"
    file.write_text(
        'schema = "armicro.instrument/1"\ncamera = "sim"\nnosepiece = "COM7"\nflat_field = "flat.toml"\n',
        encoding="utf-8",
    )
    choice = InstrumentChoice("genicam:42", ("x.cti",), 0.2, "40x", "COM3", None, "HDMI-2")
    assert keep(choice, file) == file
    kept = read_instrument(file)
    assert kept is not None
    assert (kept.nosepiece, kept.flat_field) == ("COM7", "flat.toml")
    assert chosen(kept) == choice
    keep_also({"um_per_px": 0.25}, file)
    again = read_instrument(file)
    assert again is not None
    assert (again.um_per_px, again.camera) == (0.25, "genicam:42")
    assert chosen(None) == InstrumentChoice()


def test_a_broken_file_is_not_overwritten_in_silence(tmp_path: Path) -> None:
    file = tmp_path / "instrument.toml"
    file.write_text("camera = 3\n", encoding="utf-8")
    with pytest.raises(ProfileError):
        keep(InstrumentChoice(), file)
    assert file.read_text(encoding="utf-8") == "camera = 3\n"


def test_measured_objectives_come_first_and_say_how_long_they_count(tmp_path: Path) -> None:
    old = MeasuredScale(0.30, "stage micrometer", 1e-4, 0.1, 20)
    keep_scale(old, who("40x", date(2020, 1, 1)), tmp_path)
    shipped = known_objectives(tmp_path)[1:]
    assert not any(o.measured for o in shipped)
    assert {o.name for o in shipped} >= {"20x", "40x"}
    assert "expired" in known_objectives(tmp_path)[0].words
    new = MeasuredScale(0.25, "stage micrometer", 1e-4, 0.1, 20)
    keep_scale(new, who("40x", date.today()), tmp_path)  # noqa: DTZ011 - the day of the machine is meant
    first = known_objectives(tmp_path)[0]
    assert (first.name, first.um_per_px, first.measured) == ("40x", 0.25, True)
    assert "counts until" in first.words
    choice = InstrumentChoice("webcam:0", um_per_px=0.25, objective="40x")
    assert scale_state(choice, tmp_path).startswith("Measured on")
    other = InstrumentChoice("webcam:0", um_per_px=0.26, objective="40x")
    assert "Not measured" in scale_state(other, tmp_path)
    assert "No scale" in scale_state(InstrumentChoice("webcam:0"), tmp_path)
    assert "by itself" in scale_state(InstrumentChoice(), tmp_path)


def test_the_keyboard_is_the_windows_own_and_nothing_else_is_opened() -> None:
    before = set(threading.enumerate())
    for pedal in ("keyboard", None):
        listen_to(InstrumentChoice(pedal=pedal), lambda _: None, lambda _: None)()
    assert set(threading.enumerate()) <= before
    with pytest.raises(InputError):
        listen_to(InstrumentChoice(pedal="contact:"), lambda _: None, lambda _: None)


def test_calibrations_carry_the_cameras_serial_number_and_no_alignment_is_kept_without_a_fit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ARMICRO_INSTRUMENT", str(tmp_path / "instrument.toml"))
    rig = Rig()
    try:
        rig.event(Kind.OPENED, info=CameraInfo("camera", "SN 12", (96, 128), "RGB8"))
        made = Calibrations(rig.session, lambda _: None, tmp_path / "kept", lambda: date(2026, 11, 25))
        assert made.kept() == ()
        made.keep_scale(MeasuredScale(0.25, "by hand"), "40x")
        (line,) = made.kept()
        assert (line.kind, line.objective, line.date, line.good) == ("scale", "40x", "2026-11-25", True)
        text = next((tmp_path / "kept").glob("scale-*.toml")).read_text(encoding="utf-8")
        assert 'instrument = "SN 12"' in text
        with pytest.raises(AlignmentError):
            made.keep_eyepiece(Alignment((480, 640)))
        dark = np.full((60, 80, 3), 9, np.uint8)
        with pytest.raises(Exception, match="glass"):
            made.glass([dark] * 8, "40x")
    finally:
        rig.session.close()

"""`armicro run` with a window: what it begins with, what it says where there can be none, how it ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("PyQt6.QtWidgets", reason="the window needs PyQt6: pip install 'armicro[instrument]'")

from armicro.app.cli import main
from armicro.app.window import NO_CAMERA, Keeping, for_window
from armicro.sim.case import CaseParams
from armicro.sim.params import parse_mix
from armicro.sim.recording import Pace, simulate_recording, write_recording
from tests.session_rig import Rig

RUN = [sys.executable, "-m", "armicro.app.cli", "run", "--detector", "classical"]


def environment(tmp_path: Path, **more: str) -> dict[str, str]:
    kept = {k: v for k, v in os.environ.items() if k not in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")}
    settings = {
        "ARMICRO_WINDOW_SETTINGS": str(tmp_path / "window.ini"),
        "PYTHONPATH": os.pathsep.join(sys.path),
    }
    return kept | settings | more


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    params = CaseParams(mix=parse_mix("2+"), um_per_px=0.424, shape_px=(200, 200), fields=1)
    pace = Pace(fps=10, rest_frames=6, move_frames=2)
    return write_recording(tmp_path / "slide", simulate_recording(params, 5, pace), 0.424, pace).path


def test_without_a_camera_it_is_the_simulated_slide_and_says_so() -> None:
    assert for_window(None, "keyboard") == ("sim", None, (NO_CAMERA,))
    assert for_window("webcam:0", "/dev/ttyUSB0") == ("webcam:0", "/dev/ttyUSB0", ())


def test_without_a_window_the_camera_has_to_be_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "--headless"]) == 3
    assert "--camera" in capsys.readouterr().err


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="elsewhere there is always a display")
def test_without_a_display_it_says_what_to_do(tmp_path: Path) -> None:
    done = subprocess.run(
        RUN, env=environment(tmp_path), capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 5
    assert "there is no display" in done.stderr
    assert "--headless" in done.stderr
    assert done.stderr.count("\n") == 1


def test_an_interrupt_closes_the_window_and_keeps_its_layout(tmp_path: Path, recording: Path) -> None:
    process = subprocess.Popen(
        [*RUN, "--events", "-", "--camera", f"replay:{recording}"],
        env=environment(tmp_path, QT_QPA_PLATFORM="offscreen"),
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        assert '"ready"' in process.stdout.readline()
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 130
    assert "Traceback" not in errors
    assert (tmp_path / "window.ini").exists()


def test_the_first_start_offers_the_set_up_and_an_interrupt_ends_it(tmp_path: Path) -> None:
    file = tmp_path / "instrument.toml"
    process = subprocess.Popen(
        [*RUN, "--no-keep"],
        env=environment(tmp_path, QT_QPA_PLATFORM="offscreen", ARMICRO_INSTRUMENT=str(file)),
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(6)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 130
    assert "Traceback" not in errors
    # No instrument was made: nothing says that it is the simulated slide, and nothing was kept or skipped.
    assert "simulated slide" not in errors
    assert not file.exists()
    assert not (tmp_path / "window.ini").exists()


def test_a_set_up_that_was_skipped_is_not_offered_again(tmp_path: Path) -> None:
    (tmp_path / "window.ini").write_text("[General]\nsetup_offered=1\n", encoding="utf-8")
    process = subprocess.Popen(
        [*RUN, "--no-keep", "--events", "-"],
        env=environment(
            tmp_path, QT_QPA_PLATFORM="offscreen", ARMICRO_INSTRUMENT=str(tmp_path / "instrument.toml")
        ),
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        assert '"ready"' in process.stdout.readline()
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 143


def test_what_would_be_lost() -> None:
    rig = Rig()
    try:
        keeping = Keeping(rig.session, kept=False, written_at_end=False)
        at_end = Keeping(rig.session, kept=False, written_at_end=True)
        kept = Keeping(rig.session, kept=True, written_at_end=False)
        assert keeping.would_lose(True) == ""
        rig.capture(1, 1)
        assert "1 captured field" in keeping.would_lose(True)
        assert at_end.would_lose(True) == ""
        assert at_end.would_lose(False) != ""
        assert kept.would_lose(False) == kept.would_lose(True) == ""
        keeping.note_written(rig.session.snapshot())
        assert keeping.would_lose(True) == ""
        rig.capture(2, 2)
        assert "2 captured fields" in keeping.would_lose(True)
    finally:
        rig.session.close()


def test_the_report_is_written_from_the_window(tmp_path: Path) -> None:
    from armicro.app.case_run import CaseOptions
    from armicro.app.commands.run import write_report
    from armicro.contracts.errors import InputError

    rig = Rig()
    try:
        with pytest.raises(InputError, match="no report"):
            write_report(rig.session, CaseOptions("x"), tmp_path / "case.html")
        assert not (tmp_path / "case.html").exists()
        rig.capture(1, 1)
        write_report(rig.session, CaseOptions("x"), tmp_path / "case.html")
        assert "HER2" in (tmp_path / "case.html").read_text(encoding="utf-8")
    finally:
        rig.session.close()

"""The guided set-up: parts are tried, kept, and used by `armicro run`."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from armicro.app.cli import main
from armicro.app.commands.setup import try_pedal
from armicro.app.instrument_file import read_instrument
from armicro.contracts.errors import DeviceError, ProfileError

Run = Callable[..., tuple[int, str]]


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "instrument.toml"
    monkeypatch.setenv("ARMICRO_INSTRUMENT", str(path))
    return path


@pytest.fixture
def run(file: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    assert not file.exists()

    def call(*arguments: object) -> tuple[int, str]:
        code = main([*map(str, arguments)])
        out, err = capsys.readouterr()
        return code, out + err

    return call


def test_what_is_given_is_kept_without_a_question(run: Run, file: Path) -> None:
    code, said = run(
        "setup", "--camera", "sim", "--pedal", "keyboard", "--eyepiece", "2", "--yes", "--no-test"
    )
    assert code == 0
    assert str(file) in said
    kept = read_instrument()
    assert kept is not None
    assert (kept.camera, kept.pedal, kept.eyepiece) == ("sim", "keyboard", "2")


def test_a_camera_is_tried_and_one_that_is_not_there_is_not_kept(
    run: Run, file: Path, tmp_path: Path
) -> None:
    code, said = run("setup", "--camera", f"replay:{tmp_path / 'no such film'}", "--yes")
    assert code != 0
    assert "no such film" in said
    assert not file.exists()


def test_a_faulty_file_is_told_in_one_line(file: Path) -> None:
    file.write_text('schema = "armicro.instrument/1"\ncamera = 3\n', encoding="utf-8")
    with pytest.raises(ProfileError, match=r"camera.*run armicro setup again"):
        read_instrument()


def test_run_takes_its_parts_from_the_file(run: Run, file: Path, tmp_path: Path) -> None:
    file.write_text(
        f'schema = "armicro.instrument/1"\ncamera = "replay:{(tmp_path / "gone").as_posix()}"\n',
        encoding="utf-8",
    )
    code, said = run("run", "--headless", "--no-keep")
    assert code == 3
    assert "gone" in said
    file.unlink()
    code, said = run("run", "--headless", "--no-keep")
    assert code == 3
    assert "armicro setup" in said


def test_a_pedal_is_heard(file: Path) -> None:
    del file
    pty = pytest.importorskip("pty", reason="pseudo terminals are there on Linux and macOS")
    pytest.importorskip("serial", reason="the pedal needs pyserial")
    import tty

    foot, far = pty.openpty()
    tty.setraw(far)

    def press() -> None:
        for _ in range(50):
            os.write(foot, b"press\n")
            time.sleep(0.1)

    threading.Thread(target=press, daemon=True).start()
    assert "heard" in try_pedal(os.ttyname(far), None)
    with pytest.raises(DeviceError):
        try_pedal("/dev/no-such-port", None, wait_s=5)

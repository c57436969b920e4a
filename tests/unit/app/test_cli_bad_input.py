"""Whatever is wrong with what comes in: one clear line, an exit code, and nothing written."""

from __future__ import annotations

import json
import os
import struct
import subprocess
import sys
import time
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from armicro.app import exit_codes

Run = Callable[..., tuple[int, str, str]]
Contents = Callable[[Path], Sequence[str]]

STAIN = """
schema = "armicro.stain-profile/1"
name = "mine"
version = "1"
source = "a test"
[vectors]
haematoxylin_rgb_od = [0.65, 0.70, 0.29]
dab_rgb_od = [0.27, 0.57, 0.78]
[thresholds]
weak_od = 0.13
intense_od = 0.42
"""


def png(width: int, height: int) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", b"") + chunk(b"IEND", b"")


def assert_refused(answer: tuple[int, str, str], code: int, message: str) -> None:
    got, out, err = answer
    assert got == code, err
    assert out == ""
    assert err.startswith("armicro: ")
    assert err.count("\n") == 1
    assert message in err
    assert "Traceback" not in err


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "no such file"),
        (b"", "the file is empty"),
        (b"hello", "not a PNG, JPEG or TIFF"),
        ("truncated", "truncated"),
        ("grey", "one channel"),
        (png(100_000, 100_000), "100000 × 100000 px is more than"),
        ("folder", "is a folder"),
    ],
)
def test_images_that_cannot_be_used(
    run: Run, contents: Contents, fields: list[Path], tmp_path: Path, content: object, message: str
) -> None:
    bad = tmp_path / "bad.png"
    if isinstance(content, bytes):
        bad.write_bytes(content)
    elif content == "truncated":
        whole = fields[0].read_bytes()
        bad.write_bytes(whole[: len(whole) // 2])
    elif content == "grey":
        Image.fromarray(np.zeros((64, 64), np.uint8)).save(bad)
    elif content == "folder":
        bad.mkdir()
    before = contents(tmp_path)
    out = tmp_path / "out"
    answer = run(
        "score", fields[0], bad, "--um-per-px", "0.424",
        "--json", out / "case.json", "--cells", out / "cells", "--overlay", out, "--report", out / "r.html",
    )  # fmt: skip
    assert_refused(answer, exit_codes.INPUT, message)
    assert str(bad) in answer[2]
    assert contents(tmp_path) == before


@pytest.mark.parametrize("um", ["0", "-0.25", "25", "1e-9", "nan", "inf"])
def test_scales_that_are_impossible(run: Run, fields: list[Path], um: str) -> None:
    assert_refused(run("score", fields[0], "--um-per-px", um), exit_codes.INPUT, "cannot be scored")


def test_a_scale_that_is_missing_or_no_number(run: Run, fields: list[Path]) -> None:
    assert_refused(run("score", fields[0]), exit_codes.INPUT, "give µm per pixel with --um-per-px")
    assert_refused(run("score", fields[0], "--um-per-px", "small"), exit_codes.USAGE, "--um-per-px")
    answer = run("score", fields[0], "--um-per-px", "0.4", "--optics", "paper-20x")
    assert_refused(answer, exit_codes.INPUT, "either --um-per-px or --optics")


def test_ome_pixels_that_are_not_square(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "a.ome.tif"
    rgb = np.full((64, 64, 3), 200, np.uint8)
    meta = {"PhysicalSizeX": 0.4, "PhysicalSizeY": 0.5}
    tifffile.imwrite(path, rgb, photometric="rgb", metadata=meta)
    assert_refused(run("score", path), exit_codes.INPUT, "square pixels are needed")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("weak_od = 0.13", "weak_od = 0.43", "thresholds must rise"),
        ("weak_od = 0.13", "weak_od = 0.13\nweek_od = 0.1", "thresholds.week_od: unknown key"),
        ("name", "nmae", "nmae: unknown key"),
    ],
)
def test_stain_profiles_that_contradict_themselves(
    run: Run, fields: list[Path], tmp_path: Path, old: str, new: str, message: str
) -> None:
    path = tmp_path / "stain.toml"
    path.write_text(STAIN.replace(old, new), encoding="utf-8")
    answer = run("score", fields[0], "--um-per-px", "0.424", "--stain-profile", path)
    assert_refused(answer, exit_codes.INPUT, message)
    assert str(path) in answer[2]


def test_unknown_names(run: Run, fields: list[Path]) -> None:
    scale = ("--um-per-px", "0.424")
    answer = run("score", fields[0], *scale, "--guideline", "nobody-1999")
    assert_refused(answer, exit_codes.INPUT, "asco-cap-2018-breast")
    assert_refused(run("score", fields[0], *scale, "--reading", "tea-leaves"), exit_codes.USAGE, "--reading")
    assert_refused(run("score", fields[0], *scale, "--colour"), exit_codes.USAGE, "--colour")
    assert_refused(run("brew"), exit_codes.USAGE, "brew")
    assert_refused(run("score"), exit_codes.USAGE, "IMAGE")


def test_an_roi_outside_its_field_or_of_no_clear_image(run: Run, fields: list[Path], tmp_path: Path) -> None:
    roi = tmp_path / "far.geojson"
    box = [[5000, 5000], [5100, 5000], [5100, 5100], [5000, 5100], [5000, 5000]]
    roi.write_text(json.dumps({"type": "Polygon", "coordinates": [box]}), encoding="utf-8")
    answer = run("score", fields[0], "--um-per-px", "0.424", "--roi", roi)
    assert_refused(answer, exit_codes.INPUT, "lies outside the field of 320 × 320 px")
    answer = run("score", *fields, "--um-per-px", "0.424", "--roi", roi)
    assert_refused(answer, exit_codes.INPUT, "1 region files for 2 images")


def test_outputs_that_cannot_be_written(
    run: Run, contents: Contents, fields: list[Path], tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    before = contents(tmp_path)
    for option, target in (("--json", "file/a.json"), ("--cells", "file"), ("--overlay", "file/x")):
        answer = run("score", fields[0], "--um-per-px", "0.424", option, tmp_path / target)
        assert_refused(answer, exit_codes.OUTPUT, "cannot write there")
    answer = run("score", fields[0], "--um-per-px", "0.424", "--report", tmp_path)
    assert_refused(answer, exit_codes.OUTPUT, "it is a folder")
    answer = run("score", fields[0], "--um-per-px", "0.424", "--json", fields[0])
    assert_refused(answer, exit_codes.OUTPUT, "is one of the inputs")
    assert contents(tmp_path) == before


def test_a_folder_without_permission(run: Run, fields: list[Path], tmp_path: Path) -> None:
    locked = tmp_path / "locked"
    locked.mkdir()
    locked.chmod(0o500)
    if os.access(locked, os.W_OK):
        pytest.skip("this user may write everywhere")
    answer = run("score", fields[0], "--um-per-px", "0.424", "--json", locked / "a.json")
    assert_refused(answer, exit_codes.OUTPUT, "permission denied")


def test_recordings_that_cannot_be_used(run: Run, tmp_path: Path) -> None:
    assert_refused(run("replay", tmp_path / "none.mkv"), exit_codes.INPUT, "no such file or folder")
    (tmp_path / "x.mkv").write_bytes(b"nothing")
    assert_refused(
        run("replay", tmp_path / "x.mkv", "--um-per-px", "0.4"),
        exit_codes.INPUT,
        "not a video that can be read",
    )


def test_simulations_that_are_impossible(run: Run, contents: Contents, tmp_path: Path) -> None:
    out = tmp_path / "sim"
    assert_refused(run("simulate", "--out", out, "--mix", "pink=1"), exit_codes.INPUT, "pink")
    assert_refused(run("simulate", "--out", out, "--um-per-px", "0"), exit_codes.INPUT, "cannot be scored")
    assert_refused(run("simulate", "--out", out, "--fields", "0"), exit_codes.USAGE, "--fields")
    assert contents(tmp_path) == []


def test_a_hostile_name_is_shown_harmlessly(run: Run, tmp_path: Path) -> None:
    name = tmp_path / "a\x1b[31m[bold]\n.png"
    answer = run("score", name, "--um-per-px", "0.4")
    assert_refused(answer, exit_codes.INPUT, r"a\x1b[31m[bold]\n.png")
    assert "\x1b" not in answer[2]


def test_names_that_the_system_refuses(
    run: Run, contents: Contents, fields: list[Path], tmp_path: Path
) -> None:
    long = tmp_path / ("x" * 300)
    assert_refused(run("score", long, "--um-per-px", "0.4"), exit_codes.INPUT, "name too long")
    assert_refused(run("replay", long, "--um-per-px", "0.4"), exit_codes.INPUT, "x" * 300)
    scale = ("--um-per-px", "0.424")
    assert_refused(run("score", fields[0], *scale, "--json", long), exit_codes.OUTPUT, "name too long")
    assert_refused(run("score", fields[0], *scale, "--roi", long), exit_codes.INPUT, "x" * 300)
    assert_refused(run("score", fields[0], *scale, "--stain-profile", long), exit_codes.INPUT, "x" * 300)
    assert contents(tmp_path) == []


def test_an_internal_error_is_one_line_and_debug_shows_more(
    run: Run, fields: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("oops")

    monkeypatch.setattr("armicro.app.case_run.summarise", broken)
    answer = run("score", fields[0], "--um-per-px", "0.424")
    assert_refused(answer, exit_codes.INTERNAL, "internal error (ZeroDivisionError: oops)")
    monkeypatch.setenv("ARMICRO_DEBUG", "1")
    code, _, err = run("score", fields[0], "--um-per-px", "0.424")
    assert code == exit_codes.INTERNAL
    assert "Traceback" in err


def test_a_reader_that_leaves_early_is_no_fault() -> None:
    command = [sys.executable, "-m", "armicro.app.cli", "guidelines"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == exit_codes.OUTPUT


@pytest.mark.skipif(sys.platform == "win32", reason="Windows sends Ctrl-C to a whole console")
@pytest.mark.parametrize(
    ("number", "code"), [("SIGINT", exit_codes.INTERRUPTED), ("SIGTERM", exit_codes.TERMINATED)]
)
def test_ending_in_the_middle_leaves_nothing_behind(
    contents: Contents, fields: list[Path], tmp_path: Path, number: str, code: int
) -> None:
    import signal

    # Enough copies that the signal comes in the middle; hard links cost nothing.
    images = []
    for index in range(400):
        os.link(fields[index % 2], tmp_path / f"{index:03d}.png")
        images.append(str(tmp_path / f"{index:03d}.png"))
    before = contents(tmp_path)
    out = tmp_path / "out"
    command = [
        sys.executable, "-m", "armicro.app.cli", "score", *images, "--um-per-px", "0.424",
        "--json", str(out / "a.json"), "--cells", str(out / "cells"), "--overlay", str(out / "overlay"),
    ]  # fmt: skip
    # A run in the background of a shell ignores Ctrl-C, and so would its children.
    before_int = signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    finally:
        signal.signal(signal.SIGINT, before_int)
    with process:
        deadline = time.monotonic() + 60
        while not list(out.glob("cells/.armicro-*")) and time.monotonic() < deadline:
            time.sleep(0.02)
        time.sleep(0.3)
        assert process.poll() is None
        process.send_signal(getattr(signal, number))
        stdout, stderr = process.communicate(timeout=60)
    assert process.returncode == code
    assert stdout == ""
    assert "Traceback" not in stderr
    assert contents(tmp_path) == before

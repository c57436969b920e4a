"""What a GenICam camera's pictures, numbers and time stamps are made of; no camera and no library needed."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from armicro.contracts.errors import DeviceError, OutputError
from armicro.devices.genicam_buffers import FrameCounter
from armicro.devices.genicam_clock import ExposureClock
from armicro.devices.genicam_formats import FORMATS, copy_lines, to_rgb
from armicro.devices.genicam_producers import find_producers
from tools.virtual_camera import build
from tools.virtual_camera.__main__ import main

CODES = {form.name: code for code, form in FORMATS.items()}
RED = np.array([200, 90, 30], np.uint8)


def mosaic(first_rows: str, shape: tuple[int, int] = (12, 16)) -> bytes:
    """One colour, seen through a mosaic given by its first two rows."""
    channels = np.array(["RGB".index(letter) for letter in first_rows]).reshape(2, 2)
    seen = RED[np.tile(channels, (shape[0] // 2, shape[1] // 2))]
    return bytes(seen.tobytes())


@pytest.mark.parametrize(
    ("name", "first_rows"),
    [("BayerRG8", "RGGB"), ("BayerGR8", "GRBG"), ("BayerGB8", "GBRG"), ("BayerBG8", "BGGR")],
)
def test_each_mosaic_gives_the_colour_that_was_seen(name: str, first_rows: str) -> None:
    flat = copy_lines(mosaic(first_rows), CODES[name], (12, 16), 0, 0)
    assert (to_rgb(flat, CODES[name], (12, 16)) == RED).all()


@pytest.mark.parametrize(
    ("name", "pixel"), [("RGB8", [200, 90, 30]), ("BGR8", [30, 90, 200]), ("RGBa8", [200, 90, 30, 7])]
)
def test_colours_come_out_in_the_order_red_green_blue(name: str, pixel: list[int]) -> None:
    content = bytes(pixel * 6)
    assert (to_rgb(copy_lines(content, CODES[name], (2, 3), 0, 0), CODES[name], (2, 3)) == RED).all()


@pytest.mark.parametrize("shape", [(4, 6), (3, 5)])
def test_twelve_bits_are_unpacked(shape: tuple[int, int]) -> None:
    rng = np.random.default_rng(1)
    values = rng.integers(0, 4096, shape[0] * shape[1])
    bits = "".join(f"{v:012b}"[::-1] for v in values)
    bits += "0" * (-len(bits) % 8)
    packed = bytes(int(bits[k : k + 8][::-1], 2) for k in range(0, len(bits), 8))
    flat = copy_lines(packed, CODES["BayerRG12p"], shape, 0, 0)
    eight = copy_lines((values >> 4).astype(np.uint8).tobytes(), CODES["BayerRG8"], shape, 0, 0)
    seen = to_rgb(flat, CODES["BayerRG12p"], shape)
    np.testing.assert_array_equal(seen, to_rgb(eight, CODES["BayerRG8"], shape))


def test_what_stands_between_lines_is_left_out() -> None:
    lines = np.arange(12, dtype=np.uint8).reshape(3, 4)
    content = b"head" + np.pad(lines, ((0, 0), (0, 2)), constant_values=99).tobytes()
    assert (copy_lines(content, CODES["Mono8"], (3, 4), 2, 4) == lines.ravel()).all()


def test_a_copy_does_not_change_with_the_buffer() -> None:
    memory = bytearray(range(12))
    for padding in (0, 1):
        copy = copy_lines(memory, CODES["Mono8"], (3, 3), padding, 0)
        before = copy.copy()
        memory[:] = bytes(12)
        assert (copy == before).all()
        memory[:] = bytes(range(12))


def test_what_cannot_be_read_is_refused() -> None:
    with pytest.raises(DeviceError, match=r"announces 4 × 3 px of Mono8, 12 bytes, but sends 11"):
        copy_lines(bytes(11), CODES["Mono8"], (3, 4), 0, 0)
    with pytest.raises(DeviceError, match="announces 0 × 3 px"):
        copy_lines(bytes(11), CODES["Mono8"], (3, 0), 0, 0)
    with pytest.raises(DeviceError, match="unknown format"):
        copy_lines(bytes(11), 0x01080002, (3, 3), 0, 0)


@pytest.mark.parametrize(
    ("raw", "ours"),
    [
        ([5, 6, 8], [0, 1, 3]),
        ([65534, 65535, 1, 3], [0, 1, 2, 4]),
        ([None, None], [0, 1]),
        ([10, 3, 4], [0, 1, 2]),
        ([7, 7], [0, 1]),
    ],
)
def test_numbers_count_up_from_nought(raw: list[int | None], ours: list[int]) -> None:
    counter = FrameCounter()
    assert [counter.number(k) for k in raw] == ours


def test_numbers_go_on_where_the_stream_was_stopped() -> None:
    counter = FrameCounter()
    assert [counter.number(k) for k in (0, 1)] == [0, 1]
    counter.restarted()
    assert [counter.number(k) for k in (0, 2)] == [2, 4]


MS = 1_000_000


def test_the_least_delayed_arrival_tells_the_cameras_clock() -> None:
    clock = ExposureClock()
    # 10 ms of exposure, and 3, 1, 30 ms until the picture was there; the camera's clock is 1 s behind.
    begins = [2000 * MS, 2100 * MS, 2200 * MS]
    seen = [
        clock.begin_ns(b - 1000 * MS, b + (10 + late) * MS, 10_000.0)
        for b, late in zip(begins, (3, 1, 30), strict=True)
    ]
    assert [s - b for s, b in zip(seen, begins, strict=True)] == [3 * MS, 1 * MS, 1 * MS]


def test_a_clock_that_was_read_is_believed_but_not_against_time() -> None:
    clock = ExposureClock()
    clock.measured(4000 * MS, 2999 * MS, 4002 * MS)
    assert clock.begin_ns(3000 * MS, 4030 * MS, 10_000.0) == 4002 * MS
    assert clock.begin_ns(3100 * MS, 4040 * MS, 10_000.0) == 4030 * MS, (
        "not after its arrival less its length"
    )
    assert clock.begin_ns(2000 * MS, 4030 * MS, 10_000.0) > 4030 * MS, "not before the one before"


def test_a_camera_without_a_clock() -> None:
    clock = ExposureClock()
    assert [clock.begin_ns(0, k * MS, 0.0) for k in (10, 20)] == [10 * MS, 20 * MS]
    clock = ExposureClock()
    assert [clock.begin_ns(7, k * MS, 1000.0) for k in (10, 20)] == [9 * MS, 19 * MS]


def test_producers_given_go_before_those_registered(tmp_path: Path) -> None:
    for name in ("b/two.cti", "a/one.cti", "a/no.txt", "given.cti"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    registered = {
        "GENICAM_GENTL64_PATH": os.pathsep.join(f and str(tmp_path / f) for f in ("a", "b", "", "gone"))
    }
    found = [p.name for p in find_producers((), registered)]
    assert found == ["one.cti", "two.cti"]
    assert [p.name for p in find_producers((tmp_path / "given.cti",), registered)] == ["given.cti"]
    with pytest.raises(DeviceError, match="is known"):
        find_producers((), {})


def test_without_a_compiler_it_is_said_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(OutputError, match="apt install gcc"):
        build.build_producer(tmp_path / "out")
    assert main(["build", "--out", str(tmp_path / "out")]) == 1
    assert "no C compiler" in capsys.readouterr().err


def test_frames_of_different_sizes_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import cv2

    for name, side in (("a.png", 32), ("b.png", 34)):
        cv2.imwrite(str(tmp_path / name), np.zeros((side, 32, 3), np.uint8))
    out = tmp_path / "out.frames"
    assert main(["frames", str(out), str(tmp_path / "a.png"), str(tmp_path / "b.png")]) == 1
    assert "must have one size" in capsys.readouterr().err
    assert main(["frames", str(out), str(tmp_path / "a.png"), str(tmp_path / "a.png")]) == 0
    assert out.stat().st_size == 64 + 2 * 32 * 32 * 3
    assert main(["frames", str(out)]) == 1

"""Reading pictures: what is taken, what is said about it, what is refused and how."""

from __future__ import annotations

import io
import struct
import time
import tracemalloc
import zlib
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from armicro.contracts.arrays import U8
from armicro.contracts.errors import ArmicroError, ImageError, ScaleError
from armicro.contracts.frame import Frame, Optics
from armicro.devices.image_files import frame_text, read_image, write_png
from armicro.devices.loaded_image import to_8_bit

UM = 0.25


def assert_one_line(text: str, path: Path) -> None:
    assert text.startswith(f"{path}: ")
    assert "\n" not in text


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png_of_size(width: int, height: int) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    pixels = chunk(b"IDAT", zlib.compress(bytes(1000)))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + pixels + chunk(b"IEND", b"")


def encoded(picture: U8, kind: str, **options: object) -> bytes:
    file = io.BytesIO()
    Image.fromarray(picture).save(file, kind, **options)
    return file.getvalue()


@pytest.mark.parametrize("interlaced", [False, True])
def test_png_comes_back_bit_for_bit(tmp_path: Path, picture: U8, interlaced: bool) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(encoded(picture, "png", interlace=int(interlaced)))
    image = read_image(path, UM)
    np.testing.assert_array_equal(image.rgb, picture)
    assert (image.um_per_px, image.notes, image.scale_origin) == (UM, (), "given")


def test_jpeg_is_rgb_and_close(tmp_path: Path, picture: U8) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(encoded(picture, "jpeg", quality=95))
    image = read_image(path, UM)
    assert np.abs(image.rgb.astype(int) - picture).mean() < 5
    assert image.notes == ()


def test_a_file_is_judged_by_its_bytes_not_its_name(tmp_path: Path, picture: U8) -> None:
    path = tmp_path / "really a png.jpg"
    path.write_bytes(encoded(picture, "png"))
    np.testing.assert_array_equal(read_image(path, UM).rgb, picture)


def test_alpha_is_dropped_and_said(tmp_path: Path, picture: U8) -> None:
    path = tmp_path / "a.png"
    alpha = np.full((60, 80, 1), 255, np.uint8)
    write_raw(path, np.concatenate([picture, alpha], axis=2))
    image = read_image(path, UM)
    np.testing.assert_array_equal(image.rgb, picture)
    assert image.notes == ("alpha channel dropped",)
    alpha[:6] = 0
    write_raw(path, np.concatenate([picture, alpha], axis=2))
    assert read_image(path, UM).notes == ("alpha channel dropped (10.0% of the pixels were not opaque)",)


def write_raw(path: Path, samples: np.ndarray[Any, Any]) -> None:
    path.write_bytes(imagecodecs.png_encode(np.ascontiguousarray(samples)))


def test_sixteen_bit_png_is_scaled_to_full_range(tmp_path: Path, picture: U8) -> None:
    path = tmp_path / "a.png"
    write_raw(path, picture.astype(np.uint16) * 257)
    image = read_image(path, UM)
    np.testing.assert_array_equal(image.rgb, picture)
    assert image.notes == ("16-bit samples (full scale 65535) reduced to 8 bit",)


@pytest.mark.parametrize(("bits", "full"), [(10, 1023), (12, 4095), (14, 16383)])
def test_fewer_bits_in_a_sixteen_bit_file_are_noticed_and_said(
    tmp_path: Path, picture: U8, bits: int, full: int
) -> None:
    path = tmp_path / "a.png"
    write_raw(path, np.rint(picture * (full / 255)).astype(np.uint16))
    image = read_image(path, UM)
    np.testing.assert_array_equal(image.rgb, picture)
    assert f"full scale {full}, taken as {bits} bit because no sample is above" in image.notes[0]


@given(st.integers(8, 16), st.integers(0, 255))
def test_stated_depth_keeps_densities(bits: int, grey: int) -> None:
    full = (1 << bits) - 1
    samples = np.full((2, 2, 3), round(grey * full / 255), np.uint16)
    rgb, notes = to_8_bit(samples, bits)
    assert (rgb == grey).all()
    assert notes == (f"16-bit samples (full scale {full}) reduced to 8 bit",)


def test_eight_bits_are_left_alone(picture: U8) -> None:
    rgb, notes = to_8_bit(picture, None)
    assert rgb is picture
    assert notes == ()


def test_palette_becomes_rgb_and_a_grey_palette_is_refused(tmp_path: Path, picture: U8) -> None:
    path = tmp_path / "a.png"
    Image.fromarray(picture).quantize(32).save(path)
    image = read_image(path, UM)
    assert image.rgb.shape == picture.shape
    assert image.notes == ("palette colours converted to RGB",)
    grey = Image.fromarray(picture[..., 0]).quantize(16)
    grey.save(path)
    with pytest.raises(ImageError, match="palette is grey"):
        read_image(path, UM)


def test_orientation_and_colour_profile_are_not_applied_and_said(tmp_path: Path, picture: U8) -> None:
    exif = Image.Exif()
    exif[274] = 6
    for name in ("a.jpg", "a.png"):
        Image.fromarray(picture).save(tmp_path / name, exif=exif, icc_profile=b"x" * 128)
        image = read_image(tmp_path / name, UM)
        assert image.rgb.shape == picture.shape
        assert [n.split(" not applied")[0] for n in image.notes] == [
            "EXIF orientation",
            "embedded colour profile",
        ]


def test_a_captured_frame_carries_its_scale_and_identity(tmp_path: Path, picture: U8) -> None:
    frame = Frame(picture, 17, 123_456_789_012, Optics(0.21203, "40x"), "camera")
    write_png(tmp_path / "f.png", frame.rgb, frame_text(frame, simulated=True))
    image = read_image(tmp_path / "f.png")
    again = image.frame("camera")
    assert (again.optics, again.frame_id, again.t_ns) == (frame.optics, frame.frame_id, frame.t_ns)
    assert image.simulated
    np.testing.assert_array_equal(again.rgb, picture)


def test_the_given_scale_counts_and_a_contradiction_is_said(tmp_path: Path, picture: U8) -> None:
    frame = Frame(picture, 0, 0, Optics(0.25), "camera")
    write_png(tmp_path / "f.png", frame.rgb, frame_text(frame))
    assert read_image(tmp_path / "f.png", 0.254).notes == ()
    image = read_image(tmp_path / "f.png", 0.5)
    assert image.um_per_px == 0.5
    assert image.notes == ("the frame's own record says 0.25 µm/px; the given 0.5 was used",)


def test_a_missing_scale_is_never_guessed(tmp_path: Path, picture: U8) -> None:
    path = tmp_path / "a.png"
    Image.fromarray(picture).save(path, dpi=(300, 300))
    with pytest.raises(ScaleError, match=r"a\.png: the file does not tell its scale.*--um-per-px"):
        read_image(path)


@pytest.mark.parametrize("um", [0.0, -0.25, 25.0, 1e-9, float("nan"), float("inf")])
def test_an_impossible_scale_is_refused_before_the_file_is_touched(tmp_path: Path, um: float) -> None:
    with pytest.raises(ScaleError, match="cannot be scored"):
        read_image(tmp_path / "missing.png", um)


def bad(name: str, picture: U8) -> bytes:
    whole_png, whole_jpeg = encoded(picture, "png"), encoded(picture, "jpeg", quality=95)
    flipped = bytearray(whole_png)
    flipped[len(flipped) // 2] ^= 0xFF
    return {
        "empty": b"",
        "text": b"Dear colleague, please find attached",
        "gif": encoded(picture, "gif"),
        "signature only": whole_png[:8],
        "header only": whole_png[:33],
        "png cut in the pixels": whole_png[: len(whole_png) // 2],
        "png without its last bytes": whole_png[:-12],
        "png with a damaged byte": bytes(flipped),
        "jpeg cut in half": whole_jpeg[: len(whole_jpeg) // 2],
        "jpeg without its last bytes": whole_jpeg[:-2],
        "jpeg cut in half and closed again": whole_jpeg[: len(whole_jpeg) // 2] + b"\xff\xd9",
        "grey png": encoded(picture[..., 0], "png"),
        "grey jpeg": encoded(picture[..., 0], "jpeg"),
        "grey with alpha": _grey_alpha(picture),
        "cmyk jpeg": _cmyk(picture),
        "tiny": encoded(picture[:5, :5], "png"),
    }[name]


def _grey_alpha(picture: U8) -> bytes:
    file = io.BytesIO()
    Image.fromarray(picture[..., 0]).convert("LA").save(file, "png")
    return file.getvalue()


def _cmyk(picture: U8) -> bytes:
    file = io.BytesIO()
    Image.fromarray(picture).convert("CMYK").save(file, "jpeg")
    return file.getvalue()


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("empty", "the file is empty"),
        ("text", "not a PNG, JPEG or TIFF"),
        ("gif", "not a PNG, JPEG or TIFF"),
        ("signature only", "truncated"),
        ("header only", "truncated"),
        ("png cut in the pixels", "truncated"),
        ("png without its last bytes", "truncated"),
        ("png with a damaged byte", "damaged"),
        ("jpeg cut in half", "damaged"),
        ("jpeg without its last bytes", "damaged"),
        ("jpeg cut in half and closed again", "damaged"),
        ("grey png", "one channel"),
        ("grey jpeg", "one channel"),
        ("grey with alpha", "one channel"),
        ("cmyk jpeg", "CMYK"),
        ("tiny", "too small"),
    ],
)
def test_bad_files_are_refused_in_one_line_with_their_name(
    tmp_path: Path, picture: U8, name: str, message: str
) -> None:
    path = tmp_path / "field 1.png"
    path.write_bytes(bad(name, picture))
    with pytest.raises(ImageError) as caught:
        read_image(path, UM)
    assert_one_line(str(caught.value), path)
    assert message in str(caught.value)


def test_missing_files_and_folders(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="no such file"):
        read_image(tmp_path / "none.png", UM)
    with pytest.raises(ImageError, match="is a folder"):
        read_image(tmp_path, UM)


def test_a_named_pipe_is_refused_without_waiting(tmp_path: Path) -> None:
    import os

    if not hasattr(os, "mkfifo"):
        pytest.skip("no named pipes on this system")
    os.mkfifo(tmp_path / "pipe.png")
    with pytest.raises(ImageError, match="regular file"):
        read_image(tmp_path / "pipe.png", UM)


def test_an_image_bomb_is_refused_from_its_header(tmp_path: Path) -> None:
    path = tmp_path / "bomb.png"
    path.write_bytes(png_of_size(100_000, 100_000))
    tracemalloc.start()
    begin = time.perf_counter()
    with pytest.raises(ImageError, match="100000 × 100000 px is more than 1000 million"):
        read_image(path, UM)
    took = time.perf_counter() - begin
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert took < 1
    assert peak < 10_000_000


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    kind=st.sampled_from(["png", "jpeg"]),
    edits=st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 255)), min_size=1, max_size=6),
    cut=st.integers(0, 10**6),
)
def test_any_damage_gives_a_picture_or_one_clear_error(
    tmp_path: Path, picture: U8, kind: str, edits: list[tuple[int, int]], cut: int
) -> None:
    data = bytearray(encoded(picture, kind))
    for where, value in edits:
        data[where % len(data)] = value
    path = tmp_path / "fuzzed"
    path.write_bytes(bytes(data[: len(data) - cut % (len(data) // 2)] if cut % 3 == 0 else data))
    try:
        image = read_image(path, UM)
    except ArmicroError as error:
        assert_one_line(str(error), path)
    else:
        assert image.rgb.dtype == np.uint8
        assert image.rgb.ndim == 3


def test_written_pngs_have_the_same_bytes_each_time(tmp_path: Path, picture: U8) -> None:
    write_png(tmp_path / "a.png", picture, {"armicro:frame_id": "1"})
    write_png(tmp_path / "b.png", picture, {"armicro:frame_id": "1"})
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()

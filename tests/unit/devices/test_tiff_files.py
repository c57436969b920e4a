"""TIFF in its many forms: each gives the same pixels, says what was left out, or is refused."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from armicro.contracts.arrays import U8
from armicro.contracts.errors import ArmicroError, ImageError, ScaleError
from armicro.devices.image_files import read_image

UM = 0.25


def assert_one_line(text: str, path: Path) -> None:
    assert text.startswith(f"{path}: ")
    assert "\n" not in text


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "field.tif"


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"bigtiff": True},
        {"byteorder": ">"},
        {"tile": (16, 16)},
        {"compression": "lzw"},
        {"compression": "zlib", "predictor": True},
        {"compression": "zlib", "tile": (32, 32)},
        {"compression": "packbits"},
        {"compression": "zstd"},
        {"rowsperstrip": 7},
    ],
    ids=str,
)
@pytest.mark.parametrize("planar", [False, True])
@pytest.mark.parametrize("bits", [8, 16])
def test_every_layout_gives_the_same_pixels(
    path: Path, picture: U8, options: dict[str, Any], planar: bool, bits: int
) -> None:
    samples: Any = picture if bits == 8 else picture.astype(np.uint16) * 257
    if planar:
        samples = np.moveaxis(samples, -1, 0)
    tifffile.imwrite(
        path, samples, photometric="rgb", planarconfig="separate" if planar else "contig", **options
    )
    image = read_image(path, UM)
    np.testing.assert_array_equal(image.rgb, picture)
    expected = () if bits == 8 else ("16-bit samples (full scale 65535) reduced to 8 bit",)
    assert image.notes == expected


def test_jpeg_compressed_tiles_are_read_as_rgb(path: Path, picture: U8) -> None:
    tifffile.imwrite(path, picture, photometric="rgb", compression="jpeg", tile=(32, 32))
    assert np.abs(read_image(path, UM).rgb.astype(int) - picture).mean() < 8


def test_alpha_is_dropped(path: Path, picture: U8) -> None:
    rgba = np.concatenate([picture, np.full((60, 80, 1), 255, np.uint8)], axis=2)
    tifffile.imwrite(path, rgba, photometric="rgb", extrasamples=["unassalpha"])
    image = read_image(path, UM)
    np.testing.assert_array_equal(image.rgb, picture)
    assert image.notes == ("alpha channel dropped",)


def test_of_several_pages_the_first_is_taken_and_said(path: Path, picture: U8) -> None:
    with tifffile.TiffWriter(path) as tif:
        for page in (picture, 255 - picture, picture[::2, ::2]):
            tif.write(page, photometric="rgb")
    image = read_image(path, UM)
    np.testing.assert_array_equal(image.rgb, picture)
    assert image.notes == ("3 pages: page 1, the first of full resolution, was taken",)


def test_a_thumbnail_in_front_is_passed_over(path: Path, picture: U8) -> None:
    with tifffile.TiffWriter(path) as tif:
        tif.write(picture[::2, ::2], photometric="rgb", subfiletype=1)
        tif.write(picture, photometric="rgb")
    image = read_image(path, UM)
    np.testing.assert_array_equal(image.rgb, picture)
    assert "page 2, the first of full resolution" in image.notes[0]


def test_a_pyramid_gives_its_full_resolution(path: Path, picture: U8) -> None:
    with tifffile.TiffWriter(path, bigtiff=True, ome=True) as tif:
        tif.write(
            picture,
            photometric="rgb",
            subifds=1,
            tile=(16, 16),
            metadata={"PhysicalSizeX": 250, "PhysicalSizeXUnit": "nm"},
        )
        tif.write(picture[::2, ::2], photometric="rgb", subfiletype=1, tile=(16, 16))
    image = read_image(path)
    np.testing.assert_array_equal(image.rgb, picture)
    assert image.um_per_px == pytest.approx(0.25)
    assert image.notes == ("pyramid: its full resolution was taken",)


@pytest.mark.parametrize(("size", "unit"), [(0.25, "µm"), (250, "nm"), (0.00025, "mm"), (0.25, None)])
def test_ome_scale_with_its_units(path: Path, picture: U8, size: float, unit: str | None) -> None:
    meta: dict[str, Any] = {"PhysicalSizeX": size, "PhysicalSizeY": size}
    if unit is not None:
        meta |= {"PhysicalSizeXUnit": unit, "PhysicalSizeYUnit": unit}
    tifffile.imwrite(path, picture, photometric="rgb", ome=True, metadata=meta)
    image = read_image(path)
    assert image.um_per_px == pytest.approx(0.25)
    assert image.scale_origin == "OME metadata"


def test_ome_pixels_must_be_square(path: Path, picture: U8) -> None:
    tifffile.imwrite(
        path, picture, photometric="rgb", ome=True, metadata={"PhysicalSizeX": 0.25, "PhysicalSizeY": 0.26}
    )
    with pytest.raises(ScaleError, match=r"field\.tif: OME metadata gives pixels of 0\.25 × 0\.26 µm"):
        read_image(path)
    tifffile.imwrite(
        path, picture, photometric="rgb", ome=True, metadata={"PhysicalSizeX": 0.25, "PhysicalSizeY": 0.2504}
    )
    assert read_image(path).um_per_px == 0.25


@pytest.mark.parametrize("size", [1.0, 0.0, -0.25, 0.00025])
def test_an_impossible_ome_scale_is_refused_unless_one_is_given(path: Path, picture: U8, size: float) -> None:
    meta = {"PhysicalSizeX": size, "PhysicalSizeY": size}
    tifffile.imwrite(path, picture, photometric="rgb", ome=True, metadata=meta)
    with pytest.raises(ScaleError, match="OME metadata"):
        read_image(path)
    if size > 0:
        image = read_image(path, UM)
        assert image.um_per_px == UM
        assert image.notes == (f"OME metadata says {size:g} µm/px; the given 0.25 was used",)


def test_ome_without_a_size_or_in_pixels_does_not_tell_its_scale(path: Path, picture: U8) -> None:
    for meta in ({}, {"PhysicalSizeX": 0.25, "PhysicalSizeXUnit": "pixel"}):
        tifffile.imwrite(path, picture, photometric="rgb", ome=True, metadata=meta)
        with pytest.raises(ScaleError, match="does not tell its scale"):
            read_image(path)


def test_ome_channel_planes_are_taken_as_rgb_only_where_they_are(path: Path, picture: U8) -> None:
    planes = np.moveaxis(picture, -1, 0)
    scale = {"axes": "CYX", "PhysicalSizeX": 0.25}
    tifffile.imwrite(path, planes, photometric="minisblack", ome=True, metadata=scale)
    image = read_image(path)
    np.testing.assert_array_equal(image.rgb, picture)
    assert image.notes == ("three channel planes were taken as red, green and blue",)
    dyes = scale | {"Channel": {"Name": ["DAPI", "FITC", "Cy3"]}}
    tifffile.imwrite(path, planes, photometric="minisblack", ome=True, metadata=dyes)
    with pytest.raises(ImageError, match="separate channels \\(DAPI, FITC, Cy3\\)"):
        read_image(path)


def test_channel_planes_of_a_stack_are_those_of_its_first_slice(path: Path, picture: U8) -> None:
    stack = np.stack([np.moveaxis(picture, -1, 0), 255 - np.moveaxis(picture, -1, 0)])
    scale = {"axes": "ZCYX", "PhysicalSizeX": 0.25}
    tifffile.imwrite(path, stack, photometric="minisblack", ome=True, metadata=scale)
    np.testing.assert_array_equal(read_image(path).rgb, picture)


def test_significant_bits_are_taken_from_ome(path: Path, picture: U8) -> None:
    dim = np.rint(picture * (0.2 * 4095 / 255)).astype(np.uint16)
    tifffile.imwrite(
        path, dim, photometric="rgb", ome=True, metadata={"PhysicalSizeX": 0.25, "SignificantBits": 12}
    )
    image = read_image(path)
    assert image.notes == ("16-bit samples (full scale 4095) reduced to 8 bit",)
    assert abs(float(image.rgb.mean()) - 0.2 * float(picture.mean())) < 1


def test_significant_bits_are_taken_from_the_sample_value_tag(path: Path, picture: U8) -> None:
    dim = np.rint(picture * (0.2 * 4095 / 255)).astype(np.uint16)
    tifffile.imwrite(path, dim, photometric="rgb", extratags=[(281, 3, 3, (4095, 4095, 4095), True)])
    assert read_image(path, UM).notes == ("16-bit samples (full scale 4095) reduced to 8 bit",)


def test_resolution_tags_count_only_at_a_microscopes_scale(path: Path, picture: U8) -> None:
    tifffile.imwrite(
        path, picture, photometric="rgb", resolution=(40_000, 40_000), resolutionunit="CENTIMETER"
    )
    image = read_image(path)
    assert image.um_per_px == pytest.approx(0.25)
    assert image.scale_origin == "the TIFF resolution tags"
    tifffile.imwrite(path, picture, photometric="rgb", resolution=(300, 300), resolutionunit="INCH")
    with pytest.raises(ScaleError, match="does not tell its scale"):
        read_image(path)


def test_imagej_and_aperio_scales(path: Path, picture: U8) -> None:
    tifffile.imwrite(
        path,
        picture,
        photometric="rgb",
        imagej=True,
        resolution=(4, 4),
        metadata={"unit": "um", "axes": "YXS"},
    )
    assert read_image(path).um_per_px == pytest.approx(0.25)
    tifffile.imwrite(path, picture, photometric="rgb", description="Aperio Leica |AppMag = 40|MPP = 0.2529")
    assert read_image(path).um_per_px == pytest.approx(0.2529)


@pytest.mark.parametrize(
    ("samples", "options", "message"),
    [
        (np.zeros((60, 80), np.uint8), {}, "one channel"),
        (np.zeros((60, 80), np.uint16), {}, "one channel"),
        (np.zeros((60, 80, 3), np.float32), {"photometric": "rgb"}, "float32"),
        (np.zeros((60, 80, 3), np.uint32), {"photometric": "rgb"}, "uint32"),
        (np.zeros((60, 80, 4), np.uint8), {"photometric": "separated"}, "SEPARATED"),
        (np.zeros((60, 80, 3), np.uint8), {"photometric": "cielab"}, "CIELAB"),
        (
            np.zeros((60, 80), np.uint8),
            {"photometric": "palette", "colormap": np.zeros((3, 256), np.uint16)},
            "palette",
        ),
        (np.zeros((4, 60, 80, 3), np.uint8), {"photometric": "rgb", "volumetric": True}, "volume"),
    ],
)
def test_what_is_not_rgb_is_refused(
    path: Path, samples: np.ndarray[Any, Any], options: dict[str, Any], message: str
) -> None:
    tifffile.imwrite(path, samples, **options)
    with pytest.raises(ImageError, match=message):
        read_image(path, UM)


@pytest.mark.parametrize("options", [{}, {"compression": "zlib", "tile": (16, 16)}, {"compression": "jpeg"}])
def test_a_truncated_tiff_is_refused(path: Path, picture: U8, options: dict[str, Any]) -> None:
    # The directory stands in front of the pixels here, so that only the pixels are lost.
    tifffile.imwrite(path, picture, photometric="rgb", **options)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) * 2 // 3])
    with pytest.raises(ImageError, match=r"truncated|damaged"):
        read_image(path, UM)


def test_a_missing_tile_is_refused(path: Path, picture: U8) -> None:
    tifffile.imwrite(path, picture, photometric="rgb", tile=(16, 16), compression="zlib")
    with tifffile.TiffFile(path) as tif:
        tag = tif.pages[0].aspage().tags["TileByteCounts"]
        offset, size = tag.valueoffset, {3: 2, 4: 4}[int(tag.dtype)]
    data = bytearray(path.read_bytes())
    data[offset : offset + size] = bytes(size)
    path.write_bytes(bytes(data))
    with pytest.raises(ImageError, match="tile of it is missing"):
        read_image(path, UM)


def test_a_tiff_bomb_is_refused_from_its_header(path: Path, picture: U8) -> None:
    tifffile.imwrite(path, picture, photometric="rgb", compression="zlib")
    data = bytearray(path.read_bytes())
    with tifffile.TiffFile(path) as tif:
        tags = tif.pages[0].aspage().tags
        for name in ("ImageWidth", "ImageLength"):
            offset = tags[name].offset
            data[offset + 2 : offset + 12] = struct.pack("<HII", 4, 1, 100_000)
    path.write_bytes(bytes(data))
    with pytest.raises(ImageError, match="100000 × 100000 px is more than"):
        read_image(path, UM)


def test_an_ome_block_with_entities_is_refused(path: Path, picture: U8) -> None:
    xml = '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "b">]><OME><Image><Pixels SizeC="3"/></Image></OME>'
    tifffile.imwrite(path, picture, photometric="rgb", description=xml, metadata=None)
    with pytest.raises(ImageError, match="OME metadata are of a kind that is not read"):
        read_image(path, UM)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    edits=st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 255)), min_size=1, max_size=8),
    head=st.booleans(),
    compression=st.sampled_from([None, "zlib", "lzw"]),
)
def test_any_damage_gives_a_picture_or_one_clear_error(
    path: Path, picture: U8, edits: list[tuple[int, int]], head: bool, compression: str | None
) -> None:
    tifffile.imwrite(path, picture, photometric="rgb", ome=True, compression=compression)
    data = bytearray(path.read_bytes())
    for where, value in edits:
        data[where % (400 if head else len(data))] = value
    path.write_bytes(bytes(data))
    try:
        image = read_image(path, UM)
    except ArmicroError as error:
        assert_one_line(str(error), path)
    else:
        assert image.rgb.shape[2] == 3

"""Pairing images with scales and regions."""

from __future__ import annotations

from pathlib import Path

import pytest

from armicro.app.case_inputs import image_inputs, pair_regions, pair_scales
from armicro.contracts.errors import ImageError, RegionError, ScaleError
from armicro.contracts.frame import Optics


def paths(*names: str) -> list[Path]:
    return [Path("somewhere") / name for name in names]


def test_one_region_file_for_one_image_needs_no_name() -> None:
    assert pair_regions(paths("a.png"), paths("any.geojson")) == paths("any.geojson")


def test_region_files_named_like_images_find_them_in_any_order() -> None:
    found = pair_regions(paths("a.png", "b.ome.tif", "c.png"), paths("B.geojson", "a.geojson"))
    assert found == [*paths("a.geojson", "B.geojson"), None]


def test_region_files_of_other_names_go_in_order() -> None:
    rois = paths("one.geojson", "two.geojson")
    assert pair_regions(paths("a.png", "b.png"), rois) == rois


def test_no_region_files_mean_whole_fields() -> None:
    assert pair_regions(paths("a.png", "b.png"), []) == [None, None]


@pytest.mark.parametrize(
    ("images", "rois"),
    [
        (["a.png", "b.png"], ["x.geojson"]),
        (["a.png", "b.png"], ["a.geojson", "x.geojson"]),
        (["a.png"], ["a.geojson", "x.geojson"]),
        (["a.png", "a.jpg"], ["a.geojson"]),
        (["a.png", "b.png"], ["a.geojson", "a.geojson"]),
    ],
)
def test_what_is_not_clear_is_refused(images: list[str], rois: list[str]) -> None:
    with pytest.raises(RegionError, match="region files for"):
        pair_regions(paths(*images), paths(*rois))


def test_scales_one_for_all_or_one_for_each() -> None:
    assert pair_scales(3, [], None) == [None, None, None]
    assert pair_scales(3, [0.25], None) == [0.25] * 3
    assert pair_scales(2, [0.25, 0.5], None) == [0.25, 0.5]
    assert pair_scales(2, [], Optics(0.212)) == [0.212, 0.212]
    with pytest.raises(ScaleError, match="2 values of --um-per-px for 3 images"):
        pair_scales(3, [0.25, 0.5], None)
    with pytest.raises(ScaleError, match="either"):
        pair_scales(1, [0.25], Optics(0.212))
    with pytest.raises(ScaleError, match="cannot be scored"):
        pair_scales(1, [0.0], None)


def test_an_image_given_twice_is_refused(fields: list[Path]) -> None:
    again = fields[0].parent / "." / fields[0].name
    with pytest.raises(ImageError, match="given twice"):
        image_inputs([fields[0], fields[1], again], [0.424], None, [])

"""Regions from GeoJSON: what is an exclusion, where pixels lie, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from armicro.contracts.errors import RegionError
from armicro.devices.region_files import is_exclusion, parse_regions, read_regions
from armicro.imaging.regions import inside

BOX = [[10, 20], [50, 20], [50, 40], [10, 40], [10, 20]]
HOLE = [[20, 25], [30, 25], [30, 35], [20, 35], [20, 25]]


def polygon(*rings: list[list[int]]) -> dict[str, Any]:
    return {"type": "Polygon", "coordinates": list(rings)}


def feature(geometry: dict[str, Any] | None, **properties: object) -> dict[str, Any]:
    return {"type": "Feature", "id": "1", "geometry": geometry, "properties": properties}


def collection(*features: dict[str, Any]) -> dict[str, Any]:
    return {"type": "FeatureCollection", "features": list(features)}


def counted(document: object) -> int:
    """How many pixel centres of a 100 × 100 field count."""
    grid = np.argwhere(np.ones((100, 100), bool)).astype(np.float64)
    return int(inside(grid, parse_regions(json.dumps(document))).sum())


@pytest.mark.parametrize(
    "document",
    [
        polygon(BOX),
        feature(polygon(BOX)),
        feature(polygon(BOX), objectType="annotation", name="tumour", classification={"name": "Tumor"}),
        collection(feature(polygon(BOX))),
        [feature(polygon(BOX))],
        {"type": "MultiPolygon", "coordinates": [[BOX]]},
        {"type": "GeometryCollection", "geometries": [polygon(BOX)]},
        collection(feature(polygon(BOX)), feature(None)),
    ],
)
def test_a_box_covers_its_pixels_in_every_wrapping(document: object) -> None:
    # 40 × 20 px: pixel centres lie half a pixel inside the corners that GeoJSON counts from.
    assert counted(document) == 800


def test_the_first_pixel_is_inside_a_box_around_it() -> None:
    regions = parse_regions(json.dumps(polygon([[0, 0], [1, 0], [1, 1], [0, 1], [0, 0]])))
    assert inside(np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0]]), regions).tolist() == [True, False, False]


def test_holes_and_exclusions_take_away() -> None:
    assert counted(polygon(BOX, HOLE)) == 700
    assert counted(collection(feature(polygon(BOX)), feature(polygon(HOLE), name="exclude"))) == 700
    assert counted(feature(polygon(HOLE), classification={"name": "Ignore*"})) == 10_000 - 100


def test_an_exclusion_holds_for_all_that_a_feature_collects() -> None:
    inner = {"type": "GeometryCollection", "geometries": [polygon(HOLE), polygon(BOX)]}
    assert counted(collection(feature(inner, name="Exclude"))) == 10_000 - 800


@pytest.mark.parametrize(
    ("properties", "excluded"),
    [
        (None, False),
        ({}, False),
        ({"name": "tumour"}, False),
        ({"name": "EXCLUDE "}, True),
        ({"classification": {"name": "Ignore*"}}, True),
        ({"classification": {"name": "ignored region"}}, True),
        ({"classification": {"name": "Necrosis*"}}, True),
        ({"classification": "exclude"}, True),
        ({"class": "exclude"}, True),
        ({"name": 7, "classification": ["x"]}, False),
    ],
)
def test_what_makes_an_exclusion(properties: dict[str, Any] | None, excluded: bool) -> None:
    assert is_exclusion(properties) == excluded


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "not GeoJSON"),
        ("{", "not GeoJSON"),
        ("7", "its GeoJSON type is 'int'"),
        ("{}", "its GeoJSON type is 'None'"),
        ('{"type": "Topology"}', "its GeoJSON type is 'Topology'"),
        ("[]", "holds no region"),
        ('{"type": "FeatureCollection", "features": []}', "holds no region"),
        (json.dumps(feature(None)), "holds no region"),
        (json.dumps(feature({"type": "Point", "coordinates": [1, 2]})), "a Point encloses no area"),
        (json.dumps(feature({"type": "LineString", "coordinates": [[1, 2], [3, 4]]})), "LineString"),
        (json.dumps(polygon([[0, 0], [1, 1], [0, 0]])), "not valid GeoJSON"),
        (json.dumps(polygon([[0, 0], [1, 1], [2, 2], [3, 3]])), "not valid GeoJSON"),
        (json.dumps(polygon([[0, 5], [1, 5], [2, 5], [0, 5]])), "no area"),
        ('{"type": "Polygon", "coordinates": [[[0, 0], [NaN, 1], [2, 3], [0, 0]]]}', "finite|not valid"),
        ('{"type": "Polygon", "coordinates": [[[0, 0], ["a", 1], [2, 3], [0, 0]]]}', "not valid GeoJSON"),
    ],
)
def test_what_is_no_region_is_refused_with_the_files_name(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "roi.geojson"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(RegionError, match=message) as caught:
        read_regions(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


def test_a_missing_or_binary_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RegionError, match="no such file"):
        read_regions(tmp_path / "none.geojson")
    (tmp_path / "b.geojson").write_bytes(b"\xff\xfe\x00\x01")
    with pytest.raises(RegionError, match="not a text file"):
        read_regions(tmp_path / "b.geojson")
    with pytest.raises(RegionError, match="is a folder"):
        read_regions(tmp_path)


def test_deep_nesting_is_refused_not_a_crash() -> None:
    text = '{"type":"GeometryCollection","geometries":[' * 3000 + "]}" * 3000
    with pytest.raises(RegionError):
        parse_regions(text)


KEYS = st.sampled_from(["type", "features", "geometry", "coordinates", "geometries"])
TYPES = st.sampled_from(["Polygon", "Feature", "FeatureCollection", "MultiPolygon"])
LEAVES = st.none() | st.booleans() | st.floats() | st.text() | TYPES


@given(st.recursive(LEAVES, lambda inner: st.lists(inner) | st.dictionaries(KEYS, inner)))
def test_any_json_gives_regions_or_one_error(document: object) -> None:
    try:
        regions = parse_regions(json.dumps(document))
    except RegionError as error:
        problem = str(error)
    else:
        problem = ""
        assert regions.polygons
    assert "\n" not in problem

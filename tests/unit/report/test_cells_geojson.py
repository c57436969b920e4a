"""GeoJSON of cells: valid by RFC 7946, and with the fields that QuPath reads."""

import json
import uuid
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from geojson_pydantic import Feature, FeatureCollection, Point, Polygon

from armicro.contracts.arrays import frozen
from armicro.contracts.cells import CATEGORIES, Category
from armicro.contracts.results import FovResult
from armicro.devices.region_files import parse_regions
from armicro.imaging.regions import inside
from armicro.overlay.style import PALETTE
from armicro.report.cells_geojson import CLASS_COLOURS, cells_geojson

MakeResult = Callable[..., FovResult]
SHA = "ab" * 32


def with_contours(result: FovResult, radius_um: float = 4.0, angles: int = 48) -> FovResult:
    n = len(result.cells)
    contour = frozen(np.full((n, angles), radius_um, np.float32))
    level = frozen(np.zeros((n, angles), np.uint8))
    return replace(result, cells=replace(result.cells, contour_um=contour, contour_level=level))


def load(text: str) -> list[dict[str, Any]]:
    raw = json.loads(text)
    FeatureCollection[Feature[Polygon | Point, dict[str, Any]]].model_validate(raw)
    features: list[dict[str, Any]] = raw["features"]
    return features


def test_cells_are_polygons_with_class_measurements_and_identity(
    make_result: MakeResult, every_category: dict[Category, int]
) -> None:
    result = with_contours(make_result(every_category, excluded=2))
    features = load(cells_geojson(result, SHA))
    cells = [f for f in features if f["properties"]["objectType"] == "cell"]
    assert len(cells) == len(result.cells) == 122
    for i, feature in enumerate(cells):
        properties = feature["properties"]
        category = Category(int(result.cells.category[i]))
        wanted = f"HER2 {category.key.replace('_', ' ')}" if result.cells.counted[i] else "HER2 not counted*"
        assert properties["classification"]["name"] == wanted
        assert all(isinstance(c, int) and 0 <= c <= 255 for c in properties["classification"]["color"])
        assert len(properties["classification"]["color"]) == 3
        assert all(isinstance(v, (int, float)) for v in properties["measurements"].values())
        assert properties["measurements"]["Completeness"] == pytest.approx(result.cells.completeness[i])
        od = properties["measurements"]["Membrane DAB OD mean"]
        assert od == pytest.approx(result.cells.membrane_dab_od[i], abs=1e-4)
        assert properties["metadata"]["category"] == category.key
    identities = [uuid.UUID(f["id"]) for f in features]
    assert len(set(identities)) == len(features) == 125


def test_rings_close_turn_counterclockwise_and_stay_in_the_field(
    make_result: MakeResult, every_category: dict[Category, int]
) -> None:
    result = with_contours(make_result(every_category), radius_um=7.5)
    clipped = 0
    for feature in load(cells_geojson(result, SHA)):
        if feature["geometry"]["type"] != "Polygon":
            continue
        (ring,) = feature["geometry"]["coordinates"]
        assert ring[0] == ring[-1]
        x, y = np.array(ring).T
        assert ((x[:-1] * y[1:] - x[1:] * y[:-1]).sum()) > 0
        assert x.min() >= 0
        assert y.min() >= 0
        assert x.max() <= 800
        assert y.max() <= 600
        clipped += x.min() == 0 or y.min() == 0
    assert clipped > 0


def test_a_polygon_read_back_as_a_region_holds_its_own_nucleus_at_its_middle(make_result: MakeResult) -> None:
    result = with_contours(make_result({Category.WEAK_COMPLETE: 30}))
    text = cells_geojson(result, SHA)
    cells = [f for f in json.loads(text)["features"] if f["properties"]["objectType"] == "cell"]
    for i, feature in enumerate(cells):
        region = parse_regions(json.dumps(feature))
        assert np.flatnonzero(inside(result.cells.yx_px, region)).tolist() == [i]
        middle = region.include[0].rings[0].mean(0)
        assert np.abs(middle - result.cells.yx_px[i]).max() < 0.02


def test_cells_without_a_contour_are_points_at_pixel_corners_coordinates(make_result: MakeResult) -> None:
    result = make_result({Category.NONE: 1})
    cell, *others = load(cells_geojson(result, SHA))
    assert cell["geometry"] == {"type": "Point", "coordinates": [20.5, 20.5]}
    assert cell["properties"]["objectType"] == "detection"
    assert [o["properties"]["classification"]["name"] for o in others] == ["Other nucleus"] * 3


def test_the_same_cell_keeps_its_identity_and_other_pixels_have_others(make_result: MakeResult) -> None:
    result = make_result({Category.FAINT: 3})
    assert cells_geojson(result, SHA) == cells_geojson(result, SHA)
    one = {f["id"] for f in load(cells_geojson(result, SHA))}
    assert not one & {f["id"] for f in load(cells_geojson(result, "cd" * 32))}


def test_no_cells_is_an_empty_collection(make_result: MakeResult) -> None:
    result = make_result({Category.NONE: 0})
    none = replace(result, others=result.others.take(np.zeros(3, bool)))
    assert load(cells_geojson(none, SHA)) == []


def test_text_from_outside_stays_outside(make_result: MakeResult) -> None:
    result = make_result({Category.NONE: 2})
    evil = replace(result, provenance=replace(result.provenance, source="<script>", stain_profile="=cmd()"))
    assert cells_geojson(evil, SHA) == cells_geojson(result, SHA)


def test_stained_classes_have_the_colours_of_the_overlay() -> None:
    for category in CATEGORIES[:4]:
        assert CLASS_COLOURS[category] == PALETTE[category]
    assert len(set(CLASS_COLOURS.values())) == len(CATEGORIES)

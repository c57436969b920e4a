"""Regions of interest from GeoJSON, as QuPath and others export them.

GeoJSON coordinates are x, y in pixels with 0, 0 at the upper left corner of the upper left pixel, so the
centre of that pixel is at 0.5, 0.5; here pixel centres are at whole numbers, hence a shift by half a pixel.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from geojson_pydantic import (
    Feature,
    FeatureCollection,
    GeometryCollection,
    MultiPolygon,
)
from geojson_pydantic import Polygon as GeoPolygon
from geojson_pydantic.geometries import Geometry
from pydantic import ValidationError

from armicro.contracts.errors import RegionError
from armicro.devices.file_model import explain, read_text
from armicro.imaging.regions import Polygon, Regions

_MODELS: dict[str, Any] = {
    "Feature": Feature[Geometry, Any],
    "FeatureCollection": FeatureCollection[Feature[Geometry, Any]],
    "GeometryCollection": GeometryCollection,
    "Polygon": GeoPolygon,
    "MultiPolygon": MultiPolygon,
}


def is_exclusion(properties: dict[str, Any] | None) -> bool:
    """Tell whether a feature's properties mark it as a place where no cell counts.

    That is so if its name or its classification's name is "exclude" or begins with "ignore" (in any case),
    or ends with an asterisk, with which QuPath marks its own ignored classes ("Ignore*", "Necrosis*").
    """
    if not properties:
        return False
    classification = properties.get("classification")
    names = [properties.get("name"), properties.get("class")]
    names.append(classification.get("name") if isinstance(classification, dict) else classification)
    words = [n.strip().lower() for n in names if isinstance(n, str)]
    return any(w == "exclude" or w.startswith("ignore") or w.endswith("*") for w in words)


def _geometries(item: Any, excluded: bool) -> Iterator[tuple[GeoPolygon, bool]]:  # noqa: ANN401 - GeoJSON union
    """Walk down to the polygons, each with whether it is an exclusion."""
    if isinstance(item, FeatureCollection):
        for feature in item.features:
            yield from _geometries(feature, excluded)
    elif isinstance(item, Feature):
        properties = item.properties if isinstance(item.properties, dict) else None
        yield from _geometries(item.geometry, excluded or is_exclusion(properties))
    elif isinstance(item, GeometryCollection):
        for geometry in item.geometries:
            yield from _geometries(geometry, excluded)
    elif isinstance(item, MultiPolygon):
        for coordinates in item.coordinates:
            yield GeoPolygon(type="Polygon", coordinates=coordinates), excluded
    elif isinstance(item, GeoPolygon):
        yield item, excluded
    elif item is not None:
        raise RegionError(f"a {type(item).__name__} encloses no area: draw a polygon")


def _polygon(geometry: GeoPolygon) -> Polygon:
    rings = []
    for ring in geometry.coordinates:
        xy = np.array([(p[0], p[1]) for p in ring], dtype=np.float64)
        if len(xy) > 1 and (xy[0] == xy[-1]).all():
            xy = xy[:-1]
        rings.append(np.ascontiguousarray(xy[:, ::-1]) - 0.5)
    return Polygon(tuple(rings))


def parse_regions(text: str) -> Regions:
    """Read regions from GeoJSON text.

    Taken are Polygon and MultiPolygon with holes, alone or in a Feature, FeatureCollection or
    GeometryCollection, and QuPath's plain list of features. Several included polygons add up; exclusions
    (see `is_exclusion`) are taken away from them, or from the whole field where nothing is included. A ring
    that crosses itself is read by the even-odd rule.

    Parameters
    ----------
    text : str
        GeoJSON.

    Returns
    -------
    Regions
        Polygons in pixels of the field.

    Raises
    ------
    RegionError
        If the text is not GeoJSON, or holds no polygon, or something else than polygons.
    """
    try:
        raw = json.loads(text)
    except (json.JSONDecodeError, RecursionError) as error:
        raise RegionError(f"it is not GeoJSON ({error})") from error
    if isinstance(raw, list):
        raw = {"type": "FeatureCollection", "features": raw}
    model = _MODELS.get(str(raw.get("type"))) if isinstance(raw, dict) else None
    if model is None:
        kind = raw.get("type") if isinstance(raw, dict) else type(raw).__name__
        raise RegionError(f"its GeoJSON type is {str(kind)[:40]!r}: expected {', '.join(_MODELS)}")
    try:
        with warnings.catch_warnings():
            # The library warns where a collection is legal but could be simpler.
            warnings.simplefilter("ignore", UserWarning)
            document = model.model_validate(raw)
        found = [(_polygon(g), out) for g, out in _geometries(document, excluded=False)]
    except ValidationError as error:
        raise RegionError(f"it is not valid GeoJSON: {explain(error, 1)}") from error
    except RecursionError as error:
        raise RegionError("its collections are nested too deeply") from error
    if not found:
        raise RegionError("it holds no region: draw at least one polygon")
    return Regions(tuple(p for p, out in found if not out), tuple(p for p, out in found if out))


def read_regions(path: Path) -> Regions:
    """Read regions from a GeoJSON file.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    Regions
        Polygons in pixels of the field.

    Raises
    ------
    RegionError
        With the file's name, if it cannot be read as regions.
    """
    text = read_text(path, RegionError)
    try:
        return parse_regions(text)
    except RegionError as error:
        raise RegionError(f"{path}: {error}") from error

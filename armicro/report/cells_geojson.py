"""The cells of a field as GeoJSON that QuPath opens as cells and detections with classes and measurements."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

import numpy as np

from armicro.contracts.arrays import F64
from armicro.contracts.cells import RULES, Category
from armicro.contracts.results import FovResult
from armicro.contracts.score import RESEARCH_USE_ONLY
from armicro.report.shown import category_name

SCHEMA_NAME = "armicro.cells-geojson/1"
NAMESPACE = uuid.UUID("3f0f6f0a-7f0e-5d6b-9a53-6b1d4b1c7c55")
"""Of the identities of cells: the same cell of the same pixels has the same identity in every export."""

CLASS_COLOURS: Mapping[Category, tuple[int, int, int]] = MappingProxyType(
    {
        Category.INTENSE_COMPLETE: (255, 40, 40),
        Category.INTENSE_INCOMPLETE: (255, 220, 0),
        Category.WEAK_COMPLETE: (40, 90, 255),
        Category.WEAK_INCOMPLETE: (100, 215, 255),
        Category.FAINT: (225, 225, 225),
        Category.NONE: (140, 140, 140),
    }
)
"""sRGB. Stained categories as in the overlay; QuPath knows no line styles, so the last two differ in grey."""

NOT_COUNTED = ("HER2 not counted*", (90, 90, 90))
"""Class of cells outside the regions; QuPath ignores a class whose name ends with an asterisk."""
OTHER_NUCLEUS = ("Other nucleus", (60, 150, 75))
"""Class of nuclei that are not of tumour cells."""

_HALF_PX = 0.5
"""QuPath's origin is the corner of the first pixel, ours its centre."""


def cells_geojson(result: FovResult, pixel_sha256: str) -> str:
    r"""Write the cells of a field as one FeatureCollection (RFC 7946).

    Parameters
    ----------
    result : FovResult
        The reading of the field.
    pixel_sha256 : str
        Of the field's pixels; makes the cells' identities.

    Returns
    -------
    str
        GeoJSON text, one feature a line, ending in "\n". Coordinates are x, y in px from the upper left
        corner of the field's first pixel. A cell with a contour is a polygon of `objectType` "cell", one
        without is a point of `objectType` "detection", as are nuclei of other cells. It holds no text from
        outside.
    """
    about = {
        "schema": SCHEMA_NAME,
        "research_use_only": RESEARCH_USE_ONLY,
        "package_version": result.provenance.package_version,
        "pixel_sha256": pixel_sha256,
        "um_per_px": result.provenance.optics.um_per_px,
        "width_px": result.shape[1],
        "height_px": result.shape[0],
    }
    features = ",\n".join(_json(f) for f in (*_cells(result, pixel_sha256), *_others(result, pixel_sha256)))
    body = f"\n{features}\n" if features else ""
    return f'{{"type":"FeatureCollection","armicro":{_json(about)},"features":[{body}]}}\n'


def contour_xy_px(result: FovResult, index: int) -> F64 | None:
    """Return the contour of a cell as vertices x, y (K, 2).

    Parameters
    ----------
    result : FovResult
        The reading of the field.
    index : int
        Row of the cell table.

    Returns
    -------
    ndarray of float64, (K, 2) or None
        In px from the corner of the first pixel, counterclockwise in these coordinates, cut to the field;
        None where the reading followed no contour or it encloses nothing.
    """
    radius_um = result.cells.contour_um[index].astype(np.float64)
    if len(radius_um) < 3:
        return None
    angle = 2 * np.pi * np.arange(len(radius_um)) / len(radius_um)
    y, x = result.cells.yx_px[index].astype(np.float64) + _HALF_PX
    radius = radius_um / result.provenance.optics.um_per_px
    height, width = result.shape
    xy = np.stack(
        [np.clip(x + radius * np.cos(angle), 0, width), np.clip(y + radius * np.sin(angle), 0, height)], 1
    ).round(2)
    following = np.roll(xy, -1, axis=0)
    area = (xy[:, 0] * following[:, 1] - following[:, 0] * xy[:, 1]).sum() / 2
    return xy if area > 0 else None


def _cells(result: FovResult, pixel_sha256: str) -> Iterator[dict[str, Any]]:
    cells = result.cells
    for i in range(len(cells)):
        category = Category(int(cells.category[i]))
        y, x = (cells.yx_px[i].astype(np.float64) + _HALF_PX).round(2).tolist()
        xy = contour_xy_px(result, i)
        geometry: dict[str, Any] = {"type": "Point", "coordinates": [x, y]}
        if xy is not None:
            geometry = {"type": "Polygon", "coordinates": [[*xy.tolist(), xy[0].tolist()]]}
        name, colour = f"HER2 {category_name(category)}", CLASS_COLOURS[category]
        if not cells.counted[i]:
            name, colour = NOT_COUNTED
        faint, weak, intense = (round(v, 4) for v in cells.stained_share[i].tolist())
        yield _feature(
            uuid.uuid5(NAMESPACE, f"{pixel_sha256} cell {i}"),
            geometry,
            {
                "objectType": "cell" if xy is not None else "detection",
                "classification": {"name": name, "color": list(colour)},
                "measurements": {
                    "Nucleus x px": x,
                    "Nucleus y px": y,
                    "Completeness": weak,
                    "Share of contour faint or stronger": faint,
                    "Share of contour weak or stronger": weak,
                    "Share of contour intense": intense,
                    "Membrane DAB OD mean": round(float(cells.membrane_dab_od[i]), 4),
                    "Membrane DAB OD 90th percentile": round(float(cells.membrane_dab_p90_od[i]), 4),
                    "Membrane width µm": round(float(cells.membrane_width_um[i]), 3),
                    "Category rank": int(category),
                },
                "metadata": {"category": category.key, "rule": RULES[int(cells.rule[i])].value},
            },
        )


def _others(result: FovResult, pixel_sha256: str) -> Iterator[dict[str, Any]]:
    name, colour = OTHER_NUCLEUS
    others = result.others
    for i, (y, x) in enumerate((others.yx_px.astype(np.float64) + _HALF_PX).round(2).tolist()):
        yield _feature(
            uuid.uuid5(NAMESPACE, f"{pixel_sha256} other {i}"),
            {"type": "Point", "coordinates": [x, y]},
            {
                "objectType": "detection",
                "classification": {"name": name, "color": list(colour)},
                "measurements": {"Detection score": round(float(others.score[i]), 4)},
            },
        )


def _feature(identity: uuid.UUID, geometry: dict[str, Any], properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "Feature", "id": str(identity), "geometry": geometry, "properties": properties}


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))

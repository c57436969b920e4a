from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from armicro.contracts.errors import InputError, OutputError
from tools.annotate.folder import PointsFolder
from tools.annotate.model import Crop, Kind, Membrane, Point, Sheet, State
from tools.annotate.store import (
    INDEX_COLUMNS,
    ImageId,
    IndexRow,
    PointsError,
    index_text,
    parse_index,
    parse_points,
    points_text,
    printable,
    sha256_of,
    write_text,
)
from tools.train.points import load_crops

CROP = Crop(100, 200, 400)
IMAGE = ImageId("core/a.png", "a" * 64)
HERE = Path("x.csv")


@st.composite
def points(draw: st.DrawFn) -> Point:
    kind = draw(st.sampled_from(Kind))
    membrane = draw(st.sampled_from(Membrane)) if kind is Kind.TUMOUR else Membrane.NOT_SET
    return Point(1, draw(st.floats(100, 499)), draw(st.floats(200, 599)), kind, membrane)


def content(found: tuple[Point, ...] | list[Point]) -> list[tuple[float, float, str, str]]:
    return sorted((p.y_px, p.x_px, str(p.kind), str(p.membrane)) for p in found)


@given(st.lists(points(), max_size=20))
def test_points_survive_a_round_trip_to_the_last_bit(marked: list[Point]) -> None:
    text = points_text(marked)
    again = parse_points(text, HERE, CROP, reviewed=True, first_uid=7)
    assert content(again) == content(marked)
    assert [p.uid for p in again] == list(range(7, 7 + len(marked)))
    assert points_text(again) == text


names = st.text(min_size=1, max_size=20)
rows = st.builds(
    IndexRow,
    st.from_regex(r"[\w \-.,;'#%&()]{1,20}\.csv", fullmatch=True).filter(lambda n: n == n.strip()),
    st.builds(ImageId, names, st.from_regex(r"[0-9a-f]{64}", fullmatch=True)),
    st.builds(Crop, st.integers(0, 9999), st.integers(0, 9999), st.integers(1, 999)),
    st.floats(0.05, 0.75),
    st.tuples(st.integers(0, 99), st.integers(0, 99), st.integers(0, 99)),
)


@given(st.lists(rows, max_size=5, unique_by=lambda r: r.file))
def test_an_index_survives_a_round_trip_whatever_images_are_called(listed: list[IndexRow]) -> None:
    text = index_text(listed)
    again = parse_index(text, HERE)
    shown = [replace(r, image=replace(r.image, name=printable(r.image.name))) for r in listed]
    assert sorted(again, key=lambda r: r.file) == sorted(shown, key=lambda r: r.file)
    assert index_text(again) == text
    text.encode("utf-8")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "first line"),
        ("y,x\n1,2\n", "first line"),
        ("y_px,x_px,kind,category\n120,220,T\n", "4 values expected"),
        ("y_px,x_px,kind,category\n120,north,T,no\n", "is no point"),
        ("y_px,x_px,kind,category\n120,nan,T,no\n", "is no point"),
        ("y_px,x_px,kind,category\n120,220,Q,\n", "is no point"),
        ("y_px,x_px,kind,category\n120,220,O,no\n", "is no point"),
        ("y_px,x_px,kind,category\n120,220,T,zz\n", "line 2"),
        ("y_px,x_px,kind,category\n20,220,T,no\n", "not in its crop"),
        ('y_px,x_px,kind,category\n120,"220,T,no\n', "damaged"),
    ],
)
def test_a_damaged_file_of_points_is_told_with_file_and_line(text: str, why: str) -> None:
    with pytest.raises(PointsError, match=why) as caught:
        parse_points(text, HERE, CROP, reviewed=True, first_uid=1)
    assert "x.csv" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "change",
    [{"file": "../evil.csv"}, {"file": "/etc/x"}, {"sha256": "short"}, {"size": "0"}, {"um_per_px": "-1"}],
)
def test_an_index_that_points_elsewhere_or_makes_no_sense_is_refused(change: dict[str, str]) -> None:
    good = dict(
        zip(INDEX_COLUMNS, ["a.csv", "a.png", "a" * 64, "1", "2", "3", "0.2", "0", "0", "0"], strict=True)
    )
    head = "\t".join(INDEX_COLUMNS)
    assert parse_index(f"{head}\n" + "\t".join(good.values()) + "\n", HERE)
    with pytest.raises(PointsError, match="line 2"):
        parse_index(f"{head}\n" + "\t".join((good | change).values()) + "\n", HERE)


def marked_sheet(state: State = State.OPEN) -> Sheet:
    marked = (Point(1, 300, 300, Kind.TUMOUR, Membrane.FAINT), Point(2, 104, 300, Kind.OTHER))
    return Sheet(
        state,
        marked if state is State.COMPLETE else (*marked, Point(3, 333, 333, Kind.OTHER, reviewed=False)),
    )


def test_marked_points_go_to_the_folder_and_unseen_proposals_to_drafts(tmp_path: Path) -> None:
    folder = PointsFolder(tmp_path)
    name = folder.save(IMAGE, 0.23, CROP, marked_sheet())
    assert name == "a_100_200.csv"
    assert (tmp_path / name).read_text() == "y_px,x_px,kind,category\n104,300,U,\n300,300,T,fa\n"
    assert (tmp_path / "drafts" / name).read_text() == "y_px,x_px,kind,category\n333,333,O,\n"
    line = (tmp_path / "index.tsv").read_text().splitlines()[1].split("\t")
    assert line == [name, "core/a.png", "a" * 64, "100", "200", "400", "0.23", "1", "0", "1"]
    opened = PointsFolder(tmp_path).open(IMAGE)
    assert opened.um_per_px == 0.23
    sheet = opened.document.sheets[CROP]
    assert (sheet.state, len(sheet.points), len(sheet.unreviewed)) == (State.OPEN, 3, 1)

    folder.save(IMAGE, 0.23, CROP, marked_sheet(State.COMPLETE))
    assert not (tmp_path / "drafts" / name).exists()
    assert PointsFolder(tmp_path).open(IMAGE).document.sheets[CROP].state is State.COMPLETE
    assert [p.name for p in tmp_path.iterdir() if p.name.startswith(".saving")] == []


def test_a_crop_without_a_marked_point_is_no_line_of_the_index_until_it_is_complete(tmp_path: Path) -> None:
    folder = PointsFolder(tmp_path)
    folder.save(IMAGE, 0.23, CROP, Sheet(State.OPEN, (Point(3, 333, 333, Kind.OTHER, reviewed=False),)))
    assert not (tmp_path / "a_100_200.csv").exists()
    assert PointsFolder(tmp_path).open(IMAGE).document.sheets[CROP].unreviewed
    folder.save(IMAGE, 0.23, CROP, Sheet(State.COMPLETE))
    assert len((tmp_path / "index.tsv").read_text().splitlines()) == 2
    folder.save(IMAGE, 0.23, CROP, None)
    assert not (tmp_path / "a_100_200.csv").exists()
    assert len((tmp_path / "index.tsv").read_text().splitlines()) == 1


def test_a_renamed_image_is_found_and_another_image_of_the_name_is_refused(tmp_path: Path) -> None:
    PointsFolder(tmp_path).save(IMAGE, 0.23, CROP, marked_sheet(State.COMPLETE))
    renamed = ImageId("b.png", IMAGE.sha256)
    again = PointsFolder(tmp_path)
    assert CROP in again.open(renamed).document.sheets
    again.save(renamed, 0.23, CROP, marked_sheet(State.COMPLETE))
    assert (tmp_path / "index.tsv").read_text().splitlines()[1].split("\t")[:2] == ["a_100_200.csv", "b.png"]
    for name in ("b.png", "core/b.png"):
        with pytest.raises(PointsError, match="is not the image that was marked"):
            again.open(ImageId(name, "b" * 64))
    assert again.open(ImageId("c.png", "b" * 64)).document.sheets == {}


def test_images_of_one_stem_get_files_of_their_own(tmp_path: Path) -> None:
    folder = PointsFolder(tmp_path)
    first = folder.save(ImageId("one/a.png", "a" * 64), 0.2, CROP, marked_sheet())
    second = folder.save(ImageId("two/a.png", "b" * 64), 0.2, CROP, marked_sheet())
    assert (first, second) == ("a_100_200.csv", "a-bbbbbbbb_100_200.csv")
    hostile = folder.save(ImageId('x/we:ird\n"<b>\t.png', "c" * 64), 0.2, CROP, marked_sheet())
    assert hostile == "we_ird___b___100_200.csv"
    folder.check()
    assert CROP in PointsFolder(tmp_path).open(ImageId("y.png", "c" * 64)).document.sheets


def test_a_damaged_crop_is_locked_and_left_as_it_is(tmp_path: Path) -> None:
    folder = PointsFolder(tmp_path)
    name = folder.save(IMAGE, 0.23, CROP, marked_sheet(State.COMPLETE))
    (tmp_path / name).write_bytes(b"y_px,x_px,kind,category\n300,\xff\xfe")
    again = PointsFolder(tmp_path)
    opened = again.open(IMAGE)
    assert opened.document.sheets == {}
    assert [crop for crop, _ in opened.locked] == [CROP]
    assert "not UTF-8" in opened.locked[0][1]
    with pytest.raises(PointsError):
        again.save(IMAGE, 0.23, CROP, marked_sheet(State.COMPLETE))
    assert (tmp_path / name).read_bytes() == b"y_px,x_px,kind,category\n300,\xff\xfe"
    (tmp_path / name).write_text("half a li")
    assert again.open(IMAGE).locked
    with pytest.raises(OutputError, match="somebody else"):
        again.save(IMAGE, 0.23, CROP, marked_sheet(State.COMPLETE))
    assert (tmp_path / name).read_text() == "half a li"


def test_what_somebody_else_has_written_meanwhile_is_not_overwritten(tmp_path: Path) -> None:
    folder = PointsFolder(tmp_path)
    name = folder.save(IMAGE, 0.23, CROP, marked_sheet(State.COMPLETE))
    (tmp_path / name).write_text("y_px,x_px,kind,category\n310,310,T,ic\n")
    with pytest.raises(OutputError, match="somebody else"):
        folder.save(IMAGE, 0.23, CROP, Sheet(State.COMPLETE))
    assert "310" in (tmp_path / name).read_text()
    # An index line that another program adds is kept.
    other = PointsFolder(tmp_path)
    other.save(ImageId("z.png", "c" * 64), 0.3, CROP, marked_sheet())
    folder.save(ImageId("y.png", "d" * 64), 0.3, CROP, marked_sheet())
    assert len((tmp_path / "index.tsv").read_text().splitlines()) == 4


def test_a_damaged_index_stops_saving_and_stays(tmp_path: Path) -> None:
    (tmp_path / "index.tsv").write_text("half a li")
    folder = PointsFolder(tmp_path)
    for act in (folder.check, lambda: folder.save(IMAGE, 0.23, CROP, marked_sheet())):
        with pytest.raises(PointsError, match=r"index\.tsv: damaged"):
            act()
    assert (tmp_path / "index.tsv").read_text() == "half a li"


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot be written"):
        write_text(tmp_path / "file" / "x.csv", "")
    with pytest.raises(InputError, match="cannot be read"):
        sha256_of(tmp_path / "none.png")


def test_training_reads_what_is_saved(fields: Path, tmp_path: Path) -> None:
    image = ImageId("field 9.png", sha256_of(fields / "field 9.png"))
    crop = Crop(20, 30, 200)
    sheet = Sheet(State.COMPLETE, (Point(1, 100, 120, Kind.TUMOUR), Point(2, 24, 60, Kind.TUMOUR)))
    PointsFolder(tmp_path / "p").save(image, 0.25, crop, sheet)
    (loaded,) = load_crops([tmp_path / "p"], fields)
    assert (len(loaded.tumour_px), len(loaded.uncertain_px), loaded.um_per_px) == (1, 1, 0.25)


def test_the_shared_points_are_read_and_would_be_written_as_they_are() -> None:
    shared = Path(__file__).parents[3].parent / "shared" / "data" / "points"
    if not (shared / "index.tsv").exists():
        pytest.skip(f"no shared points at {shared}")
    with (shared / "index.tsv").open(encoding="utf-8", newline="") as file:
        listed = list(csv.DictReader(file, delimiter="\t"))
    folder = PointsFolder(shared)
    for row in listed:
        opened = folder.open(ImageId(row["image"], row["sha256"]))
        assert not opened.locked
        crop = Crop(int(row["y0"]), int(row["x0"]), int(row["size"]))
        own = opened.document.sheets[crop]
        text = points_text(own.points)
        assert sorted(text.splitlines()) == sorted((shared / row["file"]).read_text().splitlines())

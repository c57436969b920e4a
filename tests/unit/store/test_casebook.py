"""The store on disk: what it promises where something goes wrong."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import tifffile
from hypothesis import given
from hypothesis import strategies as st

from armicro.contracts.casebook import CaseEvent
from armicro.contracts.errors import StoreError
from armicro.contracts.frame import Frame, Optics
from armicro.store.casebook import DATABASE, CaseBook, checked_name, folder_of
from armicro.store.field_files import KEPT, write_tiff
from armicro.store.schema import VERSION

HOSTILE = [
    "../../x",
    "<script>alert(1)</script>",
    "=cmd()|'/c calc'!A1",
    "a/b\\c",
    "CON",
    "'; DROP TABLE cases; --",
]


def a_frame(seed: int, side: int = 48) -> Frame:
    rgb = np.random.default_rng(seed).integers(0, 256, (side, side, 3), np.uint8)
    return Frame(rgb, seed, seed, Optics(0.25, "40x"), "camera")


def only_file(folder: Path) -> Path:
    (file,) = (folder / "fields").rglob("field-*.ome.tif")
    return file


def test_a_case_is_continued_after_closing(tmp_path: Path) -> None:
    for k in range(3):
        book = CaseBook(tmp_path)
        case = book.open_case("26-1187")
        assert case.n_fields == k
        assert case.keep(a_frame(k), k) == k + 1
        case.close()
        book.close()
    book = CaseBook(tmp_path)
    assert [(row.name, row.fields, row.events) for row in book.cases()] == [("26-1187", 3, 3)]
    assert book.verify("26-1187") == ()
    assert book.damage() is None
    book.close()


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_stays_inside_the_folder(tmp_path: Path, name: str) -> None:
    book = CaseBook(tmp_path / "cases")
    case = book.open_case(name)
    case.keep(a_frame(1), 1)
    case.close()
    assert [row.name for row in book.cases()] == [name]
    assert [p.name for p in tmp_path.iterdir()] == ["cases"]
    assert only_file(tmp_path / "cases").parent.name == folder_of(name)
    book.close()


@given(st.text(max_size=60))
def test_a_folder_is_named_safely(name: str) -> None:
    folder = folder_of(name)
    assert set(folder) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-")
    assert not folder.startswith("-")
    assert len(folder) < 60


@pytest.mark.parametrize("name", ["", "  ", "a\nb", "x" * 201, "\x00"])
def test_an_impossible_name_is_refused(name: str) -> None:
    with pytest.raises(StoreError, match="needs a name"):
        checked_name(name)


def test_files_are_the_users_alone(tmp_path: Path) -> None:
    if sys.platform == "win32":
        pytest.skip("rights are kept otherwise on Windows")
    book = CaseBook(tmp_path / "cases")
    case = book.open_case("a")
    case.keep(a_frame(1), 1)
    for path in (tmp_path / "cases").rglob("*"):
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path
    case.close()
    book.close()


def test_a_field_file_is_ome_with_its_scale(tmp_path: Path) -> None:
    book = CaseBook(tmp_path)
    case = book.open_case("a")
    case.keep(a_frame(3), 1)
    case.close()
    book.close()
    with tifffile.TiffFile(only_file(tmp_path)) as tiff:
        assert tiff.is_ome
        assert 'PhysicalSizeX="0.25"' in str(tiff.ome_metadata)
        np.testing.assert_array_equal(tiff.asarray(), a_frame(3).rgb)


@pytest.mark.parametrize("shape", [(1, 1), (3, 700), (255, 64), (256, 64), (257, 65), (770, 33)])
def test_a_field_is_packed_as_tifffile_itself_packs_it(shape: tuple[int, int]) -> None:
    frame = Frame(np.random.default_rng(1).integers(0, 256, (*shape, 3), np.uint8), 1, 1, Optics(0.25), "")
    packed, plain = BytesIO(), BytesIO()
    write_tiff(packed, frame, "a", "urn:uuid:1", KEPT)
    tifffile.imwrite(
        plain, frame.rgb, photometric="rgb", compression="zstd", compressionargs={"level": 1},
        predictor=True, rowsperstrip=256,
    )  # fmt: skip
    strips = []
    for file in (packed, plain):
        file.seek(0)
        np.testing.assert_array_equal(tifffile.imread(file), frame.rgb)
        file.seek(0)
        with tifffile.TiffFile(file) as tiff:
            page = tiff.pages.first
            assert (page.compression, page.predictor) == (50000, 2)
            places = zip(page.dataoffsets, page.databytecounts, strict=True)
            strips.append([file.getvalue()[at : at + n] for at, n in places])
    assert strips[0] == strips[1]


def test_the_log_tells_who_when_and_what(tmp_path: Path) -> None:
    at = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
    book = CaseBook(tmp_path, clock=lambda: at, who="mw")
    case = book.open_case("a")
    case.keep(a_frame(1), 1)
    case.record(CaseEvent("remove", {"number": 1}))
    case.close()
    kept, removed = book.events("a")
    assert (kept.kind, removed.kind, removed.who) == ("kept", "remove", "mw")
    assert removed.utc == "2026-11-25T12:00:00.000+00:00"
    assert json.loads(removed.details) == {"number": 1}
    book.close()


def test_an_altered_log_and_an_altered_field_are_found(tmp_path: Path) -> None:
    book = CaseBook(tmp_path)
    case = book.open_case("a")
    case.keep(a_frame(1), 1)
    case.record(CaseEvent("remove", {"number": 1}))
    case.record(CaseEvent("restore", {"number": 1}))
    case.close()
    db = sqlite3.connect(tmp_path / DATABASE)
    with pytest.raises(sqlite3.DatabaseError, match="append-only"):
        db.execute("UPDATE events SET kind = 'x'")
    db.execute("DROP TRIGGER events_are_not_changed")
    db.execute("UPDATE events SET kind = 'nothing' WHERE seq = 2")
    db.commit()
    db.close()
    tifffile.imwrite(only_file(tmp_path), a_frame(2).rgb)
    words = [finding.words for finding in book.verify("a")]
    assert len(words) == 2
    assert "event 2" in words[0]
    assert "not what was captured" in words[1]
    book.close()


def test_a_damaged_field_is_told_and_the_others_stay_readable(tmp_path: Path) -> None:
    book = CaseBook(tmp_path)
    case = book.open_case("a")
    for k in (1, 2):
        case.keep(a_frame(k), k)
    file = next((tmp_path / "fields").rglob("field-0001.ome.tif"))
    file.write_bytes(file.read_bytes()[:300])
    with pytest.raises(StoreError, match="restore"):
        case.frame(1)
    np.testing.assert_array_equal(case.frame(2).rgb, a_frame(2).rgb)
    file.unlink()
    with pytest.raises(StoreError, match="no such file"):
        case.frame(1)
    assert [f.field for f in book.verify("a")] == [1]
    case.close()
    book.close()


def test_a_store_of_a_newer_version_is_left_alone(tmp_path: Path) -> None:
    CaseBook(tmp_path).close()
    db = sqlite3.connect(tmp_path / DATABASE)
    db.execute(f"PRAGMA user_version = {VERSION + 1}")
    db.close()
    with pytest.raises(StoreError, match="newer armicro"):
        CaseBook(tmp_path)


def test_another_programs_database_is_refused(tmp_path: Path) -> None:
    db = sqlite3.connect(tmp_path / DATABASE)
    db.execute("CREATE TABLE t (x)")
    db.commit()
    db.close()
    with pytest.raises(StoreError, match="no case store"):
        CaseBook(tmp_path)


def _read_all(folder: Path) -> None:
    book = CaseBook(folder)
    try:
        book.events("a")
        book.verify("a")
    finally:
        book.close()


def test_a_truncated_database_is_told_in_words(tmp_path: Path) -> None:
    book = CaseBook(tmp_path)
    case = book.open_case("a")
    for k in range(30):
        case.record(CaseEvent("note", {"text": "x" * 500, "k": k}))
    case.close()
    book.close()
    path = tmp_path / DATABASE
    data = bytearray(path.read_bytes())
    data[4096 * 2 : 4096 * 6] = b"\xff" * 4096 * 4
    path.write_bytes(bytes(data))
    with pytest.raises(StoreError, match="damaged"):
        _read_all(tmp_path)


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x", encoding="utf-8")
    with pytest.raises(StoreError, match="file"):
        CaseBook(tmp_path / "file" / "cases")


def test_a_full_disk_is_told_and_nothing_kept_is_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    book = CaseBook(tmp_path)
    case = book.open_case("a")
    case.keep(a_frame(1), 1)

    def no_room(handle: int) -> None:
        del handle
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", no_room)
        with pytest.raises(StoreError, match="no space left"):
            case.keep(a_frame(2), 2)
    assert [p.name for p in only_file(tmp_path).parent.iterdir()] == ["field-0001.ome.tif"]
    assert case.keep(a_frame(3), 3) == 2
    case.close()
    assert book.verify("a") == ()
    book.close()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 3 MB of its own."""
    mount, place = shutil.which("mount"), tmp_path / "disk"
    place.mkdir()
    if (
        mount is None
        or subprocess.run(
            [mount, "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(place)], capture_output=True, check=False
        ).returncode
    ):
        pytest.skip("no file system can be mounted here: that takes root on Linux")
    yield place
    subprocess.run(["umount", str(place)], check=True)


def test_a_disk_that_fills_up_keeps_what_was_told_and_takes_more_when_there_is_room(small_disk: Path) -> None:
    book = CaseBook(small_disk / "cases")
    case = book.open_case("a")
    told: dict[int, int] = {}

    def fill() -> None:
        noise = np.random.default_rng(0)
        for k in range(100):
            rgb = noise.integers(0, 256, (300, 300, 3), np.uint8)
            rgb.flags.writeable = False
            told[case.keep(Frame(rgb, k, k, Optics(0.25), "camera"), k)] = int(rgb.sum())

    with pytest.raises(StoreError, match=r"(?i)no (space left|room)"):
        fill()
    assert len(told) > 2
    assert not list(small_disk.rglob("*.part"))
    for number, total in told.items():
        assert int(case.frame(number).rgb.sum()) == total
    assert book.verify("a") == ()
    case.close()
    book.close()
    subprocess.run(["mount", "-o", "remount,size=20m", str(small_disk)], check=True)
    again = CaseBook(small_disk / "cases")
    case = again.open_case("a")
    assert case.keep(a_frame(1), 1) == len(told) + 1
    case.close()
    assert again.verify("a") == ()
    again.close()


def test_a_disk_that_cannot_be_written_is_told_and_stays_readable(small_disk: Path) -> None:
    book = CaseBook(small_disk / "cases")
    case = book.open_case("a")
    case.keep(a_frame(1), 1)
    case.close()
    book.close()
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    try:
        with pytest.raises(StoreError, match=r"(?i)cannot be written|read-only"):
            CaseBook(small_disk / "cases").open_case("a").keep(a_frame(2), 2)
        assert list((small_disk / "cases" / "fields").rglob("field-0001.ome.tif"))
    finally:
        subprocess.run(["mount", "-o", "remount,rw", str(small_disk)], check=True)


def test_a_file_that_no_record_knows_is_put_aside(tmp_path: Path) -> None:
    book = CaseBook(tmp_path)
    case = book.open_case("a")
    stray = tmp_path / "fields" / folder_of("a") / "field-0001.ome.tif"
    stray.write_bytes(b"written just before the power went")
    assert case.keep(a_frame(1), 1) == 1
    assert (stray.parent / f"orphan-1-{stray.name}").read_bytes().startswith(b"written")
    case.close()
    assert book.verify("a") == ()
    book.close()


CAPTURING = """
import sys, numpy as np
from collections.abc import Iterator
from pathlib import Path
from armicro.contracts.frame import Frame, Optics
from armicro.store.casebook import CaseBook
case = CaseBook(Path(sys.argv[1])).open_case("killed")
for k in range(100000):
    rgb = np.random.default_rng(k).integers(0, 256, (96, 96, 3), np.uint8)
    number = case.keep(Frame(rgb, k, k, Optics(0.25), "camera"), k)
    print(number, int(rgb.sum()), flush=True)
"""


@pytest.mark.slow
def test_no_announced_field_is_lost_when_the_process_is_killed(tmp_path: Path) -> None:
    """A few moments here; `python -m tools.evaluate.kill_store --times 200` runs as many as one likes."""
    rng = np.random.default_rng(0)
    announced: dict[int, int] = {}
    for _ in range(4):
        process = subprocess.Popen(
            [sys.executable, "-c", CAPTURING, str(tmp_path)], stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        first = process.stdout.readline()
        time.sleep(float(rng.uniform(0, 0.3)))
        process.kill()
        rest, _ = process.communicate()
        for line in (first + rest).splitlines():
            parts = line.split()
            if len(parts) == 2:
                assert int(parts[0]) not in announced
                announced[int(parts[0])] = int(parts[1])
    book = CaseBook(tmp_path)
    assert book.verify("killed") == ()
    assert book.damage() is None
    case = book.open_case("killed")
    assert case.n_fields >= len(announced) > 0
    for number, total in announced.items():
        assert int(case.frame(number).rgb.sum()) == total
    case.close()
    book.close()

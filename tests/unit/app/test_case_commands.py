"""`armicro case` over cases that a session kept."""

from __future__ import annotations

import io
import json
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from armicro.analysis.detect_classical import ClassicalDetector
from armicro.app.cli import main
from armicro.app.detectors import MadeDetector
from armicro.app.profiles import load_stain_profile
from armicro.assays.recipe import reading_version
from armicro.contracts.cells import Category
from armicro.contracts.devices import Exposure
from armicro.contracts.frame import Optics
from armicro.contracts.stain import DabThresholds
from armicro.session.commands import ReclassifyCell, RemoveField, SetThresholds
from armicro.sim.case import CaseParams, simulate_case
from armicro.sim.params import parse_mix
from armicro.store.casebook import CaseBook
from tests.session_rig import Rig

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two cases of a session with the classical detector, one of them edited."""
    folder = tmp_path_factory.mktemp("kept") / "cases"
    book = CaseBook(folder)
    for name, seed in (("K-1", 1), ("K-2", 2)):
        params = CaseParams(mix=parse_mix("2+"), um_per_px=0.5, shape_px=(256, 256), fields=2)
        rig = Rig(
            open_case=book.open_case, case_id=name, detector=MadeDetector(ClassicalDetector()),
            load_profile=load_stain_profile, profile="default-hdab",
        )  # fmt: skip
        for number, field in enumerate(simulate_case(params, seed), start=1):
            for _ in range(2):
                rig.now_ns += 10**8
                rig.frame_id += 1
                exposure = Exposure(field.rgb, rig.frame_id, rig.now_ns, Optics(0.5))
                rig.session.on_exposure(exposure)
            rig.press()
            rig.now_ns += 10**8
            rig.frame_id += 1
            rig.session.on_exposure(Exposure(field.rgb, rig.frame_id, rig.now_ns, Optics(0.5)))
            rig.scored(number)
        if name == "K-2":
            rig.session.do(SetThresholds(DabThresholds(0.15, 0.5, 0.05)))
            rig.scored(2)
            rig.session.do(ReclassifyCell(1, 0, Category.INTENSE_COMPLETE, "by eye"))
            rig.until(lambda rig=rig: rig.session.snapshot().fields[0].edits == 1)  # type: ignore[misc]
            rig.scored(2)
            rig.session.do(RemoveField(2))
            rig.scored(1)
        rig.session.close()
    book.close()
    return folder


@pytest.fixture
def run(kept: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    def call(*arguments: object, cases: Path = kept) -> tuple[int, str, str]:
        capsys.readouterr()
        code = main(["case", *map(str, arguments), "--cases", str(cases)])
        out, err = capsys.readouterr()
        return code, out, err

    return call


@pytest.fixture
def copy(tmp_path: Path, run: Run) -> Path:
    """A backup to be changed."""
    code, out, _ = run("backup", tmp_path / "copy")
    assert code == 0
    assert "4 fields" in out
    return tmp_path / "copy"


def test_list_and_search(run: Run) -> None:
    code, out, _ = run("list", "--json")
    assert code == 0
    assert {r["name"]: r["fields"] for r in json.loads(out)} == {"K-1": 2, "K-2": 2}
    assert "K-1" not in run("list", "k-2")[1]
    code, _, err = run("list", "nothing like this")
    assert code == 0
    assert "there is no case" in err


def test_show(run: Run) -> None:
    code, out, _ = run("show", "K-2", "--json")
    assert code == 0
    shown = json.loads(out)
    assert shown["score"]["n_fields"] == 1
    assert [f["removed"] for f in shown["fields"]] == [False, True]
    assert {"opened", "kept", "capture", "thresholds", "cell", "remove", "score"} <= {
        e["kind"] for e in shown["events"]
    }
    assert "by eye" in run("show", "K-2")[1]


def test_everything_is_reproduced(run: Run) -> None:
    code, out, err = run("verify", "--quiet")
    assert (code, out.strip(), err) == (0, "2 of 2 cases reproduced", "")


def test_another_result_is_found(run: Run, copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A field whose pixels are others, with every hash and the chain made to fit, is told by its cells."""
    book = CaseBook(copy)
    first, second = (f.path for f in book.fields("K-1"))
    shas = [f.sha256 for f in book.fields("K-1")]
    book.close()
    a, b = first.read_bytes(), second.read_bytes()
    first.write_bytes(b)
    second.write_bytes(a)
    code, _, err = run("verify", "K-1", "--no-reread", cases=copy)
    assert code == 3
    assert "not what was captured" in err
    db = sqlite3.connect(copy / "cases.db")
    db.execute("DROP TRIGGER fields_are_not_changed")
    for number, sha in ((1, shas[1]), (2, shas[0])):
        db.execute("UPDATE fields SET sha256 = ? WHERE number = ? AND case_id = 1", (sha, number))
    db.commit()
    db.close()
    code, _, err = run("verify", "K-1", cases=copy)
    assert code == 3
    assert "gives other cells" in err
    assert "version" not in err
    monkeypatch.setattr("armicro.app.case_again.reading_version", lambda _: 99)
    said = " ".join(run("verify", "K-1", cases=copy)[2].split())
    now = reading_version("per-cell")
    assert f"it was scored by version {now} of the per-cell reading, and this armicro has version 99" in said


def test_export_equals_what_was_scored(run: Run, tmp_path: Path) -> None:
    out = tmp_path / "case.json"
    code, _, _ = run("export", "K-2", "--json", out, "--frames", tmp_path / "frames", "--quiet")
    assert code == 0
    document = json.loads(out.read_text(encoding="utf-8"))
    score = json.loads(run("show", "K-2", "--json")[1])["score"]
    assert (document["score"], document["n_cells"]) == (score["score"], score["n_cells"])
    assert document["fields"][0]["notes"] == ["1 cell was changed by hand (by eye)"]
    assert len(list((tmp_path / "frames").glob("*.png"))) == 1
    assert run("export", "K-2")[0] == 3


def test_an_interrupted_backup_goes_on(run: Run, copy: Path) -> None:
    (copy / "cases.db").unlink()
    file = next(copy.glob("fields/*/field-0002.ome.tif"))
    file.write_bytes(b"half")
    assert run("backup", copy)[0] == 0
    assert run("verify", "--no-reread", cases=copy)[0] == 0
    code, _, err = run("backup", copy)
    assert code == 3
    assert "holds cases already" in err


def test_restore(run: Run, copy: Path, tmp_path: Path) -> None:
    target = tmp_path / "restored"
    assert run("restore", copy, cases=target)[0] == 0
    assert run("verify", "--quiet", cases=target)[0] == 0
    assert run("restore", copy, cases=target)[0] == 3
    (tmp_path / "empty").mkdir()
    assert run("restore", tmp_path / "empty", cases=tmp_path / "other")[0] == 3


def test_delete_leaves_a_line_and_nothing_readable(run: Run, copy: Path) -> None:
    assert run("delete", "K-1", "--reason", " ", "--yes", cases=copy)[0] == 3
    assert run("delete", "K-1", "--reason", "twice registered", "--yes", cases=copy)[0] == 0
    assert [r["name"] for r in json.loads(run("list", "--json", cases=copy)[1])] == ["K-2"]
    assert len(list((copy / "fields").iterdir())) == 1
    assert all(b"K-1" not in p.read_bytes() for p in copy.glob("cases.db*"))
    db = sqlite3.connect(copy / "cases.db")
    assert db.execute("SELECT reason, fields FROM deletions").fetchall() == [("twice registered", 2)]
    with pytest.raises(sqlite3.IntegrityError, match="append-only"):
        db.execute("DELETE FROM events")
    db.close()
    assert run("verify", "--quiet", cases=copy)[0] == 0


def test_sign_off_and_amend(run: Run, copy: Path) -> None:
    assert run("amend", "K-1", "--reason", "x", cases=copy)[0] == 3
    assert run("sign-off", "K-1", "--note", "ok", cases=copy)[0] == 0
    assert run("sign-off", "K-1", cases=copy)[0] == 3
    code, _, err = run("delete", "K-1", "--reason", "x", "--yes", cases=copy)
    assert code == 3
    assert "amend it" in err
    assert run("amend", "K-1", "--reason", "stroma", cases=copy)[0] == 0
    assert run("delete", "K-1", "--reason", "x", "--yes", cases=copy)[0] == 0


def test_an_unknown_case_is_told(run: Run) -> None:
    for command in (["show", "?"], ["verify", "?"], ["export", "?", "--report", "x.html"], ["sign-off", "?"]):
        code, _, err = run(*command)
        assert code == 3
        assert "there is no case" in err


def test_an_export_never_replaces_what_is_kept(run: Run, copy: Path) -> None:
    before = {p: p.read_bytes() for p in copy.rglob("*.tif")}
    field = next(iter(before))
    for option, target in (
        ("--json", copy / "cases.db"),
        ("--bundle", field),
        ("--report", field.parent / "r"),
    ):
        code, _, err = run("export", "K-1", option, target, cases=copy)
        assert code == 4
        assert "cases are kept there" in err
    assert {p: p.read_bytes() for p in copy.rglob("*.tif")} == before
    assert run("verify", "--quiet", cases=copy)[0] == 0


def test_a_folder_without_cases_is_told_and_not_made(run: Run, tmp_path: Path) -> None:
    nowhere = tmp_path / "a slip" / "of the pen"
    code, out, _ = run("list", "--json", cases=nowhere)
    assert (code, json.loads(out)) == (0, [])
    for command in (
        ("show", "K-1"),
        ("verify",),
        ("export", "K-1", "--json", tmp_path / "x"),
        ("backup", "b"),
    ):
        code, _, err = run(*command, cases=nowhere)
        assert code == 3
        assert "no cases are kept there" in err
    assert not list(tmp_path.iterdir())


def test_a_name_that_is_nearly_right_is_answered_with_the_right_one(run: Run) -> None:
    code, _, err = run("show", "k-")
    assert code == 3
    assert "did you mean 'K-" in err


def test_a_deletion_that_is_declined_or_not_answered_deletes_nothing(
    run: Run, copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for answer, code in (("n\n", 0), ("", 130)):
        monkeypatch.setattr("sys.stdin", io.StringIO(answer))
        assert run("delete", "K-1", "--reason", "a slip", cases=copy)[0] == code
    assert "K-1" in run("list", cases=copy)[1]

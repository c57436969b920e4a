"""Locked settings: used by every command, others refused, each result says so, releasing is on record."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from armicro.app.case_again import kept_case
from armicro.app.case_run import CaseOptions
from armicro.app.cli import main
from armicro.app.detectors import DetectorChoice
from armicro.app.profiles import load_stain_profile
from armicro.app.settings_lock import log_entries, present_lock
from armicro.app.window import lock_as
from armicro.assays.recipe import reading_version
from armicro.contracts.errors import InputError, ProfileError, StoreError
from armicro.contracts.stain import DabThresholds
from armicro.session.commands import NewCase, SetGuideline, SetThresholds
from armicro.store.casebook import CaseBook
from tests.session_rig import Rig

Run = Callable[..., tuple[int, str]]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    place = tmp_path / "lock"
    monkeypatch.setenv("ARMICRO_LOCK", str(place))
    return place


@pytest.fixture
def run(folder: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    assert not folder.exists()

    def call(*arguments: object) -> tuple[int, str]:
        capsys.readouterr()
        code = main([*map(str, arguments)])
        out, err = capsys.readouterr()
        return code, out + err

    return call


@pytest.fixture
def picture(run: Run, tmp_path: Path) -> Path:
    what = ("--out", tmp_path / "sim", "--fields", 1, "--size", 256, "--quiet")
    assert run("simulate", *what)[0] == 0
    return next((tmp_path / "sim").rglob("*.png"))


LOCK = ("lock", "set", "validated 2026-11", "--guideline", "asco-cap-2018-breast", "--detector", "classical")


def test_results_say_which_set_they_were_made_with(run: Run, picture: Path, tmp_path: Path) -> None:
    out = tmp_path / "case.json"
    assert run("score", picture, "--detector", "classical", "--json", out)[0] == 0
    assert json.loads(out.read_text())["provenance"]["locked_as"] is None
    assert run(*LOCK)[0] == 0
    code, _ = run("score", picture, "--json", tmp_path / "locked.json", "--report", tmp_path / "r.html")
    assert code == 0
    provenance = json.loads((tmp_path / "locked.json").read_text())["provenance"]
    assert provenance["locked_as"].startswith("validated 2026-11 (locked ")
    assert provenance["detector"] == "classical/1"
    assert "validated 2026-11" in (tmp_path / "r.html").read_text()


@pytest.mark.parametrize(
    "other",
    [
        ("--guideline", "gastric-2016-biopsy"),
        ("--reading", "zhang-2020"),
        ("--detector", "nuclei-a"),
        ("--stain-profile", "mine.toml"),
        ("--engine", "openvino"),
    ],
)
def test_other_settings_are_refused(run: Run, picture: Path, other: tuple[str, str]) -> None:
    assert run(*LOCK)[0] == 0
    code, said = run("score", picture, *other)
    assert code == 3
    assert "locked as validated 2026-11" in said


def test_locking_twice_and_releasing_without_a_reason_are_refused(run: Run, folder: Path) -> None:
    assert run("lock", "release", "--reason", "x")[0] == 3
    assert run(*LOCK)[0] == 0
    assert run(*LOCK)[0] == 3
    assert run("lock", "release", "--reason", " ")[0] == 3
    assert run("lock", "release", "--reason", "new stainer")[0] == 0
    assert present_lock(folder) is None
    assert [e.kind for e in log_entries(folder)] == ["lock", "release"]
    assert "new stainer" in run("lock", "show")[1]


def test_a_lock_that_was_changed_by_hand_is_noticed(run: Run, folder: Path, picture: Path) -> None:
    assert run(*LOCK)[0] == 0
    profile = folder / "stain-profile.toml"
    profile.write_text(profile.read_text().replace("0.15", "0.2"))
    code, said = run("score", picture)
    assert code == 3
    assert "was changed since it was locked" in said
    assert run("lock", "release", "--reason", "damaged")[0] == 0


def test_a_log_that_was_altered_is_noticed(run: Run, folder: Path) -> None:
    assert run(*LOCK)[0] == 0
    assert run("lock", "release", "--reason", "first")[0] == 0
    log = folder / "log.jsonl"
    log.write_text(log.read_text().replace("first", "other"))
    with pytest.raises(ProfileError, match="altered"):
        log_entries(folder)


def test_another_detector_than_the_locked_one_is_refused(run: Run, folder: Path, picture: Path) -> None:
    assert run(*LOCK)[0] == 0
    settings = folder / "lock.toml"
    settings.write_text(settings.read_text().replace("classical/1", "classical/0"))
    code, said = run("score", picture)
    assert code == 5
    assert "classical/0" in said


def test_a_lock_of_another_version_of_the_reading_is_refused(run: Run, folder: Path, picture: Path) -> None:
    assert run(*LOCK)[0] == 0
    file = folder / "lock.toml"
    text = file.read_text()
    now = reading_version("per-cell")
    file.write_text(text.replace(f"reading_version = {now}\n", ""))  # as before versions were told
    assert file.read_text() != text
    code, said = run("score", picture, "--um-per-px", 0.212)
    assert code != 0
    assert "version 1" in said
    assert f"version {now}" in said


def test_the_window_locks_the_settings_in_force(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("platformdirs.user_data_path", lambda *_, **__: tmp_path / "data")
    rig = Rig(load_profile=load_stain_profile, profile="default-hdab")
    moved = DabThresholds(0.15, 0.5, 0.05)
    rig.session.do(SetThresholds(moved))
    lock_as(rig.session, CaseOptions(detector=DetectorChoice("classical")), "validated 2026-11")
    lock = present_lock(folder)
    assert lock is not None
    assert lock.file.identity == "fake/1"
    assert load_stain_profile(str(lock.profile)).thresholds == moved
    snapshot = rig.session.snapshot()
    assert snapshot.profile_locked_by == lock.words
    assert "-locked-" in snapshot.profile.name
    rig.session.do(SetThresholds(DabThresholds(0.2, 0.6)))
    rig.session.do(SetGuideline("zhang-2020"))
    assert rig.session.snapshot().profile.thresholds == moved
    assert rig.session.snapshot().guideline == "asco-cap-2018-breast"
    assert "cannot be changed here" in rig.notices()
    with pytest.raises(InputError, match="locked already"):
        lock_as(rig.session, CaseOptions(), "again")
    rig.session.close()
    assert "settings-lock" in [e.kind for e in rig.cases[0].events]


def test_a_kept_case_of_other_settings_is_not_continued_under_a_lock(tmp_path: Path) -> None:
    book = CaseBook(tmp_path / "cases")
    before = Rig(open_case=book.open_case)
    before.capture(1, 1)
    before.session.do(SetThresholds(DabThresholds(0.2, 0.6)))
    before.scored(1)
    before.session.close()
    with pytest.raises(StoreError, match="other settings"):
        Rig(open_case=book.open_case, profile_locked_by="validated")
    other = Rig(open_case=book.open_case, profile_locked_by="validated", case_id="new")
    other.session.do(NewCase("case"))
    other.until(lambda: "other settings" in other.notices())
    assert other.session.snapshot().case_id == "new"
    other.capture(2, 1)
    other.session.close()
    again = Rig(open_case=book.open_case, profile_locked_by="validated", case_id="new")
    again.scored(1)
    again.session.close()
    assert kept_case(book, "new").locked_as == "validated"
    assert kept_case(book, "case").locked_as is None
    book.close()

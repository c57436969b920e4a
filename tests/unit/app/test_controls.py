"""Which control belongs to a case, a laboratory's own limits, and what follows for scores and reports."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from armicro.app.calibration_files import ControlFile
from armicro.app.calibration_store import Origin, build, write
from armicro.app.controls import ControlAsk
from armicro.app.profiles import load_gate_limits
from armicro.contracts.errors import ProfileError
from armicro.imaging.gate import GateLimits, Limit
from armicro.imaging.gate_control import ControlSeen

Run = Callable[..., tuple[int, str, str]]
TODAY = dt.date(2026, 11, 28)


def measure(folder: Path, day: dt.date, **more: str) -> ControlFile:
    head = Origin("microscope 7", "any", "a tester", day).head("control", folder)
    values = {**head, "percentile": 95.0, "positive_od": 0.5, "reference": "itself", "factor": 1.0, **more}
    made = build(ControlFile, values)
    write(made, folder)
    return made


def test_the_newest_control_counts_with_its_age(tmp_path: Path) -> None:
    ask = ControlAsk(folder=tmp_path)
    assert ask.of("26-1", TODAY) == ControlSeen("", None)
    measure(tmp_path, dt.date(2026, 11, 1))
    newest = measure(tmp_path, dt.date(2026, 11, 25))
    measure(tmp_path, dt.date(2026, 12, 24))
    assert ask.of("26-1", TODAY) == ControlSeen(newest.identity, 3)


def test_a_control_on_the_slide_serves_its_own_case_alone(tmp_path: Path) -> None:
    own = measure(tmp_path, dt.date(2026, 11, 1), case="26-1")
    ask = ControlAsk(folder=tmp_path)
    assert ask.of("26-1", TODAY) == ControlSeen(own.identity, 0)
    assert ask.of("26-2", TODAY) == ControlSeen("", None)


def test_of_a_named_run_only_its_own_control_counts(tmp_path: Path) -> None:
    of_run = measure(tmp_path, dt.date(2026, 11, 1), staining_run="S-44")
    measure(tmp_path, TODAY)
    assert ControlAsk("S-44", folder=tmp_path).of("26-1", TODAY) == ControlSeen(of_run.identity, 0)
    assert ControlAsk("S-45", folder=tmp_path).of("26-1", TODAY) == ControlSeen("", None)


def test_the_shipped_limits_are_those_of_the_program() -> None:
    assert replace(load_gate_limits(), name="shipped") == GateLimits()


def test_a_laboratory_sets_its_own_limits(tmp_path: Path) -> None:
    path = tmp_path / "ours.toml"
    head = 'schema = "armicro.gate-limits/1"\nname = "ours"\nversion = "2"\n'
    path.write_text(head + "control = [0, 1]\nbrown = [0.05, 0.1]\n", encoding="utf-8")
    found = load_gate_limits(str(path))
    assert found.name == "ours/2"
    assert (found.control, found.brown, found.tissue) == (Limit(0, 1), Limit(0.05, 0.1), GateLimits().tissue)
    for wrong, why in (
        ("sharpness = [0.1, 0.3]", "has to refuse below where it warns"),
        ("brown = [0.1]", "brown"),
        ("control = [-1]", "control"),
        ("blur = [1, 2]", "unknown key"),
    ):
        path.write_text(head + wrong + "\n", encoding="utf-8")
        with pytest.raises(ProfileError, match=why):
            load_gate_limits(str(path))


@pytest.fixture
def strict(tmp_path: Path) -> Path:
    path = tmp_path / "strict.toml"
    text = 'schema = "armicro.gate-limits/1"\nname = "strict"\nversion = "1"\ncontrol = [0, 1]\n'
    path.write_text(text, encoding="utf-8")
    return path


def test_a_score_says_whether_there_was_a_control(
    run: Run, fields: list[Path], tmp_path: Path, strict: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calibrations = tmp_path / "calibration"
    monkeypatch.setattr("armicro.app.controls.calibration_folder", lambda: calibrations)
    out = tmp_path / "case.json"
    score = (
        "score", *fields, "--um-per-px", "0.424", "--detector", "classical", "--quiet", "--case-id", "26-7",
    )  # fmt: skip
    plain = (*score, "--json", out)
    assert run(*plain)[0] == 0
    assert json.loads(out.read_text(encoding="utf-8"))["control"] is None
    assert run(*plain, "--gate")[0] == 0
    control = json.loads(out.read_text(encoding="utf-8"))["control"]
    assert control["verdict"] == "warn"
    assert control["words"].startswith("no control of this run: none is recorded")
    code, _, err = run(*plain, "--gate", "--gate-limits", strict)
    assert code == 3
    assert "the quality gate refused every field" in err
    report = tmp_path / "report.html"
    excused = (*plain, "--gate", "--gate-limits", strict, "--without-control", "<b>block</b> used up")
    assert run(*excused, "--report", report)[0] == 0
    assert "counted without it: &lt;b&gt;block&lt;/b&gt; used up" in report.read_text(encoding="utf-8")
    assert "No control of this run." in report.read_text(encoding="utf-8")
    assert run("calibrate", "control", "--positive", fields[0], "--um-per-px", "0.424", "--case", "26-7",
               "--out", calibrations)[0] == 0  # fmt: skip
    code, _, err = run(*plain, "--gate", "--gate-limits", strict)
    assert (code, err) == (0, "")
    control = json.loads(out.read_text(encoding="utf-8"))["control"]
    assert control["verdict"] == "ok"
    assert control["words"].startswith("control control/")


def test_what_is_for_the_gate_asks_for_the_gate(run: Run, fields: list[Path], strict: Path) -> None:
    for option in (("--gate-limits", strict), ("--staining-run", "S-1"), ("--without-control", "why")):
        code, _, err = run("score", fields[0], "--um-per-px", "0.424", *option)
        assert code == 3
        assert "are for --gate" in err

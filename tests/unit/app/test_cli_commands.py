"""Each command does what it says, on small cases."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from armicro import __version__
from armicro.app.bench_child import BenchTask, bench_field, run_task
from armicro.app.commands.bench import parse_sizes, run_in_child
from armicro.app.commands.doctor import examine
from armicro.app.commands.listing import SchemaName
from armicro.contracts.cells import CATEGORIES
from armicro.contracts.errors import EngineError, InputError
from armicro.contracts.score import RESEARCH_USE_ONLY
from armicro.devices.image_files import read_image
from armicro.report.case_json import from_json
from armicro.scoring.guidelines import guideline_names

Run = Callable[..., tuple[int, str, str]]
Contents = Callable[[Path], Sequence[str]]


def load(path: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return document


def test_version_and_help(run: Run) -> None:
    assert run("--version") == (0, f"armicro {__version__}\n", "")
    for command in ("score", "replay", "simulate", "demo", "bench", "doctor", "guidelines", "schema"):
        code, out, err = run(command, "--help")
        assert (code, err) == (0, "")
        assert "Exit codes" in out
    code, out, _ = run("--help")
    assert code == 0
    assert "Research use only" in out


def test_score_writes_everything_it_is_asked_for(run: Run, fields: list[Path], tmp_path: Path) -> None:
    out = tmp_path / "out"
    code, stdout, stderr = run(
        "score", *fields, "--um-per-px", "0.424", "--case-id", "case [b]7", "--json", out / "case.json",
        "--cells", out / "cells", "--overlay", out / "overlay", "--report", out / "report.html",
    )  # fmt: skip
    assert (code, stderr) == (0, "")
    document = from_json((out / "case.json").read_text(encoding="utf-8"))
    assert document.schema_ == "armicro.case/1"
    assert document.case_id == "case [b]7"
    assert [f.path for f in document.fields] == [str(p) for p in fields]
    assert sum(getattr(document.counts, c.key) for c in CATEGORIES) == document.n_cells > 0
    assert set(document.fields[0].timings_ms) >= {"total", "outputs"}
    for path, field in zip(fields, document.fields, strict=True):
        with (out / "cells" / f"{path.stem}.cells.csv").open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        assert len(rows) == field.n_cells + field.n_excluded
        needed = {"y_px", "x_px", "y_um", "x_um", "category", "completeness", "membrane_dab_od", "rule"}
        assert needed <= set(rows[0])
        overlay = read_image(out / "overlay" / f"{path.stem}.overlay.png", 0.424).rgb
        assert overlay.shape == (320, 320, 3)
        assert (overlay != read_image(path, 0.424).rgb).any()
    report = (out / "report.html").read_text(encoding="utf-8")
    assert RESEARCH_USE_ONLY in report
    for text in ("case [b]7", RESEARCH_USE_ONLY, str(out / "report.html"), f"HER2 IHC {document.score}"):
        assert text in stdout
    for category in CATEGORIES:
        assert category.key in stdout


def test_quiet_is_one_line(run: Run, fields: list[Path]) -> None:
    code, out, err = run("score", *fields, "--um-per-px", "0.424", "--quiet")
    assert (code, err, out.count("\n")) == (0, "", 1)
    assert "(" in out


def test_reproducible_runs_give_the_same_bytes(run: Run, fields: list[Path], tmp_path: Path) -> None:
    for name in ("a", "b"):
        run("score", *fields, "--um-per-px", "0.424", "--reproducible", "--json", tmp_path / f"{name}.json")
    assert (tmp_path / "a.json").read_bytes() == (tmp_path / "b.json").read_bytes()


def test_fields_of_different_scale_are_each_read_at_their_own(
    run: Run, fields: list[Path], scaled_field: Path, tmp_path: Path
) -> None:
    out = tmp_path / "case.json"
    scales = ("--um-per-px", "0.424", "--um-per-px", "0.3")
    assert run("score", *fields, *scales, "--json", out)[0] == 0
    assert [f["um_per_px"] for f in load(out)["fields"]] == [0.424, 0.3]
    # One file tells its scale; the one given is for the other as well, and a contradiction is said.
    assert run("score", scaled_field, "--json", out)[0] == 0
    assert load(out)["fields"][0]["um_per_px"] == 0.424
    assert run("score", scaled_field, fields[1], "--um-per-px", "0.3", "--json", out)[0] == 0
    assert load(out)["fields"][0]["notes"] == [
        "the frame's own record says 0.424 µm/px; the given 0.3 was used"
    ]


def test_an_optics_profile_gives_scale_and_objective(run: Run, fields: list[Path], tmp_path: Path) -> None:
    out = tmp_path / "case.json"
    assert run("score", fields[0], "--optics", "paper-20x", "--json", out)[0] == 0
    field = load(out)["fields"][0]
    assert (field["um_per_px"], field["objective"]) == (0.424, "20x")


def test_equal_names_in_different_folders_keep_apart(run: Run, fields: list[Path], tmp_path: Path) -> None:
    images = []
    for name, source in zip("ab", fields, strict=True):
        (tmp_path / name).mkdir()
        images.append(tmp_path / name / "field.png")
        images[-1].write_bytes(source.read_bytes())
    code, out, _ = run("score", *images, "--um-per-px", "0.424", "--cells", tmp_path / "cells")
    assert code == 0
    assert sorted(p.name for p in (tmp_path / "cells").iterdir()) == ["field-2.cells.csv", "field.cells.csv"]
    assert "field-2.cells.csv" in out


def test_regions_take_cells_out_of_the_count(run: Run, fields: list[Path], tmp_path: Path) -> None:
    roi = tmp_path / "left.geojson"
    box = [[0, 0], [60, 0], [60, 320], [0, 320], [0, 0]]
    roi.write_text(json.dumps({"type": "Polygon", "coordinates": [box]}), encoding="utf-8")
    out = tmp_path / "case.json"
    assert run("score", fields[0], "--um-per-px", "0.424", "--roi", roi, "--json", out)[0] == 0
    part = load(out)["fields"][0]
    assert run("score", fields[0], "--um-per-px", "0.424", "--json", out)[0] == 0
    whole = load(out)["fields"][0]
    assert part["n_cells"] + part["n_excluded"] == whole["n_cells"]
    assert 0 < part["n_cells"] < whole["n_cells"]


def test_alpha_and_sixteen_bits_are_scored_and_said(run: Run, fields: list[Path], tmp_path: Path) -> None:
    rgb = read_image(fields[0], 0.424).rgb
    rgba = tmp_path / "rgba.png"
    Image.fromarray(np.dstack([rgb, np.full(rgb.shape[:2], 255, np.uint8)])).save(rgba)
    code, out, _ = run("score", rgba, "--um-per-px", "0.424", "--json", tmp_path / "a.json")
    assert code == 0
    assert "field 1: alpha channel dropped" in out
    run("score", fields[0], "--um-per-px", "0.424", "--json", tmp_path / "b.json")
    assert load(tmp_path / "a.json")["counts"] == load(tmp_path / "b.json")["counts"]


def test_glass_has_no_score_and_that_is_an_answer(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "glass.png"
    noise = np.random.default_rng(0).normal(243, 1.5, (320, 320, 3))
    Image.fromarray(noise.clip(0, 255).astype(np.uint8)).save(path)
    code, out, _ = run("score", path, "--um-per-px", "0.424", "--json", tmp_path / "a.json")
    assert code == 0
    document = load(tmp_path / "a.json")
    assert (document["score"], document["status"]) == (None, "not_assessable")
    assert "no score (not assessable)" in out


def test_the_published_reading_can_be_chosen(run: Run, fields: list[Path], tmp_path: Path) -> None:
    out = tmp_path / "a.json"
    code, *_ = run(
        "score",
        fields[0],
        "--um-per-px",
        "0.424",
        "--reading",
        "zhang-2020",
        "--guideline",
        "zhang-2020",
        "--json",
        out,
    )
    assert code == 0
    document = load(out)
    assert document["counts"]["faint"] == 0
    assert document["guideline"]["name"] == "zhang-2020"


def test_simulate_same_seed_same_bytes_and_its_fields_tell_their_scale(
    run: Run, contents: Contents, tmp_path: Path
) -> None:
    for name, seed in (("a", 3), ("b", 3), ("c", 4)):
        options = (
            "--fields",
            2,
            "--size",
            256,
            "--um-per-px",
            "0.424",
            "--mix",
            "3+",
            "--recording",
            "frames",
        )
        assert run("simulate", "--out", tmp_path / name, "--seed", seed, *options)[0] == 0
    names = contents(tmp_path / "a")
    assert names == contents(tmp_path / "b")
    assert {"field-01.png", "field-01.truth.csv", "field-02.png", "truth.json", "recording"} <= set(names)
    for name in names:
        if (tmp_path / "a" / name).is_file():
            assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    assert (tmp_path / "a" / "field-01.png").read_bytes() != (tmp_path / "c" / "field-01.png").read_bytes()
    truth = load(tmp_path / "a" / "truth.json")
    assert truth["simulated"] is True
    assert run("score", tmp_path / "a" / "field-01.png", "--json", tmp_path / "case.json")[0] == 0
    case = load(tmp_path / "case.json")
    assert case["simulated"] is True
    assert case["fields"][0]["um_per_px"] == 0.424
    code, _, err = run("simulate", "--out", tmp_path / "a")
    assert code == 4
    assert "holds a simulated case already" in err


def test_demo_scores_both_cases_and_may_be_repeated(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    first = run("demo", "--fields", 2, "--size", 320)
    code, out, err = run("demo", "--fields", 2, "--size", 320)
    assert (first[0], code, err) == (0, 0, "")
    assert "not for HER2" in out
    assert str(Path("armicro-demo") / "report.html") in out
    for part in (Path("armicro-demo"), Path("armicro-demo") / "real"):
        document = load(part / "case.json")
        assert document["schema"] == "armicro.case/1"
        assert document["simulated"] == (part.name != "real")
        assert (part / "report.html").stat().st_size > 10_000
    assert not list(Path("armicro-demo").rglob("*.part"))


def test_guidelines_are_listed_with_their_citation(run: Run) -> None:
    code, out, _ = run("guidelines")
    assert code == 0
    for name in guideline_names():
        assert name in out
    assert "doi" in out.lower()


@pytest.mark.parametrize("name", [s.value for s in SchemaName])
def test_schemas_are_json(run: Run, name: str) -> None:
    code, out, _ = run("schema", name)
    assert code == 0
    document = json.loads(out)
    # A file of several kinds is an object of one of them.
    kinds = [document]
    if "type" not in document:
        kinds = [document["$defs"][k["$ref"].rpartition("/")[2]] for k in document["oneOf"]]
    assert {k["type"] for k in kinds} == {"object"}


def test_doctor_always_answers(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    code, out, err = run("doctor")
    assert (code, err) == (0, "")
    for text in ("default-hdab", "onnxruntime", "harvesters", "pip install", "numpy"):
        assert text in out

    def broken(*_: object) -> None:
        raise OSError("driver is broken")

    monkeypatch.setattr("armicro.app.commands.doctor.shutil.which", broken)
    monkeypatch.setattr("armicro.app.commands.doctor.is_importable", broken)
    sections = dict(examine())
    assert "driver is broken" in sections["GPU"][0].purpose
    assert "driver is broken" in sections["cameras"][0].purpose


def test_doctor_finds_a_producer_on_the_vendors_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "vendor.cti").touch()
    monkeypatch.setenv("GENICAM_GENTL64_PATH", str(tmp_path))
    cameras = dict(examine())["cameras"]
    assert str(tmp_path / "vendor.cti") in {f.found for f in cameras}


def test_bench_measures_each_stage_and_memory() -> None:
    result = run_task(BenchTask(size_px=256, um_per_px=0.424, repeats=2, reading="per-cell"))
    assert result.size_px == 256
    assert {"overlay", "total"} <= set(result.stages_ms)
    assert all(len(values) == 2 for values in result.stages_ms.values())
    for index in range(2):
        parts = [v[index] for name, v in result.stages_ms.items() if name != "total"]
        assert max(parts) <= result.stages_ms["total"][index]
    assert result.peak_mb >= result.before_mb > 0


def test_bench_fields_of_any_size_show_the_same_tissue() -> None:
    small, large = bench_field(300, 0.424), bench_field(1800, 0.424)
    assert small.shape == (300, 300, 3)
    np.testing.assert_array_equal(large[:300, :300], small)
    np.testing.assert_array_equal(large[1504:1804, 1504:1804], small[:296, :296])


def test_bench_runs_each_size_in_a_process_of_its_own() -> None:
    result = run_in_child(BenchTask(size_px=128, um_per_px=0.424, repeats=1, reading="zhang-2020"))
    assert result.size_px == 128
    with pytest.raises(EngineError, match=r"128² px ended with code 1: .* is not a valid Reading"):
        run_in_child(BenchTask(size_px=128, um_per_px=0.424, repeats=1, reading="x"))


def test_bench_prints_tables_and_writes_json(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("armicro.app.commands.bench.run_in_child", run_task)
    out = tmp_path / "bench.json"
    code, stdout, err = run(
        "bench", "--sizes", "128,192", "--repeats", 2, "--um-per-px", "0.424", "--json", out, "--quiet"
    )
    assert (code, err) == (0, "")
    assert "| 192² |" in stdout
    document = load(out)
    assert document["machine"]["python"].startswith(sys.version.split()[0])
    assert [r["size_px"] for r in document["orders"]["last to first"]] == [128, 192]


@pytest.mark.parametrize("text", ["", "a", "1504,", "10", "1e3", "-64", "64,99999"])
def test_bench_sizes_that_are_impossible(text: str) -> None:
    with pytest.raises(InputError, match="--sizes"):
        parse_sizes(text)

"""`--bundle`, and scoring a bundle again."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from armicro.store.bundle import read_bundle

Run = Callable[..., tuple[int, str, str]]
Contents = Callable[[Path], Sequence[str]]


@pytest.fixture(scope="module")
def packed(fields: list[Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A case scored with settings that are not the defaults, within a region, as bundle and as JSON."""
    from armicro.app.cli import main

    folder = tmp_path_factory.mktemp("packed")
    ring = [[3.3, 2.7], [300.1, 5.5], [310.9, 290.3], [12.7, 305.2], [3.3, 2.7]]
    roi = folder / f"{fields[0].stem}.geojson"
    roi.write_text(json.dumps({"type": "Polygon", "coordinates": [ring]}), encoding="utf-8")
    arguments = [
        "score", *fields, "--um-per-px", "0.424", "--roi", roi, "--case-id", "26-1187 <script>", "--quiet",
        "--guideline", "asco-cap-2018-breast",
        "--reading", "zhang-2020", "--seed", "5",
        "--detector", "classical", "--reproducible", "--json", folder / "case.json",
        "--bundle", folder / "case.zip",
    ]  # fmt: skip
    assert main([str(a) for a in arguments]) == 0
    return folder


def test_scored_again_it_gives_the_same_bytes(run: Run, packed: Path, tmp_path: Path) -> None:
    code, out, err = run(
        "score", packed / "case.zip", "--reproducible", "--json", tmp_path / "again.json", "--bundle",
        tmp_path / "again.zip", "--cells", tmp_path / "cells",
    )  # fmt: skip
    assert (code, err) == (0, "")
    assert "The result is the one in the bundle, byte for byte." in out
    before = (packed / "case.json").read_bytes()
    assert (tmp_path / "again.json").read_bytes() == before
    assert (tmp_path / "again.zip").read_bytes() == (packed / "case.zip").read_bytes()
    assert len(list((tmp_path / "cells").iterdir())) == 2
    document = json.loads(before)
    assert document["provenance"]["reading"].startswith("zhang-2020")
    assert document["fields"][0]["n_excluded"] > 0


def test_the_bundle_holds_settings_profile_rules_and_result(packed: Path) -> None:
    bundle = read_bundle(packed / "case.zip")
    settings = bundle.manifest.settings
    assert (settings.reading, settings.seed, settings.detector) == ("zhang-2020", 5, "classical")
    assert settings.case_id == "26-1187 <script>"
    assert 'schema = "armicro.stain-profile/1"' in bundle.stain_profile
    assert "asco-cap-2018-breast" in bundle.guideline or "ASCO" in bundle.guideline
    assert bundle.results.encode() == (packed / "case.json").read_bytes()


@pytest.mark.parametrize(
    "option", [("--seed", "3"), ("--guideline", "zhang-2020"), ("--um-per-px", "0.3"), ("--case-id", "x")]
)
def test_settings_beside_a_bundle_are_refused(run: Run, packed: Path, option: tuple[str, str]) -> None:
    code, out, err = run("score", packed / "case.zip", *option)
    assert (code, out) == (3, "")
    assert f"a bundle is scored with its own settings, leave out {option[0]}" in err


def test_a_bundle_stands_alone_and_is_not_overwritten(run: Run, packed: Path, fields: list[Path]) -> None:
    code, _, err = run("score", packed / "case.zip", fields[0])
    assert code == 3
    assert "a bundle is a whole case, give it alone" in err
    before = (packed / "case.zip").read_bytes()
    code, _, err = run("score", packed / "case.zip", "--bundle", packed / "case.zip")
    assert code == 4
    assert "is one of the inputs and would be overwritten" in err
    assert (packed / "case.zip").read_bytes() == before


def tampered(source: Path, target: Path, change: Callable[[dict[str, bytes]], None]) -> Path:
    """Write a bundle again whose hashes fit what was changed."""
    import hashlib

    with zipfile.ZipFile(source) as archive:
        members = {n: archive.read(n) for n in archive.namelist()}
    change(members)
    manifest: dict[str, Any] = json.loads(members["manifest.json"])
    for one in manifest["members"]:
        data = members[one["name"]]
        one.update(bytes=len(data), sha256=hashlib.sha256(data).hexdigest())
    members["manifest.json"] = json.dumps(manifest).encode()
    with zipfile.ZipFile(target, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return target


def test_other_rules_under_a_known_name_are_refused(
    run: Run, packed: Path, tmp_path: Path, contents: Contents
) -> None:
    def change(members: dict[str, bytes]) -> None:
        rules = members["settings/guideline.toml"]
        members["settings/guideline.toml"] = rules.replace(
            b"more_than_percent = 10", b"more_than_percent = 1"
        )
        assert members["settings/guideline.toml"] != rules

    path = tampered(packed / "case.zip", tmp_path / "bad.zip", change)
    code, out, err = run("score", path, "--json", tmp_path / "out" / "case.json")
    assert (code, out) == (3, "")
    assert "is not the one of this name and version: do not trust the bundle" in err
    assert contents(tmp_path) == ["bad.zip"]


def test_another_result_than_before_is_told(run: Run, packed: Path, tmp_path: Path) -> None:
    def change(members: dict[str, bytes]) -> None:
        document = json.loads(members["results/case.json"])
        document["reason"] = "made up"
        members["results/case.json"] = (json.dumps(document, ensure_ascii=False, indent=2) + "\n").encode()

    path = tampered(packed / "case.zip", tmp_path / "other.zip", change)
    code, out, _ = run("score", path)
    assert code == 0
    assert "The result differs from the one in the bundle" in out
    code, out, err = run("score", path, "--quiet")
    assert (code, out.count("\n")) == (0, 1)
    assert "The result differs" in err


def test_damage_leaves_nothing_behind(run: Run, packed: Path, tmp_path: Path, contents: Contents) -> None:
    data = bytearray((packed / "case.zip").read_bytes())
    data[len(data) // 2] ^= 255
    (tmp_path / "bad.zip").write_bytes(bytes(data))
    out = tmp_path / "out"
    code, stdout, err = run(
        "score", tmp_path / "bad.zip", "--json", out / "case.json", "--bundle", out / "again.zip",
        "--geojson", out / "geojson", "--cells", out / "cells",
    )  # fmt: skip
    assert (code, stdout) == (3, "")
    assert err.count("\n") == 1
    assert "damaged" in err
    assert contents(tmp_path) == ["bad.zip"]


def test_every_export_at_once(run: Run, packed: Path, tmp_path: Path) -> None:
    pytest.importorskip("highdicom", reason="highdicom is not installed (the extra `dicom`)")
    arguments = (
        "score", packed / "case.zip", "--reproducible", "--quiet", "--geojson", "geojson", "--dicom", "dicom",
        "--pdf", "case.pdf",
    )  # fmt: skip
    made = []
    for name in ("one", "two"):
        folder = tmp_path / name
        placed = [folder / a if a in ("geojson", "dicom", "case.pdf") else a for a in arguments]
        assert run(*placed)[0] == 0
        made.append(
            {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}
        )
    assert set(made[0]) == {
        "case.pdf", "geojson/field 0.cells.geojson", "geojson/field 1.cells.geojson", "dicom/case.sr.dcm",
        "dicom/field 0.dcm", "dicom/field 0.cells.dcm", "dicom/field 1.dcm", "dicom/field 1.cells.dcm",
    }  # fmt: skip
    assert made[0] == made[1]

"""A kept case in one file: everything that was done to it comes along, and nothing forged is believed."""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from armicro.analysis.detect_classical import ClassicalDetector
from armicro.app.detectors import MadeDetector
from armicro.app.profiles import load_stain_profile
from armicro.contracts.arrays import U8, frozen
from armicro.contracts.cells import Category
from armicro.contracts.devices import CameraEventKind, CameraInfo, Exposure, PixelFormat
from armicro.contracts.errors import InputError, StoreError
from armicro.contracts.frame import Optics
from armicro.contracts.stain import DabThresholds
from armicro.imaging.gate import GateLimits
from armicro.imaging.gate_control import ControlSeen
from armicro.session.commands import (
    AddCell,
    Amend,
    ReclassifyCell,
    RemoveCell,
    RemoveField,
    RestoreField,
    SetRegions,
    SetThresholds,
    SignOff,
)
from armicro.sim.case import CaseParams, simulate_case
from armicro.sim.params import parse_mix
from armicro.store.case_bundle import read_case_bundle
from armicro.store.casebook import CaseBook
from armicro.store.chain import START, LoggedEvent, link
from armicro.store.taking_in import take_in
from tests.session_rig import Rig

Run = Callable[..., tuple[int, str, str]]
Members = dict[str, bytes]
Change = Callable[[Members], object]
NAME = "26-1187 ü <script>"
UM = 0.5
SIDE = 360
CAMERA = CameraInfo("Made up", "1", (SIDE, SIDE), PixelFormat.RGB8, simulated=True)


def capture(rig: Rig, rgb: U8, n: int) -> None:
    for _ in range(2):
        rig.now_ns += 10**8
        rig.frame_id += 1
        rig.session.on_exposure(Exposure(frozen(rgb.copy()), rig.frame_id, rig.now_ns, Optics(UM)))
    rig.press()
    rig.now_ns += 10**8
    rig.frame_id += 1
    rig.session.on_exposure(Exposure(frozen(rgb.copy()), rig.frame_id, rig.now_ns, Optics(UM)))
    rig.until(lambda: len(rig.session.snapshot().fields) == n)
    rig.until(lambda: rig.session.snapshot().fields[-1].result is not None)
    rig.until(lambda: rig.session.snapshot().control is not None)


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A case with all that can be done to one: every edit, regions, overrides, a lock, a signature."""
    folder = tmp_path_factory.mktemp("kept") / "cases"
    book = CaseBook(folder)
    rig = Rig(
        open_case=book.open_case, case_id=NAME, detector=MadeDetector(ClassicalDetector()),
        load_profile=load_stain_profile, profile="default-hdab", gate=GateLimits(), seed=3,
        control=lambda _: ControlSeen("control/x", 4), calibration_id="flat/1 sha256:0",
    )  # fmt: skip
    rig.event(CameraEventKind.OPENED, info=CAMERA)
    params = CaseParams(mix=parse_mix("2+"), um_per_px=UM, shape_px=(SIDE, SIDE), fields=3)
    fields = [f.rgb for f in simulate_case(params, 4)]
    do, snapshot = rig.session.do, rig.session.snapshot
    capture(rig, fields[0], 1)
    capture(rig, fields[1], 2)
    capture(rig, np.asarray(cv2.GaussianBlur(fields[2], (0, 0), 3), np.uint8), 3)
    rig.until(lambda: snapshot().fields[2].removed)
    do(RestoreField(3, "the only invasive part"))
    rig.until(lambda: not snapshot().fields[2].removed)
    for command in (
        SetThresholds(DabThresholds(0.15, 0.5, 0.05)),
        ReclassifyCell(1, 0, Category.INTENSE_COMPLETE, "by eye"),
        RemoveCell(1, 1, "a macrophage"),
        AddCell(1, 5.25, 7.125, Category.FAINT, "missed"),
        SetRegions(1, (((2.5, 2.5), (2.5, 300.1), (300.3, 300.0), (300.0, 2.0)),)),
        RemoveField(2),
    ):
        rig.until(lambda: all(f.result is not None for f in snapshot().fields))
        do(command)
    rig.session.lock_settings("validated 2026-11")
    rig.scored(2)
    do(SignOff("first look"))
    rig.until(lambda: snapshot().signed_off)
    do(Amend("a second look"))
    rig.until(lambda: snapshot().signed_off is None)
    rig.session.close()
    book.close()
    return folder


@pytest.fixture(scope="module")
def packed(kept: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its bundle, and its JSON as `case export` writes it."""
    from armicro.app.cli import main

    folder = tmp_path_factory.mktemp("packed")
    arguments = [
        "case", "export", NAME, "--json", folder / "case.json", "--bundle", folder / "case.zip", "--quiet",
        "--reproducible", "--cases", kept,
    ]  # fmt: skip
    assert main([str(a) for a in arguments]) == 0
    return folder


def test_what_was_done_is_in_the_document(packed: Path) -> None:
    document = json.loads((packed / "case.json").read_text(encoding="utf-8"))
    assert document["case_id"] == NAME
    assert document["simulated"] is True
    assert document["n_fields"] == 2
    assert document["provenance"]["locked_as"] == "validated 2026-11"
    assert document["control"]["words"].startswith("no control of this run: the newest, control/x, is 4 days")
    notes = [" | ".join(f["notes"]) for f in document["fields"]]
    assert "3 cells were changed by hand (a macrophage; by eye; missed)" in notes[0]
    assert "only part of the field counts" in notes[0]
    assert "counted all the same: the only invasive part" in notes[1]


def test_scored_from_the_bundle_it_gives_the_same_bytes(run: Run, packed: Path, tmp_path: Path) -> None:
    code, out, err = run(
        "score", packed / "case.zip", "--reproducible", "--json", tmp_path / "again.json", "--bundle",
        tmp_path / "again.zip",
    )  # fmt: skip
    assert (code, err) == (0, "")
    assert "The result is the one in the bundle, byte for byte." in out
    assert (tmp_path / "again.json").read_bytes() == (packed / "case.json").read_bytes()
    assert (tmp_path / "again.zip").read_bytes() == (packed / "case.zip").read_bytes()


def test_imported_it_is_the_same_case(run: Run, kept: Path, packed: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    code, out, err = run("case", "import", packed / "case.zip", "--quiet", "--cases", elsewhere)
    assert (code, err) == (0, "")
    assert "3 fields" in out
    assert out.rstrip().endswith("reproduced")
    assert run("case", "verify", "--quiet", "--cases", elsewhere)[0] == 0
    here, there = CaseBook(kept), CaseBook(elsewhere)
    try:
        before, after = here.events(NAME), there.events(NAME)
        n = len(read_case_bundle(packed / "case.zip").events)
        assert after[:n] == before[:n]
        assert [e.kind for e in after[n:]] == ["imported"]
        assert there.verify(NAME) == ()
        one, other = here.open_case(NAME), there.open_case(NAME)
        assert one.earlier() == other.earlier()
        for number in (1, 2, 3):
            a, b = one.frame(number), other.frame(number)
            assert (a.rgb == b.rgb).all()
            assert replace(a, rgb=b.rgb) == b
        one.close()
        other.close()
        kinds = {e.kind for e in after}
        assert {"cell", "region", "remove", "restore", "gate", "settings-lock", "sign-off", "amend"} <= kinds
    finally:
        here.close()
        there.close()
    again = tmp_path / "again.json"
    assert (
        run("case", "export", NAME, "--json", again, "--reproducible", "--quiet", "--cases", elsewhere)[0]
        == 0
    )
    assert again.read_bytes() == (packed / "case.json").read_bytes()
    modes = {p.stat().st_mode & 0o077 for p in elsewhere.rglob("*")}
    assert modes == {0}


def test_a_case_is_not_imported_over_another(run: Run, packed: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    assert run("case", "import", packed / "case.zip", "--quiet", "--cases", elsewhere)[0] == 0
    before = sorted(str(p) for p in elsewhere.rglob("*") if p.suffix == ".tif")
    code, out, err = run("case", "import", packed / "case.zip", "--quiet", "--cases", elsewhere)
    assert (code, out) == (3, "")
    assert "already: nothing was imported" in err
    assert sorted(str(p) for p in elsewhere.rglob("*") if p.suffix == ".tif") == before


def test_of_two_imports_at_once_one_is_taken(packed: Path, tmp_path: Path) -> None:
    """The second one finds out only when it wants to write the history."""
    bundle = read_case_bundle(packed / "case.zip")
    one, other = CaseBook(tmp_path / "cases"), CaseBook(tmp_path / "cases")

    def meanwhile(done: int, total: int) -> None:
        if (done, total) == (1, 3):
            take_in(other, bundle, lambda *_: None)

    with pytest.raises(StoreError, match="already: nothing was imported"):
        take_in(one, bundle, meanwhile)
    assert one.verify(NAME) == ()
    assert one.strays() == ()
    one.close()
    other.close()


def test_a_bundle_of_images_is_not_imported(run: Run, fields: list[Path], tmp_path: Path) -> None:
    path = tmp_path / "plain.zip"
    score = ("score", *fields, "--um-per-px", "0.424", "--detector", "classical", "--quiet", "--bundle", path)
    assert run(*score)[0] == 0
    code, _, err = run("case", "import", path, "--cases", tmp_path / "cases")
    assert code == 3
    assert "a kept case is armicro.bundle/2" in err


def rewritten(source: Path, target: Path, change: Callable[[Members], object]) -> Path:
    """Write a bundle again with other members, whose hashes fit."""
    with zipfile.ZipFile(source) as archive:
        members = {n: archive.read(n) for n in archive.namelist()}
    change(members)
    if "manifest.json" in members:
        manifest = json.loads(members["manifest.json"])
        for one in manifest["members"]:
            if one["name"] in members:
                data = members[one["name"]]
                one.update(bytes=len(data), sha256=hashlib.sha256(data).hexdigest())
        members["manifest.json"] = json.dumps(manifest).encode()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return target


def in_history(
    change: Callable[[list[dict[str, Any]]], object], *, chained: bool
) -> Callable[[Members], None]:
    """Change the events; with `chained` as someone would who knows how the chain is made."""

    def inner(members: Members) -> None:
        events = [json.loads(line) for line in members["history/events.jsonl"].splitlines()]
        change(events)
        previous = START
        for number, one in enumerate(events, start=1):
            if chained:
                one["seq"] = number
                one["hash"] = link(NAME, previous, LoggedEvent(**{**one, "hash": ""}))
            previous = one.get("hash", "")
        members["history/events.jsonl"] = "".join(json.dumps(e) + "\n" for e in events).encode()

    return inner


def in_manifest(change: Callable[[dict[str, Any]], object]) -> Callable[[Members], None]:
    def inner(members: Members) -> None:
        manifest = json.loads(members["manifest.json"])
        change(manifest)
        members["manifest.json"] = json.dumps(manifest).encode()

    return inner


def settings_changed(change: Callable[[dict[str, Any]], object]) -> Callable[[Members], None]:
    """Change the last settings of the history, in a chain that holds."""

    def inner(events: list[dict[str, Any]]) -> None:
        last = next(e for e in reversed(events) if "settings" in json.loads(e["details"]))
        details = json.loads(last["details"])
        settings = json.loads(details["settings"])
        change(settings["settings"])
        details["settings"] = json.dumps(settings)
        last["details"] = json.dumps(details)

    return in_history(inner, chained=True)


FORGERIES = {
    "a reason": (
        in_history(lambda e: e[5].update(who="somebody else"), chained=False),
        "event 6 does not fit its chain",
    ),
    "an event gone": (in_history(lambda e: e.pop(4), chained=False), "event 5 does not fit its chain"),
    "a field less": (
        in_history(lambda e: e.remove(next(x for x in e if x["kind"] == "kept")), chained=True),
        "fields are not those of its history",
    ),
    "another name": (in_manifest(lambda m: m.update(case_id="26-1")), "event 1 does not fit its chain"),
    "blanks": (in_manifest(lambda m: m.update(case_id=" 26-1")), "begins or ends with a blank"),
    "line breaks": (in_manifest(lambda m: m.update(case_id="26\n1")), "without line breaks"),
    "unknown key": (in_manifest(lambda m: m.update(more=1)), "more: Extra inputs"),
    "newer": (in_manifest(lambda m: m.update(schema="armicro.bundle/3")), "'armicro.bundle/3'"),
    "a path": (in_manifest(lambda m: m["fields"][0].update(file="../../x")), "fields.0.file"),
    "a number": (in_manifest(lambda m: m["fields"][0].update(number=7)), "not those of its history"),
    "unknown event key": (in_history(lambda e: e[0].update(more=1), chained=False), "more: Extra inputs"),
    "a kind": (in_history(lambda e: e[0].update(kind="<script>"), chained=False), "kind: String should"),
    "no JSON": (lambda m: m.update({"history/events.jsonl": b"{\n"}), "is not JSON that can be taken"),
    "deep JSON": (lambda m: m.update({"history/events.jsonl": b"[" * 200_000 + b"\n"}), "is not JSON that"),
    "cut off": (lambda m: m.update({"history/events.jsonl": b"{}"}), "is cut off"),
    "not a number": (
        in_history(lambda e: e[0].update(details='{"a":NaN}'), chained=True), "details, is not JSON that"
    ),
    "beyond numbers": (
        in_history(lambda e: e[0].update(details='{"a":1e999}'), chained=True), "details, is not JSON that"
    ),
    "no details": (in_history(lambda e: e[0].update(details="[]"), chained=True), "has no details"),
    "settings of nothing": (settings_changed(lambda s: s.clear()), "settings cannot be read"),
    "thresholds": (
        settings_changed(lambda s: s["profile"]["thresholds"].update(weak_od=-1)), "thresholds"
    ),
    "white": (settings_changed(lambda s: s["profile"].update(white_rgb=[0, 0, 0])), "white_rgb"),
    "vectors": (
        settings_changed(lambda s: s["profile"].update(dab_rgb_od=s["profile"]["haematoxylin_rgb_od"])),
        "cannot be told apart",
    ),
    "rules": (settings_changed(lambda s: s.update(guideline="../../x")), "'name' differs"),
    "never opened": (
        in_history(lambda e: [x.update(kind="note") for x in e if x["kind"] == "opened"], chained=True),
        "has no settings, so nothing tells how it was read",
    ),
    "a reading": (
        in_history(
            lambda e: [
                x.update(details=x["details"].replace('"reading":"', '"reading":"x'))
                for x in e if x["kind"] == "opened"
            ],
            chained=True,
        ),
        "does not tell how it was read",
    ),
    "a foreign file": (lambda m: m.update({"fields/../../evil": b"x"}), "which no case bundle has"),
    "no result": (lambda m: m.update({"results/case.json": b"{}"}), "not of the schema armicro.case/1"),
    "other rules": (
        lambda m: m.update({
            "settings/guideline.toml": m["settings/guideline.toml"].replace(b"percent = 10", b"percent = 1")
        }),
        "do not trust the bundle",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", FORGERIES)
def test_what_was_forged_is_refused(run: Run, packed: Path, tmp_path: Path, name: str) -> None:
    change, words = FORGERIES[name]
    path = rewritten(packed / "case.zip", tmp_path / "bad.zip", change)
    code, out, err = run("score", path, "--json", tmp_path / "out.json")
    assert (code, out) == (3, ""), err
    assert words in err
    assert err.count("\n") == 1
    if name != "other rules":  # which an import takes from its own installation
        code, out, err = run("case", "import", path, "--quiet", "--cases", tmp_path / "cases")
        assert (code, out) == (3, ""), err
        assert err.count("\n") == 1
    assert not (tmp_path / "out.json").exists()
    assert not list(tmp_path.rglob("*.tif"))


def test_regions_beyond_a_field_are_refused(run: Run, packed: Path, tmp_path: Path) -> None:
    def far(settings: dict[str, Any]) -> None:
        settings["fields"][0]["include"] = [[[1e6, 1e6], [1e6, 1e7], [1e7, 1e7]]]

    path = rewritten(packed / "case.zip", tmp_path / "bad.zip", settings_changed(far))
    code, out, err = run("score", path)
    assert (code, out) == (3, "")
    assert "outside" in err


def test_pixels_that_are_others_leave_the_store_as_it_was(run: Run, packed: Path, tmp_path: Path) -> None:
    def swap(members: Members) -> None:
        one, two = "fields/field-0001.ome.tif", "fields/field-0003.ome.tif"
        members[one], members[two] = members[two], members[one]

    path = rewritten(packed / "case.zip", tmp_path / "bad.zip", swap)
    code, _, err = run("case", "import", path, "--quiet", "--cases", tmp_path / "cases")
    assert code == 3
    assert "does not hold the pixels" in err
    assert not list(tmp_path.rglob("*.tif"))
    book = CaseBook(tmp_path / "cases")
    assert book.cases() == ()
    assert book.strays() == ()
    book.close()


def test_a_history_that_unfolds_to_too_much_is_refused(
    packed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("armicro.store.archive.MOST_TEXT_BYTES", 1_000_000)
    path = rewritten(
        packed / "case.zip",
        tmp_path / "bomb.zip",
        lambda m: m.update({"history/events.jsonl": b" " * 2_000_000}),
    )
    with pytest.raises(InputError, match="more than 1 MB"):
        read_case_bundle(path)


def test_any_damage_is_found_or_does_no_harm(packed: Path, tmp_path: Path) -> None:
    whole = (packed / "case.zip").read_bytes()
    truth = read_case_bundle(packed / "case.zip")
    rng = np.random.default_rng(5)
    path, found = tmp_path / "broken.zip", 0
    for _ in range(60):
        at = int(rng.integers(len(whole)))
        flipped = whole[:at] + bytes([whole[at] ^ int(rng.integers(1, 256))]) + whole[at + 1 :]
        path.write_bytes(flipped if rng.random() < 0.7 else whole[:at])
        try:
            read = read_case_bundle(path)
            frames = [read.frame(n) for n in read.numbers]
        except InputError:
            found += 1
            continue
        assert (read.events, read.results) == (truth.events, truth.results)
        assert all((f.rgb == truth.frame(n).rgb).all() for n, f in zip(read.numbers, frames, strict=True))
    assert found > 40

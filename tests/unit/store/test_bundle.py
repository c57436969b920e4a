"""Bundles: what goes in comes out, and nothing that was tampered with is believed."""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from armicro.contracts.errors import InputError
from armicro.contracts.frame import Frame, Optics
from armicro.store import archive as archive_module
from armicro.store.bundle import BundleWriter, read_bundle
from armicro.store.bundle_model import (
    GUIDELINE,
    MANIFEST,
    RESULTS,
    STAIN_PROFILE,
    BundleRegions,
    BundleSettings,
)

SETTINGS = BundleSettings(
    case_id="<script>=cmd()../../x", guideline="rules", reading="per-cell", seed=4, detector="classical",
    engine="auto",
)  # fmt: skip
TEXTS = {STAIN_PROFILE: "profile µ", GUIDELINE: "rules", RESULTS: "{}\n"}
REGIONS = BundleRegions(include=(((((0.1, 0.2), (7.0, 1 / 3), (3.0, 9.0))),),), exclude=())
Members = dict[str, bytes]


def a_frame(seed: int) -> Frame:
    rgb = np.random.default_rng(seed).integers(0, 256, (48, 64, 3), np.uint8)
    return Frame(rgb, seed, -seed, Optics(0.2125, "40x"), f"../../evil/{seed}.png")


def write(path: Path, n: int = 2) -> Path:
    writer = BundleWriter(path)
    for k in range(n):
        about = {"stem": f"field {k}", "notes": ("a", "b"), "simulated": k == 1, "regions": REGIONS}
        writer.add_field(a_frame(k), about)
    writer.finish(SETTINGS, "0.1.0", TEXTS)
    return path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return write(tmp_path / "case.zip")


def rewrite(path: Path, change: Callable[[Members], object]) -> None:
    """Write the zip again with changed members, as someone would who tampers with it."""
    with zipfile.ZipFile(path) as archive:
        members = {n: archive.read(n) for n in archive.namelist()}
    change(members)
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)


def in_manifest(change: Callable[[dict[str, Any]], None]) -> Callable[[Members], None]:
    def inner(members: Members) -> None:
        manifest = json.loads(members[MANIFEST])
        change(manifest)
        members[MANIFEST] = json.dumps(manifest).encode()

    return inner


def test_what_goes_in_comes_out(path: Path) -> None:
    read = read_bundle(path)
    assert read.manifest.settings == SETTINGS
    assert (read.stain_profile, read.guideline, read.results) == tuple(TEXTS.values())
    assert len(read.manifest.fields) == 2
    for k, about in enumerate(read.manifest.fields):
        frame, wanted = read.frame(k), a_frame(k)
        assert (frame.rgb == wanted.rgb).all()
        assert not frame.rgb.flags.writeable
        assert (frame.frame_id, frame.t_ns, frame.optics, frame.source) == (
            wanted.frame_id, wanted.t_ns, wanted.optics, wanted.source,
        )  # fmt: skip
        assert (about.stem, about.notes, about.simulated) == (f"field {k}", ("a", "b"), k == 1)
        assert about.regions == REGIONS


def test_pictures_are_stored_and_every_member_has_its_hash(path: Path) -> None:
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        manifest = json.loads(archive.read(MANIFEST))
        listed = {m["name"]: m for m in manifest["members"]}
        assert set(listed) == set(archive.namelist()) - {MANIFEST}
        for entry in archive.infolist():
            if entry.filename.startswith("fields/"):
                assert entry.compress_type == zipfile.ZIP_STORED
            if entry.filename != MANIFEST:
                data = archive.read(entry)
                assert listed[entry.filename]["sha256"] == hashlib.sha256(data).hexdigest()
                assert listed[entry.filename]["bytes"] == len(data)


def test_two_bundles_of_a_case_are_the_same_bytes(tmp_path: Path) -> None:
    assert write(tmp_path / "a.zip").read_bytes() == write(tmp_path / "b.zip").read_bytes()


@pytest.mark.parametrize(
    "name", ["../../evil.tif", "/etc/passwd", "C:\\evil.dll", "fields/../../x", "extra.txt", "fields/"]
)
def test_names_that_reach_out_are_refused(path: Path, name: str) -> None:
    rewrite(path, lambda members: members.update({name: b"x"}))
    with pytest.raises(InputError, match="which no case bundle has"):
        read_bundle(path)
    assert sorted(p.name for p in path.parent.iterdir()) == ["case.zip"]


@pytest.mark.parametrize("name", [STAIN_PROFILE, GUIDELINE, RESULTS])
def test_a_changed_text_is_found(path: Path, name: str) -> None:
    rewrite(path, lambda members: members.update({name: members[name] + b" "}))
    with pytest.raises(InputError, match=f"{name} was changed or damaged"):
        read_bundle(path)


def test_a_changed_picture_is_found(path: Path) -> None:
    def change(members: Members) -> None:
        name = "fields/field-0002.ome.tif"
        members[name] = members[name][:-1] + bytes([members[name][-1] ^ 1])

    rewrite(path, change)
    read = read_bundle(path)
    read.frame(0)
    with pytest.raises(InputError, match=r"field-0002\.ome\.tif was changed or damaged"):
        read.frame(1)


def test_pixels_that_are_not_those_of_the_manifest_are_found(path: Path) -> None:
    def swap(members: Members) -> None:
        manifest = json.loads(members[MANIFEST])
        one, two = "fields/field-0001.ome.tif", "fields/field-0002.ome.tif"
        members[one] = members[two]
        by_name = {m["name"]: m for m in manifest["members"]}
        by_name[one].update({k: by_name[two][k] for k in ("bytes", "sha256")})
        members[MANIFEST] = json.dumps(manifest).encode()

    rewrite(path, swap)
    with pytest.raises(InputError, match="does not hold the pixels that the manifest names"):
        read_bundle(path).frame(0)


def test_a_file_that_is_no_picture_is_refused(path: Path) -> None:
    def replace(members: Members) -> None:
        name, data = "fields/field-0001.ome.tif", b"II*\0not a picture at all"
        members[name] = data
        manifest = json.loads(members[MANIFEST])
        for m in manifest["members"]:
            if m["name"] == name:
                m.update(bytes=len(data), sha256=hashlib.sha256(data).hexdigest())
        members[MANIFEST] = json.dumps(manifest).encode()

    rewrite(path, replace)
    with pytest.raises(InputError, match="cannot be decoded"):
        read_bundle(path).frame(0)


def test_a_missing_and_an_unlisted_file_are_found(path: Path, tmp_path: Path) -> None:
    rewrite(path, lambda members: members.pop("fields/field-0002.ome.tif"))
    with pytest.raises(InputError, match=r"do not fit: fields/field-0002\.ome\.tif"):
        read_bundle(path)
    other = write(tmp_path / "other.zip")
    rewrite(other, lambda members: members.update({"fields/field-0003.ome.tif": b"x"}))
    with pytest.raises(InputError, match=r"do not fit: fields/field-0003\.ome\.tif"):
        read_bundle(other)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda m: m.update(schema="armicro.bundle/9"), "its schema is 'armicro.bundle/9'"),
        (lambda m: m.update(more=1), "more: Extra inputs"),
        (lambda m: m["fields"][0].update(file="../../x"), "fields.0.file"),
        (lambda m: m["fields"][0].update(stem="../x"), "fields.0.stem"),
        (lambda m: m["fields"][0].update(um_per_px=7.0), "fields.0.um_per_px"),
        (lambda m: m["settings"].update(detector="../../net"), "settings.detector"),
        (lambda m: m.update(fields=[]), "fields"),
        (lambda m: m["members"].append(m["members"][0]), "exactly once"),
        (lambda m: m["fields"].append(m["fields"][0]), "exactly once"),
    ],
)
def test_a_manifest_that_is_not_of_the_schema_is_refused(
    path: Path, change: Callable[[dict[str, Any]], None], words: str
) -> None:
    rewrite(path, in_manifest(change))
    with pytest.raises(InputError) as caught:
        read_bundle(path)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
    assert str(path) in str(caught.value)


def test_what_is_no_bundle_is_refused(path: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        read_bundle(tmp_path / "absent.zip")
    with pytest.raises(InputError, match="not a regular file"):
        read_bundle(tmp_path)
    (tmp_path / "text.zip").write_text("hello", encoding="utf-8")
    with pytest.raises(InputError, match="not a zip file"):
        read_bundle(tmp_path / "text.zip")
    rewrite(path, lambda members: members.pop(MANIFEST))
    with pytest.raises(InputError, match="has no manifest"):
        read_bundle(path)


def test_a_name_that_stands_twice_is_refused(path: Path) -> None:
    with zipfile.ZipFile(path, "a") as archive, pytest.warns(UserWarning, match="Duplicate name"):
        archive.writestr(RESULTS, b"another")
    with pytest.raises(InputError, match="two files of one name"):
        read_bundle(path)


def test_a_text_that_unfolds_to_too_much_is_refused(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive_module, "MOST_TEXT_BYTES", 1_000_000)

    def bomb(members: Members) -> None:
        members[RESULTS] = b" " * 2_000_000

    with zipfile.ZipFile(path) as archive:
        members = {n: archive.read(n) for n in archive.namelist()}
    bomb(members)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    with pytest.raises(InputError, match="more than 1 MB"):
        read_bundle(path)


def test_a_bundle_needs_all_its_texts(tmp_path: Path) -> None:
    writer = BundleWriter(tmp_path / "x.zip")
    with pytest.raises(ValueError, match="needs profile, rule set and results"):
        writer.finish(SETTINGS, "0.1.0", {RESULTS: "{}"})


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return write(tmp_path_factory.mktemp("whole") / "case.zip", 1).read_bytes()


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_any_damage_is_found_or_does_no_harm(
    whole: bytes, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    at = data.draw(st.integers(0, len(whole) - 1))
    flipped = bytes([whole[at] ^ data.draw(st.integers(1, 255))]) + whole[at + 1 :]
    broken = whole[:at] + data.draw(st.sampled_from([b"", flipped]))
    path = tmp_path_factory.mktemp("broken") / "case.zip"
    path.write_bytes(broken)
    try:
        read = read_bundle(path)
        frame = read.frame(0)
    except InputError:
        return
    assert (frame.rgb == a_frame(0).rgb).all()
    assert read.results == TEXTS[RESULTS]

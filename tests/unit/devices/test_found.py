"""What is there to be chosen: webcams as Linux lists them, the simulated slide always, and why no other."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from armicro.devices import found
from armicro.devices.found import find_cameras, serial_ports
from tests.virtual_rig import show, virtual_producer

LINUX = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="Linux lists its webcams")


def node(folder: Path, number: int, name: str, index: int) -> None:
    place = folder / f"video{number}"
    place.mkdir(parents=True)
    (place / "name").write_text(f"{name}\n", encoding="utf-8")
    (place / "index").write_text(f"{index}\n", encoding="utf-8")


@LINUX
def test_webcams_by_number_without_their_further_nodes(tmp_path: Path) -> None:
    for number, name, index in ((10, "Second", 0), (2, "First", 0), (3, "First", 1)):
        node(tmp_path, number, name, index)
    cameras = find_cameras(video=tmp_path).cameras
    assert [(c.address, c.words) for c in cameras if c.address.startswith("webcam")] == [
        ("webcam:2", "First"), ("webcam:10", "Second"),
    ]  # fmt: skip


def test_the_simulated_slide_is_always_there_and_a_missing_producer_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GENICAM_GENTL64_PATH", "")
    got = find_cameras(video=tmp_path)
    assert got.cameras[-1].address == "sim"
    assert "GenTL" in got.notes[0]
    missing = find_cameras([tmp_path / "gone.cti"], video=tmp_path)
    assert "gone.cti" in missing.notes[0]


def test_genicam_cameras_come_first_by_their_serial_number(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(found, "find_producers", tuple)
    monkeypatch.setattr(found, "list_cameras", lambda _: (("7", "Maker Model"),))
    got = find_cameras([tmp_path / "x.cti"], video=tmp_path)
    assert [(c.address, c.words) for c in got.cameras] == [
        ("genicam:7", "Maker Model"), (got.cameras[-1].address, got.cameras[-1].words),
    ]  # fmt: skip
    assert got.notes == ()


def test_ports_have_an_address_and_words() -> None:
    assert all(p.address and p.words for p in serial_ports())


def test_a_real_producers_camera_is_found_from_a_thread_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    producer = virtual_producer()
    show(monkeypatch, tmp_path, [np.zeros((64, 64, 3), np.uint8)])
    with ThreadPoolExecutor(1) as pool:
        got = pool.submit(find_cameras, [producer]).result(60)
    genicam = [c for c in got.cameras if c.address.startswith("genicam:")]
    assert genicam
    assert all(c.address != "genicam:" and c.words for c in genicam)
    assert got.notes == ()

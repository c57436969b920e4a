"""A stored flat field as the instrument uses it."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import numpy as np
import pytest

from armicro.app.cli import main
from armicro.app.flat_field import load_flat
from armicro.app.profiles import load_stain_profile
from armicro.contracts.arrays import U8
from armicro.contracts.errors import CalibrationError
from armicro.devices.image_files import write_png

SHAPE = (240, 320)


def glass(seed: int) -> U8:
    y, x = np.mgrid[-1 : 1 : SHAPE[0] * 1j, -1 : 1 : SHAPE[1] * 1j]
    light = (1 - 0.25 * (x**2 + y**2) / 2)[..., None] * np.array([236.0, 232.0, 228.0])
    noise = np.random.default_rng(seed).normal(0, 2, light.shape)
    return np.asarray((light + noise).clip(0, 250), np.uint8)


@pytest.fixture
def calibration(tmp_path: Path) -> Path:
    frames = tmp_path / "glass"
    frames.mkdir()
    for k in range(8):
        write_png(frames / f"{k}.png", glass(k))
    arguments = ["calibrate", "flat", "--frames", str(frames), "--objective", "40x"]
    assert main([*arguments, "--out", str(tmp_path / "stored")]) == 0
    return next((tmp_path / "stored").glob("*.toml"))


def test_it_evens_the_light_and_brings_its_white_point(calibration: Path) -> None:
    flat = load_flat(calibration)
    out = flat(glass(99)).astype(float)
    corners = [out[:20, :20].mean(axis=(0, 1)), out[110:130, 150:170].mean(axis=(0, 1))]
    np.testing.assert_allclose(corners[0], corners[1], rtol=0.012)
    profile = flat.profiles(load_stain_profile)("default-hdab")
    assert profile.white_rgb == flat.white_rgb
    np.testing.assert_allclose(corners[1], flat.white_rgb, rtol=0.012)


def test_another_size_and_an_expired_one_are_refused(calibration: Path, tmp_path: Path) -> None:
    with pytest.raises(CalibrationError, match="calibrate this camera mode"):
        load_flat(calibration)(np.zeros((10, 10, 3), np.uint8))
    text = calibration.read_text(encoding="utf-8")
    today = dt.datetime.now().astimezone().date()
    old = text.replace(today.isoformat(), "2020-01-01")
    old = "\n".join(
        'expires = "2020-02-01"' if line.startswith("expires") else line for line in old.splitlines()
    )
    path = tmp_path / "old.toml"
    path.write_text(old, encoding="utf-8")
    with pytest.raises(CalibrationError, match="measure again"):
        load_flat(path)

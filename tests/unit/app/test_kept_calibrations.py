"""Calibrations that an instrument's file names: one that has expired must not keep the window shut."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np

from armicro.app.calibrating import keep_glass
from armicro.app.calibration_store import Origin
from armicro.app.instrument_file import InstrumentFile
from armicro.app.kept_calibrations import kept_calibrations
from armicro.imaging.glass import measure_glass

DAY = date(2026, 11, 25)


def flat(folder: Path) -> Path:
    y, x = np.mgrid[-1:1:96j, -1:1:128j]
    mean = (1 - 0.1 * (y**2 + x**2))[..., None] * np.array([236.0, 231.0, 226.0])
    rng = np.random.default_rng(0)
    frames = [np.clip(mean + rng.normal(0, 2, mean.shape), 0, 255).astype(np.uint8) for _ in range(8)]
    return keep_glass(measure_glass(frames), Origin("SN 7", "40x", "A. Reader", DAY), folder)[1]


def file(**settings: str) -> InstrumentFile:
    return InstrumentFile.model_validate({"schema": "armicro.instrument/1", "camera": "sim", **settings})


def test_what_counts_is_used(tmp_path: Path) -> None:
    path = flat(tmp_path)
    got = kept_calibrations(file(flat_field=str(path)), someone_sees=True, today=DAY)
    assert (got.flat, got.eyepiece, got.told) == (path, None, ())


def test_what_has_expired_is_left_out_and_told_where_somebody_sees_it(tmp_path: Path) -> None:
    path = flat(tmp_path)
    late = date(2027, 2, 1)
    got = kept_calibrations(file(flat_field=str(path)), someone_sees=True, today=late)
    assert got.flat is None
    assert "counted from 2026-11-25 to 2026-12-25; measure again: menu Instrument" in got.told[0]
    alone = kept_calibrations(file(flat_field=str(path)), someone_sees=False, today=late)
    assert (alone.flat, alone.told) == (path, ())


def test_a_file_that_is_gone_or_of_another_kind_is_told(tmp_path: Path) -> None:
    path = flat(tmp_path)
    named = file(flat_field=str(tmp_path / "gone.toml"), eyepiece_calibration=str(path))
    got = kept_calibrations(named, someone_sees=True, today=DAY)
    assert (got.flat, got.eyepiece) == (None, None)
    assert "gone.toml" in got.told[0]
    assert "not aligned" in got.told[1]
    assert "kind flat" in got.told[1]

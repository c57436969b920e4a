"""A profile that was saved is the profile that is loaded."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from armicro.app.profiles import load_stain_profile
from armicro.app.save_profile import save_stain_profile
from armicro.contracts.errors import OutputError
from armicro.contracts.stain import DabThresholds

TODAY = date(2026, 11, 25)


@pytest.mark.parametrize("thresholds", [DabThresholds(0.1437, 0.4219, 0.0613), DabThresholds(0.2, 0.5)])
@pytest.mark.parametrize("white", [None, (240.5, 238.0, 231.0)])
def test_it_is_read_again_as_it_was(
    thresholds: DabThresholds, white: tuple[float, float, float] | None, tmp_path: Path
) -> None:
    profile = replace(load_stain_profile(), thresholds=thresholds, white_rgb=white)
    path = save_stain_profile(profile, tmp_path / 'Lab "A" µ', TODAY)
    assert path.suffix == ".toml"
    again = load_stain_profile(str(path))
    assert again.name == 'Lab "A" µ'
    assert again.version == "2026-11-25"
    assert profile.name in again.source
    assert replace(again, name=profile.name, version=profile.version, source=profile.source) == profile


def test_a_folder_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(OutputError):
        save_stain_profile(load_stain_profile(), tmp_path / ("x" * 300 + ".toml"), TODAY)

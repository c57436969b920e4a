"""Profiles: shipped ones load, faulty ones are refused in one line, schemas are current."""

from __future__ import annotations

from pathlib import Path

import pytest

from armicro.app.data_files import data_folder
from armicro.app.profiles import SCHEMAS, load_optics, load_stain_profile, profile_names, schema_text
from armicro.app.save_profile import save_with_vector
from armicro.contracts.errors import ProfileError
from armicro.contracts.frame import Optics

STAIN = """
schema = "armicro.stain-profile/1"
name = "mine"
version = "3"
source = "a test"
white_rgb = [240, 242.5, 241]
[vectors]
haematoxylin_rgb_od = [0.65, 0.70, 0.29]
dab_rgb_od = [0.27, 0.57, 0.78]
[thresholds]
faint_od = 0.07
weak_od = 0.13
intense_od = 0.42
"""

OPTICS = """
schema = "armicro.optics-profile/1"
name = "mine"
version = "1"
source = "a test"
objective = "20x"
um_per_px = 0.45
"""


def stain_file(folder: Path, *edits: tuple[str, str]) -> str:
    text = STAIN
    for old, new in edits:
        assert old in text
        text = text.replace(old, new)
    path = folder / "stain.toml"
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_every_shipped_profile_loads_and_is_named_like_its_file() -> None:
    stains, optics = profile_names("stain"), profile_names("optics")
    assert "default-hdab" in stains
    assert {"paper-20x", "paper-40x"} <= set(optics)
    for name in stains:
        assert load_stain_profile(name).name == name
    assert load_optics("paper-40x") == Optics(0.212, "40x")
    assert load_optics("paper-20x") == Optics(0.424, "20x")


@pytest.mark.parametrize("place", SCHEMAS)
def test_exported_schemas_are_current(place: str) -> None:
    written = (data_folder("calibration") / place).read_text(encoding="utf-8")
    assert written == schema_text(SCHEMAS[place])


def test_a_profile_of_ones_own(tmp_path: Path) -> None:
    full = load_stain_profile(stain_file(tmp_path))
    assert (full.name, full.version, full.white_rgb) == ("mine", "3", (240, 242.5, 241))
    assert full.thresholds.faint_od == 0.07
    plain = load_stain_profile(
        stain_file(tmp_path, ("faint_od = 0.07\n", ""), ("white_rgb = [240, 242.5, 241]\n", ""))
    )
    assert plain.thresholds.faint_od is None
    assert plain.white_rgb is None


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("weak_od = 0.13", "weak_od = 0.42", "weak_od 0.42 must be above 0 and below intense_od 0.42"),
        ("weak_od = 0.13", "weak_od = 0.5", "thresholds must rise"),
        ("faint_od = 0.07", "faint_od = 0.2", "faint_od 0.2 must be above 0 and below weak_od 0.13"),
        ("weak_od = 0.13", "waek_od = 0.13", "thresholds.waek_od: unknown key"),
        ("weak_od = 0.13", "", "thresholds.weak_od: missing"),
        (
            "weak_od = 0.13",
            'weak_od = "high"',
            "weak_od: Input should be a valid number, not 'high'",
        ),
        ("weak_od = 0.13", "weak_od = -1", "thresholds.weak_od"),
        ("weak_od = 0.13", "weak_od = nan", "thresholds.weak_od"),
        ("intense_od = 0.42", "intense_od = 42", "thresholds.intense_od"),
        ('version = "3"', "version = 3", "version: Input should be a valid string, not 3"),
        ('name = "mine"', 'name = "a\\nb"', "name"),
        ("stain-profile/1", "stain-profile/2", "schema"),
        ("[0.27, 0.57, 0.78]", "[0.27, 0.57]", "vectors.dab_rgb_od"),
        ("[0.27, 0.57, 0.78]", "[0.65, 0.70, 0.29]", "cannot be told apart"),
        ("[0.27, 0.57, 0.78]", "[0, 0, 0]", "must not be zero"),
        ("[240, 242.5, 241]", "[240, 242.5, 0]", "white_rgb"),
        ("[240, 242.5, 241]", "[240, 242.5, 300]", "white_rgb"),
        ("[vectors]", "[vectors", "not valid TOML"),
    ],
)
def test_faulty_profiles_are_refused_with_file_and_key(
    tmp_path: Path, old: str, new: str, message: str
) -> None:
    path = stain_file(tmp_path, (old, new))
    with pytest.raises(ProfileError) as caught:
        load_stain_profile(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_several_problems_are_told_at_once(tmp_path: Path) -> None:
    path = stain_file(tmp_path, ("weak_od", "waek_od"), ('source = "a test"\n', ""))
    with pytest.raises(
        ProfileError, match=r"source: missing; thresholds\.weak_od: missing; thresholds\.waek_od"
    ):
        load_stain_profile(path)


@pytest.mark.parametrize("um", ["0", "-0.2", "25.0", "nan", '"0.2"'])
def test_an_impossible_scale_is_refused(tmp_path: Path, um: str) -> None:
    path = tmp_path / "optics.toml"
    path.write_text(OPTICS.replace("0.45", um), encoding="utf-8")
    with pytest.raises(ProfileError, match="um_per_px"):
        load_optics(str(path))


def test_unknown_names_and_missing_files(tmp_path: Path) -> None:
    with pytest.raises(ProfileError, match=r"no stain profile named 'nobody'.*default-hdab"):
        load_stain_profile("nobody")
    with pytest.raises(ProfileError, match="no such file"):
        load_stain_profile(str(tmp_path / "none.toml"))
    with pytest.raises(ProfileError, match="is a folder"):
        load_stain_profile(str(tmp_path))
    (tmp_path / "b.toml").write_bytes(b"\xff\xff")
    with pytest.raises(ProfileError, match="not a text file"):
        load_stain_profile(str(tmp_path / "b.toml"))


def test_a_picked_vector_makes_a_profile_of_its_own(tmp_path: Path) -> None:
    before = load_stain_profile()
    vector = (0.3, 0.5, 0.8)
    first = save_with_vector(before, "dab", vector, tmp_path)
    second = save_with_vector(load_stain_profile(str(first)), "haematoxylin", (0.6, 0.7, 0.3), tmp_path)
    made, again = load_stain_profile(str(first)), load_stain_profile(str(second))
    assert (made.dab_rgb_od, made.thresholds) == (vector, before.thresholds)
    assert made.haematoxylin_rgb_od == before.haematoxylin_rgb_od
    assert again.dab_rgb_od == vector
    assert first != second
    assert again.name.count("picked") == 1

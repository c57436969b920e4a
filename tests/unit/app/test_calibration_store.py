"""Calibration files: what is written is read back; identity follows content; faults are told in one line."""

from __future__ import annotations

import datetime as dt
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from armicro.app.calibration_files import KINDS, ScaleFile, calibration_schema_text
from armicro.app.calibration_store import Origin, build, file_name, newest, read, stored, text_of, write
from armicro.app.data_files import data_folder
from armicro.app.profiles import load_optics, load_stain_profile
from armicro.app.toml_text import toml_text
from armicro.contracts.errors import CalibrationError

WHO = Origin("SN 17/4", "40x", "A. Reader", dt.date(2026, 11, 25))


def scale(folder: Path, um: float = 0.25, who: Origin = WHO) -> ScaleFile:
    return build(ScaleFile, {**who.head("scale", folder), "um_per_px": um, "method": "a test"})


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    made = scale(tmp_path)
    path = write(made, tmp_path / "new folder")
    assert path.name == "scale-40x-2026-11-25.toml"
    assert read(path) == made
    assert read(path).identity == made.identity
    assert [p.name for p in (tmp_path / "new folder").iterdir()] == [path.name]


def test_identity_follows_content_not_layout(tmp_path: Path) -> None:
    made = scale(tmp_path)
    path = write(made, tmp_path)
    path.write_text(
        "# a remark\n" + "\n\n".join(path.read_text(encoding="utf-8").splitlines()), encoding="utf-8"
    )
    assert read(path).identity == made.identity
    assert made.identity.startswith("scale-40x/2026-11-25 sha256:")
    assert scale(tmp_path / "elsewhere", um=0.2500001).identity != made.identity


def test_nothing_is_replaced_and_a_day_has_several_versions(tmp_path: Path) -> None:
    first = scale(tmp_path, 0.25)
    write(first, tmp_path)
    with pytest.raises(CalibrationError, match="not replaced"):
        write(first, tmp_path)
    for um in (0.26, 0.27):
        write(scale(tmp_path, um), tmp_path)
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        "scale-40x-2026-11-25-2.toml",
        "scale-40x-2026-11-25-3.toml",
        "scale-40x-2026-11-25.toml",
    ]
    assert newest(tmp_path, ScaleFile, "40x").um_per_px == 0.27


def test_the_newest_of_instrument_and_objective_is_in_use(tmp_path: Path) -> None:
    later = Origin("other", "40x", "B", dt.date(2026, 12, 24))
    write(scale(tmp_path, 0.25), tmp_path)
    write(scale(tmp_path, 0.30, later), tmp_path)
    assert newest(tmp_path, ScaleFile, "40x").um_per_px == 0.30
    assert newest(tmp_path, ScaleFile, "40x", "SN 17/4").um_per_px == 0.25
    with pytest.raises(CalibrationError, match="armicro calibrate scale"):
        newest(tmp_path, ScaleFile, "20x")


def test_it_counts_from_its_day_to_its_expiry(tmp_path: Path) -> None:
    made = scale(tmp_path)
    assert made.expires == "2027-11-25"
    days = [dt.date(2026, 11, 24), dt.date(2026, 11, 25), dt.date(2027, 11, 25), dt.date(2027, 11, 26)]
    assert [made.valid_on(day) for day in days] == [False, True, True, False]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("um_per_px = 0.25", "um_per_px = 9.0", "um_per_px"),
        ("um_per_px = 0.25", "um_per_px = 'x'", "um_per_px"),
        ('kind = "scale"', 'kind = "lens"', "kind"),
        ("armicro.calibration/1", "armicro.calibration/9", "schema"),
        ('expires = "2027-11-25"', 'expires = "2020-01-01"', "before it was made"),
        ('date = "2026-11-25"', 'date = "2026-13-45"', "month"),
        ('method = "a test"', 'method = "a test"\ncolour = 3', "colour: unknown key"),
        ('method = "a test"', "method = ", "not valid TOML"),
    ],
)
def test_faulty_files_are_refused_in_one_line(tmp_path: Path, old: str, new: str, message: str) -> None:
    text = text_of(scale(tmp_path))
    assert old in text
    path = tmp_path / "x.toml"
    path.write_text(text.replace(old, new), encoding="utf-8")
    with pytest.raises(CalibrationError, match=message) as caught:
        read(path)
    assert "\n" not in str(caught.value)
    assert str(path) in str(caught.value)
    (found,) = stored(tmp_path)
    assert found.calibration is None
    assert message in found.problem or str(path) in found.problem


_LEAF = st.one_of(
    st.text(max_size=20), st.integers(-(2**62), 2**62), st.booleans(),
    st.floats(allow_nan=False, allow_infinity=False),
)  # fmt: skip
_KEY = st.text("abcdefgh_", min_size=1, max_size=6)


@given(st.dictionaries(_KEY, st.one_of(_LEAF, st.lists(st.lists(st.floats(0, 1), max_size=3), max_size=3))))
def test_toml_text_is_read_back_as_it_was(values: dict[str, object]) -> None:
    assert tomllib.loads(toml_text(values)) == values
    assert tomllib.loads(toml_text({"a": None, "inner": values})) == {"inner": values}


EXAMPLES = sorted((data_folder("calibration") / "examples").glob("*.toml"))


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda p: p.stem)
def test_shipped_examples_load_and_have_expired(path: Path) -> None:
    if path.stem.startswith("optics"):
        assert load_optics(str(path)).objective == "40x"
    elif path.stem.startswith("profile"):
        assert load_stain_profile(str(path)).name == "example"
    else:
        found = read(path)
        assert path.name == file_name(found)
        assert not found.valid_on(dt.date(2026, 11, 26))
        assert found.residual


def test_there_is_an_example_of_what_needs_no_labels() -> None:
    kinds = {s.calibration.kind for s in stored(EXAMPLES[0].parent) if s.calibration}
    assert kinds == set(KINDS) - {"thresholds"}


def test_the_exported_schema_is_current() -> None:
    written = (EXAMPLES[0].parent / "calibration.schema.json").read_text(encoding="utf-8")
    assert written == calibration_schema_text()

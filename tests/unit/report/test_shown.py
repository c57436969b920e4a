import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from armicro.contracts.cells import Category
from armicro.report.shown import category_name, file_name, number, plural, shown


@given(st.text(st.characters()))
def test_nothing_shown_is_invisible(text: str) -> None:
    assert not {unicodedata.category(c) for c in shown(text)} & {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


@given(st.text(st.characters(categories=["L", "N", "P", "S"])))
def test_visible_text_is_left_alone(text: str) -> None:
    assert shown(text) == text


def test_direction_marks_are_spelled_out() -> None:
    assert shown("gpj\u202eexe.\u200b") == "gpj[U+202E]exe.[U+200B]"
    assert shown("a\tb\nc\x00") == "a b c[U+0000]"


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("a/b/field 1.png", "field 1.png"),
        (r"C:\cases\field.tif", "field.tif"),
        ("../../x", "x"),
        ("folder/", "folder"),
        ("", ""),
        ("x" * 300, "x" * 40 + "…" + "x" * 40),
    ],
)
def test_file_name_is_the_last_part(path: str, name: str) -> None:
    assert file_name(path) == name


def test_words_and_numbers() -> None:
    assert category_name(Category.INTENSE_INCOMPLETE) == "intense incomplete"
    assert (number(1912), number(0.130000001), number(1e-9)) == ("1,912", "0.13", "1e-09")
    assert (plural(1, "field"), plural(1912, "cell"), plural(0, "nucleus", "nuclei")) == (
        "1 field",
        "1,912 cells",
        "0 nuclei",
    )

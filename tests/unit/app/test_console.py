"""Text from outside cannot steer a terminal."""

from __future__ import annotations

import io

from hypothesis import example, given
from hypothesis import strategies as st
from rich.console import Console

from armicro.app.console import clean, shown


@given(st.text())
def test_clean_text_is_printable_and_leaves_plain_text_alone(text: str) -> None:
    cleaned = clean(text)
    assert cleaned.isprintable()
    assert clean(cleaned) == cleaned
    cleaned.encode("utf-8")
    if text.isprintable():
        assert cleaned == text


def test_what_is_hostile_becomes_visible() -> None:
    assert clean("a\x1b[31mb\nc\u202ed") == r"a\x1b[31mb\nc\u202ed"
    assert clean("\udcff") == r"\udcff"


@given(st.text(alphabet=st.characters(codec="ascii", categories=["L", "N", "P"]), max_size=40))
@example("\\[").via("a bracket that begins no tag")
@example("a\\[b \\\\[/c] [d")
def test_markup_is_shown_not_obeyed(text: str) -> None:
    out = io.StringIO()
    Console(file=out, width=1000, highlight=False).print(shown(f"[bold]{text}[/x]"), soft_wrap=True)
    assert out.getvalue() == f"[bold]{text}[/x]\n"

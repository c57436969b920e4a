"""Text and numbers as a report shows them; text from outside is made harmless to the eye here.

Escaping for HTML is the template engine's work. This is about what escaping leaves: characters that turn
the direction of writing, hide or overprint, with which a file name could look like another.
"""

from __future__ import annotations

import re
import unicodedata

from armicro.contracts.cells import Category

IMAGE_ANALYSIS = "Quantitative image analysis was used."
"""Said on every page that is handed on, as guidelines ask of reports."""

_FILE_SEPARATORS = re.compile(r"[/\\]")
_VISIBLE_CATEGORIES = frozenset({"Cc", "Cf", "Co", "Cs", "Cn", "Zl", "Zp"})
_LONGEST_NAME = 80


def shown(text: str) -> str:
    """Replace characters without a shape of their own by their code in brackets.

    Parameters
    ----------
    text : str
        Any text: a case id, a file name.

    Returns
    -------
    str
        The same with control, direction, invisible and unassigned characters written as "[U+202E]"; line
        breaks and tabs become spaces.
    """
    return "".join(
        " " if c in "\t\n\r" else f"[U+{ord(c):04X}]" if unicodedata.category(c) in _VISIBLE_CATEGORIES else c
        for c in text
    )


def file_name(path: str) -> str:
    """Return the last part of a path of any system, made visible; long ones lose their middle."""
    name = shown(_FILE_SEPARATORS.split(path.rstrip("/\\"))[-1])
    if len(name) <= _LONGEST_NAME:
        return name
    half = _LONGEST_NAME // 2
    return f"{name[:half]}…{name[-half:]}"


def category_name(category: Category) -> str:
    """Return a category's name in words: "intense complete"."""
    return category.key.replace("_", " ")


def number(value: float) -> str:
    """Write a whole number with thousands apart, or a fraction without needless digits."""
    return f"{value:,}" if isinstance(value, int) else f"{value:.6g}"


def plural(n: int, one: str, many: str | None = None) -> str:
    """Write "1 field", "2 fields", "1,912 tumour cells"."""
    return f"{n:,} {one if n == 1 else many or one + 's'}"


def per_cent(value: str) -> str:
    """Write a number with its sign, which never begins a line: "9.6 %"."""
    return f"{value}\u00a0%"

"""The published rule sets, loaded from `rules/*.toml`.

Each is named, versioned and cited; its file also says how what the publication leaves open is read here.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from armicro.contracts.errors import GuidelineError
from armicro.scoring.model import (
    Annotation,
    ClusterRule,
    Condition,
    Criterion,
    Grade,
    Guideline,
    Remark,
    Threshold,
)
from armicro.scoring.rulefile import parse_guideline

DEFAULT_GUIDELINE = "asco-cap-2018-breast"

__all__ = [
    "DEFAULT_GUIDELINE",
    "Annotation",
    "ClusterRule",
    "Condition",
    "Criterion",
    "Grade",
    "Guideline",
    "Remark",
    "Threshold",
    "guideline_names",
    "guideline_text",
    "load_guideline",
]


@cache
def guideline_names() -> tuple[str, ...]:
    """Return the names of the rule sets that are shipped, sorted.

    Returns
    -------
    tuple of str
        What `load_guideline` takes.
    """
    rules = files("armicro.scoring") / "rules"
    return tuple(sorted(f.name.removesuffix(".toml") for f in rules.iterdir() if f.name.endswith(".toml")))


@cache
def load_guideline(name: str) -> Guideline:
    """Load a rule set.

    Parameters
    ----------
    name : str
        One of `guideline_names()`.

    Returns
    -------
    Guideline
        The rule set.

    Raises
    ------
    GuidelineError
        If there is none of that name (the message tells the names there are), or its file is not valid.
    """
    return parse_guideline(guideline_text(name), name)


def guideline_text(name: str) -> str:
    """Return the TOML text of a rule set.

    Raises
    ------
    GuidelineError
        If there is none of that name; the message tells the names there are.
    """
    if name not in guideline_names():
        raise GuidelineError(f"unknown guideline {name!r}; known are {', '.join(guideline_names())}")
    return (files("armicro.scoring") / "rules" / f"{name}.toml").read_text(encoding="utf-8")

from __future__ import annotations

import re
from dataclasses import FrozenInstanceError
from fractions import Fraction
from importlib.resources import files

import pytest

from armicro.contracts.cells import Category
from armicro.contracts.errors import GuidelineError
from armicro.contracts.score import Status
from armicro.scoring.guidelines import DEFAULT_GUIDELINE, guideline_names, load_guideline
from armicro.scoring.model import Threshold
from armicro.scoring.rulefile import parse_guideline

BREAST = (files("armicro.scoring") / "rules" / "asco-cap-2018-breast.toml").read_text(encoding="utf-8")
BIOPSY = (files("armicro.scoring") / "rules" / "gastric-2016-biopsy.toml").read_text(encoding="utf-8")


def test_the_four_rule_sets_are_there() -> None:
    assert guideline_names() == (
        "asco-cap-2018-breast",
        "gastric-2016-biopsy",
        "gastric-2016-resection",
        "zhang-2020",
    )
    assert DEFAULT_GUIDELINE == "asco-cap-2018-breast"


@pytest.mark.parametrize("name", guideline_names())
def test_every_rule_set_is_named_versioned_cited_and_explains_its_readings(name: str) -> None:
    rules = load_guideline(name)
    assert rules.name == name
    assert re.fullmatch(r"\d+\.\d+", rules.version)
    assert rules.organ in ("breast", "gastric")
    assert re.search(r"doi:10\.\d{4,}/|arXiv:\d{4}\.\d+", rules.citation)
    assert len(rules.readings) >= 4
    assert rules.scores == ("0", "1+", "2+", "3+")
    assert [rules.status_of(r) for r in range(4)] == [
        Status.NEGATIVE,
        Status.NEGATIVE,
        Status.EQUIVOCAL,
        Status.POSITIVE,
    ]
    assert rules.reliable_cells == 100
    # A remark must be sayable: its placeholders are those that are filled in.
    for remark in rules.remarks:
        assert "{" not in remark.text.format(count=1, total=2, percent="50.0", none="x")


def test_a_rule_set_cannot_be_changed() -> None:
    with pytest.raises(FrozenInstanceError):
        load_guideline("zhang-2020").version = "2"  # type: ignore[misc]


@pytest.mark.parametrize("name", guideline_names())
def test_grades_add_up(name: str) -> None:
    grades = load_guideline(name).grades
    counted = [frozenset[Category]().union(*(c.categories for c in g.criteria)) for g in grades]
    assert counted[0] < counted[1] < counted[2]
    assert counted[2] == frozenset(Category) - {Category.NONE}


@pytest.mark.parametrize("name", ["gastric-2016-biopsy", "gastric-2016-resection", "zhang-2020"])
def test_only_the_breast_guideline_has_annotations(name: str) -> None:
    assert load_guideline(name).annotations == ()
    assert [a.name for a in load_guideline(DEFAULT_GUIDELINE).annotations] == ["low", "ultralow", "null"]


@pytest.mark.parametrize("name", ["", "breast", "../zhang-2020", "zhang-2020.toml", "a\nb"])
def test_an_unknown_name_is_refused_and_the_known_ones_told(name: str) -> None:
    with pytest.raises(GuidelineError) as refusal:
        load_guideline(name)
    assert all(known in str(refusal.value) for known in guideline_names())
    assert "\n" not in str(refusal.value)


def test_thresholds_are_whole_cells() -> None:
    more = Threshold(Fraction(1, 10), strict=True, min_cells=1, words="", missed="")
    least = Threshold(Fraction(1, 10), strict=False, min_cells=1, words="", missed="")
    assert [more.needed(n) for n in (1, 9, 10, 11, 1000, 1001)] == [1, 1, 2, 2, 101, 101]
    assert [least.needed(n) for n in (1, 9, 10, 11, 1000, 1001)] == [1, 1, 1, 2, 100, 101]
    assert not least.met(0, 0)
    # At a size where a tenth has no exact float.
    n = 10**15 + 10
    assert more.needed(n) == 10**14 + 2
    assert least.needed(n) == 10**14 + 1


def _but(text: str, old: str, new: str) -> str:
    assert old in text
    return text.replace(old, new, 1)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("base_score", "unheard_of = 1\nbase_score", "unknown key 'unheard_of'"),
        ('score = "3+"', 'score = "3+"\ncolour = "red"', "grades 1: unknown key 'colour'"),
        ('key = "intense-complete"', 'key = "intense-complete"\nx = 1', "criteria 1: unknown key 'x'"),
        ("cells = 3", "cells = 3\nshare = 1", "more_than_none: unknown key 'share'"),
        ('name = "low"', 'name = "low"\nwhy = "so"', "annotations 1: unknown key 'why'"),
        ("{ more_than_percent = 10 }", "{ more_than_percent = 10, y = 1 }", "unless: unknown key 'y'"),
        ('version = "1.0"', "version = 1.0", "'version' must be str, not float"),
        ('version = "1.0"\n', "", "'version' is missing"),
        ('citation = """', 'citation = ""\nx = """', "'citation' is empty"),
        ("reliable_cells = 100", "reliable_cells = 0", "'reliable_cells' must be 1 to"),
        ("reliable_cells = 100", "reliable_cells = true", "'reliable_cells' must be int, not bool"),
        ("more_than_percent = 10", "more_than_percent = 10.0", "'more_than_percent' must be int, not float"),
        ("more_than_percent = 10", "more_than_percent = 100", "'more_than_percent' must be 1 to 99, not 100"),
        (
            "more_than_percent = 10",
            "more_than_percent = 10\nat_least_percent = 10",
            "exactly one of more_than_percent",
        ),
        ("more_than_none = true", "more_than_none = false", "can only be true"),
        ('status = "positive"', 'status = "not_assessable"', "'status' must be one of"),
        ('score = "3+"', 'score = "4+"', "'score' must be one of"),
        ('score = "3+"', 'score = "1+"', "strongest first"),
        ('base_score = "0"', 'base_score = "1+"', "strongest first"),
        ('key = "unusual"', 'key = "complete"', "same key"),
        ('["intense_complete"]', '["intense"]', "'categories' must be different ones of"),
        ('["intense_complete"]', '["none"]', "'categories' must be different ones of"),
        (
            '["intense_complete"]',
            '["intense_complete", "intense_complete"]',
            "'categories' must be different",
        ),
        ('["intense_complete"]', '["intense_incomplete", "faint"]', "of any two criteria"),
        ('["intense_complete"]', "[]", "'categories' must be a list of words"),
        ('scores = ["3+"]', 'scores = ["5+"]', "'scores' must be among"),
        ('decided_by = "unusual"', 'decided_by = "usual"', "names no criterion"),
        ("{percent} %", "{share} %", "uses ['share']"),
        ("{percent} %", "{percent %", "stray brace"),
        ('name = "asco-cap-2018-breast"', 'name = "other"', "differs from the file's name"),
        ("[more_than_none]", "[more_than_none", "not valid TOML"),
    ],
)
def test_a_wrong_rule_file_is_refused(old: str, new: str, says: str) -> None:
    with pytest.raises(GuidelineError) as refusal:
        parse_guideline(_but(BREAST, old, new), "asco-cap-2018-breast")
    assert says in str(refusal.value)
    assert "asco-cap-2018-breast" in str(refusal.value)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("cells = 5", "cells = 6", "'cells' must be 2 to 5"),
        ("link_um = 20.0", "link_um = 0.0", "'link_um' must be above 0"),
        ("link_um = 20.0", "link_um = nan", "'link_um' must be above 0"),
        ('key = "strong"', 'key = "strong"\nmore_than_percent = 10', "unknown key 'more_than_percent'"),
        ('"weak_incomplete", "faint"]', '"weak_incomplete"]', "every stained cell"),
        ("{count} of", "{none} of", "uses ['none']"),
    ],
)
def test_a_wrong_cluster_rule_is_refused(old: str, new: str, says: str) -> None:
    with pytest.raises(GuidelineError, match=re.escape(says)):
        parse_guideline(_but(BIOPSY, old, new), "gastric-2016-biopsy")


def test_more_than_none_must_be_defined_where_it_is_used() -> None:
    text = _but(BREAST, "[more_than_none]\ncells = 3\npercent = 1\n", "")
    with pytest.raises(GuidelineError, match="not defined"):
        parse_guideline(text, "asco-cap-2018-breast")

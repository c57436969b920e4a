"""Rule files: TOML to `Guideline`, and every way in which a file can be wrong.

A rule file decides about treatment, so nothing in it is skipped or guessed: an unknown key, a missing key, a
wrong type and a contradiction are all refused.
"""

from __future__ import annotations

import string
import tomllib
from collections.abc import Iterator
from fractions import Fraction
from itertools import pairwise
from typing import Any, TypeVar

from armicro.contracts.cells import Category
from armicro.contracts.errors import GuidelineError
from armicro.contracts.score import Status
from armicro.scoring.model import (
    SCORES,
    Annotation,
    ClusterRule,
    Condition,
    Criterion,
    Grade,
    Guideline,
    Remark,
    Threshold,
)

PLACEHOLDERS = frozenset({"count", "total", "percent", "none"})
_CATEGORIES = {c.key: c for c in Category if c is not Category.NONE}
_THRESHOLD_KEYS = ("more_than_percent", "at_least_percent", "more_than_none", "at_least_cells")

_T = TypeVar("_T")


class _Table:
    """A TOML table whose keys are taken one by one; what is left over in the end is unknown."""

    def __init__(self, data: dict[str, Any], where: str) -> None:
        self._data = dict(data)
        self.where = where

    def __contains__(self, key: str) -> bool:
        return key in self._data

    def refuse(self, why: str) -> GuidelineError:
        return GuidelineError(f"{self.where}: {why}")

    def take(self, key: str, kind: type[_T]) -> _T:
        """Take a value that must be there and be exactly of a kind (a bool is no int)."""
        if key not in self._data:
            raise self.refuse(f"'{key}' is missing")
        value = self._data.pop(key)
        if type(value) is not kind:
            raise self.refuse(f"'{key}' must be {kind.__name__}, not {type(value).__name__}")
        return value

    def text(self, key: str) -> str:
        value = self.take(key, str).strip()
        if not value:
            raise self.refuse(f"'{key}' is empty")
        return value

    def whole(self, key: str, low: int, high: int) -> int:
        value = self.take(key, int)
        if not low <= value <= high:
            raise self.refuse(f"'{key}' must be {low} to {high}, not {value}")
        return value

    def texts(self, key: str) -> tuple[str, ...]:
        values = self.take(key, list)
        if not values or not all(isinstance(v, str) and v.strip() for v in values):
            raise self.refuse(f"'{key}' must be a list of words")
        return tuple(v.strip() for v in values)

    def table(self, key: str) -> _Table:
        return _Table(self.take(key, dict), f"{self.where}, {key}")

    def tables(self, key: str) -> Iterator[_Table]:
        for i, item in enumerate(self.take(key, list), start=1):
            if type(item) is not dict:
                raise self.refuse(f"'{key}' must hold tables")
            yield _Table(item, f"{self.where}, {key} {i}")

    def done(self) -> None:
        if self._data:
            raise self.refuse(f"unknown key {', '.join(repr(k) for k in sorted(self._data))}")


def parse_guideline(text: str, name: str) -> Guideline:
    """Read a rule file.

    Parameters
    ----------
    text : str
        Its contents, TOML.
    name : str
        The name it must carry: its file's, without the suffix.

    Returns
    -------
    Guideline
        The rule set.

    Raises
    ------
    GuidelineError
        If it is no TOML, has an unknown or missing key, or contradicts itself; one line that says where.
    """
    try:
        root = _Table(tomllib.loads(text), f"rule file {name!r}")
    except tomllib.TOMLDecodeError as error:
        raise GuidelineError(f"rule file {name!r} is not valid TOML: {error}") from error
    if root.text("name") != name:
        raise root.refuse("'name' differs from the file's name")
    none = _more_than_none(root)
    cluster = _cluster(root)
    base_score = root.text("base_score")
    if base_score not in SCORES:
        raise root.refuse(f"'base_score' must be one of {', '.join(SCORES)}, not {base_score!r}")
    grades = tuple(_grade(t, none, cluster) for t in root.tables("grades"))
    _check_grades(root, grades, base_score, cluster)
    scores = (base_score, *(g.score for g in grades))
    keys = {c.key for g in grades for c in g.criteria}
    guideline = Guideline(
        name=name,
        version=root.text("version"),
        title=root.text("title"),
        organ=root.text("organ"),
        citation=root.text("citation"),
        readings=root.texts("readings"),
        grades=grades,
        base_score=base_score,
        base_status=_status(root, "base_status"),
        more_than_none=none,
        cluster=cluster,
        reliable_cells=root.whole("reliable_cells", 1, 1_000_000),
        annotations=tuple(_annotation(t, none, scores, keys) for t in root.tables("annotations")),
        remarks=tuple(_remark(t, none, scores, keys) for t in root.tables("remarks")),
    )
    root.done()
    return guideline


def _more_than_none(root: _Table) -> Threshold | None:
    if "more_than_none" not in root:
        return None
    table = root.table("more_than_none")
    cells, percent = table.whole("cells", 1, 1_000_000), table.whole("percent", 1, 99)
    table.done()
    return Threshold(
        Fraction(percent, 100), strict=False, min_cells=cells, words="more than none", missed="none"
    )


def _cluster(root: _Table) -> ClusterRule | None:
    if "cluster" not in root:
        return None
    table = root.table("cluster")
    # Up to 5 cells the distance to the next score is found exactly; see armicro.scoring.clusters.
    cells, link_um = table.whole("cells", 2, 5), table.take("link_um", float)
    table.done()
    if not 0 < link_um < 1000:
        raise table.refuse(f"'link_um' must be above 0 and below 1000, not {link_um}")
    return ClusterRule(cells, link_um)


def _status(table: _Table, key: str) -> Status:
    known = {s.value: s for s in Status if s is not Status.NOT_ASSESSABLE}
    value = table.text(key)
    if value not in known:
        raise table.refuse(f"'{key}' must be one of {', '.join(known)}, not {value!r}")
    return known[value]


def _categories(table: _Table) -> frozenset[Category]:
    keys = table.texts("categories")
    unknown = [k for k in keys if k not in _CATEGORIES]
    if unknown or len(set(keys)) != len(keys):
        raise table.refuse(f"'categories' must be different ones of {', '.join(_CATEGORIES)}, not {keys}")
    return frozenset(_CATEGORIES[k] for k in keys)


def _threshold(table: _Table, none: Threshold | None) -> Threshold:
    given = [k for k in _THRESHOLD_KEYS if k in table]
    if len(given) != 1:
        raise table.refuse(f"exactly one of {', '.join(_THRESHOLD_KEYS)} is needed, not {len(given)}")
    key = given[0]
    if key == "more_than_none":
        if not table.take(key, bool):
            raise table.refuse("'more_than_none' can only be true")
        if none is None:
            raise table.refuse("'more_than_none' is not defined in this file")
        return none
    if key == "at_least_cells":
        cells = table.whole(key, 1, 1_000_000)
        return Threshold(Fraction(0), False, cells, f"at least {cells}", f"fewer than {cells}")
    percent = table.whole(key, 1, 99)
    share = Fraction(percent, 100)
    if key == "more_than_percent":
        return Threshold(share, True, 1, f"more than {percent} %", f"not more than {percent} %")
    return Threshold(share, False, 1, f"at least {percent} %", f"less than {percent} %")


def _grade(table: _Table, none: Threshold | None, cluster: ClusterRule | None) -> Grade:
    score, status = table.text("score"), _status(table, "status")
    if score not in SCORES:
        raise table.refuse(f"'score' must be one of {', '.join(SCORES)}, not {score!r}")
    criteria = []
    for item in table.tables("criteria"):
        criteria.append(
            Criterion(
                key=item.text("key"),
                quantity=item.text("quantity"),
                staining=item.text("staining"),
                categories=_categories(item),
                threshold=None if cluster else _threshold(item, none),
            )
        )
        item.done()
    table.done()
    if not criteria or (cluster and len(criteria) != 1):
        raise table.refuse("needs a criterion, and exactly one where clusters are counted")
    return Grade(score, status, tuple(criteria))


def _check_grades(
    root: _Table, grades: tuple[Grade, ...], base_score: str, cluster: ClusterRule | None
) -> None:
    ranks = [SCORES.index(g.score) for g in grades] + [SCORES.index(base_score)]
    if not grades or any(a <= b for a, b in pairwise(ranks)):
        raise root.refuse("grades must be listed strongest first, each once, above 'base_score'")
    criteria = [c for g in grades for c in g.criteria]
    if len({c.key for c in criteria}) != len(criteria):
        raise root.refuse("two criteria have the same key")
    # Nested sets are what "grades add up" means; the distance to the next score relies on them too.
    by_size = sorted((c.categories for c in criteria), key=len)
    if not all(a <= b for a, b in pairwise(by_size)):
        raise root.refuse("of any two criteria, one must count all the categories that the other counts")
    widest = [max((c.categories for c in g.criteria), key=len) for g in grades]
    if not all(a <= b for a, b in pairwise(widest)):
        raise root.refuse("a cell that counts for a grade must also count for the lower ones")
    if widest[-1] != frozenset(_CATEGORIES.values()):
        raise root.refuse("the lowest grade must count every stained cell in one of its criteria")
    if cluster is not None and len(set(widest)) != len(widest):
        raise root.refuse("two grades count clusters of the same categories")


def _condition(table: _Table, none: Threshold | None, scores: tuple[str, ...], keys: set[str]) -> Condition:
    wanted = table.texts("scores")
    if not set(wanted) <= set(scores):
        raise table.refuse(f"'scores' must be among {', '.join(scores)}, not {wanted}")
    decided_by = table.text("decided_by") if "decided_by" in table else None
    if decided_by is not None and decided_by not in keys:
        raise table.refuse(f"'decided_by' names no criterion: {decided_by!r}")
    if "categories" not in table:
        return Condition(wanted, decided_by=decided_by)
    categories = _categories(table)
    reached = unless = None
    if any(k in table for k in _THRESHOLD_KEYS):
        reached = _threshold(table, none)
    if "unless" in table:
        inner = table.table("unless")
        unless = _threshold(inner, none)
        inner.done()
    return Condition(wanted, categories, reached, unless, decided_by)


def _annotation(table: _Table, none: Threshold | None, scores: tuple[str, ...], keys: set[str]) -> Annotation:
    annotation = Annotation(table.text("name"), _condition(table, none, scores, keys))
    table.done()
    return annotation


def _remark(table: _Table, none: Threshold | None, scores: tuple[str, ...], keys: set[str]) -> Remark:
    text, when = table.text("text"), _condition(table, none, scores, keys)
    table.done()
    try:
        fields = {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}
    except ValueError as error:
        raise table.refuse(f"'text' has a stray brace: {error}") from error
    allowed = PLACEHOLDERS if when.categories else frozenset[str]()
    if none is None:
        allowed -= {"none"}
    if not fields <= allowed:
        raise table.refuse(f"'text' uses {sorted(fields - allowed)}, which it cannot")
    return Remark(text, when)

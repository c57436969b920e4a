import base64
import itertools
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import cv2
import numpy as np
import pytest

from armicro.contracts.cells import CATEGORIES, Category
from armicro.contracts.results import Quality
from armicro.contracts.score import RESEARCH_USE_ONLY
from armicro.report.case_json import CaseField
from armicro.report.evidence import category_evidence
from armicro.report.html import case_html, data_uri
from armicro.scoring.guidelines import load_guideline

Make = Callable[..., Any]
VOID = {"meta", "img", "br", "link", "input"}
HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "'><svg/onload=alert(1)>",
    "=cmd()|' /C calc'!A0",
    "../../x",
    "{{ page.score }}{% raw %}",
    "\u05d0\u05d1\u202e gpj.exe",
    "</style></title><iframe src=//evil.example>",
]


class Reader(HTMLParser):
    """Collects tags, attributes and text, and checks that tags close in order."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self._open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1] != "style":
            self.words.append(data)

    @property
    def text(self) -> str:
        return re.sub(r"\s+", " ", " ".join(self.words))

    def all(self, tag: str) -> Iterator[dict[str, str | None]]:
        return (attributes for name, attributes in self.tags if name == tag)


def read(page: str) -> Reader:
    reader = Reader()
    reader.feed(page)
    reader.close()
    assert reader._open == []
    return reader


@pytest.fixture
def page(make_case: Make, every_category: dict[Category, int]) -> str:
    made = make_case([every_category, {Category.NONE: 60, Category.FAINT: 2}, every_category])
    return case_html(
        made.document, made.pictures, made.guideline, category_evidence([f.result for f in made.fields])
    )


def test_first_come_score_status_and_distance(page: str) -> None:
    text = read(page).text
    order = [
        "26-1187",
        "2+",
        "equivocal",
        "Tumour cells by category",
        "not met",
        "Distance to the cut-off",
        "Field 1",
    ]
    places = [text.index(words) for words in order]
    assert places == sorted(places)
    assert "What would settle it" in text


def test_every_grade_is_a_bar_with_its_threshold(page: str) -> None:
    labels = [a["aria-label"] or "" for a in read(page).all("svg") if a.get("role") == "img"]
    bars = [label for label in labels if "per cent of tumour cells" in label]
    assert len(bars) == len(load_guideline("asco-cap-2018-breast").criteria)
    assert bars[0].startswith("complete and intense: 7.9 per cent of tumour cells, threshold 10 per cent")


def test_research_use_only_is_at_both_ends_and_on_every_printed_page(page: str) -> None:
    assert read(page).text.count(RESEARCH_USE_ONLY) == 2
    assert f'content: "{RESEARCH_USE_ONLY}"' in page


def test_the_file_needs_nothing_from_elsewhere(page: str) -> None:
    reader = read(page)
    names = {tag for tag, _ in reader.tags}
    assert not names & {"script", "link", "iframe", "object", "embed", "form", "base"}
    for _, attributes in reader.tags:
        assert not [name for name in attributes if name.startswith("on")]
        assert (attributes.get("src") or "data:").startswith(
            "data:image/jpeg;base64,"
        ) or "src" not in attributes
        assert (attributes.get("href") or "#").startswith("#")
    assert "@import" not in page
    assert [url for url in re.findall(r"url\(([^)]*)\)", page) if not url.startswith("#p-")] == []
    policy = next(a["content"] for a in reader.all("meta") if a.get("http-equiv"))
    assert policy == "default-src 'none'; img-src data:; style-src 'unsafe-inline'"


def test_links_and_patterns_lead_somewhere_and_names_are_unique(page: str) -> None:
    reader = read(page)
    ids = [a["id"] for _, a in reader.tags if a.get("id")]
    assert len(ids) == len(set(ids))
    for attributes in reader.all("a"):
        assert (attributes["href"] or "")[1:] in ids
    for pattern in re.findall(r"url\(#([^)]*)\)", page):
        assert pattern in ids
    assert {f"p-{c.key}" for c in CATEGORIES} <= set(ids)


def test_pictures_have_words_and_headings_go_down_in_steps(page: str) -> None:
    reader = read(page)
    pictures = list(reader.all("img"))
    assert len(pictures) == 3 * 5
    assert all(len(a["alt"] or "") > 10 for a in pictures)
    levels = [int(tag[1]) for tag, _ in reader.tags if re.fullmatch(r"h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels))
    assert next(reader.all("html"))["lang"] == "en"


def test_without_cells_there_is_no_score_to_be_seen(make_case: Make) -> None:
    made = make_case([{Category.NONE: 0}], simulated=True)
    reader = read(case_html(made.document, made.pictures, made.guideline))
    assert "No score not assessable" in reader.text
    assert "Cannot be assessed: no tumour cells" in reader.text
    assert "No score is not a score of 0" in reader.text
    assert "simulated fields, no patient" in reader.text
    assert not [a for a in reader.all("svg") if a.get("role") == "img"]
    assert reader.text.count(RESEARCH_USE_ONLY) == 2


@pytest.mark.parametrize("text", HOSTILE)
def test_text_from_outside_is_only_text(make_case: Make, make_result: Make, text: str) -> None:
    result = make_result({Category.NONE: 30}, parameters={text: text})
    result = replace(
        result,
        quality=Quality(0.5, 0, 1, (text,)),
        provenance=replace(result.provenance, stain_profile=text, detector=text, calibration_id=text),
    )
    fields = [CaseField(f"{text}.png", result, "0" * 64, {text: 1.0}, (text,))]
    made, plain = make_case([], case_id=text, fields=fields), make_case([{Category.NONE: 30}])
    hostile = read(case_html(made.document, made.pictures, made.guideline))
    allowed = {tag for tag, _ in read(case_html(plain.document, plain.pictures, plain.guideline)).tags} | {
        "ul",
        "li",
    }
    assert {tag for tag, _ in hostile.tags} <= allowed
    for tag, attributes in hostile.tags:
        assert not [name for name in attributes if name.startswith("on")], tag
    assert "\u202e" not in "".join(hostile.words)
    if "\u202e" not in text:
        assert text in "".join(hostile.words)


def test_warnings_and_notes_are_told(make_case: Make, make_result: Make) -> None:
    result = replace(make_result({Category.NONE: 30}), quality=Quality(0.1, 0, 1, ("focus 0.1 is low",)))
    fields = [CaseField("a.png", result, "0" * 64, notes=("alpha channel dropped",))]
    made = make_case([], fields=fields)
    text = read(case_html(made.document, ())).text
    assert "1 warning in field 1." in text
    assert "Focus 0.1 is low." in text
    assert "Alpha channel dropped." in text


def test_without_a_rule_set_the_bars_are_of_the_categories(
    make_case: Make, every_category: dict[Category, int]
) -> None:
    made = make_case([every_category])
    reader = read(case_html(made.document, made.pictures))
    labels = [a["aria-label"] or "" for a in reader.all("svg") if a.get("role") == "img"]
    assert [label.split(":")[0] for label in labels][: len(CATEGORIES)] == [
        c.key.replace("_", " ") for c in CATEGORIES
    ]
    assert "not met" not in reader.text


def test_a_rule_of_clusters_is_measured_in_cells(make_case: Make) -> None:
    made = make_case([{Category.INTENSE_COMPLETE: 4, Category.NONE: 40}], guideline="gastric-2016-biopsy")
    text = read(case_html(made.document, made.pictures, made.guideline)).text
    assert "in a cluster of at least 5" in text
    assert "The largest cluster within one field decides." in text


def test_the_rule_set_is_cited(page: str) -> None:
    text = read(page).text
    guideline = load_guideline("asco-cap-2018-breast")
    assert re.sub(r"\s+", " ", guideline.citation.strip()) in text
    assert "asco-cap-2018-breast 1.0" in text


def test_what_does_not_belong_together_is_refused(make_case: Make) -> None:
    made = make_case([{Category.NONE: 9}] * 2)
    with pytest.raises(ValueError, match="expected 2 pictures or none, got 1"):
        case_html(made.document, made.pictures[:1], made.guideline)
    with pytest.raises(ValueError, match=r"judged by asco-cap-2018-breast 1\.0, not by zhang-2020"):
        case_html(made.document, made.pictures, load_guideline("zhang-2020"))


def test_the_same_case_gives_the_same_page(make_case: Make, every_category: dict[Category, int]) -> None:
    one, other = (make_case([every_category]) for _ in range(2))
    assert case_html(one.document, one.pictures, one.guideline) == case_html(
        other.document, other.pictures, other.guideline
    )


def test_a_picture_survives_its_way_into_the_page() -> None:
    rgb = np.zeros((40, 60, 3), np.uint8)
    rgb[:, :30], rgb[:, 30:] = (200, 40, 40), (40, 60, 200)
    uri = data_uri(rgb)
    raw = base64.b64decode(uri.removeprefix("data:image/jpeg;base64,"))
    back = cv2.imdecode(np.frombuffer(raw, np.uint8), cv2.IMREAD_COLOR)
    assert back is not None
    assert np.abs(back[20, 10, ::-1].astype(int) - (200, 40, 40)).max() < 12
    assert np.abs(back[20, 50, ::-1].astype(int) - (40, 60, 200)).max() < 12

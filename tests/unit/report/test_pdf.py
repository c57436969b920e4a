"""The PDF says what the HTML page says, on paper."""

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pypdfium2
import pytest

from armicro.contracts.arrays import frozen
from armicro.contracts.cells import CATEGORIES, RULES, Category, Rule
from armicro.contracts.results import Quality
from armicro.contracts.score import RESEARCH_USE_ONLY
from armicro.report.case_json import CaseField
from armicro.report.evidence import category_evidence
from armicro.report.pdf import case_pdf
from armicro.report.pdf_style import printable
from armicro.report.shown import IMAGE_ANALYSIS
from armicro.scoring.guidelines import load_guideline

Make = Callable[..., Any]
Made = Any
HOSTILE = ["<script>alert(1)</script>", "=cmd()|' /C calc'!A0", "../../x", "<b>&amp;<br/></para>", "x" * 5000]


def pages(made: Made) -> list[str]:
    evidence = category_evidence([f.result for f in made.fields])
    data = case_pdf(made.document, made.pictures, made.guideline, evidence)
    document = pypdfium2.PdfDocument(data)
    try:
        found = []
        for page in document:
            words = page.get_textpage()
            found.append(re.sub(r"\s+", " ", words.get_text_bounded()))
            words.close()
            page.close()
        return found
    finally:
        document.close()


@pytest.fixture
def made(make_case: Make, every_category: dict[Category, int]) -> Made:
    return make_case([every_category, {Category.NONE: 60, Category.FAINT: 2}, every_category])


def test_every_page_says_what_it_is_and_who_decides(made: Made) -> None:
    found = pages(made)
    assert len(found) >= 3
    for number, words in enumerate(found, start=1):
        assert IMAGE_ANALYSIS in words
        assert RESEARCH_USE_ONLY in words
        assert "Case 26-1187" in words
        assert f"{number} / {len(found)}" in words


def test_it_tells_score_reason_rules_settings_versions_and_files(made: Made) -> None:
    words = " ".join(pages(made))
    document = made.document
    assert pages(made)[0].index("2+") < pages(made)[0].index("equivocal")
    wanted = [
        "Tumour cells by category", "not met", "cut-off 10 %", "What would settle it", "Quality and warnings",
        "No field gave a warning", "How this software reads", "Changed by hand", "no cell",
        "Score without it", "t_weak_od", "asco-cap-2018-breast 1.0", document.provenance.package_version,
        document.provenance.environment.opencv, document.provenance.detector,
    ]  # fmt: skip
    for text in wanted:
        assert text in words, text
    for category in CATEGORIES:
        assert category.key.replace("_", " ") in words
    for field in document.fields:
        assert field.pixel_sha256 in words.replace(" ", "")
        assert field.path in words


def test_each_field_shows_four_pictures(made: Made) -> None:
    data = case_pdf(made.document, made.pictures, made.guideline)
    document = pypdfium2.PdfDocument(data)
    images = 0
    for page in document:
        images += sum(o.type == pypdfium2.raw.FPDF_PAGEOBJ_IMAGE for o in page.get_objects(max_depth=5))
        page.close()
    document.close()
    assert images == 4 * len(made.fields)


def test_the_same_case_gives_the_same_bytes(make_case: Make, every_category: dict[Category, int]) -> None:
    one, other = (make_case([every_category]) for _ in range(2))
    assert case_pdf(one.document, one.pictures, one.guideline) == case_pdf(
        other.document, other.pictures, other.guideline
    )


def test_without_cells_it_says_that_there_is_no_score(make_case: Make) -> None:
    first = pages(make_case([{Category.NONE: 0}], simulated=True))[0]
    assert "No score not assessable" in first
    assert "No score is not a score of 0" in first
    assert "simulated fields, no patient" in first


@pytest.mark.parametrize("text", HOSTILE)
def test_text_from_outside_is_only_text(make_case: Make, make_result: Make, text: str) -> None:
    result = make_result({Category.NONE: 30}, parameters={text: text})
    origin = replace(result.provenance, stain_profile=text, detector=text, calibration_id=text)
    result = replace(result, quality=Quality(0.5, 0, 1, (text,)), provenance=origin)
    fields = [CaseField(f"{text}.png", result, "0" * 64, {}, (text,))]
    found = "".join(pages(make_case([], case_id=text, fields=fields))).replace(" ", "")
    assert found.count(text.replace(" ", "")[:40]) >= 5
    data = case_pdf(make_case([], case_id=text, fields=fields).document, ())
    assert not re.search(rb"/(JavaScript|JS|URI|Launch|OpenAction)\b", data)


def test_letters_that_the_fonts_lack_are_told_by_their_code() -> None:
    assert printable("a ≥ 5 µm × 2") == "a ≥ 5 µm × 2"
    assert printable("\u05d0b") == "[U+05D0]b"


def test_cells_set_by_hand_are_told(make_case: Make, make_result: Make) -> None:
    result = make_result({Category.WEAK_COMPLETE: 40})
    rule = result.cells.rule.copy()
    rule[:2] = RULES.index(Rule.BY_HAND)
    result = replace(result, cells=replace(result.cells, rule=frozen(rule)))
    made = make_case([], fields=[CaseField("a.png", result, "0" * 64)])
    assert "Changed by hand 2 tumour cells" in " ".join(pages(made))


def test_what_does_not_belong_together_is_refused(make_case: Make) -> None:
    made = make_case([{Category.NONE: 9}] * 2)
    with pytest.raises(ValueError, match="expected 2 pictures or none, got 1"):
        case_pdf(made.document, made.pictures[:1], made.guideline)
    with pytest.raises(ValueError, match=r"judged by asco-cap-2018-breast 1\.0, not by zhang-2020"):
        case_pdf(made.document, made.pictures, load_guideline("zhang-2020"))

"""The case as a PDF with what the HTML report says; every page tells what it is and who decides."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

from reportlab.lib.pagesizes import A4
from reportlab.lib.units import mm
from reportlab.pdfbase.pdfmetrics import stringWidth
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import BaseDocTemplate, Frame, PageTemplate

from armicro.contracts.pictures import FieldPicture
from armicro.report.evidence import CategoryEvidence
from armicro.report.models import CaseDocument
from armicro.report.page import Page, make_page
from armicro.report.pdf_fields import field_pages, field_table, quality
from armicro.report.pdf_style import (
    BOLD,
    CONTENT,
    INK,
    LINE,
    MARGIN,
    REGULAR,
    SOFT,
    printable,
    register_fonts,
)
from armicro.report.pdf_verdict import closing, verdict
from armicro.report.shown import IMAGE_ANALYSIS
from armicro.scoring.model import Guideline

_BRAND = "armicro · HER2 immunohistochemistry"
_SIZE = 8.5


def case_pdf(
    document: CaseDocument,
    pictures: Sequence[FieldPicture],
    guideline: Guideline | None = None,
    evidence: Sequence[CategoryEvidence] = (),
) -> bytes:
    """Write the report of a case.

    Parameters
    ----------
    document : CaseDocument
        The case.
    pictures : sequence of FieldPicture
        One for each field, in order, or none at all.
    guideline : Guideline, optional
        The rule set that judged the case.
    evidence : sequence of CategoryEvidence
        Measurements by category; left out where empty.

    Returns
    -------
    bytes
        A PDF of A4 pages; the same case gives the same bytes. It holds no script, no link and no date.

    Raises
    ------
    ValueError
        If the pictures are not one for each field, or the rule set is not the one that judged the case.
    OutputError
        If a picture cannot be encoded.
    """
    if pictures and len(pictures) != len(document.fields):
        raise ValueError(f"expected {len(document.fields)} pictures or none, got {len(pictures)}")
    register_fonts()
    page = make_page(document, guideline, evidence)
    # Set twice: the first time tells how many pages there are.
    n_pages, _ = _set(page, pictures, 0)
    return _set(page, pictures, n_pages)[1]


def _set(page: Page, pictures: Sequence[FieldPicture], n_pages: int) -> tuple[int, bytes]:
    """Set the report; return its number of pages and the file."""
    buffer = io.BytesIO()
    author = f"armicro {dict(page.environment)['armicro']}"
    template = BaseDocTemplate(
        buffer, pagesize=A4, title=printable(page.title), author=author,
        subject=f"{IMAGE_ANALYSIS} {page.research_use_only}", creator="armicro", lang="en", invariant=1,
    )  # fmt: skip
    frame = Frame(
        MARGIN, 17 * mm, CONTENT, A4[1] - 17 * mm - 20 * mm, leftPadding=0, rightPadding=0, topPadding=0,
        bottomPadding=0,
    )  # fmt: skip

    def furniture(canvas: Canvas, _: object) -> None:
        _draw_furniture(canvas, page, n_pages)

    template.addPageTemplates(PageTemplate("page", [frame], onPage=furniture))
    story: list[Any] = [
        *verdict(page),
        *field_table(page),
        *quality(page),
        *field_pages(page, pictures),
        *closing(page),
    ]
    template.build(story)
    return int(template.page), buffer.getvalue()


def _draw_furniture(canvas: Canvas, page: Page, n_pages: int) -> None:
    """Draw what stands on every page."""
    right, top = A4[0] - MARGIN, A4[1] - 12 * mm
    canvas.setFillColor(INK)
    canvas.setFont(BOLD, _SIZE)
    canvas.drawString(MARGIN, top, _BRAND)
    canvas.setFont(REGULAR, _SIZE)
    simulated = " · simulated fields, no patient" if page.simulated else ""
    room = CONTENT - stringWidth(_BRAND + simulated, BOLD, _SIZE) - 20
    canvas.drawRightString(right, top, _fitted(printable(f"Case {page.case_id}"), room) + simulated)
    canvas.setStrokeColor(LINE)
    canvas.setLineWidth(0.6)
    canvas.line(MARGIN, top - 4, right, top - 4)
    canvas.line(MARGIN, 14 * mm, right, 14 * mm)
    canvas.setFont(BOLD, 7.2)
    canvas.drawString(MARGIN, 10 * mm, printable(f"{IMAGE_ANALYSIS} {page.research_use_only}"))
    canvas.setFont(REGULAR, 7.2)
    canvas.setFillColor(SOFT)
    canvas.drawRightString(right, 10 * mm, f"{canvas.getPageNumber()} / {n_pages}")


def _fitted(words: str, room: float) -> str:
    """Cut words to a width in points; the whole of them is on the first page."""
    if stringWidth(words, REGULAR, _SIZE) <= room:
        return words
    while words and stringWidth(words + "…", REGULAR, _SIZE) > room:
        words = words[:-1]
    return words + "…"

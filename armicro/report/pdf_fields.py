"""The fields in the PDF: their table, their quality, and their pictures."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from typing import Any

from reportlab.lib.units import mm
from reportlab.pdfbase.pdfmetrics import stringWidth
from reportlab.platypus import Image, KeepTogether, Spacer, Table

from armicro.contracts.arrays import U8
from armicro.contracts.pictures import FieldPicture
from armicro.report import pdf_drawings as draw
from armicro.report.jpeg import extent, jpeg_bytes
from armicro.report.page import FieldLine, Page
from armicro.report.pdf_style import CONTENT, H2, H3, HEAD, HEAD_RIGHT, RIGHT, SMALL, grid, style, text

_GAP = 4 * mm
_TALLEST = 84 * mm
"""Of a picture: two of them with their captions fit on one page."""


def field_table(page: Page) -> Iterator[Any]:
    """Set a line for each field."""
    yield text("Fields", H2)
    without = bool(page.score) and len(page.fields) > 1
    categories = [line.name.replace(" ", "\n") for line in page.categories]
    titles = ["Cells", *categories, *(["Score\nwithout it"] if without else []), "Tissue", "Focus", "Clipped"]
    head = style(6.6, bold=True, colour=SMALL.textColor)
    head_right = style(6.6, bold=True, colour=SMALL.textColor, alignment=2)
    rows: list[list[Any]] = [[text("Field", head), *(text(t, head_right) for t in titles)]]
    right, small = style(7.2, alignment=2), style(7)
    for one in page.fields:
        values = [one.n, *(share for _, _, share in one.percents), *([one.without] if without else [])]
        values += [one.tissue, one.focus, one.saturated]
        mark = " (!)" if one.warnings else ""
        rows.append([text(f"{one.number} {one.name}{mark}", small), *(text(v, right) for v in values)])
    widths = [30.0, *([46.0] * len(categories)), *([44.0] if without else []), *([36.0] * 3)]
    yield grid(rows, (CONTENT - sum(widths), *widths), [("RIGHTPADDING", (0, 0), (-1, -1), 3)])
    judged = (
        "The largest cluster within one field decides."
        if page.by_cluster
        else "The case is judged by the sum of the cells of all fields, not by the mean of their shares."
    )
    more = "Focus is relative: it compares fields. Clipped: pixels at the end of the camera's range."
    yield Spacer(0, 3)
    yield text(f"{judged} {more}", SMALL)


def quality(page: Page) -> Iterator[Any]:
    """Set the warnings and notes of all fields."""
    yield text("Quality and warnings", H2)
    item = style(8.5, leftIndent=8, firstLineIndent=-8, spaceAfter=2)
    if page.control:
        missed = f"• {page.control}"
        yield text("", item, strong=missed) if page.control_missed else text(missed, item)
    for one in page.fields:
        for words in one.warnings:
            yield text(f"({one.name}): {words}", item, strong=f"• Field {one.number}")
        for words in one.notes:
            yield text(f"• Field {one.number} ({one.name}), note: {words}", item)
    if not (page.n_warnings or page.has_notes or page.control):
        yield text("No field gave a warning.")


def field_pages(page: Page, pictures: Sequence[FieldPicture]) -> Iterator[Any]:
    """Set the evidence by category, and the pictures of each field."""
    yield text("Evidence", H2)
    if page.has_evidence and page.score:
        yield _evidence(page)
        yield Spacer(0, 3)
        yield text(
            "Medians over the cells of a category. Contour stained: share that carries membrane of at least "
            "weak density. DAB: log10 optical density.",
            SMALL,
        )
    if pictures:
        yield KeepTogether([text("How to read the pictures", H3), _key(page)])
    for i, one in enumerate(page.fields):
        head = [
            text(f"Field {one.number} · {one.name}", H3),
            text(f"{one.cells}, {one.others}. {one.size}.", SMALL),
        ]
        whole, part = _pictures(one, pictures[i]) if pictures else (None, None)
        yield KeepTogether([*head, Spacer(0, 4), whole] if whole else head)
        if part:
            yield KeepTogether([Spacer(0, 3), part])


def _evidence(page: Page) -> Table:
    titles = ("Cells", "Share", "Contour stained", "DAB on the membrane", "Membrane width")
    rows: list[list[Any]] = [[text("Category", HEAD), *(text(t, HEAD_RIGHT) for t in titles)]]
    for c in page.categories:
        values = (c.count, c.percent, c.completeness, c.membrane_dab_od, c.membrane_width_um)
        rows.append([text(c.name), *(text(v, RIGHT) for v in values)])
    return grid(rows, (CONTENT - 380, 50, 60, 80, 105, 85))


def _key(page: Page) -> Table:
    how = style(7.4)
    cells: list[Any] = []
    widths = []
    for line in page.categories:
        cells += [draw.ring(line.key), text(line.name, how)]
        widths += [18, stringWidth(line.name, how.fontName, how.fontSize) + 10]
    return Table(
        [cells],
        colWidths=widths,
        hAlign="LEFT",
        style=[
            ("VALIGN", (0, 0), (-1, -1), "MIDDLE"),
            ("LEFTPADDING", (0, 0), (-1, -1), 0),
            ("RIGHTPADDING", (0, 0), (-1, -1), 2),
        ],
    )


def _pictures(one: FieldLine, picture: FieldPicture) -> tuple[Table, Table]:
    """Set the whole field and its part, each without and with the reading."""
    y, x = picture.crop_yx_px
    crop = extent(picture.crop_plain, picture.crop_um_per_px)
    whole = f"As captured, {extent(picture.plain, picture.um_per_px)}"
    part = f"Most tumour cells: from row {y}, column {x}, {crop}"
    return (
        _pair((picture.plain, picture.overlaid), (whole, f"Field {one.number} with the reading")),
        _pair((picture.crop_plain, picture.crop_overlaid), (part, "The same with the reading")),
    )


def _pair(pictures: tuple[U8, U8], captions: tuple[str, str]) -> Table:
    side = (CONTENT - _GAP) / 2
    height, width = pictures[0].shape[:2]
    scale = min(side / width, _TALLEST / height)
    images = [
        Image(io.BytesIO(jpeg_bytes(p)), width * scale, height * scale, hAlign="LEFT") for p in pictures
    ]
    below = [text(words, SMALL) for words in captions]
    pad = [(f"{where}PADDING", (0, 0), (-1, -1), 0) for where in ("LEFT", "RIGHT", "TOP")]
    return Table(
        [[images[0], "", images[1]], [below[0], "", below[1]]],
        colWidths=(side, _GAP, side),
        style=[*pad, ("BOTTOMPADDING", (0, 0), (-1, -1), 2), ("VALIGN", (0, 0), (-1, -1), "TOP")],
    )

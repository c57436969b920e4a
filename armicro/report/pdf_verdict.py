"""The first and the last pages of the PDF: what was found and why, and what it was made with."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from reportlab.lib.units import mm
from reportlab.platypus import CondPageBreak, KeepTogether, Spacer, Table

from armicro.report import pdf_drawings as draw
from armicro.report.page import Page
from armicro.report.pdf_style import (
    BODY,
    CONTENT,
    H2,
    H3,
    HEAD,
    HEAD_RIGHT,
    INK,
    LINE,
    MONO,
    PANEL,
    RIGHT,
    SMALL,
    STATUS_COLOURS,
    facts,
    grid,
    style,
    text,
)

_CARD, _STRIPE = 58 * mm, 7
_NO_SCORE = (
    "No score is not a score of 0: nothing was seen that could be judged. Look at the fields below, and "
    "capture fields that show tumour in focus."
)


def verdict(page: Page) -> Iterator[Any]:
    """Set the score, its reasons and how far it is from another."""
    yield text(page.title, style(15, bold=True, spaceAfter=2))
    about = page.guideline_title + (" · simulated fields, no patient" if page.simulated else "")
    yield text(about, style(8.5, colour=SMALL.textColor, spaceAfter=8))
    side = _categories(page) if page.score else [text(page.reason, style(10)), Spacer(0, 6), text(_NO_SCORE)]
    top = [("VALIGN", (0, 0), (-1, -1), "TOP"), ("LEFTPADDING", (0, 0), (-1, -1), 0)]
    gap = 8 * mm
    yield Table(
        [[_card(page), "", side]],
        colWidths=(_CARD, gap, CONTENT - _CARD - gap),
        style=[*top, ("RIGHTPADDING", (0, 0), (-1, -1), 0)],
    )
    if page.score:
        yield Spacer(0, 8)
        yield text(page.reason, style(10, spaceAfter=6))
        yield _bars(page)
        if page.cutoff_text:
            yield Spacer(0, 8)
            yield KeepTogether([_distance(page)])
    for comment in page.comments:
        yield text("• " + comment, style(8.5, leftIndent=8, firstLineIndent=-8, spaceBefore=3))
    if page.warned:
        yield Spacer(0, 6)
        yield _panel([text("See quality and warnings.", strong=page.warned)])


def _card(page: Page) -> Table:
    stack = [
        text("HER2 score by IHC", SMALL),
        text(page.score or "No score", style(46 if page.score else 20, bold=True)),
        text(page.status, style(13, bold=True)),
        *([text(page.annotation, style(9.5))] if page.annotation else []),
        text(page.basis),
    ]
    colour, last = STATUS_COLOURS[page.status_key], len(stack) - 1
    return Table(
        [["", block] for block in stack],
        colWidths=(_STRIPE, _CARD - _STRIPE),
        style=[
            ("BACKGROUND", (0, 0), (0, -1), colour),
            ("BOX", (0, 0), (-1, -1), 1.2, colour, 2),
            ("LEFTPADDING", (1, 0), (1, -1), 10),
            ("TOPPADDING", (0, 0), (-1, -1), 2),
            ("TOPPADDING", (0, 0), (-1, 0), 7),
            ("BOTTOMPADDING", (0, 0), (-1, -1), 3),
            ("BOTTOMPADDING", (0, last - 1), (-1, last - 1), 8),
            ("LINEABOVE", (1, last), (1, last), 0.5, LINE, 0),
            ("TOPPADDING", (0, last), (-1, last), 6),
            ("BOTTOMPADDING", (0, last), (-1, last), 8),
        ],
    )


def _categories(page: Page) -> Table:
    width = CONTENT - _CARD - 8 * mm
    rows: list[list[Any]] = [
        [text("Tumour cells by category", HEAD), "", "", text("Cells", HEAD_RIGHT), text("Share", HEAD_RIGHT)]
    ]
    rows += [
        [draw.swatch(c.key), draw.ring(c.key), text(c.name), text(c.count, RIGHT), text(c.percent, RIGHT)]
        for c in page.categories
    ]
    columns = (28, 22, width - 28 - 22 - 100, 50, 50)
    return grid(rows, columns, [("SPAN", (0, 0), (2, 0)), ("VALIGN", (0, 1), (-1, -1), "MIDDLE")])


def _bars(page: Page) -> Table:
    graded = page.by_grade
    widths = [36.0, 126.0, 0.0, 82.0, 48.0] if graded else [126.0, 0.0, 82.0]
    drawn = 2 if graded else 1
    widths[drawn] = CONTENT - sum(widths)
    bar = widths[drawn] - 12
    head = [text("Asks for" if graded else "Category", HEAD), draw.axis(page.main_mark, bar)]
    head.append(text("Share", HEAD_RIGHT))
    rows: list[list[Any]] = [[text("Grade", HEAD), *head, ""] if graded else head]
    commands: list[Any] = [
        ("VALIGN", (0, 1), (-1, -1), "MIDDLE"),
        ("LINEBELOW", (0, 0), (-1, -1), 0, PANEL),
        ("RIGHTPADDING", (drawn + 1, 0), (drawn + 1, -1), 8),
    ]
    for i, row in enumerate(page.bars, start=1):
        met = "" if row.met is None else "met" if row.met else "not met"
        words = f"{row.words}\n{row.rule}" if row.rule else row.words
        cells = [
            text(words, style(7.6, leading=9)),
            draw.bar(row, bar),
            text(f"({row.count})", RIGHT, strong=f"{row.percent} %"),
        ]
        if graded:
            colour = INK if row.met else SMALL.textColor
            cells = [
                text(row.score, style(11, bold=True)),
                *cells,
                text(met, style(8, bold=bool(row.met), colour=colour)),
            ]
        rows.append(cells)
        if row.score:
            commands.append(("LINEABOVE", (0, i), (-1, i), 0.5, LINE))
    return grid(rows, widths, commands)


def _distance(page: Page) -> Table:
    crosses = page.ruler is not None and page.ruler.crosses
    block: list[Any] = [
        text(page.cutoff_text, style(10), after="The interval crosses the cut-off." if crosses else "")
    ]
    whisker = ""
    if page.ruler is not None:
        block += [Spacer(0, 4), draw.ruler(page.ruler, CONTENT - 24)]
        whisker = f"Diamond: the case. Whisker: {page.ruler.interval_label}. "
    if whisker or page.resampled:
        block.append(text(whisker + page.resampled, SMALL))
    if page.settles:
        block += [Spacer(0, 3), text(page.settles, strong="What would settle it:")]
    return _panel(block, boxed=True)


def _panel(block: list[Any], *, boxed: bool = False) -> Table:
    look = ("BOX", (0, 0), (-1, -1), 0.6, LINE) if boxed else ("BACKGROUND", (0, 0), (-1, -1), PANEL)
    mark = [] if boxed else [("LINEBEFORE", (0, 0), (0, -1), 4, INK, 0)]
    pad = [(f"{side}PADDING", (0, 0), (-1, -1), 12) for side in ("LEFT", "RIGHT")]
    rest = [(f"{side}PADDING", (0, 0), (-1, -1), 6) for side in ("TOP", "BOTTOM")]
    return Table([[block]], colWidths=(CONTENT,), style=[look, *mark, *pad, *rest])


def closing(page: Page) -> Iterator[Any]:
    """Set rule set, settings and provenance."""
    yield CondPageBreak(60 * mm)
    yield text("Rule set", H2)
    yield text(f"({page.guideline_name})", strong=page.guideline_title)
    if page.citation:
        yield Spacer(0, 3)
        yield text(" ".join(page.citation.split()))
    if page.readings:
        yield text("How this software reads what the publication leaves open", H3)
        for words in page.readings:
            yield text("• " + words, style(8, leftIndent=8, firstLineIndent=-8, spaceAfter=2))
    if page.method:
        yield text("How the interval was made", H3)
        yield text(page.method)
    yield text("Settings", H2)
    yield facts(page.settings)
    if page.parameters:
        yield text("Parameters", H3)
        yield _two_columns(page.parameters)
    yield text("Provenance", H2)
    yield facts(page.environment)
    yield text("Files", H3)
    yield _files(page)


def _two_columns(pairs: tuple[tuple[str, str], ...]) -> Table:
    half = -(-len(pairs) // 2)
    filled = [*pairs, *([("", "")] * (2 * half - len(pairs)))]
    name, value, gap = 62 * mm, 26 * mm, CONTENT - 176 * mm
    small, plain = style(6.8, colour=SMALL.textColor), style(6.8)
    rows = [
        [text(a, small), text(b, plain), "", text(c, small), text(d, plain)]
        for (a, b), (c, d) in zip(filled[:half], filled[half:], strict=True)
    ]
    tight = [("TOPPADDING", (0, 0), (-1, -1), 0.5), ("BOTTOMPADDING", (0, 0), (-1, -1), 1)]
    return grid(rows, (name, value, gap, name, value), tight, header=False)


def _files(page: Page) -> Table:
    rows: list[list[Any]] = [
        [
            text("Field", HEAD),
            text("File, and SHA-256 of its pixels", HEAD),
            text("Size", HEAD),
            text("Calibration", HEAD),
            text("Time", HEAD_RIGHT),
        ]
    ]
    for one in page.fields:
        own = ", ".join(f"{name} {value}" for name, value in one.parameters)
        file = [text(one.path), text(one.sha256, MONO), *([text(own, SMALL)] if own else [])]
        rows.append(
            [
                text(str(one.number)),
                file,
                text(one.size, SMALL),
                text(one.calibration, BODY),
                text(one.time_ms, RIGHT),
            ]
        )
    return grid(rows, (26, CONTENT - 26 - 110 - 62 - 50, 110, 62, 50))

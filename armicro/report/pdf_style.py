"""Letters, colours and text blocks of the PDF report."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any
from xml.sax.saxutils import escape

from reportlab.lib.colors import Color, HexColor
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.platypus import Paragraph, Table

REGULAR, BOLD = "ArmicroSans", "ArmicroSansBold"
INK, SOFT, LINE, PANEL = (HexColor(c) for c in ("#16202a", "#48545f", "#cfd6dc", "#f4f6f7"))
WHITE: Color = HexColor("#ffffff")
STATUS_COLOURS = {
    "positive": HexColor("#9c1028"),
    "equivocal": HexColor("#7a4d00"),
    "negative": HexColor("#17543a"),
    "not_assessable": INK,
}
MARGIN = 14 * mm
CONTENT = 210 * mm - 2 * MARGIN
"""Width of what is printed, points."""

# Two letters of the fonts that come inside the library, so that a page looks alike on every machine.
_FILES = {REGULAR: "Vera.ttf", BOLD: "VeraBd.ttf"}


@cache
def register_fonts() -> frozenset[int]:
    """Make the fonts known; return the code points that both of them have."""
    faces = [TTFont(name, file) for name, file in _FILES.items()]
    for face in faces:
        pdfmetrics.registerFont(face)
    pdfmetrics.registerFontFamily(REGULAR, normal=REGULAR, bold=BOLD, italic=REGULAR, boldItalic=BOLD)
    return frozenset.intersection(*(frozenset(f.face.charToGlyph) for f in faces))


def printable(text: str) -> str:
    """Replace letters that the fonts lack by their code in brackets: nothing is left out without a trace."""
    known = register_fonts()
    return "".join(c if ord(c) in known or c == "\n" else f"[U+{ord(c):04X}]" for c in text)


def style(size: float = 8.5, *, bold: bool = False, colour: Color = INK, **more: Any) -> ParagraphStyle:  # noqa: ANN401 - the library's own options
    """Make a style of a size in points."""
    register_fonts()
    settings = {"leading": size * 1.32, "splitLongWords": 1, **more}
    return ParagraphStyle(
        f"s{size}", fontName=BOLD if bold else REGULAR, fontSize=size, textColor=colour, **settings
    )


BODY = style()
SMALL = style(7.2, colour=SOFT)
HEAD = style(7.2, bold=True, colour=SOFT)
HEAD_RIGHT = style(7.2, bold=True, colour=SOFT, alignment=2)
RIGHT = style(alignment=2)
H2 = style(12, bold=True, spaceBefore=12, spaceAfter=5, keepWithNext=1)
H3 = style(9, bold=True, spaceBefore=8, spaceAfter=3, keepWithNext=1)
MONO = style(6.4, colour=SOFT)


def text(words: str, how: ParagraphStyle = BODY, *, strong: str = "", after: str = "") -> Paragraph:
    """Set words as a block.

    Parameters
    ----------
    words : str
        Plain text; nothing in it is markup.
    how : ParagraphStyle
        Its style.
    strong : str
        Plain text before it, in bold.
    after : str
        Plain text behind it, in bold.
    """
    parts = [f"<b>{_plain(strong)}</b> " if strong else "", _plain(words)]
    if after:
        parts.append(f" <b>{_plain(after)}</b>")
    return Paragraph("".join(parts), how)


def _plain(words: str) -> str:
    return escape(printable(words)).replace("\n", "<br/>")


def grid(
    rows: Sequence[Sequence[Any]],
    widths: Sequence[float],
    commands: Sequence[Any] = (),
    *,
    header: bool = True,
) -> Table:
    """Set a table with a thin line under each row; its head is repeated on every page it runs over."""
    base = [
        ("VALIGN", (0, 0), (-1, -1), "TOP"),
        ("LEFTPADDING", (0, 0), (-1, -1), 0),
        ("RIGHTPADDING", (0, 0), (-1, -1), 6),
        ("TOPPADDING", (0, 0), (-1, -1), 2),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 2.5),
        ("LINEBELOW", (0, 0), (-1, -1), 0.5, LINE),
    ]
    if header:
        base.append(("VALIGN", (0, 0), (-1, 0), "BOTTOM"))
    # A row with a path of thousands of letters is higher than a page, so rows may be parted as well.
    return Table(
        [list(r) for r in rows], colWidths=list(widths), style=[*base, *commands], repeatRows=int(header),
        splitInRow=1,
    )  # fmt: skip


def facts(pairs: Sequence[tuple[str, str]], width: float = CONTENT, name: float = 40 * mm) -> Table:
    """Set names and values side by side."""
    rows = [[text(key, SMALL), text(value)] for key, value in pairs]
    return grid(rows, (name, width - name), [("LINEBELOW", (0, 0), (-1, -1), 0, WHITE)], header=False)

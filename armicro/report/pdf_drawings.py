"""The drawings of the PDF report: the same bars, ruler, swatches and rings as on the HTML page, in points."""

from __future__ import annotations

import math

from reportlab.graphics.shapes import Circle, Drawing, Group, Line, Path, Polygon, Rect, String
from reportlab.lib.colors import Color, HexColor

from armicro.report.figures import Bar, Ruler
from armicro.report.pdf_style import BOLD, INK, PANEL, REGULAR, SOFT, WHITE, printable

_FILL = {
    "intense_complete": "#c3161c",
    "intense_incomplete": "#ffd51f",
    "weak_complete": "#2f5fe0",
    "weak_incomplete": "#a6dcf7",
    "faint": "#ffffff",
    "none": "#ffffff",
}
_RING = {
    "intense_complete": ("#ff2828", 2.9),
    "intense_incomplete": ("#ffdc00", 2.9),
    "weak_complete": ("#285aff", 1.2),
    "weak_incomplete": ("#64d7ff", 1.2),
    "faint": ("#ffffff", 0.7),
}


def swatch(key: str, width: float = 22, height: float = 10) -> Drawing:
    """Draw a category's colour and pattern."""
    drawing = Drawing(width, height)
    drawing.add(_filled(key, 0.5, 0.5, width - 1, height - 1))
    return drawing


def ring(key: str, size: float = 14) -> Drawing:
    """Draw the ring or dot that stands for a category in the pictures."""
    drawing, middle, radius = Drawing(size, size), size / 2, size * 0.36
    if key == "none":
        drawing.add(Circle(middle, middle, size * 0.12, fillColor=WHITE, strokeColor=INK, strokeWidth=0.9))
        return drawing
    colour, width = _RING[key]
    arcs = [(0, 360)] if key.endswith("_complete") else [(30, 150), (210, 330)]
    if key == "faint":
        arcs = [(30, 120), (150, 240), (270, 360)]
    for line, more in ((INK, 1.0), (HexColor(colour), 0.0)):
        for start, end in arcs:
            drawing.add(_arc((middle, middle), radius, (start, end), line, width + more))
    return drawing


def bar(row: Bar, width: float, height: float = 15) -> Drawing:
    """Draw a criterion as a bar of all tumour cells, with its threshold as a line."""
    drawing = Drawing(width, height)
    drawing.add(Rect(0, 2.5, width, height - 5, fillColor=WHITE, strokeColor=SOFT, strokeWidth=0.5))
    for part in row.segments:
        drawing.add(_filled(part.key, part.start * width / 100, 2.5, part.width * width / 100, height - 5))
    if row.mark is not None:
        x = min(row.mark, 100.0) * width / 100
        drawing.add(Line(x, 0, x, height, strokeColor=WHITE, strokeWidth=3.4))
        drawing.add(Line(x, 0, x, height, strokeColor=INK, strokeWidth=1.5))
    return drawing


def axis(mark: float | None, width: float) -> Drawing:
    """Draw the percentages above the bars; the main threshold stands out."""
    drawing = Drawing(width, 9)
    for at in (0, 25, 50, 75, 100):
        if mark is None or abs(at - mark) > 8:
            anchor = {0: "start", 100: "end"}.get(at, "middle")
            drawing.add(_label(f"{at}{' %' if at == 100 else ''}", at * width / 100, 1, 6.4, anchor))
    if mark is not None:
        drawing.add(_label(f"{mark:.4g} %", mark * width / 100, 1, 6.6, "middle", bold=True))
    return drawing


def ruler(r: Ruler, width: float) -> Drawing:
    """Draw the nearest cut-off enlarged, the case as a diamond and its 95 % interval as a whisker."""
    height, side = 66.0, 10.0
    drawing = Drawing(width, height)

    def at(position: float) -> float:
        return side + (width - 2 * side) * position / 100

    drawing.add(Rect(side, 29, width - 2 * side, 22, fillColor=PANEL, strokeColor=None))
    edge = at(r.cutoff)
    drawing.add(_label(r.left, edge - 13, 55, 10, "end", bold=True))
    drawing.add(_label(r.right, edge + 13, 55, 10, "start", bold=True))
    drawing.add(Polygon([edge - 11, 58.5, edge - 6, 61.5, edge - 6, 55.5], fillColor=INK, strokeColor=None))
    drawing.add(Polygon([edge + 11, 58.5, edge + 6, 61.5, edge + 6, 55.5], fillColor=INK, strokeColor=None))
    drawing.add(Line(side, 29, width - side, 29, strokeColor=INK, strokeWidth=0.8))
    for position, words in r.ticks:
        drawing.add(Line(at(position), 29, at(position), 26, strokeColor=INK, strokeWidth=0.6))
        drawing.add(_label(words, at(position), 18, 6.8, "middle"))
    drawing.add(Line(edge, 12, edge, 65, strokeColor=INK, strokeWidth=1.7))
    anchor = "start" if r.cutoff < 12 else "end" if r.cutoff > 88 else "middle"
    drawing.add(_label(r.cutoff_label, edge, 3, 7.6, anchor, bold=True))
    low, high, value = at(r.low), at(r.high), at(r.value)
    for x1, y1, x2, y2 in ((low, 36, low, 44), (high, 36, high, 44), (low, 40, high, 40)):
        drawing.add(Line(x1, y1, x2, y2, strokeColor=INK, strokeWidth=1.3))
    diamond = [value, 45.5, value + 5.5, 40, value, 34.5, value - 5.5, 40]
    drawing.add(Polygon(diamond, fillColor=WHITE, strokeColor=INK, strokeWidth=1.5))
    return drawing


def _label(words: str, x: float, y: float, size: float, anchor: str, *, bold: bool = False) -> String:
    return String(
        x, y, printable(words), fontName=BOLD if bold else REGULAR, fontSize=size, fillColor=INK,
        textAnchor=anchor,
    )  # fmt: skip


def _arc(
    centre: tuple[float, float], radius: float, degrees: tuple[float, float], colour: Color, width: float
) -> Path:
    """Draw an arc as short lines; the library's own arcs are filled wedges."""
    path = Path(strokeColor=colour, strokeWidth=width, fillColor=None, strokeLineCap=0)
    n = max(8, round((degrees[1] - degrees[0]) / 8))
    for k in range(n + 1):
        angle = math.radians(degrees[0] + (degrees[1] - degrees[0]) * k / n)
        x, y = centre[0] + radius * math.cos(angle), centre[1] + radius * math.sin(angle)
        (path.lineTo if k else path.moveTo)(x, y)
    return path


def _filled(key: str, x: float, y: float, width: float, height: float) -> Group:
    """Fill a box with a category's colour and pattern: a page printed in black still tells them apart."""
    group = Group(Rect(x, y, width, height, fillColor=HexColor(_FILL[key]), strokeColor=None))
    if key == "intense_incomplete":
        _hatch(group, (x, y, width, height), 5.0, HexColor("#5a4300"), 1.7, rising=True)
    elif key == "weak_incomplete":
        _hatch(group, (x, y, width, height), 5.0, HexColor("#0b4a6b"), 0.8, rising=False)
    elif key == "weak_complete":
        for k in range(1, int(height / 3.5) + 1):
            at = y + k * height / (int(height / 3.5) + 1)
            group.add(Line(x, at, x + width, at, strokeColor=WHITE, strokeWidth=0.8))
    elif key == "faint":
        for k in range(int(width / 4)):
            for row in (0.3, 0.7):
                at = x + 2 + 4 * k + (2 if row > 0.5 else 0)
                if at < x + width - 0.5:
                    group.add(Circle(at, y + row * height, 0.5, fillColor=SOFT, strokeColor=None))
    group.add(Rect(x, y, width, height, fillColor=None, strokeColor=INK, strokeWidth=0.5))
    return group


def _hatch(
    group: Group,
    box: tuple[float, float, float, float],
    step: float,
    colour: Color,
    line: float,
    *,
    rising: bool,
) -> None:
    """Add slanting lines, each cut to the box."""
    x, y, width, height = box
    offset = -height + step / 2
    while offset < width:
        first, last = max(offset, 0.0), min(offset + height, width)
        if last > first:
            low, high = first - offset, last - offset
            y1, y2 = (y + low, y + high) if rising else (y + height - low, y + height - high)
            group.add(Line(x + first, y1, x + last, y2, strokeColor=colour, strokeWidth=line))
        offset += step

"""Agreement as a map over both thresholds, as SVG."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape

from armicro.contracts.arrays import F64

_CELL, _LEFT, _TOP = 56, 90, 70
_INK = "#1c2430"
_HEAD = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" '
    'height="{height}" font-family="sans-serif" font-size="13" fill="{ink}">'
)


def threshold_svg(
    weak_od: Sequence[float], intense_od: Sequence[float], kappa: F64, chosen: tuple[int, int], title: str
) -> str:
    """Draw kappa over the weak and the intense threshold.

    Parameters
    ----------
    weak_od, intense_od : sequence of float
        The axes, log10 OD.
    kappa : ndarray of float64, (weak, intense)
        Not a number where the thresholds do not rise.
    chosen : (int, int)
        Row and column of the fitted pair.
    title : str
        One line above.

    Returns
    -------
    str
        The picture.
    """
    width, height = _LEFT + _CELL * len(intense_od) + 20, _TOP + _CELL * len(weak_od) + 60
    finite = [float(v) for v in kappa.ravel() if math.isfinite(v)]
    low, high = min(finite, default=0.0), max(finite, default=1.0)
    bottom, middle = _TOP + _CELL * len(weak_od), _TOP + _CELL * len(weak_od) / 2
    parts = [
        _HEAD.format(width=width, height=height, ink=_INK),
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
        f'<text x="16" y="28" font-size="15">{escape(title)}</text>',
        f'<text x="16" y="50">quadratic-weighted κ, {low:.3f} to {high:.3f}; framed: chosen</text>',
    ]
    for row, weak in enumerate(weak_od):
        y = _TOP + row * _CELL
        parts.append(_text(_LEFT - 10, y + _CELL / 2 + 5, f"{weak:g}", "end"))
        parts += [
            _cell(_LEFT + column * _CELL, y, float(kappa[row, column]), low, high)
            for column in range(len(intense_od))
        ]
    parts += [
        _text(_LEFT + (column + 0.5) * _CELL, bottom + 20, f"{intense:g}")
        for column, intense in enumerate(intense_od)
    ]
    parts.append(f'<g transform="rotate(-90 20 {middle:g})">{_text(20, middle, "weak, log10 OD")}</g>')
    parts.append(_text(_LEFT + _CELL * len(intense_od) / 2, height - 14, "intense, log10 OD"))
    y, x = _TOP + chosen[0] * _CELL, _LEFT + chosen[1] * _CELL
    parts.append(
        f'<rect x="{x + 1}" y="{y + 1}" width="{_CELL - 2}" height="{_CELL - 2}" fill="none" '
        f'stroke="{_INK}" stroke-width="3"/>'
    )
    return "\n".join([*parts, "</svg>"]) + "\n"


def _text(x: float, y: float, words: str, anchor: str = "middle") -> str:
    return f'<text x="{x:g}" y="{y:g}" text-anchor="{anchor}">{escape(words)}</text>'


def _cell(x: int, y: int, value: float, low: float, high: float) -> str:
    square = f'<rect x="{x}" y="{y}" width="{_CELL}" height="{_CELL}" fill="{{}}"/>'
    if not math.isfinite(value):
        return square.format("#eceff3")
    share = (value - low) / (high - low) if high > low else 1.0
    # From white to a blue that dark text can still be read on.
    red, green, blue = (round(255 + share * (end - 255)) for end in (86, 156, 214))
    number = _text(x + _CELL / 2, y + _CELL / 2 + 5, f"{value:.3f}")
    return square.format(f"rgb({red},{green},{blue})") + number

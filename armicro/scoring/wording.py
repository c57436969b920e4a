"""Numbers and lists as a reader of a report wants them."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction


def percent(count: int, total: int, border: Fraction | None = None) -> str:
    """Write a share in per cent with one decimal, or with more where one would hide the side of a border.

    Parameters
    ----------
    count, total : int
        The share; `total` above 0.
    border : Fraction or None
        A share to stay apart from, 0 to 1; none and all are borders always.

    Returns
    -------
    str
        Such as "9.6", or "10.05" beside a border of 10 %; without the sign.
    """
    exact = Fraction(count, total)
    apart_from = [b for b in (Fraction(0), Fraction(1), border) if b is not None and b != exact]
    text = ""
    for digits in range(1, 9):
        text = f"{float(100 * exact):.{digits}f}"
        if Fraction(text) / 100 not in apart_from:
            break
    return text


def cells(n: int) -> str:
    """Write "1 tumour cell", "2 tumour cells"."""
    return f"{n} tumour cell" if n == 1 else f"{n} tumour cells"


def either(words: Sequence[str]) -> str:
    """Write "1", "1 or 2", "1, 2 or 3"."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"

"""A store of 500 cases with 20 fields each: how long listing, searching, opening and capturing take.

    python -m tools.evaluate.store_scale

Fields are small (64 x 64), since what is asked is whether their number costs anything; the cost of a capture
is measured in an empty store and in the full one, in turn.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from armicro.contracts.casebook import CaseEvent
from armicro.contracts.frame import Frame, Optics
from armicro.store.casebook import CaseBook


def _frame(k: int, side: int = 64) -> Frame:
    rgb = np.random.default_rng(k).integers(0, 256, (side, side, 3), np.uint8)
    rgb.flags.writeable = False
    return Frame(rgb, k, k, Optics(0.212, "40x"), "made up")


def _ms(call: Callable[[], object], times: int) -> str:
    spent = []
    for _ in range(times):
        begin = time.perf_counter()
        call()
        spent.append(1e3 * (time.perf_counter() - begin))
    return f"{np.median(spent):.1f} ms (p95 {np.percentile(spent, 95):.1f})"


def fill(book: CaseBook, cases: int, fields: int) -> None:
    """Keep fields and the events that a session would record with them."""
    for c in range(cases):
        case = book.open_case(f"26-{c:04d}")
        for f in range(fields):
            case.keep(_frame(c * fields + f), f)
            case.record(CaseEvent("score", {"score": "2+", "n_fields": f + 1, "sha256": "0" * 64}))
        case.close()
        print(f"\r{c + 1} of {cases} cases", end="", flush=True)
    print()


def main() -> None:
    """Fill, measure, print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cases", type=int, default=500)
    parser.add_argument("--fields", type=int, default=20)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        small, full = CaseBook(Path(place) / "small"), CaseBook(Path(place) / "full")
        fill(full, args.cases, args.fields)
        name = f"26-{args.cases // 2:04d}"

        def opened() -> None:
            case = full.open_case(name)
            case.earlier()
            full.events(name)
            case.close()

        one, other = small.open_case("x"), full.open_case(name)
        picture = _frame(0, 1024)
        print(f"| {args.cases * args.fields} fields in {args.cases} cases | |\n| --- | ---: |")
        print(f"| list | {_ms(full.cases, 50)} |")
        print(f"| search | {_ms(lambda: full.cases('-02'), 50)} |")
        print(f"| open | {_ms(opened, 50)} |")
        for _ in range(2):
            print(f"| capture 1024², empty store | {_ms(lambda: one.keep(picture, 0), 20)} |")
            print(f"| capture 1024², full store | {_ms(lambda: other.keep(picture, 0), 20)} |")
        for closed in (one, other, small, full):
            closed.close()


if __name__ == "__main__":
    main()

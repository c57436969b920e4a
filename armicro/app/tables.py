"""A scored case as a person reads it in a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from armicro.app.console import shown
from armicro.contracts.cells import CATEGORIES
from armicro.contracts.score import RESEARCH_USE_ONLY
from armicro.report.models import CaseDocument

_BAR = 24


def headline(document: CaseDocument) -> str:
    """Return score and status in a few words: "2+ (equivocal)", "no score (not assessable)"."""
    status = document.status.value.replace("_", " ")
    return f"{document.score or 'no score'} ({status})"


def _category_table(document: CaseDocument) -> Table:
    table = Table(box=None, pad_edge=False)
    for title in ("category", "cells", "share", ""):
        table.add_column(title, justify="right" if title in ("cells", "share") else "left", no_wrap=True)
    for category in CATEGORIES:
        count = getattr(document.counts, category.key)
        share = getattr(document.proportions, category.key)
        text = "" if share is None else f"{share:.1%}"
        table.add_row(category.key, str(count), text, "▇" * round(_BAR * (share or 0)))
    table.add_row("all tumour cells", str(document.n_cells), "", "")
    return table


def _field_table(document: CaseDocument) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column("field", justify="right")
    table.add_column("file", overflow="fold")
    for title in ("µm/px", "cells", "intense compl.", "weak compl.", "stained"):
        table.add_column(title, justify="right", no_wrap=True)
    for number, one in enumerate(document.fields, start=1):
        c, n = one.counts, one.n_cells
        shares = (c.intense_complete, c.weak_complete, n - c.none)
        texts = [f"{k / n:.1%}" if n else "" for k in shares]
        table.add_row(str(number), shown(Path(one.path).name), f"{one.um_per_px:.4g}", str(n), *texts)
    return table


def print_case(console: Console, document: CaseDocument, written: Sequence[Path] = ()) -> None:
    """Print a case: score and reason, categories, distance to the cut-off, fields, where the outputs lie.

    Parameters
    ----------
    console : Console
        Where to print.
    document : CaseDocument
        The case.
    written : sequence of Path
        Outputs, for people to find.
    """
    rules = f"{document.guideline.name} {document.guideline.version}"
    console.print(
        f"[bold]HER2 IHC {headline(document)}[/bold]   {shown(document.case_id)}, rules {shown(rules)}"
    )
    if document.simulated:
        console.print("Simulated tissue: this is not a patient's case.")
    _print_lines(console, (document.reason, *document.comments))
    if document.annotation is not None:
        console.print(f"Beside the score: HER2-{shown(document.annotation)}.")
    console.print()
    console.print(_category_table(document))
    if document.cutoff is not None:
        console.print()
        _print_lines(console, (document.cutoff.text, document.cutoff.settles))
    console.print()
    console.print(_field_table(document))
    if document.control is not None:
        _print_lines(console, (document.control.words,))
    for number, one in enumerate(document.fields, start=1):
        _print_lines(console, [f"field {number}: {text}" for text in (*one.warnings, *one.notes)])
    if written:
        console.print()
        _print_lines(console, [f"written: {path}" for path in written])
    console.print()
    console.print(RESEARCH_USE_ONLY)


def _print_lines(console: Console, lines: Sequence[str]) -> None:
    for line in lines:
        if line:
            console.print(shown(line), soft_wrap=True)

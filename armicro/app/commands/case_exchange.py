"""`armicro case export` and `import`: kept cases out of the store and into it."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer

from armicro.app import console, options
from armicro.app.case_again import Rereader, findings, kept_case
from armicro.app.case_folder import Cases, cases_folder, open_book
from armicro.app.case_run import CaseOutputs
from armicro.app.console import shown
from armicro.app.kept_bundle import KeptSource, case_in, content_of, stage_bundle, write_kept
from armicro.app.staging import Staging
from armicro.app.tables import headline
from armicro.contracts.casebook import CaseEvent
from armicro.contracts.errors import InputError
from armicro.scoring.guidelines import load_guideline
from armicro.store.case_bundle import read_case_bundle
from armicro.store.casebook import CaseBook
from armicro.store.taking_in import take_in

CaseName = Annotated[str, typer.Argument(metavar="ID", help="The case's name.")]


def export(
    name: CaseName,
    json_file: options.Json = None,
    cells: options.Cells = None,
    overlay: options.Overlay = None,
    report: options.Report = None,
    pdf: options.Pdf = None,
    geojson: options.Geojson = None,
    dicom: options.Dicom = None,
    frames: Annotated[
        Path | None, typer.Option("--frames", metavar="DIR", help="Write the fields as PNG with their scale.")
    ] = None,
    bundle: Annotated[
        Path | None,
        typer.Option(
            "--bundle",
            metavar="FILE.zip",
            help="Write the case as one file that another armicro imports or scores.",
        ),
    ] = None,
    reproducible: options.Reproducible = False,
    quiet: options.Quiet = False,
    cases: Cases = None,
) -> None:
    """Read a kept case again and write what `score` writes, or the whole case as one file."""
    outputs = CaseOutputs(json_file, cells, overlay, report, reproducible, geojson, pdf, dicom)
    if not any((json_file, cells, overlay, report, pdf, geojson, dicom, frames, bundle)):
        raise InputError(
            "say what is to be written: --json, --report, --pdf, --geojson, --dicom, --frames, --bundle"
        )
    with closing(open_book(cases)) as book, Staging() as staging:
        case = kept_case(book, name)
        rereader = Rereader(book, console.note)
        source = KeptSource(case, rereader.recipe(case), lambda number: rereader.frame(case, number))
        with console.progress("reading", len(source.counting), quiet=quiet) as tick:
            document = write_kept(
                source, outputs, staging, frames, lambda done, total: tick(done, f"{done} of {total}")
            )
        if bundle is not None:
            stage_bundle(bundle, content_of(book, case, document), source.frame_of, staging)
        written = staging.commit()
        opened = book.open_case(name)
        try:
            opened.record(CaseEvent("export", {"files": len(written)}))
        finally:
            opened.close()
    out = console.results()
    out.print(headline(document))
    for path in written:
        out.print(shown(path))


def import_(
    source: Annotated[Path, typer.Argument(metavar="FILE.zip", help="From armicro case export --bundle.")],
    quiet: options.Quiet = False,
    cases: Cases = None,
) -> None:
    """Take a case from a bundle, with its pixels and its whole history, and read it again to check it."""
    bundle = read_case_bundle(source)
    case_in(bundle, load_guideline)
    with closing(CaseBook(cases_folder(cases))) as book:
        with console.progress("importing", len(bundle.numbers), quiet=quiet) as tick:
            take_in(book, bundle, lambda done, total: tick(done, f"field {done} of {total}"))
        with console.progress("reading again", None, quiet=quiet) as tick:
            found = findings(
                book,
                Rereader(book, console.note),
                bundle.name,
                lambda done, total: tick(done, f"field {done} of {total}"),
            )
    for finding in found:
        console.note(f"{finding.case}: {finding.words}")
    n, m = len(bundle.numbers), len(bundle.events)
    said = "not reproduced here" if found else "reproduced"
    console.results().print(f"case {shown(bundle.name)} is imported: {n} fields, {m} events; {said}")

"""`armicro case`: cases that are kept."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from armicro.app import console, exit_codes, options
from armicro.app.case_again import KeptCase, Rereader, findings, kept_case
from armicro.app.case_folder import Cases, cases_folder, has_cases, open_book
from armicro.app.commands.case_exchange import CaseName, export, import_
from armicro.app.console import shown
from armicro.contracts.casebook import CaseEvent
from armicro.contracts.cells import Category
from armicro.contracts.errors import InputError, StoreError
from armicro.report.shown import category_name
from armicro.store.backup import copy_cases
from armicro.store.casebook import CaseBook, CaseRow, Finding

case_app = typer.Typer(
    name="case", help="Cases that are kept: list, check, export, back up.", no_args_is_help=True
)
case_app.command("export", epilog=exit_codes.EPILOG)(export)
case_app.command("import", epilog=exit_codes.EPILOG)(import_)


@case_app.command("list", epilog=exit_codes.EPILOG)
def list_cases(
    contains: Annotated[
        str, typer.Argument(metavar="[TEXT]", help="Only cases whose name contains this text.")
    ] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Write JSON to stdout.")] = False,
    cases: Cases = None,
) -> None:
    """List the cases, the one that was worked on last first."""
    rows: tuple[CaseRow, ...] = ()
    if has_cases(cases):
        with closing(open_book(cases)) as book:
            rows = book.cases(contains)
    if as_json:
        items = [{n: getattr(row, n) for n in row.__dataclass_fields__} for row in rows]
        typer.echo(json.dumps(items, ensure_ascii=False, indent=2))
        return
    table = Table(box=None, pad_edge=False)
    for title in ("case", "fields", "begun", "last"):
        table.add_column(title, justify="right" if title == "fields" else "left", overflow="fold")
    for row in rows:
        table.add_row(shown(row.name), str(row.fields), row.created_utc[:16], row.last_utc[:16])
    console.results().print(table)
    if not rows:
        console.note(f"there is no case in {cases_folder(cases)}")


@case_app.command("show", epilog=exit_codes.EPILOG)
def show(
    name: CaseName,
    as_json: Annotated[bool, typer.Option("--json", help="Write JSON to stdout.")] = False,
    cases: Cases = None,
) -> None:
    """Show a case: its fields, its last score, and everything that was done to it."""
    with closing(open_book(cases)) as book:
        case = kept_case(book, name)
        files = book.fields(name)
    if as_json:
        typer.echo(json.dumps(_as_json(case), ensure_ascii=False, indent=2))
        return
    out = console.results()
    score = case.score or {}
    out.print(f"[bold]{shown(name)}[/bold]  {score.get('score') or 'no score'}  {len(files)} fields")
    for one in case.choice.fields:
        notes = (["left out"] if one.removed else []) + ([f"{len(one.edits)} edits"] if one.edits else [])
        out.print(f"  field {one.number}  {', '.join(notes)}".rstrip())
    table = Table(box=None, pad_edge=False)
    for title in ("when (UTC)", "who", "what", "details"):
        table.add_column(title, overflow="fold")
    for event in case.events:
        details = {k: v for k, v in json.loads(event.details).items() if k not in ("settings", "sha256")}
        if details.get("category") in tuple(Category):
            details["category"] = category_name(Category(details["category"]))
        words = ", ".join(f"{k} {v}" for k, v in details.items() if v not in (None, ""))
        table.add_row(event.utc[:19], shown(event.who), event.kind, shown(words))
    out.print(table)


def _as_json(case: KeptCase) -> dict[str, object]:
    events = [
        {"seq": e.seq, "utc": e.utc, "who": e.who, "kind": e.kind, "details": json.loads(e.details)}
        for e in case.events
    ]
    fields = [{"number": f.number, "removed": f.removed, "edits": len(f.edits)} for f in case.choice.fields]
    return {
        "case_id": case.name,
        "score": case.score,
        "guideline": case.choice.guideline.name,
        "stain_profile": f"{case.choice.profile.name}/{case.choice.profile.version}",
        "detector": case.detector,
        "fields": fields,
        "events": events,
    }


@case_app.command("verify", epilog=exit_codes.EPILOG)
def verify(
    name: Annotated[str | None, typer.Argument(metavar="[ID]", help="Only this case.")] = None,
    reread: Annotated[
        bool, typer.Option("--reread/--no-reread", help="Read all fields again and compare the result.")
    ] = True,
    quiet: options.Quiet = False,
    cases: Cases = None,
) -> None:
    """Check cases: the log's chain, the pixels, and that reading them again gives the stored result."""
    with closing(open_book(cases)) as book:
        damage = book.damage()
        if damage is not None:
            raise StoreError(f"{book.folder}: the database is damaged ({damage}): restore a backup")
        names = [row.name for row in book.cases()] if name is None else [name]
        found: list[Finding] = []
        with console.progress("checking", len(names), quiet=quiet) as tick:
            rereader = Rereader(book, console.note)
            for number, one in enumerate(names):
                tick(number, one)

                def within(done: int, total: int, number: int = number, one: str = one) -> None:
                    tick(number, f"{one}, field {done} of {total}")

                found += findings(book, rereader if reread else None, one, within)
        strays = () if name is not None else book.strays()
    for finding in found:
        console.note(f"{finding.case}: {finding.words}")
    for folder in strays:
        console.note(
            f"{folder} belongs to no case: a deletion or an import was interrupted; delete the folder"
        )
    bad = len({f.case for f in found})
    what = "reproduced" if reread else "intact"
    console.results().print(f"{len(names) - bad} of {len(names)} cases {what}")
    if found or strays:
        raise typer.Exit(exit_codes.INPUT)


@case_app.command("backup", epilog=exit_codes.EPILOG)
def backup(
    target: Annotated[Path, typer.Argument(metavar="DIR", help="A new folder, or an interrupted backup.")],
    quiet: options.Quiet = False,
    cases: Cases = None,
) -> None:
    """Copy all cases into another folder and check the copy."""
    _copy(cases_folder(cases), target, "backing up", quiet=quiet)


@case_app.command("restore", epilog=exit_codes.EPILOG)
def restore(
    source: Annotated[Path, typer.Argument(metavar="DIR", help="A backup.", exists=True, file_okay=False)],
    quiet: options.Quiet = False,
    cases: Cases = None,
) -> None:
    """Copy a backup to where cases are kept, which must hold none yet, and check it."""
    if not (source / "cases.db").is_file():
        raise InputError(f"{source} is no backup: it has no cases.db; an interrupted one is begun again")
    _copy(source, cases_folder(cases), "restoring", quiet=quiet)


def _copy(source: Path, target: Path, title: str, *, quiet: bool) -> None:
    with closing(open_book(source)) as book, console.progress(title, None, quiet=quiet) as tick:
        n = copy_cases(book, target, lambda done, total, what: tick(done, f"{done} of {total} {what}"))
    with closing(CaseBook(target)) as copy:
        broken = [f for row in copy.cases() for f in copy.verify(row.name)]
    for finding in broken:
        console.note(f"{finding.case}: {finding.words}")
    console.results().print(f"{n} fields are in {shown(target)}, checked")
    if broken:
        raise typer.Exit(exit_codes.INPUT)


@case_app.command("delete", epilog=exit_codes.EPILOG)
def delete(
    name: CaseName,
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why; it is recorded.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    cases: Cases = None,
) -> None:
    """Delete a case with its pixels and log; only a line about the deletion stays.

    The line tells when, by whom and why, how many fields and events there were, and hashes of the name and
    the log. A signed-off case is amended first. Backups are not touched.
    """
    with closing(open_book(cases)) as book:
        n = len(book.fields(name))
        if not yes and not typer.confirm(f"Delete case {console.clean(name)} with {n} fields for good?"):
            console.results().print(f"case {shown(name)} is kept")
            return
        book.delete(name, reason)
    console.results().print(f"case {shown(name)} is deleted")


@case_app.command("sign-off", epilog=exit_codes.EPILOG)
def sign_off(
    name: CaseName,
    note: Annotated[str, typer.Option("--note", metavar="TEXT", help="Recorded with it.")] = "",
    cases: Cases = None,
) -> None:
    """Lock a case as it stands, after reading it again: the recorded score has to come out."""
    with closing(open_book(cases)) as book:
        with console.progress("reading again", None, quiet=False) as tick:
            found = findings(
                book,
                Rereader(book, console.note),
                name,
                lambda done, total: tick(done, f"field {done} of {total}"),
            )
        if found:
            raise InputError(f"case {name!r} is not signed off: {found[0].words}")
        case = kept_case(book, name)
        if case.score is None:
            raise InputError(f"case {name!r} is not signed off: it has no score")
        opened = book.open_case(name)
        try:
            score = {k: v for k, v in case.score.items() if k in ("score", "status", "sha256", "guideline")}
            opened.record(CaseEvent("sign-off", {"note": note, **score}))
        finally:
            opened.close()
    console.results().print(f"case {shown(name)} is signed off: {score['score'] or 'no score'}")


@case_app.command("amend", epilog=exit_codes.EPILOG)
def amend(
    name: CaseName,
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why; it is recorded.")],
    cases: Cases = None,
) -> None:
    """Open a signed-off case again; what was signed stays in the log."""
    if not reason.strip():
        raise InputError("an amendment needs its reason")
    with closing(open_book(cases)) as book:
        book.events(name)
        opened = book.open_case(name)
        try:
            if opened.earlier().signed_off is None:
                raise InputError(f"case {name!r} is not signed off: it can be changed as it is")
            opened.record(CaseEvent("amend", {"reason": reason}))
        finally:
            opened.close()
    console.results().print(f"case {shown(name)} may be changed again")

"""`armicro lock`: settings that a laboratory has validated."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from armicro.app import console, exit_codes, options
from armicro.app.case_run import CaseOptions
from armicro.app.console import shown
from armicro.app.detectors import AUTO, DetectorChoice
from armicro.app.profiles import DEFAULT_STAIN_PROFILE
from armicro.app.settings_lock import log_entries, present_lock, release_lock, set_lock
from armicro.assays.recipe import Reading
from armicro.inference.choose import EngineName
from armicro.scoring.guidelines import DEFAULT_GUIDELINE

lock_app = typer.Typer(
    name="lock", help="Settings that a laboratory has validated: lock, show, release.", no_args_is_help=True
)


@lock_app.command("set", epilog=exit_codes.EPILOG)
def set_(
    name: Annotated[str, typer.Argument(metavar="NAME", help='Such as "validated 2026-11".')],
    guideline: options.Guideline = DEFAULT_GUIDELINE,
    stain_profile: options.StainProfile = DEFAULT_STAIN_PROFILE,
    reading: options.CellReading = Reading.PER_CELL,
    detector: options.Detector = AUTO,
    engine: options.Engine = EngineName.AUTO,
) -> None:
    """Lock rule set, stain profile, reading and detector: score and run use these and refuse others."""
    case = CaseOptions("", guideline, stain_profile, reading, 0, DetectorChoice(detector, engine))
    lock = set_lock(name, case, console.note)
    console.results().print(f"locked as {shown(lock.words)}")


@lock_app.command("show", epilog=exit_codes.EPILOG)
def show() -> None:
    """Show what is locked, and what was locked and released before."""
    out, lock = console.results(), present_lock()
    if lock is None:
        out.print("no settings are locked")
    else:
        file = lock.file
        out.print(f"[bold]{shown(lock.words)}[/bold]")
        out.print(f"rule set {file.guideline} {file.guideline_version}, reading {file.reading}")
        out.print(f"nuclei by {shown(file.identity)}", soft_wrap=True)
        out.print(f"stain profile {shown(lock.profile)}", soft_wrap=True)
    for entry in log_entries():
        details = json.loads(entry.details)
        what = details.get("name") or f"{details.get('lock')}: {details.get('reason')}"
        out.print(f"{entry.utc[:19]}  {shown(entry.who)}  {entry.kind}  {shown(what)}", soft_wrap=True)


@lock_app.command("release", epilog=exit_codes.EPILOG)
def release(
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why; it is recorded.")],
) -> None:
    """Release the lock; it stays in the log."""
    console.results().print(f"released: {shown(release_lock(reason))}")

"""The tree of commands, with their options and help."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from armicro import __version__
from armicro.app import exit_codes
from armicro.app.commands.bench import bench
from armicro.app.commands.calibrate import calibrate
from armicro.app.commands.case import case_app
from armicro.app.commands.demo import demo
from armicro.app.commands.doctor import doctor
from armicro.app.commands.listing import guidelines, schema
from armicro.app.commands.lock import lock_app
from armicro.app.commands.replay import replay
from armicro.app.commands.run import run as run_instrument
from armicro.app.commands.score import score
from armicro.app.commands.setup import setup
from armicro.app.commands.simulate import simulate

UsageProblem: type[Exception] = typer.BadParameter.__mro__[2]
"""Base of everything that is wrong with a command line; where it lives differs between typer's versions."""

app = typer.Typer(
    name="armicro",
    help="HER2 at the eyepiece: scores HER2 immunohistochemistry from recorded fields. Research use only.",
    epilog=exit_codes.EPILOG,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for _command in (score, replay, simulate, demo, bench, doctor, guidelines, schema, setup):
    app.command(epilog=exit_codes.EPILOG)(_command)
app.command("run", epilog=exit_codes.EPILOG)(run_instrument)
app.add_typer(case_app)
app.add_typer(lock_app)
app.add_typer(calibrate)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"armicro {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Print the version."),
    ] = False,
    debug: Annotated[
        bool,
        typer.Option("--debug", help="Show where an error came from (also: environment ARMICRO_DEBUG=1)."),
    ] = False,
) -> None:
    del version
    if debug:
        os.environ["ARMICRO_DEBUG"] = "1"


def run(arguments: list[str] | None) -> int:
    """Run a command.

    Parameters
    ----------
    arguments : list of str or None
        What stands behind the program's name; None takes it from the process.

    Returns
    -------
    int
        The exit code, where the command did not raise.
    """
    result = typer.main.get_command(app).main(args=arguments, prog_name="armicro", standalone_mode=False)
    return result if isinstance(result, int) else exit_codes.DONE

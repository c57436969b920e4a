"""The command line: `armicro COMMAND`."""

from __future__ import annotations

import os
import signal
import sys
import traceback
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import Annotated

import typer

from armicro import __version__
from armicro.app import exit_codes
from armicro.app.commands.bench import bench
from armicro.app.commands.demo import demo
from armicro.app.commands.doctor import doctor
from armicro.app.commands.listing import guidelines, schema
from armicro.app.commands.replay import replay
from armicro.app.commands.score import score
from armicro.app.commands.simulate import simulate
from armicro.app.console import clean
from armicro.contracts.errors import ArmicroError

app = typer.Typer(
    name="armicro",
    help="HER2 at the eyepiece: scores HER2 immunohistochemistry from recorded fields. Research use only.",
    epilog=exit_codes.EPILOG,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for _command in (score, replay, simulate, demo, bench, doctor, guidelines, schema):
    app.command(epilog=exit_codes.EPILOG)(_command)

_UsageProblem: type[Exception] = typer.BadParameter.__mro__[2]
"""Base of everything that is wrong with a command line; where it lives differs between typer's versions."""


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


def _debugging() -> bool:
    return os.environ.get("ARMICRO_DEBUG", "") not in ("", "0")


def _say(text: str) -> None:
    """Write one line to stderr; if nobody listens there, go on."""
    try:
        sys.stderr.write(clean(text) + "\n")
        sys.stderr.flush()
    except (OSError, ValueError):
        return


def _terminated(number: int, frame: FrameType | None) -> None:
    """Turn a request to end into an exception, so that temporary files are removed."""
    del number, frame
    raise SystemExit(exit_codes.TERMINATED)


@contextmanager
def _tidy() -> Iterator[None]:
    """Set the process up: harmless output encoding, no chatter of libraries, tidy ending."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="replace")
    os.environ.setdefault("OPENCV_LOG_LEVEL", "OFF")
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
    before = signal.signal(signal.SIGTERM, _terminated)
    try:
        with warnings.catch_warnings():
            if not _debugging():
                # What libraries find odd in a file is no message for the user; what matters is raised.
                warnings.simplefilter("ignore")
            yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _run(arguments: Sequence[str] | None) -> int:
    command = typer.main.get_command(app)
    result = command.main(args=arguments, prog_name="armicro", standalone_mode=False)
    sys.stdout.flush()
    return result if isinstance(result, int) else exit_codes.DONE


def _failed(error: BaseException) -> int:
    """Say in one line what went wrong and return the exit code."""
    if _debugging():
        traceback.print_exception(error)
    if isinstance(error, ArmicroError):
        _say(f"armicro: {error}")
        return exit_codes.exit_code_of(error)
    if isinstance(error, _UsageProblem):
        _say(
            f"armicro: {' '.join(str(getattr(error, 'format_message', str)()).split())} (see armicro --help)"
        )
        return exit_codes.USAGE
    if isinstance(error, BrokenPipeError):
        # Whoever read our output has left; keep the interpreter from complaining when it flushes.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return exit_codes.OUTPUT
    if isinstance(error, MemoryError):
        _say("armicro: not enough memory; score the parts of a large image as fields of one case")
        return exit_codes.INPUT
    kind = type(error).__name__
    _say(f"armicro: internal error ({kind}: {error}); run it again with --debug and report what it shows")
    return exit_codes.INTERNAL


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Parameters
    ----------
    arguments : sequence of str, optional
        What stands behind the program's name; None takes it from the process.

    Returns
    -------
    int
        The exit code; see `armicro.app.exit_codes`.
    """
    try:
        with _tidy():
            code = _run(arguments)
    except KeyboardInterrupt:
        code = exit_codes.INTERRUPTED
    except Exception as error:  # noqa: BLE001 - the outermost place: every error becomes one line
        code = _failed(error)
    if code == exit_codes.INTERRUPTED:
        _say("armicro: interrupted; no unfinished file is left")
    return code


if __name__ == "__main__":
    sys.exit(main())

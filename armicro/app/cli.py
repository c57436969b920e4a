"""The command line: `armicro COMMAND`."""

from __future__ import annotations

import errno
import os
import signal
import sys
import threading
import traceback
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from types import FrameType

from armicro.app import exit_codes
from armicro.contracts.errors import ArmicroError

_NO_ROOM = (errno.ENOSPC, errno.EROFS, errno.EFBIG)


def _debugging() -> bool:
    return os.environ.get("ARMICRO_DEBUG", "") not in ("", "0")


def _say(text: str) -> None:
    """Write one line to stderr; if nobody listens there, go on."""
    from armicro.app.console import clean

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
    # Loading the science takes a second, in which Ctrl-C must be heard like at any other time.
    from armicro.app.cores import take_cores
    from armicro.app.machine import usable_cores
    from armicro.app.memory import keep_memory
    from armicro.app.tree import run

    if arguments is None:  # the process is ours
        keep_memory()
        take_cores(usable_cores())
    code = run(None if arguments is None else list(arguments))
    sys.stdout.flush()
    return code


def _usage_problem(error: BaseException) -> str | None:
    """Return what is wrong with the command line, None if something else is wrong."""
    from armicro.app.tree import UsageProblem

    if not isinstance(error, UsageProblem):
        return None
    return " ".join(str(getattr(error, "format_message", error.__str__)()).split())


def _unanswered(error: BaseException) -> bool:
    """Whether a question found nobody to answer it: Ctrl-D, or no terminal."""
    from typer import Abort

    return isinstance(error, Abort)


def _failed(error: BaseException) -> int:
    """Say in one line what went wrong and return the exit code."""
    if _debugging():
        traceback.print_exception(error)
    if isinstance(error, ArmicroError):
        _say(f"armicro: {error}")
        return exit_codes.exit_code_of(error)
    if _unanswered(error):
        return exit_codes.INTERRUPTED
    usage = _usage_problem(error)
    if usage is not None:
        _say(f"armicro: {usage} (see armicro --help)")
        return exit_codes.USAGE
    if isinstance(error, BrokenPipeError):
        # Whoever read our output has left; keep the interpreter from complaining when it flushes.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return exit_codes.OUTPUT
    if isinstance(error, MemoryError):
        _say("armicro: not enough memory; score the parts of a large image as fields of one case")
        return exit_codes.INPUT
    if isinstance(error, OSError) and error.strerror:
        _say(f"armicro: {error.filename or 'the system'}: {error.strerror.lower()}")
        return exit_codes.OUTPUT if error.errno in _NO_ROOM else exit_codes.INPUT
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
    if arguments is None:
        _leave_behind(code)
    return code


def _leave_behind(code: int) -> None:
    """End at once where a driver did not come back in time.

    The interpreter's own end would stop its thread in the middle of foreign code, which aborts the process.
    """
    if any(t.daemon and t.name.startswith("armicro-") for t in threading.enumerate()):
        with suppress(OSError, ValueError):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    sys.exit(main())

"""What the program's exit code means; the same for every command."""

from __future__ import annotations

from armicro.contracts.errors import ArmicroError, DeviceError, EngineError, OutputError

DONE = 0
INTERNAL = 1
USAGE = 2
INPUT = 3
OUTPUT = 4
EQUIPMENT = 5
INTERRUPTED = 130
TERMINATED = 143

EPILOG = (
    "Exit codes: 0 done (also where a case cannot be assessed: that is an answer), 1 internal error, "
    "2 wrong usage, 3 an input cannot be used, 4 an output cannot be written, 5 an engine or device failed, "
    "130 interrupted. Research use only; decision support, the pathologist decides."
)


def exit_code_of(error: ArmicroError) -> int:
    """Return the exit code for an error."""
    if isinstance(error, OutputError):
        return OUTPUT
    if isinstance(error, (EngineError, DeviceError)):
        return EQUIPMENT
    return INPUT

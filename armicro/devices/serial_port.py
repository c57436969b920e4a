"""A serial port: how it is set, what is used of it, and how it is opened."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Protocol

from armicro.contracts.errors import DeviceError

READ_WAIT_S = 0.05
"""How long a read waits; closing waits for no longer than this where the port answers."""
_LONGEST_READ = 4096


@dataclass(frozen=True, slots=True)
class PortSettings:
    """How a serial port is set.

    Parameters
    ----------
    baud : int
        Symbols per second.
    data_bits : 5, 6, 7 or 8
        Bits of a character.
    parity : "N", "E" or "O"
        None, even or odd.
    stop_bits : 1 or 2
        Between characters.

    Raises
    ------
    ValueError
        If the rate is not a positive number.
    """

    baud: int = 9600
    data_bits: Literal[5, 6, 7, 8] = 8
    parity: Literal["N", "E", "O"] = "N"
    stop_bits: Literal[1, 2] = 1

    def __post_init__(self) -> None:
        if self.baud <= 0:
            raise ValueError(f"{self.baud} baud: the rate of a port has to be above 0")


class Port(Protocol):
    """The part of a pyserial port that is used. Its errors are `OSError`s."""

    @property
    def in_waiting(self) -> int:
        """How many bytes have come, or 1 for some."""
        ...

    @property
    def cts(self) -> bool:
        """Level of Clear To Send."""
        ...

    @property
    def dsr(self) -> bool:
        """Level of Data Set Ready."""
        ...

    @property
    def cd(self) -> bool:
        """Level of Data Carrier Detect."""
        ...

    def read(self, size: int = 1, /) -> bytes:
        """Return up to so many bytes; fewer where they do not come in time."""
        ...

    def write(self, data: bytes, /) -> int | None:
        """Send."""
        ...

    def close(self) -> None:
        """Let go of the port."""
        ...


OpenPort = Callable[[str, PortSettings], Port]


def open_port(address: str, settings: PortSettings) -> Port:
    """Open whatever pyserial opens, for this process alone.

    Parameters
    ----------
    address : str
        `COM3`, `/dev/ttyUSB0`, `socket://host:port`, `loop://`, ...
    settings : PortSettings
        How the port is set; DTR and RTS are on, so that they can feed a contact.

    Returns
    -------
    Port
        Reads wait up to `READ_WAIT_S`.

    Raises
    ------
    DeviceError
        In words, with what to do about it.
    """
    try:
        import serial
    except ImportError as error:
        raise DeviceError("pyserial is not installed: pip install 'armicro[instrument]'") from error
    try:
        port: Port = serial.serial_for_url(
            address, baudrate=settings.baud, bytesize=settings.data_bits, parity=settings.parity,
            stopbits=settings.stop_bits, timeout=READ_WAIT_S, write_timeout=1.0, exclusive=True,
        )  # fmt: skip
    except Exception as error:  # whatever a driver raises (termios.error is no OSError) is told as one thing
        raise DeviceError(str(error)) from error
    return port


def read_some(port: Port) -> bytes:
    """Return what has come, and what comes within a moment where there is nothing yet."""
    return port.read(max(1, min(port.in_waiting, _LONGEST_READ)))

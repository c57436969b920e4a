"""How pedals speak over a serial port: lines of text, single bytes, or a bare contact on a modem line."""

from __future__ import annotations

import re
from dataclasses import dataclass, fields
from enum import Enum, StrEnum
from typing import Protocol

from armicro.contracts.errors import DeviceError
from armicro.devices.line_cutter import LineCutter
from armicro.devices.serial_port import Port


class Signal(Enum):
    """What a pedal said."""

    PRESS = "press"
    """A whole press, or, from a pedal that tells releases, that it went down."""
    RELEASE = "release"
    LONG = "long"
    DOUBLE = "double"


class Decoder(Protocol):
    """Makes signals of bytes; belongs to one connection."""

    def feed(self, data: bytes, t_ns: int) -> list[tuple[Signal, int]]:
        """Return what was said, with its times, ns; `t_ns` is when the first byte came."""
        ...


@dataclass(frozen=True, slots=True)
class LineProtocol:
    """A line of text for each signal.

    Patterns are regular expressions that the whole line has to match, blanks around it and upper and lower
    case aside; the first that matches counts, in this order. Other lines are passed over.

    Parameters
    ----------
    press : str
        A press; where `release` is given: the pedal goes down.
    release : str or None
        The pedal comes up. Short, long and double are then told from the times.
    long, double : str or None
        Gestures of a pedal that tells them apart itself.

    Raises
    ------
    ValueError
        If a pattern is no regular expression, or both the pedal and this program are to tell gestures apart.
    """

    press: str = "press|1"
    release: str | None = None
    long: str | None = None
    double: str | None = None

    def __post_init__(self) -> None:
        if self.release is not None and (self.long is not None or self.double is not None):
            raise ValueError("a pedal that tells its release has no lines for long and double presses")
        for name, pattern in self._given():
            try:
                re.compile(pattern)
            except re.error as error:
                raise ValueError(f"the pattern of {name}, {pattern!r}, is not valid: {error}") from error

    @property
    def tells_release(self) -> bool:
        """Whether the pedal says when it comes up."""
        return self.release is not None

    def decoder(self) -> Decoder:
        """Begin to read a connection."""
        return _LineDecoder({Signal(name): re.compile(p, re.IGNORECASE) for name, p in self._given()})

    def _given(self) -> list[tuple[str, str]]:
        named = ((f.name, getattr(self, f.name)) for f in fields(self))
        return [(name, pattern) for name, pattern in named if pattern is not None]


class _LineDecoder:
    def __init__(self, patterns: dict[Signal, re.Pattern[str]]) -> None:
        self._patterns = patterns
        self._lines = LineCutter()

    def feed(self, data: bytes, t_ns: int) -> list[tuple[Signal, int]]:
        said = []
        for line, at_ns in self._lines.feed(data, t_ns):
            signal = next((s for s, p in self._patterns.items() if p.fullmatch(line)), None)
            if signal is not None:
                said.append((signal, at_ns))
        return said


@dataclass(frozen=True, slots=True)
class ByteProtocol:
    """A byte for each signal; other bytes are passed over.

    Parameters
    ----------
    press : int
        0 to 255: a press; where `release` is given: the pedal goes down.
    release : int or None
        The pedal comes up. Short, long and double are then told from the times.
    long, double : int or None
        Gestures of a pedal that tells them apart itself.

    Raises
    ------
    ValueError
        If a number is no byte, two are the same, or both the pedal and this program are to tell gestures
        apart.
    """

    press: int = ord("1")
    release: int | None = None
    long: int | None = None
    double: int | None = None

    def __post_init__(self) -> None:
        if self.release is not None and (self.long is not None or self.double is not None):
            raise ValueError("a pedal that tells its release has no bytes for long and double presses")
        given = [byte for _, byte in self._given()]
        if any(not 0 <= b <= 255 for b in given) or len(set(given)) < len(given):
            raise ValueError(f"the bytes of a pedal, {given}, have to be different, each 0 to 255")

    @property
    def tells_release(self) -> bool:
        """Whether the pedal says when it comes up."""
        return self.release is not None

    def decoder(self) -> Decoder:
        """Begin to read a connection."""
        return _ByteDecoder({byte: Signal(name) for name, byte in self._given()})

    def _given(self) -> list[tuple[str, int]]:
        named = ((f.name, getattr(self, f.name)) for f in fields(self))
        return [(name, byte) for name, byte in named if byte is not None]


class _ByteDecoder:
    def __init__(self, signals: dict[int, Signal]) -> None:
        self._signals = signals

    def feed(self, data: bytes, t_ns: int) -> list[tuple[Signal, int]]:
        return [(self._signals[b], t_ns) for b in data if b in self._signals]


class ModemLine(StrEnum):
    """An input line of a serial port."""

    CTS = "cts"
    DSR = "dsr"
    DCD = "dcd"


@dataclass(frozen=True, slots=True)
class Contact:
    """How a contact is wired.

    The port's own outputs feed it: from DTR (pin 4 of a 9-pin plug) over the pedal to the input is active
    high.

    Parameters
    ----------
    line : ModemLine
        The input.
    active_high : bool
        Whether the line is on while the pedal is down.
    """

    line: ModemLine = ModemLine.CTS
    active_high: bool = True

    def require_open(self, port: Port) -> None:
        """Raise `DeviceError` where the port has no such line, or nobody could tell a press by it."""
        name = self.line.upper()
        try:
            down = self.is_down(port)
        except Exception as error:  # what drivers raise here is of any kind
            raise DeviceError(
                f"it does not tell its {name} line ({error}): use a port with modem lines, or a pedal that "
                "sends lines or bytes"
            ) from error
        if down:
            other = "false" if self.active_high else "true"
            raise DeviceError(
                f"its {name} line is as if it were pressed. Take the foot off; if nobody stands on it, set "
                f"active_high = {other} in its profile"
            )

    def is_down(self, port: Port) -> bool:
        """Tell whether the pedal is down. `OSError`: the port is gone."""
        if self.line is ModemLine.CTS:
            level = port.cts
        elif self.line is ModemLine.DSR:
            level = port.dsr
        else:
            level = port.cd
        return level == self.active_high

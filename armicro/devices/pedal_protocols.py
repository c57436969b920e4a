"""What pedals send over a serial line: lines of text, or single bytes."""

from __future__ import annotations

import re
from dataclasses import dataclass, fields
from enum import Enum
from typing import Protocol

from armicro.devices.serial_link import LineCutter


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
        The pedal comes up.

    Raises
    ------
    ValueError
        If a number is no byte, or both are the same.
    """

    press: int = ord("1")
    release: int | None = None

    def __post_init__(self) -> None:
        given = [b for b in (self.press, self.release) if b is not None]
        if any(not 0 <= b <= 255 for b in given) or len(set(given)) < len(given):
            raise ValueError(f"press and release, {given}, have to be different bytes, 0 to 255")

    @property
    def tells_release(self) -> bool:
        """Whether the pedal says when it comes up."""
        return self.release is not None

    def decoder(self) -> Decoder:
        """Begin to read a connection."""
        return _ByteDecoder(self)


class _ByteDecoder:
    def __init__(self, protocol: ByteProtocol) -> None:
        self._signals = {protocol.press: Signal.PRESS}
        if protocol.release is not None:
            self._signals[protocol.release] = Signal.RELEASE

    def feed(self, data: bytes, t_ns: int) -> list[tuple[Signal, int]]:
        return [(self._signals[b], t_ns) for b in data if b in self._signals]

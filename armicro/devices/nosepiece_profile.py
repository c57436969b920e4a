"""What a laboratory writes down about its nosepiece once: how it speaks, and what stands where."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Literal

from pydantic import Field

from armicro.devices.file_model import FileModel
from armicro.devices.port_file import Name, PortTable
from armicro.devices.serial_port import PortSettings

_Pattern = Annotated[str, Field(min_length=1, max_length=200)]
_Line = Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[\x20-\x7e]+$")]
_Position = Annotated[str, Field(pattern=r"^[1-9][0-9]?$")]
_ENDS = {"cr": b"\r", "lf": b"\n", "crlf": b"\r\n"}


@dataclass(frozen=True, slots=True)
class NosepieceProfile:
    """A coded or motorised nosepiece behind a serial port.

    Patterns are regular expressions that a whole line has to match, upper and lower case aside.

    Parameters
    ----------
    name, version : str
        For people.
    at : str
        A line that tells the position; its first group is the number.
    between : str or None
        A line that tells that no objective is in place.
    ask : tuple of bytes
        What is sent to hear the position, line by line, each with its end.
    port : PortSettings
        How the port is set.
    objectives : mapping of int to str
        Optics profile of the objective at each position.
    source : str
        Where this comes from, for people.

    Raises
    ------
    ValueError
        If a pattern is no regular expression, or `at` has no group.
    """

    name: str
    version: str
    at: str
    between: str | None = None
    ask: tuple[bytes, ...] = ()
    port: PortSettings = PortSettings()
    objectives: Mapping[int, str] = field(default_factory=dict)
    source: str = ""

    def __post_init__(self) -> None:
        for key, pattern in (("at", self.at), ("between", self.between)):
            try:
                groups = re.compile(pattern or "").groups
            except re.error as error:
                raise ValueError(f"the pattern of {key}, {pattern!r}, is not valid: {error}") from error
            if key == "at" and not groups:
                raise ValueError(f"the pattern of at, {pattern!r}, has no (group) for the position")


class TellsTable(FileModel):
    """Regular expressions of the lines that the nosepiece sends."""

    at: Annotated[_Pattern, Field(description="the position; the first group is its number")]
    between: Annotated[_Pattern | None, Field(description="no objective is in place")] = None


class AskTable(FileModel):
    """What is sent when the port is opened, to hear the position."""

    lines: Annotated[list[_Line], Field(min_length=1, max_length=8)]
    end: Annotated[Literal["cr", "lf", "crlf"], Field(description="how a line is ended")] = "crlf"


class NosepieceProfileFile(FileModel):
    """How a nosepiece behind a serial port speaks, and which objective stands at which position."""

    schema_: Annotated[Literal["armicro.nosepiece-profile/1"], Field(alias="schema")]
    name: Name
    version: Name
    source: Annotated[str, Field(min_length=1, description="which nosepiece it is, for people")]
    port: PortTable = PortTable()
    tells: TellsTable
    ask: AskTable | None = None
    objectives: Annotated[
        dict[_Position, Name],
        Field(
            default_factory=dict,
            description="by position: an optics profile's name, or its file (from this file's folder)",
        ),
    ]

    def profile(self) -> NosepieceProfile:
        """Return the profile as a nosepiece takes it.

        Raises
        ------
        ValueError
            If a pattern is not valid.
        """
        ask = () if self.ask is None else tuple(t.encode() + _ENDS[self.ask.end] for t in self.ask.lines)
        return NosepieceProfile(
            self.name, self.version, self.tells.at, self.tells.between, ask, self.port.settings(),
            {int(position): name for position, name in self.objectives.items()}, self.source,
        )  # fmt: skip

"""What a laboratory writes down about its pedal once: how it speaks, and how fast a foot is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import ConfigDict, Field, model_validator

from armicro.devices.file_model import FileModel
from armicro.devices.gestures import GestureParams
from armicro.devices.pedal_protocols import ByteProtocol, Contact, LineProtocol, ModemLine
from armicro.devices.port_file import Name, PortTable
from armicro.devices.serial_port import PortSettings

_Pattern = Annotated[str, Field(min_length=1, max_length=200, description="a regular expression of a line")]
_Byte = Annotated[int, Field(ge=0, le=255)]
_Ms = Annotated[float, Field(ge=0, le=10_000)]


@dataclass(frozen=True, slots=True)
class PedalProfile:
    """A pedal behind a serial port.

    Parameters
    ----------
    name, version : str
        For people.
    speech : LineProtocol, ByteProtocol or Contact
        How it tells that it was pressed; a line `press` or `1` for each press where nothing else is given.
    port : PortSettings
        How the port is set; 9600 8N1.
    times : GestureParams
        What makes a press short, long or double.
    source : str
        Where this comes from, for people.
    """

    name: str = "line"
    version: str = "built in"
    speech: LineProtocol | ByteProtocol | Contact = LineProtocol()
    port: PortSettings = PortSettings()
    times: GestureParams = GestureParams()
    source: str = ""

    @property
    def kind(self) -> str:
        """How it speaks, in words: "line", "byte" or "contact on CTS"."""
        if isinstance(self.speech, Contact):
            return f"contact on {self.speech.line.upper()}"
        return "line" if isinstance(self.speech, LineProtocol) else "byte"


class LinesTable(FileModel):
    """A line of text for each gesture; upper and lower case are one."""

    press: _Pattern
    release: _Pattern | None = None
    long: _Pattern | None = None
    double: _Pattern | None = None


class BytesTable(FileModel):
    """A byte for each gesture."""

    press: _Byte
    release: _Byte | None = None
    long: _Byte | None = None
    double: _Byte | None = None


class ContactTable(FileModel):
    """A contact between DTR and an input of the port."""

    line: Literal["cts", "dsr", "dcd"]
    active_high: Annotated[bool, Field(description="whether the line is on while the pedal is down")] = True


class TimesTable(FileModel):
    """What makes a press short, long or double."""

    debounce_ms: _Ms = 30.0
    long_ms: _Ms = 600.0
    double_ms: Annotated[_Ms, Field(description="0: there are no double presses")] = 300.0


class PedalProfileFile(FileModel):
    """How a pedal behind a serial port speaks: one of lines, bytes and contact is given."""

    model_config = ConfigDict(
        json_schema_extra={"oneOf": [{"required": [table]} for table in ("lines", "bytes", "contact")]}
    )

    schema_: Annotated[Literal["armicro.pedal-profile/1"], Field(alias="schema")]
    name: Name
    version: Name
    source: Annotated[str, Field(min_length=1, description="which pedal it is, for people")]
    port: PortTable = PortTable()
    lines: LinesTable | None = None
    bytes: BytesTable | None = None
    contact: ContactTable | None = None
    times: TimesTable = TimesTable()

    @model_validator(mode="after")
    def _one_speech(self) -> PedalProfileFile:
        if sum(table is not None for table in (self.lines, self.bytes, self.contact)) != 1:
            raise ValueError("give exactly one of [lines], [bytes] and [contact]")
        return self

    def profile(self) -> PedalProfile:
        """Return the profile as a pedal takes it.

        Raises
        ------
        ValueError
            If patterns, bytes or times contradict each other.
        """
        times = self.times
        params = GestureParams(times.debounce_ms, times.long_ms, times.double_ms or None)
        return PedalProfile(
            self.name, self.version, self._speech(), self.port.settings(), params, self.source
        )

    def _speech(self) -> LineProtocol | ByteProtocol | Contact:
        if self.lines is not None:
            return LineProtocol(**self.lines.model_dump())
        if self.bytes is not None:
            return ByteProtocol(**self.bytes.model_dump())
        assert self.contact is not None
        return Contact(ModemLine(self.contact.line), self.contact.active_high)

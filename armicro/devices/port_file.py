"""The part of a profile that tells how a serial port is set."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from armicro.devices.file_model import FileModel
from armicro.devices.serial_port import PortSettings

Name = Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f]+$")]
"""A name for people, on one line."""


class PortTable(FileModel):
    """How a serial port is set; 9600 8N1 where nothing is said."""

    baud: Annotated[int, Field(ge=50, le=4_000_000)] = 9600
    data_bits: Literal[5, 6, 7, 8] = 8
    parity: Annotated[Literal["N", "E", "O"], Field(description="none, even, odd")] = "N"
    stop_bits: Literal[1, 2] = 1

    def settings(self) -> PortSettings:
        """Return the settings as a port takes them."""
        return PortSettings(self.baud, self.data_bits, self.parity, self.stop_bits)

"""Which cameras and ports are there, found without opening them for good."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from armicro.contracts.errors import DeviceError
from armicro.devices.genicam_producers import find_producers, list_cameras

_VIDEO = Path("/sys/class/video4linux")


@dataclass(frozen=True, slots=True)
class Found:
    """Something that can be chosen.

    Parameters
    ----------
    address : str
        As `--camera` or `--pedal` take it.
    words : str
        What it is, for people.
    """

    address: str
    words: str


@dataclass(frozen=True, slots=True)
class CamerasFound:
    """The cameras that are there, and what was not looked for, in words."""

    cameras: tuple[Found, ...]
    notes: tuple[str, ...] = ()


def find_cameras(cti: Sequence[Path] = (), video: Path = _VIDEO) -> CamerasFound:
    """Look for cameras; the simulated slide is always among them, the last.

    May take seconds, and must not be called on the main thread (see `genicam_producers.connect`).

    Parameters
    ----------
    cti : sequence of Path
        GenTL producers to ask; without any those that are registered.
    video : Path
        Where the system lists webcams.
    """
    found: list[Found] = []
    notes: list[str] = []
    try:
        found += [Found(f"genicam:{s}", w) for s, w in list_cameras(find_producers(cti))]
    except DeviceError as error:
        notes.append(f"GenICam: {error}")
    if sys.platform.startswith("linux"):
        found += _webcams(video)
    else:
        found.append(Found("webcam:0", "first webcam, if there is one"))
    found.append(Found("sim", "simulated slide: to try everything without a microscope"))
    return CamerasFound(tuple(found), tuple(notes))


def _webcams(video: Path) -> list[Found]:
    """Return the webcams that Linux lists; further nodes of the same device carry no pictures."""
    found = []
    for node in sorted(video.glob("video*"), key=lambda p: int(p.name.removeprefix("video") or 0)):
        index = node / "index"
        if index.exists() and index.read_text(encoding="utf-8").strip() != "0":
            continue
        name = (node / "name").read_text(encoding="utf-8").strip() if (node / "name").exists() else "webcam"
        found.append(Found(f"webcam:{node.name.removeprefix('video')}", name))
    return found


def serial_ports() -> tuple[Found, ...]:
    """Return the serial ports by name; none where pyserial is missing."""
    try:
        from serial.tools import list_ports
    except ImportError:
        return ()
    ports = sorted(list_ports.comports(), key=lambda p: str(p.device))
    named = ((str(p.device), str(p.description)) for p in ports)
    # pyserial's word for "not told".
    return tuple(Found(a, "serial port" if words in ("n/a", "None", "") else words) for a, words in named)

"""Pedal and nosepiece from what the command line says about them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from armicro.app.profiles import load_nosepiece_profile, load_optics, load_pedal_profile
from armicro.contracts.devices import Nosepiece, Pedal
from armicro.contracts.errors import InputError
from armicro.contracts.frame import Optics
from armicro.devices.console_pedal import ConsolePedal
from armicro.devices.pedal_protocols import Contact, ModemLine
from armicro.devices.serial_nosepiece import SerialNosepiece
from armicro.devices.serial_pedal import SerialPedal

KEYBOARD = "keyboard"
_CONTACT = "contact:"
_LINE, _CONTACT_CTS, _OLYMPUS = "line", "contact-cts", "olympus-bx"
"""The profiles where none is named."""


@dataclass(frozen=True, slots=True)
class Turret:
    """A nosepiece with its objectives.

    Parameters
    ----------
    nosepiece : Nosepiece or None
        Tells where it stands.
    objectives : mapping of str to Optics
        By name.
    positions : mapping of int to str
        Which one stands at which position.
    """

    nosepiece: Nosepiece | None = None
    objectives: Mapping[str, Optics] = field(default_factory=dict)
    positions: Mapping[int, str] = field(default_factory=dict)


def make_pedal(address: str | None, profile: str | None = None) -> Pedal | None:
    """Make a pedal.

    Parameters
    ----------
    address : str or None
        `KEYBOARD`; the address of a port; or `contact:PORT[:LINE]` for a contact on a modem line, where LINE
        is cts, dsr or dcd, with "-low" behind it if the line is off while the pedal is down. None makes none.
    profile : str or None
        How it speaks: the name or the file of a pedal profile. None: lines, or a contact on CTS.

    Raises
    ------
    InputError
        If address and profile do not go together, or the profile cannot be loaded.
    """
    if address is None or address == KEYBOARD:
        if profile is not None:
            raise InputError("--pedal-profile is for a pedal on a serial port: name the port with --pedal")
        return None if address is None else ConsolePedal()
    if not address.lower().startswith(_CONTACT):
        return SerialPedal(address, load_pedal_profile(profile or _LINE))
    found = re.fullmatch(r"contact:(.+?)(?::(cts|dsr|dcd)(-low)?)?", address, re.IGNORECASE)
    if found is None:
        raise InputError(f"there is no pedal {address!r}: give contact:PORT, or contact:PORT:cts, dsr or dcd")
    wired = load_pedal_profile(profile or _CONTACT_CTS)
    if not isinstance(wired.speech, Contact):
        raise InputError(
            f"the pedal profile {wired.name} is not for a contact: leave out contact: before the port, or "
            "name another profile with --pedal-profile"
        )
    if found[2] is not None:
        wired = replace(wired, speech=Contact(ModemLine(found[2].lower()), active_high=found[3] is None))
    return SerialPedal(found[1], wired)


def make_turret(text: str | None, given: Sequence[str] = ()) -> Turret:
    """Make a nosepiece.

    Parameters
    ----------
    text : str or None
        "ADDRESS" or "ADDRESS,PROFILE": a port, and the name or the file of a nosepiece profile. None makes
        none.
    given : sequence of str
        "POSITION=OPTICS" each: what stands where, beside and before what the profile says.

    Raises
    ------
    InputError
        If a part is not as described, or a profile cannot be loaded.
    """
    if text is None:
        if given:
            raise InputError("--position is for a nosepiece: name its port with --nosepiece")
        return Turret()
    address, _, name = text.partition(",")
    if not address:
        raise InputError(f"--nosepiece takes ADDRESS or ADDRESS,PROFILE, not {text!r}")
    profile = load_nosepiece_profile(name or _OLYMPUS)
    objectives: dict[str, Optics] = {}
    positions: dict[int, str] = {}
    for position, optics in (dict(profile.objectives) | _positions(given)).items():
        seen_through = load_optics(optics)
        called = seen_through.objective
        if objectives.setdefault(called, seen_through) != seen_through:
            raise InputError(
                f"two positions of the nosepiece have an objective {called!r}, with different scales: give "
                "them different names in their optics profiles"
            )
        positions[position] = called
    return Turret(SerialNosepiece(address, profile), objectives, positions)


def _positions(given: Sequence[str]) -> dict[int, str]:
    positions = {}
    for text in given:
        position, _, optics = text.partition("=")
        if re.fullmatch(r"[1-9][0-9]?", position) is None or not optics:
            raise InputError(f"--position takes POSITION=OPTICS, such as 3=paper-40x, not {text!r}")
        positions[int(position)] = optics
    return positions

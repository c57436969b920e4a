"""Writes the stain profile in force as a file of the laboratory's own."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path

from armicro.app.profiles import load_stain_profile
from armicro.app.staging import Staging
from armicro.contracts.errors import OutputError, ProfileError
from armicro.contracts.stain import StainProfile, Vector3

SUFFIX = ".toml"


def save_stain_profile(profile: StainProfile, path: Path, today: date) -> Path:
    """Write a profile to a file named after what it is to be called.

    Parameters
    ----------
    profile : StainProfile
        With the thresholds in force.
    path : Path
        The file; its stem is the profile's name. The suffix .toml is added where it is missing.
    today : date
        Becomes its version.

    Returns
    -------
    Path
        The file that was written.

    Raises
    ------
    OutputError
        If it cannot be written, or would not be read again as it was.
    """
    path = path if path.suffix == SUFFIX else path.with_name(path.name + SUFFIX)
    with Staging() as staging:
        staging.write_text(path, profile_text(profile, path.stem, today.isoformat()))
        staging.commit()
    try:
        again = load_stain_profile(str(path))
    except ProfileError as error:
        raise OutputError(f"the profile was written but cannot be read again: {error}") from error
    if again.thresholds != profile.thresholds:
        raise OutputError(
            f"{path}: thresholds were read back as {again.thresholds}, not {profile.thresholds}"
        )
    return path


def save_with_vector(profile: StainProfile, stain: str, vector: Vector3, folder: Path) -> Path:
    """Write a profile with one stain's direction measured anew; nothing is replaced.

    Parameters
    ----------
    profile : StainProfile
        What is in force.
    stain : str
        "dab" or "haematoxylin".
    vector : tuple of 3 floats
        Its direction in RGB optical density.
    folder : Path
        Where the new profile goes; made if missing.
    """
    if stain == "dab":
        changed = replace(profile, dab_rgb_od=vector)
    else:
        changed = replace(profile, haematoxylin_rgb_od=vector)
    now = datetime.now().astimezone()
    stem = re.sub(r"-picked-\d{8}-\d{6}(-\d+)?$", "", profile.name)
    path = folder / f"{stem}-picked-{now:%Y%m%d-%H%M%S}{SUFFIX}"
    number = 1
    while path.exists():
        number += 1
        path = folder / f"{stem}-picked-{now:%Y%m%d-%H%M%S}-{number}{SUFFIX}"
    return save_stain_profile(changed, path, now.date())


def profile_text(profile: StainProfile, name: str, version: str) -> str:
    """Return a profile as TOML, under another name and version."""
    t = profile.thresholds
    origin = f"Saved in the window; before: {profile.name} {profile.version}. {profile.source}"
    lines = [
        'schema = "armicro.stain-profile/1"',
        f"name = {_text(name)}",
        f"version = {_text(version)}",
        f"source = {_text(origin)}",
    ]
    if profile.white_rgb is not None:
        lines.append(f"white_rgb = {_numbers(profile.white_rgb)}")
    lines += [
        "",
        "[vectors]",
        f"haematoxylin_rgb_od = {_numbers(profile.haematoxylin_rgb_od)}",
        f"dab_rgb_od = {_numbers(profile.dab_rgb_od)}",
        "",
        "[thresholds]",
        *([] if t.faint_od is None else [f"faint_od = {t.faint_od!r}"]),
        f"weak_od = {t.weak_od!r}",
        f"intense_od = {t.intense_od!r}",
    ]
    return "\n".join(lines) + "\n"


def _text(text: str) -> str:
    # JSON's escapes are TOML's as well; only the delete character has to be named by hand.
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _numbers(values: tuple[float, ...]) -> str:
    return f"[{', '.join(repr(float(v)) for v in values)}]"

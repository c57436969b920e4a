"""Stain profiles written: text that loads as the profile it was made from."""

from __future__ import annotations

import hashlib
import tomllib

from pydantic import ValidationError

from armicro.app.profiles import StainProfileFile
from armicro.app.toml_text import toml_text
from armicro.contracts.errors import ProfileError
from armicro.contracts.stain import StainProfile, Vector3
from armicro.devices.file_model import explain


def stain_profile_text(profile: StainProfile) -> str:
    """Return a profile as the text of its file, having read it back.

    Raises
    ------
    ProfileError
        If it cannot be a profile: a name with a line break, thresholds that do not rise.
    """
    white = profile.white_rgb
    text = toml_text(
        {
            "schema": "armicro.stain-profile/1",
            "name": profile.name,
            "version": profile.version,
            "source": profile.source,
            "white_rgb": None if white is None else _rounded(white, 3),
            "vectors": {
                "haematoxylin_rgb_od": _rounded(profile.haematoxylin_rgb_od, 5),
                "dab_rgb_od": _rounded(profile.dab_rgb_od, 5),
            },
            "thresholds": {
                "faint_od": profile.thresholds.faint_od,
                "weak_od": profile.thresholds.weak_od,
                "intense_od": profile.thresholds.intense_od,
            },
        }
    )
    try:
        StainProfileFile.model_validate(tomllib.loads(text)).profile()
    except ValidationError as error:
        raise ProfileError(explain(error)) from error
    return text


def text_sha256(text: str) -> str:
    """Return the hash of a text file as it is written."""
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def _rounded(values: Vector3, digits: int) -> tuple[float, ...]:
    return tuple(round(v, digits) for v in values)

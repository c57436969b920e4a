"""Plain values as TOML: the standard library reads the format and does not write it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence


def toml_text(values: Mapping[str, object]) -> str:
    """Write a mapping as a TOML document.

    Parameters
    ----------
    values : mapping of str to object
        Strings, numbers, sequences of these, and mappings, which become tables; None is left out. Keys are
        bare keys.

    Returns
    -------
    str
        The document, ending in a line break.
    """
    return "\n".join(_table("", values)).lstrip("\n") + "\n"


def _table(path: str, values: Mapping[str, object]) -> list[str]:
    plain = {k: v for k, v in values.items() if v is not None and not isinstance(v, Mapping)}
    lines = [f"{key} = {_value(value)}" for key, value in plain.items()]
    for key, value in values.items():
        if isinstance(value, Mapping):
            inner = f"{path}.{key}" if path else key
            lines += ["", f"[{inner}]", *_table(inner, value)]
    return lines


def _value(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, Sequence) and not isinstance(value, str):
        items = [_value(v) for v in value]
        nested = any(isinstance(v, Sequence) and not isinstance(v, str) for v in value)
        return "[\n  " + ",\n  ".join(items) + ",\n]" if nested else "[" + ", ".join(items) + "]"
    # Strings of JSON are strings of TOML but for one control character.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")

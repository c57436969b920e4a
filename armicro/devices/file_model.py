"""The base of every model of a file that people or other programs write, and its errors in one line."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from armicro.contracts.errors import InputError

MAX_TEXT_BYTES = 200_000_000
"""A text file larger than this is not one of ours."""


class FileModel(BaseModel):
    """A file's content: unknown keys, wrong types and numbers that are not finite are refused."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, strict=True, allow_inf_nan=False, ser_json_inf_nan="constants"
    )


def explain(error: ValidationError, limit: int = 3) -> str:
    """Put what is wrong with a file's content into one line.

    Parameters
    ----------
    error : ValidationError
        What pydantic raised.
    limit : int
        How many problems are told; the others are counted.

    Returns
    -------
    str
        For example "thresholds.weak_od: Input should be a valid number, not 'high'".
    """
    problems = error.errors(include_url=False)
    parts = []
    for problem in problems[:limit]:
        where = ".".join(str(p) for p in problem["loc"]) or "the file"
        if problem["type"] == "extra_forbidden":
            parts.append(f"{where}: unknown key")
        elif problem["type"] == "missing":
            parts.append(f"{where}: missing")
        else:
            given = " ".join(repr(problem["input"]).split())
            parts.append(f"{where}: {problem['msg']}, not {given[:40]}")
    more = len(problems) - limit
    return "; ".join(parts) + (f"; and {more} more" if more > 0 else "")


def read_text(path: Path, kind: type[InputError]) -> str:
    """Read a UTF-8 text file that a user named.

    Parameters
    ----------
    path : Path
        The file.
    kind : type of InputError
        What is raised.

    Returns
    -------
    str
        Its text.

    Raises
    ------
    InputError
        Of the given kind, if the file is missing, not readable, not text or far too large.
    """
    if path.is_dir():
        raise kind(f"{path}: it is a folder, not a file")
    if not path.exists():
        raise kind(f"{path}: no such file")
    if not path.is_file():
        raise kind(f"{path}: it is not a regular file")
    try:
        if path.stat().st_size > MAX_TEXT_BYTES:
            raise kind(f"{path}: larger than {MAX_TEXT_BYTES // 10**6} MB")
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise kind(f"{path}: it is not a text file in UTF-8") from error
    except OSError as error:
        raise kind(f"{path}: cannot be read ({error.strerror})") from error

"""Settings that a laboratory has validated: locked under a name, used by every command, released on record.

The lock is a folder with the settings, a copy of the stain profile, and a log whose entries are chained by
hashes, so that locking and releasing cannot be struck out unseen.
"""

from __future__ import annotations

import hashlib
import json
import os
import tomllib
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import platformdirs
from pydantic import ValidationError

from armicro.app.case_run import CaseOptions
from armicro.app.detectors import DetectorChoice, make_detector
from armicro.app.profiles import DEFAULT_STAIN_PROFILE, parse_stain_profile, stain_profile_text
from armicro.app.staging import Staging
from armicro.app.toml_text import toml_text
from armicro.assays.recipe import Reading, reading_version
from armicro.contracts.errors import EngineError, InputError, ProfileError
from armicro.contracts.results import Scalar
from armicro.devices.file_model import FileModel, explain, read_text
from armicro.inference.choose import EngineName, Say
from armicro.scoring.guidelines import DEFAULT_GUIDELINE, load_guideline
from armicro.store.account import account
from armicro.store.chain import START, LoggedEvent, as_json, first_break, link

SETTINGS, PROFILE, LOG = "lock.toml", "stain-profile.toml", "log.jsonl"
_CHAIN = "settings lock"


class LockFile(FileModel):
    """The settings that are locked."""

    schema_: Literal["armicro.lock/1"]
    name: str
    locked_by: str
    utc: str
    guideline: str
    guideline_version: str
    reading: Reading
    detector: str
    engine: EngineName
    identity: str
    profile_sha256: str
    reading_version: int = 1


@dataclass(frozen=True, slots=True)
class SettingsLock:
    """A lock that is in force.

    Parameters
    ----------
    file : LockFile
        What is locked.
    profile : Path
        The copy of the stain profile; its hash was checked.
    """

    file: LockFile
    profile: Path

    @property
    def words(self) -> str:
        """Say which set it is, for results and for people."""
        return f"{self.file.name} (locked {self.file.utc[:10]} by {self.file.locked_by})"


def lock_folder() -> Path:
    """Return the folder of the lock: `ARMICRO_LOCK`, or one in the user's data."""
    given = os.environ.get("ARMICRO_LOCK")
    return Path(given) if given else platformdirs.user_data_path("armicro", appauthor=False) / "lock"


def present_lock(folder: Path | None = None) -> SettingsLock | None:
    """Return the lock that is in force; None if there is none.

    Raises
    ------
    ProfileError
        If its files were changed by hand or cannot be read.
    """
    folder = folder or lock_folder()
    path = folder / SETTINGS
    if not path.exists():
        return None
    try:
        data = tomllib.loads(read_text(path, ProfileError))
        data["schema_"] = data.pop("schema", "")
        file = LockFile.model_validate(data, strict=False)
    except (tomllib.TOMLDecodeError, ValidationError) as error:
        why = explain(error) if isinstance(error, ValidationError) else str(error)
        raise ProfileError(f"{path}: {why}; release the lock and lock again") from error
    profile = folder / PROFILE
    if hashlib.sha256(read_text(profile, ProfileError).encode()).hexdigest() != file.profile_sha256:
        raise ProfileError(f"{profile} was changed since it was locked: release the lock and lock again")
    return SettingsLock(file, profile)


def under_lock(options: CaseOptions, folder: Path | None = None) -> CaseOptions:
    """Return the options with the locked settings in them; as they are where nothing is locked.

    Raises
    ------
    InputError
        If other settings were asked for.
    ProfileError
        See `present_lock`.
    """
    lock = present_lock(folder)
    if lock is None:
        return options
    file = lock.file
    asked = {
        "--guideline": (options.guideline, DEFAULT_GUIDELINE, file.guideline),
        "--stain-profile": (options.stain_profile, DEFAULT_STAIN_PROFILE, str(lock.profile)),
        "--reading": (str(options.reading), str(Reading.PER_CELL), str(file.reading)),
        "--detector": (options.detector.name, DetectorChoice().name, file.detector),
        "--engine": (str(options.detector.engine), str(EngineName.AUTO), str(file.engine)),
    }
    for option, (value, default, locked) in asked.items():
        if value not in (default, locked):
            raise InputError(
                f"{option} {value}: settings are locked as {lock.words}; leave it out, or release the lock "
                "with a reason: armicro lock release"
            )
    if load_guideline(file.guideline).version != file.guideline_version:
        raise InputError(f"the rule set of {lock.words} is here in another version: release and lock again")
    if reading_version(file.reading) != file.reading_version:
        raise InputError(
            f"the {file.reading} reading of {lock.words} was version {file.reading_version}, and this "
            f"armicro has version {reading_version(file.reading)}: validate it, then release and lock again"
        )
    return replace(
        options,
        guideline=file.guideline,
        stain_profile=str(lock.profile),
        reading=file.reading,
        detector=DetectorChoice(file.detector, file.engine),
        locked_as=lock.words,
    )


def require_identity(identity: str, folder: Path | None = None) -> None:
    """Raise `EngineError` where what finds nuclei is not what was locked."""
    lock = present_lock(folder)
    if lock is not None and identity != lock.file.identity:
        raise EngineError(
            f"settings are locked as {lock.words} with {lock.file.identity}, and here nuclei are found by "
            f"{identity}: install that version, or release the lock with a reason"
        )


def set_lock(
    name: str,
    options: CaseOptions,
    say: Say,
    folder: Path | None = None,
    identity: str | None = None,
) -> SettingsLock:
    """Lock settings under a name; `identity` of what finds nuclei, where it is made already.

    Raises
    ------
    InputError
        If settings are locked already, or the name is empty.
    """
    folder = folder or lock_folder()
    there = present_lock(folder)
    if there is not None:
        raise InputError(f"settings are locked already as {there.words}: release them first, with a reason")
    if not name.strip() or not name.isprintable():
        raise InputError('a lock needs a name, such as "validated 2026-11"')
    text = stain_profile_text(options.stain_profile)
    parse_stain_profile(text, options.stain_profile)
    who, now = account(), datetime.now(UTC).isoformat(timespec="seconds")
    values: dict[str, object] = {
        "schema": "armicro.lock/1",
        "name": name.strip(),
        "locked_by": who,
        "utc": now,
        "guideline": options.guideline,
        "guideline_version": load_guideline(options.guideline).version,
        "reading": str(options.reading),
        "reading_version": reading_version(options.reading),
        "detector": options.detector.name,
        "engine": str(options.detector.engine),
        "identity": identity or make_detector(options.detector, say).detector.identity,
        "profile_sha256": hashlib.sha256(text.encode()).hexdigest(),
    }
    _log(folder, "lock", {k: str(v) for k, v in values.items()})
    with Staging() as staging:
        staging.write_text(folder / PROFILE, text)
        staging.write_text(folder / SETTINGS, toml_text(values))
        staging.commit()
    made = present_lock(folder)
    assert made is not None  # it was just written
    return made


def release_lock(reason: str, folder: Path | None = None) -> str:
    """Release the lock; returns which it was.

    Raises
    ------
    InputError
        If nothing is locked, or no reason is given.
    """
    folder = folder or lock_folder()
    if not (folder / SETTINGS).exists():
        raise InputError("no settings are locked")
    if not reason.strip():
        raise InputError("a lock is released only with a reason")
    try:
        lock = present_lock(folder)
        name = "" if lock is None else lock.words
    except ProfileError as error:
        name = f"a damaged lock ({error})"
    _log(folder, "release", {"lock": name, "reason": reason})
    (folder / SETTINGS).unlink()
    return name


def log_entries(folder: Path | None = None) -> tuple[LoggedEvent, ...]:
    """Return what was locked and released, oldest first.

    Raises
    ------
    ProfileError
        If the log was altered.
    """
    folder = folder or lock_folder()
    path = folder / LOG
    if not path.exists():
        return ()
    try:
        entries = tuple(
            LoggedEvent(**json.loads(line)) for line in read_text(path, ProfileError).splitlines()
        )
    except (json.JSONDecodeError, TypeError) as error:
        raise ProfileError(f"{path} cannot be read: {error}") from error
    broken = first_break(_CHAIN, entries)
    if broken is not None:
        raise ProfileError(f"{path} was altered: entry {broken} does not fit its chain")
    return entries


def _log(folder: Path, kind: str, details: dict[str, Scalar]) -> None:
    entries = log_entries(folder)
    folder.mkdir(parents=True, exist_ok=True)
    now = datetime.now(UTC).isoformat(timespec="milliseconds")
    event = LoggedEvent(len(entries) + 1, now, account(), kind, as_json(details), "")
    event = replace(event, hash=link(_CHAIN, entries[-1].hash if entries else START, event))
    line = json.dumps({n: getattr(event, n) for n in event.__dataclass_fields__}, ensure_ascii=False)
    with (folder / LOG).open("a", encoding="utf-8") as file:
        file.write(line + "\n")
        file.flush()
        os.fsync(file.fileno())

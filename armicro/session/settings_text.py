"""What was decided about a case as text, so that it can be kept with the case and taken up again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Annotated, Literal

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass as checked

from armicro.contracts.errors import StoreError
from armicro.contracts.stain import StainProfile
from armicro.scoring.model import Guideline
from armicro.session.case_state import CaseChoice, FieldChoice

MOST_CHARACTERS = 4_000_000
"""A longer text is refused: some 20,000 cells by hand."""


@dataclass(frozen=True, slots=True)
class Settings:
    """A `CaseChoice` with its rules by name.

    Parameters
    ----------
    profile : StainProfile
        Whole: the file that it came from may change.
    guideline, guideline_version : str
        The rules.
    fields : tuple of FieldChoice
        In the order of the presses.
    kept_up_to : int
        Greatest number of a field that was kept when this was written. One up to it that is not among the
        fields was taken back; one beyond it came later.
    """

    profile: StainProfile
    guideline: str
    guideline_version: str
    fields: tuple[FieldChoice, ...] = ()
    kept_up_to: int = 0


@checked(config=ConfigDict(extra="forbid"))
class _Text:
    schema: Literal["armicro.settings/1"]
    settings: Annotated[Settings, Field()]


_ADAPTER = TypeAdapter(_Text)


def settings_text(choice: CaseChoice, kept_up_to: int = 0) -> str:
    """Write a choice as JSON; `kept_up_to` is the greatest number of a kept field."""
    guideline = choice.guideline
    settings = Settings(choice.profile, guideline.name, guideline.version, choice.fields, kept_up_to)
    return _ADAPTER.dump_json(_Text("armicro.settings/1", settings)).decode()


def settings_of(text: str) -> Settings:
    """Read what `settings_text` wrote.

    Raises
    ------
    StoreError
        If it is none, or of a newer armicro.
    """
    if len(text) > MOST_CHARACTERS:
        raise StoreError("the case's settings are longer than any that armicro writes")
    try:
        return _ADAPTER.validate_json(text).settings
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise StoreError(
            f"the case's settings cannot be read ({where}: {first['msg']}): it may come from a newer armicro"
        ) from error


def choice_of(settings: Settings, load_guideline: Callable[[str], Guideline]) -> CaseChoice:
    """Return the choice that settings stand for.

    Raises
    ------
    GuidelineError
        If there is no rule set of that name any more.
    StoreError
        If it is there in another version only: a case is not silently judged by other rules.
    """
    guideline = load_guideline(settings.guideline)
    if guideline.version != settings.guideline_version:
        raise StoreError(
            f"the case was judged by {settings.guideline} version {settings.guideline_version}, and this "
            f"armicro has version {guideline.version}: open it with the older armicro, or begin a new case"
        )
    return CaseChoice(settings.profile, guideline, settings.fields)


def with_kept(choice: CaseChoice, numbers: tuple[int, ...], kept_up_to: int) -> CaseChoice:
    """Return a choice of exactly the fields that are kept: those taken back left out, later ones counting."""
    known = {f.number: f for f in choice.fields}
    fields = (known.get(n, FieldChoice(n, removed=n <= kept_up_to)) for n in numbers)
    return replace(choice, fields=tuple(fields))

"""Where the cases of this user are kept, and the options that say so."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import platformdirs
import typer

from armicro.contracts.errors import StoreError
from armicro.store.casebook import DATABASE, CaseBook

Cases = Annotated[
    Path | None,
    typer.Option(
        "--cases",
        metavar="DIR",
        envvar="ARMICRO_CASES",
        help="Folder where cases are kept; without it, one in your user data folder.",
    ),
]


def cases_folder(given: Path | None) -> Path:
    """Return the folder of cases: as given, else in the user's data folder."""
    return given if given is not None else platformdirs.user_data_path("armicro", appauthor=False) / "cases"


def open_book(given: Path | None) -> CaseBook:
    """Open the folder of cases; one that is not there is not made, since a slip of the pen would make many.

    Raises
    ------
    StoreError
        If there is none, or it cannot be opened.
    """
    folder = cases_folder(given)
    if not has_cases(given):
        raise StoreError(f"{folder}: no cases are kept there; check --cases, or begin one with armicro run")
    return CaseBook(folder)


def has_cases(given: Path | None) -> bool:
    """Whether the folder of cases is there."""
    return (cases_folder(given) / DATABASE).is_file()

"""Where the cases of this user are kept, and the options that say so."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import platformdirs
import typer

from armicro.store.casebook import CaseBook

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
    """Open the folder of cases.

    Raises
    ------
    StoreError
        If it cannot be opened.
    """
    return CaseBook(cases_folder(given))

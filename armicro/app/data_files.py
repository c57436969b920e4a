"""Where the data that travel with the program lie."""

from __future__ import annotations

from pathlib import Path

import armicro
from armicro.contracts.errors import ProfileError


def data_folder(name: str) -> Path:
    """Find a folder of shipped data.

    In an installed wheel it lies inside the package, in a checkout at the top of the repository.

    Parameters
    ----------
    name : str
        "calibration" or "engines".

    Returns
    -------
    Path
        An existing folder.

    Raises
    ------
    ProfileError
        If the installation lacks it.
    """
    package = Path(armicro.__file__).resolve().parent
    for folder in (package / "_data" / name, package.parent / name):
        if folder.is_dir():
            return folder
    raise ProfileError(f"the installation lacks its {name} folder: install armicro again")

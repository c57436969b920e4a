"""Who is at the machine, for records."""

from __future__ import annotations

import getpass


def account(unknown: str = "unknown") -> str:
    """Return who is logged in, or `unknown`: containers run processes of users without a name."""
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return unknown

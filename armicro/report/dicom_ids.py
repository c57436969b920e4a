"""Identities and codes of the DICOM export; nothing in it is a patient's name."""

from __future__ import annotations

import hashlib
import re
import uuid

from pydicom.sr.coding import Code
from pydicom.uid import UID

from armicro.contracts.cells import Category
from armicro.report.shown import category_name

SCHEME = "99ARMICRO"
"""Designator of this software's own codes, where no published one says the same."""
MANUFACTURER = "armicro"
SERIAL = "none"
NAMESPACE = uuid.UUID("8f3d9a52-0f2b-5c0c-8c6f-3d3b2f4d7a11")
"""Of all identities: the same case gives the same ones again."""

HER2_BY_IHC = Code("18474-7", "LN", "HER2 Ag [Presence] in Tissue by Immune stain")
CELLS = Code("{cells}", "UCUM", "cells")
PERCENT = Code("%", "UCUM", "percent")
NO_UNIT = Code("1", "UCUM", "no units")
MICROMETRE = Code("um", "UCUM", "micrometer")

_SHORT = {
    Category.INTENSE_COMPLETE: "int-comp",
    Category.INTENSE_INCOMPLETE: "int-incomp",
    Category.WEAK_COMPLETE: "weak-comp",
    Category.WEAK_INCOMPLETE: "weak-incomp",
    Category.FAINT: "faint",
    Category.NONE: "none",
}
"""A code has at most 16 letters."""

_LONGEST_ID = 64
_LONGEST_MEANING = 64


def safe_id(case_id: str) -> str:
    """Return the pseudonymous id of a case: its own where DICOM can carry it, else readable and unique."""
    if re.fullmatch(r"[A-Za-z0-9._-]{1,64}", case_id):
        return case_id
    readable = re.sub(r"[^A-Za-z0-9]+", "-", case_id).strip("-")[:40] or "case"
    return f"{readable}-{hashlib.sha256(case_id.encode('utf-8', 'backslashreplace')).hexdigest()[:12]}"


def make_uid(*parts: str) -> UID:
    """Return the identity of a thing by what it is: 2.25 and a UUID of its parts."""
    text = "\x1f".join(part.encode("utf-8", "backslashreplace").decode("utf-8") for part in parts)
    return UID(f"2.25.{uuid.uuid5(NAMESPACE, text).int}")


def own_code(value: str, meaning: str) -> Code:
    """Make one of this software's own codes."""
    return Code(value, SCHEME, meaning[:_LONGEST_MEANING])


def category_code(category: Category) -> Code:
    """Return the code of a category of cells."""
    return own_code(f"c-{_SHORT[category]}", f"Tumour cells, {category_name(category)}")


def share_code(category: Category) -> Code:
    """Return the code of a category's share of all tumour cells."""
    return own_code(f"s-{_SHORT[category]}", f"Share of tumour cells, {category_name(category)}")


def long_string(text: str) -> str:
    """Make text fit for a DICOM LO: one line without a backslash, at most 64 letters."""
    return re.sub(r"[\\\x00-\x1f\x7f]+", " ", text).strip()[:_LONGEST_ID]


def free_text(text: str) -> str:
    """Make text fit for a DICOM UT or ST: no control characters but line breaks."""
    return re.sub(r"[\x00-\x09\x0b-\x1f\x7f]+", " ", text).strip()

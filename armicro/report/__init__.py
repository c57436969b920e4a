"""The case as JSON, CSV and HTML."""

from armicro.report.case_json import (
    CaseField,
    case_document,
    from_json,
    json_schema,
    to_json,
    without_timings,
)
from armicro.report.cells_csv import cells_csv
from armicro.report.models import CaseDocument

__all__ = [
    "CaseDocument",
    "CaseField",
    "case_document",
    "cells_csv",
    "from_json",
    "json_schema",
    "to_json",
    "without_timings",
]

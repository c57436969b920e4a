import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from armicro.contracts.cells import CATEGORIES, Category
from armicro.contracts.results import FovResult, Quality
from armicro.contracts.score import RESEARCH_USE_ONLY
from armicro.report.case_json import (
    CaseField,
    case_document,
    from_json,
    json_schema,
    to_json,
    without_timings,
)
from armicro.report.models import CaseDocument

Make = Callable[..., Any]
SCHEMA = Path(__file__).parents[3] / "tools" / "docs" / "schema" / "armicro.case-1.schema.json"


def test_the_document_has_the_fields_of_its_schema(
    make_case: Make, every_category: dict[Category, int]
) -> None:
    written = json.loads(to_json(make_case([every_category] * 2).document))
    assert list(written) == [
        "schema", "research_use_only", "simulated", "case_id", "score", "status", "reason", "annotation",
        "comments", "guideline", "n_cells", "n_fields", "counts", "proportions", "cutoff", "fields",
        "provenance", "control",
    ]  # fmt: skip
    assert written["schema"] == "armicro.case/1"
    assert written["research_use_only"] == RESEARCH_USE_ONLY
    assert (written["score"], written["status"], written["annotation"]) == ("2+", "equivocal", None)
    assert written["guideline"] == {"name": "asco-cap-2018-breast", "version": "1.0"}
    assert (written["n_cells"], written["n_fields"]) == (240, 2)
    assert list(written["counts"]) == list(written["proportions"]) == [c.key for c in CATEGORIES]
    assert written["counts"]["intense_complete"] == 24
    assert written["proportions"]["intense_complete"] == 0.1
    assert sum(written["proportions"].values()) == pytest.approx(1)
    cutoff = written["cutoff"]
    assert (cutoff["share"], cutoff["threshold"], cutoff["next_score"]) == (0.1, 0.1, "3+")
    assert cutoff["distance"] == {"points": 0.0, "cells": 1}
    assert [one["field_index"] for one in cutoff["leave_one_field_out"]] == [0, 1]
    assert {"interval", "method", "seed", "score_shares", "text", "settles"} <= set(cutoff)
    field = written["fields"][1]
    assert (field["path"], field["um_per_px"]) == ("folder/field 2.png", 0.25)
    assert (field["width_px"], field["height_px"], field["n_cells"]) == (800, 600, 120)
    assert field["timings_ms"] == {"nuclei": 80.123, "cells": 20.0}
    assert field["quality"] == {"focus": 0.8, "saturated_share": 0.01, "tissue_share": 0.9}
    assert set(written["provenance"]) == {
        "package_version", "detector", "reading", "stain_profile", "calibration_ids", "guideline",
        "parameters", "environment", "locked_as",
    }  # fmt: skip
    assert written["provenance"]["parameters"] == {"t_weak_od": 0.13}


def test_the_same_case_gives_the_same_text_and_reads_back(
    make_case: Make, every_category: dict[Category, int]
) -> None:
    one, other = (make_case([every_category] * 3).document for _ in range(2))
    assert to_json(one) == to_json(other)
    assert from_json(to_json(one)) == one
    assert to_json(one).endswith("}\n")


def test_no_tumour_cells_give_no_score_and_no_proportions(make_case: Make) -> None:
    written = json.loads(to_json(make_case([{Category.NONE: 0}]).document))
    assert (written["score"], written["status"], written["cutoff"]) == (None, "not_assessable", None)
    assert set(written["proportions"].values()) == {None}
    assert set(written["counts"].values()) == {0}


def test_letters_of_every_script_are_written_as_they_are(make_case: Make) -> None:
    text = to_json(make_case([{Category.NONE: 9}], case_id="Fall 7 – é א 細胞").document)
    assert "Fall 7 – é א 細胞" in text


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(st.characters(), max_size=40))
def test_any_case_id_can_be_written_as_utf8(make_case: Make, case_id: str) -> None:
    made = make_case([{Category.NONE: 9}])
    document = case_document(case_id, [replace(made.fields[0], path=case_id)], made.summary)
    text = to_json(document)
    text.encode("utf-8")
    assert from_json(text) == document
    if case_id.isascii():
        assert document.case_id == document.fields[0].path == case_id


def test_bytes_of_a_name_that_are_no_text_are_spelled_out(make_case: Make, make_result: Make) -> None:
    field = CaseField("a\udcff.png", make_result({Category.NONE: 9}), "0" * 64)
    assert make_case([], fields=[field]).document.fields[0].path == "a\\udcff.png"


def test_excluded_cells_are_told_apart(make_case: Make, make_result: Make) -> None:
    field = CaseField(
        "a.png", make_result({Category.FAINT: 30}, excluded=7), "0" * 64, notes=("alpha dropped",)
    )
    document = make_case([], fields=[field]).document
    assert (document.n_cells, document.fields[0].n_cells, document.fields[0].n_excluded) == (30, 30, 7)
    assert document.fields[0].n_other_nuclei == 3
    assert document.fields[0].notes == ("alpha dropped",)


def test_parameters_that_differ_stand_with_their_fields(make_case: Make, make_result: Make) -> None:
    fields = [
        CaseField("a", make_result({Category.NONE: 9}, 0.25, {"b": 1, "a": "x", "only": True}), "0" * 64),
        CaseField("b", make_result({Category.NONE: 9}, 0.5, {"b": 2, "a": "x"}), "0" * 64),
    ]
    document = make_case([], fields=fields).document
    assert document.provenance.parameters == {"a": "x"}
    assert [f.parameters for f in document.fields] == [{"b": 1, "only": True}, {"b": 2}]
    assert [f.um_per_px for f in document.fields] == [0.25, 0.5]


def test_times_can_be_left_out(make_case: Make) -> None:
    document = make_case([{Category.NONE: 9}]).document
    assert document.fields[0].timings_ms
    assert not without_timings(document).fields[0].timings_ms
    assert without_timings(document).counts == document.counts


@pytest.mark.parametrize("name", ["package_version", "detector", "reading", "stain_profile"])
def test_fields_that_were_not_read_alike_are_refused(make_case: Make, name: str) -> None:
    made = make_case([{Category.NONE: 9}] * 2)
    first, second = made.fields
    other = replace(second.result.provenance, **{name: "something else"})
    odd = replace(second, result=replace(second.result, provenance=other))
    with pytest.raises(ValueError, match=f"must share their {name}"):
        case_document("a", [first, odd], made.summary)


def test_a_summary_of_other_fields_is_refused(make_case: Make) -> None:
    one, two = make_case([{Category.NONE: 9}]), make_case([{Category.NONE: 9}, {Category.FAINT: 2}])
    with pytest.raises(ValueError, match="at least one field"):
        case_document("a", [], one.summary)
    with pytest.raises(ValueError, match="summary is of 2 fields, but 1"):
        case_document("a", one.fields, two.summary)
    with pytest.raises(ValueError, match="counts 2 faint cells, its fields 0"):
        case_document("a", one.fields * 2, two.summary)


@pytest.mark.parametrize("focus", [float("nan"), float("inf")])
def test_numbers_that_json_cannot_carry_are_refused(make_case: Make, make_result: Make, focus: float) -> None:
    result: FovResult = replace(make_result({Category.NONE: 9}), quality=Quality(focus, 0, 1))
    with pytest.raises(ValidationError, match="finite"):
        make_case([], fields=[CaseField("a", result, "0" * 64)])


def test_unknown_keys_and_wrong_hashes_are_refused(make_case: Make) -> None:
    written = json.loads(to_json(make_case([{Category.NONE: 9}]).document))
    with pytest.raises(ValidationError, match="colour"):
        CaseDocument.model_validate({**written, "colour": "red"})
    written["fields"][0]["pixel_sha256"] = "beef"
    with pytest.raises(ValidationError, match="pixel_sha256"):
        CaseDocument.model_validate(written)


def test_the_exported_schema_is_current() -> None:
    exported = json.loads(SCHEMA.read_text(encoding="utf-8"))
    assert exported == json_schema(), "run tools/export_case_schema.py"


def test_the_schema_names_every_key_and_forbids_others() -> None:
    schema = json_schema()
    assert schema["properties"]["schema"]["const"] == "armicro.case/1"
    assert schema["additionalProperties"] is False
    assert all(
        one["additionalProperties"] is False for one in schema["$defs"].values() if "properties" in one
    )
    # Documents that were written before cases had one are read without it.
    assert set(schema["required"]) == set(schema["properties"]) - {"control"}

"""`armicro guidelines` and `armicro schema`: what is built in."""

from __future__ import annotations

import json as json_module
import sys
from enum import StrEnum
from typing import Annotated

import typer

from armicro.app import console
from armicro.app.calibration_files import calibration_schema_text
from armicro.app.gate_limits import GateLimitsFile
from armicro.app.profiles import OpticsProfileFile, StainProfileFile, schema_text
from armicro.devices.file_model import FileModel
from armicro.devices.nosepiece_profile import NosepieceProfileFile
from armicro.devices.pedal_profile import PedalProfileFile
from armicro.devices.recordings import RecordingFile
from armicro.report.case_json import json_schema
from armicro.scoring.guidelines import DEFAULT_GUIDELINE, guideline_names, load_guideline


class SchemaName(StrEnum):
    """Files whose form is described by a JSON Schema."""

    CASE = "case"
    STAIN_PROFILE = "stain-profile"
    OPTICS_PROFILE = "optics-profile"
    PEDAL_PROFILE = "pedal-profile"
    NOSEPIECE_PROFILE = "nosepiece-profile"
    RECORDING = "recording"
    CALIBRATION = "calibration"
    GATE_LIMITS = "gate-limits"


def guidelines() -> None:
    """List the rule sets with what they are and where they come from."""
    out = console.results()
    for name in guideline_names():
        rules = load_guideline(name)
        default = "  (default)" if name == DEFAULT_GUIDELINE else ""
        out.print(f"[bold]{console.shown(rules.name)}[/bold] {console.shown(rules.version)}{default}")
        for text in (rules.title, rules.citation):
            out.print(f"    {console.shown(text)}", soft_wrap=True)


def schema(
    name: Annotated[SchemaName, typer.Argument(help="Which file's form.")] = SchemaName.CASE,
) -> None:
    """Print the JSON Schema of a file that armicro writes or reads."""
    if name is SchemaName.CASE:
        text = json_module.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n"
    elif name is SchemaName.CALIBRATION:
        text = calibration_schema_text()
    else:
        models: dict[SchemaName, type[FileModel]] = {
            SchemaName.STAIN_PROFILE: StainProfileFile,
            SchemaName.OPTICS_PROFILE: OpticsProfileFile,
            SchemaName.PEDAL_PROFILE: PedalProfileFile,
            SchemaName.NOSEPIECE_PROFILE: NosepieceProfileFile,
            SchemaName.RECORDING: RecordingFile,
            SchemaName.GATE_LIMITS: GateLimitsFile,
        }
        text = schema_text(models[name])
    sys.stdout.write(text)

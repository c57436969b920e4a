"""`armicro calibrate`: measure the instrument and keep what was measured."""

from __future__ import annotations

import typer

from armicro.app import exit_codes
from armicro.app.commands.calibrate.eyepiece import eyepiece
from armicro.app.commands.calibrate.glass import check, flat
from armicro.app.commands.calibrate.listing import listing
from armicro.app.commands.calibrate.scale import scale
from armicro.app.commands.calibrate.stains import control, stain
from armicro.app.commands.calibrate.thresholds import thresholds

calibrate = typer.Typer(
    name="calibrate",
    help="Measure the instrument: light, scale, stains, thresholds, eyepiece. Results are kept with date, "
    "operator and expiry.",
    epilog=exit_codes.EPILOG,
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for _command in (flat, scale, stain, control, thresholds, eyepiece, check):
    calibrate.command(epilog=exit_codes.EPILOG)(_command)
calibrate.command("list", epilog=exit_codes.EPILOG)(listing)

"""What a calibration file holds: one measurement of the instrument, who made it and until when it counts."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from abc import abstractmethod
from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter, model_validator

from armicro.contracts.eyepiece import EyepieceCalibration
from armicro.contracts.frame import MAX_UM_PER_PX, MIN_UM_PER_PX
from armicro.devices.file_model import FileModel

SCHEMA = "armicro.calibration/1"
ANY = "any"

_Text = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")]
_Day = Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}$", description="ISO day, such as 2026-11-25")]
_Grey = Annotated[float, Field(ge=1, le=255)]
_Rgb = Annotated[tuple[_Grey, _Grey, _Grey], Field(strict=False)]
_Hash = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
_Side = Annotated[int, Field(ge=1, le=100_000)]
_Shape = Annotated[tuple[_Side, _Side], Field(strict=False, description="height, width")]
_YX = Annotated[tuple[float, float], Field(strict=False)]
_Row = Annotated[tuple[float, float, float], Field(strict=False)]
_Positive = Annotated[float, Field(gt=0)]
_Share = Annotated[float, Field(ge=0)]


class CalibrationFile(FileModel):
    """What every calibration says of itself."""

    schema_: Annotated[Literal["armicro.calibration/1"], Field(alias="schema")]
    kind: str
    name: _Text
    version: _Text
    instrument: Annotated[_Text, Field(description="the instrument's serial number")]
    objective: Annotated[_Text, Field(description="the objective, or 'any'")]
    date: _Day
    expires: Annotated[_Day, Field(description="the last day on which it counts")]
    operator: _Text
    program: Annotated[_Text, Field(description="name and version of what computed it")]

    @model_validator(mode="after")
    def _days(self) -> CalibrationFile:
        if dt.date.fromisoformat(self.expires) < dt.date.fromisoformat(self.date):
            raise ValueError(f"it expires on {self.expires}, before it was made on {self.date}")
        return self

    def content(self) -> dict[str, Any]:
        """Return the values as they stand in the file."""
        return self.model_dump(by_alias=True, mode="json", exclude_none=True)

    @property
    def sha256(self) -> str:
        """Hash of the content, whatever the file's spacing and comments."""
        canonical = json.dumps(self.content(), sort_keys=True, ensure_ascii=True, separators=(",", ":"))
        return hashlib.sha256(canonical.encode("ascii")).hexdigest()

    @property
    def identity(self) -> str:
        """Name, version and the beginning of the hash: `flat-40x/2026-11-25 sha256:0123456789ab`."""
        return f"{self.name}/{self.version} sha256:{self.sha256[:12]}"

    @property
    @abstractmethod
    def residual(self) -> str:
        """How well it fits, in a few words."""

    def valid_on(self, day: dt.date) -> bool:
        """Whether it counts on a day."""
        return dt.date.fromisoformat(self.date) <= day <= dt.date.fromisoformat(self.expires)


class DustFile(FileModel):
    """Spots in the picture of empty glass."""

    yx_px: Annotated[tuple[_YX, ...], Field(strict=False)]
    radius_px: Annotated[tuple[_Positive, ...], Field(strict=False)]
    contrast: Annotated[tuple[float, ...], Field(strict=False, description="grey over light, less 1")]

    @model_validator(mode="after")
    def _together(self) -> DustFile:
        if not len(self.yx_px) == len(self.radius_px) == len(self.contrast):
            raise ValueError("yx_px, radius_px and contrast must be of one length")
        return self


class FlatFile(CalibrationFile):
    """White point, evenness of the light and dust, per objective."""

    kind: Literal["flat"]
    shape_px: _Shape
    frames: Annotated[int, Field(ge=1)]
    white_rgb: _Rgb
    degree: Annotated[int, Field(ge=0, le=12, description="of the polynomial in y and x, each -1 to 1")]
    light_red: Annotated[tuple[float, ...], Field(strict=False)]
    light_green: Annotated[tuple[float, ...], Field(strict=False)]
    light_blue: Annotated[tuple[float, ...], Field(strict=False)]
    uneven_before: Annotated[_Share, Field(description="98 % range of the glass over its mean, as measured")]
    uneven_after: Annotated[_Share, Field(description="the same after correction")]
    dust: DustFile

    @model_validator(mode="after")
    def _terms(self) -> FlatFile:
        want = (self.degree + 1) * (self.degree + 2) // 2
        for light in (self.light_red, self.light_green, self.light_blue):
            if len(light) != want:
                raise ValueError(
                    f"degree {self.degree} needs {want} coefficients per channel, not {len(light)}"
                )
        return self

    @property
    def residual(self) -> str:
        """How well it fits, in a few words."""
        return f"uneven by {100 * self.uneven_before:.1f} % before, {100 * self.uneven_after:.2f} % after"


class ScaleFile(CalibrationFile):
    """Size of a pixel in the specimen, per objective."""

    kind: Literal["scale"]
    um_per_px: Annotated[float, Field(ge=MIN_UM_PER_PX, le=MAX_UM_PER_PX)]
    standard_error_um_per_px: Annotated[_Share | None, Field(description="left out: measured by hand")] = None
    method: _Text
    residual_px: _Share | None = None
    lines: Annotated[int, Field(ge=0)] = 0

    @property
    def residual(self) -> str:
        """How well it fits, in a few words."""
        if self.standard_error_um_per_px is None:
            return "measured by hand"
        return f"± {100 * self.standard_error_um_per_px / self.um_per_px:.3f} %, {self.lines} lines"


class StainFile(CalibrationFile):
    """That a stain profile was measured; the numbers stand in the profile."""

    kind: Literal["stain"]
    profile: Annotated[_Text, Field(description="file of the stain profile, beside this one")]
    profile_sha256: _Hash
    method: _Text
    turned_deg: Annotated[
        tuple[float, float], Field(strict=False, description="haematoxylin, DAB: from the profile before")
    ]
    residual_od: Annotated[_Share, Field(description="RMS of what neither stain explains, log10 OD")]

    @property
    def residual(self) -> str:
        """How well it fits, in a few words."""
        return f"unexplained {self.residual_od:.3f} OD"


class ControlFile(CalibrationFile):
    """Density of a control slide: what carries thresholds from one staining run to the next."""

    kind: Literal["control"]
    percentile: Annotated[float, Field(ge=50, lt=100)]
    positive_od: Annotated[float, Field(gt=0, le=3)]
    negative_od: Annotated[float | None, Field(ge=-1, le=3)] = None
    reference: Annotated[_Text, Field(description="identity of the control it is compared with, or 'itself'")]
    factor: Annotated[_Positive, Field(description="thresholds of the reference's run times this")]
    profile: Annotated[_Text | None, Field(description="the profile written with these thresholds")] = None
    staining_run: Annotated[_Text | None, Field(description="the run it was stained in")] = None
    case: Annotated[_Text | None, Field(description="the case whose slide it is on")] = None

    @property
    def residual(self) -> str:
        """How well it fits, in a few words."""
        of = [f"run {self.staining_run}"] if self.staining_run else []
        of += [f"on the slide of case {self.case}"] if self.case else []
        return ", ".join([f"factor {self.factor:.3f}", *of])


class ThresholdsFile(CalibrationFile):
    """That thresholds were fitted to labelled fields; the numbers stand in the profile."""

    kind: Literal["thresholds"]
    profile: _Text
    profile_sha256: _Hash
    cells: Annotated[int, Field(ge=1)]
    images: Annotated[int, Field(ge=1)]
    kappa_fitted: Annotated[float, Field(ge=-1, le=1)]
    kappa_held_out: Annotated[float, Field(ge=-1, le=1, description="each image with the others' thresholds")]
    within_one_held_out: Annotated[float, Field(ge=0, le=1)]

    @property
    def residual(self) -> str:
        """How well it fits, in a few words."""
        return f"κ {self.kappa_held_out:.3f} on images left out, {self.kappa_fitted:.3f} fitted"


class EyepieceFile(CalibrationFile):
    """How the camera's picture lies on the eyepiece's display."""

    kind: Literal["eyepiece"]
    camera_shape_px: _Shape
    display_shape_px: _Shape
    matrix: Annotated[tuple[_Row, _Row, _Row], Field(strict=False)]
    circle_yx_px: _YX
    circle_radius_px: _Positive
    residual_um: _Share | None = None
    worst_um: _Share | None = None
    pairs: Annotated[int, Field(ge=4)]
    outliers: Annotated[int, Field(ge=0)]

    def calibration(self) -> EyepieceCalibration:
        """Return it as the overlay takes it.

        Raises
        ------
        ValueError
            If sizes are not positive or the matrix cannot be inverted.
        """
        return EyepieceCalibration(
            name=self.name,
            version=self.version,
            identity=self.identity,
            objective=self.objective,
            camera_shape_px=self.camera_shape_px,
            display_shape_px=self.display_shape_px,
            matrix=self.matrix,
            circle_yx_px=self.circle_yx_px,
            circle_radius_px=self.circle_radius_px,
            residual_um=self.residual_um,
            date=self.date,
            expires=self.expires,
            operator=self.operator,
        )

    @property
    def residual(self) -> str:
        """How well it fits, in a few words."""
        if self.residual_um is None:
            return "four pairs: no residual"
        return f"{self.residual_um:.2f} µm RMS, worst {self.worst_um or 0:.2f} µm, {self.outliers} left out"


AnyCalibration = Annotated[
    FlatFile | ScaleFile | StainFile | ControlFile | ThresholdsFile | EyepieceFile,
    Field(discriminator="kind"),
]
ADAPTER: TypeAdapter[FlatFile | ScaleFile | StainFile | ControlFile | ThresholdsFile | EyepieceFile] = (
    TypeAdapter(AnyCalibration)
)
KINDS = ("flat", "scale", "stain", "control", "thresholds", "eyepiece")


def calibration_schema_text() -> str:
    """Return the JSON Schema of all kinds as the text of a file."""
    return json.dumps(ADAPTER.json_schema(by_alias=True), indent=2, ensure_ascii=False) + "\n"

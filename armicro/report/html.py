"""The case as one self-contained HTML file: no script, no link to elsewhere, pictures inside."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined

from armicro.contracts.arrays import U8
from armicro.contracts.pictures import FieldPicture
from armicro.report.evidence import CategoryEvidence
from armicro.report.jpeg import extent, jpeg_bytes
from armicro.report.models import CaseDocument
from armicro.report.page import make_page
from armicro.scoring.model import Guideline

_THUMB_PX = 400


@dataclass(frozen=True, slots=True)
class _EncodedPicture:
    """A `FieldPicture` as the template sets it: data URIs, and scales in words."""

    thumb: str
    plain: str
    overlaid: str
    scale: str
    crop_plain: str
    crop_overlaid: str
    crop_scale: str
    row: int
    column: int


def case_html(
    document: CaseDocument,
    pictures: Sequence[FieldPicture],
    guideline: Guideline | None = None,
    evidence: Sequence[CategoryEvidence] = (),
) -> str:
    """Write the report of a case.

    Parameters
    ----------
    document : CaseDocument
        The case.
    pictures : sequence of FieldPicture
        One for each field, in order, or none at all.
    guideline : Guideline, optional
        The rule set that judged the case: its grades become bars with their thresholds, and its citation is
        given. Without it the bars are of the categories.
    evidence : sequence of CategoryEvidence
        Measurements by category; left out where empty.

    Returns
    -------
    str
        An HTML page to be stored as UTF-8. All text from outside is escaped, and the page's own policy
        forbids scripts and connections.

    Raises
    ------
    ValueError
        If the pictures are not one for each field, or the rule set is not the one that judged the case.
    OutputError
        If a picture cannot be encoded.
    """
    if pictures and len(pictures) != len(document.fields):
        raise ValueError(f"expected {len(document.fields)} pictures or none, got {len(pictures)}")
    environment = Environment(
        loader=PackageLoader("armicro.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    encoded = {i + 1: _encode(picture) for i, picture in enumerate(pictures)}
    page = make_page(document, guideline, evidence)
    return environment.get_template("case.html.j2").render(page=page, pictures=encoded)


def data_uri(rgb: U8) -> str:
    """Encode a picture as a JPEG data URI.

    Parameters
    ----------
    rgb : ndarray of uint8, (H, W, 3)
        RGB.

    Returns
    -------
    str
        "data:image/jpeg;base64,...".

    Raises
    ------
    OutputError
        If it cannot be encoded.
    """
    return "data:image/jpeg;base64," + base64.b64encode(jpeg_bytes(rgb)).decode("ascii")


def _encode(picture: FieldPicture) -> _EncodedPicture:
    height, width = picture.overlaid.shape[:2]
    scale = min(1.0, _THUMB_PX / width)
    thumb = cv2.resize(
        picture.overlaid,
        (max(1, round(width * scale)), max(1, round(height * scale))),
        interpolation=cv2.INTER_AREA,
    )
    return _EncodedPicture(
        thumb=data_uri(thumb.astype(np.uint8, copy=False)),
        plain=data_uri(picture.plain),
        overlaid=data_uri(picture.overlaid),
        scale=extent(picture.plain, picture.um_per_px),
        crop_plain=data_uri(picture.crop_plain),
        crop_overlaid=data_uri(picture.crop_overlaid),
        crop_scale=extent(picture.crop_plain, picture.crop_um_per_px),
        row=picture.crop_yx_px[0],
        column=picture.crop_yx_px[1],
    )

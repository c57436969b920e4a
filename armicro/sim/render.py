"""From optical densities to the pixels of a camera: Beer-Lambert, light, blur, noise, mosaic."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np

from armicro.contracts.arrays import F32, U8
from armicro.contracts.stain import Vector3
from armicro.sim.grid import Grid
from armicro.sim.paint import Densities
from armicro.sim.params import OpticsParams

FINEST_UM = 0.30
"""Tissue is painted on pixels no larger than this and averaged down to the camera's."""
BAND_ROWS = 256
"""Rows of the camera that are exposed at a time, which keeps the memory small."""


@dataclass(frozen=True, slots=True)
class Instrument:
    """The optics of one case, after chance has been drawn.

    Parameters
    ----------
    haematoxylin_rgb_od, dab_rgb_od : tuple of 3 floats
        Unit vectors of the stains.
    white_rgb : tuple of 3 floats
        Grey value of empty glass in the middle of the field.
    blur_um : float
        Standard deviation of the whole blur, µm.
    uneven : float
        Loss of light in the corners.
    light_yx : tuple of 2 floats
        Where the light is brightest, as a share of the field.
    """

    haematoxylin_rgb_od: Vector3
    dab_rgb_od: Vector3
    white_rgb: Vector3
    blur_um: float
    uneven: float
    light_yx: tuple[float, float]


def instrument(optics: OpticsParams, rng: np.random.Generator) -> Instrument:
    """Draw the instrument of a case.

    Parameters
    ----------
    optics : OpticsParams
        Its parameters.
    rng : numpy.random.Generator
        Source of chance.

    Returns
    -------
    Instrument
        Stain vectors turned by a small angle, white point drawn where none is given.
    """
    haematoxylin = _turned(optics.haematoxylin_rgb_od, optics.stain_jitter_deg, rng)
    dab = _turned(optics.dab_rgb_od, optics.stain_jitter_deg, rng)
    level = rng.uniform(232, 246)
    tint = rng.uniform(-5, 5, 3)
    white = optics.white_rgb or tuple(float(v) for v in np.clip(level + tint, 1, 253))
    light = rng.uniform(0.4, 0.6, 2)
    return Instrument(
        haematoxylin,
        dab,
        (float(white[0]), float(white[1]), float(white[2])),
        math.hypot(optics.psf_um, optics.defocus_um),
        optics.uneven,
        (float(light[0]), float(light[1])),
    )


def _turned(vector: Vector3, degrees: float, rng: np.random.Generator) -> Vector3:
    unit = np.array(vector) / np.linalg.norm(vector)
    aside = rng.standard_normal(3)
    aside -= unit * (aside @ unit)
    aside /= np.linalg.norm(aside)
    angle = math.radians(degrees) * rng.standard_normal()
    turned = np.maximum(unit * math.cos(angle) + aside * math.sin(angle), 0.02)
    turned /= np.linalg.norm(turned)
    return (float(turned[0]), float(turned[1]), float(turned[2]))


def paint_grid(shape_px: tuple[int, int], um_per_px: float) -> Grid:
    """Return the raster to paint a camera field on: as fine as needed, in steps of half a pixel.

    Parameters
    ----------
    shape_px : (int, int)
        Height and width of the camera's field, px.
    um_per_px : float
        Its scale.

    Returns
    -------
    Grid
        Covers the field, made even where half steps need it, and a border.
    """
    finer = oversampling(um_per_px)
    even = tuple(math.ceil((n + n % 2) * finer) for n in shape_px)
    return Grid.over((even[0], even[1]), um_per_px / finer)


def oversampling(um_per_px: float) -> float:
    """Painted pixels per camera pixel along one axis: 1, 1.5, 2, ..."""
    return max(1.0, math.ceil(2 * um_per_px / FINEST_UM - 1e-9) / 2)


def expose(
    densities: Densities, grid: Grid, shape_px: tuple[int, int], um_per_px: float, lens: Instrument
) -> F32:
    """Compute the mean image that falls on the sensor.

    Parameters
    ----------
    densities : Densities
        Painted tissue.
    grid : Grid
        Its raster, from `paint_grid`.
    shape_px : (int, int)
        Height and width of the camera's field, px.
    um_per_px : float
        Its scale.
    lens : Instrument
        Stain vectors, white point, blur, light.

    Returns
    -------
    ndarray of float32, (H, W, 3)
        RGB grey values without noise, 0 to 255.
    """
    finer = oversampling(um_per_px)
    height, width = shape_px
    out = np.empty((height, width, 3), np.float32)
    sigma = lens.blur_um / grid.px_um
    halo = min(grid.pad_px, math.ceil(4 * sigma) + 1)
    pad = grid.pad_px
    columns = slice(pad - halo, pad + math.ceil((width + width % 2) * finer) + halo)
    vectors = np.array([lens.haematoxylin_rgb_od, lens.dab_rgb_od, (1.0, 1.0, 1.0)]) * -math.log(10)
    light = _light(shape_px, lens)
    for top in range(0, height, BAND_ROWS):
        rows = min(BAND_ROWS, height - top)
        rows += rows % 2
        first, last = int(top * finer) + pad - halo, int((top + rows) * finer) + pad + halo
        band = (slice(first, last), columns)
        planes = (densities.haematoxylin_od[band], densities.dab_od[band], densities.neutral_od[band])
        for channel in range(3):
            log_t = sum(plane * np.float32(vectors[k, channel]) for k, plane in enumerate(planes))
            passed = cv2.exp(np.asarray(log_t, np.float32))
            if sigma > 0:
                passed = cv2.GaussianBlur(passed, (0, 0), sigma, borderType=cv2.BORDER_REPLICATE)
            passed = passed[halo : passed.shape[0] - halo, halo : passed.shape[1] - halo]
            if finer != 1:
                size = (width + width % 2, rows)
                passed = cv2.resize(passed, size, interpolation=cv2.INTER_AREA)
            kept = min(rows, height - top)
            out[top : top + kept, :, channel] = passed[:kept, :width] * (
                light[top : top + kept] * np.float32(lens.white_rgb[channel])
            )
    return out


def _light(shape_px: tuple[int, int], lens: Instrument) -> F32:
    y = np.arange(shape_px[0], dtype=np.float32) / np.float32(shape_px[0]) - np.float32(lens.light_yx[0])
    x = np.arange(shape_px[1], dtype=np.float32) / np.float32(shape_px[1]) - np.float32(lens.light_yx[1])
    out: F32 = 1 - np.float32(2 * lens.uneven) * (y[:, None] ** 2 + x[None, :] ** 2)
    return out


def sense(mean_rgb: F32, optics: OpticsParams, rng: np.random.Generator) -> U8:
    """Turn the mean image into one that a camera delivers.

    Parameters
    ----------
    mean_rgb : ndarray of float32, (H, W, 3)
        From `expose`.
    optics : OpticsParams
        Noise, mosaic, compression.
    rng : numpy.random.Generator
        Source of the shot noise.

    Returns
    -------
    ndarray of uint8, (H, W, 3)
        RGB.
    """
    if optics.bayer:
        raw = _mosaic(mean_rgb)
        return cv2.cvtColor(_counted(raw, optics.full_well, rng), cv2.COLOR_BayerRGGB2RGB).astype(np.uint8)
    rgb = _counted(mean_rgb, optics.full_well, rng)
    if optics.jpeg_quality:
        data = cv2.imencode(".jpg", rgb[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, optics.jpeg_quality])[1]
        bgr = cv2.imdecode(data, cv2.IMREAD_COLOR)
        assert bgr is not None  # it was encoded just now
        rgb = np.ascontiguousarray(bgr[..., ::-1]).astype(np.uint8)
    return rgb


def _counted(mean: F32, full_well: float, rng: np.random.Generator) -> U8:
    if full_well <= 0:
        return np.clip(np.rint(mean), 0, 255).astype(np.uint8)
    # Many photons: the Poisson count is normal to within a grey level.
    noise = rng.standard_normal(mean.shape, dtype=np.float32)
    noise *= np.sqrt(mean * np.float32(255 / full_well))
    noise += mean
    return np.clip(np.rint(noise, out=noise), 0, 255).astype(np.uint8)


def _mosaic(rgb: F32) -> F32:
    raw = rgb[..., 1].copy()
    raw[0::2, 0::2] = rgb[0::2, 0::2, 0]
    raw[1::2, 1::2] = rgb[1::2, 1::2, 2]
    return raw

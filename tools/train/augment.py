"""Making one piece of tissue look as other laboratories, scanners and cameras would show it.

The steps stand in the order in which light goes: stain, optics, exposure, sensor, camera software, file.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from armicro.contracts.arrays import F32, F64, U8

_STAINS = np.array([[0.651, 0.701, 0.290], [0.269, 0.568, 0.778]])
"""Haematoxylin and DAB after Ruifrok and Johnston (2001), RGB optical density."""
_WHITE = 245.0
_GREY = np.arange(256)
_OD = (-np.log10((_GREY + 1.0) / (_WHITE + 1.0))).astype(np.float32)

Range = tuple[float, float]


@dataclass(frozen=True, slots=True)
class AugmentParams:
    """How far images are changed; each `_chance` is the share of images that a step is applied to.

    Parameters
    ----------
    stain_chance : float
        Of changing the stains.
    haematoxylin_log, dab_log : float
        Standard deviations of the natural logarithm of the factor on each stain's density.
    dab_boost_chance : float
        Of a further factor on DAB: weakly stained tissue then stands in for intensely stained tissue.
    dab_boost : (float, float)
        That factor.
    stain_shift_od : float
        Standard deviation of a density added to each stain.
    stain_turn : float
        Standard deviation of what is added to each component of the stain vectors.
    blur_chance : float
        Of a Gaussian blur.
    blur_um : (float, float)
        Its standard deviation.
    gain, gamma, saturation, contrast : (float, float)
        Ranges of exposure, exponent, factor on the distance from grey, factor on the distance from the mean.
    balance : float
        Standard deviation of the logarithm of the factor on each colour channel.
    colour_chance, saturation_chance : float
        Of exposure, balance, gamma and contrast; of saturation.
    bayer_chance : float
        Of a colour mosaic and its interpolation.
    noise_chance, sharpen_chance, jpeg_chance : float
        Of noise, unsharp masking and JPEG compression.
    noise_grey : (float, float)
        Standard deviation of the noise at white, grey levels.
    sharpen : (float, float)
        Amount of unsharp masking.
    jpeg_quality : (float, float)
        1 to 100.
    cutout_chance : float
        Of each of two grey rectangles.
    """

    stain_chance: float = 0.8
    haematoxylin_log: float = 0.3
    dab_log: float = 0.45
    dab_boost_chance: float = 0.2
    dab_boost: Range = (1.5, 4.0)
    stain_shift_od: float = 0.015
    stain_turn: float = 0.04
    blur_chance: float = 0.35
    blur_um: Range = (0.1, 0.7)
    gain: Range = (0.72, 1.12)
    gamma: Range = (0.7, 1.45)
    saturation: Range = (0.5, 2.0)
    contrast: Range = (0.75, 1.3)
    balance: float = 0.06
    colour_chance: float = 0.7
    saturation_chance: float = 0.5
    bayer_chance: float = 0.2
    noise_chance: float = 0.4
    noise_grey: Range = (1.0, 9.0)
    sharpen_chance: float = 0.3
    sharpen: Range = (0.3, 2.5)
    jpeg_chance: float = 0.4
    jpeg_quality: Range = (35.0, 92.0)
    cutout_chance: float = 0.15


def change_look(rgb: U8, um_per_px: float, params: AugmentParams, rng: np.random.Generator) -> U8:
    """Change stain, optics, exposure, sensor noise and camera software of an image.

    Parameters
    ----------
    rgb : ndarray of uint8, (H, W, 3)
        The image at the scale of the imagined sensor; H and W even.
    um_per_px : float
        That scale, in which `blur_um` is understood.
    params : AugmentParams
        How far.
    rng : Generator
        Source of chance.

    Returns
    -------
    ndarray of uint8, (H, W, 3)
        A new image.
    """
    values = _restain(rgb, params, rng) if rng.random() < params.stain_chance else rgb.astype(np.float32)
    if rng.random() < params.blur_chance:
        values = _blur(values, float(rng.uniform(*params.blur_um)) / um_per_px)
    if rng.random() < params.colour_chance:
        values = _expose(values, params, rng)
    if rng.random() < params.bayer_chance:
        values = _mosaic(values)
    if rng.random() < params.noise_chance:
        values = _add_noise(values, params, rng)
    if rng.random() < params.saturation_chance:
        values = _saturate(values, _log_uniform(params.saturation, rng))
    if rng.random() < params.sharpen_chance:
        soft = _blur(values, float(rng.uniform(0.2, 0.7)) / um_per_px)
        amount = float(rng.uniform(*params.sharpen))
        values = np.asarray(cv2.addWeighted(values, 1 + amount, soft, -amount, 0.0), np.float32)
    out = _to_u8(values)
    if rng.random() < params.jpeg_chance:
        quality = int(rng.uniform(*params.jpeg_quality))
        out = _compress(out, quality)
    return out


def cut_out(rgb: U8, params: AugmentParams, rng: np.random.Generator) -> tuple[U8, list[tuple[slice, slice]]]:
    """Cover up to two rectangles with a plain colour.

    Returns
    -------
    ndarray of uint8, (H, W, 3)
        The image, new where something was covered.
    list of (slice, slice)
        The covered rectangles, for the mask: what is hidden cannot be asked for.
    """
    holes = []
    out = rgb
    for _ in range(2):
        if rng.random() >= params.cutout_chance:
            continue
        h, w = (int(rng.uniform(0.08, 0.25) * side) for side in rgb.shape[:2])
        y, x = int(rng.integers(rgb.shape[0] - h)), int(rng.integers(rgb.shape[1] - w))
        out = out.copy()
        out[y : y + h, x : x + w] = rng.integers(120, 250, 3)
        holes.append((slice(y, y + h), slice(x, x + w)))
    return out, holes


def _restain(rgb: U8, params: AugmentParams, rng: np.random.Generator) -> F32:
    """Other densities along other stain vectors; what the two stains leave unexplained stays."""
    basis = _basis(_STAINS)
    factors = np.exp(rng.normal(0, 1, 3) * [params.haematoxylin_log, params.dab_log, 0.2])
    if rng.random() < params.dab_boost_chance:
        factors[1] *= _log_uniform(params.dab_boost, rng)
    shifts = np.array([*rng.normal(0, params.stain_shift_od, 2), 0.0])
    turned = _basis(_STAINS + rng.normal(0, params.stain_turn, _STAINS.shape))
    change = np.linalg.inv(basis) @ np.diag(factors) @ turned
    affine = np.column_stack([change.T, shifts @ turned]).astype(np.float32)
    od = cv2.transform(cv2.LUT(rgb, _OD), affine)
    white = _WHITE * float(rng.uniform(0.96, 1.03))
    return np.asarray(cv2.exp(od * np.float32(-np.log(10.0))) * np.float32(white), np.float32)


def _basis(stains: F64) -> F64:
    unit = stains / np.linalg.norm(stains, axis=1, keepdims=True)
    rest = np.cross(unit[0], unit[1])
    return np.vstack([unit, rest / np.linalg.norm(rest)])


def _expose(values: F32, params: AugmentParams, rng: np.random.Generator) -> F32:
    balance = np.exp(rng.normal(0, params.balance, 3))
    gain = _log_uniform(params.gain, rng) * balance / balance.mean()
    gamma = _log_uniform(params.gamma, rng)
    contrast = _log_uniform(params.contrast, rng)
    unit = np.clip(values * (gain / 255.0).astype(np.float32), 0, 1)
    out = np.asarray(cv2.pow(unit, gamma), np.float32) * np.float32(255)
    mean = np.float32(out.mean())
    return np.asarray((out - mean) * np.float32(contrast) + mean, np.float32)


def _saturate(values: F32, factor: float) -> F32:
    luma = np.array([0.299, 0.587, 0.114])
    matrix = factor * np.eye(3) + (1 - factor) * np.tile(luma, (3, 1))
    return np.asarray(cv2.transform(values, matrix.astype(np.float32)), np.float32)


def _mosaic(values: F32) -> F32:
    """Sample through an RGGB mosaic and interpolate."""
    full = _to_u8(values)
    raw = np.empty(full.shape[:2], np.uint8)
    raw[0::2, 0::2] = full[0::2, 0::2, 0]
    raw[0::2, 1::2] = full[0::2, 1::2, 1]
    raw[1::2, 0::2] = full[1::2, 0::2, 1]
    raw[1::2, 1::2] = full[1::2, 1::2, 2]
    return np.asarray(cv2.cvtColor(raw, cv2.COLOR_BayerRGGB2RGB), np.float32)


def _add_noise(values: F32, params: AugmentParams, rng: np.random.Generator) -> F32:
    """Shot noise, whose variance grows with the grey value; coarse noise now and then."""
    strength = float(rng.uniform(*params.noise_grey))
    noise = rng.standard_normal(values.shape, np.float32)
    if rng.random() < 0.3:
        noise = _blur(noise, 0.7) * np.float32(2.4)
    spread = np.sqrt(np.clip(values, 8, 255) / np.float32(255)) * np.float32(strength)
    return np.asarray(values + spread * noise, np.float32)


def _blur(values: F32, sigma_px: float) -> F32:
    return np.asarray(cv2.GaussianBlur(values, (0, 0), max(sigma_px, 0.05)), np.float32)


def _compress(rgb: U8, quality: int) -> U8:
    _, data = cv2.imencode(".jpg", rgb[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
    bgr = cv2.imdecode(data, cv2.IMREAD_COLOR)
    assert bgr is not None  # it was encoded a moment ago
    return np.asarray(bgr[..., ::-1], np.uint8)


def _to_u8(values: F32) -> U8:
    return np.rint(np.clip(values, 0, 255)).astype(np.uint8)


def _log_uniform(bounds: Range, rng: np.random.Generator) -> float:
    low, high = np.log(bounds)
    return float(np.exp(rng.uniform(low, high)))

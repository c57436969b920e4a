from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy.ndimage import map_coordinates

from armicro.contracts.arrays import F32
from armicro.contracts.cells import Category
from armicro.sim.backdrop import Looks
from armicro.sim.case import OpticsParams
from armicro.sim.grid import Grid
from armicro.sim.paint import Densities, membranes, paint
from armicro.sim.render import expose, instrument, oversampling, paint_grid, sense
from armicro.sim.rng import stream
from armicro.sim.staining import Staining
from armicro.sim.tissue import Tissue

LOOKS = Looks(haematoxylin=1.0, blush_od=0.03, cytoplasm_od=0.04, stroma_brown_od=0.01, psf_um=0.18)
QUIET = OpticsParams(psf_um=0.0, full_well=0.0, white_rgb=(240.0, 242.0, 238.0))


def field_shape(um_per_px: float) -> tuple[int, int]:
    return round(240 / um_per_px), round(300 / um_per_px)


def unmixed(rgb: F32, optics: OpticsParams, seed: int) -> F32:
    """Densities (H, W, 3) of haematoxylin, DAB and neutral by solving Beer-Lambert for the true vectors."""
    lens = instrument(optics, stream(seed, "lens"))
    vectors = np.array([lens.haematoxylin_rgb_od, lens.dab_rgb_od, (1.0, 1.0, 1.0)])
    od = -np.log10(rgb / np.array(lens.white_rgb, np.float32))
    return (od @ np.linalg.inv(vectors)).astype(np.float32)


def cropped(plane: F32, grid: Grid, shape: tuple[int, int]) -> F32:
    return plane[grid.pad_px : grid.pad_px + shape[0], grid.pad_px : grid.pad_px + shape[1]]


@pytest.fixture(scope="module")
def painted(tissue: Tissue, staining: Staining) -> tuple[Grid, Densities]:
    grid = paint_grid(field_shape(0.25), 0.25)
    return grid, paint(tissue, staining, grid, LOOKS, stream(1, "paint"))


def test_unmixing_gives_back_what_was_painted(painted: tuple[Grid, Densities]) -> None:
    grid, densities = painted
    shape = field_shape(0.25)
    mean = expose(densities, grid, shape, 0.25, instrument(QUIET, stream(4, "lens")))
    found = unmixed(mean, QUIET, 4)
    for k, plane in enumerate((densities.haematoxylin_od, densities.dab_od, densities.neutral_od)):
        np.testing.assert_allclose(found[..., k], cropped(plane, grid, shape), atol=2e-4)


def test_unmixing_the_8_bit_image_is_right_to_its_rounding(painted: tuple[Grid, Densities]) -> None:
    grid, densities = painted
    shape = field_shape(0.25)
    mean = expose(densities, grid, shape, 0.25, instrument(QUIET, stream(4, "lens")))
    found = unmixed(np.maximum(sense(mean, QUIET, stream(0)), 1).astype(np.float32), QUIET, 4)
    # Half a grey level of some 150 in each channel.
    off = np.abs(found[..., 1] - cropped(densities.dab_od, grid, shape))
    assert np.median(off) < 0.004


@pytest.mark.parametrize("um_per_px", [0.17, 0.212, 0.25, 0.424, 0.5])
def test_crests_have_the_stated_density_behind_the_optics(
    tissue: Tissue, staining: Staining, um_per_px: float
) -> None:
    optics = replace(QUIET, psf_um=0.18)
    shape, grid = field_shape(um_per_px), paint_grid(field_shape(um_per_px), um_per_px)
    bare = np.zeros(grid.shape, np.float32)
    densities = Densities(bare, membranes(tissue, staining, grid, 0.18), bare)
    mean = expose(densities, grid, shape, um_per_px, instrument(optics, stream(4, "lens")))
    dab = unmixed(mean, optics, 4)[..., 1]
    for level, tolerance in ((1, 0.15), (2, 0.15), (3, 0.15)):
        which = (staining.level == level) & (staining.gap_um == 0)
        yx = (tissue.net.yx_um[which] / um_per_px - 0.5).astype(np.float32)
        seen = map_coordinates(dab, yx.T, order=3)
        inside = ((yx > 4) & (yx < np.array(shape) - 5)).all(1)
        ratio = np.median(seen[inside] / staining.od[which][inside])
        # A camera pixel at 20x averages over most of a thin membrane, which costs crest density.
        assert 1 - tolerance - 0.5 * max(0, um_per_px - 0.25) < ratio < 1 + tolerance


def test_a_membrane_comes_on_top_of_the_brown_of_the_cytoplasm(tissue: Tissue, staining: Staining) -> None:
    grid = paint_grid(field_shape(0.25), 0.25)
    bare = replace(staining, od=np.zeros_like(staining.od))

    def lines(blush_od: float) -> F32:
        looks = replace(LOOKS, blush_od=blush_od, cytoplasm_od=0.0)
        stained, unstained = (paint(tissue, s, grid, looks, stream(1, "paint")) for s in (staining, bare))
        return stained.dab_od - unstained.dab_od

    pale, brown = lines(0.0), lines(0.08)
    assert pale.max() > 0.5
    np.testing.assert_allclose(brown, pale, atol=1e-5)


def test_widths_are_those_stated(tissue: Tissue, staining: Staining) -> None:
    grid = paint_grid(field_shape(0.17), 0.17)
    bare = np.zeros(grid.shape, np.float32)
    optics = replace(QUIET, psf_um=0.18)
    mean = expose(
        Densities(bare, membranes(tissue, staining, grid, 0.18), bare),
        grid,
        field_shape(0.17),
        0.17,
        instrument(optics, stream(4, "lens")),
    )
    dab = unmixed(mean, optics, 4)[..., 1]
    across = np.linspace(-2, 2, 81, dtype=np.float32)
    # Free borders: no neighbour's line lies beside them.
    for level, published in ((1, 0.64), (2, 1.0)):
        seen = ((tissue.net.yx_um > 3) & (tissue.net.yx_um < np.array(tissue.extent_um) - 3)).all(1)
        which = np.flatnonzero(seen & (staining.level == level) & (tissue.net.right < 0))[::7]
        yx = tissue.net.yx_um[which][:, None] + across[None, :, None] * tissue.net.normal_yx[which][:, None]
        px = (yx / 0.17 - 0.5).astype(np.float32)
        profile = map_coordinates(dab, np.moveaxis(px, -1, 0), order=1)
        width = (profile > 0.5 * profile[:, 40:41]).sum(1) * 0.05
        assert np.median(width) == pytest.approx(published, rel=0.25)


def test_painting_is_as_fine_as_needed() -> None:
    assert [oversampling(u) for u in (0.17, 0.212, 0.3, 0.424, 0.45, 0.5, 0.75)] == [
        1,
        1,
        1,
        1.5,
        1.5,
        2,
        2.5,
    ]
    for um_per_px in (0.212, 0.424, 0.5, 0.61):
        grid = paint_grid((751, 613), um_per_px)
        assert grid.px_um <= 0.3 + 1e-9
        assert (grid.shape[0] - 2 * grid.pad_px) * grid.px_um >= 751 * um_per_px - 1e-6


@pytest.mark.parametrize("shape", [(301, 407), (300, 400), (257, 259)])
@pytest.mark.parametrize("um_per_px", [0.25, 0.424])
def test_odd_shapes_and_bands_leave_no_seam(
    tissue: Tissue, staining: Staining, shape: tuple[int, int], um_per_px: float
) -> None:
    """A field is exposed in bands; one exposed whole is the same."""
    from armicro.sim import render

    grid = paint_grid(shape, um_per_px)
    bare = np.zeros(grid.shape, np.float32)
    densities = Densities(bare, membranes(tissue, staining, grid, 0.18), bare)
    lens = instrument(OpticsParams(defocus_um=0.5, uneven=0.2), stream(4, "lens"))
    banded = expose(densities, grid, shape, um_per_px, lens)
    assert banded.shape == (*shape, 3)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(render, "BAND_ROWS", 1024)
        whole = expose(densities, grid, shape, um_per_px, lens)
    np.testing.assert_allclose(banded, whole, atol=0.02)


def test_light_noise_mosaic_and_compression_do_what_they_say(painted: tuple[Grid, Densities]) -> None:
    grid, densities = painted
    shape = field_shape(0.25)
    lens = instrument(replace(QUIET, uneven=0.3), stream(4, "lens"))
    empty = Densities(*[np.zeros(grid.shape, np.float32)] * 3)
    glass = expose(empty, grid, shape, 0.25, lens)
    assert glass.max() == pytest.approx(242.0, abs=0.5)
    assert glass[0, 0, 0] < 0.9 * glass[shape[0] // 2, shape[1] // 2, 0]

    flat = np.full((400, 400, 3), 120.0, np.float32)
    noisy = sense(flat, OpticsParams(full_well=10_000), stream(0, "noise"))
    assert noisy.std() == pytest.approx(math.sqrt(120 * 255 / 10_000), rel=0.05)
    assert noisy.mean() == pytest.approx(120, abs=0.1)

    mean = expose(densities, grid, shape, 0.25, instrument(QUIET, stream(4, "lens")))
    plain = sense(mean, QUIET, stream(0))
    assert np.abs(plain - mean).max() <= 0.5001
    for optics in (replace(QUIET, bayer=True), replace(QUIET, jpeg_quality=85)):
        other = sense(mean, optics, stream(0))
        assert other.shape == plain.shape
        off = np.abs(other.astype(int) - plain)
        # Colours stay in their place; only detail suffers.
        assert 0 < off.mean() < 6
        assert np.abs(other.mean((0, 1)) - plain.mean((0, 1))).max() < 1.5


def test_haematoxylin_is_in_nuclei_and_brown_on_membranes(
    painted: tuple[Grid, Densities], tissue: Tissue, staining: Staining
) -> None:
    grid, densities = painted
    at = np.round(grid.to_px(tissue.nuclei.yx_um[tissue.has_nucleus])).astype(int)
    at = at[((at >= 0) & (at < np.array(grid.shape))).all(1)]
    nuclear = densities.haematoxylin_od[at[:, 0], at[:, 1]]
    assert np.median(nuclear) > 2.0 * np.median(densities.haematoxylin_od)
    assert densities.dab_od[at[:, 0], at[:, 1]].max() < 0.1
    none = staining.category == Category.NONE
    assert none.any()

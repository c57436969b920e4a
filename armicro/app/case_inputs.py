"""What a user named on the command line, paired up: images with scales and with regions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from armicro.app.case_run import FieldInput
from armicro.app.staging import unique_stems
from armicro.contracts.errors import ImageError, RegionError, ScaleError
from armicro.contracts.frame import Optics
from armicro.devices.image_files import check_header, read_image
from armicro.devices.region_files import read_regions
from armicro.imaging.regions import Regions, require_within


@dataclass(frozen=True, slots=True)
class ImageInput:
    """An image that will be a field.

    Parameters
    ----------
    path : Path
        The file.
    stem : str
        Names its output files.
    um_per_px : float or None
        Scale that was given for it; None where the file has to tell it.
    objective : str
        A name for people, from an optics profile.
    regions : Regions or None
        Where cells count.
    """

    path: Path
    stem: str
    um_per_px: float | None
    objective: str = ""
    regions: Regions | None = None

    def load(self) -> FieldInput:
        """Read the image.

        Raises
        ------
        InputError
            If it cannot be read, has no scale, or its regions lie outside it.
        """
        image = read_image(self.path, self.um_per_px)
        frame = image.frame(str(self.path), self.objective)
        if self.regions is not None:
            try:
                require_within(self.regions, frame.shape)
            except RegionError as error:
                raise RegionError(f"{self.path}: {error}") from error
        return FieldInput(frame, self.stem, image.notes, self.regions, image.simulated)


def _same_stem(path: Path) -> str:
    """Return a stem for pairing; `a.ome.tif` pairs with `a.geojson`."""
    return path.stem.removesuffix(".ome").casefold()


def pair_regions(images: Sequence[Path], rois: Sequence[Path]) -> list[Path | None]:
    """Find the region file of each image.

    By name where the region files are named like images; else in order, one for each image. An image whose
    name no region file has is scored whole.

    Parameters
    ----------
    images, rois : sequence of Path
        The files.

    Returns
    -------
    list of Path or None
        One for each image.

    Raises
    ------
    RegionError
        If it is not clear which belongs to which.
    """
    if not rois:
        return [None] * len(images)
    by_stem: dict[str, list[int]] = {}
    for index, image in enumerate(images):
        by_stem.setdefault(_same_stem(image), []).append(index)
    hits = [by_stem.get(_same_stem(roi), []) for roi in rois]
    found: list[Path | None] = [None] * len(images)
    if all(len(h) == 1 for h in hits) and len({h[0] for h in hits}) == len(rois):
        for roi, hit in zip(rois, hits, strict=True):
            found[hit[0]] = roi
        return found
    if len(rois) == len(images) and (len(images) == 1 or not any(hits)):
        return list(rois)
    raise RegionError(
        f"{len(rois)} region files for {len(images)} images: name them like their images, or give one for "
        "each image in the same order"
    )


def pair_scales(n_images: int, given: Sequence[float], optics: Optics | None) -> list[float | None]:
    """Find the given scale of each image: one for all, or one for each, or an optics profile's for all.

    Raises
    ------
    ScaleError
        If a scale is impossible, their number does not fit, or both kinds are given.
    """
    for um_per_px in given:
        Optics(um_per_px)
    if optics is not None:
        if given:
            raise ScaleError("give either --um-per-px or --optics")
        return [optics.um_per_px] * n_images
    if len(given) <= 1:
        return [given[0] if given else None] * n_images
    if len(given) != n_images:
        raise ScaleError(
            f"{len(given)} values of --um-per-px for {n_images} images: give one, or one for each"
        )
    return list(given)


def image_inputs(
    images: Sequence[Path], um_per_px: Sequence[float], optics: Optics | None, rois: Sequence[Path]
) -> list[ImageInput]:
    """Pair images with scales and regions, and check what can be checked before decoding.

    Parameters
    ----------
    images : sequence of Path
        Files, in the order of capture.
    um_per_px : sequence of float
        None, one for all, or one for each.
    optics : Optics or None
        A scale for all, from a profile.
    rois : sequence of Path
        GeoJSON files.

    Returns
    -------
    list of ImageInput
        One for each image.

    Raises
    ------
    InputError
        If a file is missing or not a picture, a scale is impossible, a file is given twice, or regions
        cannot be read or paired.
    """
    scales = pair_scales(len(images), um_per_px, optics)
    seen: dict[Path, Path] = {}
    for image in images:
        check_header(image)
        first = seen.setdefault(image.resolve(), image)
        if first is not image:
            raise ImageError(f"{image}: given twice, its cells would count twice")
    regions = [None if p is None else read_regions(p) for p in pair_regions(images, rois)]
    stems = unique_stems(p.stem for p in images)
    objective = optics.objective if optics is not None else ""
    return [
        ImageInput(path, stem, um, objective, region)
        for path, stem, um, region in zip(images, stems, scales, regions, strict=True)
    ]

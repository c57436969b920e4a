"""The one place where a detector is made from its name and its engine's."""

from __future__ import annotations

from dataclasses import dataclass

from armicro.analysis.detect_classical import ClassicalDetector
from armicro.analysis.detect_heatmap import HeatmapDetector, HeatmapParams
from armicro.app.data_files import data_folder
from armicro.contracts.errors import InputError
from armicro.contracts.protocols import NucleusDetector
from armicro.inference.choose import ChosenModel, EngineName, Say, choose_engine, engine_is_installed
from armicro.inference.manifest import ModelEntry, load_network, read_manifest

AUTO = "auto"
"""The network that the manifest names as its default where there is one, else the classical detector."""
CLASSICAL = "classical"


@dataclass(frozen=True, slots=True)
class DetectorChoice:
    """What finds nuclei.

    Parameters
    ----------
    name : str
        `AUTO`, `CLASSICAL` or the name of a network.
    engine : EngineName
        What runs it, if it is a network.
    """

    name: str = AUTO
    engine: EngineName = EngineName.AUTO


class MadeDetector:
    """A detector, and what the user has to be told about it.

    Parameters
    ----------
    detector : NucleusDetector
        The detector.
    model : ChosenModel or None
        The network behind it.
    notes : tuple of str
        What was found out while it was made.
    """

    def __init__(
        self, detector: NucleusDetector, model: ChosenModel | None = None, notes: tuple[str, ...] = ()
    ) -> None:
        self.detector = detector
        self._model = model
        self._notes = notes
        self._told = 0

    def news(self) -> tuple[str, ...]:
        """Return the notes that have come up since this was last asked; each has to be shown to the user."""
        notes = self._notes + (self._model.notes if self._model is not None else ())
        new, self._told = notes[self._told :], len(notes)
        return new


def detector_names() -> tuple[str, ...]:
    """Return the names that `--detector` takes beside `auto`.

    Raises
    ------
    EngineError
        If the manifest of the networks is damaged.
    """
    manifest = read_manifest(data_folder("engines"))
    return (CLASSICAL, *(manifest.names if manifest is not None else ()))


def heatmap_params(entry: ModelEntry) -> HeatmapParams:
    """Return how a network's heat map is read."""
    return HeatmapParams(
        entry.peak_threshold, entry.peak_spacing_um, entry.tumour_bias, entry.reach_px, entry.counterstain_od
    )


def make_detector(choice: DetectorChoice, say: Say) -> MadeDetector:
    """Make a detector.

    Parameters
    ----------
    choice : DetectorChoice
        Which.
    say : callable
        Told in one line what takes long.

    Returns
    -------
    MadeDetector
        Its `news` have to be shown.

    Raises
    ------
    InputError
        If there is no detector of that name.
    EngineError
        If a network's file is not the one of the manifest, or no engine can run it.
    """
    if choice.name == CLASSICAL:
        return MadeDetector(ClassicalDetector(), notes=_unused(choice.engine))
    folder = data_folder("engines")
    manifest = read_manifest(folder)
    if choice.name == AUTO:
        if manifest is None:
            return MadeDetector(ClassicalDetector(), notes=_unused(choice.engine))
        if not engine_is_installed(EngineName.ONNXRUNTIME):
            note = "ONNX Runtime is not installed, so nuclei are found by the classical detector"
            return MadeDetector(ClassicalDetector(), notes=(note,))
    name = None if choice.name == AUTO else choice.name
    if name is not None and name not in detector_names():
        raise InputError(f"there is no detector {name!r}; known: {', '.join((AUTO, *detector_names()))}")
    network = load_network(folder, name)
    model = choose_engine(network, choice.engine, say)
    return MadeDetector(HeatmapDetector(model, heatmap_params(network.entry)), model)


def _unused(engine: EngineName) -> tuple[str, ...]:
    """Tell whoever named an engine that the classical detector needs none."""
    if engine is EngineName.AUTO:
        return ()
    return (f"--engine {engine} is not used: nuclei are found by the classical detector",)

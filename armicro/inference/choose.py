"""Which engine runs a network, and what happens when that engine fails: the processor takes over, audibly."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from enum import StrEnum

from armicro.contracts.arrays import F32, U8
from armicro.contracts.errors import EngineError
from armicro.contracts.protocols import HeatmapModel
from armicro.inference.cuda_memory import open_memory
from armicro.inference.manifest import Network, eight_bits, for_onnxruntime
from armicro.inference.onnxruntime_engine import OnnxRuntimeModel
from armicro.inference.openvino_engine import OpenVinoModel, Precision
from armicro.inference.tensorrt_engine import TensorRtModel, gpu_packages

Say = Callable[[str], None]
"""Told, in one line for the user, what takes long."""


class EngineName(StrEnum):
    """What runs networks."""

    AUTO = "auto"
    ONNXRUNTIME = "onnxruntime"
    OPENVINO = "openvino"
    OPENVINO_BF16 = "openvino-bf16"
    ONNXRUNTIME_INT8 = "onnxruntime-int8"
    OPENVINO_INT8 = "openvino-int8"
    TENSORRT = "tensorrt"


def _silent(text: str) -> None:
    del text


class ChosenModel:
    """A `HeatmapModel` that goes on with a spare one when the first fails, and says so in `notes`.

    Parameters
    ----------
    model : HeatmapModel
        What is used.
    spare : callable or None
        Makes what is used from the first failure on; None lets failures through.
    notes : tuple of str
        What the user has to be shown already.
    """

    def __init__(
        self, model: HeatmapModel, spare: Callable[[], HeatmapModel] | None, notes: tuple[str, ...] = ()
    ) -> None:
        self._model = model
        self._spare = spare
        self._notes = notes

    @property
    def notes(self) -> tuple[str, ...]:
        """What the user has to be shown: an engine that was asked for and is not the one in use, and why."""
        return self._notes

    @property
    def identity(self) -> str:
        """Identity of the network and of the engine in use."""
        return self._model.identity

    @property
    def um_per_px(self) -> float:
        """Scale of the input, µm."""
        return self._model.um_per_px

    @property
    def stride(self) -> int:
        """Input pixels per heat map pixel."""
        return self._model.stride

    def predict(self, rgb: U8) -> F32:
        """Return the heat map; see `HeatmapModel.predict`.

        Raises
        ------
        EngineError
            If the engine fails and there is no spare one, or that fails too.
        """
        try:
            return self._model.predict(rgb)
        except EngineError as error:
            if self._spare is None:
                raise
            spare, self._spare = self._spare, None
            self._model = spare()
            self._notes = (*self._notes, _fallback_note(error, self._model))
        return self._model.predict(rgb)


def choose_engine(network: Network, engine: EngineName = EngineName.AUTO, say: Say = _silent) -> ChosenModel:
    """Load a network on the engine that was asked for, or else on the processor.

    `auto` takes TensorRT where its packages are installed and a GPU answers, else ONNX Runtime, of which
    there is nothing to tell: it is what most machines have.

    Parameters
    ----------
    network : Network
        Checked by `load_network`.
    engine : EngineName
        What the user asked for.
    say : callable
        Told before a plan is built for a GPU, which takes long.

    Returns
    -------
    ChosenModel
        Its `notes` have to be shown: they say when the engine is not the one asked for.

    Raises
    ------
    EngineError
        If ONNX Runtime is needed and fails too.
    """

    def on_processor() -> HeatmapModel:
        return OnnxRuntimeModel(for_onnxruntime(network))

    def asked_for() -> HeatmapModel:
        if engine is EngineName.OPENVINO:
            return OpenVinoModel(network, Precision.F32)
        if engine is EngineName.OPENVINO_BF16:
            return OpenVinoModel(network, Precision.BF16)
        if engine is EngineName.OPENVINO_INT8:
            return OpenVinoModel(eight_bits(network), Precision.F32)
        if engine is EngineName.ONNXRUNTIME_INT8:
            return OnnxRuntimeModel(eight_bits(network))
        return TensorRtModel(network, say=say)

    if engine is EngineName.ONNXRUNTIME or (engine is EngineName.AUTO and not _gpu_answers()):
        return ChosenModel(on_processor(), None)
    try:
        return ChosenModel(asked_for(), on_processor)
    except EngineError as error:
        model = on_processor()
        return ChosenModel(model, None, (_fallback_note(error, model),))


def _gpu_answers() -> bool:
    """Tell whether there is all that a network needs to run on a GPU."""
    if gpu_packages() is None:
        return False
    try:
        open_memory()
    except EngineError:
        return False
    return True


def _fallback_note(error: EngineError, model: HeatmapModel) -> str:
    return f"{error}. Going on with {model.identity.rpartition(' ')[2]} on the processor"


def engine_of(identity: str) -> EngineName:
    """Return the engine that a detector's identity names; `auto` where it names none.

    Parameters
    ----------
    identity : str
        As `HeatmapModel.identity` gives it.
    """
    name, _, precision = identity.rpartition(" ")[2].partition("/")
    kind = name.partition("-")[0]
    if kind.startswith("tensorrt"):
        return EngineName.TENSORRT
    wanted = kind if precision in ("", "f32") else f"{kind}-{precision}"
    return next((engine for engine in EngineName if engine == wanted), EngineName.AUTO)


def engine_is_installed(engine: EngineName) -> bool:
    """Tell whether the packages of an engine are there, without loading them."""
    if engine is EngineName.TENSORRT:
        return gpu_packages() is not None
    module = "openvino" if engine.startswith("openvino") else "onnxruntime"
    return importlib.util.find_spec(module) is not None

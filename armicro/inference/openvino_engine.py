"""OpenVINO on the processor: an extra, faster than the default where 16 bits are enough."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

import numpy as np

from armicro.contracts.arrays import F32, U8
from armicro.contracts.errors import EngineError
from armicro.inference.manifest import Network
from armicro.inference.padding import crop_heat, pad_field

_WARM_PX = 512


class Precision(StrEnum):
    """In what numbers OpenVINO computes; named by its own hint."""

    F32 = "f32"
    BF16 = "bf16"


class OpenVinoModel:
    """A `HeatmapModel` on the processor, by OpenVINO. Used by one thread at a time.

    Parameters
    ----------
    network : Network
        Checked by `load_network`.
    precision : Precision
        Always told to OpenVINO: left alone it takes 16 bits where the processor has them, and counts would
        differ from machine to machine.
    threads : int or None
        Threads; None takes all cores.

    Raises
    ------
    EngineError
        If OpenVINO is missing or cannot load the network.
    """

    name = "openvino"

    def __init__(
        self, network: Network, precision: Precision = Precision.F32, threads: int | None = None
    ) -> None:
        try:
            import openvino
        except ImportError as error:
            raise EngineError(
                f"OpenVINO cannot be loaded ({error}): pip install openvino, or use --engine onnxruntime"
            ) from error
        self._entry = network.entry
        self._version = str(openvino.__version__).partition("-")[0]
        # A network in 8 bits says itself which of its steps are; the hint is for the others.
        self._precision = network.precision if network.precision != "f32" else str(Precision(precision))
        settings = {
            "INFERENCE_PRECISION_HINT": str(Precision(precision)),
            "PERFORMANCE_HINT": "LATENCY",
            "NUM_STREAMS": "1",
        }
        if threads is not None:
            settings["INFERENCE_NUM_THREADS"] = str(threads)
        try:
            core = openvino.Core()
            compiled = core.compile_model(core.read_model(network.onnx), "CPU", settings)
            self._request: Any = compiled.create_infer_request()
        except Exception as error:  # OpenVINO raises RuntimeError and others, as it comes
            raise EngineError(f"OpenVINO cannot load network {self._entry.name} ({_short(error)})") from error
        self.predict(np.zeros((_WARM_PX, _WARM_PX, 3), np.uint8))

    @property
    def identity(self) -> str:
        """Name, version and hash of the network, the engine and its precision."""
        return f"{self._entry.identity} {self.name}-{self._version}/{self._precision}"

    @property
    def um_per_px(self) -> float:
        """Scale of the input, µm."""
        return self._entry.um_per_px

    @property
    def stride(self) -> int:
        """Input pixels per heat map pixel."""
        return self._entry.stride

    def predict(self, rgb: U8) -> F32:
        """Return the heat map; see `HeatmapModel.predict`.

        Raises
        ------
        EngineError
            If OpenVINO fails, for want of memory for example.
        """
        padded = pad_field(rgb, self._entry.multiple)
        try:
            # Copies in and out: the request's own memory is overwritten by the next field.
            self._request.infer({"rgb": padded}, share_inputs=False)
            heat = np.array(self._request.get_tensor("heat").data)
        except Exception as error:  # OpenVINO raises RuntimeError and others, as it comes
            text = _short(error)
            raise EngineError(f"OpenVINO failed on a field of {rgb.shape[:2]} px ({text})") from error
        return crop_heat(heat, (rgb.shape[0], rgb.shape[1]), self._entry)


def _short(error: Exception) -> str:
    """Return the last line of an error: OpenVINO puts the places in its source before it."""
    return (str(error).strip().splitlines() or [type(error).__name__])[-1].strip()

"""ONNX Runtime on the processor: the default engine, float32; in 8 bits where such a network is given."""

from __future__ import annotations

from typing import Any

import numpy as np

from armicro.contracts.arrays import F32, U8
from armicro.contracts.errors import EngineError
from armicro.inference.manifest import Network
from armicro.inference.padding import crop_heat, pad_field

_WARM_PX = 512


class OnnxRuntimeModel:
    """A `HeatmapModel` on the processor.

    Answers do not depend on the number of threads: each output is summed up in one order by one thread. Used
    by one thread at a time.

    Parameters
    ----------
    network : Network
        Checked by `load_network`.
    threads : int or None
        Threads of a convolution; None takes all cores.

    Raises
    ------
    EngineError
        If ONNX Runtime is missing or cannot load the network.
    """

    name = "onnxruntime"

    def __init__(self, network: Network, threads: int | None = None) -> None:
        try:
            import onnxruntime
        except ImportError as error:
            raise EngineError(
                f"ONNX Runtime cannot be loaded ({error}): pip install onnxruntime, or take the classical "
                "detector"
            ) from error
        self._entry, self._precision = network.entry, network.precision
        self._version = str(onnxruntime.__version__)
        # On Windows it would tell its maker about each session; nothing leaves this machine unasked.
        onnxruntime.disable_telemetry_events()
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads or 0
        options.inter_op_num_threads = 1
        options.use_deterministic_compute = True
        options.log_severity_level = 4  # what matters is raised
        # Between fields the cores belong to the stages that follow, not to threads that wait busily.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        # Shares of a convolution that shrink towards its end: who is held up by others is not waited for.
        options.add_session_config_entry("session.dynamic_block_base", "4")
        try:
            self._session: Any = onnxruntime.InferenceSession(
                network.onnx, options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # ONNX Runtime's errors have no common base but this
            raise EngineError(f"ONNX Runtime cannot load network {self._entry.name} ({error})") from error
        # The first call plans memory; the instrument's first field must not wait for that.
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
            If ONNX Runtime fails, for want of memory for example.
        """
        padded = pad_field(rgb, self._entry.multiple)
        try:
            heat = self._session.run(["heat"], {"rgb": padded})[0]
        except Exception as error:  # ONNX Runtime's errors have no common base but this
            raise EngineError(f"ONNX Runtime failed on a field of {rgb.shape[:2]} px ({error})") from error
        return crop_heat(heat, (rgb.shape[0], rgb.shape[1]), self._entry)

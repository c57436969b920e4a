"""A tiny network in a folder like `engines/`, for whoever tests engines and what stands on them."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import pytest
from hypothesis import HealthCheck, settings
from onnx import TensorProto, helper, numpy_helper

from tools.train.manifest import Entry, update_manifest

# How long drawing examples takes says more about what else a machine does than about a test.
settings.register_profile("armicro", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("armicro")


def tiny_onnx() -> bytes:
    """Make a network of the shape of the real ones: a few grids down to a sixteenth, and up again.

    The first channel answers to what is bluer than red, the second to what is redder than blue; random
    weights on the coarse grids add a little, so that an answer depends on where those grids begin.
    """
    rng = np.random.default_rng(3)
    weights: list[onnx.TensorProto] = []
    nodes = [
        helper.make_node("Cast", ["rgb"], ["float"], to=TensorProto.FLOAT),
        helper.make_node("Transpose", ["float"], ["nchw"], perm=[0, 3, 1, 2]),
        helper.make_node("Div", ["nchw", "grey"], ["x0"]),
    ]

    def put(name: str, value: npt.NDArray[np.floating[Any]]) -> str:
        weights.append(numpy_helper.from_array(value.astype(np.float32), name))
        return name

    put("grey", np.array(255.0))
    bell = np.exp(-0.5 * ((np.arange(9) - 4) / 2.5) ** 2)
    blob = np.outer(bell, bell) / np.outer(bell, bell).sum() * 3.5
    fine = np.zeros((2, 3, 9, 9), np.float32)
    fine[0, 2], fine[0, 0], fine[1, 0], fine[1, 2] = blob, -blob, blob, -blob
    nodes.append(helper.make_node("Conv", ["x0", put("wf", fine)], ["both"], strides=[2, 2], pads=[4] * 4))
    nodes.append(helper.make_node("Relu", ["both"], ["fine"]))
    widths = (3, 6, 8, 8, 8)
    for k in range(4):
        w = put(f"w{k}", rng.normal(0, 0.3, (widths[k + 1], widths[k], 3, 3)))
        nodes.append(helper.make_node("Conv", [f"x{k}", w], [f"c{k}"], strides=[2, 2], pads=[1] * 4))
        nodes.append(helper.make_node("Relu", [f"c{k}"], [f"x{k + 1}"]))
    up = (8, 6, 4, 2)
    for k in range(3):
        w = put(f"u{k}", rng.normal(0, 0.12, (up[k], up[k + 1], 4, 4)))
        source = "x4" if k == 0 else f"y{k}"
        nodes.append(
            helper.make_node("ConvTranspose", [source, w], [f"y{k + 1}"], strides=[2, 2], pads=[1] * 4)
        )
    nodes += [
        helper.make_node("Tanh", ["y3"], ["bounded"]),
        helper.make_node("Mul", ["bounded", put("small", np.array(0.02))], ["little"]),
        helper.make_node("Add", ["fine", "little"], ["heat"]),
    ]
    graph = helper.make_graph(
        nodes, "tiny",
        [helper.make_tensor_value_info("rgb", TensorProto.UINT8, [1, "height", "width", 3])],
        [helper.make_tensor_value_info("heat", TensorProto.FLOAT, [1, 2, "heat_height", "heat_width"])],
        weights,
    )  # fmt: skip
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    onnx.checker.check_model(model, full_check=True)
    return bytes(model.SerializeToString())


@pytest.fixture(scope="session")
def tiny_engines(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the network `tiny`, its manifest written as the export writes it."""
    folder = tmp_path_factory.mktemp("engines")
    content = tiny_onnx()
    (folder / "tiny.onnx").write_bytes(content)
    entry = Entry(
        name="tiny", version="1", file="tiny.onnx", sha256=hashlib.sha256(content).hexdigest(),
        bytes=len(content), licence="GPL-3.0-or-later", um_per_px=0.46, stride=2, multiple=16, reach_px=64,
        channels=("tumour", "other"), peak_threshold=0.4, peak_spacing_um=3.5, tumour_bias=0.0,
        training_data="None: its weights are made up.", metrics={"f1_40x": float("nan")},
    )  # fmt: skip
    update_manifest(folder / "manifest.toml", entry)
    return folder

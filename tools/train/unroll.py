"""Write a packaged network in the form that ONNX Runtime is quickest with.

`python -m tools.train.unroll --engines engines --name nuclei-a`

On the processor ONNX Runtime computes a transposed convolution as a product of matrices whose parts one
thread then adds up, which takes a sixth of this network's time for a fortieth of its arithmetic. A transposed
4 x 4 convolution of stride 2 is the same as a 3 x 3 convolution that gives the four pixels of each 2 x 2
block as four channels, and two moves of these channels to their places: columns first, then rows. ONNX's own
`DepthToSpace` does both in one, as slowly as what is replaced.

The weights are the same; sums are rounded in another order. The file is written, and named in the manifest,
only if it answers as the network does. Other engines keep the network's own file: they have good transposed
convolutions.
"""

from __future__ import annotations

import argparse
import hashlib
import re
import sys
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from onnx import helper, numpy_helper

from armicro.contracts.arrays import F32
from armicro.contracts.errors import ArmicroError, EngineError
from armicro.inference.manifest import load_network
from tools.train.files import replace_file
from tools.train.manifest import Variant, name_variant

TOLERANCE = 1e-5
"""Greatest difference of a heat map value, in units of a peak's height."""
_HEADING = "## For ONNX Runtime"
_CARD = """`{file}` ({megabytes:.1f} MB), SHA-256
`{sha256}`, is the same network with its
transposed convolutions written as plain ones. ONNX Runtime reads it, and its results name this hash.
Heat maps of both differ by at most {tolerance:g} of a peak's height.
"""
_FORM = {"kernel_shape": [4, 4], "strides": [2, 2], "pads": [1, 1, 1, 1]}


def unroll(content: bytes) -> bytes:
    """Return a network with its transposed convolutions written as convolutions and moves.

    Parameters
    ----------
    content : bytes
        An ONNX file of batch size 1.

    Returns
    -------
    bytes
        An ONNX file with the same input and output.

    Raises
    ------
    EngineError
        If it has none, or one of another form than 4 x 4, stride 2, padding 1.
    """
    model = onnx.load_from_string(content)
    graph = model.graph
    constants = {c.name: numpy_helper.to_array(c) for c in graph.initializer}
    nodes: list[onnx.NodeProto] = []
    new: list[onnx.TensorProto] = []
    for node in graph.node:
        if node.op_type != "ConvTranspose":
            nodes.append(node)
            continue
        given = {a.name: list(a.ints) for a in node.attribute}
        if any(given.get(key) != value for key, value in _FORM.items()):
            raise EngineError(f"{node.name}: not a transposed convolution of 4 x 4, stride 2, padding 1")
        kernel = constants[node.input[1]]
        bias = constants[node.input[2]] if len(node.input) > 2 else np.zeros(kernel.shape[1], np.float32)
        replaced, added = _as_convolution(node, kernel, bias)
        nodes += replaced
        new += added
    if not new:
        raise EngineError("the network has no transposed convolution")
    used = {name for node in nodes for name in node.input}
    kept = [c for c in graph.initializer if c.name in used]
    for field, values in (("node", nodes), ("initializer", [*kept, *new])):
        graph.ClearField(field)
        getattr(graph, field).extend(values)
    graph.ClearField("value_info")
    onnx.checker.check_model(model, full_check=True)
    return bytes(model.SerializeToString())


def phases(kernel: F32) -> F32:
    """Return the 3 x 3 kernel that gives the pixels of each 2 x 2 block as channels.

    Parameters
    ----------
    kernel : ndarray of float32, (C, D, 4, 4)
        Of a transposed convolution of stride 2 and padding 1, from C to D channels.

    Returns
    -------
    ndarray of float32, (4 D, C, 3, 3)
        Channels in the order: channel of the answer, row in the block, column in the block.
    """
    n_in, n_out = kernel.shape[:2]
    out: F32 = np.zeros((n_out, 2, 2, n_in, 3, 3), np.float32)
    # Pixel i of the input adds to pixel 2 i - 1 + k of the answer, for k from 0 to 3.
    taps = [(row, step, row + 1 - 2 * step) for row in (0, 1) for step in (-1, 0, 1)]
    taps = [tap for tap in taps if 0 <= tap[2] < 4]
    for row, dy, ky in taps:
        for column, dx, kx in taps:
            out[:, row, column, :, dy + 1, dx + 1] = kernel[:, :, ky, kx].T
    return out.reshape(4 * n_out, n_in, 3, 3)


def _as_convolution(
    node: onnx.NodeProto, kernel: F32, bias: F32
) -> tuple[list[onnx.NodeProto], list[onnx.TensorProto]]:
    """Return the nodes that stand for a transposed convolution, and their constants."""
    n, out = kernel.shape[1], node.output[0]
    constants = {
        "kernel": phases(kernel),
        "bias": np.repeat(bias, 4),
        "columns": np.array([2 * n, 2, -1], np.int64),
        "blocks": np.array([n, 2], np.int64),
        "rest": np.array([-1], np.int64),
        "channels": np.array([1, n], np.int64),
        "two": np.array([2], np.int64),
    }
    steps: tuple[tuple[str, tuple[str, ...], str, dict[str, object]], ...] = (
        ("Conv", ("in", "kernel", "bias"), "phases", {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1]}),
        ("Reshape", ("phases", "columns"), "a", {}),
        ("Transpose", ("a",), "b", {"perm": [0, 2, 1]}),
        ("Shape", ("phases",), "height", {"start": 2, "end": 3}),
        ("Concat", ("blocks", "height", "rest"), "rows", {"axis": 0}),
        ("Reshape", ("b", "rows"), "c", {}),
        ("Transpose", ("c",), "d", {"perm": [0, 2, 1, 3]}),
        ("Mul", ("height", "two"), "twice", {}),
        ("Concat", ("channels", "twice", "rest"), "shape", {"axis": 0}),
        ("Reshape", ("d", "shape"), "out", {}),
    )

    def named(name: str) -> str:
        outside: dict[str, str] = {"in": node.input[0], "out": out}
        return outside.get(name, f"{out}_{name}")

    nodes = [
        helper.make_node(op, [named(i) for i in inputs], [named(output)], named(f"to_{output}"), **attributes)
        for op, inputs, output, attributes in steps
    ]
    return nodes, [numpy_helper.from_array(value, named(name)) for name, value in constants.items()]


def difference(one: bytes, other: bytes, multiple: int) -> float:
    """Return the greatest difference of two networks' heat maps, on noise of several shapes."""
    sessions = [onnxruntime.InferenceSession(c, providers=["CPUExecutionProvider"]) for c in (one, other)]
    rng, worst = np.random.default_rng(0), 0.0
    for height, width in ((2, 2), (5, 9), (16, 11)):
        rgb = rng.integers(0, 256, (1, height * multiple, width * multiple, 3), np.uint8)
        first, second = (session.run(["heat"], {"rgb": rgb})[0] for session in sessions)
        worst = max(worst, float(np.abs(first - second).max()))
    return worst


def make(engines: Path, name: str | None) -> Variant:
    """Write the form of a network that ONNX Runtime reads, and name it in the manifest.

    Parameters
    ----------
    engines : Path
        Folder of the networks.
    name : str or None
        Which; None takes the default.

    Returns
    -------
    Variant
        What the manifest now names.

    Raises
    ------
    EngineError
        If it cannot be made or answers differently: then nothing is written.
    """
    network = load_network(engines, name)
    content = unroll(network.onnx)
    worst = difference(network.onnx, content, network.entry.multiple)
    if not worst <= TOLERANCE:
        raise EngineError(f"it differs by {worst:.2g}, more than {TOLERANCE:g}: nothing was written")
    path = engines / f"{Path(network.entry.file).stem}-onnxruntime.onnx"

    def write(to: Path) -> None:
        to.write_bytes(content)

    replace_file(path, write)
    variant = Variant(path.name, hashlib.sha256(content).hexdigest(), len(content))
    name_variant(engines / "manifest.toml", network.entry.name, "onnxruntime", variant)
    _tell(engines / f"{Path(network.entry.file).stem}.md", variant)
    return variant


def _tell(card: Path, variant: Variant) -> None:
    """Put the section about it into the model card, before that about 8 bits."""
    text = card.read_text(encoding="utf-8") if card.is_file() else ""
    head, *sections = re.split(r"^(?=## )", text, flags=re.MULTILINE)
    sections = [s.rstrip() for s in sections if not s.startswith(_HEADING)]
    words = _CARD.format(
        file=variant.file, megabytes=variant.bytes / 1e6, sha256=variant.sha256, tolerance=TOLERANCE
    )
    eight = next((i for i, s in enumerate(sections) if s.startswith("## In 8 bits")), len(sections))
    sections.insert(eight, f"{_HEADING}\n\n{words}".rstrip())
    parts = [head.rstrip(), *sections] if head.strip() else sections
    card.write_text("\n\n".join(parts) + "\n", encoding="utf-8", newline="\n")


def main(arguments: list[str] | None = None) -> int:
    """Command line; returns the exit status."""
    parser = argparse.ArgumentParser(description="Write a network in the form for ONNX Runtime.")
    parser.add_argument("--engines", type=Path, default=Path("engines"), help="folder of the networks")
    parser.add_argument("--name", default=None, help="name of the network; the default's without")
    args = parser.parse_args(arguments)
    try:
        variant = make(args.engines, args.name)
    except (ArmicroError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(f"{variant.file}: {variant.bytes} bytes, SHA-256 {variant.sha256}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Only the file that the manifest names is loaded."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import pytest

from armicro.contracts.errors import EngineError
from armicro.inference.choose import EngineName, choose_engine, engine_of
from armicro.inference.manifest import MAX_BYTES, eight_bits, for_onnxruntime, load_network, read_manifest
from tools.train.manifest import EightBits, Entry, Variant, name_variant, update_manifest


@pytest.fixture
def folder(tiny_engines: Path, tmp_path: Path) -> Path:
    """A copy of the engines' folder, to be damaged."""
    return Path(shutil.copytree(tiny_engines, tmp_path / "engines"))


def change(folder: Path, old: str, new: str) -> None:
    path = folder / "manifest.toml"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def test_what_the_export_writes_is_read(folder: Path) -> None:
    network = load_network(folder)
    assert network.onnx == (folder / "tiny.onnx").read_bytes()
    assert network.entry.channels == ("tumour", "other")
    assert network.entry.identity == f"tiny/1 sha256:{network.entry.sha256[:12]}"
    assert load_network(folder, "tiny").entry.identity == network.entry.identity


def test_a_folder_without_manifest_has_no_network(tmp_path: Path) -> None:
    assert read_manifest(tmp_path) is None
    with pytest.raises(EngineError, match="no network is installed"):
        load_network(tmp_path)


@pytest.mark.parametrize("flip", [0, 100, -1])
def test_a_changed_byte_is_refused(folder: Path, flip: int) -> None:
    content = bytearray((folder / "tiny.onnx").read_bytes())
    content[flip] ^= 1
    (folder / "tiny.onnx").write_bytes(content)
    with pytest.raises(EngineError, match=r"is not the file of the manifest .* install armicro again"):
        load_network(folder)


def test_a_cut_off_missing_or_huge_file_is_refused(folder: Path) -> None:
    path = folder / "tiny.onnx"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(EngineError, match="is not the file of the manifest"):
        load_network(folder)
    path.write_bytes(bytes(MAX_BYTES + 1))
    with pytest.raises(EngineError, match="larger than 20 MB"):
        load_network(folder)
    path.unlink()
    with pytest.raises(EngineError, match="cannot be read"):
        load_network(folder)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('file = "tiny.onnx"', 'file = "../tiny.onnx"', r"model\.0\.file"),
        ('file = "tiny.onnx"', 'file = "tiny.pt"', r"model\.0\.file"),
        ('file = "tiny.onnx"', 'file = "/etc/tiny.onnx"', r"model\.0\.file"),
        ("stride = 2", 'stride = "2"', r"model\.0\.stride"),
        ("stride = 2", "stride = 2\nstrid = 2", r"model\.0\.strid"),
        ("multiple = 16\n", "", r"model\.0\.multiple"),
        ('input_dtype = "uint8"', 'input_dtype = "float32"', r"model\.0\.input_dtype"),
        ('["tumour", "other"]', '["other", "tumour"]', r"model\.0\.channels"),
        ('default = "tiny"', 'default = "large"', "no network 'large'; known: tiny"),
        ('default = "tiny"', "default = ", "not valid TOML"),
    ],
)
def test_a_wrong_manifest_is_refused(folder: Path, old: str, new: str, said: str) -> None:
    change(folder, old, new)
    with pytest.raises(EngineError, match=said) as caught:
        load_network(folder)
    assert "\n" not in str(caught.value)


def test_two_networks_of_one_name_are_refused(folder: Path) -> None:
    text = (folder / "manifest.toml").read_text(encoding="utf-8")
    again = text[text.index("[[model]]") :]
    (folder / "manifest.toml").write_text(text + "\n" + again, encoding="utf-8")
    with pytest.raises(EngineError, match="same name"):
        read_manifest(folder)


def test_unknown_name_tells_the_known_ones(folder: Path) -> None:
    with pytest.raises(EngineError, match="no network 'x'; known: tiny"):
        load_network(folder, "x")


@pytest.fixture
def with_8_bits(folder: Path) -> Path:
    """The folder with a variant, for whose content the network's own serves."""
    content = (folder / "tiny.onnx").read_bytes()
    (folder / "tiny-int8.onnx").write_bytes(content)
    sha256 = hashlib.sha256(content).hexdigest()
    variant = EightBits("tiny-int8.onnx", sha256, len(content), 0.001, -0.002)
    name_variant(folder / "manifest.toml", "tiny", "int8", variant)
    return folder


def test_the_variant_in_8_bits_is_what_its_engines_take(with_8_bits: Path) -> None:
    network = load_network(with_8_bits)
    variant = eight_bits(network)
    assert (network.precision, variant.precision) == ("f32", "int8")
    assert variant.entry.file == "tiny-int8.onnx"
    assert variant.entry.peak_threshold == network.entry.peak_threshold
    model = choose_engine(network, EngineName.ONNXRUNTIME_INT8)
    assert engine_of(model.identity) is EngineName.ONNXRUNTIME_INT8
    assert model.notes == ()


def test_a_damaged_variant_is_refused_and_the_network_still_loads(with_8_bits: Path) -> None:
    path = with_8_bits / "tiny-int8.onnx"
    path.write_bytes(path.read_bytes()[:-1])
    network = load_network(with_8_bits)
    with pytest.raises(EngineError, match=r"tiny-int8\.onnx is not the file of the manifest"):
        eight_bits(network)
    path.unlink()
    with pytest.raises(EngineError, match="cannot be read"):
        eight_bits(network)


def test_a_variant_that_loses_more_than_half_a_point_is_refused(with_8_bits: Path) -> None:
    change(with_8_bits, "f1_lost_40x = 0.001", "f1_lost_40x = 0.0051")
    with pytest.raises(EngineError, match=r"f1_lost_40x"):
        load_network(with_8_bits)


def test_a_new_export_drops_the_variant_of_the_old_weights(with_8_bits: Path) -> None:
    old = load_network(with_8_bits).entry.model_dump(exclude={"int8", "onnxruntime"})
    update_manifest(with_8_bits / "manifest.toml", Entry(**{**old, "version": "2"}))
    network = load_network(with_8_bits)
    assert network.entry.version == "2"
    with pytest.raises(EngineError, match="has no variant in 8 bits"):
        eight_bits(network)


def test_onnx_runtime_takes_its_own_form_of_a_network(folder: Path) -> None:
    network = load_network(folder)
    assert for_onnxruntime(network) is network
    content = network.onnx
    path = folder / "tiny-onnxruntime.onnx"
    path.write_bytes(content)
    variant = Variant(path.name, hashlib.sha256(content).hexdigest(), len(content))
    name_variant(folder / "manifest.toml", "tiny", "onnxruntime", variant)
    network = load_network(folder)
    assert for_onnxruntime(network).entry.file == path.name
    path.write_bytes(content[:-1])
    with pytest.raises(EngineError, match=r"tiny-onnxruntime\.onnx is not the file of the manifest"):
        choose_engine(network, EngineName.ONNXRUNTIME)

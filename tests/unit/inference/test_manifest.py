"""Only the file that the manifest names is loaded."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from armicro.contracts.errors import EngineError
from armicro.inference.manifest import MAX_BYTES, load_network, read_manifest


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

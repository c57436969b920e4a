"""Staging: all outputs or none, nothing left behind, nothing of the user's lost."""

from __future__ import annotations

import signal
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from armicro.app.staging import Staging, unique_stems
from armicro.contracts.errors import OutputError

Contents = Callable[[Path], Sequence[str]]


def test_files_appear_at_the_end_only(tmp_path: Path, contents: Contents) -> None:
    with Staging() as staging:
        staging.write_text(tmp_path / "a" / "b.txt", "µ\n")
        staging.write_bytes(tmp_path / "c.bin", b"\0\1")
        staging.write_png(tmp_path / "d.png", np.zeros((4, 4, 3), np.uint8))
        assert not (tmp_path / "c.bin").exists()
        assert staging.commit() == (tmp_path / "a" / "b.txt", tmp_path / "c.bin", tmp_path / "d.png")
    assert contents(tmp_path) == ["a", str(Path("a") / "b.txt"), "c.bin", "d.png"]
    assert (tmp_path / "a" / "b.txt").read_bytes() == "µ\n".encode()


def test_an_error_leaves_nothing_behind(tmp_path: Path, contents: Contents) -> None:
    (tmp_path / "old.txt").write_text("old", encoding="utf-8")

    def fail() -> None:
        with Staging() as staging:
            staging.write_text(tmp_path / "old.txt", "new")
            staging.write_text(tmp_path / "x" / "y" / "z.txt", "new")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert contents(tmp_path) == ["old.txt"]
    assert (tmp_path / "old.txt").read_text(encoding="utf-8") == "old"


def test_a_folder_in_which_someone_else_wrote_stays(tmp_path: Path, contents: Contents) -> None:
    with Staging() as staging:
        staging.folder(tmp_path / "shared")
        (tmp_path / "shared" / "theirs.txt").touch()
    assert contents(tmp_path) == ["shared", str(Path("shared") / "theirs.txt")]


def test_what_cannot_be_written_is_found_before_the_work(tmp_path: Path, contents: Contents) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "folder").mkdir()
    before = contents(tmp_path)
    with Staging() as staging:
        with pytest.raises(OutputError, match="cannot write there"):
            staging.file(tmp_path / "file" / "a.json")
        with pytest.raises(OutputError, match="file is not a folder"):
            staging.folder(tmp_path / "file")
        with pytest.raises(OutputError, match="it is a folder"):
            staging.file(tmp_path / "folder")
    assert contents(tmp_path) == before


def test_inputs_and_other_outputs_are_never_overwritten(tmp_path: Path) -> None:
    image = tmp_path / "field.png"
    image.touch()
    (tmp_path / "sub").mkdir()
    with Staging([image]) as staging:
        with pytest.raises(OutputError, match="is one of the inputs"):
            staging.file(tmp_path / "sub" / ".." / "field.png")
        staging.file(tmp_path / "a.json")
        with pytest.raises(OutputError, match="two outputs have this name"):
            staging.file(tmp_path / "a.json")


def test_ctrl_c_waits_until_all_files_are_moved(tmp_path: Path) -> None:
    before = signal.getsignal(signal.SIGINT)
    with Staging() as staging:
        staging.write_text(tmp_path / "a", "1")
        staging.commit()
    assert signal.getsignal(signal.SIGINT) is before


@given(st.lists(st.sampled_from(["a", "A", "a-2", "a-3", "b", "ä", "A-2"]), max_size=12))
def test_every_input_gets_a_stem_of_its_own(names: list[str]) -> None:
    unique = unique_stems(names)
    folded = [u.casefold() for u in unique]
    assert len(set(folded)) == len(names)
    for name, new in zip(names, unique, strict=True):
        assert new == name or new.startswith(f"{name}-")
    first = {n.casefold(): n for n in reversed(names)}
    for name in first.values():
        assert name in unique

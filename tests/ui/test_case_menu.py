"""Cases in the window: opened again, signed off, amended; a refused field counts only with a reason."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

pytest.importorskip("PyQt6.QtWidgets", reason="the window needs PyQt6: pip install 'armicro[instrument]'")

import cv2
import numpy as np

from armicro.contracts.arrays import U8, frozen
from armicro.contracts.devices import Exposure
from armicro.imaging.gate import GateLimits
from armicro.store.casebook import CaseBook
from armicro.ui.hooks import Hooks
from tests.session_rig import MS, tissue
from tests.ui.window_rig import WindowRig

Make = Callable[..., WindowRig]


@pytest.fixture
def make(tmp_path: Path, qapp: object) -> Iterator[Make]:
    del qapp
    made: list[WindowRig] = []

    def one(hooks: Hooks | None = None, **changes: object) -> WindowRig:
        made.append(WindowRig(tmp_path / "window.ini", hooks, **changes))
        return made[-1]

    yield one
    for rig in made:
        rig.close()


def act(rig: WindowRig, name: str) -> None:
    action = rig.window.actions_by_name[name]
    assert action.isEnabled()
    action.trigger()


def test_sign_off_and_amend(make: Make) -> None:
    rig = make()
    rig.capture(1)
    rig.until(rig.window.actions_by_name["sign_off"].isEnabled)
    assert not rig.window.actions_by_name["amend"].isEnabled()
    act(rig, "sign_off")
    assert rig.snapshot().signed_off is None, "nothing was answered, so nothing is signed"
    rig.answers.word = "Dr. Example"
    act(rig, "sign_off")
    rig.until(lambda: rig.snapshot().signed_off is not None)
    rig.until(lambda: "signed off" in rig.parts.header.case.text())
    rig.answers.word = "one field is stroma"
    rig.until(rig.window.actions_by_name["amend"].isEnabled)
    act(rig, "amend")
    rig.until(lambda: rig.snapshot().signed_off is None)


def test_a_kept_case_is_opened_again(make: Make, tmp_path: Path) -> None:
    book = CaseBook(tmp_path / "cases")
    hooks = Hooks(cases=lambda: tuple(row.name for row in book.cases()))
    rig = make(hooks, open_case=book.open_case, case_id="first")
    rig.rig.capture(1, 1)
    rig.answers.word = "second"
    act(rig, "new_case")
    rig.until(lambda: rig.snapshot().case_id == "second")
    rig.answers.word = "first"
    act(rig, "open_case")
    rig.until(lambda: rig.snapshot().case_id == "first" and len(rig.snapshot().fields) == 1)
    assert "first" in rig.answers.asked[-1]
    book.close()


def test_without_kept_cases_there_is_no_such_entry(make: Make) -> None:
    assert "open_case" not in make().window.actions_by_name


def test_a_refused_field_is_restored_only_with_a_reason(make: Make) -> None:
    rig = make(gate=GateLimits())
    blurred: U8 = frozen(np.asarray(cv2.GaussianBlur(tissue(3, 0), (0, 0), 12), np.uint8))

    def show() -> None:
        rig.rig.now_ns += 100 * MS
        rig.rig.frame_id += 1
        rig.session.on_exposure(Exposure(blurred, rig.rig.frame_id, rig.rig.now_ns))

    show()
    rig.rig.press()
    show()
    rig.until(lambda: len(rig.snapshot().fields) == 1 and rig.snapshot().fields[0].removed)
    assert rig.snapshot().fields[0].refused
    rig.until(lambda: any(f.refused for f in rig.window._snap.fields))
    rig.answers.word = None
    rig.window._restore(1)
    assert "refused" in rig.answers.asked[-1]
    assert rig.snapshot().fields[0].removed
    rig.answers.word = "the only tumour there is"
    rig.window._restore(1)
    rig.until(lambda: not rig.snapshot().fields[0].removed)

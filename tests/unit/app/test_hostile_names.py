"""Names that try to be a script, a formula or a path, from the command line to every output."""

from __future__ import annotations

import csv
import json
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

Run = Callable[..., tuple[int, str, str]]
HOSTILE = (
    "<script>document.title='taken'</script>",
    '"><img src=x onerror="document.title=\'taken\'">',
    "=cmd()",
    "+1+cmd|' /C calc'!A0",
    "-2+3",
    "@SUM(1)",
    "\t=1",
    "../../x",
)
_BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome", "msedge")


@pytest.mark.parametrize("name", HOSTILE)
def test_no_output_obeys_a_case_id(run: Run, fields: list[Path], tmp_path: Path, name: str) -> None:
    out = tmp_path / "deep" / "out"
    code, _, err = run(
        "score", fields[0], "--um-per-px", "0.424", f"--case-id={name}", "--detector", "classical", "--quiet",
        "--json", out / "case.json", "--cells", out / "cells", "--geojson", out / "geojson",
        "--report", out / "r.html",
    )  # fmt: skip
    assert (code, err) == (0, "")
    assert json.loads((out / "case.json").read_text(encoding="utf-8"))["case_id"] == name
    assert sorted(p.name for p in tmp_path.iterdir()) == ["deep"]
    written = sorted(p.relative_to(out).as_posix() for p in out.rglob("*") if p.is_file())
    cells = ["cells/field 0.cells.csv", "case.json", "geojson/field 0.cells.geojson", "r.html"]
    assert written == sorted(cells)
    for row in csv.reader((out / "cells" / "field 0.cells.csv").read_text(encoding="utf-8").splitlines()):
        for cell in row:
            # A spreadsheet takes what begins so for a formula, unless it is a plain number.
            assert not re.match(r"[=+@\t\r]|-(?![0-9.]+$)", cell)
    html = (out / "r.html").read_text(encoding="utf-8")
    assert "<script" not in html
    assert "<img src=x" not in html


@pytest.mark.slow
def test_a_browser_runs_nothing_of_it(run: Run, fields: list[Path], tmp_path: Path) -> None:
    browser = next((found for b in _BROWSERS if (found := shutil.which(b))), None)
    if browser is None:
        pytest.skip(f"no browser found to open the report in (looked for {', '.join(_BROWSERS)})")
    page = tmp_path / "r.html"
    code, _, _ = run(
        "score", fields[0], "--um-per-px", "0.424", "--case-id", "".join(HOSTILE[:2]), "--quiet",
        "--detector", "classical", "--report", page,
    )  # fmt: skip
    assert code == 0
    done = subprocess.run(
        [
            *(browser, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"),
            *(f"--user-data-dir={tmp_path / 'profile'}", "--virtual-time-budget=3000", "--dump-dom"),
            page.as_uri(),
        ],
        capture_output=True, text=True, encoding="utf-8", timeout=120, check=False,
    )  # fmt: skip
    if done.returncode != 0 or "<html" not in done.stdout:
        pytest.skip(f"the browser does not start here: {done.stderr[-200:]}")
    title = re.search(r"<title>(.*?)</title>", done.stdout, re.DOTALL)
    assert title is not None
    assert title[1].startswith("HER2 IHC, case &lt;script&gt;")
    assert title[1] != "taken"

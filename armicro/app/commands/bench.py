"""`armicro bench`: how long a field takes on this machine, stage by stage, and how much memory."""

from __future__ import annotations

import json as json_module
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from rich.console import Console

from armicro.app import console, options
from armicro.app.bench_child import BenchResult, BenchTask
from armicro.app.detectors import AUTO
from armicro.app.live_bench import LiveTask
from armicro.app.live_table import print_live, run_live
from armicro.app.machine import machine_facts
from armicro.app.staging import Staging
from armicro.assays.her2_ihc import Reading
from armicro.contracts.errors import EngineError, InputError
from armicro.contracts.frame import Optics
from armicro.inference.choose import EngineName

_LIMIT_S = 3600


def parse_sizes(text: str) -> list[int]:
    """Read "1504,3008" as a list of sides in px.

    Raises
    ------
    InputError
        If it is not a list of numbers from 64 to 20000.
    """
    try:
        sizes = [int(part) for part in text.split(",")]
    except ValueError as error:
        raise InputError(f"--sizes: expected numbers such as 1504,3008, got {text!r}") from error
    if not all(64 <= size <= 20_000 for size in sizes):
        raise InputError("--sizes: expected sides from 64 to 20000 px")
    return sizes


def run_in_child(task: BenchTask) -> BenchResult:
    """Run one size in a fresh process.

    Raises
    ------
    EngineError
        If that process fails.
    """
    command = [sys.executable, "-m", "armicro.app.bench_child", json_module.dumps(asdict(task))]
    done = subprocess.run(  # noqa: S603 - this interpreter and this package's own module
        command, capture_output=True, text=True, encoding="utf-8", timeout=_LIMIT_S, check=False
    )
    if done.returncode != 0:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise EngineError(f"the benchmark of {task.size_px}² px ended with code {done.returncode}: {last}")
    return BenchResult(**json_module.loads(done.stdout))


def _merged(runs: list[BenchResult]) -> BenchResult:
    """Put the runs of one size together."""
    names = runs[0].stages_ms
    return BenchResult(
        runs[0].size_px,
        runs[0].n_cells,
        {name: [ms for run in runs for ms in run.stages_ms[name]] for name in names},
        [ms for run in runs for ms in run.cpu_ms],
        max(run.before_mb for run in runs),
        max(run.peak_mb for run in runs),
        runs[0].detector,
    )


def _p(values: list[float], percent: float) -> float:
    return float(np.percentile(values, percent))


def _print(out: Console, merged: list[BenchResult], orders: dict[str, list[BenchResult]]) -> None:
    """Print markdown tables, to be pasted as they are."""
    names = [n for n in merged[0].stages_ms if n != "total"]
    out.print(
        "Milliseconds, p50 / p95; CPU is the processor time of all cores; memory in MB (10^6), the peak of a"
    )
    out.print("process of its own, and what it held before the first run.\n")
    titles = ["field", "nuclei by", "cells", *names, "total", "CPU", "peak MB", "before MB"]
    out.print("| " + " | ".join(titles) + " |\n|" + "---|" * len(titles), soft_wrap=True)
    for one in merged:
        stages = [
            f"{_p(one.stages_ms[n], 50):.0f} / {_p(one.stages_ms[n], 95):.0f}" for n in (*names, "total")
        ]
        tail = [f"{_p(one.cpu_ms, 50):.0f}", f"{one.peak_mb:.0f}", f"{one.before_mb:.0f}"]
        cells = [f"{one.size_px}²", _short(one.detector), str(one.n_cells), *stages, *tail]
        out.print("| " + " | ".join(cells) + " |", soft_wrap=True)
    out.print("\nTime per pixel, and both orders of running: a drift of the machine shows as a difference.\n")
    titles = ["field", "nuclei by", "ns per px", "CPU ns per px", *(f"total p50, {o}" for o in orders)]
    out.print("| " + " | ".join(titles) + " |", soft_wrap=True)
    out.print("|---|---|---|---|" + "---|" * len(orders))
    for index, one in enumerate(merged):
        per_px = _p(one.stages_ms["total"], 50) * 1e6 / one.size_px**2
        cpu_per_px = _p(one.cpu_ms, 50) * 1e6 / one.size_px**2
        apart = [f"{_p(runs[index].stages_ms['total'], 50):.0f} ms" for runs in orders.values()]
        row = [f"{one.size_px}²", _short(one.detector), f"{per_px:.1f}", f"{cpu_per_px:.1f}", *apart]
        out.print("| " + " | ".join(row) + " |", soft_wrap=True)


def _short(identity: str) -> str:
    """Return the engine of a network, or the detector that needs none: what tells rows apart."""
    return identity.rpartition(" ")[2]


def bench(
    sizes: Annotated[
        str, typer.Option("--sizes", metavar="PX,PX", help="Sides of the fields, pixels.")
    ] = "1504,3008",
    repeats: Annotated[
        int, typer.Option("--repeats", min=1, max=1000, help="Timed runs of each size and order.")
    ] = 10,
    um_per_px: Annotated[
        float, typer.Option("--um-per-px", metavar="X", help="Scale, µm per pixel.")
    ] = 0.212,
    reading: Annotated[Reading, typer.Option("--reading", help="The cell reading.")] = Reading.PER_CELL,
    detector: options.Detector = AUTO,
    engine: Annotated[
        list[EngineName] | None,
        typer.Option("--engine", help="What runs the network; given several times, they are compared."),
    ] = None,
    live: Annotated[
        bool,
        typer.Option(
            "--live",
            help="Measure the live instrument instead: window, camera, captures, moving a threshold.",
        ),
    ] = False,
    json: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Write all figures as JSON.")
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress.")] = False,
) -> None:
    """Time the way from an image in memory to result and overlay, stage by stage.

    Simulated tissue of one density; each size runs in a process of its own, in rising and in falling order.
    """
    Optics(um_per_px)
    if live:
        _bench_live(parse_sizes(sizes)[-1], detector, engine, json)
        return
    wanted = [
        BenchTask(size, um_per_px, repeats, str(reading), detector, str(name))
        for size in parse_sizes(sizes)
        for name in dict.fromkeys(engine or [EngineName.AUTO])
    ]
    facts = machine_facts()
    orders: dict[str, list[BenchResult]] = {}
    with Staging() as staging:
        if json is not None:
            staging.file(json)
        with console.progress("measuring", 2 * len(wanted), quiet=quiet) as tick:
            done = 0
            for name, order in (("first to last", wanted), ("last to first", wanted[::-1])):
                found = {}
                for task in order:
                    tick(done, f"{task.size_px}²")
                    found[task] = run_in_child(task)
                    done += 1
                orders[name] = [found[task] for task in wanted]
        merged = [_merged([runs[i] for runs in orders.values()]) for i in range(len(wanted))]
        for text in dict.fromkeys(t for runs in orders.values() for run in runs for t in run.notes):
            console.note(text)
        out = console.results()
        detectors = dict.fromkeys(one.detector for one in merged)
        for key, value in facts.items():
            out.print(f"{key}: {console.shown(value)}", soft_wrap=True)
        out.print(f"scale: {um_per_px:g} µm/px, reading: {reading}")
        out.print(f"nuclei: {console.shown('; '.join(detectors))}\n", soft_wrap=True)
        _print(out, merged, orders)
        if json is not None:
            staging.write_text(json, _document(facts, um_per_px, str(reading), orders))
            staging.commit()


def _bench_live(size_px: int, detector: str, engines: list[EngineName] | None, json: Path | None) -> None:
    """Measure the live instrument with each engine, one after the other."""
    found: list[dict[str, Any]] = []
    out = console.results()
    facts = machine_facts()
    for key, value in facts.items():
        out.print(f"{key}: {console.shown(value)}", soft_wrap=True)
    with Staging() as staging:
        if json is not None:
            staging.file(json)
        for name in dict.fromkeys(engines or [EngineName.AUTO]):
            task = LiveTask(size_px=size_px, detector=detector, engine=str(name))
            result = run_live(task)
            out.print()
            print_live(out, task, result)
            found.append({"task": asdict(task), "result": asdict(result)})
        if json is not None:
            document = {"schema": "armicro.bench-live/1", "machine": facts, "runs": found}
            staging.write_text(json, json_module.dumps(document, indent=2, ensure_ascii=False) + "\n")
            staging.commit()


def _document(
    facts: dict[str, str], um_per_px: float, reading: str, orders: dict[str, list[BenchResult]]
) -> str:
    document: dict[str, Any] = {
        "schema": "armicro.bench/1",
        "machine": facts,
        "um_per_px": um_per_px,
        "reading": reading,
        "orders": {name: [asdict(run) for run in runs] for name, runs in orders.items()},
    }
    return json_module.dumps(document, indent=2, ensure_ascii=False) + "\n"

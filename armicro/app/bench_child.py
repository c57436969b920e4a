"""One size of the benchmark, in a process of its own so that its peak memory is its own.

Run as `python -m armicro.app.bench_child JSON`; prints JSON.
"""

from __future__ import annotations

import json
import sys
import time
from dataclasses import asdict, dataclass, field
from functools import cache

import numpy as np
import psutil

from armicro.app.case_run import CaseOptions, FieldReader
from armicro.app.cores import take_cores
from armicro.app.detectors import AUTO, DetectorChoice
from armicro.app.machine import usable_cores
from armicro.app.memory import keep_memory
from armicro.app.timing import StageClock
from armicro.assays.her2_ihc import Reading, analyse
from armicro.contracts.arrays import U8, frozen
from armicro.contracts.frame import Frame, Optics
from armicro.inference.choose import EngineName
from armicro.overlay import draw_overlay
from armicro.sim.case import CaseParams, simulate_field

_TILE_PX = 752


@dataclass(frozen=True, slots=True)
class BenchTask:
    """One size.

    Parameters
    ----------
    size_px : int
        Side of the field.
    um_per_px : float
        Scale.
    repeats : int
        Timed runs, after one that is not.
    reading : str
        The cell reading.
    detector, engine : str
        What finds nuclei, and what runs it.
    """

    size_px: int
    um_per_px: float
    repeats: int
    reading: str
    detector: str = AUTO
    engine: str = EngineName.AUTO


@dataclass(frozen=True, slots=True)
class BenchResult:
    """What one size took.

    Parameters
    ----------
    size_px : int
        Side of the field.
    n_cells : int
        Tumour cells in it.
    stages_ms : dict
        Milliseconds of each run by stage; "total" is from image in memory to result and overlay.
    cpu_ms : list of float
        Processor time of each run, all cores together: what it costs where others use the machine too.
    before_mb, peak_mb : float
        Resident memory with the image in memory before the first run, and the process's peak, MB (10^6).
    detector : str
        Identity of what found the nuclei.
    notes : list of str
        What was said about the engine.
    """

    size_px: int
    n_cells: int
    stages_ms: dict[str, list[float]]
    cpu_ms: list[float]
    before_mb: float
    peak_mb: float
    detector: str = ""
    notes: list[str] = field(default_factory=list)


@cache
def _block(um_per_px: float) -> U8:
    """Simulate a tile and mirror it to twice its size, so that copies of it meet without a seam."""
    params = CaseParams(um_per_px=um_per_px, shape_px=(_TILE_PX, _TILE_PX), fields=1)
    tile = simulate_field(params, 0, 0).rgb
    wide = np.concatenate([tile, tile[:, ::-1]], axis=1)
    return frozen(np.concatenate([wide, wide[::-1]], axis=0))


def bench_field(size_px: int, um_per_px: float) -> U8:
    """Make a field of any size with the same tissue everywhere: one simulated tile, mirrored and repeated."""
    block = _block(um_per_px)
    times = -(-size_px // block.shape[0])
    return frozen(np.ascontiguousarray(np.tile(block, (times, times, 1))[:size_px, :size_px]))


def _peak_bytes() -> int:
    """Return the process's peak resident memory."""
    try:
        import resource
    except ImportError:
        return int(psutil.Process().memory_info().peak_wset)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return int(peak if sys.platform == "darwin" else peak * 1024)


def run_task(task: BenchTask) -> BenchResult:
    """Time one size in this process."""
    notes: list[str] = []
    choice = DetectorChoice(task.detector, EngineName(task.engine))
    reader = FieldReader(CaseOptions(reading=Reading(task.reading), detector=choice), notes.append)
    frame = Frame(bench_field(task.size_px, task.um_per_px), 0, 0, Optics(task.um_per_px), "bench")
    before = psutil.Process().memory_info().rss
    stages: dict[str, list[float]] = {}
    cpu_ms: list[float] = []
    n_cells = 0
    for index in range(task.repeats + 1):
        clock, cpu_begin = StageClock(), time.process_time_ns()
        with clock("total"):
            result = analyse(frame, reader.recipe, stages=clock)
            with clock("overlay"):
                draw_overlay(result)
        n_cells = int(result.cells.counted.sum())
        if index:
            cpu_ms.append((time.process_time_ns() - cpu_begin) / 1e6)
            for name, ms in clock.take_ms().items():
                stages.setdefault(name, []).append(ms)
    reader.tell()
    return BenchResult(
        task.size_px,
        n_cells,
        stages,
        cpu_ms,
        before / 1e6,
        # The kernel keeps its two counts apart and may be a little behind with the peak.
        max(_peak_bytes(), before) / 1e6,
        reader.recipe.detector.identity,
        notes,
    )


if __name__ == "__main__":
    keep_memory()
    take_cores(usable_cores())
    sys.stdout.write(json.dumps(asdict(run_task(BenchTask(**json.loads(sys.argv[1]))))))

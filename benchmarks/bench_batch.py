"""Measures a back-test in one process against the same by Dask's workers, one of them killed.

Run `make bench-batch`; METERS (20,000) and DAYS (30) set its size. What the detectors say is
compared to the last bit: a run that says otherwise ends the measurement.
"""

import hashlib
import json
import os
import platform
import resource
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from distributed import LocalCluster
from sqlalchemy import Engine

from benchmarks.batch_past import lay_down
from benchmarks.detection_town import START_S
from sync_server.batch.dask_io import open_dask
from sync_server.batch.runner import Done, InProcess, Runner
from sync_server.db.engine_io import open_engine, reading
from sync_server.detection.meters.fleet import fleet_of
from sync_server.detection.watch.fleet_store import load_specs
from sync_server.detection.watch.history_run_store import Past, PastWanted, live_fleet

METERS = int(os.environ.get("METERS", "20000"))
DAYS = int(os.environ.get("DAYS", "30"))
WORKERS = 2
RESULTS = Path(__file__).parent / "results"
MOST_OVERHEAD = 1.3
"""Wall time by workers against one process on as many processors (server/NOTES, section 10)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One way of doing it: what it found, and what it took of the wall and of the processors."""

    name: str
    digest: str
    candidates: int
    readings: int
    wall_s: float
    processor_s: float


def main() -> None:
    """Measure, print the table, write the results; end with 1 when results differ."""
    load = [os.getloadavg()[0]]
    with tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_DIR")) as name:
        path = Path(name) / "past.sqlite3"
        count = lay_down(path, METERS, DAYS, lambda done: _tell(f"{done} meters laid down"))
        size = path.stat().st_size
        engine = open_engine(f"sqlite:///{path}")
        runs = [
            _run(engine, "in this process", _here),
            _run(engine, f"{WORKERS} workers of Dask", _by_workers),
            _run(engine, "the same, one killed half-way", _with_a_loss),
        ]
        engine.dispose()
    load.append(os.getloadavg()[0])
    is_same = len({each.digest for each in runs}) == 1
    machine = f"{os.cpu_count()} processors, {platform.system()} {platform.machine()}"
    lines = [
        f"{machine}, Python {platform.python_version()}; load average {load[0]:.1f}, {load[1]:.1f}",
        f"{METERS} meters, {DAYS} days of hours, {count} readings, {size / 2**20:.0f} MiB (SQLite)",
        *_table(runs),
        f"results identical: {'ok' if is_same else 'MISSED'} (sha256 {runs[0].digest[:16]})",
    ]
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "batch.txt").write_text("\n".join([*lines, ""]))
    (RESULTS / "batch.json").write_text(json.dumps(_figures(runs), indent=2) + "\n")
    print("\n".join(lines))
    sys.exit(not is_same)


def _run(engine: Engine, name: str, live: Callable[[Callable[[Runner, Done], Past]], Past]) -> Run:
    with reading(engine) as connection:
        wanted = PastWanted(
            fleet=fleet_of(load_specs(connection)),
            with_base=frozenset(),
            from_ms=START_S * 1000,
            to_ms=(START_S + DAYS * 86_400) * 1000,
        )
        began, used = time.monotonic(), _used_s()
        past = live(lambda runner, done: live_fleet(engine, connection, wanted, (runner, done)))
    run = Run(
        name=name,
        digest=hashlib.sha256(repr(past.candidates).encode()).hexdigest(),
        candidates=len(past.candidates),
        readings=past.reading_count,
        wall_s=time.monotonic() - began,
        processor_s=_used_s() - used,
    )
    _tell(str(run))
    return run


def _here(work: Callable[[Runner, Done], Past]) -> Past:
    return work(InProcess(), _tell_parts)


def _by_workers(work: Callable[[Runner, Done], Past]) -> Past:
    with open_dask(None, WORKERS) as runner:
        return work(runner, _tell_parts)


def _with_a_loss(work: Callable[[Runner, Done], Past]) -> Past:
    """Kill a worker when half of the parts are done; what it had begun is done anew."""
    cluster = LocalCluster(  # type: ignore[no-untyped-call]  # Dask has no types
        n_workers=WORKERS,
        threads_per_worker=1,
        host="127.0.0.1",
        dashboard_address="127.0.0.1:0",
        silence_logs="CRITICAL",
    )
    victim: int = next(iter(cluster.workers.values())).pid

    def kill(count: int, of: int) -> None:
        _tell_parts(count, of)
        if count == of // 2:
            os.kill(victim, signal.SIGKILL)

    with cluster, open_dask(cluster.scheduler_address, None) as runner:
        return work(runner, kill)


def _used_s() -> float:
    """Return processor seconds of this process and of those that it has ended."""
    spent = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in spent)


def _table(runs: list[Run]) -> list[str]:
    lines = [f"{'':34}{'wall s':>9}{'processor s':>13}{'to one process':>16}  findings"]
    for each in runs:
        ratio = each.wall_s / runs[0].wall_s
        lines.append(
            f"{each.name:34}{each.wall_s:>9.1f}{each.processor_s:>13.1f}{ratio:>16.2f}"
            f"  {each.candidates}"
        )
    return lines


def _figures(runs: list[Run]) -> list[dict[str, object]]:
    wall_s = runs[0].wall_s
    return [
        {
            "name": each.name,
            "value": round(each.wall_s, 2),
            "unit": "s",
            "processor_s": round(each.processor_s, 2),
            "limit": round(wall_s, 2),
            "ratio": round(each.wall_s / wall_s, 3),
            "target": f"<= {MOST_OVERHEAD}, identical findings",
            "ok": each.wall_s <= MOST_OVERHEAD * wall_s and each.digest == runs[0].digest,
        }
        for each in runs
    ]


def _tell(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _tell_parts(count: int, of: int) -> None:
    if count % 10 == 0 or count == of:
        _tell(f"{count} of {of} parts")


if __name__ == "__main__":
    main()

"""Measures the server's ingest against what the driver and the database can do at best.

Run `make bench-ingest`. Limit and value are measured in the same run, the rounds interleaved, and
the medians of the rounds compared. Broker, server, gateways and tablet are processes of their own.

    ingest_town       the frames, the database and the tablet's rows
    ingest_limits     raw driver, our own layer, PostgreSQL
    ingest_gateways   the process that sends and hears acknowledgements
    ingest_tablet     the process that pulls 500 rows over HTTP
    ingest_site       starts them all
"""

import json
import os
import platform
import sqlite3
import statistics
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from sqlalchemy import Engine, text

from benchmarks.ingest_limits import (
    Write,
    layer_seconds,
    postgres,
    postgres_seconds,
    raw_seconds,
    reading_rows,
    record_writes,
)
from benchmarks.ingest_site import MOSQUITTO, ONE_PROCESS, TWO_PROCESSES, measure_site, p99
from benchmarks.ingest_town import Town, found_town, later, make_batches, write_payloads
from sync_server.db.bulk_io import OnExisting
from wire_contracts.frames import Batch

ROUNDS = 3
BUSY_EPOCHS = (2, 3, 4)
RESULTS = Path(__file__).parent / "results"
DURABILITY = (
    "Durability: every commit is synced (FULL), but a sync is nearly free on a virtual disk; "
    "a power cut and flash wear were not measured."
)

Figures = dict[str, list[float]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One line of the table; `ratio` is value / limit; without a target it is always ok."""

    name: str
    value: float
    unit: str
    limit: float
    ratio: float
    target: str
    ok: bool


def main() -> None:
    """Measure, print the table, write the results."""
    batches = make_batches()
    figures: Figures = defaultdict(list)
    load = [os.getloadavg()[0]]
    with tempfile.TemporaryDirectory() as name, postgres(_folder(name, "postgres")) as engine:
        folder = Path(name)
        town = found_town(folder)
        writes = record_writes(town, folder, batches)
        payloads = _payloads(folder, batches)
        machine = _machine(engine)
        _tell(machine)
        for number in range(1, ROUNDS + 1):
            _measure_writes(town, folder, writes, figures)
            _measure_postgres(engine, writes, figures)
            for form, processes in (("two", TWO_PROCESSES), ("one", ONE_PROCESS)):
                site = measure_site(town, _folder(name, f"{form}-{number}"), payloads, processes)
                figures[f"{form} broker"].append(_count(batches) / site.ingest_s)
                figures[f"{form} idle"].append(p99(site.idle_ms))
                figures[f"{form} busy"].append(p99(site.busy_ms))
                figures[f"{form} pulls"].append(len(site.busy_ms))
            load.append(os.getloadavg()[0])
            _tell(_progress(number, figures))
    results = judge({key: statistics.median(each) for key, each in figures.items()})
    lines = [machine, _load_line(load), *table(results), DURABILITY]
    print("\n".join(lines))
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "ingest.txt").write_text("\n".join(lines) + "\n")
    (RESULTS / "ingest.json").write_text(
        json.dumps([asdict(each) for each in results], indent=2) + "\n"
    )


def _folder(root: str, name: str) -> Path:
    folder = Path(root) / name
    folder.mkdir()
    return folder


def _count(batches: Sequence[Batch]) -> int:
    return sum(len(batch.frames) for batch in batches)


def _payloads(folder: Path, batches: Sequence[Batch]) -> tuple[Path, Path]:
    """Return the file for a quiet site and the longer one for a site whose tablet pulls."""
    busy = [batch for epoch in BUSY_EPOCHS for batch in later(batches, epoch)]
    return (
        write_payloads(folder / "quiet.bin", batches),
        write_payloads(folder / "busy.bin", busy),
    )


def _measure_writes(
    town: Town, folder: Path, writes: Sequence[Sequence[Write]], figures: Figures
) -> None:
    count = len(reading_rows(writes))
    figures["raw"].append(count / raw_seconds(town.copy(folder / "raw.sqlite3"), writes))
    figures["layer"].append(count / layer_seconds(town.copy(folder / "layer.sqlite3"), writes))
    for path in (*folder.glob("raw.*"), *folder.glob("layer.*")):
        path.unlink()


def _measure_postgres(engine: Engine, writes: Sequence[Sequence[Write]], figures: Figures) -> None:
    rows = reading_rows(writes)
    figures["copy"].append(len(rows) / postgres_seconds(engine, rows, OnExisting.FAIL))
    figures["new"].append(len(rows) / postgres_seconds(engine, rows, OnExisting.KEEP))
    seconds = postgres_seconds(engine, rows, OnExisting.KEEP, known=rows[::2])
    figures["repeated"].append(len(rows) / seconds)


def judge(figures: Mapping[str, float]) -> list[Result]:
    """Return the lines of the table."""
    raw, copy = figures["raw"], figures["copy"]
    return [
        _rate("SQLite: broker -> commit -> ack", figures["two broker"], raw, 0.40),
        _rate("  the same in one process", figures["one broker"], raw),
        _rate("SQLite: own layer", figures["layer"], raw, 0.85),
        _rate("PostgreSQL: de-duplicating write, 1k", figures["new"], copy, 0.75),
        _rate("  the same, half of the rows repeated", figures["repeated"], copy),
        _pull("500-row pull under full ingest, p99", figures, "two", 2.0),
        _pull("  the same in one process", figures, "one"),
    ]


def _rate(name: str, value: float, limit: float, target: float | None = None) -> Result:
    ratio = value / limit
    return Result(
        name=name,
        value=round(value),
        unit="frames/s",
        limit=round(limit),
        ratio=round(ratio, 3),
        target="none" if target is None else f">= {target:.2f}",
        ok=target is None or ratio >= target,
    )


def _pull(
    name: str, figures: Mapping[str, float], form: str, target: float | None = None
) -> Result:
    busy, idle = figures[f"{form} busy"], figures[f"{form} idle"]
    return Result(
        name=name,
        value=round(busy, 1),
        unit="ms",
        limit=round(idle, 1),
        ratio=round(busy / idle, 2),
        target="none" if target is None else f"<= {target:.1f}",
        ok=target is None or busy <= target * idle,
    )


def table(results: Sequence[Result]) -> list[str]:
    """Return the lines of the table for a person."""
    lines = [f"{'':42}{'value':>10} {'limit':>10} {'ratio':>7}  target"]
    for each in results:
        verdict = "" if each.target == "none" else " ok" if each.ok else " MISSED"
        lines.append(
            f"{each.name:42}{each.value:>10} {each.limit:>10} {each.ratio:>7}  "
            f"{each.target}{verdict} ({each.unit})"
        )
    return lines


def _machine(engine: Engine) -> str:
    version = subprocess.run(  # noqa: S603  # a fixed command
        [MOSQUITTO, "-h"], capture_output=True, text=True, check=False
    ).stdout.splitlines()[0]
    with engine.connect() as connection:
        postgresql = connection.execute(text("SHOW server_version")).scalar_one()
    return (
        f"{_processor()}, {os.cpu_count()} processors, {platform.system()} {platform.machine()}; "
        f"{version}; SQLite {sqlite3.sqlite_version}; PostgreSQL {postgresql}; "
        f"Python {platform.python_version()}"
    )


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or "unknown processor"


def _load_line(load: Sequence[float]) -> str:
    shown = ", ".join(f"{each:.1f}" for each in load)
    return f"Load average before the first and after each round: {shown}"


def _progress(number: int, figures: Figures) -> str:
    last = {key: each[-1] for key, each in figures.items()}
    return (
        f"round {number} of {ROUNDS}: broker {last['two broker'] / last['raw']:.2f}, "
        f"layer {last['layer'] / last['raw']:.2f}, "
        f"PostgreSQL {last['new'] / last['copy']:.2f}, "
        f"pull {last['two busy'] / last['two idle']:.1f}x "
        f"({last['two pulls']:.0f} pulls), "
        f"in one process {last['one busy'] / last['one idle']:.1f}x"
    )


def _tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()

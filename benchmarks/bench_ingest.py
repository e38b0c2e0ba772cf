"""Measures the server's ingest against what the driver and the database can do at best.

Run `make bench-ingest`. Each round measures limit and value one after the other; value and limit
in the table are the medians of the rounds, the ratio is the median of the rounds' ratios, because
what else the machine does changes from round to round. Broker, server, gateways and tablet are
processes of their own.

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
from sync_server.db.bulk_io import OnExisting, Row
from wire_contracts.frames import Batch

ROUNDS = 3
REPETITIONS = 2
"""Of the quick measurements in each round; the order changes where one could help the next."""

BUSY_EPOCHS = (2, 3, 4)
RESULTS = Path(__file__).parent / "results"
DURABILITY = (
    "Durability: every commit is synced (FULL), but a sync is nearly free on a virtual disk; "
    "a power cut and flash wear were not measured."
)

FORMS = (("two", TWO_PROCESSES), ("one", ONE_PROCESS))

Figures = dict[str, list[float]]
Round = Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One line of the table; without a target it is always ok."""

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
    rounds: list[Round] = []
    load = [os.getloadavg()[0]]
    with tempfile.TemporaryDirectory() as name, postgres(_folder(name, "postgres")) as engine:
        folder = Path(name)
        town = found_town(folder)
        writes = record_writes(town, folder, batches)
        payloads = _payloads(folder, batches)
        machine = _machine(engine)
        _tell(machine)
        for number in range(1, ROUNDS + 1):
            figures: Figures = defaultdict(list)
            _measure_writes(town, folder, writes, figures)
            _measure_postgres(engine, writes, figures)
            for form, processes in FORMS[:: 1 if number % 2 else -1]:
                os.sync()
                site = measure_site(town, _folder(name, f"{form}-{number}"), payloads, processes)
                figures[f"{form} broker"].append(_count(batches) / site.ingest_s)
                figures[f"{form} idle"].append(p99(site.idle_ms))
                figures[f"{form} busy"].append(p99(site.busy_ms))
                figures[f"{form} pulls"].append(len(site.busy_ms))
            rounds.append({key: statistics.median(each) for key, each in figures.items()})
            load.append(os.getloadavg()[0])
            _tell(_progress(rounds))
    results = judge(rounds)
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
    for _ in range(REPETITIONS):
        os.sync()
        figures["raw"].append(count / raw_seconds(town.copy(folder / "raw.sqlite3"), writes))
        figures["layer"].append(count / layer_seconds(town.copy(folder / "layer.sqlite3"), writes))
        for path in (*folder.glob("raw.*"), *folder.glob("layer.*")):
            path.unlink()


def _measure_postgres(engine: Engine, writes: Sequence[Sequence[Write]], figures: Figures) -> None:
    rows = reading_rows(writes)
    contenders: tuple[tuple[str, OnExisting, Sequence[Row]], ...] = (
        ("copy", OnExisting.FAIL, ()),
        ("new", OnExisting.KEEP, ()),
        ("repeated", OnExisting.KEEP, rows[::2]),
    )
    for number in range(REPETITIONS + 2):
        for name, how, known in contenders[:: 1 if number % 2 else -1]:
            figures[name].append(len(rows) / postgres_seconds(engine, rows, how, known))


def judge(rounds: Sequence[Round]) -> list[Result]:
    """Return the lines of the table."""
    return [
        _rate("SQLite: broker -> commit -> ack", rounds, "one broker", "raw", 0.40),
        _rate("  ingest in its own process, nice 5", rounds, "two broker", "raw"),
        _rate("SQLite: own layer", rounds, "layer", "raw", 0.85),
        _rate("PostgreSQL: de-duplicating write, 1k", rounds, "new", "copy", 0.75),
        _rate("  the same, half of the rows repeated", rounds, "repeated", "copy"),
        _pull("500-row pull under full ingest, p99", rounds, "two", 2.0),
        _pull("  all in one process", rounds, "one"),
    ]


def _rate(
    name: str, rounds: Sequence[Round], value: str, limit: str, target: float | None = None
) -> Result:
    ratio = _ratio(rounds, value, limit)
    return Result(
        name=name,
        value=round(_median(rounds, value)),
        unit="frames/s",
        limit=round(_median(rounds, limit)),
        ratio=round(ratio, 3),
        target="none" if target is None else f">= {target:.2f}",
        ok=target is None or ratio >= target,
    )


def _pull(name: str, rounds: Sequence[Round], form: str, target: float | None = None) -> Result:
    ratio = _ratio(rounds, f"{form} busy", f"{form} idle")
    return Result(
        name=name,
        value=round(_median(rounds, f"{form} busy"), 1),
        unit="ms",
        limit=round(_median(rounds, f"{form} idle"), 1),
        ratio=round(ratio, 2),
        target="none" if target is None else f"<= {target:.1f}",
        ok=target is None or ratio <= target,
    )


def _median(rounds: Sequence[Round], name: str) -> float:
    return statistics.median(each[name] for each in rounds)


def _ratio(rounds: Sequence[Round], value: str, limit: str) -> float:
    return statistics.median(each[value] / each[limit] for each in rounds)


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


def _progress(rounds: Sequence[Round]) -> str:
    last = rounds[-1]
    return (
        f"round {len(rounds)} of {ROUNDS}: broker {last['one broker'] / last['raw']:.2f} "
        f"(own process {last['two broker'] / last['raw']:.2f}), "
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

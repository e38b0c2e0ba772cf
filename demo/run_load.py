"""`python -m demo load`: many simulated meters through the real ingest, and how it keeps up."""

import os
import random
import secrets
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from sqlalchemy import Engine

from demo.load_plan import INTERVAL, METERS_OF_GATEWAY, LoadPlan, meter_id
from demo.load_site_io import LoadSite, running_site, sending
from sync_server.db.engine_io import reading
from sync_server.web.page_queries_store import latest_values

MOST_LATEST_MS = 50.0
MOST_STATE_BYTES = 2048
LONGEST_BACKLOG_S = 10.0
"""What may wait when sending ends: more, and the ingest falls behind."""

_LOOK_UPS = 5
_EPOCH_BITS = 62


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadOptions:
    """What is asked for.

    Attributes:
        meters: How many, a multiple of 200.
        factor: Times as fast as in life; 1 is a reading in 15 minutes.
        minutes: How long they send.
        url: The database; None: SQLite in a folder that is forgotten.
    """

    meters: int
    factor: float
    minutes: float
    url: str | None = None


@dataclass(slots=True, kw_only=True)
class LoadReport:
    """What was measured; sizes in bytes, times in ms, the rest in readings."""

    plan: LoadPlan
    seconds: float
    load_before: float
    load_after: float = 0.0
    stored_per_s: float = 0.0
    backlog: int = 0
    longest_backlog: int = 0
    lost: int = 0
    stored: int = 0
    processor_s: float = 0.0
    memory_before: int = 0
    memory_after: int = 0
    latest_ms: list[float] = field(default_factory=list)

    @property
    def keeps_up(self) -> bool:
        """Return whether what waited at the end was a few seconds' worth, and nothing was lost."""
        return self.lost == 0 and self.backlog <= LONGEST_BACKLOG_S * self.plan.rows_per_s

    @property
    def state_bytes(self) -> float:
        """Return by how much the ingest grew, for each meter."""
        return (self.memory_after - self.memory_before) / self.plan.meters

    @property
    def processor_us(self) -> float:
        """Return the processor time of the ingest for each reading, whatever else runs beside."""
        return self.processor_s * 1e6 / max(self.stored, 1)

    @property
    def latest_p99_ms(self) -> float:
        """Return the time that 99 of 100 look-ups of a meter's newest values did not exceed."""
        return statistics.quantiles(self.latest_ms, n=100, method="inclusive")[98]


def run_load(options: LoadOptions, tell: Callable[[str], None]) -> LoadReport:
    """Run the load and return what was measured; `tell` hears how it goes."""
    if options.meters % METERS_OF_GATEWAY:
        message = f"--meters: {options.meters} is no multiple of {METERS_OF_GATEWAY}; round it"
        raise ValueError(message)
    with tempfile.TemporaryDirectory(prefix="lamp-load-") as name:
        folder = Path(name)
        url = options.url or f"sqlite:///{folder / 'load.sqlite3'}"
        with running_site(folder, url, options.meters, tell) as site:
            return _measure(site, options, tell)


def _measure(site: LoadSite, options: LoadOptions, tell: Callable[[str], None]) -> LoadReport:
    seconds = options.minutes * 60
    span = timedelta(seconds=seconds * options.factor) + INTERVAL
    plan = LoadPlan(
        meters=options.meters,
        factor=options.factor,
        start_utc=site.began_at_utc - span,
        epoch=secrets.randbits(_EPOCH_BITS),
    )
    report = LoadReport(
        plan=plan,
        seconds=seconds,
        load_before=os.getloadavg()[0],
        memory_before=site.memory_bytes(),
    )
    processor_before_s = site.processor_s()
    told_s, last = 0.0, {"s": 0.0, "due": 0.0, "stored": 0.0}
    with sending(site, plan, seconds) as lines:
        for line in lines:
            if line["s"] <= seconds:
                _note(report, site, line)
            last = line
            if line["s"] >= told_s:
                told_s = line["s"] + 10
                tell(
                    f"{line['s']:6.0f} s: {line['stored']:.0f} stored,"
                    f" {line['due'] - line['stored']:.0f} wait"
                )
        report.processor_s = site.processor_s() - processor_before_s
    report.stored = int(last["stored"])
    report.lost = int(last["due"] - last["stored"])
    report.load_after = os.getloadavg()[0]
    return report


def _note(report: LoadReport, site: LoadSite, line: dict[str, float]) -> None:
    report.backlog = int(line["due"] - line["stored"])
    report.longest_backlog = max(report.longest_backlog, report.backlog)
    report.stored_per_s = line["stored"] / max(line["s"], 1.0)
    report.memory_after = max(report.memory_after, site.memory_bytes())
    heard = min(report.plan.meters, int(line["stored"]))
    if heard:
        report.latest_ms += _look_up(site.engine, heard)


def _look_up(engine: Engine, heard: int) -> list[float]:
    """Return how long the newest values of some meters took, as a page asks for them, in ms."""
    chance, found = random.Random(heard), []
    for _ in range(_LOOK_UPS):
        name = meter_id(chance.randrange(heard))
        started_s = time.perf_counter()
        with reading(engine) as connection:
            latest_values(connection, name)
        found.append((time.perf_counter() - started_s) * 1000)
    return found


def report_lines(report: LoadReport) -> Sequence[str]:
    """Return the report for a person."""
    plan, megabyte = report.plan, 1_000_000
    verdict = "kept up" if report.keeps_up else "FELL BEHIND"
    asked = (
        f"{plan.meters} meters, factor {plan.factor:g}, {report.seconds / 60:g} minutes:"
        f" {plan.rows_per_s:.0f} rows/s due; load average {report.load_before:.1f} before,"
        f" {report.load_after:.1f} after"
    )
    stored = (
        f"stored {report.stored_per_s:.0f} rows/s: {verdict}; at the end {report.backlog} waited,"
        f" at most {report.longest_backlog}; {report.lost} not stored a minute later"
    )
    processor = (
        f"processor time of the ingest: {report.processor_us:.0f} µs for each reading, "
        f"{report.processor_us * plan.rows_per_s / 1e4:.0f} % of one processor at this factor"
    )
    memory = (
        f"memory of the ingest {report.memory_after / megabyte:.0f} MB,"
        f" {report.state_bytes:.0f} bytes more per meter than before the first reading"
        f" (limit {MOST_STATE_BYTES})"
    )
    newest = (
        f"newest values of any meter: 99 of 100 in {report.latest_p99_ms:.1f} ms, longest"
        f" {max(report.latest_ms):.1f} ms (limit {MOST_LATEST_MS:.0f})"
    )
    return [asked, stored, processor, memory, newest]

"""Measures a replay with its database against `executemany` of the same rows in the same run.

`python -m benchmarks.replay_share` prints the row; `replay_share` gives it to other benchmarks.
"""

import json
import math
import shutil
import sqlite3
import tempfile
import time
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import Connection, Table

from sync_server.db import bulk_io
from sync_server.db.bulk_io import OnExisting, Row, write_rows
from sync_server.db.engine_io import open_trial_engine
from sync_server.db.migrate_io import migrate
from sync_server.readings import frame_store, reading_store
from sync_server.trials.replay_io import ReplayFiles, replay

START = datetime(2026, 1, 1, tzinfo=UTC)
METERS = 130
"""As many as the development split has, so that a look has the same work."""

DAYS = 20

Write = tuple[Table, list[Row], OnExisting]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayShare:
    """Readings a second through the replay, and of the driver alone, for the same rows."""

    readings_per_s: float
    raw_per_s: float

    @property
    def share(self) -> float:
        """Return the share of the driver's speed."""
        return self.readings_per_s / self.raw_per_s


def replay_share(meters: int = METERS, days: int = DAYS) -> ReplayShare:
    """Return the share for so many hourly meters and days of made-up homes."""
    folder = Path(tempfile.mkdtemp(prefix="lamp-replay-"))
    try:
        files = _write_files(folder, meters, days)
        count = meters * days * 24
        lots: list[list[Write]] = []
        _record(lots)
        try:
            replay(files, folder / "recorded.jsonl", folder / "recorded", _no_progress)
        finally:
            _stop_recording()
        began_s = time.perf_counter()
        replay(files, folder / "alerts.jsonl", folder / "work", _no_progress)
        replay_s = time.perf_counter() - began_s
        raw_s = _raw_seconds(folder / "raw.sqlite3", lots)
    finally:
        shutil.rmtree(folder)
    return ReplayShare(readings_per_s=count / replay_s, raw_per_s=count / raw_s)


def _no_progress(_share: float, _count: int) -> None:
    """Show nothing."""


def _write_files(folder: Path, meters: int, days: int) -> ReplayFiles:
    names = [f"W{number:04d}" for number in range(meters)]
    table = folder / "meters.csv"
    rows = [f"{name},water,3600,home" for name in names]
    table.write_text("meter,medium,interval_s,role\n" + "\n".join(rows) + "\n")
    path = folder / "readings.jsonl"
    totals = [100.0 + number for number in range(meters)]
    with path.open("w") as file:
        for hour in range(days * 24):
            at_utc = START + timedelta(hours=hour)
            for number, name in enumerate(names):
                use = max(0.0, 0.03 * math.sin((hour % 24 - 6 + number % 5) / 24 * 2 * math.pi))
                totals[number] += use
                stamps = (at_utc, at_utc + timedelta(seconds=10 + number))
                ts, recv = (f"{each:%Y-%m-%dT%H:%M:%SZ}" for each in stamps)
                line = {
                    "meter": name,
                    "ts": ts,
                    "recv": recv,
                    "volume_m3": round(totals[number], 3),
                }
                file.write(json.dumps(line) + "\n")
    return ReplayFiles(readings=path, meters=table)


_MODULES = (frame_store, reading_store)


def _record(lots: list[list[Write]]) -> None:
    """Note what the ingest writes: a new lot with every ledger, then its rows."""

    def record(connection: Connection, table: Table, rows: list[Row], how: OnExisting) -> None:
        if table.name == "frame_ledger":
            lots.append([])
        if rows and lots:
            lots[-1].append((table, list(rows), how))
        write_rows(connection, table, rows, how)

    for module in _MODULES:
        module.write_rows = record  # type: ignore[attr-defined]  # to see what is written


def _stop_recording() -> None:
    for module in _MODULES:
        module.write_rows = write_rows  # type: ignore[attr-defined]  # as it was


def _raw_seconds(path: Path, lots: list[list[Write]]) -> float:
    """Return how long the driver takes for the same rows and commits, FULL (RULINGS R30).

    The replay itself does not wait for the disk: its database is gone when it ends.
    """
    engine = open_trial_engine(path)
    migrate(engine)
    engine.dispose()
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for pragma in ("journal_mode = WAL", "synchronous = FULL", "cache_size = -65536"):
            connection.execute(f"PRAGMA {pragma}")
        began_s = time.perf_counter()
        for lot in lots:
            connection.execute("BEGIN IMMEDIATE")
            for table, rows, how in lot:
                statement = bulk_io._sqlite_statement(table, how)  # noqa: SLF001  # the same SQL
                connection.executemany(statement, rows)
            connection.execute("COMMIT")
        return time.perf_counter() - began_s


def main() -> None:
    """Print the row."""
    found = replay_share()
    print(
        f"replay with database: {found.readings_per_s:.0f} readings/s; "
        f"executemany of the same rows: {found.raw_per_s:.0f}/s; "
        f"share {found.share:.2f} (gate 0.20, aim 0.40)"
    )


if __name__ == "__main__":
    main()

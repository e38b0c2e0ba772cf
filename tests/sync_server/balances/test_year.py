"""A year of every zone: its months, and the year from the registers at its own bounds."""

import csv
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import Engine

from sync_server.__main__ import main
from sync_server.assets.asset_store import add_meters
from sync_server.assets.assets import MeterClass
from sync_server.detection.watch.fleet_store import put_children
from tests.sync_server.balances.test_zone_store import hour, meter
from wire_contracts.quantities import Medium

BOUNDS = tuple(
    datetime(*day, 16, tzinfo=UTC)
    for day in ((2024, 12, 31), (2025, 1, 31), (2025, 2, 28), (2025, 12, 31))
)
"""The ends in Shanghai of 2024, of the first two months and of 2025."""


def _zone_of_2025(engine: Engine) -> None:
    totals = {"IN": (0, 10, 40, 120), "A": (5, 14, 35, 65), "B": (1, 1, 3, 21)}
    with engine.begin() as connection:
        add_meters(
            connection,
            [
                meter("IN", Medium.WATER, MeterClass.DMA),
                *(meter(name, Medium.WATER, MeterClass.CONSUMER) for name in ("A", "B", "=C")),
            ],
            BOUNDS[0],
        )
        put_children(connection, [("IN", name) for name in ("A", "B", "=C")])
        for name, figures in totals.items():
            for bound, total in zip(BOUNDS, figures, strict=True):
                hour(connection, name, bound, total)


def test_a_year_is_written_with_its_months_and_what_is_not_known_is_empty(
    sqlite_engine: Engine, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _zone_of_2025(sqlite_engine)
    path = tmp_path / "2025.csv"

    code = main(["--data", str(tmp_path), "yearly-balances", "2025", str(path)])

    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = {row["span"]: row for row in csv.DictReader(file)}
    figures = {
        span: (row["inflow"], row["metered"], row["unaccounted"], row["meters_counted"])
        for span, row in rows.items()
    }
    assert code == 0
    assert f"1 zones of 2025 to {path}" in capsys.readouterr().out
    assert figures["2025-01"] == ("10.0", "9.0", "1.0", "2")
    assert figures["2025-02"] == ("30.0", "23.0", "7.0", "2")
    assert figures["2025-03"] == ("", "", "", "0")
    assert figures["2025"] == ("120.0", "80.0", "40.0", "2")
    assert {row["meters"] for row in rows.values()} == {"3"}
    assert len(rows) == 13


def test_what_is_no_year_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--data", str(tmp_path), "yearly-balances", "26", str(tmp_path / "x.csv")])

    assert "'26' is no year; write it like 2026" in capsys.readouterr().err

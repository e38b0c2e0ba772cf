"""The command that writes the balances of a year."""

import argparse
import csv
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from pathlib import Path

from sqlalchemy import Engine

from sync_server.balances.year_store import load_year
from sync_server.balances.zone_store import Zone, ZoneMonth
from sync_server.batch.choose_io import open_runner
from sync_server.batch.runner import BatchError, nobody_asks
from sync_server.batch.runner_options import add_runner_options, runner_options
from sync_server.db.engine_io import reading
from sync_server.sheets.cells import BYTE_ORDER_MARK, harmless

AddCommand = Callable[[str, str], argparse.ArgumentParser]
REFUSALS = (BatchError,)

HEADING = (
    "zone",
    "address",
    "medium",
    "unit",
    "span",
    "from_utc",
    "to_utc",
    "inflow",
    "metered",
    "unaccounted",
    "share",
    "meters_counted",
    "meters_estimated",
    "meters",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """The zone of the site, the present, and where the answer goes."""

    zone: tzinfo
    now_utc: datetime
    say: Callable[[str], None]


def add_balance_commands(add: AddCommand) -> None:
    """Add the command to the parser."""
    command = add("yearly-balances", "write each zone's balance of a year and its months as CSV")
    command.add_argument("year", type=_year, help="such as 2026")
    command.add_argument("file", type=Path)
    add_runner_options(command)


def _year(text: str) -> str:
    try:
        return f"{datetime.strptime(text, '%Y').year:04d}"  # noqa: DTZ007  # a year has no zone
    except ValueError:
        message = f"{text!r} is no year; write it like 2026"
        raise argparse.ArgumentTypeError(message) from None


def run_yearly_balances(engine: Engine, options: argparse.Namespace, site: Site) -> None:
    """Write the file: a line for each zone and span; an empty cell is not known, and no zero."""
    with open_runner(runner_options(options)) as runner, reading(engine) as connection:
        where, by = (site.zone, site.now_utc), (runner, nobody_asks)
        found = load_year(engine, connection, options.year, where, by)
    with options.file.open("w", encoding="utf-8", newline="") as file:
        file.write(BYTE_ORDER_MARK)
        writer = csv.writer(file, lineterminator="\r\n")
        writer.writerow(HEADING)
        writer.writerows(_cells(zone, span) for zone, spans in found for span in spans)
    site.say(
        f"{len(found)} zones of {options.year} to {options.file}; an empty cell is not known, also"
        " where readings have left the database: files of the archive are not read"
    )


def _cells(zone: Zone, span: ZoneMonth) -> Sequence[str]:
    balance = span.balance
    figures = (balance.inflow, balance.metered, balance.unaccounted, balance.share)
    return [
        *(harmless(each) for each in (zone.zone_id, zone.address, zone.medium, zone.measure)),
        span.month,
        span.from_utc.isoformat(),
        span.to_utc.isoformat(),
        *("" if each is None else repr(round(each, 6)) for each in figures),
        *(str(each) for each in (balance.counted, balance.estimated, balance.meters)),
    ]

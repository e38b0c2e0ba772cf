"""A small town with a past: hourly registers of homes, stations and what hangs behind them."""

import math
from datetime import UTC, datetime, timedelta

from sqlalchemy import Engine

from sync_server.assets.assets import MeterClass
from sync_server.db.bulk_io import Cell, OnExisting, Row, write_rows
from sync_server.db.engine_io import reading
from sync_server.db.reading_tables import READING
from sync_server.detection.meters.fleet import fleet_of
from sync_server.detection.watch.fleet_store import load_specs, put_children
from sync_server.detection.watch.history_run_store import PastWanted
from tests.sync_server.town_parts import found_town, new_meter
from wire_contracts.frames import ms_from_utc
from wire_contracts.quantities import Quantity

START = datetime(2026, 3, 1, tzinfo=UTC)
DAYS = 10
END = START + timedelta(days=DAYS)
HOMES = 8
STATION_CHILDREN = (("M-20", ("M-21", "M-22", "M-23")), ("M-30", ("M-31", "M-32")))
_HOUR = timedelta(hours=1)


def lay_down_past(engine: Engine) -> None:
    """Store the town and its readings; some registers jump, stand or leak from day five on."""
    homes = [f"M-{number}" for number in range(1, HOMES + 1)]
    network = [name for parent, children in STATION_CHILDREN for name in (parent, *children)]
    meters = [
        new_meter(name, meter_class=kind, interval=_HOUR, is_mains_powered=False)
        for names, kind in ((homes, MeterClass.HOUSEHOLD), (network, MeterClass.INDUSTRIAL))
        for name in names
    ]
    rows = [row for at, meter in enumerate(meters) for row in _rows(meter.meter_id, at)]
    with engine.begin() as connection:
        found_town(connection, meters)
        put_children(
            connection,
            [(parent, child) for parent, children in STATION_CHILDREN for child in children],
        )
        write_rows(connection, READING, rows, OnExisting.FAIL)


def wanted_past(engine: Engine, meters_in_part: int) -> PastWanted:
    """Return the whole past of all meters, cut so."""
    with reading(engine) as connection:
        fleet = fleet_of(load_specs(connection))
    return PastWanted(
        fleet=fleet,
        with_base=frozenset(),
        from_ms=0,
        to_ms=ms_from_utc(END),
        keeps_state=True,
        meters_in_part=meters_in_part,
    )


def _rows(meter_id: str, at: int) -> list[Row]:
    columns = READING.columns.keys()
    volume = columns.index(Quantity.VOLUME_M3)
    rows: list[Row] = []
    total = 100.0 + at
    for hour in range(DAYS * 24):
        total += _used(at, hour)
        if at % 7 == 6 and hour >= 150:
            continue
        row: list[Cell] = [None] * len(columns)
        row[0], row[1] = meter_id, ms_from_utc(START + hour * _HOUR)
        row[volume] = round(total, 3)
        row[columns.index("profile")], row[columns.index("revision")] = "made", 1
        rows.append(tuple(row))
    return rows


def _used(at: int, hour: int) -> float:
    daily = 0.05 + 0.04 * math.sin((hour + at) * 0.26)
    is_late = hour >= 120
    if is_late and at % 5 == 1:
        return daily + 0.03
    if is_late and at % 5 == 2:
        return 0.0
    if hour == 120 and at % 5 == 3:
        return 4321.0
    return daily if hour % 24 in {6, 7, 8, 12, 18, 19, 20} else 0.0

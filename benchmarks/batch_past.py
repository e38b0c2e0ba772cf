"""A database with thousands of meters and a month of their hours: what a back-test reads.

The meters are those of `detection_town`, homes and heated buildings with one fault each; every
fiftieth building is a station before the four behind it.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
from sqlalchemy import Connection

from benchmarks.detection_town import START_S, WEATHER, Town, build_town
from sync_server.assets.asset_store import add_meters
from sync_server.assets.assets import MeterClass, NewMeter
from sync_server.db.bulk_io import Cell, OnExisting, Row, write_rows
from sync_server.db.engine_io import open_trial_engine
from sync_server.db.migrate_io import migrate
from sync_server.db.reading_tables import READING
from sync_server.detection.watch.fleet_store import MeterTrait, put_children, put_traits
from sync_server.detection.watch.surroundings_store import put_weather
from wire_contracts.quantities import Medium, Quantity

LOT = 500
"""Meters that are made at once."""

_HOMES_IN_LOT = 340
_STATION_EVERY, _BEHIND = 50, 4
_HOUR = timedelta(hours=1)
_COLUMNS = tuple(READING.columns.keys())
_QUANTITIES = (
    Quantity.VOLUME_M3,
    Quantity.ENERGY_KWH,
    Quantity.FLOW_M3H,
    Quantity.POWER_KW,
    Quantity.SUPPLY_TEMP_DEGC,
    Quantity.RETURN_TEMP_DEGC,
)


def lay_down(path: Path, meters: int, days: int, told: Callable[[int], None]) -> int:
    """Return how many readings were stored in a new database at this path."""
    engine = open_trial_engine(path)
    migrate(engine)
    count = 0
    for number in range(-(-meters // LOT)):
        size = min(LOT, meters - number * LOT)
        homes = size * _HOMES_IN_LOT // LOT
        town = build_town(homes, size - homes, days, seed=number)
        with engine.begin() as connection:
            names = _found(connection, town, number)
            if number == 0:
                _weather(connection, town)
            rows = _rows(town, names)
            write_rows(connection, READING, rows, OnExisting.FAIL)
        count += len(rows)
        told(number * LOT + size)
    engine.dispose()
    return count


def _found(connection: Connection, town: Town, number: int) -> Sequence[str]:
    specs = town.fleet.specs
    names = [f"{spec.meter_id}-{number:03d}" for spec in specs]
    made = [
        NewMeter(
            meter_id=name,
            medium=spec.medium,
            meter_class=MeterClass.HOUSEHOLD
            if spec.medium is Medium.WATER
            else MeterClass.SUBSTATION,
            address=name,
            interval=_HOUR,
            is_mains_powered=False,
        )
        for name, spec in zip(names, specs, strict=True)
    ]
    add_meters(connection, made, datetime.fromtimestamp(START_S, UTC))
    put_traits(
        connection,
        [
            MeterTrait(
                meter_id=name,
                volume_resolution_m3=spec.volume_resolution_m3,
                energy_resolution_kwh=spec.energy_resolution_kwh,
                weather_id=spec.weather_id,
            )
            for name, spec in zip(names, specs, strict=True)
        ],
    )
    heat = [name for name, spec in zip(names, specs, strict=True) if spec.medium is Medium.HEAT]
    stations = range(0, len(heat) - _BEHIND, _STATION_EVERY)
    pairs = [(heat[at], heat[at + step]) for at in stations for step in range(1, _BEHIND + 1)]
    put_children(connection, [*_known_pairs(connection), *pairs])
    return names


def _known_pairs(connection: Connection) -> Sequence[tuple[str, str]]:
    found = connection.exec_driver_sql("SELECT parent_id, child_id FROM meter_child")
    return [(str(parent), str(child)) for parent, child in found]


def _weather(connection: Connection, town: Town) -> None:
    series = town.surroundings.weather[WEATHER]
    hours = [
        (WEATHER, (series.first_hour_s + at * 3600) * 1000, float(temp_degc))
        for at, temp_degc in enumerate(series.temp_degc)
    ]
    put_weather(connection, hours)


def _rows(town: Town, names: Sequence[str]) -> list[Row]:
    batch = town.batch
    order = np.lexsort((batch.measured_s, batch.row))
    values = [batch.volume_m3, batch.energy_kwh, batch.flow_m3h, batch.power_kw]
    values += [batch.supply_temp_degc, batch.return_temp_degc]
    columns = [each[order].tolist() for each in (batch.row, batch.measured_s, *values)]
    places = [_COLUMNS.index(str(each)) for each in _QUANTITIES]
    empty: list[Cell] = [None] * len(_COLUMNS)
    empty[_COLUMNS.index("profile")], empty[_COLUMNS.index("revision")] = "made", 1
    rows: list[Row] = []
    for row, measured_s, *found in zip(*columns, strict=True):
        cells = empty.copy()
        cells[0], cells[1] = names[row], measured_s * 1000
        for place, value in zip(places, found, strict=True):
            cells[place] = None if value != value else value  # noqa: PLR0124  # NaN was not read
        rows.append(tuple(cells))
    return rows

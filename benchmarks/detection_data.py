"""Reads a folder of recorded meters with labels as a town: what `DATA=FOLDER` measures on.

The folder holds `readings.jsonl`, `meters.csv`, `weather.csv` and `topology.csv` as
`sync-server replay` takes them, and `labels.csv` (meter, kind, start, end) and `ignore.csv`
(meter, start, end; spans that count neither way), instants in seconds since 1970.
"""

import csv
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path

import numpy as np
import orjson

from benchmarks.detection_town import Label, Town, batch_of_columns
from sync_server.assets.assets import MeterClass
from sync_server.detection.meters.columns import Floats
from sync_server.detection.meters.fleet import MeterSpec, Role, fleet_of
from sync_server.detection.meters.intake import OutdoorSeries, Surroundings
from sync_server.trials.meter_files_io import (
    TrialMeter,
    read_meters,
    read_topology,
    read_weather,
)
from wire_contracts.kinds import Kind

_ROLES = {
    MeterClass.HOUSEHOLD: Role.HOME,
    MeterClass.CONSUMER: Role.CONSUMER,
    MeterClass.DMA: Role.DMA,
    MeterClass.SUBSTATION: Role.STATION,
    MeterClass.MAKEUP: Role.MAKEUP,
}
_COLUMNS = ("volume_m3", "energy_kwh", "flow_m3h", "power_kw", "t_supply_c", "t_return_c")


def load_town(folder: Path) -> Town:
    """Return the folder as a town; raise TrialError or OSError where a file cannot be used."""
    meters = read_meters(folder / "meters.csv")
    names = frozenset(meter.meter_id for meter in meters)
    parents = {child: parent for parent, child in read_topology(folder / "topology.csv", names)}
    specs = [_spec(meter, parents.get(meter.meter_id)) for meter in meters]
    fleet = fleet_of(specs)
    table = np.array(list(_readings(folder / "readings.jsonl", dict(fleet.row_of))))
    return Town(
        fleet=fleet,
        batch=batch_of_columns(table[np.argsort(table[:, 2], kind="stable")]),
        surroundings=Surroundings(weather=dict(_weather(folder / "weather.csv"))),
        labels=[
            Label(meter_id=meter_id, kind=Kind(row["kind"]), start_s=start_s, end_s=end_s)
            for meter_id, start_s, end_s, row in _spans(folder / "labels.csv")
        ],
        ignored=[
            (meter_id, start_s, end_s)
            for meter_id, start_s, end_s, _ in _spans(folder / "ignore.csv")
        ],
    )


def _spec(meter: TrialMeter, parent_id: str | None) -> MeterSpec:
    return MeterSpec(
        meter_id=meter.meter_id,
        medium=meter.medium,
        role=_ROLES[meter.meter_class],
        interval_s=meter.interval_s,
        peer_class=meter.peer_class,
        volume_modulus_m3=meter.volume_modulus_m3,
        volume_resolution_m3=meter.volume_resolution_m3,
        energy_resolution_kwh=meter.energy_resolution_kwh,
        weather_id=meter.weather_id,
        parent_id=parent_id,
        judged_from_s=(meter.judged_from_ms or 0) // 1000,
        in_service_until_s=_seconds(meter.in_service_until_ms),
    )


def _seconds(milliseconds: int | None) -> int | None:
    return None if milliseconds is None else milliseconds // 1000


def _readings(path: Path, row_of: dict[str, int]) -> Iterator[tuple[float, ...]]:
    """Yield row, stamp, arrival and the six values of each line; NaN where one is not there."""
    with path.open("rb") as file:
        for line in file:
            found = orjson.loads(line)
            yield (
                row_of[found["meter"]],
                _second(found["ts"]),
                _second(found["recv"]),
                *(found.get(name, np.nan) for name in _COLUMNS),
            )


def _second(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def _weather(path: Path) -> Iterator[tuple[str, OutdoorSeries]]:
    hours: dict[str, dict[int, float]] = {}
    for one in read_weather(path):
        hours.setdefault(one.weather_id, {})[one.hour_at_ms // 3_600_000] = one.outdoor_temp_degc
    for weather_id, found in hours.items():
        first, last = min(found), max(found)
        temps: Floats = np.full(last - first + 1, np.nan)
        temps[np.array(list(found)) - first] = list(found.values())
        yield weather_id, OutdoorSeries(first_hour_s=first * 3600, temp_degc=temps)


def _spans(path: Path) -> Sequence[tuple[str, float, float, dict[str, str]]]:
    with path.open(encoding="utf-8", newline="") as file:
        return [
            (row["meter"], float(row["start"]), float(row["end"]), row)
            for row in csv.DictReader(file)
        ]

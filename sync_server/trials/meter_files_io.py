"""Reads the CSV files of a trial: meters, which meter lies behind which station, weather."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sync_server.assets.assets import MeterClass
from sync_server.trials.csv_rows_io import moment_in, number_in, rows_of
from sync_server.trials.trial_errors import refused
from wire_contracts.quantities import Medium

CLASS_OF_ROLE: Mapping[str, MeterClass] = {
    "home": MeterClass.HOUSEHOLD,
    "consumer": MeterClass.CONSUMER,
    "dma": MeterClass.DMA,
    "station": MeterClass.SUBSTATION,
    "makeup": MeterClass.MAKEUP,
}

METER_COLUMNS = ("meter", "medium", "interval_s", "role")
"""Columns that a file of meters must have. These may be there and may be empty: `cls`, `weather`,
`eval_start` (judged from then on), `last` (out of service then), `v_register_modulus_dm3`,
`v_res_l` and `e_res_wh`."""

WEATHER_COLUMNS = ("weather", "ts", "t_out")
TOPOLOGY_COLUMNS = ("parent", "child")

_COLDEST_DEGC, _HOTTEST_DEGC = -90.0, 60.0
"""Beyond the records of the earth (WMO: -89.2 and 56.7 degC)."""

_LONGEST_ID = 40
_HOUR_MS = 3_600_000


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialMeter:
    """A meter of a trial with what detection may know of it; None: not known."""

    meter_id: str
    medium: Medium
    meter_class: MeterClass
    interval_s: int
    peer_class: str
    weather_id: str | None
    judged_from_ms: int | None
    in_service_until_ms: int | None
    volume_modulus_m3: float | None
    volume_resolution_m3: float | None
    energy_resolution_kwh: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialWeather:
    """Outdoor temperature of one hour at one station."""

    weather_id: str
    hour_at_ms: int
    outdoor_temp_degc: float


def read_meters(path: Path) -> Sequence[TrialMeter]:
    """Return the meters of a file; raise TrialError that names file, line and field."""
    meters = [_meter(place, row) for place, row in rows_of(path, METER_COLUMNS)]
    seen: set[str] = set()
    for meter in meters:
        if meter.meter_id in seen:
            raise refused(path.name, "meter", f"{meter.meter_id!r} stands twice", "list it once")
        seen.add(meter.meter_id)
    if not meters:
        raise refused(path.name, "file", "has no meters", "list at least one")
    return meters


def read_topology(path: Path, known: frozenset[str]) -> Sequence[tuple[str, str]]:
    """Return (station, meter behind it); raise TrialError that names file, line and field."""
    pairs: list[tuple[str, str]] = []
    for place, row in rows_of(path, TOPOLOGY_COLUMNS):
        for name in TOPOLOGY_COLUMNS:
            if row[name] not in known:
                raise refused(
                    place, name, f"{row[name]!r} is not in the file of meters", "add it there"
                )
        if row["parent"] == row["child"]:
            raise refused(place, "child", f"{row['child']!r} is its own station", "correct it")
        pairs.append((row["parent"], row["child"]))
    return sorted(set(pairs))


def read_weather(path: Path) -> Iterator[TrialWeather]:
    """Yield the hours of a file; raise TrialError that names file, line and field."""
    for place, row in rows_of(path, WEATHER_COLUMNS):
        if not row["weather"]:
            raise refused(place, "weather", "is empty", "name the station")
        temp_degc = number_in(place, row, "t_out")
        if temp_degc is None:
            continue
        if not _COLDEST_DEGC <= temp_degc <= _HOTTEST_DEGC:
            raise refused(place, "t_out", f"{temp_degc} is no outdoor temperature", "give degC")
        at_ms = moment_in(place, row["ts"])
        yield TrialWeather(
            weather_id=row["weather"],
            hour_at_ms=at_ms - at_ms % _HOUR_MS,
            outdoor_temp_degc=temp_degc,
        )


def _meter(place: str, row: Mapping[str, str]) -> TrialMeter:
    meter_id = row["meter"]
    if not meter_id or len(meter_id) > _LONGEST_ID:
        raise refused(place, "meter", f"{meter_id!r}", f"give an id of 1..{_LONGEST_ID} characters")
    try:
        medium = Medium(row["medium"])
    except ValueError:
        remedy = f"use one of {', '.join(Medium)}"
        raise refused(place, "medium", f"{row['medium']!r} is not known", remedy) from None
    meter_class = CLASS_OF_ROLE.get(row["role"])
    if meter_class is None:
        remedy = f"use one of {', '.join(CLASS_OF_ROLE)}"
        raise refused(place, "role", f"{row['role']!r} is not known", remedy)
    interval_s = row["interval_s"]
    if not interval_s.isdecimal() or int(interval_s) == 0:
        raise refused(place, "interval_s", f"{interval_s!r}", "give whole seconds above 0")
    return TrialMeter(
        meter_id=meter_id,
        medium=medium,
        meter_class=meter_class,
        interval_s=int(interval_s),
        peer_class=row.get("cls", ""),
        weather_id=row.get("weather") or None,
        judged_from_ms=_thousandfold(number_in(place, row, "eval_start")),
        in_service_until_ms=_thousandfold(number_in(place, row, "last")),
        volume_modulus_m3=_thousandth(number_in(place, row, "v_register_modulus_dm3")),
        volume_resolution_m3=_thousandth(number_in(place, row, "v_res_l")),
        energy_resolution_kwh=_thousandth(number_in(place, row, "e_res_wh")),
    )


def _thousandth(value: float | None) -> float | None:
    return None if value is None else value / 1000.0


def _thousandfold(value: float | None) -> int | None:
    return None if value is None else int(value * 1000)

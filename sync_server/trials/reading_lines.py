"""Decides what one line of a file of readings says: meter, instants and values."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import orjson

from sync_server.trials.trial_errors import refused
from wire_contracts.frames import EARLIEST_MS, LATEST_MS
from wire_contracts.quantities import PLAUSIBLE, Medium, Quantity

GAS_NAMES: Mapping[str, Quantity] = {
    "volume_m3": Quantity.VOLUME_ACTUAL_M3,
    "flow_m3h": Quantity.FLOW_ACTUAL_M3H,
}
"""A plain volume of a gas meter is that at measuring conditions (RULINGS R9)."""

NAMES: Mapping[str, Quantity] = {
    "volume_m3": Quantity.VOLUME_M3,
    "energy_kwh": Quantity.ENERGY_KWH,
    "flow_m3h": Quantity.FLOW_M3H,
    "power_kw": Quantity.POWER_KW,
    "t_supply_c": Quantity.SUPPLY_TEMP_DEGC,
    "t_return_c": Quantity.RETURN_TEMP_DEGC,
}
"""Field of a line to quantity."""

KEYS = frozenset({"meter", "ts", "recv", *NAMES})


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadingLine:
    """One reading: `measured_at_ms` by the meter's stamp, `received_at_ms` by the server."""

    meter_id: str
    measured_at_ms: int
    received_at_ms: int
    values: Mapping[Quantity, float]


def parse_line(place: str, line: bytes, media: Mapping[str, Medium]) -> ReadingLine:
    """Return what the line says.

    Args:
        place: File and line, for the error.
        line: One JSON object.
        media: The meters that are known, with their media.

    Raises:
        TrialError: The line is no reading of a known meter.
    """
    try:
        found = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        raise refused(place, "line", f"is not JSON ({error})", "write one object a line") from error
    if not isinstance(found, dict):
        raise refused(place, "line", f"is {str(found)[:40]!r}", "write one JSON object a line")
    unknown = found.keys() - KEYS
    if unknown:
        name = min(unknown)
        raise refused(place, name, "is not a known field", f"use {', '.join(sorted(KEYS))}")
    meter_id = found.get("meter")
    medium = media.get(meter_id) if isinstance(meter_id, str) else None
    if not isinstance(meter_id, str) or medium is None:
        raise refused(place, "meter", f"{meter_id!r} is not in the file of meters", "add it there")
    return ReadingLine(
        meter_id=meter_id,
        measured_at_ms=_moment(place, "ts", found.get("ts")),
        received_at_ms=_moment(place, "recv", found.get("recv")),
        values=_values(place, found, medium),
    )


def _values(place: str, found: Mapping[str, object], medium: Medium) -> Mapping[Quantity, float]:
    values: dict[Quantity, float] = {}
    for name, quantity in NAMES.items():
        value = found.get(name)
        if value is None:
            continue
        if type(value) not in {int, float} or not isinstance(value, int | float):
            raise refused(place, name, f"is {value!r}, not a number", "write a number or leave out")
        wire = GAS_NAMES.get(name, quantity) if medium is Medium.GAS else quantity
        low, high = PLAUSIBLE[wire]
        if not math.isfinite(value) or not low <= value <= high:
            raise refused(place, name, f"{value!r} is outside {low:g}..{high:g}", "correct it")
        values[wire] = float(value)
    return values


def _moment(place: str, name: str, value: object) -> int:
    if not isinstance(value, str):
        raise refused(place, name, f"is {value!r}, not a time", "write 2026-11-01T00:00:00Z")
    try:
        moment = datetime.fromisoformat(value)
    except ValueError as error:
        raise refused(place, name, f"{value!r} is no time", "write 2026-11-01T00:00:00Z") from error
    if moment.tzinfo is None:
        raise refused(place, name, f"{value!r} has no time zone", "write it in UTC with a Z")
    at_ms = int(moment.astimezone(UTC).timestamp() * 1000)
    if not EARLIEST_MS <= at_ms <= LATEST_MS:
        raise refused(place, name, f"{value!r} is outside 2000..2100", "correct the clock")
    return at_ms

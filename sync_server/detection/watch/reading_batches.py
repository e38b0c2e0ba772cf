"""Decides how rows of the database become readings of the fleet."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np

from sync_server.db.arrival_rows import CHANNELS, ArrivedRows
from sync_server.detection.meters.columns import Flags, Floats, Ints
from sync_server.detection.meters.fleet import Fleet
from sync_server.detection.meters.intake import Info, ReadingBatch
from wire_contracts.quantities import Quantity

DAY_S = 86_400
_AT = {name: place for place, name in enumerate(CHANNELS)}


def readings_of(
    fleet: Fleet, rows: ArrivedRows, with_base: frozenset[str] = frozenset()
) -> ReadingBatch:
    """Return the readings of the fleet's meters, in the order given; others are left out.

    Gas: a meter that converts (`with_base`) is judged by its volume at base conditions alone,
    every other one by that at measuring conditions; the two are never mixed (RULINGS R9).
    """
    place = np.array([fleet.row_of.get(name, -1) for name in rows.meter_ids], dtype=np.int64)
    is_ours = place >= 0
    row = place[is_ours]
    values = rows.values[is_ours]
    is_gas = fleet.is_gas[row] > 0 if len(row) else np.zeros(0, dtype=np.bool_)
    has_base = np.zeros(len(fleet.specs), dtype=np.bool_)
    has_base[[fleet.row_of[name] for name in with_base if name in fleet.row_of]] = True
    is_base = is_gas & has_base[row]
    return ReadingBatch(
        row=row,
        measured_s=rows.measured_at_ms[is_ours] // 1000,
        received_s=rows.received_at_ms[is_ours] // 1000,
        volume_m3=_pick(values, is_gas, is_base, _VOLUMES),
        energy_kwh=_column(values, Quantity.ENERGY_KWH),
        flow_m3h=_pick(values, is_gas, is_base, _FLOWS),
        power_kw=_column(values, Quantity.POWER_KW),
        supply_temp_degc=_column(values, Quantity.SUPPLY_TEMP_DEGC),
        return_temp_degc=_column(values, Quantity.RETURN_TEMP_DEGC),
        info=_info(rows)[is_ours],
    )


INFO_OF: Mapping[str, Info] = {
    "leak_water": Info.LEAK,
    "over_flow": Info.BURST,
    "reverse_flow": Info.REVERSE_FLOW,
    "empty_pipe": Info.AIR,
    "tamper": Info.TAMPER,
    "battery_low": Info.BATTERY_LOW,
    **dict.fromkeys(
        (
            "conversion_fault",
            "counter_fault",
            "electronics_fault",
            "flow_sensor_no_signal",
            "flow_sensor_weak",
            "pulse_mismatch",
            "sensor_fault",
            "temp_sensor_fault",
        ),
        Info.SENSOR_FAULT,
    ),
}
"""Canonical events of profiles (docs/profiles.md) in the detectors' vocabulary."""


def _info(rows: ArrivedRows) -> Ints:
    info = np.zeros(len(rows.meter_ids), dtype=np.int64)
    for at, event in rows.events:
        info[at] |= INFO_OF.get(event, Info.NONE)
    return info


_VOLUMES = (Quantity.VOLUME_M3, Quantity.VOLUME_BASE_M3, Quantity.VOLUME_ACTUAL_M3)
_FLOWS = (Quantity.FLOW_M3H, Quantity.FLOW_BASE_M3H, Quantity.FLOW_ACTUAL_M3H)


def _column(values: Floats, name: Quantity) -> Floats:
    return values[:, _AT[name]]


def _pick(
    values: Floats, is_gas: Flags, is_base: Flags, names: tuple[Quantity, Quantity, Quantity]
) -> Floats:
    other, base, actual = (_column(values, name) for name in names)
    picked: Floats = np.where(is_gas, np.where(is_base, base, actual), other)
    return picked


def day_by_day(batch: ReadingBatch, from_s: int, to_s: int) -> Iterator[tuple[int, ReadingBatch]]:
    """Yield the end of each day in [from, to) and what was measured in it: history as it came.

    Detectors learn between two calls; a whole history in one call would be judged unlearned.
    """
    for begin_s in range(from_s, to_s, DAY_S):
        end_s = min(begin_s + DAY_S, to_s)
        is_inside = (batch.measured_s >= begin_s) & (batch.measured_s < end_s)
        yield end_s, take_readings(batch, is_inside)


def take_readings(batch: ReadingBatch, wanted: Flags | Ints) -> ReadingBatch:
    """Return some of the readings: those flagged, or those at these places."""
    return ReadingBatch(
        row=batch.row[wanted],
        measured_s=batch.measured_s[wanted],
        received_s=batch.received_s[wanted],
        volume_m3=batch.volume_m3[wanted],
        energy_kwh=batch.energy_kwh[wanted],
        flow_m3h=batch.flow_m3h[wanted],
        power_kw=batch.power_kw[wanted],
        supply_temp_degc=batch.supply_temp_degc[wanted],
        return_temp_degc=batch.return_temp_degc[wanted],
        info=batch.info[wanted],
    )


def join_readings(parts: list[ReadingBatch]) -> ReadingBatch:
    """Return several lots as one, in their order; at least one is needed."""
    names = ReadingBatch.__dataclass_fields__
    joined = {name: np.concatenate([getattr(part, name) for part in parts]) for name in names}
    return ReadingBatch(**joined)


def of_rows(batch: ReadingBatch, rows: Ints) -> ReadingBatch:
    """Return the readings of these rows, renumbered by their place among them (ascending)."""
    wanted = np.isin(batch.row, rows)
    part = take_readings(batch, wanted)
    return replace(part, row=np.searchsorted(rows, part.row).astype(np.int64))

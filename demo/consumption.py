"""What a meter shows at any moment, from nothing but the town's time and the truth about faults.

The flow is constant within a slot of 15 minutes and depends on the meter's key and the slot's
number alone; a total is the exact sum of the slots since `FIRST_DAY`. So the past and the present
agree, in any order and in every process, and a total never falls.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from demo.chance import FloatArray, IntArray
from demo.faults import Fault, with_faults
from demo.gas_water import background_m3, gas_rows, healthy_volume_m3, water_rows
from demo.heat import heat_rows
from demo.slot_rows import Rows
from demo.town import Town
from demo.town_meters import Meter, MeterClass, MeterId
from demo.town_time import DAY_S, SLOT_S, ZONE_OFFSET_S, slot_grid
from wire_contracts.frames import ms_from_utc
from wire_contracts.quantities import Medium, Quantity

FIRST_DAY = 20_635
"""2026-07-01 in the town: the day at whose beginning every meter shows its start index."""

_DAYS_AT_ONCE = 64
_START_KWH_PER_M3 = 32.0
_START_BASE_SHARE = 1.06
"""What the totals beside the volume show on the first day, per m3 of the start index."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Supply:
    """A meter with everything that decides what it counts.

    Attributes:
        seed: The town's seed.
        meter: The metering point.
        faults: Its own faults.
        children: The meters whose consumption flows through it, each with its faults.
    """

    seed: int
    meter: Meter
    faults: Sequence[Fault] = ()
    children: Sequence["Supply"] = ()


def supply_of(town: Town, meter: Meter, faults: Sequence[Fault] = ()) -> Supply:
    """Return the supply of a meter; `faults` are those of the whole town, in any order."""
    own = tuple(fault for fault in faults if fault.meter_id == meter.meter_id)
    children = tuple(
        supply_of(town, child, faults) for child in town.meters if child.parent_id == meter.meter_id
    )
    return Supply(seed=town.seed, meter=meter, faults=own, children=children)


def day_rows(supply: Supply, first_day: int, day_count: int) -> Rows:
    """Return what the meter counts and shows in the slots of some local days."""
    slots = slot_grid(first_day, day_count)
    match supply.meter.medium:
        case Medium.HEAT:
            return heat_rows(supply.seed, supply.meter, slots)
        case Medium.GAS:
            return gas_rows(supply.seed, supply.meter, slots, supply.faults)
        case Medium.WATER:
            return water_rows(_water_volume_m3(supply, slots))


def _water_volume_m3(supply: Supply, slots: IntArray) -> FloatArray:
    if supply.meter.meter_class is not MeterClass.DMA:
        healthy_m3 = healthy_volume_m3(supply.seed, supply.meter, slots)
        return with_faults(healthy_m3, slots, supply.faults)
    inflow_m3 = background_m3(supply.seed, supply.meter, slots)
    for child in supply.children:
        leaks = [fault for fault in child.faults if fault.flow_m3h]
        healthy_m3 = healthy_volume_m3(child.seed, child.meter, slots)
        inflow_m3 = inflow_m3 + with_faults(healthy_m3, slots, leaks)
    return with_faults(inflow_m3, slots, supply.faults)


class MeterModel:
    """What one meter shows at any moment since `FIRST_DAY`.

    It remembers sums of whole days only to be quick; two models of one supply always agree.
    """

    def __init__(self, supply: Supply) -> None:
        """Begin with the indices of the first day."""
        self.supply = supply
        self._before: dict[Quantity, FloatArray] = {
            quantity: np.array([start]) for quantity, start in start_indices(supply.meter).items()
        }
        self._known_days = 0
        self._rows_from = -1
        self._rows: Rows | None = None

    def quantities(self, at_utc: datetime) -> Mapping[Quantity, float]:
        """Return every quantity of the meter at one moment, in canonical units.

        Raises:
            ValueError: The moment lies before `FIRST_DAY`.
        """
        moment_ms = np.array([ms_from_utc(at_utc)], dtype=np.int64)
        return {name: float(values[0]) for name, values in self.series(moment_ms).items()}

    def series(self, times_ms: IntArray) -> Mapping[Quantity, FloatArray]:
        """Return every quantity at many moments (ms since 1970 UTC, in any order)."""
        local_ms = times_ms + ZONE_OFFSET_S * 1000
        day, in_day_ms = np.divmod(local_ms, DAY_S * 1000)
        slot, in_slot_ms = np.divmod(in_day_ms, SLOT_S * 1000)
        share = in_slot_ms / (SLOT_S * 1000.0)
        first_day = int(day.min())
        rows = self._rows_of(first_day, int(day.max()) - first_day + 1)
        row = day - first_day
        found = {name: values[row, slot] for name, values in rows.shown.items()}
        for name, gains in rows.counted.items():
            before = self._before[name][day - FIRST_DAY]
            inside = _summed(gains)[row, slot] + share * gains[row, slot]
            found[name] = before + inside
        return found

    def _rows_of(self, first_day: int, day_count: int) -> Rows:
        if first_day < FIRST_DAY:
            message = f"day {first_day} lies before the first day {FIRST_DAY} of the town's meters"
            raise ValueError(message)
        self._sum_days_before(first_day + day_count - 1)
        if day_count > 1:
            return day_rows(self.supply, first_day, day_count)
        if self._rows is None or self._rows_from != first_day:
            self._rows = day_rows(self.supply, first_day, 1)
            self._rows_from = first_day
        return self._rows

    def _sum_days_before(self, day: int) -> None:
        """Extend the sums up to the beginning of a day; the step width changes no digit."""
        while self._known_days < day - FIRST_DAY:
            count = min(_DAYS_AT_ONCE, day - FIRST_DAY - self._known_days)
            rows = day_rows(self.supply, FIRST_DAY + self._known_days, count)
            for name, gains in rows.counted.items():
                known = self._before[name]
                steps = np.concatenate([known[-1:], _summed(gains)[:, -1]])
                self._before[name] = np.concatenate([known, np.cumsum(steps)[1:]])
            self._known_days += count


def _summed(gains: FloatArray) -> FloatArray:
    """Return the sums before each slot and after the last one, shape (days, 97)."""
    zero = np.zeros((gains.shape[0], 1))
    return np.concatenate([zero, np.cumsum(gains, axis=1)], axis=1)


def start_indices(meter: Meter) -> Mapping[Quantity, float]:
    """Return what the totals of a meter show at the beginning of `FIRST_DAY`."""
    index_m3 = meter.start_index_m3
    match meter.medium:
        case Medium.GAS:
            base_m3 = round(index_m3 * meter.pressure_bara * _START_BASE_SHARE)
            return {Quantity.VOLUME_ACTUAL_M3: index_m3, Quantity.VOLUME_BASE_M3: float(base_m3)}
        case Medium.HEAT:
            return {
                Quantity.VOLUME_M3: index_m3,
                Quantity.ENERGY_KWH: index_m3 * _START_KWH_PER_M3,
            }
        case Medium.WATER:
            return {Quantity.VOLUME_M3: index_m3}


def models_of(town: Town, faults: Sequence[Fault] = ()) -> Mapping[MeterId, MeterModel]:
    """Return the model of every remotely read meter of the town under the given faults."""
    return {meter.meter_id: MeterModel(supply_of(town, meter, faults)) for meter in town.meters}

"""The town's past as batches for the server's ingest, streamed in bounded memory."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import count, islice

import numpy as np

from demo.chance import IntArray, key_of
from demo.consumption import MeterModel, supply_of
from demo.faults import Fault
from demo.household_truth import HomeFault, HomeFaultKind, plan_home_faults
from demo.households import home_indices
from demo.read_resolution import as_read
from demo.town import Household, Town
from demo.town_meters import Meter
from demo.town_time import (
    SLOT_S,
    SLOTS_PER_DAY,
    ZONE_OFFSET_S,
    day_start_utc,
    local_day,
    slot_after,
)
from wire_contracts.frames import MAX_EPOCH, MAX_FRAMES, Batch, Frame, utc_from_ms
from wire_contracts.quantities import Quantity

HISTORY_GROUP = "history"
IC_GATEWAY = "import-ic"
"""Readings of homes come from the charging desk and its radio reader, not from a street box."""

IC_PROFILE = "import_ic_card@1"
RADIO_PROFILE = "import_radio@1"
"""What stands in a frame that no register map decoded."""

MONTHS = 13

_SLOTS_AT_ONCE = 10 * SLOTS_PER_DAY
"""Slots of one gateway in memory: of 12 meters at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """Whose past is wanted, and until when.

    Attributes:
        town: The town.
        until_utc: The end, exclusive: the moment at which the town starts.
        days: How many days of quarter-hourly readings.
        faults: What was already wrong with remotely read meters.
    """

    town: Town
    until_utc: datetime
    days: int
    faults: Sequence[Fault] = ()


def history_epoch(seed: int, gateway_id: str) -> int:
    """Return the epoch under which the past of a gateway travels: that of an earlier queue."""
    return key_of(seed, "history", gateway_id) % MAX_EPOCH


def meter_history(past: Past, batch_size: int = MAX_FRAMES) -> Iterator[Batch]:
    """Yield the quarter-hourly readings of every remotely read meter, gateway by gateway.

    The frames of a gateway ascend in time, its seqs run from 1 without a gap. The readings are
    those that the meters show at these instants.
    """
    for box in past.town.gateways:
        frames = _gateway_frames(past, past.town.meters_of(box.gateway_id))
        epoch = history_epoch(past.town.seed, box.gateway_id)
        yield from _batched(box.gateway_id, epoch, frames, batch_size)


def reading_count(past: Past) -> int:
    """Return how many frames `meter_history` will yield, for a progress bar."""
    return len(past.town.meters) * past.days * SLOTS_PER_DAY


def household_history(past: Past, batch_size: int = MAX_FRAMES) -> Iterator[Batch]:
    """Yield the monthly readings of all homes and the daily ones of the radio building.

    13 monthly readings per home end with the last first of a month before `until_utc`; the radio
    building has one reading a day over the same months.
    """
    epoch = history_epoch(past.town.seed, IC_GATEWAY)
    yield from _batched(IC_GATEWAY, epoch, _household_frames(past), batch_size)


def home_epoch(seed: int, day: int) -> int:
    """Return the epoch under which the homes' readings of one local day travel."""
    return key_of(seed, "homes", day) % MAX_EPOCH


def homes_of_day(town: Town, day: int, batch_size: int = MAX_FRAMES) -> Iterator[Batch]:
    """Yield what is read of homes on one local day, at 00:00.

    That is the radio building every day and every other home on the first of a month. The same
    day always makes the same batches, so that bringing them twice stores nothing twice.
    """
    is_first = int(month_starts(day)[-1]) == day
    homes = [home for home in town.households if is_first or home.is_remote_read]
    faults = plan_home_faults(town.seed, town.households)
    frames = _home_frames(town, homes, np.array([day], dtype=np.int64), faults, count(1))
    yield from _batched(IC_GATEWAY, home_epoch(town.seed, day), frames, batch_size)


def month_starts(last_day: int) -> IntArray:
    """Return the 13 latest firsts of a month up to a local day, as local days, ascending."""
    month = np.array([last_day], dtype="datetime64[D]").astype("datetime64[M]")[0]
    months = np.asarray(month - np.arange(MONTHS - 1, -1, -1), dtype="datetime64[D]")
    return np.asarray(months, dtype=np.int64)


def _batched(
    gateway_id: str, epoch: int, frames: Iterator[Frame], batch_size: int
) -> Iterator[Batch]:
    while chunk := tuple(islice(frames, batch_size)):
        yield Batch(gateway_id=gateway_id, epoch=epoch, frames=chunk)


def _gateway_frames(past: Past, meters: Sequence[Meter]) -> Iterator[Frame]:
    """Yield the frames of one gateway, some days at a time, ascending in time."""
    end_slot = slot_after(past.until_utc)
    first_slot = end_slot - past.days * SLOTS_PER_DAY
    models = [MeterModel(supply_of(past.town, meter, past.faults)) for meter in meters]
    seqs = count(1)
    for slot in range(first_slot, end_slot, _SLOTS_AT_ONCE):
        slots = np.arange(slot, min(slot + _SLOTS_AT_ONCE, end_slot), dtype=np.int64)
        times_ms = slots * (SLOT_S * 1000) - ZONE_OFFSET_S * 1000
        columns = [_columns(model, times_ms) for model in models]
        for row, time_ms in enumerate(times_ms.tolist()):
            moment = utc_from_ms(time_ms)
            for meter, (names, values) in zip(meters, columns, strict=True):
                yield Frame(
                    seq=next(seqs),
                    device=meter.serial,
                    measured_at_utc=moment,
                    profile=meter.profile,
                    group=HISTORY_GROUP,
                    values=dict(zip(names, values[row], strict=True)),
                )


def _columns(
    model: MeterModel, times_ms: IntArray
) -> tuple[Sequence[Quantity], Sequence[Sequence[float]]]:
    """Return the names of the quantities and one row of values per moment."""
    meter = model.supply.meter
    series = as_read(meter.profile, model.series(times_ms))
    return list(series), np.stack(list(series.values()), axis=1).tolist()


def _household_frames(past: Past) -> Iterator[Frame]:
    town = past.town
    months = month_starts(local_day(past.until_utc))
    faults = plan_home_faults(town.seed, town.households)
    seqs = count(1)
    for community in town.communities:
        homes = [home for home in town.households if home.community_no == community.number]
        radio = [home for home in homes if home.is_remote_read]
        card = [home for home in homes if not home.is_remote_read]
        every_day = np.arange(months[0], local_day(past.until_utc) + 1, dtype=np.int64)
        for group, days in ((card, months), (radio, every_day)):
            if group:
                yield from _home_frames(town, group, days, faults, seqs)


def _home_frames(
    town: Town,
    homes: Sequence[Household],
    days: IntArray,
    faults: Sequence[HomeFault],
    seqs: Iterator[int],
) -> Iterator[Frame]:
    found = home_indices(town.seed, homes, days, faults)
    gaps = {fault.meter_id: fault for fault in faults if fault.kind is HomeFaultKind.GAPS}
    for column, day in enumerate(days.tolist()):
        moment = day_start_utc(day)
        for row, home in enumerate(homes):
            gap = gaps.get(home.meter_id)
            if gap is not None and day >= gap.first_day and day % 2:
                continue
            yield Frame(
                seq=next(seqs),
                device=home.serial,
                measured_at_utc=moment,
                profile=RADIO_PROFILE if home.is_remote_read else IC_PROFILE,
                group=HISTORY_GROUP,
                values={Quantity.VOLUME_ACTUAL_M3: float(found.index_m3[row, column])},
            )

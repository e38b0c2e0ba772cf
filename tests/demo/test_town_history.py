"""The past: complete, within the limits of the wire, and equal to what the meters show."""

from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import islice, pairwise

import numpy as np
import pytest

from demo.consumption import MeterModel, supply_of
from demo.faults import Fault, FaultKind
from demo.history import (
    IC_GATEWAY,
    MONTHS,
    Past,
    history_epoch,
    homes_of_day,
    household_history,
    meter_history,
    month_starts,
    reading_count,
)
from demo.household_truth import HOME_FAULT_COUNTS, HomeFaultKind, plan_home_faults
from demo.read_resolution import MAKES, as_read
from demo.seed_plan_io import load_town
from demo.town import Town
from demo.town_clock import DEFAULT_START_UTC
from demo.town_time import day_start_utc, local_day
from firmware_profiles.decode import decode_group
from firmware_profiles.encode import encode_values
from firmware_profiles.library_io import load_profile
from firmware_profiles.profile import wire_registers
from wire_contracts.frames import MAX_FRAMES, Batch, Frame, dump_batch, frame_json, parse_batch
from wire_contracts.payloads import MAX_WIRE_BYTES, pack, unpack
from wire_contracts.quantities import TOTALISERS, Quantity


def past_of(town: Town, days: int, *faults: Fault) -> Past:
    return Past(town=town, until_utc=DEFAULT_START_UTC, days=days, faults=faults)


def test_the_past_has_every_meter_every_quarter_of_an_hour_until_the_start(town: Town) -> None:
    past = past_of(town, 2)
    instants: dict[str, list[datetime]] = defaultdict(list)
    for batch in meter_history(past):
        for frame in batch.frames:
            instants[frame.device].append(frame.measured_at_utc)

    first = DEFAULT_START_UTC - timedelta(days=2)
    expected = [first + timedelta(minutes=15) * step for step in range(2 * 96)]
    assert set(instants) == {meter.serial for meter in town.meters}
    assert all(found == expected for found in instants.values())
    assert reading_count(past) == sum(map(len, instants.values()))


def test_the_past_is_what_the_meters_show_at_the_same_instants(town: Town) -> None:
    by_serial = {meter.serial: meter for meter in town.meters}
    models = {meter.serial: MeterModel(supply_of(town, meter)) for meter in town.meters}
    frames = [
        frame for batch in islice(meter_history(past_of(town, 1)), 60) for frame in batch.frames
    ]
    for frame in frames[::29]:
        shown = models[frame.device].quantities(frame.measured_at_utc)
        profile = by_serial[frame.device].profile
        read = as_read(profile, {name: np.array([value]) for name, value in shown.items()})

        assert frame.values == {name: values[0] for name, values in read.items()}


def test_the_table_of_makes_agrees_with_the_profiles(town: Town) -> None:
    for reference, make in MAKES.items():
        profile = load_profile(reference)
        wire = wire_registers(profile)
        fast = {name for name, register in wire.items() if register.group == "fast"}
        meter = next(meter for meter in town.meters if meter.profile == reference)
        shown = MeterModel(supply_of(town, meter)).quantities(DEFAULT_START_UTC)
        words = encode_values(profile, {k: v for k, v in shown.items() if k in wire})
        decoded = decode_group(profile, "fast", words, {})
        read = as_read(reference, {name: np.array([value]) for name, value in shown.items()})

        assert make.sent == fast & shown.keys()
        for name in make.sent & TOTALISERS:
            assert decoded.values[name] == pytest.approx(read[name][0], abs=6e-5)


def test_seqs_of_a_gateway_run_from_one_without_a_gap_and_totals_never_fall(town: Town) -> None:
    seqs: dict[str, list[int]] = defaultdict(list)
    totals: dict[tuple[str, Quantity], list[float]] = defaultdict(list)
    for batch in meter_history(past_of(town, 3)):
        assert batch.epoch == history_epoch(town.seed, batch.gateway_id)
        seqs[batch.gateway_id] += [frame.seq for frame in batch.frames]
        for frame in batch.frames:
            for name in TOTALISERS & frame.values.keys():
                totals[frame.device, name].append(frame.values[name])

    assert len(seqs) == 20
    assert all(found == list(range(1, len(found) + 1)) for found in seqs.values())
    assert all(low <= high for found in totals.values() for low, high in pairwise(found))


def test_every_batch_of_the_past_is_one_that_a_gateway_could_have_sent(town: Town) -> None:
    past = past_of(town, 1)
    batches = [*islice(meter_history(past), 40), *islice(household_history(past), 5)]
    for batch in batches:
        bodies = [frame_json(frame) for frame in batch.frames]
        payload = pack(dump_batch(batch.gateway_id, batch.epoch, bodies))

        assert len(batch.frames) <= MAX_FRAMES
        assert len(payload) <= MAX_WIRE_BYTES
        assert parse_batch(unpack("history", payload)) == plain(batch)


def plain(batch: Batch) -> Batch:
    return Batch(
        gateway_id=batch.gateway_id,
        epoch=batch.epoch,
        frames=list(batch.frames),
        gaps=[],
        rejected=[],
    )


def test_a_leak_before_the_start_is_in_the_past(town: Town) -> None:
    school = next(meter for meter in town.meters if meter.use == "school")
    leak = Fault(
        fault_id="leak-1",
        meter_id=school.meter_id,
        kind=FaultKind.LEAK,
        start_utc=DEFAULT_START_UTC - timedelta(hours=24),
        flow_m3h=1.0,
    )

    def last_total(past: Past) -> float:
        found: float = 0.0
        for batch in meter_history(past):
            if batch.gateway_id == school.gateway_id:
                for frame in batch.frames:
                    if frame.device == school.serial:
                        found = frame.values[Quantity.VOLUME_BASE_M3]
        return found

    gained = last_total(past_of(town, 2, leak)) - last_total(past_of(town, 2))

    # 23.75 h at 1 m3/h of actual volume, times the conversion factor of a low-pressure network.
    assert 23.75 <= gained <= 23.75 * 1.35


@cache
def homes_past(seed: int) -> dict[str, list[Frame]]:
    town = load_town(seed)
    frames: dict[str, list[Frame]] = defaultdict(list)
    for batch in household_history(past_of(town, 1), 500):
        assert batch.gateway_id == IC_GATEWAY
        for frame in batch.frames:
            frames[frame.device].append(frame)
    return frames


def home_frames(town: Town) -> dict[str, list[Frame]]:
    return homes_past(town.seed)


def test_homes_have_13_monthly_readings_and_the_radio_building_daily_ones(town: Town) -> None:
    frames = home_frames(town)
    faults = {fault.meter_id: fault for fault in plan_home_faults(town.seed, town.households)}
    lengths = Counter(
        (home.is_remote_read, len(frames[home.serial]))
        for home in town.households
        if home.meter_id not in faults
    )
    cards = {length for is_radio, length in lengths if not is_radio}
    radio = {length for is_radio, length in lengths if is_radio}
    days = local_day(DEFAULT_START_UTC) - month_starts(local_day(DEFAULT_START_UTC))[0] + 1

    assert len(frames) == 10_368
    assert cards == {MONTHS}
    assert radio == {days}
    assert frames[town.households[-1].serial][-1].measured_at_utc == datetime(
        2026, 11, 30, 16, 0, tzinfo=UTC
    )


def indices_of(frames: list[Frame], first_day: int = 0) -> list[float]:
    return [
        frame.values[Quantity.VOLUME_ACTUAL_M3]
        for frame in frames
        if frame.measured_at_utc >= day_start_utc(first_day)
    ]


def test_an_index_falls_only_where_a_meter_runs_backwards_or_was_exchanged(town: Town) -> None:
    frames = home_frames(town)
    faults = {fault.meter_id: fault.kind for fault in plan_home_faults(town.seed, town.households)}
    falling = Counter(
        faults.get(home.meter_id)
        for home in town.households
        if any(low > high for low, high in pairwise(indices_of(frames[home.serial])))
    )

    assert falling.keys() <= {HomeFaultKind.REVERSED, HomeFaultKind.EXCHANGED}
    assert falling[HomeFaultKind.REVERSED] >= 4
    assert falling[HomeFaultKind.EXCHANGED] >= 9


def test_the_index_of_an_empty_home_stands_still(town: Town) -> None:
    frames = home_frames(town)
    serial_of = {home.meter_id: home.serial for home in town.households}
    vacant = [
        indices_of(frames[serial_of[fault.meter_id]], fault.first_day)
        for fault in plan_home_faults(town.seed, town.households)
        if fault.kind is HomeFaultKind.VACANT
    ]

    assert len(vacant) == 40
    assert all(len(set(shown)) <= 1 for shown in vacant)


def test_the_homes_faults_are_as_many_as_the_plan_says(town: Town) -> None:
    faults = plan_home_faults(town.seed, town.households)

    assert Counter(fault.kind for fault in faults) == HOME_FAULT_COUNTS
    assert len({fault.meter_id for fault in faults}) == len(faults)
    leaks = [fault.flow_m3h for fault in faults if fault.kind is HomeFaultKind.LEAKING]
    assert 0.02 <= min(leaks) <= max(leaks) <= 0.2


def test_the_13_months_end_with_the_month_of_the_start() -> None:
    starts = month_starts(local_day(DEFAULT_START_UTC))

    assert len(starts) == 13
    assert [day_start_utc(int(day)) for day in (starts[0], starts[-1])] == [
        datetime(2025, 11, 30, 16, 0, tzinfo=UTC),
        datetime(2026, 11, 30, 16, 0, tzinfo=UTC),
    ]


def test_a_later_day_goes_on_where_the_past_ended(town: Town) -> None:
    today = local_day(DEFAULT_START_UTC)
    frames = home_frames(town)
    tomorrow = [frame for batch in homes_of_day(town, today + 1) for frame in batch.frames]

    assert {frame.device for frame in tomorrow} == {
        home.serial for home in town.remote_households()
    }
    for frame in tomorrow:
        last = frames[frame.device][-1]
        assert frame.measured_at_utc == last.measured_at_utc + timedelta(days=1)
        used = indices_of([frame])[0] - indices_of([last])[0]
        assert -10.0 < used < 20.0


def test_on_the_first_of_a_month_every_home_is_read(town: Town) -> None:
    first = int(month_starts(local_day(datetime(2027, 1, 15, tzinfo=UTC)))[-1])
    frames = [frame for batch in homes_of_day(town, first) for frame in batch.frames]

    assert 10_368 - 12 <= len(frames) <= 10_368


def test_a_day_of_homes_always_makes_the_same_batches(town: Town) -> None:
    day = local_day(DEFAULT_START_UTC) + 1

    assert list(homes_of_day(town, day)) == list(homes_of_day(town, day))

"""The fleet core on made-up meters: what must be found, what must stay silent, in any order."""

from collections.abc import Sequence
from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from sync_server.detection.advance import advance
from sync_server.detection.alerting.alert_book import AlertBook, Change, Lane, decide_alerts
from sync_server.detection.fleet_state import FleetState, empty_state
from sync_server.detection.meters.candidates import Candidate, QualityFlag
from sync_server.detection.meters.columns import Floats
from sync_server.detection.meters.fleet import Fleet, MeterSpec, Role, fleet_of
from sync_server.detection.meters.intake import Info, OutdoorSeries, ReadingBatch, Surroundings
from sync_server.detection.meters.state_arrays import pack_state, put_rows, take_rows, unpack_state
from wire_contracts.kinds import Family, Kind
from wire_contracts.quantities import Medium

HOUR_S = 3600
DAY_S = 86_400
START_S = 1_735_689_600
NOTHING = Surroundings()


def home(meter_id: str = "w", **values: float) -> MeterSpec:
    return MeterSpec(
        meter_id=meter_id,
        medium=Medium.WATER,
        role=Role.HOME,
        interval_s=HOUR_S,
        volume_resolution_m3=0.001,
        volume_modulus_m3=values.get("modulus"),
    )


def inflow() -> MeterSpec:
    return MeterSpec(
        meter_id="dma",
        medium=Medium.WATER,
        role=Role.DMA,
        interval_s=HOUR_S,
        volume_resolution_m3=0.1,
    )


def litres_of_a_home(days: int, seed: int = 1) -> Floats:
    rng = np.random.default_rng(seed)
    rhythm = np.array([0.02] * 6 + [1.2] * 4 + [0.5] * 7 + [1.3] * 5 + [0.1] * 2)
    draws = rng.poisson(np.tile(rhythm, days))
    litres: Floats = np.round(draws * rng.gamma(2.0, 6.0, days * 24))
    return litres


def batch_of(row: int, volume_m3: Floats, stamps: NDArray[np.int64] | None = None) -> ReadingBatch:
    count = len(volume_m3)
    measured = START_S + HOUR_S * np.arange(1, count + 1) if stamps is None else stamps
    nothing = np.full(count, np.nan)
    return ReadingBatch(
        row=np.full(count, row),
        measured_s=measured,
        received_s=measured + 20,
        volume_m3=volume_m3,
        energy_kwh=nothing,
        flow_m3h=nothing,
        power_kw=nothing,
        supply_temp_degc=nothing,
        return_temp_degc=nothing,
        info=np.zeros(count, dtype=np.int64),
    )


def part(batch: ReadingBatch, places: NDArray[np.int64]) -> ReadingBatch:
    return ReadingBatch(**{each.name: getattr(batch, each.name)[places] for each in fields(batch)})


def register(litres: Floats, first_m3: float = 50.0) -> Floats:
    values: Floats = first_m3 + np.cumsum(litres) / 1000.0
    return values


def run(
    fleet: Fleet, batch: ReadingBatch, hours: int = 24 * 7
) -> tuple[FleetState, Sequence[Candidate]]:
    state, found = empty_state(fleet), list[Candidate]()
    first, last = int(batch.received_s.min()), int(batch.received_s.max())
    moments = [*range(first, last, hours * HOUR_S), last + 400]
    before_s = 0
    for now_s in moments:
        inside = np.flatnonzero((batch.received_s > before_s) & (batch.received_s <= now_s))
        step = advance(fleet, state, part(batch, inside), NOTHING, now_s)
        state, before_s = step.state, now_s
        found.extend(step.candidates)
    return state, found


def kinds(candidates: Sequence[Candidate]) -> set[Kind]:
    return {each.kind for each in candidates if each.is_raised}


def test_a_small_leak_in_a_home_is_found_within_two_days_and_explained() -> None:
    litres = litres_of_a_home(80)
    litres[60 * 24 :] += 6.0

    _, found = run(fleet_of([home()]), batch_of(0, register(litres)))

    first = min(found, key=lambda each: each.at_s)
    assert kinds(found) == {Kind.SLOW_LEAK}
    assert first.at_s <= START_S + 62 * DAY_S
    assert first.observed == pytest.approx(0.006, rel=0.2)
    assert (first.unit, first.rule) == ("m³/h", "floor")


def test_an_alert_says_what_weakens_it() -> None:
    litres = litres_of_a_home(50)
    litres[42 * 24 :] += 8.0
    batch = batch_of(0, register(litres))
    hours = np.arange(len(litres))
    heard = part(batch, np.flatnonzero((hours < 43 * 24) | (hours > 43 * 24 + 3)))

    _, found = run(fleet_of([home()]), heard)

    last = max(found, key=lambda each: each.at_s)
    assert set(last.quality) == {QualityFlag.SHORT_HISTORY, QualityFlag.GAP}
    assert ("hours_unknown", 4.0) in {(each.name, each.value) for each in last.against}


def test_a_home_with_guests_is_no_leak() -> None:
    litres = litres_of_a_home(80)
    litres[60 * 24 : 67 * 24] *= 3.0

    _, found = run(fleet_of([home()]), batch_of(0, register(litres)))

    assert kinds(found) == set()


def test_nothing_is_said_before_enough_was_learned() -> None:
    litres = litres_of_a_home(12)
    litres[8 * 24 :] += 6.0

    _, found = run(fleet_of([home()]), batch_of(0, register(litres)))

    assert kinds(found) == set()


def test_a_burst_is_found_within_hours_and_a_bath_is_not_one() -> None:
    litres = litres_of_a_home(80)
    litres[50 * 24] += 250.0
    litres[60 * 24 + 3 : 60 * 24 + 15] += 900.0

    _, found = run(fleet_of([home()]), batch_of(0, register(litres)))

    bursts = [each for each in found if each.kind is Kind.BURST]
    assert min(each.at_s for each in bursts) <= START_S + 60 * DAY_S + 6 * HOUR_S


def test_a_register_that_stands_for_a_week_is_stuck_and_a_long_weekend_is_not() -> None:
    litres = litres_of_a_home(90)
    litres[50 * 24 : 53 * 24] = 0.0
    litres[70 * 24 : 80 * 24] = 0.0

    _, found = run(fleet_of([home()]), batch_of(0, register(litres)))

    assert kinds(found) == {Kind.STUCK}
    assert min(each.at_s for each in found) > START_S + 75 * DAY_S


def test_a_roll_over_an_exchange_and_a_backwards_meter_are_told_apart() -> None:
    litres = litres_of_a_home(60)
    rolls = register(litres, first_m3=999.0)
    wrapped = np.where(rolls >= 1000.0, rolls - 1000.0, rolls)
    exchanged = register(litres)
    exchanged[40 * 24 :] -= exchanged[40 * 24]
    backwards = litres.copy()
    backwards[40 * 24 :] *= -1.0
    fleet = fleet_of([home("a", modulus=1000.0), home("b"), home("c")])
    batches = [wrapped, exchanged, register(backwards)]
    pieces = [batch_of(row, volume) for row, volume in enumerate(batches)]
    batch = ReadingBatch(
        **{
            each.name: np.concatenate([getattr(piece, each.name) for piece in pieces])
            for each in fields(ReadingBatch)
        }
    )

    _, found = run(fleet, batch)

    _, changes = decide_alerts(AlertBook(), found, 2**40)
    told = {
        (fleet.specs[each.alert.row].meter_id, each.alert.kind)
        for each in changes
        if each.change is Change.RAISED
    }
    assert told == {("a", Kind.ROLLOVER), ("b", Kind.EXCHANGE), ("c", Kind.REVERSED)}


def test_advances_that_become_round_are_a_wrong_pulse_value() -> None:
    litres = litres_of_a_home(80)
    litres[60 * 24 :] *= 100.0

    _, found = run(fleet_of([home()]), batch_of(0, register(litres)))

    assert Kind.UNIT_SCALE in kinds(found)


def test_parts_of_a_step_that_the_register_cannot_show_are_a_wrong_unit() -> None:
    litres = litres_of_a_home(20) * 10.0
    divided = litres.copy()
    divided[15 * 24 :] /= 3.6
    coarse = replace(home(), volume_resolution_m3=0.01)

    assert kinds(run(fleet_of([coarse]), batch_of(0, register(litres)))[1]) == set()
    _, found = run(fleet_of([coarse]), batch_of(0, register(divided)))

    assert kinds(found) == {Kind.UNIT_SCALE}
    assert min(each.at_s for each in found) <= START_S + 16 * DAY_S


def test_a_step_that_makes_up_for_a_standstill_was_a_frozen_payload() -> None:
    litres = litres_of_a_home(80)
    frozen = register(litres)
    frozen[60 * 24 : 64 * 24] = frozen[60 * 24]
    away = litres.copy()
    away[60 * 24 : 64 * 24] = 0.0

    assert kinds(run(fleet_of([home()]), batch_of(0, register(away)))[1]) == set()
    _, found = run(fleet_of([home()]), batch_of(0, frozen))

    assert kinds(found) == {Kind.COMM_FROZEN}
    assert min(each.at_s for each in found) <= START_S + 65 * DAY_S


def test_draws_that_all_became_smaller_are_a_bypass_and_a_week_away_is_none() -> None:
    litres = litres_of_a_home(90)
    passed_by = litres.copy()
    passed_by[60 * 24 :] = np.round(passed_by[60 * 24 :] * 0.4)
    away = litres.copy()
    away[60 * 24 : 64 * 24] = 0.0

    assert kinds(run(fleet_of([home()]), batch_of(0, register(away)))[1]) == set()
    _, found = run(fleet_of([home()]), batch_of(0, register(passed_by)))

    assert kinds(found) == {Kind.BYPASS}
    assert min(each.at_s for each in found) <= START_S + 70 * DAY_S


def test_a_district_that_rises_for_good_is_found_and_one_busy_evening_is_not() -> None:
    rng = np.random.default_rng(3)
    rhythm = np.tile(20_000.0 + 9_000.0 * np.sin(np.arange(24) / 24.0 * 2 * np.pi), 90)
    litres = np.round(rhythm * rng.normal(1.0, 0.03, len(rhythm)), -2)
    busy = litres.copy()
    busy[60 * 24 + 18 : 60 * 24 + 21] += 15_000.0
    leaking = litres.copy()
    leaking[70 * 24 :] += 6_000.0
    fleet = fleet_of([inflow()])

    assert kinds(run(fleet, batch_of(0, register(busy)))[1]) == set()
    assert kinds(run(fleet, batch_of(0, register(leaking)))[1]) >= {Kind.SLOW_LEAK}


def test_silence_is_told_once_and_held_until_the_meter_is_heard_again() -> None:
    litres = litres_of_a_home(9)
    batch = batch_of(0, register(litres))
    hours = np.arange(len(litres))
    heard = part(batch, np.flatnonzero((hours < 120) | (hours > 170)))

    _, found = run(fleet_of([home()]), heard, hours=1)

    gaps = [each for each in found if each.kind is Kind.COMM_GAP]
    assert sum(each.is_raised for each in gaps) == 1
    assert gaps[0].at_s == START_S + 120 * HOUR_S + 20 + 26 * HOUR_S


@pytest.mark.parametrize("shift_h", [-3, 2])
def test_a_shifted_clock_is_named_and_put_right(shift_h: int) -> None:
    litres = litres_of_a_home(60)
    batch = batch_of(0, register(litres))
    stamps = batch.measured_s.copy()
    stamps[40 * 24 :] += shift_h * HOUR_S
    values = {each.name: getattr(batch, each.name) for each in fields(batch)}
    shifted = ReadingBatch(**{**values, "measured_s": stamps})

    state, found = run(fleet_of([home()]), shifted)

    assert kinds(found) == {Kind.CLOCK_SHIFT}
    assert state.newest_s[0] == pytest.approx(START_S + 60 * DAY_S, abs=60)


@pytest.mark.parametrize("hours", [5])
def test_how_often_it_is_called_changes_no_alert(hours: int) -> None:
    litres = litres_of_a_home(50)
    litres[42 * 24 :] += 8.0
    fleet, batch = fleet_of([home()]), batch_of(0, register(litres))

    whole = raised(run(fleet, batch)[1])

    assert raised(run(fleet, batch, hours=hours)[1]) == whole


def raised(candidates: Sequence[Candidate]) -> Sequence[tuple[int, Kind, int]]:
    _, changes = decide_alerts(AlertBook(), candidates, 2**40)
    return [
        (each.alert.row, each.alert.kind, each.at_s)
        for each in changes
        if each.change is Change.RAISED
    ]


def test_a_late_reading_is_named_and_a_replay_from_the_checkpoint_mends_the_row() -> None:
    litres = litres_of_a_home(50)
    fleet, batch = fleet_of([home()]), batch_of(0, register(litres))
    hours = np.arange(len(litres))
    before = part(batch, np.flatnonzero(hours < 960))
    missing = part(batch, np.flatnonzero((hours >= 960) & (hours != 1000)))
    checkpoint, _ = run(fleet, before)
    state = unpack_state(empty_state(fleet), pack_state(checkpoint))
    last_s = int(batch.received_s.max())
    state = advance(fleet, state, missing, NOTHING, last_s).state

    late = advance(fleet, state, part(batch, np.array([1000])), NOTHING, last_s).late
    mended = take_rows(checkpoint, np.array([0]))
    whole = part(batch, np.flatnonzero(hours >= 960))
    mended = advance(fleet, mended, whole, NOTHING, last_s).state
    put_rows(state, np.array([0]), mended)

    assert [each.row for each in late] == [0]
    assert np.array_equal(state.history.rate, mended.history.rate, equal_nan=True)
    assert not np.isnan(state.history.rate[0]).any()


def test_a_checkpoint_of_another_rule_version_is_refused() -> None:
    packed = pack_state(empty_state(fleet_of([home()])).slots)

    with pytest.raises(ValueError, match=r"not those of this rule version"):
        unpack_state(empty_state(fleet_of([home()])), packed)


def test_feedback_and_service_life_bound_what_is_said() -> None:
    litres = litres_of_a_home(80)
    litres[60 * 24 :] += 6.0
    batch = batch_of(0, register(litres))
    fleet = fleet_of([home()])
    dulled = Surroundings(multipliers={(0, Family.EXCESS): 3.0})
    step = advance(fleet, empty_state(fleet), batch, dulled, int(batch.received_s.max()))
    plain = advance(fleet, empty_state(fleet), batch, NOTHING, int(batch.received_s.max()))

    assert max(each.score for each in plain.candidates) == pytest.approx(
        3.0 * max(each.score for each in step.candidates)
    )


def test_a_site_that_was_never_heard_opens_no_hours() -> None:
    fleet = fleet_of([home("a")])
    batch = batch_of(0, register(litres_of_a_home(3)))
    nothing = part(batch, np.zeros(0, dtype=np.int64))
    state = empty_state(fleet)
    for hour in range(3):
        state = advance(fleet, state, nothing, Surroundings(), START_S - (3 - hour) * HOUR_S).state
        assert state.slots.slot.tolist() == [0]

    now_s = int(batch.received_s.max())
    begun = advance(fleet, state, batch, Surroundings(), now_s).state
    fresh = advance(fleet, empty_state(fleet), batch, Surroundings(), now_s).state
    assert pack_state(begun) == pack_state(fresh)


def test_a_first_stamp_of_the_year_2000_opens_no_decades() -> None:
    fleet = fleet_of([home("a"), home("b")])
    stamps = np.array([946_688_400], dtype=np.int64)
    reset = batch_of(0, register(np.ones(1)), stamps)
    reset = replace(reset, received_s=stamps * 0 + START_S)

    state = advance(fleet, empty_state(fleet), reset, Surroundings(), START_S).state

    assert state.history.rate.shape[0] == len(fleet.specs)
    assert START_S // HOUR_S - state.slots.slot[0] < 24 * 401


def test_a_meter_that_is_listed_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="fleet: meter_id: a meter is listed twice"):
        fleet_of([home("a"), home("a")])


def word(kind: Kind, at_h: float, score: float = 1.0, *, is_raised: bool = True) -> Candidate:
    return Candidate(
        row=0,
        meter_id="w",
        kind=kind,
        rule="floor",
        start_s=0,
        at_s=int(at_h * HOUR_S),
        score=score,
        statistic=score,
        threshold=1.0,
        observed=1.0,
        expected=0.0,
        expected_low=0.0,
        expected_high=0.0,
        unit="m³/h",
        is_raised=is_raised,
    )


def test_what_goes_on_is_one_alert_that_clears_and_comes_back_as_itself() -> None:
    words = [word(Kind.SLOW_LEAK, hour) for hour in (0, 6, 12, 24 * 4)]

    _, changes = decide_alerts(AlertBook(), words, 2**40)

    assert [each.change for each in changes] == [
        Change.RAISED,
        Change.CLEARED,
        Change.REOPENED,
        Change.CLEARED,
    ]


def test_a_leak_that_becomes_a_burst_is_the_same_alert_escalated() -> None:
    words = [word(Kind.SLOW_LEAK, 0), word(Kind.BURST, 5, 2.0)]

    book, changes = decide_alerts(AlertBook(), words, 6 * HOUR_S)

    assert [each.change for each in changes] == [Change.RAISED, Change.ESCALATED]
    assert book.alerts[0, Lane.EXCESS].kind is Kind.BURST


def test_an_open_quality_alert_masks_consumption_and_is_held_by_it() -> None:
    words = [word(Kind.UNIT_SCALE, 0), word(Kind.BURST, 5), word(Kind.BURST, 27)]

    book, changes = decide_alerts(AlertBook(), words, 28 * HOUR_S)

    assert [each.alert.kind for each in changes] == [Kind.UNIT_SCALE]
    assert book.alerts[0, Lane.SCALE].held_at_s == 27 * HOUR_S


def test_what_only_holds_raises_nothing() -> None:
    _, changes = decide_alerts(AlertBook(), [word(Kind.COMM_GAP, 0, is_raised=False)], HOUR_S)

    assert changes == []


@given(order=st.permutations(list(range(6))))
def test_candidates_in_any_order_make_the_same_alerts(order: list[int]) -> None:
    words = [word(Kind.SLOW_LEAK, 4.0 * index, 1.0 + index) for index in range(6)]

    assert decide_alerts(AlertBook(), [words[index] for index in order], 2**40) == decide_alerts(
        AlertBook(), words, 2**40
    )


def test_a_fault_of_the_outdoor_sensor_is_no_temperature() -> None:
    spec = MeterSpec(
        meter_id="h",
        medium=Medium.HEAT,
        role=Role.CONSUMER,
        interval_s=HOUR_S,
        weather_id="roof",
    )
    fleet = fleet_of([spec])
    batch = batch_of(0, register(litres_of_a_home(10)))
    broken = OutdoorSeries(first_hour_s=START_S, temp_degc=np.full(24 * 10, np.nan))
    surroundings = Surroundings(weather={"roof": broken})

    step = advance(fleet, empty_state(fleet), batch, surroundings, int(batch.received_s.max()))

    assert list(step.candidates) == []


def test_a_meter_that_says_itself_that_it_leaks_is_believed_sooner() -> None:
    litres = litres_of_a_home(80)
    litres[60 * 24 :] += 6.0
    silent = batch_of(0, register(litres))
    said = np.where(np.arange(len(litres)) >= 60 * 24 + 6, int(Info.LEAK | Info.BATTERY_LOW), 0)

    first_s = []
    for batch in (silent, replace(silent, info=said)):
        _, found = run(fleet_of([home()]), batch, hours=6)
        first = min((each for each in found if each.is_raised), key=lambda each: each.at_s)
        first_s.append(first.at_s)
        names = {each.name for each in first.evidence}
        assert first.kind is Kind.SLOW_LEAK
        assert ("meter_says_leak" in names) == (batch is not silent)

    assert first_s[1] < first_s[0]


def test_what_a_meter_says_alone_is_no_alert() -> None:
    litres = litres_of_a_home(80)
    batch = batch_of(0, register(litres))

    _, found = run(fleet_of([home()]), replace(batch, info=np.full(len(litres), int(Info.LEAK))))

    assert kinds(found) == set()

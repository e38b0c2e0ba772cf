"""Whatever order frames come in and however often: the same alerts, of every detector (R18)."""

from collections.abc import Sequence
from dataclasses import fields, replace
from functools import cache

import numpy as np
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from sync_server.detection.advance import advance
from sync_server.detection.alerting.alert_book import AlertBook, AlertChange, decide_alerts
from sync_server.detection.fleet_state import empty_state
from sync_server.detection.meters.candidates import Candidate
from sync_server.detection.meters.columns import Floats
from sync_server.detection.meters.fleet import Fleet, MeterSpec, Role, fleet_of
from sync_server.detection.meters.intake import OutdoorSeries, ReadingBatch, Surroundings
from wire_contracts.kinds import Kind
from wire_contracts.quantities import Medium

HOUR_S = 3600
START_S = 1_735_689_600
DAYS, STEP = 84, 6
FAULT_H = 66 * 24
HOURS = np.arange(DAYS * 24)
OUTDOOR = 4.0 + 6.0 * np.sin(HOURS / 210.0) + 2.0 * np.sin(HOURS / 24.0 * 2 * np.pi)
SURROUNDINGS = Surroundings(
    weather={"roof": OutdoorSeries(first_hour_s=START_S, temp_degc=OUTDOOR)}
)


def spec(meter_id: str, medium: Medium, role: Role) -> MeterSpec:
    return MeterSpec(
        meter_id=meter_id,
        medium=medium,
        role=role,
        interval_s=HOUR_S,
        volume_resolution_m3=0.1 if role is Role.DMA else 0.001,
        energy_resolution_kwh=1.0 if medium is Medium.HEAT else None,
        weather_id="roof" if role is Role.CONSUMER else None,
        judged_from_s=START_S + 62 * 24 * HOUR_S,
    )


SPECS = (
    spec("leaking home", Medium.WATER, Role.HOME),
    spec("burst home", Medium.WATER, Role.HOME),
    spec("standing home", Medium.WATER, Role.HOME),
    spec("gas", Medium.GAS, Role.CONSUMER),
    spec("open valve", Medium.HEAT, Role.CONSUMER),
    spec("drifting", Medium.HEAT, Role.CONSUMER),
    spec("backwards", Medium.WATER, Role.HOME),
    spec("inflow", Medium.WATER, Role.DMA),
)


def litres(index: int, rng: np.random.Generator) -> Floats:
    rhythm = np.array([0.02] * 6 + [1.2] * 4 + [0.5] * 7 + [1.3] * 5 + [0.1] * 2)
    draws = np.round(rng.poisson(np.tile(rhythm, DAYS)) * rng.gamma(2.0, 6.0, len(HOURS)))
    late = HOURS >= FAULT_H
    if SPECS[index].meter_id == "leaking home":
        return draws + 8.0 * late
    if SPECS[index].meter_id == "burst home":
        return draws + 900.0 * (late & (FAULT_H + 30 > HOURS))
    if SPECS[index].meter_id == "standing home":
        return draws * ~late
    if SPECS[index].meter_id == "backwards":
        return np.where(late, -draws, draws)
    steady: Floats = np.round(rng.normal(20_000.0, 400.0, len(HOURS)), -2)
    return steady + 7_000.0 * late


def watt_hours(index: int, rng: np.random.Generator) -> Floats:
    power = 300.0 * np.maximum(0.0, 16.0 - OUTDOOR) * rng.normal(1.0, 0.05, len(HOURS)) + 400.0
    if SPECS[index].meter_id == "drifting":
        return power
    return np.where(HOURS >= FAULT_H, 2.2 * power + 900.0, power)


def columns(index: int, rng: np.random.Generator) -> Floats:
    """Return hours x stamp, arrival, m3, kWh, m3/h, kW, supply, return."""
    nothing = np.full(len(HOURS), np.nan)
    stamps = START_S + HOUR_S * (HOURS + 1.0)
    if SPECS[index].medium is Medium.WATER:
        volume = 50.0 + np.cumsum(litres(index, rng)) / 1000.0
        return np.stack([stamps, stamps + 20, volume, *[nothing] * 5], axis=1)
    power = watt_hours(index, rng)
    if SPECS[index].medium is Medium.GAS:
        volume = 50.0 + np.floor(np.cumsum(power / 10.0)) / 1000.0
        return np.stack([stamps, stamps + 20, volume, *[nothing] * 5], axis=1)
    supply = 68.0 + rng.normal(0.0, 0.5, len(HOURS))
    back = 36.0 + rng.normal(0.0, 0.5, len(HOURS)) + 9.0 * (power > 2.0 * watt_hours(5, rng))
    flow = power / (1.163 * (supply - back))
    shown = back + 9.0 * ((HOURS >= FAULT_H) & (SPECS[index].meter_id == "drifting"))
    volume = 50.0 + np.floor(np.cumsum(flow)) / 1000.0
    energy = 900.0 + np.floor(np.cumsum(power) / 1000.0)
    values = [volume, energy, flow / 1000.0, power / 1000.0, supply, shown]
    return np.stack([stamps, stamps + 20, *values], axis=1)


@cache
def series() -> Sequence[Floats]:
    rng = np.random.default_rng(11)
    return [columns(index, rng) for index in range(len(SPECS))]


def town_of(order: Sequence[int]) -> tuple[Fleet, ReadingBatch]:
    """Return these meters of `SPECS` as a fleet, in this order, and what they send."""
    table = np.concatenate([series()[index] for index in order])
    row = np.repeat(np.arange(len(order)), len(HOURS))
    names = [each.name for each in fields(ReadingBatch)][1:9]
    parts = {name: table[:, place] for place, name in enumerate(names)}
    stamps = {name: parts[name].astype(np.int64) for name in ("measured_s", "received_s")}
    info = np.zeros(len(row), dtype=np.int64)
    fleet = fleet_of([SPECS[index] for index in order])
    return fleet, ReadingBatch(**{**parts, **stamps, "row": row, "info": info})


@cache
def town() -> tuple[Fleet, ReadingBatch]:
    return town_of(range(len(SPECS)))


def alerts(
    places: NDArray[np.int64], at: tuple[Fleet, ReadingBatch] | None = None
) -> Sequence[AlertChange]:
    """Return every change of every alert when these readings arrive, some days at a time."""
    fleet, batch = at or town()
    state, found = empty_state(fleet), list[Candidate]()
    received = batch.received_s[places]
    for day in range(0, DAYS, STEP):
        from_s = START_S + day * 24 * HOUR_S + 400
        now = places[(received > from_s) & (received <= from_s + STEP * 24 * HOUR_S)]
        part = ReadingBatch(**{each.name: getattr(batch, each.name)[now] for each in fields(batch)})
        step = advance(fleet, state, part, SURROUNDINGS, from_s + STEP * 24 * HOUR_S)
        state = step.state
        found.extend(step.candidates)
    return decide_alerts(AlertBook(), found, 2**40)[1]


@cache
def in_order() -> Sequence[AlertChange]:
    fleet, batch = town()
    assert len(fleet.specs) == len(SPECS)
    return alerts(np.argsort(batch.received_s, kind="stable"))


def test_the_town_has_an_alert_of_every_pipeline() -> None:
    told = {each.alert.kind for each in in_order()}

    assert told >= {Kind.SLOW_LEAK, Kind.BURST, Kind.STUCK, Kind.REVERSED}
    assert told & {Kind.VALVE_OPEN, Kind.RETURN_HIGH}


@settings(max_examples=2, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), copies=st.integers(0, 400))
def test_order_and_repetition_of_frames_change_no_alert_of_any_detector(
    seed: int, copies: int
) -> None:
    rng = np.random.default_rng(seed)
    count = len(town()[1].row)
    places = np.concatenate([np.arange(count), rng.integers(0, count, copies)])

    assert alerts(rng.permutation(places)) == in_order()


HEAT = [place for place, each in enumerate(SPECS) if each.medium is Medium.HEAT]


def said_by_meter(changes: Sequence[AlertChange], fleet: Fleet) -> dict[str, list[AlertChange]]:
    """Return what was said of each meter, whatever its row."""
    told: dict[str, list[AlertChange]] = {spec.meter_id: [] for spec in fleet.specs}
    for each in changes:
        found = None if each.candidate is None else replace(each.candidate, row=0)
        same = replace(each, alert=replace(each.alert, row=0), candidate=found)
        told[fleet.specs[each.alert.row].meter_id].append(same)
    return told


@settings(max_examples=3, deadline=None)
@given(order=st.permutations(range(len(SPECS))), count=st.integers(1, len(SPECS)))
@example(order=[HEAT[1], *range(HEAT[1]), *range(HEAT[1] + 1, len(SPECS))], count=1)
@example(order=list(reversed(range(len(SPECS)))), count=len(SPECS))
def test_what_is_said_of_a_meter_depends_on_no_other_meter_and_no_order_of_meters(
    order: Sequence[int], count: int
) -> None:
    fleet, batch = town_of(order[:count])
    told = alerts(np.argsort(batch.received_s, kind="stable"), (fleet, batch))

    alone, among_all = said_by_meter(told, fleet), said_by_meter(in_order(), town()[0])
    assert alone == {name: among_all[name] for name in alone}

"""A made-up town whose meters fail in known ways: what the detectors are measured on.

Everything is drawn from the seed: homes with draws of water, heated buildings with weather,
weekends and hot water, faults of each kind with their labels. Nothing is taken from any data set.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sync_server.detection.meters.columns import Floats
from sync_server.detection.meters.fleet import Fleet, MeterSpec, Role, fleet_of
from sync_server.detection.meters.intake import OutdoorSeries, ReadingBatch, Surroundings
from wire_contracts.kinds import Kind
from wire_contracts.quantities import Medium

HOUR_S = 3600
START_S = 1_735_689_600
"""2025-01-01, a midnight."""

WEATHER = "town"


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """A fault that was put in."""

    meter_id: str
    kind: Kind
    start_s: float
    end_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Town:
    """Meters, what they send in order of arrival, the weather, and what was done to them.

    `ignored` holds spans (meter, from, to) in which an alert counts neither way.
    """

    fleet: Fleet
    batch: ReadingBatch
    surroundings: Surroundings
    labels: Sequence[Label]
    ignored: Sequence[tuple[str, float, float]] = ()


@dataclass(slots=True, kw_only=True)
class _Series:
    """One meter's hours: litres, watt-hours (heat), supply and return temperature."""

    litres: Floats
    watt_hours: Floats
    supply: Floats
    back: Floats


def build_town(homes: int, buildings: int, days: int, seed: int) -> Town:
    """Return a town; the last two fifths of the days are judged and hold one fault a meter."""
    rng = np.random.default_rng(seed)
    hours = np.arange(days * 24)
    outdoor = _weather(hours, rng)
    judged_h = days * 24 * 3 // 5
    specs: list[MeterSpec] = []
    pieces: list[Floats] = []
    labels: list[Label] = []
    for index in range(homes + buildings):
        is_home = index < homes
        spec = _spec(index, is_home=is_home, judged_from_s=START_S + judged_h * HOUR_S)
        series = _home(hours, rng) if is_home else _building(hours, outdoor, rng)
        kinds = _HOME_KINDS if is_home else _HEAT_KINDS
        kind = kinds[index % len(kinds)]
        latest = max(judged_h + 49, days * 24 - 16 * 24)
        start = int(rng.integers(judged_h + 48, latest))
        span = slice(start, start + int(rng.integers(8, 15)) * 24)
        readings = _readings(index, series, kind, span, rng)
        specs.append(spec)
        pieces.append(readings)
        label = Label(
            meter_id=spec.meter_id,
            kind=kind,
            start_s=START_S + start * HOUR_S,
            end_s=START_S + span.stop * HOUR_S,
        )
        labels.append(label)
    weather = OutdoorSeries(first_hour_s=START_S, temp_degc=outdoor)
    return Town(
        fleet=fleet_of(specs),
        batch=batch_of_columns(np.concatenate(pieces)),
        surroundings=Surroundings(weather={WEATHER: weather}),
        labels=labels,
    )


_HOME_KINDS = (Kind.SLOW_LEAK, Kind.BURST, Kind.STUCK, Kind.REVERSED, Kind.EXCHANGE, Kind.COMM_GAP)
_HEAT_KINDS = (
    Kind.VALVE_OPEN,
    Kind.BYPASS,
    Kind.RETURN_HIGH,
    Kind.TEMP_DRIFT,
    Kind.STUCK,
    Kind.UNIT_SCALE,
    Kind.COMM_FROZEN,
)


def _spec(index: int, *, is_home: bool, judged_from_s: int) -> MeterSpec:
    return MeterSpec(
        meter_id=f"{'home' if is_home else 'heat'}-{index:05d}",
        medium=Medium.WATER if is_home else Medium.HEAT,
        role=Role.HOME if is_home else Role.CONSUMER,
        interval_s=HOUR_S,
        volume_resolution_m3=0.001 if is_home else 0.01,
        energy_resolution_kwh=None if is_home else 1.0,
        volume_modulus_m3=None,
        weather_id=None if is_home else WEATHER,
        judged_from_s=judged_from_s,
    )


def _weather(hours: NDArray[np.int64], rng: np.random.Generator) -> Floats:
    season = 10.0 - 11.0 * np.cos(2 * np.pi * (hours / 24.0 - 15.0) / 365.0)
    daily = 3.0 * np.sin(2 * np.pi * (hours % 24 - 9) / 24.0)
    steps = rng.normal(0.0, 0.35, len(hours))
    slow = np.zeros(len(hours))
    for hour in range(1, len(hours)):
        slow[hour] = 0.99 * slow[hour - 1] + steps[hour]
    outdoor: Floats = season + daily + slow
    return outdoor


def _home(hours: NDArray[np.int64], rng: np.random.Generator) -> _Series:
    rhythm = np.array(
        [0.03] * 6 + [0.8, 1.2, 0.9] + [0.35] * 8 + [0.8, 1.1, 1.0, 0.8, 0.6, 0.3, 0.1]
    )
    draws = rng.poisson(rhythm[hours % 24] * rng.uniform(0.6, 1.5))
    litres = np.round(draws * rng.gamma(2.0, 6.0, len(hours)))
    nothing = np.full(len(hours), np.nan)
    return _Series(litres=litres, watt_hours=nothing, supply=nothing, back=nothing)


def _building(hours: NDArray[np.int64], outdoor: Floats, rng: np.random.Generator) -> _Series:
    size = rng.uniform(0.6, 4.0)
    felt = np.convolve(outdoor, np.ones(24) / 24.0)[: len(hours)]
    heating = size * 180.0 * np.maximum(0.0, 16.0 - felt) * rng.normal(1.0, 0.06, len(hours))
    rhythm = 1.0 + 0.6 * np.sin(2 * np.pi * (hours % 24 - 8) / 24.0)
    water = size * rng.gamma(1.5, 250.0, len(hours)) * rhythm
    power = heating + water + 60.0
    supply = 65.0 + np.maximum(0.0, 8.0 - outdoor) * 0.6 + rng.normal(0.0, 0.6, len(hours))
    back = 34.0 + 2.0 * rng.uniform(0.5, 1.5) + rng.normal(0.0, 1.2, len(hours))
    litres = power / (1.163 * (supply - back))
    return _Series(litres=litres, watt_hours=power, supply=supply, back=back)


def _readings(
    row: int, series: _Series, kind: Kind, span: slice, rng: np.random.Generator
) -> Floats:
    """Return N x 9: row, stamp, arrival, m3, kWh, m3/h, kW, supply, return, with the fault in."""
    _change_use(series, kind, span, rng)
    flow, power = series.litres.copy(), series.watt_hours.copy()
    shown_supply, shown_back = series.supply.copy(), series.back.copy()
    if kind is Kind.STUCK:
        series.litres[span] = 0.0
        series.watt_hours[span] *= 0.0
    if kind is Kind.UNIT_SCALE:
        series.watt_hours[span] *= 10.0
    if kind is Kind.TEMP_DRIFT:
        shown_back[span] += 9.0
    if kind is Kind.REVERSED:
        series.litres[span] *= -1.0
    step_l = 1.0 if np.isnan(series.watt_hours[0]) else 10.0
    volume = np.floor((50_000.0 + np.cumsum(series.litres)) / step_l) * step_l / 1000.0
    energy = np.floor((9e6 + np.cumsum(series.watt_hours)) / 1000.0)
    if kind is Kind.EXCHANGE:
        volume[span.start :] -= volume[span.start]
    stamps = START_S + np.arange(1, len(volume) + 1) * float(HOUR_S)
    columns = [
        np.full(len(volume), float(row)),
        stamps,
        stamps + rng.exponential(20.0, len(volume)) + 3.0,
        volume,
        energy,
        np.round(flow) / 1000.0,
        np.round(power / 100.0) / 10.0,
        np.round(shown_supply, 2),
        np.round(shown_back, 2),
    ]
    readings = np.stack(columns, axis=1)
    if kind is Kind.COMM_FROZEN:
        readings[span, 3:] = readings[span.start, 3:]
    keep = rng.random(len(volume)) > 0.004  # noqa: PLR2004 -- radio loses four in a thousand
    if kind is Kind.COMM_GAP:
        keep[span] = False
    return readings[keep]


def _change_use(series: _Series, kind: Kind, span: slice, rng: np.random.Generator) -> None:
    if kind is Kind.SLOW_LEAK:
        series.litres[span] += np.round(rng.uniform(5.0, 30.0))
    if kind is Kind.BURST:
        series.litres[span.start : span.start + 12] += np.round(rng.uniform(400.0, 1200.0))
    if kind is Kind.BYPASS:
        share = rng.uniform(0.4, 0.8)
        series.litres[span] *= 1.0 - share
        series.watt_hours[span] *= 1.0 - share
    if kind is Kind.RETURN_HIGH:
        series.back[span] += 12.0
    if kind is Kind.VALVE_OPEN:
        series.watt_hours[span] = series.watt_hours[span] * 2.2 + 800.0
        series.back[span] += 9.0
    if kind in {Kind.RETURN_HIGH, Kind.VALVE_OPEN}:
        spread = series.supply[span] - series.back[span]
        series.litres[span] = series.watt_hours[span] / (1.163 * spread)


def batch_of_columns(readings: Floats) -> ReadingBatch:
    """Return N x 9 (see `_readings`) as a batch in order of arrival."""
    order = np.argsort(readings[:, 2], kind="stable")
    readings = readings[order]
    return ReadingBatch(
        row=readings[:, 0].astype(np.int64),
        measured_s=readings[:, 1].astype(np.int64),
        received_s=readings[:, 2].astype(np.int64),
        volume_m3=readings[:, 3],
        energy_kwh=readings[:, 4],
        flow_m3h=readings[:, 5],
        power_kw=readings[:, 6],
        supply_temp_degc=readings[:, 7],
        return_temp_degc=readings[:, 8],
        info=np.zeros(len(readings), dtype=np.int64),
    )

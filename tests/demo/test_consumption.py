"""Consumption: totals are sums of flows, physics holds, healthy nights look healthy."""

import itertools
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from demo.chance import FloatArray, IntArray
from demo.consumption import FIRST_DAY, MeterModel, day_rows, models_of, start_indices, supply_of
from demo.faults import Fault, FaultKind
from demo.gas_water import BASE_PRESSURE_BARA, BASE_TEMP_K, KELVIN
from demo.heat import HEAT_CAPACITY_KJ_KGK, density_kg_m3
from demo.town import Town
from demo.town_clock import DEFAULT_START_UTC
from demo.town_meters import Meter, MeterClass
from demo.town_time import day_start_utc, local_day
from demo.uses import Use
from demo.weather import outdoor_temp_degc
from wire_contracts.frames import ms_from_utc
from wire_contracts.quantities import TOTALISERS, Medium, Quantity

MONDAY = local_day(DEFAULT_START_UTC)
WEEK = 7
NIGHT = slice(2 * 4, 5 * 4)
"""02:00 to 05:00 as slots of a day."""


def meters_used_as(town: Town, *uses: Use) -> list[Meter]:
    return [meter for meter in town.meters if meter.use in uses]


def flow_of_days(
    town: Town, meter: Meter, days: int, faults: Sequence[Fault] = (), first_day: int = MONDAY
) -> FloatArray:
    rows = day_rows(supply_of(town, meter, faults), first_day, days)
    name = Quantity.FLOW_ACTUAL_M3H if meter.medium is Medium.GAS else Quantity.FLOW_M3H
    return rows.shown[name]


def every(minutes: int, count: int, start_utc: datetime = DEFAULT_START_UTC) -> IntArray:
    step_ms = minutes * 60_000
    return ms_from_utc(start_utc) + step_ms * np.arange(count, dtype=np.int64)


MOMENTS = st.datetimes(
    min_value=datetime(2026, 7, 1),  # noqa: DTZ001  # hypothesis wants naive bounds
    max_value=datetime(2027, 3, 1),  # noqa: DTZ001
    timezones=st.just(UTC),
)


@given(st.lists(MOMENTS, min_size=2, max_size=12), st.integers(0, 130))
def test_totals_never_fall_at_any_moments_in_any_order(
    town: Town, moments: list[datetime], index: int
) -> None:
    model = MeterModel(supply_of(town, town.meters[index]))
    shown = {moment: model.quantities(moment) for moment in moments}
    in_order = [shown[moment] for moment in sorted(shown)]

    for earlier, later in itertools.pairwise(in_order):
        for name in TOTALISERS & earlier.keys():
            assert later[name] >= earlier[name]


@given(st.lists(MOMENTS, min_size=1, max_size=6, unique=True), st.integers(0, 130))
def test_one_moment_alone_shows_the_same_as_within_a_series(
    town: Town, moments: list[datetime], index: int
) -> None:
    supply = supply_of(town, town.meters[index])
    times_ms = np.array([ms_from_utc(moment) for moment in moments], dtype=np.int64)
    series = MeterModel(supply).series(times_ms)

    for place, moment in enumerate(moments):
        alone = MeterModel(supply).quantities(moment)
        assert alone == {name: float(values[place]) for name, values in series.items()}


def test_a_total_is_the_exact_sum_of_the_flow(town: Town) -> None:
    models = models_of(town)
    moments = every(15, 96 * 8 + 1)
    pairs = {
        Quantity.VOLUME_ACTUAL_M3: Quantity.FLOW_ACTUAL_M3H,
        Quantity.VOLUME_BASE_M3: Quantity.FLOW_BASE_M3H,
        Quantity.VOLUME_M3: Quantity.FLOW_M3H,
        Quantity.ENERGY_KWH: Quantity.POWER_KW,
    }
    checked = 0
    for model in models.values():
        series = model.series(moments)
        for total, rate in pairs.items():
            if total in series:
                gained = np.diff(series[total])
                np.testing.assert_allclose(gained, series[rate][:-1] / 4.0, atol=1e-6)
                checked += 1

    assert checked == 77 * 2 + 12 * 2 + 42


def test_on_the_first_day_every_meter_shows_its_start_index(town: Town) -> None:
    for meter in town.meters[::10]:
        shown = MeterModel(supply_of(town, meter)).quantities(day_start_utc(FIRST_DAY))
        start = start_indices(meter)

        assert {name: shown[name] for name in start} == start


def test_a_moment_before_the_first_day_is_refused(town: Town) -> None:
    model = MeterModel(supply_of(town, town.meters[0]))

    with pytest.raises(ValueError, match="before the first day"):
        model.quantities(day_start_utc(FIRST_DAY) - timedelta(seconds=1))


def test_energy_is_density_times_heat_capacity_times_volume_times_difference(town: Town) -> None:
    for meter in meters_used_as(town, Use.SUBSTATION):
        rows = day_rows(supply_of(town, meter), MONDAY, WEEK)
        supply = rows.shown[Quantity.SUPPLY_TEMP_DEGC]
        back = rows.shown[Quantity.RETURN_TEMP_DEGC]
        volume = rows.counted[Quantity.VOLUME_M3]
        energy_kj = density_kg_m3(back) * HEAT_CAPACITY_KJ_KGK * volume * (supply - back)

        np.testing.assert_allclose(rows.counted[Quantity.ENERGY_KWH], energy_kj / 3600.0)
        assert (supply - back).min() > 5.0


def test_water_is_as_dense_as_the_tables_say() -> None:
    # 20, 60 and 90 degC: 998.2, 983.2 and 965.3 kg/m3 (CRC Handbook, water at 1 atm).
    found = density_kg_m3(np.array([20.0, 60.0, 90.0]))

    np.testing.assert_allclose(found, [998.2, 983.2, 965.3], atol=0.3)


def test_heating_follows_the_weather_and_the_season(town: Town) -> None:
    supply = supply_of(town, meters_used_as(town, Use.SUBSTATION)[0])
    summer = day_rows(supply, local_day(datetime(2026, 8, 3, tzinfo=UTC)), WEEK)
    winter = day_rows(supply, local_day(datetime(2027, 1, 18, tzinfo=UTC)), WEEK)
    slots = local_day(datetime(2027, 1, 18, tzinfo=UTC)) * 96 + np.arange(96 * 28)
    cold = outdoor_temp_degc(town.seed, slots.reshape(28, 96))
    month = day_rows(supply, int(slots[0]) // 96, 28)
    by_day = month.shown[Quantity.POWER_KW].mean(axis=1)

    assert winter.shown[Quantity.POWER_KW].mean() > 5 * summer.shown[Quantity.POWER_KW].mean()
    assert np.corrcoef(by_day, cold.mean(axis=1))[0, 1] < -0.9


def test_base_volume_follows_pressure_and_temperature(town: Town) -> None:
    for meter in [meter for meter in town.meters if meter.medium is Medium.GAS]:
        rows = day_rows(supply_of(town, meter), MONDAY, 2)
        pressure = rows.shown[Quantity.PRESSURE_BARA]
        kelvin = rows.shown[Quantity.TEMPERATURE_DEGC] + KELVIN
        factor = pressure / BASE_PRESSURE_BARA * BASE_TEMP_K / kelvin

        np.testing.assert_allclose(
            rows.counted[Quantity.VOLUME_BASE_M3],
            rows.counted[Quantity.VOLUME_ACTUAL_M3] * factor,
        )


def test_schools_are_shut_at_night_and_at_the_weekend(town: Town) -> None:
    schools = meters_used_as(town, Use.SCHOOL)
    for school in schools:
        flow = flow_of_days(town, school, WEEK)

        assert flow[:, NIGHT].max() == 0.0
        assert flow[:5].sum(axis=1).min() > 0.0
        assert flow[5:].max() == 0.0
    assert len(schools) >= 8


def test_a_constant_leak_is_the_floor_of_every_night_from_its_start_on(town: Town) -> None:
    school = meters_used_as(town, Use.SCHOOL)[0]
    leak = Fault(
        fault_id="leak-1",
        meter_id=school.meter_id,
        kind=FaultKind.LEAK,
        start_utc=day_start_utc(MONDAY + 1) + timedelta(minutes=10),
        flow_m3h=1.25,
    )

    flow = flow_of_days(town, school, 4, [leak])
    healthy = flow_of_days(town, school, 4)

    assert flow[0].tolist() == healthy[0].tolist()
    assert flow[1, 0] == healthy[1, 0]
    np.testing.assert_allclose(flow[1, 1:], healthy[1, 1:] + 1.25)
    np.testing.assert_allclose(flow[2:, NIGHT], 1.25)


def test_every_healthy_public_welfare_customer_is_shut_or_steady_at_night(town: Town) -> None:
    for meter in town.meters:
        if meter.meter_class is MeterClass.PUBLIC_WELFARE:
            lowest = flow_of_days(town, meter, 28, first_day=MONDAY - 28)[:, NIGHT].min(axis=1)

            assert lowest.max() <= 1.4 * np.median(lowest)


def test_a_factory_with_a_night_shift_has_used_gas_at_night_all_along(town: Town) -> None:
    for meter in meters_used_as(town, Use.THREE_SHIFTS):
        flow = flow_of_days(town, meter, 28, first_day=MONDAY - 28)

        assert flow[:, NIGHT].min() > 0.5 * flow.mean()


def test_the_district_draws_what_its_customers_draw_and_a_steady_rest(town: Town) -> None:
    inflow = next(meter for meter in town.meters if meter.meter_class is MeterClass.DMA)
    customers = [meter for meter in town.meters if meter.parent_id == inflow.meter_id]
    rest = flow_of_days(town, inflow, WEEK) - sum(
        flow_of_days(town, customer, WEEK) for customer in customers
    )

    assert len(customers) == 40
    assert rest.min() > 0.9 * inflow.nominal
    assert rest.max() < 1.1 * inflow.nominal


def test_a_leak_behind_a_customer_shows_at_the_district_inflow(town: Town) -> None:
    inflow = next(meter for meter in town.meters if meter.meter_class is MeterClass.DMA)
    home = meters_used_as(town, Use.HOME)[0]
    leak = Fault(
        fault_id="leak-2",
        meter_id=home.meter_id,
        kind=FaultKind.LEAK,
        start_utc=day_start_utc(MONDAY),
        flow_m3h=0.06,
    )

    more = flow_of_days(town, inflow, 1, [leak]) - flow_of_days(town, inflow, 1)

    np.testing.assert_allclose(more, 0.06)

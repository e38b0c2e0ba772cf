"""Under production rules a healthy town is quiet, and a leak is found in its first night."""

from collections.abc import Sequence

import numpy as np
import pytest

from demo.chance import IntArray
from demo.consumption import models_of
from demo.faults import Fault
from demo.story import night_leak
from demo.town import Town
from demo.town_clock import DEFAULT_START_UTC
from demo.town_time import day_start_utc, local_day
from sync_server.assets.assets import MeterClass
from sync_server.detection.meters.columns import FAR_FUTURE_MS, Columns
from sync_server.detection.simple.continuous_flow import (
    ContinuousFlowRule,
    detect_continuous_flow,
)
from sync_server.detection.simple.flows import HOUR_MS, night_minima
from sync_server.detection.simple.night_flow import NightFlowRule, detect_night_flow
from sync_server.detection.simple.verdicts import State
from wire_contracts.frames import ms_from_utc
from wire_contracts.quantities import Medium, Quantity

FIRST_NIGHT = local_day(DEFAULT_START_UTC) + 1
HISTORY_NIGHTS = 28
GRID_DAYS = 4


def columns_at_six(town: Town, day: int, faults: Sequence[Fault] = ()) -> Columns:
    """Return what the server's detectors see at 06:00 of a local day, with 28 nights before."""
    judged = [meter for meter in town.meters if meter.medium is not Medium.HEAT]
    end_ms = ms_from_utc(day_start_utc(day)) + 6 * HOUR_MS
    hours_ms = end_ms - HOUR_MS * np.arange(24 * (HISTORY_NIGHTS + GRID_DAYS), -1, -1)
    models = models_of(town, faults)
    flows = []
    for meter in judged:
        series = models[meter.meter_id].series(hours_ms)
        is_gas = meter.medium is Medium.GAS
        flows.append(np.diff(series[Quantity.VOLUME_BASE_M3 if is_gas else Quantity.VOLUME_M3]))
    flow_m3h = np.array(flows)
    local_hours, local_days = hours_and_days(hours_ms[:-1])
    days = np.arange(day - HISTORY_NIGHTS - 2, day - GRID_DAYS + 2, dtype=np.int64)
    minima, _ = night_minima(flow_m3h, local_hours, local_days, days)
    grid = slice(-24 * GRID_DAYS, None)
    count = len(judged)
    return Columns(
        now_ms=end_ms,
        meter_ids=[meter.meter_id for meter in judged],
        media=[meter.medium for meter in judged],
        classes=[MeterClass(meter.meter_class) for meter in judged],
        interval_s=np.full(count, 900.0),
        is_mains_powered=np.ones(count, dtype=np.bool_),
        valued_at_ms=np.full(count, end_ms, dtype=np.int64),
        judged_from_ms=np.zeros(count, dtype=np.int64),
        abnormal_from_ms=np.full(count, FAR_FUTURE_MS, dtype=np.int64),
        multipliers=np.ones(count),
        hours_ms=hours_ms[:-1][grid],
        local_hours=local_hours[grid],
        local_days=local_days[grid],
        flow_m3h=flow_m3h[:, grid],
        peak_m3h=flow_m3h[:, : -24 * GRID_DAYS].max(axis=1),
        night_days=days,
        night_min_m3h=minima,
    )


def hours_and_days(hours_ms: IntArray) -> tuple[IntArray, IntArray]:
    local_ms = hours_ms + 8 * HOUR_MS
    return local_ms // HOUR_MS % 24, local_ms // (24 * HOUR_MS)


def raised(columns: Columns) -> set[str]:
    verdicts = (
        detect_night_flow(columns, NightFlowRule()),
        detect_continuous_flow(columns, ContinuousFlowRule()),
    )
    return {
        meter_id
        for verdict in verdicts
        for meter_id, state in zip(columns.meter_ids, verdict.state, strict=True)
        if state == State.RAISED
    }


@pytest.mark.parametrize("later", [0, 2, 5, 11])
def test_a_healthy_town_raises_nothing(town: Town, later: int) -> None:
    assert raised(columns_at_six(town, FIRST_NIGHT + later)) == set()


def test_the_story_s_leak_is_found_in_its_first_night_and_only_it(town: Town) -> None:
    leaks = [night_leak(town, DEFAULT_START_UTC, number) for number in (1, 2, 3)]

    assert raised(columns_at_six(town, FIRST_NIGHT, leaks)) == {leak.meter_id for leak in leaks}

"""What every detector keeps to: deterministic, monotone, quiet about gaps."""

import importlib
from collections.abc import Callable
from dataclasses import fields, is_dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync_server.assets.assets import MeterClass
from sync_server.detection import detectors, simple
from sync_server.detection.alerting.feedback import LEAST, MOST, threshold_multiplier
from sync_server.detection.meters.columns import FAR_FUTURE_MS, Columns
from sync_server.detection.simple.continuous_flow import (
    ContinuousFlowRule,
    detect_continuous_flow,
)
from sync_server.detection.simple.flows import HOUR_MS, flows_on_grid
from sync_server.detection.simple.night_flow import NightFlowRule, detect_night_flow
from sync_server.detection.simple.sample_store import local_grid
from sync_server.detection.simple.silent_meter import SilentMeterRule, detect_silent_meter
from sync_server.detection.simple.verdicts import State, Verdicts
from wire_contracts.frames import ms_from_utc, utc_from_ms
from wire_contracts.kinds import Family, Label
from wire_contracts.quantities import Medium

HOURS = 80
FIRST_MS = 1_793_600_000_000 // HOUR_MS * HOUR_MS
NOW = datetime(2026, 11, 2, tzinfo=UTC)

Detect = Callable[[Columns], Verdicts]
DETECTORS: dict[str, Detect] = {
    "night_flow": lambda columns: detect_night_flow(columns, NightFlowRule()),
    "continuous_flow": lambda columns: detect_continuous_flow(columns, ContinuousFlowRule()),
    "silent_meter": lambda columns: detect_silent_meter(columns, SilentMeterRule()),
}


def columns_of(flow: np.ndarray, nights: np.ndarray, multiplier: float = 1.0) -> Columns:
    count = flow.shape[0]
    hours_ms = FIRST_MS + HOUR_MS * np.arange(flow.shape[1], dtype=np.int64)
    return Columns(
        now_ms=int(hours_ms[-1]) + HOUR_MS,
        meter_ids=[f"M-{index}" for index in range(count)],
        media=[Medium.WATER] * count,
        classes=[MeterClass.HOUSEHOLD] * count,
        interval_s=np.full(count, 900.0),
        is_mains_powered=np.full(count, fill_value=True),
        valued_at_ms=np.full(count, hours_ms[-1], dtype=np.int64),
        judged_from_ms=np.zeros(count, dtype=np.int64),
        abnormal_from_ms=np.full(count, FAR_FUTURE_MS, dtype=np.int64),
        multipliers=np.full(count, multiplier),
        hours_ms=hours_ms,
        local_hours=np.arange(flow.shape[1], dtype=np.int64) % 24,
        local_days=100 + np.arange(flow.shape[1], dtype=np.int64) // 24,
        flow_m3h=flow,
        night_days=np.arange(100 - nights.shape[1], 100, dtype=np.int64),
        night_min_m3h=nights,
        peak_m3h=np.full(count, np.nan),
    )


_FLOWS = st.one_of(st.just(np.nan), st.floats(0, 2, allow_nan=False))


@st.composite
def _columns(draw: st.DrawFn) -> Columns:
    base = draw(st.lists(_FLOWS, min_size=HOURS, max_size=HOURS))
    other = draw(st.floats(0, 1, allow_nan=False))
    nights = draw(st.lists(_FLOWS, min_size=10, max_size=10))
    return columns_of(np.array([base, [other] * HOURS]), np.array([nights, [0.0] * 10]))


@pytest.mark.parametrize("name", DETECTORS)
@given(columns=_columns())
def test_a_detector_is_deterministic_and_leaves_its_input_alone(
    name: str, columns: Columns
) -> None:
    before = columns.flow_m3h.copy()
    first, second = DETECTORS[name](columns), DETECTORS[name](columns)

    assert np.array_equal(first.state, second.state)
    assert np.array_equal(first.statistic, second.statistic, equal_nan=True)
    assert np.array_equal(before, columns.flow_m3h, equal_nan=True)
    assert set(first.state) <= {int(state) for state in State}


@pytest.mark.parametrize("name", ["night_flow", "continuous_flow"])
@given(columns=_columns(), added=st.floats(0, 3))
def test_more_flow_never_hides_a_finding(name: str, columns: Columns, added: float) -> None:
    less = DETECTORS[name](columns)
    more = DETECTORS[name](replace(columns, flow_m3h=columns.flow_m3h + added))

    assert np.all(more.state[less.state == State.RAISED] == State.RAISED)


@pytest.mark.parametrize("name", DETECTORS)
def test_nothing_known_is_no_finding(name: str) -> None:
    unknown = columns_of(np.full((3, HOURS), np.nan), np.full((3, 10), np.nan))
    verdicts = DETECTORS[name](replace(unknown, valued_at_ms=np.zeros(3, dtype=np.int64)))

    assert list(verdicts.state) == [State.UNKNOWN] * 3


def test_a_leak_in_the_night_that_has_no_two_oclock_begins_at_three() -> None:
    """Where clocks go forward at 02:00 (Berlin, 29 March 2026) the night has two hours."""
    midnight_ms = ms_from_utc(datetime(2026, 3, 26, 23, tzinfo=UTC))
    count = 2 * 24 + 8
    grid = local_grid(midnight_ms, count, ZoneInfo("Europe/Berlin"))
    flow = np.zeros((1, count))
    flow[0, 45:] = 5.0
    columns = replace(
        columns_of(flow, np.zeros((1, 10))),
        now_ms=int(grid.hours_ms[-1]) + HOUR_MS,
        hours_ms=grid.hours_ms,
        local_hours=grid.local_hours,
        local_days=grid.local_days,
    )
    columns = replace(columns, night_days=grid.local_days[0] - np.arange(10, 0, -1))

    verdicts = detect_night_flow(columns, NightFlowRule())

    assert list(verdicts.state) == [State.RAISED]
    assert utc_from_ms(int(verdicts.rule_from_ms[0])) == datetime(2026, 3, 29, 1, tzinfo=UTC)


def test_a_gap_is_never_taken_for_rest_or_for_flow() -> None:
    flow = np.full((1, HOURS), 0.05)
    flow[0, 60:70] = np.nan
    nights = np.zeros((1, 10))

    assert DETECTORS["continuous_flow"](columns_of(flow, nights)).state[0] == State.UNKNOWN


def test_a_cold_night_of_the_whole_fleet_is_no_leak_but_one_meter_above_it_is() -> None:
    nights = np.full((10, 10), 0.1)
    flow = np.full((10, HOURS), 0.1)
    flow[:, -10:] = 0.22
    flow[3, -10:] = 0.9
    verdicts = DETECTORS["night_flow"](columns_of(flow, nights))

    assert list(np.flatnonzero(verdicts.state == State.RAISED)) == [3]


@pytest.mark.parametrize(
    ("peak_m3h", "is_burst"), [(np.nan, True), (1.0, True), (1.2, False), (40.0, False)]
)
def test_a_burst_is_above_the_busiest_hour_of_the_weeks_before(
    peak_m3h: float, *, is_burst: bool
) -> None:
    """The recent days may have been a weekend without any use."""
    quiet = np.zeros((1, HOURS))
    quiet[0, -6:] = 2.0
    found = replace(columns_of(quiet, np.zeros((1, 20))), peak_m3h=np.array([peak_m3h]))

    verdicts = detect_night_flow(found, NightFlowRule())

    assert State(int(verdicts.state[0])) is State.RAISED
    assert bool(verdicts.is_burst[0]) is is_burst


def test_a_totaliser_that_goes_back_gives_no_flow() -> None:
    cells = [
        ("M", FIRST_MS, "volume_m3", FIRST_MS, 10.0, FIRST_MS, 10.0),
        ("M", FIRST_MS + HOUR_MS, "volume_m3", FIRST_MS + HOUR_MS, 4.0, FIRST_MS + HOUR_MS, 4.0),
        (
            "M",
            FIRST_MS + 2 * HOUR_MS,
            "volume_m3",
            FIRST_MS + 2 * HOUR_MS,
            4.5,
            FIRST_MS + 2 * HOUR_MS,
            4.5,
        ),
    ]
    grid = flows_on_grid(cells, ["M"], FIRST_MS, 2)

    assert np.array_equal(grid.flow_m3h, [[np.nan, 0.5]], equal_nan=True)


@given(
    labels=st.lists(st.tuples(st.sampled_from(Label), st.integers(0, 90)), max_size=20),
    medium=st.sampled_from(Medium),
    family=st.sampled_from(Family),
)
def test_feedback_stays_in_its_bounds_and_never_dulls_gas_safety(
    labels: list[tuple[Label, int]], medium: Medium, family: Family
) -> None:
    factor = threshold_multiplier(
        [(label, NOW - timedelta(days=days)) for label, days in labels],
        medium=medium,
        family=family,
        now_utc=NOW,
    )

    assert LEAST <= factor <= MOST
    assert factor <= 1.0 or (medium, family) != (Medium.GAS, Family.EXCESS)


def test_every_detector_and_parameter_is_in_its_document() -> None:
    document = (Path(__file__).parents[3] / "docs" / "detectors.md").read_text()
    sections = dict(each.split("\n", 1) for each in document.split("\n## ")[1:])
    fleet = {
        path.stem: f"{detectors.__name__}.{path.stem}"
        for path in Path(detectors.__path__[0]).glob("*.py")
        if path.stem != "__init__"
    }
    one_by_one = {name: f"{simple.__name__}.{name}" for name in DETECTORS}

    assert len(fleet) > len(one_by_one)
    for name, where in {**fleet, **one_by_one}.items():
        section = sections[name.replace("_", "-")]
        module = importlib.import_module(where)
        rules = [
            each
            for each in vars(module).values()
            if isinstance(each, type) and is_dataclass(each) and each.__name__.endswith("Rule")
        ]
        parameters = [parameter.name for rule in rules for parameter in fields(rule)]
        assert f"`{module.__name__}`" in section
        assert parameters
        assert [each for each in parameters if f"`{each}`" not in section] == []

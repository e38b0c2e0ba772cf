"""From stored readings to alerts and back to rest, in real databases and town time."""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from sqlalchemy import Engine

from sync_server.alerts.alert import AlertFilter, AlertRecord
from sync_server.alerts.alert_list_store import list_alerts
from sync_server.alerts.alert_store import acknowledge, mark_ordered, record_finding
from sync_server.assets.asset_store import map_device
from sync_server.assets.assets import MeterClass, NewMeter
from sync_server.db.engine_io import reading
from sync_server.detection.simple.runner import DetectionRunner
from sync_server.detection.simple.sample_store import load_flows, load_peaks, local_grid
from sync_server.readings.reading_store import ReadingStore
from tests.sync_server.town_parts import GATEWAY, found_town, frame, new_meter
from wire_contracts.alert_states import Condition, Visibility
from wire_contracts.frames import Batch, Frame, ms_from_utc
from wire_contracts.kinds import FindingResult, Kind, Label
from wire_contracts.quantities import Medium, Quantity

ZONE = ZoneInfo("Asia/Shanghai")
MIDNIGHT = datetime(2026, 11, 14, tzinfo=ZONE).astimezone(UTC)
"""The night in which something begins; ten quiet days lie before it."""

QUARTER = timedelta(minutes=15)
HISTORY = timedelta(days=10)
VOLUME = Quantity.VOLUME_M3
Flow = Callable[[datetime], float]


def business(at_utc: datetime) -> float:
    """A works with a night shift: never still, quietest at night, and a little uneven."""
    hour = at_utc.astimezone(ZONE).hour
    day_part = 6.0 if 7 <= hour < 19 else 0.8
    return day_part + 0.15 * math.sin(at_utc.timestamp() / 7000.0)


def home(at_utc: datetime) -> float:
    """A flat that uses water in the morning and in the evening."""
    return 0.12 if at_utc.astimezone(ZONE).hour in {7, 8, 19, 20} else 0.0


def with_leak(flow: Flow, leak_m3h: float, since: datetime = MIDNIGHT) -> Flow:
    return lambda at_utc: flow(at_utc) + (leak_m3h if at_utc >= since else 0.0)


class Town:
    """Meters whose totalisers follow a flow, stored through the real ingest."""

    def __init__(self, engine: Engine, meters: Sequence[NewMeter]) -> None:
        self.engine = engine
        self.runner = DetectionRunner(engine, ZONE, grace=timedelta(0))
        self._seq = 0
        self._store = ReadingStore()
        self._totals: dict[str, float] = {}
        with engine.begin() as connection:
            found_town(connection, meters)

    def run(self, meter_id: str, flow: Flow, from_utc: datetime, to_utc: datetime) -> list[Frame]:
        frames: list[Frame] = []
        at_utc = from_utc
        while at_utc <= to_utc:
            self._seq += 1
            self._totals.setdefault(meter_id, 100.0)
            frames.append(
                frame(
                    self._seq,
                    at_utc,
                    {VOLUME: round(self._totals[meter_id], 4)},
                    device=meter_id.replace("M-", "D-"),
                )
            )
            self._totals[meter_id] += flow(at_utc) / 4
            at_utc += QUARTER
        return frames

    def store(self, frames: Sequence[Frame], now_utc: datetime) -> None:
        with self.engine.begin() as connection:
            batch = Batch(gateway_id=GATEWAY, epoch=1, frames=frames)
            self._store.store_batches(connection, [batch], now_utc)

    def live(self, meter_id: str, flow: Flow, to_utc: datetime) -> None:
        self.store(self.run(meter_id, flow, MIDNIGHT - HISTORY, to_utc), to_utc)

    def look(self, now_utc: datetime) -> Sequence[AlertRecord]:
        self.runner.look(now_utc)
        return self.alerts()

    def alerts(self, *, is_open: bool | None = True) -> Sequence[AlertRecord]:
        with reading(self.engine) as connection:
            return list_alerts(connection, AlertFilter(is_open=is_open, visibility=None))


def _local(hour: int, minute: int = 0, day: int = 0) -> datetime:
    return MIDNIGHT + timedelta(days=day, hours=hour, minutes=minute)


def test_one_meters_nonsense_blinds_detection_for_no_other(engine: Engine) -> None:
    """Eight bytes of nonsense in a 64-bit float are a finite number near 1e308."""
    house = MeterClass.HOUSEHOLD
    town = Town(engine, [new_meter("M-1", meter_class=house), new_meter("M-2", meter_class=house)])
    leaking = with_leak(home, 0.03)
    frames = town.run("M-1", leaking, MIDNIGHT - HISTORY, _local(6))
    odd = [at for at, each in enumerate(frames) if each.measured_at_utc >= _local(12, day=-2)]
    for at, value in zip(odd[:8], (-1.7e308, 1.7e308) * 4, strict=True):
        frames[at] = replace(frames[at], values={VOLUME: value})
    frames += town.run("M-2", leaking, MIDNIGHT - HISTORY, _local(6))
    town.store(frames, _local(6))

    assert {alert.meter_id for alert in town.look(_local(6))} == {"M-1", "M-2"}


@pytest.mark.parametrize("minute", [0, 5, 15, 50])
def test_an_exchanged_device_joins_no_two_registers(engine: Engine, minute: int) -> None:
    """From near 110 m³ on the old device to 5000 m³ on the new: nobody used the difference."""
    town = Town(engine, [new_meter("M-1", meter_class=MeterClass.HOUSEHOLD)])
    exchanged_utc = _local(12, minute, day=-1)
    with engine.begin() as connection:
        map_device(connection, "D-NEW", "M-1", exchanged_utc)
    before = town.run("M-1", home, MIDNIGHT - HISTORY, exchanged_utc - timedelta(minutes=1))
    town._totals["M-1"] = 5000.0  # the new device's register
    after = town.run("M-1", home, exchanged_utc + timedelta(minutes=1), MIDNIGHT)
    town.store([*before, *(replace(each, device="D-NEW") for each in after)], MIDNIGHT)

    with reading(engine) as connection:
        grid = local_grid(ms_from_utc(_local(0, day=-1)), 24, ZONE)
        flows = load_flows(connection, ["M-1"], grid)
        peaks = load_peaks(connection, ["M-1"], ms_from_utc(MIDNIGHT))

    assert np.nanmax(flows) < 0.13
    assert np.isnan(flows).sum() <= 2
    assert peaks[0] < 0.13


@pytest.mark.parametrize(
    ("meter", "quantity_flow", "leak_m3h", "kind"),
    [
        (new_meter("M-1"), business, 1.2, Kind.SLOW_LEAK),
        (new_meter("M-1"), business, 12.0, Kind.BURST),
        (new_meter("M-1"), business, 6.0, Kind.SLOW_LEAK),
        (new_meter("M-1", meter_class=MeterClass.HOUSEHOLD), home, 0.03, Kind.SLOW_LEAK),
    ],
)
def test_a_leak_of_the_night_is_an_alert_by_five_in_the_morning(
    engine: Engine, meter: NewMeter, quantity_flow: Flow, leak_m3h: float, kind: Kind
) -> None:
    town = Town(engine, [meter])
    town.live("M-1", with_leak(quantity_flow, leak_m3h), _local(5))

    (alert,) = town.look(_local(5))

    assert (alert.kind, alert.rule, alert.meter_id) == (kind, "night_flow", "M-1")
    assert alert.evidence.numbers[0].value == pytest.approx(
        leak_m3h + min(quantity_flow(_local(hour)) for hour in (2, 3, 4)), abs=0.25
    )
    assert _local(-1) <= alert.started_at_utc <= _local(2)
    assert len(alert.evidence.points) > 48
    assert any(point.expected_high is not None for point in alert.evidence.points)


def test_a_works_that_always_runs_at_night_is_left_alone(engine: Engine) -> None:
    town = Town(engine, [new_meter("M-1")])
    town.live("M-1", business, _local(12))

    for hour in range(13):
        assert town.look(_local(hour)) == []


def test_looking_again_makes_no_second_alert(engine: Engine) -> None:
    town = Town(engine, [new_meter("M-1")])
    town.live("M-1", with_leak(business, 1.2), _local(5))

    first = town.look(_local(5))

    assert [alert.alert_id for alert in town.look(_local(5, 10))] == [first[0].alert_id]


def test_a_leak_that_ends_returns_the_alert_and_a_person_closes_it(engine: Engine) -> None:
    town = Town(engine, [new_meter("M-1", meter_class=MeterClass.HOUSEHOLD)])
    town.live("M-1", with_leak(home, 0.03), _local(5))
    (alert,) = town.look(_local(5))
    town.store(town.run("M-1", home, _local(5, 15), _local(7)), _local(7))

    (returned,) = town.look(_local(7))
    with engine.begin() as connection:
        acknowledge(connection, alert.alert_id, "wang", _local(7))

    assert returned.condition is Condition.RETURNED_UNACKNOWLEDGED
    assert town.look(_local(7, 30)) == []


def test_after_a_finding_only_newer_nights_count(engine: Engine) -> None:
    town = Town(engine, [new_meter("M-1")])
    town.live("M-1", with_leak(business, 1.2), _local(6))
    (alert,) = town.look(_local(5))
    with engine.begin() as connection:
        mark_ordered(connection, alert.alert_id, "o-1", "wang", _local(6))
        label = record_finding(
            connection,
            alert.alert_id,
            FindingResult.LEAK,
            has_evidence=True,
            actor="crew",
            now_utc=_local(6),
        )
    same_day = town.look(_local(7))
    town.store(
        town.run("M-1", with_leak(business, 1.2), _local(6, 15), _local(5, day=1)),
        _local(5, day=1),
    )
    next_night = town.look(_local(5, day=1))

    assert label is Label.CONFIRMED
    assert same_day == []
    assert [each.alert_id != alert.alert_id for each in next_night] == [True]


def test_readings_that_arrive_late_are_judged_like_the_rest(engine: Engine) -> None:
    town = Town(engine, [new_meter("M-1")])
    leak = with_leak(business, 1.2)
    before = town.run("M-1", leak, MIDNIGHT - HISTORY, _local(0))
    night = town.run("M-1", leak, _local(0, 15), _local(6))
    morning = town.run("M-1", leak, _local(6, 15), _local(9))
    town.store([*before, *morning], _local(9))
    without = [alert.kind for alert in town.look(_local(9))]
    town.store(night[::-1], _local(10))

    (alert,) = town.look(_local(10))

    assert without == []
    assert (alert.kind, alert.raised_at_utc) == (Kind.SLOW_LEAK, _local(10))
    assert alert.started_at_utc <= _local(2)


def test_a_meter_that_never_rests_any_more_is_found_though_its_leak_is_small(
    engine: Engine,
) -> None:
    town = Town(engine, [new_meter("M-1", meter_class=MeterClass.HOUSEHOLD)])
    town.live("M-1", with_leak(home, 0.005), _local(1, day=1))

    alerts = [(alert.rule, alert.kind) for alert in town.look(_local(1, day=1))]

    assert alerts == [("continuous_flow", Kind.SLOW_LEAK)]


def test_a_silent_meter_is_an_alert_until_it_speaks_again(engine: Engine) -> None:
    town = Town(engine, [new_meter("M-1")])
    town.store(town.run("M-1", business, _local(-12), _local(0)), _local(0))
    early = town.look(_local(2))
    (silent,) = town.look(_local(2, 1))
    town.store(town.run("M-1", business, _local(2), _local(2, 30)), _local(2, 30))
    (spoke,) = town.look(_local(2, 31))

    assert early == []
    assert (silent.kind, silent.rule, silent.started_at_utc) == (
        Kind.COMM_GAP,
        "silent_meter",
        _local(0),
    )
    assert spoke.condition is Condition.RETURNED_UNACKNOWLEDGED


def test_a_silent_gateway_is_one_alert_in_the_list_and_none_is_lost(engine: Engine) -> None:
    meters = [new_meter(f"M-{number}") for number in range(1, 6)]
    town = Town(engine, meters)
    for meter in meters:
        town.store(town.run(meter.meter_id, business, _local(-4), _local(0)), _local(0))

    alerts = town.look(_local(3))
    shown = [alert for alert in alerts if alert.visibility is Visibility.SHOWN]

    assert len(alerts) == 5
    assert len(shown) == 1
    assert f"4 other meters of gateway {GATEWAY}" in shown[0].evidence.sentence.en


def test_a_meter_that_stays_silent_when_its_gateway_is_back_is_shown(engine: Engine) -> None:
    meters = [new_meter(f"M-{number}") for number in range(1, 6)]
    town = Town(engine, meters)
    for meter in meters:
        town.store(town.run(meter.meter_id, business, _local(-4), _local(0)), _local(0))
    town.look(_local(3))
    for meter in meters[:4]:
        town.store(town.run(meter.meter_id, business, _local(3), _local(3, 15)), _local(3, 15))

    town.look(_local(3, 16))

    still = [alert for alert in town.alerts() if alert.condition is Condition.UNACKNOWLEDGED]
    assert [(alert.meter_id, alert.visibility) for alert in still] == [("M-5", Visibility.SHOWN)]


def test_after_a_start_gateways_are_given_time_to_bring_what_they_kept(engine: Engine) -> None:
    town = Town(engine, [new_meter("M-1")])
    town.runner = DetectionRunner(engine, ZONE)
    town.store(town.run("M-1", business, _local(-4), _local(0)), _local(0))

    assert town.look(_local(9)) == []
    assert len(town.look(_local(10, 1))) == 1


def test_gas_is_judged_by_its_own_totaliser(engine: Engine) -> None:
    town = Town(engine, [new_meter("M-1", Medium.GAS)])
    leak = with_leak(business, 1.2)
    frames = town.run("M-1", leak, MIDNIGHT - HISTORY, _local(5))
    gas = [
        frame(each.seq, each.measured_at_utc, {Quantity.VOLUME_BASE_M3: each.values[VOLUME]})
        for each in frames
    ]
    town.store(gas, _local(5))

    (alert,) = town.look(_local(5))

    assert (alert.kind, alert.medium, alert.priority) == (Kind.SLOW_LEAK, Medium.GAS, 1)
    assert "LEL" in alert.evidence.check_first[0].en

"""The watch over the fleet: restarts, late readings, new meters; the same alerts in the end."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine

from sync_server.alerts.alert import AlertFilter
from sync_server.alerts.alert_list_store import list_alerts
from sync_server.assets.assets import MeterClass
from sync_server.db.engine_io import open_engine, reading
from sync_server.detection.meters.fleet import MeterSpec, Role, fleet_of
from sync_server.detection.meters.intake import Info
from sync_server.detection.watch.arrival_feed_store import load_arrivals
from sync_server.detection.watch.fleet_watch import FleetWatch
from sync_server.detection.watch.history_store import load_history
from sync_server.detection.watch.reading_batches import readings_of
from sync_server.readings.reading_store import ReadingStore
from tests.sync_server.town_parts import GATEWAY, found_town, frame, new_meter
from wire_contracts.frames import Batch, Frame, ms_from_utc
from wire_contracts.kinds import Kind
from wire_contracts.quantities import Medium, Quantity

START = datetime(2026, 3, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
HOURS = 24 * 9
JUMP_AT = 24 * 6
JUMP_M3 = 4321.0
METERS = ("M-1", "M-2")
Told = set[tuple[str, Kind, datetime]]


def _frames(hours: int = HOURS) -> list[Frame]:
    """Two homes, hour by hour; the register of the first jumps on the seventh day."""
    totals = dict.fromkeys(METERS, 100.0)
    frames: list[Frame] = []
    for hour in range(hours):
        for meter_id in METERS:
            totals[meter_id] += 0.05 if hour % 24 in {7, 8, 19} else 0.0
            is_jump = meter_id == "M-1" and hour == JUMP_AT
            totals[meter_id] += JUMP_M3 if is_jump else 0.0
            values = {Quantity.VOLUME_M3: round(totals[meter_id], 3)}
            device = meter_id.replace("M-", "D-")
            frames.append(frame(len(frames) + 1, START + hour * HOUR, values, device=device))
    return frames


class Site:
    """A database with two homes, its ingest and the watch over it."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.store = ReadingStore()
        self.watch = FleetWatch(engine)
        homes = [
            new_meter(name, meter_class=MeterClass.HOUSEHOLD, interval=HOUR, is_mains_powered=False)
            for name in METERS
        ]
        with engine.begin() as connection:
            found_town(connection, homes)

    def take(self, frames: Sequence[Frame], now_utc: datetime) -> None:
        with self.engine.begin() as connection:
            batch = Batch(gateway_id=GATEWAY, epoch=1, frames=frames)
            self.store.store_batches(connection, [batch], now_utc)
        self.watch.look(now_utc)

    def restart(self) -> None:
        self.watch = FleetWatch(self.engine)

    def told(self) -> Told:
        """Return what the list says; silence is told by arrivals, not by what was measured."""
        wanted = AlertFilter(is_open=None, visibility=None)
        with reading(self.engine) as connection:
            alerts = list_alerts(connection, wanted)
        found = [
            (each.meter_id, each.kind, each.started_at_utc)
            for each in alerts
            if each.retracted_at_utc is None and each.kind is not Kind.COMM_GAP
        ]
        assert len(found) == len(set(found))
        return set(found)


def _lots(frames: Sequence[Frame], hours: int = 6) -> list[tuple[list[Frame], datetime]]:
    """Return the frames in lots of some hours, each with the instant of the look after it."""
    lots = []
    for first in range(0, HOURS, hours):
        until_utc = START + (first + hours) * HOUR
        lot = [
            each for each in frames if until_utc - hours * HOUR <= each.measured_at_utc < until_utc
        ]
        lots.append((lot, until_utc))
    return lots


@pytest.fixture
def site(engine: Engine) -> Site:
    return Site(engine)


def test_an_exchange_is_told_once_with_version_and_lane(site: Site) -> None:
    for lot, now_utc in _lots(_frames()):
        site.take(lot, now_utc)

    with reading(site.engine) as connection:
        alerts = list_alerts(connection, AlertFilter(is_open=None, visibility=None))
    assert [(each.meter_id, each.kind, each.lane) for each in alerts] == [
        ("M-1", Kind.EXCHANGE, "exchange")
    ]
    assert alerts[0].rule_version
    assert alerts[0].evidence.points
    assert alerts[0].evidence.numbers[0].is_trigger


@pytest.mark.parametrize("every", [1, 5])
def test_restarts_lose_nothing_and_double_nothing(
    sqlite_engine: Engine, tmp_path: Path, sqlite_template: Path, every: int
) -> None:
    steady, restarted = Site(sqlite_engine), Site(_copy(tmp_path, sqlite_template))
    for number, (lot, now_utc) in enumerate(_lots(_frames())):
        steady.take(lot, now_utc)
        restarted.take(lot, now_utc)
        if number % every == 0:
            restarted.restart()

    told, again = steady.told(), restarted.told()
    restarted.engine.dispose()

    assert told == again != set()


def _copy(folder: Path, template: Path) -> Engine:
    path = folder / "second.sqlite3"
    path.write_bytes(template.read_bytes())
    return open_engine(f"sqlite:///{path}")


@given(seed=st.integers(0, 2**32))
@settings(
    max_examples=4,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_frames_may_come_in_any_order_and_twice_inside_the_watermark(
    seed: int, tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path
) -> None:
    """One number draws a whole disorder; smaller disorders of a failing one tell nothing more."""
    frames = _frames()
    draw = Random(seed)
    delays = [draw.choice((0, 0, 0, 1, 7, 20, 40)) for _ in frames]
    twice = draw.sample(range(len(frames)), 30)
    site = Site(_copy(tmp_path_factory.mktemp("any"), sqlite_template))
    last_utc = START + (HOURS + 48) * HOUR
    for _, now_utc in _lots(frames):
        lot = [
            each
            for at, each in enumerate(frames)
            if now_utc - 6 * HOUR <= each.measured_at_utc + delays[at] * HOUR < now_utc
        ]
        lot += [frames[at] for at in twice if frames[at].measured_at_utc < now_utc - 6 * HOUR]
        site.take(lot, now_utc)
    site.take(frames, last_utc)
    told = site.told()
    site.engine.dispose()

    assert told == {("M-1", Kind.EXCHANGE, START + (JUMP_AT - 1) * HOUR)}


def test_a_meter_that_is_new_is_watched_from_its_readings_on(site: Site) -> None:
    frames = _frames()
    fresh = [
        frame(each.seq + 10_000, each.measured_at_utc, each.values, device="D-3")
        for each in frames
        if each.device == "D-1"
    ]
    lots = _lots(frames)
    for lot, now_utc in lots[:4]:
        site.take(lot, now_utc)
    meter = new_meter(
        "M-3", meter_class=MeterClass.HOUSEHOLD, interval=HOUR, is_mains_powered=False
    )
    with site.engine.begin() as connection:
        found_town(connection, [meter])
    for lot, now_utc in lots[4:]:
        later = [each for each in fresh if now_utc - 6 * HOUR <= each.measured_at_utc < now_utc]
        site.take([*lot, *later], now_utc)

    assert {meter_id for meter_id, kind, _ in site.told() if kind is Kind.EXCHANGE} == {
        "M-1",
        "M-3",
    }


def test_what_a_meter_says_of_itself_reaches_the_detectors_live_and_from_history(
    site: Site,
) -> None:
    frames = [
        replace(each, events=("leak_water", "over_flow")) if each.seq == 3 else each
        for each in _frames(4)
    ]
    site.take(frames, START + 4 * HOUR)
    specs = [
        MeterSpec(meter_id=each, medium=Medium.WATER, role=Role.HOME, interval_s=3600)
        for each in METERS
    ]
    fleet = fleet_of(specs)

    with reading(site.engine) as connection:
        live = readings_of(fleet, load_arrivals(connection, 0, 10))
        end_ms = ms_from_utc(START + 9 * HOUR)
        history = readings_of(fleet, load_history(connection, METERS, 0, end_ms))

    for found in (live, history):
        told = {(int(row), int(info)) for row, info in zip(found.row, found.info, strict=True)}
        assert told == {(0, 0), (0, int(Info.LEAK | Info.BURST)), (1, 0)}

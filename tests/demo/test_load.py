"""The load's meters each send every 15 minutes, as often as asked, and the report can say no."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine, func, select

from demo.load_plan import INTERVAL, LoadPlan, gateway_id, meter_id
from demo.load_site_io import add_load_meters
from demo.run_load import LoadOptions, LoadReport, report_lines, run_load
from sync_server.db.engine_io import open_engine, reading
from sync_server.db.migrate_io import migrate
from sync_server.db.reading_tables import FRAME_LEDGER, READING
from sync_server.readings.reading_store import store_batch
from wire_contracts.frames import Batch

START = datetime(2026, 11, 2, tzinfo=UTC)


def plan(meters: int = 400, factor: float = 1.0) -> LoadPlan:
    return LoadPlan(meters=meters, factor=factor, start_utc=START, epoch=7)


@given(st.integers(1, 40), st.integers(0, 500))
def test_every_meter_is_heard_once_in_15_minutes(gateways: int, first_round: int) -> None:
    load = plan(gateways * 200)
    per_round = load.meters // 50

    frames = [
        (load.gateway_of(number), frame)
        for number in range(first_round * per_round, (first_round + 1) * per_round)
        for frame in load.frames_of(number)
    ]

    began = START + INTERVAL * first_round
    assert sorted(frame.device for _, frame in frames) == [meter_id(n) for n in range(load.meters)]
    assert all(began <= frame.measured_at_utc < began + INTERVAL for _, frame in frames)
    assert len({(name, frame.seq) for name, frame in frames}) == load.meters
    assert {name for name, _ in frames} == {gateway_id(number) for number in range(gateways)}


@pytest.mark.parametrize(("meters", "factor", "rows"), [(1_000_000, 1, 1111), (1_000_000, 8, 8889)])
def test_a_million_meters_are_as_many_rows_a_second_as_the_issue_says(
    meters: int, factor: float, rows: int
) -> None:
    load = plan(meters, factor)

    assert round(load.rows_per_s) == rows
    assert load.due_batches(900) * 50 == pytest.approx(meters * factor, rel=0.001)


def test_the_store_takes_what_the_load_sends(sqlite_load: Engine) -> None:
    load = plan()
    add_load_meters(sqlite_load, 200, lambda _line: None)
    add_load_meters(sqlite_load, 400, lambda _line: None)
    acks = []
    for number in range(16):
        batch = Batch(
            gateway_id=load.gateway_of(number), epoch=7, frames=list(load.frames_of(number))
        )
        with sqlite_load.begin() as connection:
            acks.append(store_batch(connection, batch, START + timedelta(hours=1)))

    with reading(sqlite_load) as connection:
        count = connection.execute(select(func.count()).select_from(READING)).scalar_one()
        refused = connection.execute(
            select(FRAME_LEDGER.c.refused_code).where(FRAME_LEDGER.c.refused_code.is_not(None))
        ).all()
    assert (count, acks[-1].upto, refused) == (800, 400, [])


@pytest.fixture
def sqlite_load(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    engine = open_engine(f"sqlite:///{tmp_path_factory.mktemp('load') / 'load.sqlite3'}")
    migrate(engine)
    return engine


def report(**figures: int) -> LoadReport:
    return LoadReport(
        plan=plan(90_000),
        seconds=60.0,
        load_before=1.0,
        stored=6000,
        processor_s=0.6,
        latest_ms=[1.0] * 99 + [70.0],
        **figures,
    )


def test_a_backlog_or_a_lost_reading_is_not_keeping_up() -> None:
    assert report(backlog=1000).keeps_up
    assert not report(backlog=1001).keeps_up
    assert not report(lost=1).keeps_up
    assert "FELL BEHIND" in "\n".join(report_lines(report(backlog=1001)))


def test_processor_time_is_told_for_each_reading() -> None:
    assert report().processor_us == pytest.approx(100.0)
    assert "100 µs for each reading, 1 % of one processor" in "\n".join(report_lines(report()))


def test_meters_that_fill_no_gateway_are_refused() -> None:
    with pytest.raises(ValueError, match="--meters: 150 is no multiple of 200"):
        run_load(LoadOptions(meters=150, factor=1, minutes=1), print)


def test_a_small_load_goes_through_broker_and_ingest() -> None:
    found = run_load(LoadOptions(meters=200, factor=100, minutes=0.05), lambda _line: None)

    assert (found.lost, found.stored) == (0, int(found.seconds * found.plan.rows_per_s / 50) * 50)
    assert found.memory_after > found.memory_before > 0
    assert found.processor_s > 0
    assert len(found.latest_ms) >= 5

"""Frames in any order and repetition end in the same rows and acknowledgements."""

import itertools
import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine, func, select

from sync_server.assets.asset_store import map_device
from sync_server.db.engine_io import open_engine, reading
from sync_server.db.reading_tables import (
    FRAME_CLONE,
    FRAME_GAP,
    FRAME_LEDGER,
    READING,
    READING_CONFLICT,
    READING_CORRECTION,
    READING_HOURLY,
)
from sync_server.readings.quality_event_store import QualityEventKind, list_quality_events
from sync_server.readings.reading_store import ReadingStore, store_batch
from sync_server.readings.row_store import latest_of, reading_row
from tests.sync_server.real_parts import NOON
from tests.sync_server.town_parts import GATEWAY, batch, found_town, frame, new_meter, snapshot
from wire_contracts.acks import EpochAck
from wire_contracts.codes import Code
from wire_contracts.frames import Batch, Frame, GapRecord, Rejected, TimeQuality
from wire_contracts.quality import BAD_TIMEOUT, SUSPECT_RANGE
from wire_contracts.quantities import Medium, Quantity

VOLUME, FLOW = Quantity.VOLUME_M3, Quantity.FLOW_M3H
HOUR = datetime(2026, 11, 2, 3, 0, tzinfo=UTC)


@pytest.fixture
def town(engine: Engine) -> Engine:
    with engine.begin() as connection:
        found_town(connection, [new_meter("M-1"), new_meter("M-2", Medium.GAS)])
    return engine


def _store(engine: Engine, *batches: Batch, store: ReadingStore | None = None) -> EpochAck:
    with engine.begin() as connection:
        stored = (store or ReadingStore()).store_batches(connection, batches, NOON)
    return stored.acks[batches[0].gateway_id][0]


def _count(engine: Engine, table: object) -> int:
    with reading(engine) as connection:
        count: int = connection.execute(
            select(func.count()).select_from(table)  # type: ignore[arg-type]  # any table
        ).scalar_one()
    return count


def test_a_frame_becomes_a_row_a_latest_value_and_an_hour(town: Engine) -> None:
    ack = _store(town, batch(frame(1, HOUR, {VOLUME: 10.0, FLOW: 1.5})))

    with reading(town) as connection:
        rows = [reading_row(row) for row in connection.execute(select(READING))]
        hours = connection.execute(select(READING_HOURLY)).all()
    assert ack == EpochAck(epoch=7, upto=1)
    assert [(row.meter_id, row.values, row.revision) for row in rows] == [
        ("M-1", {VOLUME: 10.0, FLOW: 1.5}, 1)
    ]
    assert rows[0].raw == {"fast": b"fast:tuf_2000m@1"}
    assert [(hour.first_m3, hour.last_m3, hour.flow_min_m3h) for hour in hours] == [
        (10.0, 10.0, 1.5)
    ]


def test_groups_of_one_instant_fill_one_row(town: Engine) -> None:
    store = ReadingStore()
    _store(town, batch(frame(1, HOUR, {FLOW: 1.5})), store=store)
    _store(town, batch(frame(2, HOUR, {VOLUME: 10.0}, group="slow")), store=store)

    with reading(town) as connection:
        (row,) = [reading_row(row) for row in connection.execute(select(READING))]
        hour = connection.execute(select(READING_HOURLY)).one()
    assert row.values == {VOLUME: 10.0, FLOW: 1.5}
    assert sorted(row.raw) == ["fast", "slow"]
    assert (hour.first_m3, hour.flow_min_m3h, hour.reading_count) == (10.0, 1.5, 1)


def test_the_same_frame_again_changes_nothing_and_is_acknowledged(town: Engine) -> None:
    sent = batch(frame(1, HOUR, {VOLUME: 10.0}))
    first = _store(town, sent)
    with town.begin() as connection:
        again = ReadingStore().store_batches(connection, [sent, sent], NOON)

    assert again.acks[GATEWAY] == [first]
    assert (again.new_count, again.duplicate_count) == (0, 2)
    assert _count(town, FRAME_LEDGER) == 1


def test_another_value_at_the_same_revision_is_kept_as_a_conflict(town: Engine) -> None:
    _store(town, batch(frame(1, HOUR, {VOLUME: 10.0})))
    ack = _store(town, batch(frame(2, HOUR, {VOLUME: 11.0})))

    with reading(town) as connection:
        (row,) = [reading_row(row) for row in connection.execute(select(READING))]
        events = list_quality_events(connection)
    assert ack.upto == 2
    assert row.values == {VOLUME: 10.0}
    assert _count(town, READING_CONFLICT) == 1
    assert [event.kind for event in events] == [QualityEventKind.CONFLICT]


def test_a_higher_revision_replaces_and_the_old_value_is_kept(town: Engine) -> None:
    _store(town, batch(frame(1, HOUR, {VOLUME: 10.0, FLOW: 1.0})))
    _store(town, batch(frame(2, HOUR, {VOLUME: 12.0}, profile="tuf_2000m@2")))

    with reading(town) as connection:
        (row,) = [reading_row(row) for row in connection.execute(select(READING))]
        old = connection.execute(select(READING_CORRECTION)).one()
        hour = connection.execute(select(READING_HOURLY)).one()
    assert row.values == {VOLUME: 12.0, FLOW: 1.0}
    assert (row.revision, row.older_revisions) == (2, {FLOW: 1})
    assert (old.quantity, old.revision, old.value) == ("volume_m3", 1, 10.0)
    assert hour.first_m3 == 12.0


def test_a_cloned_sequence_number_is_kept_and_alarmed(town: Engine) -> None:
    later = HOUR + timedelta(minutes=15)
    _store(town, batch(frame(1, HOUR, {VOLUME: 10.0})))
    clone = batch(frame(1, later, {VOLUME: 11.0}))
    _store(town, clone)
    _store(town, clone)

    with reading(town) as connection:
        rows = connection.execute(select(READING.c.volume_m3)).scalars().all()
        kinds = {event.kind for event in list_quality_events(connection)}
    assert sorted(value for value in rows if value is not None) == [10.0, 11.0]
    assert _count(town, FRAME_CLONE) == 1
    assert kinds == {QualityEventKind.CLONE}


def test_a_clone_that_comes_again_is_alarmed_once(town: Engine) -> None:
    _store(town, batch(frame(1, HOUR, {VOLUME: 10.0})))
    clone = batch(frame(1, HOUR + timedelta(minutes=15), {VOLUME: 11.0}))
    for _ in range(3):
        _store(town, clone, clone)

    with reading(town) as connection:
        kinds = [event.kind for event in list_quality_events(connection)]
    assert kinds.count(QualityEventKind.CLONE) == 1


def test_a_stamp_that_only_counts_from_the_start_of_the_gateway_is_no_reading(
    town: Engine,
) -> None:
    guessed = replace(frame(1, HOUR, {VOLUME: 1.0}), time_quality=TimeQuality.BOOT_RELATIVE)
    repaired = replace(frame(2, HOUR, {VOLUME: 2.0}), time_quality=TimeQuality.REPAIRED)
    ack = _store(town, batch(guessed, repaired))

    with reading(town) as connection:
        values = connection.execute(select(READING.c.volume_m3, READING.c.time_quality)).all()
    assert ack.refused == ((1, Code.READING_TIME_UNKNOWN),)
    assert [tuple(row) for row in values] == [(2.0, "repaired")]


def test_a_gap_record_lets_the_watermark_pass(town: Engine) -> None:
    gap = GapRecord(seq=8, first=2, last=6, count=5, why="disk full")
    sent = Batch(
        gateway_id=GATEWAY,
        epoch=7,
        frames=(frame(1, HOUR, {VOLUME: 1.0}), frame(7, HOUR, {FLOW: 1.0}, group="b")),
        gaps=(gap,),
    )
    ack = _store(town, sent)

    assert ack == EpochAck(epoch=7, upto=8)
    assert _count(town, FRAME_GAP) == 1
    with reading(town) as connection:
        (event,) = list_quality_events(connection)
    assert (event.kind, event.detail) == (QualityEventKind.GAP, {"lost": 5, "why": "disk full"})


def test_a_bad_value_is_no_value_and_the_page_sees_since_when(town: Engine) -> None:
    timeout = Frame(
        seq=2,
        device="D-1",
        measured_at_utc=HOUR + timedelta(minutes=15),
        profile="tuf_2000m@1",
        group="fast",
        values={},
        quality={VOLUME: BAD_TIMEOUT},
    )
    _store(town, batch(frame(1, HOUR, {VOLUME: 10.0}), timeout))

    with reading(town) as connection:
        row = connection.exec_driver_sql("SELECT * FROM reading_latest").one()
        latest = latest_of(row)
    at_ms = int((HOUR + timedelta(minutes=15)).timestamp() * 1000)
    assert latest.values == {VOLUME: (None, at_ms, "bad_timeout")}
    assert latest.valued_at_ms == int(HOUR.timestamp() * 1000)


def test_an_exchanged_device_never_joins_two_registers(town: Engine) -> None:
    with town.begin() as connection:
        map_device(connection, "D-NEW", "M-1", HOUR + timedelta(minutes=30))
    ack = _store(
        town,
        batch(
            frame(1, HOUR, {VOLUME: 500.0}),
            frame(2, HOUR + timedelta(minutes=45), {VOLUME: 500.5}),
            frame(3, HOUR + timedelta(minutes=45), {VOLUME: 0.5}, device="D-NEW"),
        ),
    )

    with reading(town) as connection:
        values = connection.execute(
            select(READING.c.volume_m3).order_by(READING.c.measured_at_ms)
        ).scalars()
        assert list(values) == [500.0, 0.5]
    assert ack == EpochAck(epoch=7, upto=3, refused=((2, Code.METER_UNKNOWN),))


def test_a_stamp_of_the_future_is_refused_and_does_not_hide_the_present(town: Engine) -> None:
    ack = _store(town, batch(frame(1, NOON + timedelta(days=30), {VOLUME: 1.0})))

    assert ack.refused == ((1, Code.READING_FUTURE),)
    assert _count(town, READING) == 0


def test_a_frame_that_was_not_understood_is_acknowledged_as_refused_every_time(
    town: Engine,
) -> None:
    body = b'{"s":1,"d":"D-1"}'
    rejected = Rejected(seq=1, code=Code.FIELD_MISSING, reason="f[0].t: is missing", body=body)
    sent = Batch(gateway_id=GATEWAY, epoch=7, rejected=(rejected,))

    assert _store(town, sent) == _store(town, sent)
    assert _store(town, sent).refused == ((1, Code.FIELD_MISSING),)


def test_one_batch_alone_can_be_stored_without_a_store(town: Engine) -> None:
    with town.begin() as connection:
        ack = store_batch(connection, batch(frame(1, HOUR, {VOLUME: 1.0})), NOON)

    assert ack == EpochAck(epoch=7, upto=1)


def test_a_rolled_back_transaction_is_not_remembered(town: Engine) -> None:
    store = ReadingStore()
    with town.connect() as connection:
        store.store_batches(connection, [batch(frame(1, HOUR, {VOLUME: 1.0}))], NOON)
        connection.rollback()
    ack = _store(town, batch(frame(2, HOUR, {VOLUME: 1.0})), store=store)

    assert ack == EpochAck(epoch=7, upto=0, ranges=((2, 2),))
    assert _count(town, READING) == 1


def test_two_writers_taking_turns_end_where_one_would(town: Engine, tmp_path: Path) -> None:
    frames = [
        frame(seq, HOUR + timedelta(minutes=5 * seq), {VOLUME: float(seq)}) for seq in range(1, 40)
    ]
    writers = [ReadingStore(), ReadingStore()]
    for index, each in enumerate(frames):
        _store(town, batch(each), store=writers[index % 2])

    alone = open_engine(f"sqlite:///{tmp_path / 'alone.sqlite3'}")
    _copy_schema(alone)
    with alone.begin() as connection:
        found_town(connection, [new_meter("M-1"), new_meter("M-2", Medium.GAS)])
    _store(alone, batch(*frames))
    with reading(town) as taking_turns, reading(alone) as one:
        assert snapshot(taking_turns) == snapshot(one)
    alone.dispose()


def _copy_schema(engine: Engine) -> None:
    from sync_server.db.migrate_io import migrate  # noqa: PLC0415  # only this test needs it

    migrate(engine)


_GROUPS = (
    ("fast", (FLOW, Quantity.SUPPLY_TEMP_DEGC)),
    ("slow", (VOLUME, Quantity.ENERGY_KWH)),
    ("gas", (Quantity.VOLUME_BASE_M3, Quantity.FLOW_BASE_M3H)),
    ("actual", (Quantity.VOLUME_ACTUAL_M3,)),
)


@st.composite
def _frames(draw: st.DrawFn) -> list[Frame]:
    """Frames as real gateways make them: one value per meter, instant, quantity and revision."""
    keys = draw(
        st.lists(
            st.tuples(
                st.sampled_from(["D-1", "D-2"]),
                st.integers(0, 40),
                st.integers(0, len(_GROUPS) - 1),
                st.integers(1, 3),
            ),
            unique=True,
            max_size=25,
        )
    )
    frames = []
    for seq, (device, step, group_index, revision) in enumerate(keys, start=1):
        group, quantities = _GROUPS[group_index]
        chance = random.Random(f"{device}{step}{group}{revision}")  # a seeded value
        is_bad = chance.random() < 0.2
        frames.append(
            Frame(
                seq=seq,
                device=device,
                measured_at_utc=HOUR - timedelta(minutes=7 * step),
                profile=f"p@{revision}",
                group=group,
                values={} if is_bad else {name: chance.random() * 9 for name in quantities},
                quality=dict.fromkeys(quantities, BAD_TIMEOUT) if is_bad else {},
                events=("alarm",) if chance.random() < 0.2 else (),
                raw=f"{device}{step}{group}".encode(),
            )
        )
    return frames


def _store_in_pieces(engine: Engine, frames: Sequence[Frame], sizes: Sequence[int]) -> EpochAck:
    store = ReadingStore()
    rest = list(frames)
    ack = EpochAck(epoch=7, upto=0)
    sizes = list(sizes)
    while rest:
        size = sizes.pop() if sizes else 5
        ack = _store(engine, batch(*rest[:size]), store=store)
        rest = rest[size:]
    return ack


@pytest.fixture(scope="session")
def fresh_town(
    sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[], Engine]:
    folder = tmp_path_factory.mktemp("permutations")
    template = folder / "town.sqlite3"
    template.write_bytes(sqlite_template.read_bytes())
    engine = open_engine(f"sqlite:///{template}")
    with engine.begin() as connection:
        found_town(connection, [new_meter("M-1"), new_meter("M-2", Medium.GAS)])
    engine.dispose()
    count = 0

    def make() -> Engine:
        nonlocal count
        count += 1
        path = folder / f"town{count}.sqlite3"
        path.write_bytes(template.read_bytes())
        return open_engine(f"sqlite:///{path}")

    return make


@given(frames=_frames(), data=st.data())
def test_any_order_and_repetition_of_frames_ends_in_the_same_rows(
    fresh_town: Callable[[], Engine], frames: list[Frame], data: st.DataObject
) -> None:
    repeated = data.draw(st.lists(st.sampled_from(frames), max_size=10)) if frames else []
    shuffled = data.draw(st.permutations([*frames, *repeated]))
    sizes = data.draw(st.lists(st.integers(1, 6), max_size=10))
    in_order, out_of_order = fresh_town(), fresh_town()

    expected = _store_in_pieces(in_order, frames, [1000])
    ack = _store_in_pieces(out_of_order, shuffled, sizes)

    with reading(in_order) as one, reading(out_of_order) as other:
        assert snapshot(one) == snapshot(other)
    in_order.dispose()
    out_of_order.dispose()
    assert ack == expected


@st.composite
def _torn_frames(draw: st.DrawFn) -> list[Frame]:
    """Frames of one meter: one revision may say "no value" and a value for one instant."""
    keys = draw(
        st.lists(
            st.tuples(st.integers(0, 1), st.integers(1, 3), st.booleans()), unique=True, max_size=9
        )
    )
    return [
        Frame(
            seq=seq,
            device="D-1",
            measured_at_utc=HOUR - timedelta(minutes=7 * step),
            profile=f"p@{revision}",
            group="fast",
            values={} if is_bad else {VOLUME: 100.0 - step + revision, FLOW: 1.0},
            quality=dict.fromkeys((VOLUME, FLOW), BAD_TIMEOUT) if is_bad else {FLOW: SUSPECT_RANGE},
            raw=b"words",
        )
        for seq, (step, revision, is_bad) in enumerate(keys, start=1)
    ]


@given(frames=_torn_frames(), data=st.data())
def test_what_was_replaced_is_the_same_in_any_order_even_where_one_read_failed(
    fresh_town: Callable[[], Engine], frames: list[Frame], data: st.DataObject
) -> None:
    shuffled = data.draw(st.permutations(frames))
    sizes = data.draw(st.lists(st.integers(1, 3), max_size=9))
    in_order, out_of_order = fresh_town(), fresh_town()

    _store_in_pieces(in_order, frames, [1000])
    _store_in_pieces(out_of_order, shuffled, sizes)

    with reading(in_order) as one, reading(out_of_order) as other:
        assert snapshot(one) == snapshot(other)
    in_order.dispose()
    out_of_order.dispose()


def _torn(seq: int, revision: int, *, is_bad: bool, step: int = 0) -> Frame:
    return Frame(
        seq=seq,
        device="D-1",
        measured_at_utc=HOUR - timedelta(minutes=7 * step),
        profile=f"p@{revision}",
        group="fast",
        values={} if is_bad else {VOLUME: 100.0 - step + revision},
        quality={VOLUME: BAD_TIMEOUT} if is_bad else {},
        raw=b"words",
    )


@pytest.mark.parametrize("is_second_bad", [True, False])
def test_every_order_of_a_failed_read_a_value_and_a_correction_ends_alike(
    fresh_town: Callable[[], Engine], *, is_second_bad: bool
) -> None:
    frames = [
        _torn(1, 1, is_bad=True),
        _torn(2, 1, is_bad=False),
        _torn(3, 2, is_bad=is_second_bad),
        _torn(4, 1, is_bad=False, step=1),
    ]
    ends = []
    for order in itertools.permutations(frames):
        town = fresh_town()
        _store_in_pieces(town, order, [1, 1, 1, 1])
        with reading(town) as connection:
            ends.append(snapshot(connection))
        town.dispose()

    assert all(end == ends[0] for end in ends)
    at_ms = int(HOUR.timestamp() * 1000)
    assert ends[0]["reading_correction"] == [("M-1", at_ms, "volume_m3", 1, 101.0, None)]

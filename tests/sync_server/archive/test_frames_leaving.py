"""Entries of the ledger of frames leave when the utility says so, and repeats stay harmless."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import Engine, func, select

from sync_server.archive.frames_leaving_store import (
    FRAME_DAYS,
    LEAST_DAYS,
    LedgerKeeper,
    let_frames_leave,
)
from sync_server.archive.tiers import TierError
from sync_server.db.engine_io import reading
from sync_server.db.reading_tables import FRAME_LEDGER, FRAME_MARK
from sync_server.readings.fresh import AnyBatch
from sync_server.readings.inbox import read_split
from sync_server.readings.ledger_store import taken_count
from sync_server.readings.reading_store import ReadingStore, Stored
from sync_server.work_orders.policy_store import PolicyRow, set_policy
from tests.sync_server.real_parts import NOON
from tests.sync_server.town_parts import GATEWAY, batch, found_town, frame, new_meter, snapshot
from wire_contracts.frames import Frame, dump_batch, frame_json
from wire_contracts.payloads import pack
from wire_contracts.quantities import Quantity
from wire_contracts.topics import Channel, Topic

STRANGER = 3
"""The number of a frame whose device nobody knows: it lies in quarantine."""


def day(number: int) -> datetime:
    return NOON + timedelta(days=number)


def sent(seq: int) -> Frame:
    device = "D-stranger" if seq == STRANGER else "D-1"
    values = {Quantity.VOLUME_M3: float(seq)}
    return frame(seq, NOON + timedelta(minutes=15 * seq), values, device=device)


def take_in(engine: Engine, seqs: range, now_utc: datetime) -> Stored:
    with engine.begin() as connection:
        lot = batch(*(sent(seq) for seq in seqs))
        return ReadingStore().store_batches(connection, [lot], now_utc)


def as_columns(seqs: range) -> AnyBatch:
    bodies = [frame_json(sent(seq)) for seq in seqs]
    topic = Topic(gateway_id=GATEWAY, channel=Channel.UP).text()
    found = read_split(topic, pack(dump_batch(GATEWAY, 7, bodies)))
    assert found is not None
    return found


def seqs_of(engine: Engine) -> list[int]:
    with reading(engine) as connection:
        return list(connection.execute(select(FRAME_LEDGER.c.seq).order_by("seq")).scalars())


def let_leave(engine: Engine, now_utc: datetime) -> int:
    return let_frames_leave(LedgerKeeper(engine=engine), now_utc)


@pytest.fixture
def town(engine: Engine) -> Engine:
    with engine.begin() as connection:
        found_town(connection, [new_meter("M-1")])
    take_in(engine, range(1, 6), day(1))
    return engine


def keep(engine: Engine, days: int) -> None:
    row = PolicyRow(
        name=FRAME_DAYS, valid_from_utc=NOON, value=days, source="a test", approved_by="anna"
    )
    with engine.begin() as connection:
        set_policy(connection, row, NOON)


def test_every_entry_stays_until_the_utility_says_otherwise(town: Engine) -> None:
    left = [let_leave(town, day(number)) for number in (1, 1000)]

    with reading(town) as connection:
        marks = connection.execute(select(func.count()).select_from(FRAME_MARK)).scalar_one()
    assert (left, marks, seqs_of(town)) == ([0, 0], 0, [1, 2, 3, 4, 5])


def test_entries_leave_when_they_are_old_enough_for_certain(town: Engine) -> None:
    keep(town, LEAST_DAYS)
    left = [let_leave(town, day(2))]
    take_in(town, range(6, 9), day(60))

    left += [let_leave(town, day(number)) for number in (60, 101, 102, 103, 159)]

    assert left == [0, 0, 0, 4, 0, 0]
    assert seqs_of(town) == [STRANGER, 6, 7, 8]
    assert let_leave(town, day(160)) == 3
    assert seqs_of(town) == [STRANGER]


def test_what_came_before_a_gap_in_the_numbers_leaves_alone(town: Engine) -> None:
    keep(town, LEAST_DAYS)
    take_in(town, range(8, 10), day(2))
    let_leave(town, day(2))

    let_leave(town, day(102))

    assert seqs_of(town) == [STRANGER, 8, 9]


def test_runs_of_ordinary_frames_leave_whole_and_repeats_stay_harmless(town: Engine) -> None:
    keep(town, LEAST_DAYS)
    lots = [as_columns(range(6, 9)), as_columns(range(9, 12)), as_columns(range(13, 15))]
    with town.begin() as connection:
        ReadingStore().store_batches(connection, lots, day(2))
    with reading(town) as connection:
        before = snapshot(connection)
        held = taken_count(connection)

    left = [let_leave(town, day(number)) for number in (2, 102)]

    with town.begin() as connection:
        kept = taken_count(connection)
        again = ReadingStore().store_batches(connection, lots, day(103))
        assert snapshot(connection) == before
        assert taken_count(connection) == 9
    assert (held, left, kept) == (13, [0, 10], 3)
    assert (again.new_count, again.duplicate_count) == (6, 2)
    assert (again.clone_count, again.conflict_count) == (0, 0)


def test_a_frame_that_comes_again_after_its_entry_left_changes_no_reading(town: Engine) -> None:
    keep(town, LEAST_DAYS)
    for number in (2, 102):
        let_leave(town, day(number))
    with reading(town) as connection:
        before = snapshot(connection)

    again = take_in(town, range(1, 6), day(103))

    with reading(town) as connection:
        assert snapshot(connection) == before
    (ack,) = again.acks[GATEWAY]
    assert (ack.upto, ack.refused) == (5, ((STRANGER, "meter.unknown"),))
    assert (again.clone_count, again.conflict_count) == (0, 0)


def test_fewer_days_than_gateways_may_send_again_are_refused(town: Engine) -> None:
    keep(town, LEAST_DAYS - 1)

    with pytest.raises(TierError, match=r"99 days are fewer than gateways keep .* write 100 or"):
        let_leave(town, day(1000))

    assert seqs_of(town) == [1, 2, 3, 4, 5]


def test_a_stop_between_two_slices_is_heard_and_the_next_run_goes_on(town: Engine) -> None:
    keep(town, LEAST_DAYS)
    let_leave(town, day(2))
    stopped = LedgerKeeper(engine=town, is_stopped=lambda: True)

    assert let_frames_leave(stopped, day(102)) == 0
    assert let_leave(town, day(102)) == 4

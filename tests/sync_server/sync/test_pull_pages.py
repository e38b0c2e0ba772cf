"""What a page holds, and when a bucket starts anew."""

import shutil
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, delete, update

from sync_server.db.access_tables import CREW_AREA
from sync_server.db.backup_io import back_up, sqlite_file
from sync_server.db.change_store import (
    ORG_BUCKET,
    Publication,
    commit_seq,
    crew_bucket,
    publish,
    purge_tombstones,
)
from sync_server.db.server_store import draw_server_epoch
from sync_server.db.sync_tables import BUCKET_SUM
from sync_server.sync.review_store import ReviewKind, list_reviews
from sync_server.sync.service import SyncService
from sync_server.sync.upkeep import KEEP_TOMBSTONES, keep_up
from tests.sync_server.people_parts import Pen, Utility
from tests.sync_server.real_parts import NOON
from tests.sync_server.tablet_model import ModelTablet
from wire_contracts.codes import Code
from wire_contracts.errors import ContractError
from wire_contracts.pulls import MAX_PAGE_BYTES, PullAnswer, dump_pull

IDLE_BYTES = 400
"""Sync spec section 3: the goal for an idle answer."""


def show(
    connection: Connection, name: str, *, buckets: tuple[str, ...] = (ORG_BUCKET,), text: str = ""
) -> int:
    publication = Publication(
        entity="thing", entity_id=name, document={"text": text}, buckets=frozenset(buckets)
    )
    return publish(connection, publication, NOON)


def ids(answer: PullAnswer, bucket: str = ORG_BUCKET) -> list[str]:
    return [row.entity_id for page in answer.buckets if page.bucket == bucket for row in page.rows]


def test_an_idle_answer_is_small(utility: Utility) -> None:
    sync = utility.sync()
    answer = sync.pull(sync.pull(None, 500).token, 500)

    assert (answer.buckets, answer.has_more) == ((), False)
    assert len(dump_pull(answer)) <= IDLE_BYTES


def test_the_rows_of_one_transaction_are_never_split(utility: Utility) -> None:
    with utility.engine.begin() as connection:
        show(connection, "first")
    with utility.engine.begin() as connection:
        for number in range(7):
            show(connection, f"together-{number}")
    sync = utility.sync()

    first = sync.pull(None, 3)

    assert ids(first) == ["first", *(f"together-{number}" for number in range(7))]
    assert {row.seq for page in first.buckets for row in page.rows if row.entity_id != "first"} != {
        0
    }


def test_a_page_ends_where_a_megabyte_is_full(utility: Utility) -> None:
    for number in range(4):
        with utility.engine.begin() as connection:
            show(connection, f"big-{number}", text="x" * (MAX_PAGE_BYTES // 2))
    sync = utility.sync()

    first = sync.pull(None, 500)
    second = sync.pull(first.token, 500)

    assert ids(first) == ["big-0", "big-1"]
    assert first.has_more
    assert ids(second) == ["big-2", "big-3"]


def test_equal_content_published_again_is_no_change(utility: Utility) -> None:
    with utility.engine.begin() as connection:
        seq = show(connection, "a")
    with utility.engine.begin() as connection:
        assert show(connection, "a") == seq
        assert show(connection, "a", text="new") > seq


def test_a_bucket_that_is_not_allowed_any_more_is_dropped(utility: Utility) -> None:
    sync = utility.sync()
    first = sync.pull(None, 500)
    with utility.engine.begin() as connection:
        connection.execute(delete(CREW_AREA).where(CREW_AREA.c.crew_id == "crew-1"))

    second = sync.pull(first.token, 500)

    assert second.dropped_buckets == ("area:north",)
    assert sync.pull(second.token, 500).dropped_buckets == ()


def test_a_tablet_below_the_horizon_starts_anew_and_one_in_its_first_pass_does_not(
    utility: Utility,
) -> None:
    with utility.engine.begin() as connection:
        show(connection, "gone")
    with utility.engine.begin() as connection:
        show(connection, "stays")
    sync = utility.sync()
    old = sync.pull(None, 500)
    with utility.engine.begin() as connection:
        show(connection, "gone", buckets=())
    passing = sync.pull(None, 1)
    with utility.engine.begin() as connection:
        purge_tombstones(connection, NOON + timedelta(days=1))

    anew = sync.pull(old.token, 500)
    going_on = sync.pull(passing.token, 500)

    assert [page.is_reset for page in anew.buckets if page.bucket == ORG_BUCKET] == [True]
    assert ids(anew) == ["stays"]
    assert not [page for page in going_on.buckets if page.bucket == ORG_BUCKET and page.is_reset]


def test_the_daily_round_forgets_tombstones_after_ninety_days_and_finds_wrong_sums(
    utility: Utility,
) -> None:
    with utility.engine.begin() as connection:
        show(connection, "gone")
    with utility.engine.begin() as connection:
        gone_seq = show(connection, "gone", buckets=())
    with utility.engine.begin() as connection:
        early = keep_up(connection, NOON + KEEP_TOMBSTONES)
        late = keep_up(connection, NOON + KEEP_TOMBSTONES + timedelta(seconds=1))
        connection.execute(update(BUCKET_SUM).values(checksum=1))
        wrong = keep_up(connection, NOON)

    assert (early.horizon, early.broken_buckets) == (0, ())
    assert (late.horizon, late.broken_buckets) == (gone_seq, ())
    assert ORG_BUCKET in wrong.broken_buckets


def test_a_restored_server_lets_tablets_start_anew(utility: Utility) -> None:
    with utility.engine.begin() as connection:
        show(connection, "a")
    before = utility.sync().pull(None, 500)
    with utility.engine.begin() as connection:
        draw_server_epoch(connection)
    restored = SyncService(utility.engine, utility.clock).for_tablet(utility.tablet)

    after = restored.pull(before.token, 500)

    assert after.server_epoch != before.server_epoch
    assert all(page.is_reset for page in after.buckets)
    assert ids(after) == ["a"]


def test_a_token_beyond_the_head_starts_anew_and_somebody_is_asked_for_a_new_epoch(
    utility: Utility, tmp_path: Path
) -> None:
    """A machine was put back from a snapshot: same epoch, fewer changes."""
    url, copy = str(utility.engine.url), tmp_path / "snapshot.sqlite3"
    with utility.engine.begin() as connection:
        show(connection, "kept")
    utility.sync().pull(None, 500)
    back_up(url, copy)
    with utility.engine.begin() as connection:
        show(connection, "of the other life")
    with utility.engine.begin() as connection:
        show(connection, "too", buckets=(crew_bucket("crew-1"),))
    pen = Pen(actor=utility.member.account_id, clock=utility.clock)
    tablet = ModelTablet(identity=utility.tablet, pen=pen)
    tablet.pull(utility.service)
    utility.engine.dispose()
    shutil.copy(copy, sqlite_file(url))
    with utility.engine.begin() as connection:
        show(connection, "new")

    service = SyncService(utility.engine, utility.clock)
    for _ in range(2):  # whatever does not fit the first page starts anew on the next
        tablet.take_page(service.for_tablet(utility.tablet).pull(tablet.disk.token, 1))
    tablet.pull(service)

    rows = tablet.disk.buckets[ORG_BUCKET]
    assert {name for entity, name in rows if entity == "thing"} == {"kept", "new"}
    assert {b: tablet.sums()[b] for b in tablet.disk.ends} == tablet.disk.ends
    with utility.engine.begin() as connection:
        asked = [(each.kind, each.code) for each in list_reviews(connection)]
    assert asked == [(ReviewKind.SELF_CHECK, Code.PULL_RESET)]
    tablet.pull(service)
    with utility.engine.begin() as connection:
        assert len(list_reviews(connection)) == 1


def test_a_token_of_another_maker_is_refused(utility: Utility) -> None:
    with pytest.raises(ContractError) as caught:
        utility.sync().pull("nonsense", 500)

    assert caught.value.code is Code.PULL_RESET


def test_a_sequence_is_drawn_only_inside_a_transaction_without_savepoints(
    utility: Utility,
) -> None:
    with (
        utility.engine.begin() as connection,
        connection.begin_nested(),
        pytest.raises(RuntimeError, match="the caller's own transaction, without savepoints"),
    ):
        commit_seq(connection)


CHANGES = st.lists(
    st.tuples(
        st.sampled_from(["a", "b", "c", "d"]),
        st.sets(st.sampled_from([ORG_BUCKET, crew_bucket("crew-1"), crew_bucket("crew-2")])),
        st.integers(0, 2),
        st.integers(1, 3),
    ),
    max_size=12,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(changes=CHANGES)
def test_any_changes_read_at_any_pace_leave_the_tablet_equal_to_its_buckets(
    utility: Utility, changes: list[tuple[str, set[str], int, int]]
) -> None:
    pen = Pen(actor=utility.member.account_id, clock=utility.clock)
    tablet = ModelTablet(identity=utility.tablet, pen=pen)
    wanted: dict[str, set[str]] = {}
    for name, buckets, text, limit in changes:
        with utility.engine.begin() as connection:
            show(connection, name, buckets=tuple(buckets), text=str(text))
        wanted[name] = buckets
        tablet.take_page(utility.sync().pull(tablet.disk.token, limit))
    tablet.pull(utility.service)

    for bucket, rows in tablet.disk.buckets.items():
        names = {entity_id for entity, entity_id in rows if entity == "thing"}
        assert names & set(wanted) == {name for name in wanted if bucket in wanted[name]}
    assert {b: tablet.sums()[b] for b in tablet.disk.ends} == tablet.disk.ends

"""A person who works alone is asked for when the tablet itself says nothing any more."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select

from field_app.crew import HeadlessCrew
from field_app.sync.reasons import Reason
from sync_server.db.order_tables import FACT
from sync_server.paging.page_store import due_pages, keep_page, unheard_things
from sync_server.paging.paging import Concern
from sync_server.sync.lone_workers import Watchman, ask_for_silent, note_watch
from sync_server.sync.review_store import SERVER, ReviewItem, ReviewKind, list_reviews
from sync_server.work_orders.order import Fact
from tests.field_app.office_parts import BadNetwork, Office
from tests.field_app.test_push_passing import POISON, contacts, stand_before
from wire_contracts.frames import ms_from_utc, utc_from_ms
from wire_contracts.operations import DeviceTime
from wire_contracts.orders import FactType
from wire_contracts.site_facts import (
    HelpCall,
    HelpReason,
    LoneWorkerEvent,
    WatchEvent,
    watch_json,
)


def say(crew: HeadlessCrew, office: Office, event: WatchEvent) -> None:
    """Say it on the tablet, good for half an hour, and let the server hear it."""
    due_ms = ms_from_utc(office.clock.now_utc() + timedelta(minutes=30))
    is_over = event is WatchEvent.ENDED
    crew.tablet.calls.tell_watch(
        LoneWorkerEvent(
            event=event, person="Li Wei", due_ms=None if is_over else due_ms, place="VW-31"
        )
    )
    crew.sync_now()


def asked(
    office: Office, *, is_open: bool = True, up_since_utc: datetime | None = None
) -> list[ReviewItem]:
    """Return who is asked for after the server has looked."""
    now_utc = office.clock.now_utc()
    with office.engine.begin() as connection:
        ask_for_silent(connection, now_utc, up_since_utc or now_utc - timedelta(days=1))
    with office.engine.connect() as connection:
        items = list_reviews(connection, is_open=is_open)
    return [each for each in items if each.kind is ReviewKind.CREW_DANGER]


def rung(office: Office) -> int:
    """Return for how many crews somebody is rung."""
    with office.engine.connect() as connection:
        things = unheard_things(connection, office.clock.now_utc())
    return sum(each.concern is Concern.CREW_DANGER for each in things)


def test_a_tablet_that_falls_silent_during_a_watch_is_asked_for_once(
    crew: HeadlessCrew, office: Office
) -> None:
    say(crew, office, WatchEvent.STARTED)
    office.clock.advance(minutes=34)
    assert asked(office) == []

    office.clock.advance(minutes=1)

    assert len(asked(office)) == 1
    assert rung(office) == 1
    office.clock.advance(hours=3)
    assert len(asked(office)) == 1


def test_a_watch_that_was_answered_runs_from_the_answer(crew: HeadlessCrew, office: Office) -> None:
    say(crew, office, WatchEvent.STARTED)
    office.clock.advance(minutes=20)
    say(crew, office, WatchEvent.CONFIRMED)

    office.clock.advance(minutes=34)
    assert asked(office) == []
    office.clock.advance(minutes=1)

    assert len(asked(office)) == 1


def test_nobody_is_asked_for_after_the_watch_ended(crew: HeadlessCrew, office: Office) -> None:
    say(crew, office, WatchEvent.STARTED)
    say(crew, office, WatchEvent.ENDED)
    office.clock.advance(hours=5)

    assert asked(office) == []


@pytest.mark.parametrize("event", [WatchEvent.CONFIRMED, WatchEvent.ENDED])
def test_an_answer_that_comes_late_settles_the_question(
    crew: HeadlessCrew, office: Office, event: WatchEvent
) -> None:
    say(crew, office, WatchEvent.STARTED)
    office.clock.advance(hours=2)
    question = asked(office)[0]

    say(crew, office, event)

    assert asked(office) == []
    (settled,) = asked(office, is_open=False)
    assert (settled.review_id, settled.resolved_by) == (question.review_id, SERVER)


def test_a_tablet_that_calls_by_itself_is_not_asked_for_again(
    crew: HeadlessCrew, office: Office
) -> None:
    say(crew, office, WatchEvent.STARTED)
    office.clock.advance(minutes=31)
    say(crew, office, WatchEvent.OVERDUE)
    office.clock.advance(minutes=3)
    say(crew, office, WatchEvent.ESCALATED)
    calls = len(asked(office))
    office.clock.advance(hours=2)

    assert len(asked(office)) == calls == 2


@pytest.mark.parametrize("clock_is_off", [timedelta(days=-400), timedelta(0), timedelta(hours=9)])
def test_the_time_runs_by_the_servers_clock(office: Office, clock_is_off: timedelta) -> None:
    now_utc = office.clock.now_utc()
    wall_ms = ms_from_utc(now_utc + clock_is_off)
    event = LoneWorkerEvent(
        event=WatchEvent.STARTED, person="Li Wei", due_ms=wall_ms + 1_800_000, place=""
    )
    fact = Fact(
        fact_id="fact-1",
        fact_type=FactType.LONE_WORKER,
        order_id=None,
        actor="li",
        tablet_id="tablet-1",
        op_id="op-1",
        payload=watch_json(event),
        happened_at_utc=now_utc,
        received_at_utc=now_utc,
    )
    with office.engine.begin() as connection:
        note_watch(
            connection, fact, DeviceTime(wall_ms=wall_ms, mono_ms=1, boot_id="b", offset_ms=0)
        )

    office.clock.advance(minutes=34)
    assert asked(office) == []
    office.clock.advance(minutes=1)
    assert len(asked(office)) == 1


def test_nobody_is_rung_for_who_answered_after_all_and_the_question_stays(
    crew: HeadlessCrew, office: Office
) -> None:
    say(crew, office, WatchEvent.STARTED)
    office.clock.advance(minutes=31)
    say(crew, office, WatchEvent.OVERDUE)
    assert rung(office) == 1

    office.clock.advance(minutes=1)
    say(crew, office, WatchEvent.CONFIRMED)

    assert rung(office) == 0
    assert len(asked(office)) == 1


@pytest.mark.parametrize("comes_together", [False, True])
def test_nobody_is_rung_for_a_call_for_help_that_is_over(
    crew: HeadlessCrew, office: Office, *, comes_together: bool
) -> None:
    call = HelpCall(reason=HelpReason.GAS, place="VW-31")
    crew.tablet.calls.call_help(call)
    if not comes_together:
        crew.sync_now()
        assert rung(office) == 1
    office.clock.advance(minutes=1)
    crew.tablet.calls.call_help(replace(call, is_over=True))
    crew.sync_now()
    assert rung(office) == 0

    office.clock.advance(minutes=1)
    crew.tablet.calls.call_help(call)
    crew.sync_now()
    assert rung(office) == 1


def test_a_server_that_was_away_waits_for_the_tablets_first(
    crew: HeadlessCrew, office: Office
) -> None:
    say(crew, office, WatchEvent.STARTED)
    office.clock.advance(hours=2)
    up_since_utc = office.clock.now_utc()

    office.clock.advance(minutes=4)
    assert asked(office, up_since_utc=up_since_utc) == []
    office.clock.advance(minutes=1)
    assert len(asked(office, up_since_utc=up_since_utc)) == 1


def test_a_call_behind_one_that_is_over_rings_whatever_the_clock_says(
    crew: HeadlessCrew, office: Office
) -> None:
    call = HelpCall(reason=HelpReason.GAS, place="VW-31")
    crew.sync_now()
    crew.tablet.calls.call_help(call)
    office.clock.advance(hours=2)
    crew.tablet.calls.call_help(replace(call, is_over=True))
    office.clock.advance(hours=-1)
    crew.tablet.calls.call_help(call)
    office.clock.advance(hours=-1)

    crew.sync_now()

    assert rung(office) == 1


def test_a_watch_that_begins_anew_behind_a_clock_that_was_put_right_is_looked_after(
    crew: HeadlessCrew, office: Office
) -> None:
    say(crew, office, WatchEvent.STARTED)
    office.clock.advance(hours=3)
    over = LoneWorkerEvent(event=WatchEvent.ENDED, person="Li Wei", due_ms=None, place="VW-31")
    crew.tablet.calls.tell_watch(over)
    office.clock.advance(hours=-3, minutes=10)
    say(crew, office, WatchEvent.STARTED)

    office.clock.advance(minutes=40)

    assert len(asked(office)) == 1


def sync_until_all_is_sent(crew: HeadlessCrew, office: Office) -> None:
    """Let what was passed over have its turns again."""
    for _ in range(10):
        office.clock.advance(hours=9)
        crew.sync_now()
        if crew.tablet.status().outbox.waiting == 0:
            return
    pytest.fail("what was passed over is never sent")


def test_an_end_that_was_passed_over_does_not_end_the_watch_that_began_behind_it(
    crew: HeadlessCrew, office: Office, network: BadNetwork
) -> None:
    crew.sync_now()
    guard = stand_before(network, Reason.SERVER)
    over = LoneWorkerEvent(event=WatchEvent.ENDED, person="Li Wei", due_ms=None, place=POISON)
    crew.tablet.calls.tell_watch(over)
    contacts(crew, office, 3)
    say(crew, office, WatchEvent.STARTED)
    network.api = guard.api

    sync_until_all_is_sent(crew, office)

    assert len(asked(office)) == 1


def test_a_call_that_is_over_and_was_passed_over_does_not_hide_the_one_behind_it(
    crew: HeadlessCrew, office: Office, network: BadNetwork
) -> None:
    call = HelpCall(reason=HelpReason.GAS, place="pit 1")
    crew.sync_now()
    guard = stand_before(network, Reason.SERVER)
    crew.tablet.calls.call_help(replace(call, place=POISON, is_over=True))
    contacts(crew, office, 3)
    crew.tablet.calls.call_help(replace(call, place="pit 3"))
    crew.sync_now()
    network.api = guard.api

    sync_until_all_is_sent(crew, office)

    assert rung(office) == 1


def test_a_server_whose_clock_is_put_back_after_its_start_looks_after_watches_all_the_same(
    crew: HeadlessCrew, office: Office
) -> None:
    watchman = Watchman(office.clock.now_utc())
    office.clock.advance(hours=-8)
    say(crew, office, WatchEvent.STARTED)
    with office.engine.begin() as connection:
        assert watchman.look(connection, office.clock.now_utc()) == 0

    office.clock.advance(minutes=40)

    with office.engine.begin() as connection:
        assert watchman.look(connection, office.clock.now_utc()) == 1


@pytest.mark.parametrize("back", [timedelta(hours=8), timedelta(days=400)])
def test_a_watch_runs_on_when_the_servers_clock_is_put_back_meanwhile(
    crew: HeadlessCrew, office: Office, back: timedelta
) -> None:
    say(crew, office, WatchEvent.STARTED)
    office.clock.advance(minutes=10, seconds=-back.total_seconds())

    assert asked(office) == []
    office.clock.advance(minutes=34)
    assert asked(office) == []
    office.clock.advance(minutes=1)

    assert len(asked(office)) == 1


@pytest.mark.parametrize("is_paged", [False, True])
def test_a_call_for_help_rings_on_when_the_servers_clock_is_put_back_meanwhile(
    crew: HeadlessCrew, office: Office, *, is_paged: bool
) -> None:
    crew.tablet.calls.call_help(HelpCall(reason=HelpReason.GAS, place="VW-31"))
    crew.sync_now()
    with office.engine.begin() as connection:
        for page in due_pages(connection, office.clock.now_utc()) if is_paged else ():
            keep_page(connection, page, office.clock.now_utc())

    office.clock.advance(hours=-8)

    with office.engine.connect() as connection:
        assert due_pages(connection, office.clock.now_utc())


@pytest.mark.parametrize(("heard_min", "is_asked"), [(-10, True), (10, False)])
def test_a_word_of_another_copy_of_the_tablet_counts_where_it_had_heard_of_the_server_later(
    crew: HeadlessCrew, office: Office, *, heard_min: int, is_asked: bool
) -> None:
    crew.sync_now()
    say(crew, office, WatchEvent.STARTED)
    with office.engine.begin() as connection:
        row = connection.execute(select(FACT)).one()
        ended = Fact(
            fact_id="of-another-copy",
            fact_type=FactType.LONE_WORKER,
            order_id=None,
            actor=row.actor,
            tablet_id=row.tablet_id,
            op_id="0192f5c0-0000-7000-8000-000000000001",
            payload=watch_json(
                LoneWorkerEvent(event=WatchEvent.ENDED, person="Li Wei", due_ms=None, place="VW-31")
            ),
            happened_at_utc=office.clock.now_utc(),
            received_at_utc=office.clock.now_utc(),
            word_utc=utc_from_ms(row.word_ms + heard_min * 60_000),
            replica_id="another",
            n=99,
        )
        note_watch(connection, ended, DeviceTime(wall_ms=0, mono_ms=0, boot_id="b", offset_ms=0))

    office.clock.advance(minutes=40)

    assert len(asked(office)) == is_asked
